import { Checkbox, PasswordInput, Select, TagsInput, Textarea, TextInput } from '@mantine/core';
import type { QueryKey } from '@tanstack/react-query';
import { addProvider, changeProvider, type Provider, type ProviderSettings, type RoleRule } from '../../api/providers';
import { Form } from '../../forms/Form';
import { useFields } from '../../forms/useFields';
import { useTexts } from '../../i18n';
import { Note } from '../../ui/Badge';
import { RoleRules } from './RoleRules';
import classes from './methods.module.css';

const WAYS = ['client_secret_post', 'client_secret_basic', 'private_key_jwt', 'none'] as const;
const LINKS = ['never', 'user_name', 'verified_email'] as const;
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

interface Props {
  provider: Provider | null;
  close: () => void;
  refresh: QueryKey[];
}

/** How a provider is reached, whom it may bring, and which role they get. */
export function ProviderForm({ provider, close, refresh }: Props) {
  const { t } = useTexts();
  const settings = provider?.settings;
  const fields = useFields(
    {
      name: provider?.name ?? '', enabled: provider?.enabled ?? true, secret: '',
      kind: settings?.kind ?? 'entra', issuer: settings?.issuer ?? '', clientId: settings?.clientId ?? '', clientAuthentication: settings?.clientAuthentication ?? 'client_secret_post', clientCertificate: settings?.clientCertificate ?? '', caCertificates: settings?.caCertificates ?? '',
      scopes: settings?.scopes ?? ['profile', 'email'], expectedTenants: settings?.expectedTenants ?? [], domains: settings?.domains ?? [], listed: settings?.listed ?? true, domainHint: settings?.domainHint ?? '', link: settings?.link ?? 'never', createAccounts: settings?.createAccounts ?? false, addressesFromClaims: settings?.addressesFromClaims ?? false,
      roles: (settings?.roles ?? []) as RoleRule[], askUserInfo: settings?.askUserInfo ?? false, groupsUrl: settings?.groupsUrl ?? '', signOutThere: settings?.signOutThere ?? false,
    },
    (now) => ({
      name: !now.name.trim() && t('form.required'),
      issuer: !/^https?:\S+$/.test(now.issuer.trim()) && t('providers.issuerWrong'),
      clientId: !now.clientId.trim() && t('form.required'),
      expectedTenants: now.kind === 'entra' && (now.expectedTenants.length === 0 ? t('form.required') : now.expectedTenants.some((one) => !GUID.test(one)) && t('providers.tenantWrong')),
    }),
  );
  const { values } = fields;
  const signed = values.clientAuthentication === 'private_key_jwt';
  const send = () => {
    const { name, enabled, secret, ...rest } = values;
    const filled = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== '')) as unknown as ProviderSettings;
    const body = { name: name.trim(), enabled, settings: filled, ...(secret ? { secret } : {}) };
    return provider ? changeProvider(provider.id, body) : addProvider(body);
  };
  return (
    <Form submit={t('form.save')} check={fields.check} send={send} done={t('form.saved')} refresh={refresh} onDone={close} onCancel={close}>
      <div className={classes.grid}>
        <TextInput size="sm" label={t('providers.name')} description={t('providers.nameHint')} data-autofocus {...fields.text('name')} />
        <Select size="sm" label={t('providers.kind')} allowDeselect={false} data={[{ value: 'entra', label: 'Microsoft Entra ID' }, { value: 'generic', label: t('providers.kind.generic') }]} {...fields.pick('kind')} />
        <TextInput size="sm" className={classes.wide} label={t('providers.issuer')} description={t(values.kind === 'entra' ? 'providers.issuerEntra' : 'providers.issuerHint')} spellCheck={false} {...fields.text('issuer')} />
        <TextInput size="sm" label={t('providers.clientId')} spellCheck={false} {...fields.text('clientId')} />
        <Select size="sm" label={t('providers.authentication')} allowDeselect={false} data={WAYS.map((value) => ({ value, label: t(`providers.authentication.${value}`) }))} {...fields.pick('clientAuthentication')} />
        {values.clientAuthentication !== 'none' && !signed && <PasswordInput size="sm" className={classes.wide} label={t('providers.secret')} description={provider?.hasSecret ? t('server.secretStored') : undefined} autoComplete="new-password" visibilityToggleButtonProps={{ 'aria-label': t('password.show') }} {...fields.text('secret')} />}
        {signed && <Textarea size="sm" className={classes.wide} rows={3} spellCheck={false} label={t('providers.privateKey')} description={provider?.hasSecret ? t('server.secretStored') : undefined} {...fields.text('secret')} />}
        {signed && <Textarea size="sm" className={classes.wide} rows={3} spellCheck={false} label={t('providers.certificate')} {...fields.text('clientCertificate')} />}
        {values.kind === 'entra' && <TagsInput size="sm" className={classes.wide} label={t('providers.tenants')} description={t('providers.tenantsHint')} acceptValueOnBlur {...fields.pick('expectedTenants')} />}
        <TagsInput size="sm" label={t('providers.domains')} description={t('providers.domainsHint')} acceptValueOnBlur {...fields.pick('domains')} />
        <TagsInput size="sm" label={t('providers.scopes')} description={t('providers.scopesHint')} acceptValueOnBlur {...fields.pick('scopes')} />
        <Checkbox label={t('providers.listed')} description={t('providers.listedHint')} {...fields.flag('listed')} />
        <Checkbox label={t('providers.enabled')} description={t('providers.enabledHint')} {...fields.flag('enabled')} />
        <Select size="sm" className={classes.wide} label={t('providers.link')} description={t('providers.linkHint')} allowDeselect={false} data={LINKS.map((value) => ({ value, label: t(`providers.link.${value}`) }))} {...fields.pick('link')} />
        <Checkbox label={t('providers.create')} description={t('providers.createHint')} {...fields.flag('createAccounts')} />
        {values.createAccounts && <Checkbox label={t('providers.addresses')} description={t('providers.addressesHint')} {...fields.flag('addressesFromClaims')} />}
        <div className={classes.wide}>
          <RoleRules rules={values.roles} onChange={(roles) => fields.set({ roles })} />
          {values.createAccounts && values.roles.length === 0 && <Note tone="warn">{t('providers.noRules')}</Note>}
        </div>
        <Checkbox label={t('providers.userInfo')} {...fields.flag('askUserInfo')} />
        <Checkbox label={t('providers.signOut')} {...fields.flag('signOutThere')} />
        <details className={classes.wide}>
          <summary>{t('providers.more')}</summary>
          <div className={classes.grid}>
            <TextInput size="sm" label={t('providers.domainHint')} {...fields.text('domainHint')} />
            <TextInput size="sm" label={t('providers.groupsUrl')} description={t('providers.groupsUrlHint')} {...fields.text('groupsUrl')} />
            <Textarea size="sm" className={classes.wide} rows={3} spellCheck={false} label={t('directories.caPem')} {...fields.text('caCertificates')} />
          </div>
        </details>
      </div>
    </Form>
  );
}
