import { Button, Select, UnstyledButton } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { type AuditEvent, type AuditFilter, auditExportUrl, auditQuery } from '../../api/audit';
import { Failure } from '../../components/Failure';
import { useFilters } from '../../hooks/useFilters';
import { type Key, type Translator, useTexts } from '../../i18n';
import { Badge, Note, type Tone } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { DateField } from '../../ui/DateField';
import { addDays, isDay, startOf } from '../../ui/days';
import { EmptyState } from '../../ui/EmptyState';
import { FilterBox } from '../../ui/FilterBox';
import { IconDownload, IconHistory } from '../../ui/icons';
import { Facts, Page, Panel } from '../../ui/Page';
import { Dialog, useDialog } from '../../ui/Dialog';
import classes from './AuditPage.module.css';

const OUTCOMES = ['done', 'denied', 'failed'] as const;
const AREAS = ['session', 'mail', 'account', 'grant', 'access', 'group', 'directory', 'audit', 'quarantine', 'source', 'domain', 'tenant', 'settings'] as const;
const TONES: Record<string, Tone> = { denied: 'warn', done: 'good', failed: 'bad' };

/** The action in words, or as it is called. */
function actionText(action: string, { t }: Translator): string {
  const key = `audit.action.${action}` as Key;
  return t(key) === key ? action : t(key);
}

/** Who did what, when, from where and why. Looking at it is recorded too. */
export function AuditPage() {
  const texts = useTexts();
  const { t, exact } = texts;
  const [filters, setFilters] = useFilters();
  const [asked, setAsked] = useState(false);
  const since = filters.since && isDay(filters.since) ? filters.since : '';
  const until = filters.until && isDay(filters.until) ? filters.until : '';
  const filter: AuditFilter = {
    ...(filters.q ? { q: filters.q } : {}),
    ...(filters.who ? { who: filters.who } : {}),
    ...(filters.action ? { action: filters.action } : {}),
    ...(OUTCOMES.some((one) => one === filters.outcome) ? { outcome: filters.outcome } : {}),
    ...(since ? { since: startOf(since) } : {}),
    ...(until ? { until: startOf(addDays(until, 1)) } : {}),
  };
  const list = useInfiniteQuery({ ...auditQuery(filter), staleTime: Infinity });
  const shown = useDialog<AuditEvent>();
  if (list.error && !list.data) return <Page title={t('audit.title')}><Failure error={list.error} retry={() => void list.refetch()} /></Page>;
  return (
    <Page
      title={t('audit.title')}
      lead={t('audit.lead')}
      actions={
        <>
          <Button component="a" href={auditExportUrl(filter, 'csv')} download variant="default" leftSection={<IconDownload size={14} aria-hidden />} onClick={() => setAsked(true)}>{t('audit.csv')}</Button>
          <Button component="a" href={auditExportUrl(filter, 'jsonl')} download variant="default" onClick={() => setAsked(true)}>{t('audit.jsonl')}</Button>
        </>
      }
    >
      {asked && <Note tone="info" alert>{t('audit.exported')}</Note>}
      <Panel title={t('audit.events')} flush>
        <div className={classes.filters}>
          <FilterBox label={t('audit.filter')} value={filters.q ?? ''} onChange={(q) => setFilters({ q })} delayMs={400} />
          <FilterBox label={t('audit.whoFilter')} value={filters.who ?? ''} onChange={(who) => setFilters({ who })} delayMs={400} />
          <Select size="xs" w={170} aria-label={t('audit.action')} allowDeselect={false} value={filters.action ?? ''} onChange={(value) => setFilters({ action: value || undefined })} data={[{ value: '', label: t('audit.anyAction') }, ...AREAS.map((value) => ({ value, label: t(`audit.area.${value}`) }))]} />
          <Select size="xs" w={150} aria-label={t('audit.outcome')} allowDeselect={false} value={filters.outcome ?? ''} onChange={(value) => setFilters({ outcome: value || undefined })} data={[{ value: '', label: t('audit.anyOutcome') }, ...OUTCOMES.map((value) => ({ value, label: t(`audit.outcome.${value}`) }))]} />
          <DateField size="xs" w={145} aria-label={t('span.from')} value={since} max={until || undefined} onChange={(day) => setFilters({ since: day || undefined })} />
          <DateField size="xs" w={145} aria-label={t('span.until')} value={until} min={since || undefined} onChange={(day) => setFilters({ until: day || undefined })} />
        </div>
        <DataTable
          label={t('audit.title')}
          rows={list.data?.pages.flatMap((page) => page.events)}
          rowKey={(event) => String(event.row)}
          more={{ has: list.hasNextPage, busy: list.isFetchingNextPage, load: () => void list.fetchNextPage() }}
          empty={<EmptyState icon={<IconHistory size={24} />} title={t('list.none')}>{t('audit.emptyText')}</EmptyState>}
          columns={[
            { title: t('audit.at'), cell: (event) => <time dateTime={event.at}>{exact(event.at)}</time> },
            { title: t('audit.who'), header: true, cell: (event) => event.who || <span className="muted">{t('audit.nobody')}</span> },
            { title: t('audit.what'), cell: (event) => <UnstyledButton className="link" onClick={() => shown.open(event)}>{actionText(event.action, texts)}</UnstyledButton> },
            { title: t('audit.object'), cell: (event) => <span className={classes.object}>{event.object}</span> },
            { title: t('release.reason'), cell: (event) => event.reason ?? '' },
            { title: t('audit.outcome'), cell: (event) => <Badge tone={TONES[event.outcome] ?? 'plain'}>{t(`audit.outcome.${event.outcome}` as Key)}</Badge> },
            { title: t('audit.from'), cell: (event) => event.ip ?? '' },
          ]}
        />
      </Panel>
      <Dialog dialog={shown} title={(event) => actionText(event.action, texts)} size={640}>{(event) => <Detail event={event} />}</Dialog>
    </Page>
  );
}

function Detail({ event }: { event: AuditEvent }) {
  const { t, exact } = useTexts();
  const detail = JSON.stringify(event.detail, null, 2);
  return (
    <>
      <Facts
        facts={[
          [t('audit.at'), exact(event.at)],
          [t('audit.who'), event.who || t('audit.nobody')],
          [t('audit.action'), event.action],
          [t('audit.outcome'), t(`audit.outcome.${event.outcome}` as Key)],
          [t('audit.from'), event.ip ?? '–'],
          [t('audit.object'), event.object || '–'],
          event.reason ? [t('release.reason'), event.reason] : null,
        ]}
      />
      {detail !== 'null' && detail !== '{}' && <pre className={classes.detail} tabIndex={0} aria-label={t('audit.detail')}>{detail}</pre>}
    </>
  );
}
