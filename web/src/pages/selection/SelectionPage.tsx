import { Button, Checkbox, SegmentedControl, Textarea } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { type AccountEntry, accountsQuery, selectAccounts } from '../../api/people';
import { changeOwnTenant, ownTenantQuery } from '../../api/tenancy';
import { Failure } from '../../components/Failure';
import { Confirm } from '../../forms/Confirm';
import { Form } from '../../forms/Form';
import { useFields } from '../../forms/useFields';
import { useAct } from '../../hooks/useAct';
import { useFilters } from '../../hooks/useFilters';
import { useTexts } from '../../i18n';
import { Note } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { useDialog } from '../../ui/Dialog';
import { EmptyState } from '../../ui/EmptyState';
import { FilterBox } from '../../ui/FilterBox';
import { IconUsers } from '../../ui/icons';
import { Page, Panel } from '../../ui/Page';

const REASON_LENGTH_MIN = 5;
const WHICH = ['all', 'selected', 'others'] as const;

/** Archiving for some accounts only, with the warning that belongs to it. */
export function SelectionPage() {
  const { t, n } = useTexts();
  const [filters, setFilters] = useFilters();
  const which = WHICH.find((one) => one === filters.show) ?? 'all';
  const tenant = useQuery(ownTenantQuery);
  const list = useInfiniteQuery(accountsQuery({ ...(filters.q ? { q: filters.q } : {}), ...(which === 'all' ? {} : { archived: which === 'selected' }) }));
  const everybody = useDialog<boolean>();
  const refresh = [['accounts']];
  const toggle = useAct(({ row, archived }: { row: AccountEntry; archived: boolean }) => selectAccounts(archived, [row.id]), { refresh });
  if (tenant.error && !tenant.data) return <Page title={t('selection.title')}><Failure error={tenant.error} retry={() => void tenant.refetch()} /></Page>;
  const on = tenant.data?.settings.archiveOnlySelected ?? false;
  const total = list.data?.pages[0]?.total;
  const chosen = (row: AccountEntry) => (toggle.isPending && toggle.variables.row.id === row.id ? toggle.variables.archived : row.archived);
  return (
    <Page title={t('selection.title')} lead={t('selection.lead')}>
      <Note tone="warn" title={t('selection.dutyTitle')}>{t('selection.duty')}</Note>
      {tenant.data && <Switch key={String(on)} on={on} />}
      <Panel
        title={<span role="status">{total === undefined ? '…' : n('accounts.count', total)}</span>}
        lead={t(on ? 'selection.listOn' : 'selection.listOff')}
        actions={
          <>
            <FilterBox label={t('accounts.filter')} value={filters.q ?? ''} onChange={(q) => setFilters({ q })} />
            <SegmentedControl size="xs" aria-label={t('selection.show')} value={which} onChange={(value) => setFilters({ show: value === 'all' ? undefined : value })} data={WHICH.map((value) => ({ value, label: t(`selection.show.${value}`) }))} />
            <Button variant="default" onClick={() => everybody.open(true)}>{t('selection.selectAll')}</Button>
            <Button variant="default" onClick={() => everybody.open(false)}>{t('selection.selectNone')}</Button>
          </>
        }
        flush
      >
        <DataTable
          label={t('selection.title')}
          rows={list.data?.pages.flatMap((page) => page.rows)}
          rowKey={(row) => row.id}
          more={{ has: list.hasNextPage, busy: list.isFetchingNextPage, load: () => void list.fetchNextPage() }}
          empty={<EmptyState icon={<IconUsers size={24} />} title={t('list.none')}>{t('list.noneText')}</EmptyState>}
          columns={[
            { title: t('accounts.name'), header: true, cell: (row) => <Checkbox checked={chosen(row)} onChange={(event) => toggle.mutate({ row, archived: event.currentTarget.checked })} label={row.displayName || row.userName} description={row.userName} /> },
            { title: t('accounts.addresses'), cell: (row) => [...new Set(row.addresses.filter((span) => !span.until).map((span) => span.address))].join(', ') || '–' },
            { title: t('accounts.kind'), cell: (row) => t(`accounts.kind.${row.kind}`) },
          ]}
        />
      </Panel>
      <Confirm dialog={everybody} title={t('selection.everybody')} effect={(archived) => t(archived ? 'selection.allEffect' : 'selection.noneEffect')} submit={t('selection.everybodySubmit')} danger={everybody.value === false} send={(archived) => selectAccounts(archived, null)} done={t('form.saved')} refresh={refresh} />
    </Page>
  );
}

function Switch({ on }: { on: boolean }) {
  const { t } = useTexts();
  const fields = useFields({ on, understood: false, reason: '' }, (now) => ({ understood: now.on && !on && !now.understood && t('selection.understoodNeeded'), reason: now.on && !on && now.reason.trim().length < REASON_LENGTH_MIN && t('release.reasonShort') }));
  const turning = fields.values.on && !on;
  return (
    <Panel title={t('selection.switch')}>
      <Form submit={t('form.save')} check={fields.check} disabled={fields.values.on === on} send={() => changeOwnTenant({ archiveOnlySelected: fields.values.on, reason: fields.values.reason.trim() })} done={t('form.saved')} refresh={[['own-tenant']]}>
        <Checkbox label={t('selection.label')} description={t('selection.hint')} {...fields.flag('on')} />
        {turning && <Checkbox label={t('selection.understood')} error={fields.error('understood')} {...fields.flag('understood')} />}
        {turning && <Textarea size="sm" label={t('release.reason')} description={t('release.reasonHint')} rows={2} {...fields.text('reason')} />}
      </Form>
    </Panel>
  );
}
