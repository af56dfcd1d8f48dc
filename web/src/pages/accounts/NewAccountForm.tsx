import { Alert, Button, Select, TagsInput, TextInput } from '@mantine/core';
import { useState } from 'react';
import { type AccountKind, type AccountRole, addAccount } from '../../api/people';
import { Copyable } from '../../components/Copyable';
import { Form } from '../../forms/Form';
import forms from '../../forms/forms.module.css';
import { useFields } from '../../forms/useFields';
import { useTexts } from '../../i18n';
import { Note } from '../../ui/Badge';
import { Facts } from '../../ui/Page';
import { ROLES } from './AccountsPage';

const ADDRESS = /^[^\s@]+@[^\s@]+$/;

/** A new person or shared mailbox; a drawn password is shown once. */
export function NewAccountForm({ prefix, close }: { prefix: string; close: () => void }) {
  const { t } = useTexts();
  const [created, setCreated] = useState<Awaited<ReturnType<typeof addAccount>> | null>(null);
  const fields = useFields({ userName: prefix, firstName: '', lastName: '', kind: 'person' as AccountKind, role: 'user' as AccountRole, addresses: [] as string[] }, (now) => ({
    userName: (!now.userName.trim() || now.userName.trim() === prefix) && t('form.required'),
    addresses: now.addresses.some((one) => !ADDRESS.test(one)) && t('form.address'),
  }));
  const { values } = fields;
  if (created) return <PasswordShown userName={created.account.userName} password={created.oneTimePassword} close={close} />;
  return (
    <Form
      submit={t('accounts.create')}
      check={fields.check}
      send={() => addAccount({ ...values, userName: values.userName.trim(), firstName: values.firstName.trim(), lastName: values.lastName.trim(), ...(values.kind === 'shared' ? { role: 'user' as const } : {}) })}
      refresh={[['accounts']]}
      onDone={setCreated}
      onCancel={close}
    >
      <Select size="sm" label={t('accounts.kind')} allowDeselect={false} data={[{ value: 'person', label: t('accounts.kind.person') }, { value: 'shared', label: t('accounts.kind.shared') }]} {...fields.pick('kind')} />
      {values.kind === 'shared' && <Alert variant="light">{t('accounts.sharedHint')}</Alert>}
      <TextInput size="sm" label={t('accounts.userName')} description={t('accounts.userNameHint')} autoCapitalize="none" autoComplete="off" spellCheck={false} data-autofocus required withAsterisk={false} {...fields.text('userName')} />
      <TextInput size="sm" label={t('accounts.firstName')} {...fields.text('firstName')} />
      <TextInput size="sm" label={t('accounts.lastName')} {...fields.text('lastName')} />
      <TagsInput size="sm" label={t('accounts.addresses')} description={t('accounts.addressesHint')} acceptValueOnBlur {...fields.pick('addresses')} />
      {values.kind === 'person' && <Select size="sm" label={t('accounts.role')} description={t(`accounts.roleText.${values.role as 'user'}`)} allowDeselect={false} data={ROLES.map((value) => ({ value, label: t(`role.${value}`) }))} {...fields.pick('role')} />}
    </Form>
  );
}

/** A one-time password, this once. */
export function PasswordShown({ userName, password, close }: { userName: string; password: string | null; close: () => void }) {
  const { t } = useTexts();
  return (
    <div className={forms.form}>
      {password ? <Note tone="warn">{t('accounts.once')}</Note> : <Note tone="good">{t('accounts.created')}</Note>}
      <Facts facts={[[t('accounts.userName'), <Copyable key="user" text={userName} what={t('accounts.userName')} />], password ? [t('accounts.oneTimePassword'), <Copyable key="password" text={password} what={t('accounts.oneTimePassword')} />] : null]} />
      <div className={forms.buttons}><Button size="sm" onClick={close} data-autofocus>{t('form.done')}</Button></div>
    </div>
  );
}
