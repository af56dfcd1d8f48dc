import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { AccountDetail } from '../../api/people';
import { accountFactorsQuery, accountSessionsQuery, accountTokensQuery, endAccountSessions, endAccountToken, resetFactors } from '../../api/sign-in';
import { Sessions } from '../../components/Sessions';
import { Tokens } from '../../components/Tokens';
import { Confirm } from '../../forms/Confirm';
import { useTexts } from '../../i18n';
import { Badge } from '../../ui/Badge';
import { useDialog } from '../../ui/Dialog';
import { Facts, Panel } from '../../ui/Page';
import { LinksPanel } from './LinksPanel';

/** How somebody signs in, where they are signed in, and the ways to end that. */
export function SecurityPanel({ account }: { account: AccountDetail }) {
  const { t, number } = useTexts();
  const { data: factors } = useQuery(accountFactorsQuery(account.id));
  const { data: sessions } = useQuery(accountSessionsQuery(account.id));
  const { data: tokens } = useQuery(accountTokensQuery(account.id));
  const resetting = useDialog<AccountDetail>();
  const ending = useDialog<AccountDetail>();
  const removing = useDialog<{ id: string; name: string }>();
  const any = factors && (factors.totp || factors.passkeys.length > 0);
  return (
    <>
      <Panel title={t('profile.factors')} actions={<Button variant="default" color="red" disabled={!any} onClick={() => resetting.open(account)}>{t('accounts.resetFactors')}</Button>}>
        {factors && (
          <Facts
            facts={[
              [t('profile.totp'), t(factors.totp ? 'form.on' : 'form.off')],
              [t('profile.passkeys'), number(factors.passkeys.length)],
              [t('profile.recovery'), number(factors.recoveryCodes)],
              [t('accounts.factorRequired'), factors.required ? <Badge tone="info">{t('form.yes')}</Badge> : t('form.no')],
            ]}
          />
        )}
      </Panel>
      <LinksPanel account={account} />
      <Panel title={t('profile.sessions')} actions={<Button variant="default" disabled={!sessions || sessions.length === 0} onClick={() => ending.open(account)}>{t('accounts.endSessions')}</Button>} flush><Sessions sessions={sessions} /></Panel>
      <Panel title={t('profile.tokens')} flush><Tokens tokens={tokens} onEnd={removing.open} /></Panel>
      <Confirm dialog={resetting} title={t('accounts.resetFactors')} effect={(value) => t('accounts.resetFactorsEffect', { name: value.displayName || value.userName })} submit={t('accounts.resetFactorsSubmit')} danger reason send={(value, reason) => resetFactors(value.id, reason)} done={t('accounts.resetFactorsDone')} refresh={[['account-access']]} />
      <Confirm dialog={ending} title={t('accounts.endSessions')} effect={(value) => t('accounts.endSessionsEffect', { name: value.displayName || value.userName })} submit={t('accounts.endSessions')} danger send={(value) => endAccountSessions(value.id)} done={t('profile.sessionsEnded')} refresh={[['account-access']]} />
      <Confirm dialog={removing} title={t('profile.endToken')} effect={(token) => t('profile.endTokenEffect', { name: token.name })} submit={t('profile.endTokenSubmit')} danger send={(token) => endAccountToken(account.id, token.id)} done={t('profile.tokenEnded')} refresh={[['account-access']]} />
    </>
  );
}
