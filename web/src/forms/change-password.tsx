import { Alert, Button, Modal, PasswordInput } from '@mantine/core';
import { useSay } from '../hooks/useSay';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, ApiError, unwrap } from '../api/client';
import { sessionQuery } from '../api/queries';
import { problemText } from '../components/problem';
import { useTexts } from '../i18n';
import classes from './forms.module.css';

const LENGTH_MIN = 12;

interface FormProps {
  onDone: () => void;
  onCancel?: () => void;
}

/** Asks for the present and the new password, and changes it. */
export function ChangePasswordForm({ onDone, onCancel }: FormProps) {
  const texts = useTexts();
  const say = useSay();
  const { t } = texts;
  const client = useQueryClient();
  const [fields, setFields] = useState({ current: '', next: '', again: '' });
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const tooShort = [...fields.next].length < LENGTH_MIN;
  const same = fields.next !== '' && fields.next === fields.current;
  const different = fields.next !== fields.again;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (tooShort || same || different || !fields.current) return;
    setBusy(true);
    setFailure(null);
    try {
      await unwrap(api.POST('/api/v1/session/password', { body: { current: fields.current, new: fields.next } }));
      // The change may have renewed the session and its token.
      await client.fetchQuery({ ...sessionQuery, staleTime: 0 });
      say(t('password.changed'), { color: 'green' });
      onDone();
    } catch (error) {
      const wrong = error instanceof ApiError && (error.status === 401 || error.problem.code === 'bad-credentials');
      setFailure(wrong ? t('password.wrong') : problemText(error, texts));
    } finally {
      setBusy(false);
    }
  };
  const set = (name: keyof typeof fields) => (event: { currentTarget: { value: string } }) => {
    const { value } = event.currentTarget;
    setFields((before) => ({ ...before, [name]: value }));
  };
  const toggle = { 'aria-label': t('password.show') };
  const nextError = tried && tooShort ? t('password.short', { min: LENGTH_MIN }) : tried && same ? t('password.same') : undefined;
  return (
    <form onSubmit={(event) => void submit(event)} className={classes.form} noValidate>
      {failure && <Alert color="red" variant="light" role="alert">{failure}</Alert>}
      <PasswordInput size="sm" label={t('password.current')} autoComplete="current-password" value={fields.current} onChange={set('current')} required withAsterisk={false} data-autofocus error={tried && !fields.current ? t('form.required') : undefined} visibilityToggleButtonProps={toggle} />
      <PasswordInput size="sm" label={t('password.new')} description={t('password.rule', { min: LENGTH_MIN })} autoComplete="new-password" value={fields.next} onChange={set('next')} required withAsterisk={false} error={nextError} visibilityToggleButtonProps={toggle} />
      <PasswordInput size="sm" label={t('password.again')} autoComplete="new-password" value={fields.again} onChange={set('again')} required withAsterisk={false} error={tried && different ? t('password.different') : undefined} visibilityToggleButtonProps={toggle} />
      <div className={classes.buttons}>
        {onCancel && <Button variant="default" size="sm" onClick={onCancel}>{t('form.cancel')}</Button>}
        <Button type="submit" size="sm" loading={busy} fullWidth={!onCancel}>{t('password.change')}</Button>
      </div>
    </form>
  );
}

export function ChangePasswordDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTexts();
  return (
    <Modal opened={opened} onClose={onClose} title={t('password.title')} size="sm" closeButtonProps={{ 'aria-label': t('form.close') }}>
      <ChangePasswordForm onDone={onClose} onCancel={onClose} />
    </Modal>
  );
}
