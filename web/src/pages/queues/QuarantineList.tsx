import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import type { QuarantineRow } from '../../api/tenancy';
import { type Key, useTexts } from '../../i18n';
import { Badge } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import classes from './QuarantineList.module.css';

interface Props {
  rows: QuarantineRow[] | undefined;
  busy: string | undefined;
  reasonName: (code: string) => string;
  onRetry: (row: QuarantineRow) => void;
  onRelease: (row: QuarantineRow) => void;
  onDiscard: (row: QuarantineRow) => void;
  more: { has: boolean; busy: boolean; load: () => void };
  empty: ReactNode;
}

/** Submissions that wait for a decision, or waited, and what may be done with them. */
export function QuarantineList({ rows, busy, reasonName, onRetry, onRelease, onDiscard, more, empty }: Props) {
  const { t, bytes, relative, date } = useTexts();
  const meaning = (row: QuarantineRow) => {
    const key = `reason.${row.reason.code.replace(/-/g, '_')}.text` as Key;
    return t(key) === key ? '' : t(key);
  };
  return (
    <DataTable
      label={t('queues.title')}
      rows={rows}
      rowKey={(row) => row.id}
      empty={empty}
      more={more}
      columns={[
        {
          title: t('queues.reason'),
          header: true,
          cell: (row) => (
            <div className={classes.reason}>
              <div>{reasonName(row.reason.code)}</div>
              <div className={classes.text}>{meaning(row)}</div>
              {row.reason.detail && row.reason.detail !== row.originatorOrg && <div className={classes.text}>{row.reason.detail}</div>}
              {row.state !== 'waiting' && (
                <div className={classes.text}><Badge tone="info">{t(`queues.state.${row.state}` as Key)}</Badge> {[row.decidedBy, row.decidedReason].filter(Boolean).join(': ')}</div>
              )}
            </div>
          ),
        },
        {
          title: t('queues.origin'),
          cell: (row) => (
            <dl className={classes.facts}>
              <div><dt>{t('quarantine.organisation')}</dt><dd>{row.originatorOrg ?? t('quarantine.none')}</dd></div>
              <div><dt>{t('quarantine.sender')}</dt><dd>{row.reversePath ?? t('arrival.nullSender')}</dd></div>
              <div><dt>{t('quarantine.source')}</dt><dd>{row.source}</dd></div>
            </dl>
          ),
        },
        { title: t('queues.received'), cell: (row) => <time dateTime={row.receivedAt} title={date(row.receivedAt)}>{relative(row.receivedAt)}</time> },
        { title: t('quarantine.size'), numeric: true, cell: (row) => bytes(row.sizeBytes) },
        {
          title: t('table.actions'),
          actions: true,
          cell: (row) =>
            row.state === 'waiting' && (
              <div className={classes.actions}>
                <Button variant="default" loading={busy === row.id} onClick={() => onRetry(row)} title={t('quarantine.retryHint')}>{t('quarantine.retry')}</Button>
                <Button variant="light" onClick={() => onRelease(row)}>{t('quarantine.release')}</Button>
                <Button variant="subtle" color="red" onClick={() => onDiscard(row)}>{t('discard.open')}</Button>
              </div>
            ),
        },
      ]}
    />
  );
}
