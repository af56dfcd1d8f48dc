import { Alert, Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import { confirmPasskey, confirmTotp, offerPasskey, offerTotp } from '../api/sign-in';
import { createPasskey, passkeysKnown } from '../api/webauthn';
import { Copyable } from '../components/Copyable';
import { startTextDownload } from '../ui/startDownload';
import { useTexts } from '../i18n';
import { Form } from './Form';
import classes from './forms.module.css';
import styles from './second-factor.module.css';
import { useFields } from './useFields';

type Offer = Awaited<ReturnType<typeof offerTotp>>;
const CODE = /^\d{6}$/;

interface Props {
  /** With recovery codes when this was the first factor. */
  onDone: (recoveryCodes: string[] | null) => void;
  onCancel?: () => void;
}

/** Shows the secret as a picture and takes the first code. */
export function TotpSetup({ onDone, onCancel }: Props) {
  const { t } = useTexts();
  const [offer, setOffer] = useState<Offer | null>(null);
  const fields = useFields({ code: '' }, (now) => ({ code: offer !== null && !CODE.test(now.code.replace(/\s/g, '')) && t('profile.codeWrong') }));
  if (!offer) {
    return (
      <Form submit={t('form.continue')} send={offerTotp} onDone={setOffer} onCancel={onCancel}>
        <div>{t('profile.totpText')}</div>
      </Form>
    );
  }
  return (
    <Form submit={t('profile.confirm')} check={fields.check} send={() => confirmTotp(offer.ticket, fields.values.code.replace(/\s/g, ''))} onDone={(answer) => onDone(answer.recoveryCodes)} onCancel={onCancel}>
      <div>{t('profile.scan')}</div>
      <img className={styles.code} src={`data:image/png;base64,${offer.qrPng}`} alt={t('profile.qr')} />
      <div>{t('profile.typed')} <Copyable text={offer.secret} what={t('profile.secret')} block /></div>
      <TextInput size="sm" label={t('profile.code')} inputMode="numeric" autoComplete="one-time-code" data-autofocus {...fields.text('code')} />
    </Form>
  );
}

/** Names a passkey and lets the browser make it. */
export function PasskeySetup({ onDone, onCancel }: Props) {
  const { t } = useTexts();
  const fields = useFields({ name: '' }, (now) => ({ name: !now.name.trim() && t('form.required') }));
  if (!passkeysKnown()) return <Alert color="yellow" variant="light">{t('profile.passkeysUnknown')}</Alert>;
  const send = async () => {
    const offer = await offerPasskey();
    return confirmPasskey(offer.ticket, fields.values.name.trim(), await createPasskey(offer.options));
  };
  return (
    <Form submit={t('form.continue')} check={fields.check} send={send} onDone={(answer) => onDone(answer.recoveryCodes)} onCancel={onCancel}>
      <div>{t('profile.passkeyText')}</div>
      <TextInput size="sm" label={t('profile.passkeyName')} description={t('profile.passkeyNameHint')} data-autofocus {...fields.text('name')} />
    </Form>
  );
}

/** Shown once: each opens the account in place of a lost factor. */
export function RecoveryCodes({ codes, onDone }: { codes: string[]; onDone: () => void }) {
  const { t } = useTexts();
  return (
    <div className={classes.form}>
      <Alert color="yellow" variant="light">{t('profile.recoveryOnce')}</Alert>
      <ul className={styles.codes}>{codes.map((code) => <li key={code} className="mono">{code}</li>)}</ul>
      <div className={classes.buttons}>
        <Button variant="default" size="sm" onClick={() => startTextDownload('chancery-recovery-codes.txt', `${codes.join('\n')}\n`)}>{t('profile.recoverySave')}</Button>
        <Button size="sm" onClick={onDone} data-autofocus>{t('profile.recoveryDone')}</Button>
      </div>
    </div>
  );
}
