import { notifications } from '@mantine/notifications';
import { useTexts } from '../i18n';

interface More {
  color?: string;
  autoClose?: number;
}

/** A short message at the edge of the page, which goes by itself. */
export function useSay(): (message: string, more?: More) => void {
  const { t } = useTexts();
  return (message, more = {}) => {
    notifications.show({ message, closeButtonProps: { 'aria-label': t('form.close') }, ...more });
  };
}
