import { Button } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { leftMailsQuery, retryLeftMails } from '../../api/fetch';
import { useAct } from '../../hooks/useAct';
import { useTexts } from '../../i18n';
import { DataTable } from '../../ui/DataTable';
import { EmptyState } from '../../ui/EmptyState';
import { IconCheck } from '../../ui/icons';
import { TabHead } from '../../ui/TabHead';

type Reason = 'failed' | 'given-up' | 'not-removed' | 'not-selected' | 'too-large';

/** Mails that could not be fetched, and why; one of them never stops the others. */
export function LeftMails({ id }: { id: string }) {
  const { t, bytes, stamp, relative, number } = useTexts();
  const { data, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(leftMailsQuery(id));
  const retry = useAct(() => retryLeftMails(id), { done: t('fetch.retried'), refresh: [['fetch']] });
  const rows = data?.pages.flatMap((page) => page.mails);
  return (
    <>
      <TabHead lead={t('fetch.leftLead')} action={rows && rows.length > 0 && <Button variant="default" loading={retry.isPending} onClick={() => retry.mutate()}>{t('fetch.retry')}</Button>} />
      <DataTable
        label={t('fetch.left')}
        rows={rows}
        rowKey={(mail) => mail.id}
        more={{ has: hasNextPage, busy: isFetchingNextPage, load: () => void fetchNextPage() }}
        empty={<EmptyState icon={<IconCheck size={24} />} title={t('fetch.leftNone')}>{t('fetch.leftNoneText')}</EmptyState>}
        columns={[
          { title: t('fetch.mail'), header: true, cell: (mail) => <div><div>{[mail.mailbox, mail.folder].filter(Boolean).join(' · ')}</div><div className="muted mono">{mail.key}</div></div> },
          { title: t('fetch.reason'), cell: (mail) => <div>{t(`fetch.leftReason.${mail.reason as Reason}`)}{mail.detail && <div className="muted" lang="en">{mail.detail}</div>}</div> },
          { title: t('fetch.size'), numeric: true, cell: (mail) => (mail.sizeBytes > 0 ? bytes(mail.sizeBytes) : '–') },
          { title: t('fetch.tries'), numeric: true, cell: (mail) => number(mail.tries) },
          { title: t('fetch.first'), cell: (mail) => stamp(mail.firstAt) },
          { title: t('fetch.next'), cell: (mail) => (mail.nextAt ? relative(mail.nextAt) : t('fetch.notByItself')) },
        ]}
      />
    </>
  );
}
