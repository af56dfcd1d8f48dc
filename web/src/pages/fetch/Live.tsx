import { Progress } from '@mantine/core';
import type { FetchLive } from '../../api/fetch';
import { useTexts } from '../../i18n';
import { Facts, Panel } from '../../ui/Page';

/** A run that is under way: how far it is, and about how long it still takes. */
export function Live({ live }: { live: FetchLive }) {
  const { t, number, bytes, duration, relative } = useTexts();
  const { seen, left, failed, ...counts } = live.counts;
  const settled = left + failed + Object.values(counts).reduce((sum, count) => sum + count, 0);
  const total = Math.max(live.toRead, seen);
  return (
    <Panel title={t(live.purpose === 'reconcile' ? 'fetch.live.reconcile' : 'fetch.live.poll')} lead={relative(live.begunAt)}>
      {total > 0 && <Progress mb={12} value={(settled / total) * 100} aria-label={t('fetch.live.mails')} />}
      <Facts
        facts={[
          [t('fetch.live.mails'), t('jobs.of', { done: number(settled), total: number(total) })],
          [t('fetch.count.archived'), number(counts.archived)],
          [t('fetch.size'), bytes(live.bytes)],
          live.mailboxes > 1 ? [t('fetch.live.mailboxes'), t('jobs.of', { done: number(live.mailboxesDone), total: number(live.mailboxes) })] : null,
          live.folder ? [t('fetch.folder'), live.folder] : null,
          live.secondsLeft == null ? null : [t('fetch.live.left'), duration(live.secondsLeft)],
        ]}
      />
    </Panel>
  );
}
