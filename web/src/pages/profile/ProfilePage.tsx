import '../../i18n/console';
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { endOtherSessions, endSession, endToken, factorsQuery, type OpenSession, removePasskey, removeTotp, renewRecoveryCodes, sessionsQuery, tokensQuery } from '../../api/sign-in';
import { Sessions } from '../../components/Sessions';
import { Tokens } from '../../components/Tokens';
import { ChangePasswordDialog } from '../../forms/change-password';
import { Confirm } from '../../forms/Confirm';
import { PasskeySetup, RecoveryCodes, TotpSetup } from '../../forms/second-factor';
import { NewTokenForm } from '../../forms/new-token';
import { useAct } from '../../hooks/useAct';
import { useSession } from '../../hooks/useSession';
import { useState } from 'react';
import { useTexts } from '../../i18n';
import { Badge, Note } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { Dialog, useDialog } from '../../ui/Dialog';
import { Facts, Page, Panel } from '../../ui/Page';

/** What everybody decides for themselves: password, second factor, tokens, sessions. */
export function ProfilePage() {
  const { t } = useTexts();
  const session = useSession();
  const [changing, setChanging] = useState(false);
  if (!session) return null;
  const { account } = session;
  return (
    <Page title={t('profile.title')} lead={account.displayName || account.userName}>
      <Panel title={t('profile.account')} actions={<Button variant="default" onClick={() => setChanging(true)}>{t('menu.password')}</Button>}>
        <Facts
          facts={[
            [t('accounts.userName'), account.userName],
            [t('accounts.role'), t(`role.${account.role}`)],
            account.tenant && [t('tenants.one'), account.tenant.name],
            [t('accounts.addresses'), account.addresses.join(', ') || '–'],
          ]}
        />
      </Panel>
      <FactorsPanel />
      <SessionsPanel />
      <TokensPanel />
      <ChangePasswordDialog opened={changing} onClose={() => setChanging(false)} />
    </Page>
  );
}

const REFRESH = [['me', 'factors']];

