import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type TenantRow, tenantsQuery } from '../../api/tenancy';
import { paths } from '../../app/paths';
import { Failure } from '../../components/Failure';
import { useFilters } from '../../hooks/useFilters';
import { useTexts } from '../../i18n';
import { Badge } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { Dialog, useDialog } from '../../ui/Dialog';
import { EmptyState } from '../../ui/EmptyState';
import { FilterBox } from '../../ui/FilterBox';
import { IconBuilding, IconPlus } from '../../ui/icons';
import { Page, Panel } from '../../ui/Page';
import { NewTenantForm } from './NewTenantForm';

/** All customers of this server; only for operators. */
export function TenantsPage() {
  const { t, n, number, bytes, day, stamp } = useTexts();
  const { data, error, refetch } = useQuery(tenantsQuery);
  const [filters, setFilters] = useFilters();
  const adding = useDialog();
  const q = filters.q ?? '';
  if (error && !data) return <Page title={t('tenants.title')}><Failure error={error} retry={() => void refetch()} /></Page>;
  const rows = data?.tenants.filter((tenant) => tenant.name.toLowerCase().includes(q.toLowerCase()));
  return (
    <Page title={t('tenants.title')} lead={t('tenants.lead')} actions={<Button leftSection={<IconPlus size={14} aria-hidden />} onClick={() => adding.open(true)}>{t('tenants.add')}</Button>}>
      <Panel title={t('tenants.list')} lead={rows && <span role="status">{n('tenants.count', rows.length)}</span>} actions={<FilterBox label={t('tenants.filter')} value={q} onChange={(value) => setFilters({ q: value })} />} flush>
        <DataTable<TenantRow>
          label={t('tenants.title')}
          rows={rows}
          rowKey={(tenant) => tenant.id}
          empty={<EmptyState icon={<IconBuilding size={24} />} title={q ? t('list.none') : t('tenants.empty')}>{q ? t('list.noneText') : t('tenants.emptyText')}</EmptyState>}
          columns={[
            { title: t('tenants.name'), header: true, cell: (tenant) => <Link className="link" to={paths.tenant} params={{ tenantId: tenant.id }}>{tenant.name}</Link> },
            { title: t('tenants.state'), cell: (tenant) => <>{tenant.trouble ? <Badge tone="bad">{t('tenants.trouble')}</Badge> : <Badge tone={tenant.state === 'active' ? 'good' : 'warn'}>{t(tenant.state === 'active' ? 'tenants.active' : 'tenants.suspended')}</Badge>}</> },
            { title: t('dashboard.mails'), numeric: true, cell: (tenant) => number(tenant.figures.records) },
            { title: t('dashboard.stored'), numeric: true, cell: (tenant) => bytes(tenant.storage.packs + tenant.storage.keys) },
            { title: t('tenants.quota'), numeric: true, cell: (tenant) => (tenant.storage.quotaBytes === null ? <span className="muted">{t('tenants.noQuota')}</span> : <Badge tone={tenant.storage.quotaState === 'fine' ? 'plain' : tenant.storage.quotaState === 'warning' ? 'warn' : 'bad'}>{bytes(tenant.storage.quotaBytes)}</Badge>) },
            { title: t('status.quarantined'), numeric: true, cell: (tenant) => number(tenant.figures.quarantined) },
            { title: t('tenants.since'), cell: (tenant) => day(tenant.createdAt) },
          ]}
        />
      </Panel>
      {data && data.removals.length > 0 && (
        <Panel title={t('tenants.removals')} lead={t('tenants.removalsText')} flush>
          <DataTable
            label={t('tenants.removals')}
            rows={data.removals}
            rowKey={(row) => row.id}
            empty={null}
            columns={[
              { title: t('tenants.name'), header: true, cell: (row) => row.name },
              { title: t('tenants.state'), cell: (row) => (row.endedAt ? t('tenants.removedAt', { date: stamp(row.endedAt) }) : t('tenants.removing')) },
              { title: t('jobs.by'), cell: (row) => row.by },
              { title: t('release.reason'), cell: (row) => row.reason },
              { title: t('dashboard.mails'), numeric: true, cell: (row) => number(row.records) },
            ]}
          />
        </Panel>
      )}
      <Dialog dialog={adding} title={t('tenants.add')} size={540}>{() => <NewTenantForm close={adding.close} />}</Dialog>
    </Page>
  );
}
