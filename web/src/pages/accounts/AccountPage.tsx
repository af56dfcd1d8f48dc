import { Button, Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { type AccountDetail, accountQuery, changeAccount, resetPassword } from '../../api/people';
import { paths } from '../../app/paths';
import { Failure } from '../../components/Failure';
import { Confirm } from '../../forms/Confirm';
import { useAct } from '../../hooks/useAct';
import { useFilters } from '../../hooks/useFilters';
import { useTexts } from '../../i18n';
import { Badge } from '../../ui/Badge';
import { Dialog, useDialog } from '../../ui/Dialog';
import { IconArrowLeft } from '../../ui/icons';
import { Facts, Page, Panel } from '../../ui/Page';
import { GrantsTable } from '../grants/GrantsTable';
import { AddressesPanel } from './AddressesPanel';
import { EditAccountForm } from './EditAccountForm';
import { PasswordShown } from './NewAccountForm';
import { SecurityPanel } from './SecurityPanel';

const TABS = ['general', 'access', 'security'] as const;

/** One account: who it is, what it owns, what it may see, how it signs in. */
export function AccountPage() {
  const { t, day } = useTexts();
  const { accountId } = useParams({ from: '/signed-in/console/admin/accounts/$accountId' });
  const { data: account, error, refetch } = useQuery(accountQuery(accountId));
  const [filters, setFilters] = useFilters();
  const editing = useDialog<AccountDetail>();
  const resetting = useDialog<AccountDetail>();
  const disabling = useDialog<AccountDetail>();
  const shown = useDialog<string>();
  const refresh = [['accounts']];
  const enable = useAct((one: AccountDetail) => changeAccount(one.id, { disabled: false }), { done: t('accounts.enabled'), refresh });
  const back = <Button component={Link} to={paths.accounts} variant="subtle" size="compact-xs" leftSection={<IconArrowLeft size={14} aria-hidden />}>{t('accounts.title')}</Button>;
  if (error && !account) return <Page title={t('accounts.one')} back={back}><Failure error={error} retry={() => void refetch()} /></Page>;
  if (!account) return <Page title={t('accounts.one')} back={back}><Panel title="…">…</Panel></Page>;
  const shared = account.kind === 'shared';
  const tab = TABS.find((one) => one === filters.tab) ?? 'general';
  return (
    <Page
      title={account.displayName || account.userName}
      back={back}
      lead={<>{account.disabled ? <Badge tone="warn">{t('accounts.state.disabled')}</Badge> : <Badge tone="good">{t('accounts.state.enabled')}</Badge>} {shared ? t('accounts.kind.shared') : t(`role.${account.role}`)} · {account.userName}</>}
      actions={
        <>
          <Button variant="default" onClick={() => editing.open(account)}>{t('accounts.edit')}</Button>
          {!shared && !account.directory && <Button variant="default" onClick={() => resetting.open(account)}>{t('accounts.reset')}</Button>}
          {account.disabled ? <Button loading={enable.isPending} onClick={() => enable.mutate(account)}>{t('accounts.enable')}</Button> : <Button variant="light" color="red" onClick={() => disabling.open(account)}>{t('accounts.disable')}</Button>}
        </>
      }
    >
      <Tabs value={tab} onChange={(value) => setFilters({ tab: value === 'general' ? undefined : (value ?? undefined) })} keepMounted={false}>
        <Tabs.List mb={12}>
          <Tabs.Tab value="general">{t('accounts.tab.general')}</Tabs.Tab>
          <Tabs.Tab value="access">{t('accounts.tab.access')}</Tabs.Tab>
          {!shared && <Tabs.Tab value="security">{t('accounts.tab.security')}</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value="general">
          <Panel title={t('accounts.person')}>
            <Facts
              facts={[
                [t('accounts.userName'), account.userName],
                [t('accounts.firstName'), account.firstName || '–'],
                [t('accounts.lastName'), account.lastName || '–'],
                [t('accounts.origin'), account.directory ? t('accounts.fromDirectory') : t('accounts.local')],
                [t('groups.title'), account.groups.map((group) => group.name).join(', ') || '–'],
                [t('accounts.archived'), t(account.archived ? 'form.yes' : 'form.no')],
                [t('accounts.since'), day(account.createdAt)],
              ]}
            />
          </Panel>
          <AddressesPanel account={account} />
        </Tabs.Panel>
        <Tabs.Panel value="access">
          <GrantsTable title={t('accounts.grantsOn')} lead={t('accounts.grantsOnText')} filter={{ mailbox: account.id, standing: true }} preset={{ mailbox: account, kind: account.disabled ? 'leaver' : shared ? 'shared' : 'deputy' }} />
          {!shared && <GrantsTable title={t('accounts.grantsTo')} lead={t('accounts.grantsToText')} filter={{ account: account.id, standing: true }} preset={{ account }} />}
        </Tabs.Panel>
        <Tabs.Panel value="security"><SecurityPanel account={account} /></Tabs.Panel>
      </Tabs>
      <Dialog dialog={editing} title={t('accounts.editTitle')}>{(value) => <EditAccountForm account={value} close={editing.close} />}</Dialog>
      <Dialog dialog={shown} title={t('accounts.oneTimePassword')}>{(password) => <PasswordShown userName={account.userName} password={password} close={shown.close} />}</Dialog>
      <Confirm dialog={resetting} title={t('accounts.resetTitle')} effect={(value) => t('accounts.resetEffect', { name: value.displayName || value.userName })} submit={t('accounts.resetSubmit')} danger send={async (value) => shown.open((await resetPassword(value.id)).oneTimePassword)} refresh={refresh} />
      <Confirm dialog={disabling} title={t('accounts.disableTitle')} effect={(value) => t(shared ? 'accounts.disableShared' : 'accounts.disableEffect', { name: value.displayName || value.userName })} submit={t('accounts.disableSubmit')} danger send={(value) => changeAccount(value.id, { disabled: true })} done={t('accounts.disabled')} refresh={refresh} />
    </Page>
  );
}