function FactorsPanel() {
  const { t, n, day } = useTexts();
  const { data } = useQuery(factorsQuery);
  const totp = useDialog();
  const passkey = useDialog();
  const codes = useDialog<string[]>();
  const removing = useDialog<{ id: string | null; name: string }>();
  const renewing = useDialog();
  const added = useAct(async (made: string[] | null) => {
    totp.close();
    passkey.close();
    if (made) codes.open(made);
  }, { done: t('profile.factorAdded'), refresh: REFRESH });
  if (!data) return <Panel title={t('profile.factors')}>…</Panel>;
  const rows = [...(data.totp ? [{ id: null, name: t('profile.totp'), createdAt: data.totpSince, lastUsedAt: null }] : []), ...data.passkeys.map((one) => ({ ...one, id: one.id as string | null }))];
  const any = rows.length > 0;
  const blocked = data.canChange ? undefined : t('profile.signInAgain');
  return (
    <Panel
      title={t('profile.factors')}
      lead={data.required ? t('profile.factorRequired') : t('profile.factorsText')}
      actions={
        <>
          {!data.totp && <Button variant="default" disabled={!data.canChange} title={blocked} onClick={() => totp.open(true)}>{t('profile.addTotp')}</Button>}
          <Button variant="default" disabled={!data.canChange} title={blocked} onClick={() => passkey.open(true)}>{t('profile.addPasskey')}</Button>
        </>
      }
      flush
    >
      <div style={{ padding: '0 18px' }}>
        {!data.canChange && <Note tone="warn">{t('profile.signInAgain')}</Note>}
        {!any && <p className="muted">{t('profile.noFactors')}</p>}
      </div>
      {any && (
        <DataTable
          label={t('profile.factors')}
          rows={rows}
          rowKey={(row) => row.id ?? 'totp'}
          empty={null}
          columns={[
            { title: t('profile.factor'), header: true, cell: (row) => <>{row.name} {row.id === null ? null : <Badge>{t('profile.passkey')}</Badge>}</> },
            { title: t('profile.since'), cell: (row) => (row.createdAt ? day(row.createdAt) : '–') },
            { title: t('profile.lastUsed'), cell: (row) => (row.lastUsedAt ? day(row.lastUsedAt) : '–') },
            { title: t('table.actions'), actions: true, cell: (row) => <Button variant="subtle" color="red" disabled={!data.canChange} title={blocked} onClick={() => removing.open({ id: row.id, name: row.name })}>{t('profile.removeFactor')}</Button> },
          ]}
        />
      )}
      {any && (
        <div style={{ padding: '10px 18px 14px', display: 'flex', gap: 12, alignItems: 'center', flexWrap: 'wrap' }}>
          <span className={data.recoveryCodes < 3 ? undefined : 'muted'}>{n('profile.recoveryLeft', data.recoveryCodes)}</span>
          <Button variant="default" disabled={!data.canChange} title={blocked} onClick={() => renewing.open(true)}>{t('profile.recoveryRenew')}</Button>
        </div>
      )}
      <Dialog dialog={totp} title={t('profile.addTotp')}>{() => <TotpSetup onDone={(made) => added.mutate(made)} onCancel={totp.close} />}</Dialog>
      <Dialog dialog={passkey} title={t('profile.addPasskey')}>{() => <PasskeySetup onDone={(made) => added.mutate(made)} onCancel={passkey.close} />}</Dialog>
      <Dialog dialog={codes} title={t('profile.recovery')}>{(made) => <RecoveryCodes codes={made} onDone={codes.close} />}</Dialog>
      <Confirm dialog={removing} title={t('profile.removeFactor')} effect={(factor) => t(rows.length === 1 ? 'profile.removeLast' : 'profile.removeEffect', { name: factor.name })} submit={t('profile.removeFactor')} danger send={(factor) => (factor.id === null ? removeTotp() : removePasskey(factor.id))} done={t('profile.factorRemoved')} refresh={REFRESH} />
      <Confirm dialog={renewing} title={t('profile.recoveryRenew')} effect={() => t('profile.recoveryRenewEffect')} submit={t('profile.recoveryRenew')} danger send={async () => codes.open((await renewRecoveryCodes()).recoveryCodes)} refresh={REFRESH} />
    </Panel>
  );
}

function SessionsPanel() {
  const { t } = useTexts();
  const { data } = useQuery(sessionsQuery);
  const ending = useDialog<OpenSession | 'others'>();
  return (
    <Panel title={t('profile.sessions')} lead={t('profile.sessionsText')} actions={<Button variant="default" disabled={!data || data.length < 2} onClick={() => ending.open('others')}>{t('profile.endOthers')}</Button>} flush>
      <Sessions sessions={data} onEnd={ending.open} />
      <Confirm dialog={ending} title={t('profile.endSession')} effect={(one) => t(one === 'others' ? 'profile.endOthersEffect' : 'profile.endSessionEffect')} submit={t('profile.endSession')} danger send={(one) => (one === 'others' ? endOtherSessions() : endSession(one.id))} done={t('profile.sessionsEnded')} refresh={[['me', 'sessions']]} />
    </Panel>
  );
}

function TokensPanel() {
  const { t } = useTexts();
  const { data } = useQuery(tokensQuery);
  const adding = useDialog();
  const ending = useDialog<{ id: string; name: string }>();
  return (
    <Panel title={t('profile.tokens')} lead={t('profile.tokensText')} actions={<Button variant="default" disabled={!data} onClick={() => adding.open(true)}>{t('profile.addToken')}</Button>} flush>
      <Tokens tokens={data?.tokens} onEnd={ending.open} />
      <Dialog dialog={adding} title={t('profile.addToken')}>{() => data && <NewTokenForm scopes={data.scopes} daysMax={data.daysMax} close={adding.close} />}</Dialog>
      <Confirm dialog={ending} title={t('profile.endToken')} effect={(token) => t('profile.endTokenEffect', { name: token.name })} submit={t('profile.endTokenSubmit')} danger send={(token) => endToken(token.id)} done={t('profile.tokenEnded')} refresh={[['me', 'tokens']]} />
    </Panel>
  );
}
