import { Button, SegmentedControl, Select } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { cancelJob, dashboardQuery, decideAll, discardQuarantined, jobsQuery, quarantineQuery, type QuarantineRow, releaseQuarantined, retryQuarantined } from '../../api/tenancy';
import { Failure } from '../../components/Failure';
import { Confirm } from '../../forms/Confirm';
import { useAct } from '../../hooks/useAct';
import { useFilters } from '../../hooks/useFilters';
import { type Key, useTexts } from '../../i18n';
import { useDialog } from '../../ui/Dialog';
import { EmptyState } from '../../ui/EmptyState';
import { IconShieldCheck } from '../../ui/icons';
import { Page, Panel } from '../../ui/Page';
import { Tile, Tiles } from '../../ui/Tile';
import { Jobs } from '../../components/Jobs';
import { QuarantineList } from './QuarantineList';

type BulkAction = 'discard' | 'release' | 'retry';

const STATES = ['waiting', 'retried', 'released', 'discarded'] as const;
const REFRESH = [['quarantine'], ['dashboard'], ['jobs'], ['domains']];

/** What waits: the spool, what is not ours, and the quarantine. Content is shown to nobody here. */
export function QueuesPage() {
  const { t, n, number, bytes, duration } = useTexts();
  const [filters, setFilters] = useFilters();
  const reason = filters.reason ?? '';
  const state = STATES.find((one) => one === filters.state) ?? 'waiting';
  const queue = useInfiniteQuery(quarantineQuery(reason, state));
  const { data: dashboard } = useQuery(dashboardQuery('hour'));
  const { data: jobs } = useQuery(jobsQuery);
  const releasing = useDialog<QuarantineRow>();
  const discarding = useDialog<QuarantineRow>();
  const deciding = useDialog<BulkAction>();
  const retry = useAct((row: QuarantineRow) => retryQuarantined(row.id), { done: t('quarantine.retried'), refresh: REFRESH });
  const cancel = useAct((id: string) => cancelJob(id), { refresh: REFRESH });
  if (queue.error && !queue.data) return <Page title={t('queues.title')}><Failure error={queue.error} retry={() => void queue.refetch()} /></Page>;
  const pages = queue.data?.pages;
  const waiting = pages?.[0]?.waiting ?? [];
  const total = pages?.[0]?.total ?? 0;
  const spool = dashboard?.spool;
  const reasonName = (code: string) => {
    const key = `reason.${code.replace(/-/g, '_')}` as Key;
    return t(key) === key ? code : t(key);
  };
  return (
    <Page title={t('queues.title')} lead={t('quarantine.lead')}>
      <Tiles>
        <Tile label={t('status.spool')} value={spool ? number(spool.depth) : '…'} unit={t('status.waiting')} note={!spool ? ' ' : spool.state === 'full' ? t('status.spoolFull') : spool.depth === 0 ? t('status.spoolEmpty') : t('status.spoolOldest', { age: duration(spool.oldestSeconds ?? 0), size: bytes(spool.bytes) })} tone={spool?.state === 'full' ? 'bad' : 'good'} />
        <Tile label={t('queues.notOurs')} value={pages ? number(waiting.find((one) => one.code === 'not-ours')?.count ?? 0) : '…'} note={t('queues.notOursText')} />
        <Tile label={t('quarantine.title')} value={pages ? number(waiting.filter((one) => one.code !== 'not-ours').reduce((sum, one) => sum + one.count, 0)) : '…'} note={t('queues.quarantineText')} />
      </Tiles>
      <Panel
        flush
        title={reason ? reasonName(reason) : t('queues.all')}
        lead={pages && <span role="status">{n('quarantine.total', total)}</span>}
        actions={
          <>
            <Select size="xs" aria-label={t('queues.reason')} value={reason} onChange={(value) => setFilters({ reason: value || undefined })} allowDeselect={false} data={[{ value: '', label: t('queues.anyReason') }, ...[...new Set([...waiting.map((one) => one.code), ...(reason ? [reason] : [])])].map((code) => ({ value: code, label: `${reasonName(code)} (${number(waiting.find((one) => one.code === code)?.count ?? 0)})` }))]} />
            <SegmentedControl size="xs" aria-label={t('queues.state')} value={state} onChange={(value) => setFilters({ state: value === 'waiting' ? undefined : value })} data={STATES.map((value) => ({ value, label: t(`queues.state.${value}`) }))} />
            {state === 'waiting' && total > 1 && (
              <>
                <Button variant="default" onClick={() => deciding.open('retry')}>{t('queues.retryAll')}</Button>
                <Button variant="default" onClick={() => deciding.open('release')}>{t('queues.releaseAll')}</Button>
                <Button variant="default" color="red" onClick={() => deciding.open('discard')}>{t('queues.discardAll')}</Button>
              </>
            )}
          </>
        }
      >
        <QuarantineList
          rows={pages?.flatMap((page) => page.rows)}
          busy={retry.isPending ? retry.variables?.id : undefined}
          reasonName={reasonName}
          onRetry={(row) => retry.mutate(row)}
          onRelease={releasing.open}
          onDiscard={discarding.open}
          more={{ has: queue.hasNextPage, busy: queue.isFetchingNextPage, load: () => void queue.fetchNextPage() }}
          empty={<EmptyState icon={<IconShieldCheck size={24} />} title={state === 'waiting' ? t('quarantine.empty') : t('queues.emptyState')}>{state === 'waiting' ? t('quarantine.emptyText') : t('queues.emptyStateText')}</EmptyState>}
        />
      </Panel>
      {jobs && jobs.jobs.length > 0 && <Panel title={t('jobs.title')} flush><Jobs jobs={jobs.jobs} onCancel={(job) => cancel.mutate(job.id)} /></Panel>}
      <Confirm dialog={releasing} title={t('release.title')} effect={() => t('release.effect')} submit={t('release.submit')} reason send={(row, why) => releaseQuarantined(row.id, why)} done={t('release.done')} refresh={REFRESH} />
      <Confirm dialog={discarding} title={t('discard.title')} effect={() => t('discard.effect')} submit={t('discard.submit')} danger reason send={(row, why) => discardQuarantined(row.id, why)} done={t('discard.done')} refresh={REFRESH} />
      <Confirm
        dialog={deciding}
        title={t('queues.decideAll')}
        effect={(action) => n(`queues.effect.${action}`, total, { reason: reason ? reasonName(reason) : t('queues.anyReason') })}
        submit={t('queues.decideSubmit')}
        danger
        reason
        send={(action, why) => decideAll({ action, reason: why, ...(reason ? { forReason: reason } : {}) })}
        done={t('jobs.begun')}
        refresh={REFRESH}
      />
    </Page>
  );
}
