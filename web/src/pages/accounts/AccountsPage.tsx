import { Button, Select } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type AccountEntry, type AccountFilter, type AccountKind, type AccountRole, accountsQuery, groupsQuery } from '../../api/people';
import { paths } from '../../app/paths';
import { Failure } from '../../components/Failure';
import { useFilters } from '../../hooks/useFilters';
import { useTexts } from '../../i18n';
import { Badge } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { Dialog, useDialog } from '../../ui/Dialog';
import { EmptyState } from '../../ui/EmptyState';
import { FilterBox } from '../../ui/FilterBox';
import { IconPlus, IconUpload, IconUsers } from '../../ui/icons';
import { Page, Panel } from '../../ui/Page';
import { NewAccountForm } from './NewAccountForm';

export const ROLES: AccountRole[] = ['user', 'auditor', 'officer', 'administrator'];
const STATES = ['enabled', 'disabled'] as const;

/** Everybody who can sign in, and the shared mailboxes. */
export function AccountsPage() {
  const { t, n } = useTexts();
  const [filters, setFilters] = useFilters();
  const filter: AccountFilter = {
    ...(filters.q ? { q: filters.q } : {}),
    ...(ROLES.some((role) => role === filters.role) ? { role: filters.role as AccountRole } : {}),
    ...(filters.kind === 'person' || filters.kind === 'shared' ? { kind: filters.kind as AccountKind } : {}),
    ...(filters.state === 'disabled' || filters.state === 'enabled' ? { disabled: filters.state === 'disabled' } : {}),
    ...(filters.group ? { group: filters.group } : {}),
  };
  const list = useInfiniteQuery(accountsQuery(filter));
  const { data: groups } = useQuery(groupsQuery);
  const adding = useDialog();
  if (list.error && !list.data) return <Page title={t('accounts.title')}><Failure error={list.error} retry={() => void list.refetch()} /></Page>;
  const first = list.data?.pages[0];
  const choose = (name: string) => (value: string | null) => setFilters({ [name]: value || undefined });
  const filtered = Object.keys(filter).length > 0;
  return (
    <Page
      title={t('accounts.title')}
      lead={t('accounts.lead')}
      actions={
        <>
          <Button component={Link} to={paths.accountImport} variant="default" leftSection={<IconUpload size={14} aria-hidden />}>{t('accounts.importExport')}</Button>
          <Button leftSection={<IconPlus size={14} aria-hidden />} onClick={() => adding.open(true)}>{t('accounts.add')}</Button>
        </>
      }
    >
      <Panel
        flush
        title={<span role="status">{first ? n('accounts.count', first.total) : '…'}</span>}
        actions={
          <>
            <FilterBox label={t('accounts.filter')} value={filters.q ?? ''} onChange={(q) => setFilters({ q })} />
            <Select size="xs" w={150} aria-label={t('accounts.role')} allowDeselect={false} value={filters.role ?? ''} onChange={choose('role')} data={[{ value: '', label: t('accounts.anyRole') }, ...ROLES.map((value) => ({ value, label: t(`role.${value}`) }))]} />
            <Select size="xs" w={150} aria-label={t('accounts.kind')} allowDeselect={false} value={filters.kind ?? ''} onChange={choose('kind')} data={[{ value: '', label: t('accounts.anyKind') }, { value: 'person', label: t('accounts.kind.person') }, { value: 'shared', label: t('accounts.kind.shared') }]} />
            <Select size="xs" w={150} aria-label={t('accounts.state')} allowDeselect={false} value={filters.state ?? ''} onChange={choose('state')} data={[{ value: '', label: t('accounts.anyState') }, ...STATES.map((value) => ({ value, label: t(`accounts.state.${value}`) }))]} />
            {groups && groups.groups.length > 0 && <Select size="xs" w={150} aria-label={t('groups.one')} searchable allowDeselect={false} value={filters.group ?? ''} onChange={choose('group')} data={[{ value: '', label: t('accounts.anyGroup') }, ...groups.groups.map((group) => ({ value: group.id, label: group.name }))]} />}
          </>
        }
      >
        <DataTable<AccountEntry>
          label={t('accounts.title')}
          rows={list.data?.pages.flatMap((page) => page.rows)}
          rowKey={(row) => row.id}
          more={{ has: list.hasNextPage, busy: list.isFetchingNextPage, load: () => void list.fetchNextPage() }}
          empty={<EmptyState icon={<IconUsers size={24} />} title={filtered ? t('list.none') : t('accounts.empty')}>{filtered ? t('list.noneText') : t('accounts.emptyText')}</EmptyState>}
          columns={[
            { title: t('accounts.name'), header: true, cell: (row) => <div><Link className="link" to={paths.account} params={{ accountId: row.id }}>{row.displayName || row.userName}</Link><div className="muted">{row.userName}</div></div> },
            { title: t('accounts.role'), cell: (row) => (row.kind === 'shared' ? <Badge>{t('accounts.kind.shared')}</Badge> : t(`role.${row.role}`)) },
            { title: t('accounts.addresses'), cell: (row) => <Addresses row={row} /> },
            { title: t('accounts.origin'), cell: (row) => (row.directory ? t('accounts.fromDirectory') : t('accounts.local')) },
            { title: t('accounts.state'), cell: (row) => (row.disabled ? <Badge tone="warn">{t('accounts.state.disabled')}</Badge> : <Badge tone="good">{t('accounts.state.enabled')}</Badge>) },
          ]}
        />
      </Panel>
      <Dialog dialog={adding} title={t('accounts.add')} size={540}>{() => <NewAccountForm prefix={first?.userNamePrefix ?? ''} close={adding.close} />}</Dialog>
    </Page>
  );
}

const SHOWN = 2;

function Addresses({ row }: { row: AccountEntry }) {
  const { t } = useTexts();
  const owned = [...new Set(row.addresses.filter((span) => !span.until).map((span) => span.address))];
  if (owned.length === 0) return <span className="muted">–</span>;
  return (
    <div>
      {owned.slice(0, SHOWN).map((address) => <div key={address}>{address}</div>)}
      {owned.length > SHOWN && <div className="muted">{t('mail.morePeople', { count: owned.length - SHOWN })}</div>}
    </div>
  );
}
