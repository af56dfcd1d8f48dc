import { Button } from '@mantine/core';
import { ApiError } from '../api/client';
import { useTexts } from '../i18n';
import { EmptyState } from '../ui/EmptyState';
import { IconAlertTriangle, IconShieldLock } from '../ui/icons';
import { problemText } from './problem';

interface Props {
  error: unknown;
  retry?: () => void;
  level?: 1 | 2;
}

/** In place of what could not be loaded: why, and what to do about it. */
export function Failure({ error, retry, level = 2 }: Props) {
  const texts = useTexts();
  const { t } = texts;
  const hidden = error instanceof ApiError && (error.status === 404 || error.status === 403);
  return (
    <EmptyState level={level} alert icon={hidden ? <IconShieldLock size={24} /> : <IconAlertTriangle size={24} />} title={hidden ? t('admin.onlyTitle') : t('error.title')} actions={!hidden && retry && <Button variant="default" onClick={retry}>{t('error.retry')}</Button>}>
      {hidden ? t('admin.onlyText') : problemText(error, texts)}
    </EmptyState>
  );
}
