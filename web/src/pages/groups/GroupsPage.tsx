import { Button, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { addGroup, changeGroup, type GroupEntry, groupQuery, groupsQuery, type NamedAccount, removeGroup } from '../../api/people';
import { paths } from '../../app/paths';
import { AccountsPicker } from '../../components/AccountPicker';
import { Failure } from '../../components/Failure';
import { Confirm } from '../../forms/Confirm';
import { Form } from '../../forms/Form';
import { useFields } from '../../forms/useFields';
import { useFilters } from '../../hooks/useFilters';
import { useTexts } from '../../i18n';
import { DataTable } from '../../ui/DataTable';
import { Dialog, useDialog } from '../../ui/Dialog';
import { EmptyState } from '../../ui/EmptyState';
import { FilterBox } from '../../ui/FilterBox';
import { IconPlus, IconUsers } from '../../ui/icons';
import { Page, Panel } from '../../ui/Page';

const REFRESH = [['groups'], ['accounts'], ['grants']];

/** Accounts to which mailboxes are opened together. */
export function GroupsPage() {
  const { t, n, number } = useTexts();
  const { data, error, refetch } = useQuery(groupsQuery);
  const [filters, setFilters] = useFilters();
  const editing = useDialog<GroupEntry | 'new'>();
  const removing = useDialog<GroupEntry>();
  if (error && !data) return <Page title={t('groups.title')}><Failure error={error} retry={() => void refetch()} /></Page>;
  const q = (filters.q ?? '').toLowerCase();
  const rows = data?.groups.filter((group) => group.name.toLowerCase().includes(q));
  return (
    <Page title={t('groups.title')} lead={t('groups.lead')} actions={<Button leftSection={<IconPlus size={14} aria-hidden />} onClick={() => editing.open('new')}>{t('groups.add')}</Button>}>
      <Panel title={<span role="status">{rows ? n('groups.count', rows.length) : '…'}</span>} actions={<FilterBox label={t('groups.filter')} value={filters.q ?? ''} onChange={(value) => setFilters({ q: value })} />} flush>
        <DataTable
          label={t('groups.title')}
          rows={rows}
          rowKey={(group) => group.id}
          empty={<EmptyState icon={<IconUsers size={24} />} title={q ? t('list.none') : t('groups.empty')}>{q ? t('list.noneText') : t('groups.emptyText')}</EmptyState>}
          columns={[
            { title: t('groups.name'), header: true, cell: (group) => group.name },
            { title: t('groups.members'), numeric: true, cell: (group) => <Link className="link" to={paths.accounts} search={{ group: group.id }}>{number(group.members)}</Link> },
            { title: t('accounts.origin'), cell: (group) => (group.directory ? t('accounts.fromDirectory') : t('accounts.local')) },
            {
              title: t('table.actions'),
              actions: true,
              cell: (group) =>
                !group.directory && (
                  <>
                    <Button variant="subtle" onClick={() => editing.open(group)} aria-label={t('groups.editNamed', { name: group.name })}>{t('groups.edit')}</Button>
                    <Button variant="subtle" color="red" onClick={() => removing.open(group)} aria-label={t('groups.removeNamed', { name: group.name })}>{t('groups.remove')}</Button>
                  </>
                ),
            },
          ]}
        />
      </Panel>
      <Dialog dialog={editing} title={(value) => t(value === 'new' ? 'groups.add' : 'groups.editTitle')}>{(value) => (value === 'new' ? <GroupForm group={null} members={[]} close={editing.close} /> : <LoadedForm group={value} close={editing.close} />)}</Dialog>
      <Confirm dialog={removing} title={t('groups.removeTitle')} effect={(group) => n('groups.removeEffect', group.members, { name: group.name })} submit={t('groups.remove')} danger send={(group) => removeGroup(group.id)} done={t('groups.removed')} refresh={REFRESH} />
    </Page>
  );
}

function LoadedForm({ group, close }: { group: GroupEntry; close: () => void }) {
  const { data, error } = useQuery({ ...groupQuery(group.id), staleTime: 0 });
  if (error) return <Failure error={error} />;
  return data ? <GroupForm group={group} members={data.members} close={close} /> : null;
}

function GroupForm({ group, members, close }: { group: GroupEntry | null; members: NamedAccount[]; close: () => void }) {
  const { t } = useTexts();
  const fields = useFields({ name: group?.name ?? '', members }, (now) => ({ name: !now.name.trim() && t('form.required') }));
  const body = { name: fields.values.name.trim(), members: fields.values.members.map((one) => one.id) };
  return (
    <Form<unknown> submit={t('form.save')} check={fields.check} send={() => (group ? changeGroup(group.id, body) : addGroup(body))} done={t('form.saved')} refresh={REFRESH} onDone={close} onCancel={close}>
      <TextInput size="sm" label={t('groups.name')} data-autofocus {...fields.text('name')} />
      <AccountsPicker label={t('groups.members')} kind="person" value={fields.values.members} onChange={(chosen) => fields.set({ members: chosen })} />
    </Form>
  );
}
