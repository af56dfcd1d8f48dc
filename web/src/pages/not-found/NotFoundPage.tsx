import { Button } from '@mantine/core';
import { type ErrorComponentProps, useRouter } from '@tanstack/react-router';
import { paths } from '../../app/paths';
import { problemText } from '../../components/problem';
import { useTitle } from '../../hooks/useTitle';
import { useTexts } from '../../i18n';
import { EmptyState } from '../../ui/EmptyState';
import { IconAlertTriangle, IconSearch } from '../../ui/icons';

export function NotFoundPage() {
  const { t } = useTexts();
  const router = useRouter();
  useTitle(t('notFound.title'));
  return (
    <main style={{ height: '100%' }}>
      <EmptyState level={1} icon={<IconSearch size={24} />} title={t('notFound.title')} actions={<Button variant="default" onClick={() => void router.navigate({ to: paths.home })}>{t('notFound.home')}</Button>}>
        {t('notFound.text')}
      </EmptyState>
    </main>
  );
}

export function FailurePage({ error }: ErrorComponentProps) {
  const texts = useTexts();
  const router = useRouter();
  useTitle(texts.t('error.title'));
  return (
    <main style={{ height: '100%' }}>
      <EmptyState level={1} alert icon={<IconAlertTriangle size={24} />} title={texts.t('error.title')} actions={<Button variant="default" onClick={() => void router.invalidate()}>{texts.t('error.retry')}</Button>}>
        {problemText(error, texts)}
      </EmptyState>
    </main>
  );
}
