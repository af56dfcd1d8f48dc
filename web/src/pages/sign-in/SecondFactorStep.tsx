import { Alert, Anchor, Button, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { ApiError, type Schemas } from '../../api/client';
import { askPasskey, proveSecondFactor } from '../../api/sign-in';
import { passkeysKnown, usePasskey } from '../../api/webauthn';
import { problemText } from '../../components/problem';
import forms from '../../forms/forms.module.css';
import { useTexts } from '../../i18n';
import classes from './SignInPage.module.css';
import { Threshold } from './Threshold';

type Way = 'code' | 'passkey' | 'recovery';

interface Props {
  needed: Schemas['SecondFactorNeeded'];
  onDone: (session: Schemas['Session']) => Promise<void>;
  onBack: () => void;
}

/** After the password: a code, a passkey, or a recovery code. */
export function SecondFactorStep({ needed, onDone, onBack }: Props) {
  const texts = useTexts();
  const { t } = texts;
  const passkeys = needed.passkeys && passkeysKnown();
  const [way, setWay] = useState<Way>(needed.totp ? 'code' : passkeys ? 'passkey' : 'recovery');
  const [value, setValue] = useState('');
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const ways: Way[] = [...(needed.totp ? (['code'] as const) : []), ...(passkeys ? (['passkey'] as const) : []), ...(needed.recoveryCodes ? (['recovery'] as const) : [])];
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (way !== 'passkey' && value.trim() === '') {
      setFailure(t('signIn.codeMissing'));
      return;
    }
    setBusy(true);
    setFailure(null);
    try {
      await onDone(await proveSecondFactor(way === 'code' ? { code: value.replace(/\s/g, '') } : way === 'recovery' ? { recoveryCode: value.trim() } : { passkey: await passkeyAnswer() }));
    } catch (error) {
      setBusy(false);
      setValue('');
      if (error instanceof DOMException) setFailure(t('signIn.passkeyFailed'));
      else if (error instanceof ApiError && error.status === 401) setFailure(t('signIn.factorWrong'));
      else setFailure(problemText(error, texts));
    }
  };
  return (
    <Threshold title={t('signIn.factorTitle')} lead={t(`signIn.factorLead.${way}`)}>
      <form onSubmit={(event) => void submit(event)} className={forms.form} noValidate>
        <div aria-live="assertive">{failure && <Alert color="red" variant="light">{failure}</Alert>}</div>
        {way === 'code' && <TextInput key="code" size="sm" label={t('signIn.code')} inputMode="numeric" autoComplete="one-time-code" autoFocus value={value} onChange={(event) => setValue(event.currentTarget.value)} />}
        {way === 'recovery' && <TextInput key="recovery" size="sm" label={t('signIn.recoveryCode')} autoComplete="off" autoCapitalize="none" spellCheck={false} autoFocus value={value} onChange={(event) => setValue(event.currentTarget.value)} />}
        <Button type="submit" size="sm" loading={busy} fullWidth autoFocus={way === 'passkey'}>{t(way === 'passkey' ? 'signIn.usePasskey' : 'signIn.continue')}</Button>
      </form>
      <div className={classes.ways}>
        {ways.filter((one) => one !== way).map((one) => <Anchor key={one} component="button" type="button" size="xs" onClick={() => { setWay(one); setValue(''); setFailure(null); }}>{t(`signIn.way.${one}`)}</Anchor>)}
        <Anchor component="button" type="button" size="xs" onClick={onBack}>{t('signIn.back')}</Anchor>
      </div>
    </Threshold>
  );
}

async function passkeyAnswer(): Promise<Schemas['PasskeyAnswer']> {
  const { ticket, options } = await askPasskey();
  return { ticket, credential: (await usePasskey(options)) as Record<string, never> };
}
