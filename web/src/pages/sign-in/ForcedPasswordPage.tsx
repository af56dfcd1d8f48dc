import { Anchor } from '@mantine/core';
import { useRouter } from '@tanstack/react-router';
import { ChangePasswordForm } from '../../forms/change-password';
import { useSignOut } from '../../hooks/useSession';
import { useTitle } from '../../hooks/useTitle';
import { useTexts } from '../../i18n';
import classes from './SignInPage.module.css';
import { Threshold } from './Threshold';

/** After a one-time password nothing works but choosing one's own. */
export function ForcedPasswordPage() {
  const { t } = useTexts();
  const router = useRouter();
  const signOut = useSignOut();
  useTitle(t('password.title'));
  return (
    <Threshold title={t('password.forcedTitle')} lead={t('password.forcedLead')}>
      <ChangePasswordForm onDone={() => void router.invalidate()} />
      <p className={classes.aside}>
        <Anchor component="button" type="button" size="xs" onClick={() => void signOut()}>{t('menu.signOut')}</Anchor>
      </p>
    </Threshold>
  );
}
