import '../../i18n/console';
import { Anchor, SegmentedControl } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { useState } from 'react';
import { sessionQuery } from '../../api/queries';
import { passkeysKnown } from '../../api/webauthn';
import { PasskeySetup, RecoveryCodes, TotpSetup } from '../../forms/second-factor';
import forms from '../../forms/forms.module.css';
import { useSignOut } from '../../hooks/useSession';
import { useTitle } from '../../hooks/useTitle';
import { useTexts } from '../../i18n';
import classes from './SignInPage.module.css';
import { Threshold } from './Threshold';

/** A role that needs a second factor: nothing works before there is one. */
export function ForcedFactorPage() {
  const { t } = useTexts();
  const client = useQueryClient();
  const router = useRouter();
  const signOut = useSignOut();
  const [way, setWay] = useState<'passkey' | 'totp'>('totp');
  const [codes, setCodes] = useState<string[] | null>(null);
  useTitle(t('signIn.enrolTitle'));
  const finish = async () => {
    await client.fetchQuery({ ...sessionQuery, staleTime: 0 });
    await router.invalidate();
  };
  const done = (made: string[] | null) => (made ? setCodes(made) : void finish());
  return (
    <Threshold title={t('signIn.enrolTitle')} lead={t('signIn.enrolLead')}>
      {codes ? (
        <RecoveryCodes codes={codes} onDone={() => void finish()} />
      ) : (
        <div className={forms.form}>
          {passkeysKnown() && <SegmentedControl fullWidth size="xs" aria-label={t('signIn.enrolTitle')} value={way} onChange={(value) => setWay(value as typeof way)} data={[{ value: 'totp', label: t('profile.totp') }, { value: 'passkey', label: t('profile.passkey') }]} />}
          {way === 'totp' ? <TotpSetup onDone={done} /> : <PasskeySetup onDone={done} />}
          <p className={classes.aside}><Anchor component="button" type="button" size="xs" onClick={() => void signOut()}>{t('menu.signOut')}</Anchor></p>
        </div>
      )}
    </Threshold>
  );
}
