import { Alert, Button, Checkbox, TextInput } from '@mantine/core';
import { useState } from 'react';
import { addToken } from '../api/sign-in';
import { Copyable } from '../components/Copyable';
import { type Key, useTexts } from '../i18n';
import { DateField } from '../ui/DateField';
import { addDays, startOf, today } from '../ui/days';
import { Form } from './Form';
import classes from './forms.module.css';
import { useFields } from './useFields';

const DAYS = 90;

/** A token for a program: what it may do, until when; shown once. */
export function NewTokenForm({ scopes, daysMax, close }: { scopes: string[]; daysMax: number; close: () => void }) {
  const { t } = useTexts();
  const [token, setToken] = useState<string | null>(null);
  const last = addDays(today(), daysMax - 1);
  const fields = useFields({ name: '', scopes: [] as string[], readOnly: true, expires: addDays(today(), Math.min(DAYS, daysMax - 1)) }, (now) => ({
    name: !now.name.trim() && t('form.required'),
    scopes: now.scopes.length === 0 && t('profile.scopesNeeded'),
    expires: !now.expires && t('form.required'),
  }));
  const { values } = fields;
  if (token) {
    return (
      <div className={classes.form}>
        <Alert color="yellow" variant="light">{t('profile.tokenOnce')}</Alert>
        <Copyable text={token} what={t('profile.token')} block />
        <div className={classes.buttons}><Button size="sm" onClick={close} data-autofocus>{t('form.done')}</Button></div>
      </div>
    );
  }
  return (
    <Form submit={t('profile.createToken')} check={fields.check} send={() => addToken({ name: values.name.trim(), scopes: values.scopes, readOnly: values.readOnly, expiresAt: startOf(values.expires) })} refresh={[['me', 'tokens']]} onDone={(made) => setToken(made.token)} onCancel={close}>
      <TextInput size="sm" label={t('profile.tokenName')} description={t('profile.tokenNameHint')} data-autofocus {...fields.text('name')} />
      <Checkbox.Group label={t('profile.scopes')} error={fields.error('scopes')} value={values.scopes} onChange={(chosen) => fields.set({ scopes: chosen })}>
        <div className={classes.choices}>{scopes.map((scope) => <Checkbox key={scope} value={scope} label={t(`permission.${scope}` as Key)} />)}</div>
      </Checkbox.Group>
      <Checkbox label={t('profile.readOnly')} description={t('profile.readOnlyHint')} {...fields.flag('readOnly')} />
      <DateField size="sm" label={t('profile.expires')} min={addDays(today(), 1)} max={last} value={values.expires} onChange={(expires) => fields.set({ expires })} error={fields.error('expires')} />
    </Form>
  );
}
