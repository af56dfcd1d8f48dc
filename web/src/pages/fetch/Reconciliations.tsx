import { Button, UnstyledButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { type Reconciliation, reconciliationsQuery } from '../../api/fetch';
import { useTexts } from '../../i18n';
import { Badge, Note } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { EmptyState } from '../../ui/EmptyState';
import { IconClipboardCheck } from '../../ui/icons';
import { TabHead } from '../../ui/TabHead';

/** Reports of completeness: the server's list beside the archive. */
export function Reconciliations({ id, action }: { id: string; action: ReactNode }) {
  const { t, n, exact, number } = useTexts();
  const { data } = useQuery(reconciliationsQuery(id));
  const [opened, setOpened] = useState<string | null>(null);
  const shown = data?.reports.find((report) => report.id === opened);
  const complete = (report: Reconciliation) => report.missing === report.counts.archived + report.counts.merged + report.counts.known + report.counts.quarantined;
  return (
    <>
      <TabHead lead={t('fetch.reconcileLead')} action={action} />
      <DataTable
        label={t('fetch.reconcile')}
        rows={data?.reports}
        rowKey={(report) => report.id}
        empty={<EmptyState icon={<IconClipboardCheck size={24} />} title={t('fetch.reconcileNone')}>{t('fetch.reconcileNoneText')}</EmptyState>}
        columns={[
          { title: t('fetch.begun'), header: true, cell: (report) => exact(report.begunAt) },
          { title: t('fetch.outcome'), cell: (report) => <div><Badge tone={report.detail ? 'bad' : complete(report) ? 'good' : 'warn'}>{t(report.detail ? 'fetch.outcome.failed' : complete(report) ? 'fetch.complete' : 'fetch.incomplete')}</Badge>{report.detail && <div className="muted" lang="en">{report.detail}</div>}</div> },
          { title: t('fetch.listed'), numeric: true, cell: (report) => number(report.listed) },
          { title: t('fetch.present'), numeric: true, cell: (report) => number(report.present) },
          { title: t('fetch.missing'), numeric: true, cell: (report) => (report.named.length === 0 ? number(report.missing) : <UnstyledButton className="link" aria-expanded={opened === report.id} onClick={() => setOpened(opened === report.id ? null : report.id)}>{number(report.missing)}</UnstyledButton>) },
          { title: t('fetch.by'), cell: (report) => (report.by === 'schedule' ? t('directories.trigger.schedule') : report.by) },
          { title: t('fetch.leaf'), numeric: true, cell: (report) => (report.ledgerSeq == null ? '–' : number(report.ledgerSeq)) },
        ]}
      />
      {shown && (
        <div style={{ padding: '12px 18px' }}>
          <Note tone="warn">{t('fetch.missingOf', { time: exact(shown.begunAt) })} <Button variant="subtle" size="compact-xs" onClick={() => setOpened(null)}>{t('form.close')}</Button></Note>
          <Missing report={shown} />
          {shown.missing > shown.named.length && <p className="muted">{n('directories.moreProblems', shown.missing - shown.named.length)}</p>}
        </div>
      )}
    </>
  );
}

function Missing({ report }: { report: Reconciliation }) {
  const { t, bytes, stamp } = useTexts();
  return (
    <DataTable
      label={t('fetch.missing')}
      rows={report.named.map((mail, i) => ({ ...mail, i }))}
      rowKey={(mail) => String(mail.i)}
      empty={null}
      columns={[
        { title: t('fetch.mail'), header: true, cell: (mail) => <div><div>{[mail.mailbox, mail.folder].filter(Boolean).join(' · ')}</div><div className="muted mono">{mail.messageId ?? mail.key}</div></div> },
        { title: t('fetch.date'), cell: (mail) => stamp(mail.receivedAt) },
        { title: t('fetch.size'), numeric: true, cell: (mail) => bytes(mail.sizeBytes) },
        { title: t('fetch.outcome'), cell: (mail) => t(`fetch.count.${mail.outcome as keyof Reconciliation['counts']}`) },
      ]}
    />
  );
}
