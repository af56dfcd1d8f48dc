import { Alert, Button } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useMutation, useQuery } from '@tanstack/react-query';
import { methodsQuery, startAtProvider } from '../../api/providers';
import { problemText } from '../../components/problem';
import { type Key, useTexts } from '../../i18n';
import classes from './SignInPage.module.css';

const DELAY_MS = 350;

/** Other ways in: a button for each provider that is offered to this name. */
export function ProviderButtons({ userName, next, error }: { userName: string; next: string; error?: string }) {
  const texts = useTexts();
  const { t } = texts;
  // Only a name with a domain can belong to a provider of its own.
  const [asked] = useDebouncedValue(/@.+\../.test(userName) ? userName.trim() : '', DELAY_MS);
  const { data } = useQuery(methodsQuery(asked));
  const leave = useMutation({
    mutationFn: (id: string) => startAtProvider(id, userName.trim(), next),
    onSuccess: ({ location: page }) => window.location.assign(page),
  });
  const key = `signIn.error.${error ?? ''}` as Key;
  const reason = error ? (t(key) === key ? t('signIn.error.other', { code: error }) : t(key)) : leave.error ? problemText(leave.error, texts) : '';
  return (
    <>
      {reason && <Alert color="red" variant="light" role="alert" mb={14}>{reason}</Alert>}
      {data && data.providers.length > 0 && (
        <div className={classes.providers}>
          {data.providers.map((provider) => <Button key={provider.id} variant="default" size="sm" fullWidth loading={leave.isPending && leave.variables === provider.id} onClick={() => leave.mutate(provider.id)}>{t('signIn.with', { name: provider.name })}</Button>)}
          <div className={classes.or}><span>{t('signIn.or')}</span></div>
        </div>
      )}
    </>
  );
}
