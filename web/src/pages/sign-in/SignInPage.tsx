import { Alert, Button, PasswordInput, TextInput, VisuallyHidden } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useRouter, useSearch } from '@tanstack/react-router';
import { type FormEvent, useRef, useState } from 'react';
import { api, ApiError, type Schemas, unwrap, useCsrfToken } from '../../api/client';
import { sessionQuery } from '../../api/queries';
import { paths } from '../../app/paths';
import { localPath } from '../../app/router';
import { problemText } from '../../components/problem';
import forms from '../../forms/forms.module.css';
import { useTitle } from '../../hooks/useTitle';
import { useTexts } from '../../i18n';
import { ProviderButtons } from './ProviderButtons';
import { SecondFactorStep } from './SecondFactorStep';
import { Threshold } from './Threshold';

export function SignInPage() {
  const { t } = useTexts();
  const client = useQueryClient();
  const router = useRouter();
  const { next, error } = useSearch({ from: paths.signIn });
  const [userName, setUserName] = useState('');
  const [needed, setNeeded] = useState<Schemas['SecondFactorNeeded'] | null>(null);
  useTitle(t('signIn.title'));
  const signedIn = async (session: Schemas['Session']) => {
    useCsrfToken(session.csrfToken);
    client.setQueryData(sessionQuery.queryKey, session);
    await router.navigate({ href: localPath(next), replace: true });
  };
  if (needed) return <SecondFactorStep needed={needed} onDone={signedIn} onBack={() => setNeeded(null)} />;
  return (
    <Threshold title={t('signIn.heading')} lead={t('signIn.lead')}>
      <ProviderButtons userName={userName} next={localPath(next)} error={error} />
      <PasswordForm userName={userName} setUserName={setUserName} onSession={signedIn} onSecondFactor={setNeeded} />
    </Threshold>
  );
}

interface FormProps {
  userName: string;
  setUserName: (name: string) => void;
  onSession: (session: Schemas['Session']) => Promise<void>;
  onSecondFactor: (needed: Schemas['SecondFactorNeeded']) => void;
}

/** The local way in, which is always there. */
function PasswordForm({ userName, setUserName, onSession, onSecondFactor }: FormProps) {
  const texts = useTexts();
  const { t } = texts;
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const passwordField = useRef<HTMLInputElement>(null);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!userName.trim() || !password) {
      setFailure(t('signIn.both'));
      return;
    }
    setBusy(true);
    setFailure(null);
    try {
      const answer = await unwrap(api.POST('/api/v1/session', { body: { userName: userName.trim(), password } }));
      if ('csrfToken' in answer) await onSession(answer);
      else onSecondFactor(answer);
    } catch (error) {
      setFailure(error instanceof ApiError && error.status === 401 ? t('signIn.wrong') : problemText(error, texts));
      setPassword('');
      setBusy(false);
      passwordField.current?.focus();
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)} className={forms.form} noValidate>
      <div aria-live="assertive">{failure && <Alert color="red" variant="light">{failure}</Alert>}</div>
      <TextInput size="sm" label={t('signIn.userName')} name="username" autoComplete="username" autoCapitalize="none" spellCheck={false} autoFocus value={userName} onChange={(event) => setUserName(event.currentTarget.value)} required withAsterisk={false} />
      <PasswordInput size="sm" ref={passwordField} label={t('signIn.password')} name="password" autoComplete="current-password" value={password} onChange={(event) => setPassword(event.currentTarget.value)} required withAsterisk={false} visibilityToggleButtonProps={{ 'aria-label': t('password.show') }} />
      <Button type="submit" size="sm" loading={busy} fullWidth>{t('signIn.submit')}</Button>
      {busy && <VisuallyHidden role="status">{t('signIn.busy')}</VisuallyHidden>}
    </form>
  );
}
