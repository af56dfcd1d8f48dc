import type { Schemas } from '../api/client';
import { IconCalendar, IconLock, IconMailExclamation } from '../ui/icons';
import { useTexts } from '../i18n';

/** A sign for what is not an ordinary mail, with its name for those who do not see it. */
export function MailIcon({ kind }: { kind: Schemas['MailKind'] }) {
  const { t } = useTexts();
  if (kind === 'mail') return null;
  const Icon = kind === 'calendar' ? IconCalendar : kind === 'encrypted' ? IconLock : IconMailExclamation;
  return <Icon size={14} role="img" aria-label={t(`kind.${kind}`)} />;
}
