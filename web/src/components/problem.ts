import { ApiError } from '../api/client';
import type { Key, Translator } from '../i18n';

/** What went wrong, in the reader's language, with what to do next. */
export function problemText(error: unknown, { t, duration }: Translator): string {
  if (!(error instanceof ApiError)) return t('error.unexpected');
  if (error.status === 0) return t('error.unreachable');
  if (error.status === 404) return t('error.notFound');
  if (error.status === 429) return t('error.throttled', { wait: duration(error.retryAfterSeconds ?? 60) });
  if (error.status === 403) return t('error.csrf');
  if (error.status >= 500) return t('error.server');
  const known = [error.problem.reason, error.problem.code].map((name) => `problem.${name}` as Key).find((key) => t(key) !== key);
  return known ? t(known) : error.problem.detail ?? error.problem.title ?? t('error.unexpected');
}
