import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { statusQuery } from '../../api/queries';
import { dashboardQuery, tenantsQuery } from '../../api/tenancy';
import { paths } from '../../app/paths';
import { Failure } from '../../components/Failure';
import { usePermissions } from '../../hooks/useSession';
import { useTexts } from '../../i18n';
import { DataTable } from '../../ui/DataTable';
import { Facts, Page, Panel } from '../../ui/Page';
import { Tile, Tiles } from '../../ui/Tile';
import { StoredChart } from '../status/StoredChart';

/** What the archive takes on disk, and what deduplication and compression spare. */
export function StoragePage() {
  const { t, number, bytes } = useTexts();
  const operator = usePermissions().includes('manage_tenants');
  const { data, error, refetch } = useQuery(dashboardQuery('hour'));
  const { data: status } = useQuery(statusQuery);
  const { data: tenants } = useQuery({ ...tenantsQuery, enabled: operator });
  if (error && !data) return <Page title={t('storage.title')}><Failure error={error} retry={() => void refetch()} /></Page>;
  const stored = data ? data.storage.packs + data.storage.keys : 0;
  return (
    <Page title={t('storage.title')} lead={t('storage.lead')}>
      <Tiles>
        <Tile label={t('dashboard.stored')} value={data ? bytes(stored) : '…'} note={data ? t('dashboard.received', { size: bytes(data.figures.rawBytes) }) : ' '} />
        <Tile label={t('dashboard.reduction')} value={data?.reduction ? t('dashboard.factor', { factor: number(data.reduction, 1) }) : '–'} note={t('dashboard.reductionText')} />
        <Tile label={t('tenants.quota')} value={!data ? '…' : data.storage.quotaBytes === null ? t('tenants.noQuota') : bytes(data.storage.quotaBytes)} note={data?.storage.quotaBytes ? t('dashboard.quota', { percent: number((stored / data.storage.quotaBytes) * 100), size: bytes(data.storage.quotaBytes) }) : ' '} tone={!data || data.storage.quotaState === 'fine' ? 'plain' : data.storage.quotaState === 'warning' ? 'warn' : 'bad'} />
      </Tiles>
      {status && (
        <Panel title={t('status.stored')} lead={t('storage.serverText')}>
          <StoredChart bytes={status.archive.storedBytes} raw={status.archive.rawBytes} />
        </Panel>
      )}
      {data && (
        <Panel title={t('storage.parts')}>
          <Facts
            facts={[
              [t('dashboard.mails'), number(data.figures.records)],
              [t('status.merged'), number(data.figures.merged)],
              [t('tenants.parts'), number(data.figures.parts)],
              [t('storage.mailBytes'), bytes(data.figures.mailBytes)],
              [t('tenants.rawBytes'), bytes(data.figures.rawBytes)],
              [t('status.part.packs'), bytes(data.storage.packs)],
              [t('status.part.keys'), bytes(data.storage.keys)],
              [t('status.part.index'), bytes(data.storage.index)],
            ]}
          />
        </Panel>
      )}
      {operator && (
        <Panel title={t('storage.byTenant')} flush>
          <DataTable
            label={t('storage.byTenant')}
            rows={tenants?.tenants.toSorted((a, b) => b.storage.packs - a.storage.packs)}
            rowKey={(tenant) => tenant.id}
            empty={null}
            columns={[
              { title: t('tenants.name'), header: true, cell: (tenant) => <Link className="link" to={paths.tenant} params={{ tenantId: tenant.id }}>{tenant.name}</Link> },
              { title: t('tenants.rawBytes'), numeric: true, cell: (tenant) => bytes(tenant.figures.rawBytes) },
              { title: t('status.part.packs'), numeric: true, cell: (tenant) => bytes(tenant.storage.packs) },
              { title: t('status.part.keys'), numeric: true, cell: (tenant) => bytes(tenant.storage.keys) },
              { title: t('status.part.index'), numeric: true, cell: (tenant) => bytes(tenant.storage.index) },
            ]}
          />
        </Panel>
      )}
    </Page>
  );
}
