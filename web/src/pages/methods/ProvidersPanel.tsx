import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { type Provider, providersQuery, removeProvider, testProvider } from '../../api/providers';
import { Copyable } from '../../components/Copyable';
import { Confirm } from '../../forms/Confirm';
import { useAct } from '../../hooks/useAct';
import { type Key, useTexts } from '../../i18n';
import { Badge, Note } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { Dialog, useDialog } from '../../ui/Dialog';
import { EmptyState } from '../../ui/EmptyState';
import { IconLogin2, IconPlus } from '../../ui/icons';
import { Panel } from '../../ui/Page';
import { ProviderForm } from './ProviderForm';

type Tested = Awaited<ReturnType<typeof testProvider>> & { name: string };

/** Who else signs people in: Microsoft Entra ID and other OpenID Connect providers. */
export function ProvidersPanel() {
  const { t, number } = useTexts();
  const { data } = useQuery(providersQuery);
  const editing = useDialog<Provider | 'new'>();
  const removing = useDialog<Provider>();
  const [tested, setTested] = useState<Tested | null>(null);
  const refresh = [['providers'], ['sign-in-methods']];
  const test = useAct(async (provider: Provider) => ({ ...(await testProvider(provider.id)), name: provider.name }), { onDone: setTested });
  const reason = (code: string) => (t(`signIn.error.${code}` as Key) === `signIn.error.${code}` ? code : t(`signIn.error.${code}` as Key));
  return (
    <Panel title={t('providers.title')} lead={t('providers.lead')} actions={<Button variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => editing.open('new')}>{t('providers.add')}</Button>} flush>
      <div style={{ padding: '0 18px' }} aria-live="polite">
        {tested && <Note tone={tested.ok ? 'good' : 'bad'}>{tested.ok ? t('providers.testOk', { name: tested.name, keys: number(tested.keys) }) : `${tested.name}: ${reason(tested.code ?? '')} ${tested.detail ?? ''}`}</Note>}
      </div>
      <DataTable
        label={t('providers.title')}
        rows={data}
        rowKey={(provider) => provider.id}
        ghosts={2}
        empty={<EmptyState icon={<IconLogin2 size={24} />} title={t('providers.empty')}>{t('providers.emptyText')}</EmptyState>}
        columns={[
          { title: t('providers.name'), header: true, cell: (provider) => <div>{provider.name}<div className="muted">{provider.settings.issuer}</div></div> },
          { title: t('providers.redirect'), cell: (provider) => (provider.redirectUri ? <Copyable text={provider.redirectUri} what={t('providers.redirect')} /> : <span className="muted">{t('providers.noPublicUrl')}</span>) },
          { title: t('providers.rules'), numeric: true, cell: (provider) => number(provider.settings.roles?.length ?? 0) },
          { title: t('directories.state'), cell: (provider) => <Badge tone={provider.enabled ? 'good' : 'plain'}>{t(provider.enabled ? 'providers.on' : 'providers.off')}</Badge> },
          {
            title: t('table.actions'),
            actions: true,
            cell: (provider) => (
              <>
                <Button variant="subtle" loading={test.isPending && test.variables.id === provider.id} onClick={() => test.mutate(provider)}>{t('providers.test')}</Button>
                <Button variant="subtle" onClick={() => editing.open(provider)}>{t('groups.edit')}</Button>
                <Button variant="subtle" color="red" onClick={() => removing.open(provider)}>{t('groups.remove')}</Button>
              </>
            ),
          },
        ]}
      />
      <Dialog dialog={editing} title={(value) => (value === 'new' ? t('providers.add') : value.name)} size={780}>{(value) => <ProviderForm provider={value === 'new' ? null : value} close={editing.close} refresh={refresh} />}</Dialog>
      <Confirm dialog={removing} title={t('providers.removeTitle')} effect={(provider) => t('providers.removeEffect', { name: provider.name })} submit={t('groups.remove')} danger send={(provider) => removeProvider(provider.id)} done={t('providers.removed')} refresh={refresh} />
    </Panel>
  );
}
