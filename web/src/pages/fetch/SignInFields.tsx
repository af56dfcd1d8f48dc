import { PasswordInput, Select, TextInput } from '@mantine/core';
import type { FetchConfig } from '../../api/fetch';
import { useTexts } from '../../i18n';
import { CLOUDS, type FieldsProps } from './draft';
import classes from './Fetch.module.css';
import { OauthGuide } from './OauthGuide';

/** As whom the mailboxes are opened. */
export function SignInFields(props: FieldsProps) {
  const { draft: { password, config }, set, setConfig, fault, source } = props;
  const { t } = useTexts();
  const app = config.signIn === 'oauth';
  const change = (signIn: FetchConfig['signIn']) => {
    const mode = config.mode.kind === 'mailboxes' ? { ...config.mode, by: signIn === 'oauth' ? { kind: 'oauth' as const } : { kind: 'authorization-id' as const } } : config.mode;
    setConfig({ signIn, mode, ...(signIn === 'oauth' && config.server === '' ? { server: CLOUDS.worldwide.server } : {}) });
  };
  return (
    <div className={classes.grid}>
      <Select size="sm" label={t('fetch.signInBy')} allowDeselect={false} value={config.signIn} onChange={(value) => change((value ?? 'password') as FetchConfig['signIn'])} data={(['password', 'oauth'] as const).map((value) => ({ value, label: t(`fetch.signInBy.${value}`) }))} />
      {!(app && config.mode.kind === 'mailboxes') && <TextInput size="sm" label={t(app ? 'fetch.mailbox' : 'fetch.user')} description={app ? t('fetch.mailboxHint') : undefined} autoCapitalize="none" autoComplete="off" spellCheck={false} value={config.user} error={fault('user')} onChange={(event) => setConfig({ user: event.currentTarget.value })} />}
      {!app && <PasswordInput size="sm" label={t('fetch.password')} description={source?.hasPassword ? t('server.secretStored') : undefined} autoComplete="new-password" value={password} onChange={(event) => set({ password: event.currentTarget.value })} visibilityToggleButtonProps={{ 'aria-label': t('password.show') }} />}
      {app && <div className={classes.wide}><OauthGuide {...props} /></div>}
    </div>
  );
}
