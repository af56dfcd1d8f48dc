import { Alert, Button, PasswordInput, SegmentedControl, TextInput, VisuallyHidden } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useRouter, useSearch } from '@tanstack/react-router';
import { type FormEvent, type ReactNode, useRef, useState } from 'react';
import { api, ApiError, unwrap, useCsrfToken } from '../../api/client';
import { sessionQuery } from '../../api/queries';
import { paths } from '../../app/paths';
import { localPath } from '../../app/router';
import { problemText } from '../../components/problem';
import { Seal } from '../../components/Seal';
import forms from '../../forms/forms.module.css';
import { useTitle } from '../../hooks/useTitle';
import { useTexts } from '../../i18n';
import { type Language, setPreferences } from '../../stores/preferences';
import classes from './SignInPage.module.css';

/** The quiet page around what comes before the archive itself. */
export function Threshold({ title, lead, children }: { title: string; lead: string; children: ReactNode }) {
  const { t, language } = useTexts();
  return (
    <div className={classes.page}>
      <main className={classes.card}>
        <div className={classes.head}>
          <Seal size={40} />
          <h1 className={classes.title}>{title}</h1>
          <p className={classes.lead}>{lead}</p>
        </div>
        {children}
      </main>
      <footer className={classes.foot}>
        <SegmentedControl size="xs" aria-label={t('menu.language')} value={language} onChange={(value) => setPreferences({ language: value as Language })} data={[{ value: 'de', label: 'Deutsch' }, { value: 'en', label: 'English' }]} />
      </footer>
    </div>
  );
}

export function SignInPage() {
  const texts = useTexts();
  const { t } = texts;
  const client = useQueryClient();
  const router = useRouter();
  const { next } = useSearch({ from: paths.signIn });
  const [userName, setUserName] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const passwordField = useRef<HTMLInputElement>(null);
  useTitle(t('signIn.title'));

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!userName.trim() || !password) {
      setFailure(t('signIn.both'));
      return;
    }
    setBusy(true);
    setFailure(null);
    try {
      const session = await unwrap(api.POST('/api/v1/session', { body: { userName: userName.trim(), password } }));
      useCsrfToken(session.csrfToken);
      client.setQueryData(sessionQuery.queryKey, session);
      await router.navigate({ href: localPath(next), replace: true });
    } catch (error) {
      setFailure(error instanceof ApiError && error.status === 401 ? t('signIn.wrong') : problemText(error, texts));
      setPassword('');
      setBusy(false);
      passwordField.current?.focus();
    }
  };
  return (
    <Threshold title={t('signIn.heading')} lead={t('signIn.lead')}>
      <form onSubmit={(event) => void submit(event)} className={forms.form} noValidate>
        <div aria-live="assertive">{failure && <Alert color="red" variant="light">{failure}</Alert>}</div>
        <TextInput size="sm" label={t('signIn.userName')} name="username" autoComplete="username" autoCapitalize="none" spellCheck={false} autoFocus value={userName} onChange={(event) => setUserName(event.currentTarget.value)} required withAsterisk={false} />
        <PasswordInput size="sm" ref={passwordField} label={t('signIn.password')} name="password" autoComplete="current-password" value={password} onChange={(event) => setPassword(event.currentTarget.value)} required withAsterisk={false} visibilityToggleButtonProps={{ 'aria-label': t('password.show') }} />
        <Button type="submit" size="sm" loading={busy} fullWidth>{t('signIn.submit')}</Button>
        {busy && <VisuallyHidden role="status">{t('signIn.busy')}</VisuallyHidden>}
      </form>
    </Threshold>
  );
}
