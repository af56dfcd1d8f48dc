import { Button, Select, SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { LogEntry, Severity } from '../../api/operation';
import { sourcesQuery, tenantsQuery } from '../../api/tenancy';
import { useFilters } from '../../hooks/useFilters';
import { usePermissions } from '../../hooks/useSession';
import { useTexts } from '../../i18n';
import { Badge, Note, type Tone } from '../../ui/Badge';
import { EmptyState } from '../../ui/EmptyState';
import { FilterBox } from '../../ui/FilterBox';
import { IconActivity, IconPlayerPause, IconPlayerPlay } from '../../ui/icons';
import { Page, Panel } from '../../ui/Page';
import classes from './LogPage.module.css';
import { useLiveLog } from './useLiveLog';

const SEVERITIES: Severity[] = ['debug', 'info', 'warn', 'error'];
const TONES: Record<Severity, Tone> = { debug: 'plain', info: 'info', warn: 'warn', error: 'bad' };

/** What the server does, as it happens: without addresses or content of mail. */
export function LogPage() {
  const { t, n } = useTexts();
  const permissions = usePermissions();
  const [filters, setFilters] = useFilters();
  const [paused, setPaused] = useState(false);
  const severity = SEVERITIES.find((one) => one === filters.severity) ?? 'info';
  const { data: tenants } = useQuery({ ...tenantsQuery, enabled: permissions.includes('manage_tenants') });
  const { data: sources } = useQuery({ ...sourcesQuery, enabled: permissions.includes('manage_sources') });
  const live = useLiveLog({ severity, tenant: filters.tenant ?? '', source: filters.source ?? '' }, paused);
  const q = (filters.q ?? '').toLowerCase();
  const shown = live.entries.filter((entry) => q === '' || `${entry.message} ${entry.area} ${JSON.stringify(entry.fields)}`.toLowerCase().includes(q));
  const any = { value: '', label: t('log.any') };
  return (
    <Page title={t('log.title')} lead={t('log.lead')}>
      {live.state === 'broken' && <Note tone="warn" alert>{t('log.broken')}</Note>}
      <Panel
        flush
        title={<span className={classes.state}><span className={classes.dot} data-live={live.state === 'live' && !paused ? true : undefined} aria-hidden />{paused ? n('log.paused', live.held) : t(`log.state.${live.state}`)}</span>}
        actions={
          <>
            <FilterBox label={t('log.filter')} value={filters.q ?? ''} onChange={(value) => setFilters({ q: value })} />
            {tenants && <Select size="xs" aria-label={t('tenants.one')} searchable allowDeselect={false} value={filters.tenant ?? ''} onChange={(value) => setFilters({ tenant: value || undefined })} data={[{ value: '', label: t('log.anyTenant') }, ...tenants.tenants.map((tenant) => ({ value: tenant.id, label: tenant.name }))]} />}
            {sources && <Select size="xs" aria-label={t('log.source')} allowDeselect={false} value={filters.source ?? ''} onChange={(value) => setFilters({ source: value || undefined })} data={[{ ...any, label: t('log.anySource') }, ...sources.sources.map((source) => ({ value: source.id, label: source.name || source.id }))]} />}
            <SegmentedControl size="xs" aria-label={t('log.severity')} value={severity} onChange={(value) => setFilters({ severity: value === 'info' ? undefined : value })} data={SEVERITIES.map((value) => ({ value, label: t(`log.severity.${value}`) }))} />
            <Button variant="default" leftSection={paused ? <IconPlayerPlay size={14} aria-hidden /> : <IconPlayerPause size={14} aria-hidden />} onClick={() => setPaused(!paused)}>{paused ? t('log.resume') : t('log.pause')}</Button>
          </>
        }
      >
        {shown.length === 0 ? (
          <EmptyState icon={<IconActivity size={24} />} title={t('log.empty')}>{t('log.emptyText')}</EmptyState>
        ) : (
          <ol className={classes.list} aria-label={t('log.title')} tabIndex={0}>
            {shown.map((entry) => <Line key={entry.id} entry={entry} />)}
          </ol>
        )}
      </Panel>
    </Page>
  );
}

function Line({ entry }: { entry: LogEntry }) {
  const { t, exact } = useTexts();
  const fields = Object.entries(entry.fields);
  return (
    <li className={classes.line} data-severity={entry.severity}>
      <time className={classes.time} dateTime={entry.at}>{exact(entry.at)}</time>
      <span className={classes.severity}><Badge tone={TONES[entry.severity]}>{t(`log.severity.${entry.severity}`)}</Badge></span>
      <span className={classes.text}>
        {entry.message} <span className={classes.area}>{entry.area}</span>
        {fields.length > 0 && <span className={classes.fields}>{fields.map(([name, value]) => `${name}=${value}`).join('  ')}</span>}
      </span>
    </li>
  );
}
