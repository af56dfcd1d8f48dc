import { Button, Select, TagsInput, TextInput } from '@mantine/core';
import { useState } from 'react';
import { addTenant } from '../../api/tenancy';
import { Copyable } from '../../components/Copyable';
import { Form } from '../../forms/Form';
import forms from '../../forms/forms.module.css';
import { useFields } from '../../forms/useFields';
import { useTexts } from '../../i18n';
import { Note } from '../../ui/Badge';
import { Facts } from '../../ui/Page';

type Created = Awaited<ReturnType<typeof addTenant>>;

const prefixOf = (name: string) => name.toLowerCase().normalize('NFD').replace(/\p{M}/gu, '').replace(/ß/g, 'ss').split(/[^a-z0-9]+/).filter(Boolean)[0] ?? '';

/** A new customer with its first administrator; what is secret is shown once. */
export function NewTenantForm({ close }: { close: () => void }) {
  const { t, language } = useTexts();
  const [created, setCreated] = useState<Created | null>(null);
  const fields = useFields({ name: '', archiveDomain: '', administrator: '', domains: [] as string[], organisations: [] as string[], language: language as string }, (now) => ({
    name: !now.name.trim() && t('form.required'),
    archiveDomain: !/^[^\s@]+\.[^\s@]+$/.test(now.archiveDomain.trim()) && t('domains.wrong'),
    administrator: !(now.administrator.trim() || prefixOf(now.name)) && t('form.required'),
  }));
  const { values } = fields;
  const suggested = prefixOf(values.name) ? `${prefixOf(values.name)}-admin` : '';
  if (created) {
    return (
      <div className={forms.form}>
        <Note tone="warn">{t('tenants.once')}</Note>
        <Facts
          facts={[
            [t('tenants.administrator'), <Copyable key="user" text={created.administrator} what={t('tenants.administrator')} />],
            [t('accounts.oneTimePassword'), <Copyable key="password" text={created.oneTimePassword} what={t('accounts.oneTimePassword')} />],
            [t('tenants.journalAddress'), <Copyable key="journal" text={created.journalAddress} what={t('tenants.journalAddress')} />],
          ]}
        />
        <div className={forms.buttons}><Button size="sm" onClick={close} data-autofocus>{t('form.done')}</Button></div>
      </div>
    );
  }
  return (
    <Form
      submit={t('tenants.create')}
      check={fields.check}
      send={() => addTenant({ name: values.name.trim(), archiveDomain: values.archiveDomain.trim(), administrator: values.administrator.trim() || suggested, domains: values.domains, organisations: values.organisations, language: values.language })}
      refresh={[['tenants'], ['dashboard']]}
      onDone={setCreated}
      onCancel={close}
    >
      <TextInput size="sm" label={t('tenants.name')} data-autofocus required withAsterisk={false} {...fields.text('name')} />
      <TextInput size="sm" label={t('tenants.administrator')} description={t('tenants.administratorHint')} placeholder={suggested} autoCapitalize="none" spellCheck={false} {...fields.text('administrator')} />
      <TextInput size="sm" label={t('tenants.archiveDomain')} description={t('tenants.archiveDomainHint')} placeholder="archive.example.com" autoCapitalize="none" spellCheck={false} required withAsterisk={false} {...fields.text('archiveDomain')} />
      <TagsInput size="sm" label={t('tenants.domains')} description={t('tenants.domainsHint')} {...fields.pick('domains')} />
      <TagsInput size="sm" label={t('tenants.organisations')} description={t('tenants.organisationsHint')} {...fields.pick('organisations')} />
      <Select size="sm" label={t('tenants.language')} allowDeselect={false} data={[{ value: 'de', label: 'Deutsch' }, { value: 'en', label: 'English' }]} {...fields.pick('language')} />
    </Form>
  );
}
