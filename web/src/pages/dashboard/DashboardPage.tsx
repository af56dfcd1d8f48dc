import { SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type Dashboard, dashboardQuery, type HistoryUnit } from '../../api/tenancy';
import { paths } from '../../app/paths';
import { Certificates } from '../../components/Certificates';
import { Failure } from '../../components/Failure';
import { useFilters } from '../../hooks/useFilters';
import { type Key, useTexts } from '../../i18n';
import { Note } from '../../ui/Badge';
import { Page, Panel, Panels } from '../../ui/Page';
import { Tile, Tiles } from '../../ui/Tile';
import { HistoryChart } from './HistoryChart';
import { Ranking } from './Ranking';

const UNITS: HistoryUnit[] = ['hour', 'day', 'month'];
const INDEX_LAG_USUAL = 5_000;
const GHOSTS = ['dashboard.mails', 'dashboard.stored', 'status.spool', 'status.lag', 'status.quarantined'] as const;

/** How the archive of this tenant, or of all of them, is doing. */
export function DashboardPage() {
  const { t } = useTexts();
  const [filters, setFilters] = useFilters();
  const unit = UNITS.find((one) => one === filters.unit) ?? 'hour';
  const { data, error, refetch } = useQuery(dashboardQuery(unit));
  if (error && !data) return <Page title={t('dashboard.title')}><Failure error={error} retry={() => void refetch()} /></Page>;
  const chooser = (
    <SegmentedControl size="xs" aria-label={t('dashboard.unit')} value={unit} onChange={(value) => setFilters({ unit: value === 'hour' ? undefined : value })} data={UNITS.map((value) => ({ value, label: t(`dashboard.unit.${value}`) }))} />
  );
  return (
    <Page title={t('dashboard.title')} lead={data ? (data.tenant ? data.tenant.name : t('dashboard.allTenants')) : '…'} actions={chooser}>
      {error && <Note tone="warn" alert>{t('status.stale')}</Note>}
      {data?.failures.map((failure) => (
        <Note key={failure.code + failure.detail} tone="bad" title={t(`dashboard.failure.${failure.code}` as Key)} alert>{failure.detail}</Note>
      ))}
      {data ? <Figures data={data} /> : <Tiles>{GHOSTS.map((label) => <Tile key={label} label={t(label)} value="…" note=" " />)}</Tiles>}
    </Page>
  );
}

function Figures({ data }: { data: Dashboard }) {
  const { t, n, number, bytes, duration, relative } = useTexts();
  const { figures, storage, spool, index } = data;
  const stored = storage.packs + storage.keys;
  const waiting = data.waiting.reduce((sum, reason) => sum + reason.count, 0);
  const shareOfQuota = storage.quotaBytes ? (stored / storage.quotaBytes) * 100 : null;
  return (
    <>
      <Tiles>
        <Tile label={t('dashboard.mails')} value={number(figures.records)} note={n('dashboard.reports', figures.reports)} />
        <Tile label={t('dashboard.stored')} value={bytes(stored)} note={shareOfQuota === null ? t('dashboard.received', { size: bytes(figures.rawBytes) }) : t('dashboard.quota', { percent: number(shareOfQuota), size: bytes(storage.quotaBytes ?? 0) })} tone={storage.quotaState === 'fine' ? 'plain' : storage.quotaState === 'warning' ? 'warn' : 'bad'} />
        <Tile label={t('dashboard.reduction')} value={data.reduction ? t('dashboard.factor', { factor: number(data.reduction, 1) }) : '–'} note={t('dashboard.reductionText')} />
        <Tile label={t('status.spool')} value={number(spool.depth)} unit={t('status.waiting')} note={spool.state === 'full' ? t('status.spoolFull') : spool.depth === 0 ? t('status.spoolEmpty') : t('status.spoolOldest', { age: duration(spool.oldestSeconds ?? 0), size: bytes(spool.bytes) })} tone={spool.state === 'full' ? 'bad' : 'good'} />
        <Tile label={t('status.lag')} value={number(index.lag)} unit={t('status.notSearchable')} note={index.lastCommitAt ? t('status.lastCommit', { when: relative(index.lastCommitAt) }) : t('status.noCommit')} tone={index.lag > INDEX_LAG_USUAL ? 'warn' : 'good'} />
        <Tile label={t('status.quarantined')} value={number(waiting)} unit={t('status.decisions')} note={data.tenant ? <Link to={paths.queues}>{t('dashboard.toQueues')}</Link> : t('dashboard.inTenants')} tone={waiting > 0 ? 'warn' : 'good'} />
      </Tiles>
      <Panels>
        <Panel title={t('dashboard.mailsOver')}><HistoryChart data={data} measure="mails" /></Panel>
        <Panel title={t('dashboard.bytesOver')}><HistoryChart data={data} measure="bytes" /></Panel>
        {data.tenants ? (
          <Panel title={t('dashboard.topTenants')} lead={t('dashboard.tenantCount', { total: number(data.tenants.total), suspended: number(data.tenants.suspended) })}>
            <Ranking empty={t('dashboard.noTenants')} rows={data.tenants.top.map((row) => ({ key: row.id, name: <Link to={paths.tenant} params={{ tenantId: row.id }}>{row.name}</Link>, size: row.rawBytes, text: `${number(row.records)} · ${bytes(row.rawBytes)}` }))} />
          </Panel>
        ) : (
          <Panel title={t('dashboard.mailboxes')} lead={t('dashboard.mailboxesText')}>
            <Ranking empty={t('dashboard.noMailboxes')} rows={data.mailboxes.map((row) => ({ key: row.account, name: <Link to={paths.account} params={{ accountId: row.account }}>{row.displayName || row.userName}</Link>, size: row.bytes, text: `${number(row.mails)} · ${bytes(row.bytes)}` }))} />
          </Panel>
        )}
        <Panel title={t('status.certificates')}><Certificates certificates={data.certificates} /></Panel>
      </Panels>
    </>
  );
}
