import { Button, Skeleton } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ApiError, type Schemas, unwrap } from '../../api/client';
import { quarantineQuery } from '../../api/queries';
import { problemText } from '../../components/problem';
import { ReleaseDialog } from '../../forms/release-quarantined';
import { useTitle } from '../../hooks/useTitle';
import { type Key, useTexts } from '../../i18n';
import { EmptyState } from '../../ui/EmptyState';
import { IconAlertTriangle, IconRefresh, IconShieldCheck, IconShieldLock } from '../../ui/icons';
import page from '../page.module.css';
import classes from './QuarantinePage.module.css';

type Row = Schemas['QuarantineRow'];

/** What waits for a decision: archived as it is, shown to nobody. */
export function QuarantinePage() {
  const texts = useTexts();
  const { t, n } = texts;
  const client = useQueryClient();
  const { data, error, isPending, hasNextPage, fetchNextPage, isFetchingNextPage, refetch } = useInfiniteQuery(quarantineQuery);
  const [releasing, setReleasing] = useState<Row | null>(null);
  useTitle(t('quarantine.title'));
  const rows = data?.pages.flatMap((answer) => answer.rows) ?? [];
  const retry = useMutation({
    mutationFn: (row: Row) => unwrap(api.POST('/api/v1/quarantine/{id}/retry', { params: { path: { id: row.id } } })),
    onSuccess: () => notifications.show({ message: t('quarantine.retried'), color: 'green' }),
    onError: (failure) => notifications.show({ message: problemText(failure, texts), color: 'red' }),
    onSettled: () => client.invalidateQueries({ queryKey: ['quarantine'] }),
  });
  if (error) {
    const hidden = error instanceof ApiError && (error.status === 404 || error.status === 403);
    return (
      <EmptyState level={1} alert icon={hidden ? <IconShieldLock size={24} /> : <IconAlertTriangle size={24} />} title={hidden ? t('admin.onlyTitle') : t('error.title')} actions={!hidden && <Button variant="default" onClick={() => void refetch()}>{t('error.retry')}</Button>}>
        {hidden ? t('admin.onlyText') : problemText(error, texts)}
      </EmptyState>
    );
  }
  const total = data?.pages[0]?.total ?? 0;
  return (
    <div className={page.page}>
      <div className={page.sheet}>
        <header className={page.head}>
          <div>
            <h1 className={page.title}>{t('quarantine.title')}</h1>
            <p className={page.lead}>{t('quarantine.lead')}</p>
          </div>
          <div role="status" className={page.aside}>{!isPending && n('quarantine.total', total)}</div>
        </header>
        {isPending ? (
          <div className={page.card} role="status" aria-label={t('list.loading')}>{[1, 2, 3, 4].map((i) => <div key={i} className={classes.ghost}><Skeleton height={11} width={`${30 + i * 6}%`} mb={9} /><Skeleton height={10} width={`${75 - i * 5}%`} /></div>)}</div>
        ) : rows.length === 0 ? (
          <div className={page.card}><EmptyState icon={<IconShieldCheck size={24} />} title={t('quarantine.empty')}>{t('quarantine.emptyText')}</EmptyState></div>
        ) : (
          <div className={page.card}>
            <ul className={classes.list}>
              {rows.map((row) => (
                <Entry key={row.id} row={row} busy={retry.isPending && retry.variables?.id === row.id} onRetry={() => retry.mutate(row)} onRelease={() => setReleasing(row)} />
              ))}
            </ul>
          </div>
        )}
        {hasNextPage && <Button variant="default" mt="sm" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>{t('quarantine.more')}</Button>}
      </div>
      <ReleaseDialog row={releasing} onClose={() => setReleasing(null)} />
    </div>
  );
}

interface EntryProps {
  row: Row;
  busy: boolean;
  onRetry: () => void;
  onRelease: () => void;
}

function Entry({ row, busy, onRetry, onRelease }: EntryProps) {
  const { t, date, relative, bytes } = useTexts();
  const key = `reason.${row.reason.code.replace(/-/g, '_')}` as Key;
  const title = t(key) === key ? row.reason.code : t(key);
  const waiting = row.state === 'waiting';
  const stateKey = `quarantine.state.${row.state}` as Key;
  const meaning = `${key}.text` as Key;
  const facts: [string, string][] = [
    [t('quarantine.organisation'), row.originatorOrg ?? t('quarantine.none')],
    [t('quarantine.sender'), row.reversePath ?? t('arrival.nullSender')],
    [t('quarantine.source'), row.source],
    [t('quarantine.size'), bytes(row.sizeBytes)],
  ];
  return (
    <li className={classes.entry}>
      <div className={classes.text}>
        <div className={classes.reason}>
          <h2 className={classes.title}>{title}</h2>
          {!waiting && <span className={classes.state}>{t(stateKey) === stateKey ? row.state : t(stateKey)}</span>}
          <time className={classes.time} dateTime={row.receivedAt} title={date(row.receivedAt)}>{relative(row.receivedAt)}</time>
        </div>
        {t(meaning) !== meaning && <p className={classes.detail}>{t(meaning)}</p>}
        {row.reason.detail && row.reason.detail !== row.originatorOrg && <p className={classes.detail}>{row.reason.detail}</p>}
        <dl className={classes.facts}>
          {facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
        </dl>
      </div>
      <div className={classes.actions}>
        <Button variant="default" leftSection={<IconRefresh size={14} aria-hidden />} loading={busy} onClick={onRetry} disabled={!waiting} title={t('quarantine.retryHint')}>{t('quarantine.retry')}</Button>
        <Button variant="light" onClick={onRelease} disabled={!waiting}>{t('quarantine.release')}</Button>
      </div>
    </li>
  );
}
