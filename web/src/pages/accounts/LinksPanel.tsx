import { Button, Select, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { AccountDetail } from '../../api/people';
import { type AccountLink, accountLinksQuery, linkAccount, type Provider, providersQuery, unlinkAccount } from '../../api/providers';
import { Confirm } from '../../forms/Confirm';
import { Form } from '../../forms/Form';
import { useFields } from '../../forms/useFields';
import { useTexts } from '../../i18n';
import { DataTable } from '../../ui/DataTable';
import { Dialog, useDialog } from '../../ui/Dialog';
import { EmptyState } from '../../ui/EmptyState';
import { IconPlus, IconShieldLock } from '../../ui/icons';
import { Panel } from '../../ui/Page';

const SUBJECT_LENGTH_MAX = 600;
const REFRESH = [['account-access']];

/** Who somebody is at the providers of the house: there they sign in without a password of this archive. */
export function LinksPanel({ account }: { account: AccountDetail }) {
  const { t, stamp } = useTexts();
  const { data: links } = useQuery(accountLinksQuery(account.id));
  const { data: providers } = useQuery(providersQuery);
  const linking = useDialog<readonly Provider[]>();
  const unlinking = useDialog<AccountLink>();
  const free = (providers ?? []).filter((provider) => !links?.some((link) => link.provider === provider.id));
  const why = providers?.length === 0 ? t('links.noProvider') : free.length === 0 ? t('links.allLinked') : undefined;
  return (
    <Panel title={t('links.atProviders')} lead={t('links.lead')} flush actions={<Button variant="default" leftSection={<IconPlus size={14} aria-hidden />} disabled={!links || free.length === 0} title={why} onClick={() => linking.open(free)}>{t('links.add')}</Button>}>
      <DataTable
        label={t('links.atProviders')}
        rows={links}
        rowKey={(link) => link.provider}
        ghosts={1}
        empty={<EmptyState icon={<IconShieldLock size={24} />} title={t('links.empty')}>{why ?? t('links.emptyText')}</EmptyState>}
        columns={[
          { title: t('links.provider'), header: true, cell: (link) => link.providerName },
          { title: t('links.subject'), cell: (link) => <span className="mono" style={{ overflowWrap: 'anywhere' }}>{link.subject}</span> },
          { title: t('links.since'), cell: (link) => <div>{stamp(link.linkedAt)}{link.created && <div className="muted">{t('links.created')}</div>}</div> },
          { title: t('table.actions'), actions: true, cell: (link) => <Button variant="default" aria-label={`${t('links.remove')}: ${link.providerName}`} onClick={() => unlinking.open(link)}>{t('links.remove')}</Button> },
        ]}
      />
      <Dialog dialog={linking} title={t('links.addTitle')}>{(value) => <LinkForm account={account} providers={value} close={linking.close} />}</Dialog>
      <Confirm dialog={unlinking} title={t('links.removeTitle')} effect={(link) => t('links.removeEffect', { name: account.displayName || account.userName, provider: link.providerName })} submit={t('links.removeTitle')} danger send={(link) => unlinkAccount(link.provider, account.id)} done={t('links.removed')} refresh={REFRESH} />
    </Panel>
  );
}

/** The subject in its two parts, because people copy them from two places. */
function LinkForm({ account, providers, close }: { account: AccountDetail; providers: readonly Provider[]; close: () => void }) {
  const { t } = useTexts();
  const fields = useFields({ provider: providers[0]?.id ?? '', tenant: '', subject: '' }, (now) => ({
    subject: !now.subject.trim() ? t('form.required') : /\s/.test(now.subject.trim()) && t('links.oneWord'),
    tenant: isEntra(providers, now.provider) && !now.tenant.trim() && t('form.required'),
  }));
  const { values } = fields;
  const entra = isEntra(providers, values.provider);
  const issuer = providers.find((provider) => provider.id === values.provider)?.settings.issuer ?? '';
  // As the server makes the key from an ID token.
  const key = entra ? `${values.tenant.trim()} ${values.subject.trim()}`.toLowerCase() : `${issuer} ${values.subject.trim()}`;
  return (
    <Form submit={t('links.submit')} check={fields.check} send={() => linkAccount(values.provider, account.id, key)} done={t('links.added')} refresh={REFRESH} onDone={close} onCancel={close}>
      <div>{t('links.effect', { name: account.displayName || account.userName })}</div>
      <Select size="sm" label={t('links.provider')} allowDeselect={false} data={providers.map((provider) => ({ value: provider.id, label: provider.name }))} {...fields.pick('provider')} />
      {entra && <TextInput size="sm" label={t('links.tenant')} description={t('links.tenantHint')} spellCheck={false} autoComplete="off" maxLength={SUBJECT_LENGTH_MAX} {...fields.text('tenant')} />}
      <TextInput size="sm" label={t(entra ? 'links.object' : 'links.subject')} description={t(entra ? 'links.objectHint' : 'links.subjectHint')} spellCheck={false} autoComplete="off" maxLength={SUBJECT_LENGTH_MAX} data-autofocus {...fields.text('subject')} />
    </Form>
  );
}

const isEntra = (providers: readonly Provider[], id: string) => providers.find((provider) => provider.id === id)?.settings.kind === 'entra';
