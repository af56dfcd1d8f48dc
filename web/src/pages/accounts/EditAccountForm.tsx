import { Checkbox, Select, TextInput } from '@mantine/core';
import { type AccountDetail, type AccountRole, changeAccount } from '../../api/people';
import { Form } from '../../forms/Form';
import { useFields } from '../../forms/useFields';
import { useTexts } from '../../i18n';
import { Note } from '../../ui/Badge';
import { ROLES } from './AccountsPage';

/** Names, role and language; the user name never changes. */
export function EditAccountForm({ account, close }: { account: AccountDetail; close: () => void }) {
  const { t } = useTexts();
  const fields = useFields({ firstName: account.firstName, lastName: account.lastName, displayName: account.displayName, role: account.role as AccountRole, language: account.language ?? '', archived: account.archived });
  const { values } = fields;
  return (
    <Form submit={t('form.save')} send={() => changeAccount(account.id, { ...values, ...(account.kind === 'shared' ? { role: undefined } : {}) })} done={t('form.saved')} refresh={[['accounts']]} onDone={close} onCancel={close}>
      {account.directory && <Note tone="info">{t('accounts.directoryHint')}</Note>}
      <TextInput size="sm" label={t('accounts.firstName')} data-autofocus {...fields.text('firstName')} />
      <TextInput size="sm" label={t('accounts.lastName')} {...fields.text('lastName')} />
      <TextInput size="sm" label={t('accounts.displayName')} description={t('accounts.displayNameHint')} {...fields.text('displayName')} />
      {account.kind === 'person' && <Select size="sm" label={t('accounts.role')} description={t(`accounts.roleText.${values.role as 'user'}`)} allowDeselect={false} data={ROLES.map((value) => ({ value, label: t(`role.${value}`) }))} {...fields.pick('role')} />}
      {account.kind === 'person' && <Select size="sm" label={t('menu.language')} allowDeselect={false} data={[{ value: '', label: t('accounts.languageBrowser') }, { value: 'de', label: 'Deutsch' }, { value: 'en', label: 'English' }]} {...fields.pick('language')} />}
      <Checkbox label={t('accounts.archived')} description={t('accounts.archivedHint')} {...fields.flag('archived')} />
    </Form>
  );
}
