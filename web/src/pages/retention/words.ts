import type { Clause, Period, RetentionPolicy } from '../../api/retention';
import type { Translator } from '../../i18n';

export const KINDS = ['sender', 'recipient', 'domain', 'direction', 'subject', 'query', 'size', 'attachment-type', 'source', 'folder', 'mailbox', 'tag', 'class', 'received'] as const;
export type Kind = (typeof KINDS)[number];

/** `6 years`, `1 year 3 months`. */
export function periodText(period: Period, { t, n }: Translator): string {
  const { years, months, days } = filled(period);
  const parts = [years > 0 && n('retention.years', years), months > 0 && n('retention.months', months), days > 0 && n('retention.days', days)].filter((part): part is string => Boolean(part));
  return parts.join(' ') || t('retention.noTime');
}

export const filled = (period: Period | null | undefined) => ({ years: period?.years ?? 0, months: period?.months ?? 0, days: period?.days ?? 0 });

/** About how many days: to compare a maximum with a minimum before the server does so exactly. */
export const daysOf = (period: Period) => filled(period).years * 365.25 + filled(period).months * 30.4 + filled(period).days;

/** How long, and from when. */
export function keptText(policy: Pick<RetentionPolicy, 'atMost' | 'begins' | 'from' | 'keep'>, texts: Translator): string {
  const { t } = texts;
  if (!policy.keep) return t('retention.forEver');
  const from = policy.from ?? 'receipt';
  const begins = policy.begins === 'at-year-end' ? t(`retention.yearEnd.${from}`) : t(`retention.counts.${from}`);
  const period = periodText(policy.keep, texts);
  const length = policy.atMost ? t('retention.keptAtMost', { period, most: periodText(policy.atMost, texts) }) : t('retention.kept', { period });
  return `${length} ${begins}`;
}

/** A condition as people read it. */
export function clauseText(clause: Clause, texts: Translator, names: Record<string, string> = {}): string {
  const { t, day, bytes } = texts;
  const head = `${clause.not ? `${t('condition.not')} ` : ''}${t(`condition.kind.${clause.kind}`)}`;
  const list = (values: readonly string[]) => values.map((value) => names[value] ?? value).join(` ${t('condition.or')} `);
  switch (clause.kind) {
    case 'query':
      return `${head}: ${clause.text}`;
    case 'received':
      return `${head}: ${clause.from ? day(clause.from) : '…'} – ${clause.through ? day(clause.through) : '…'}`;
    case 'size': {
      const ends = [clause.atLeast != null && t('condition.sizeFrom', { size: bytes(clause.atLeast) }), clause.atMost != null && t('condition.sizeUntil', { size: bytes(clause.atMost) })];
      return `${head}: ${ends.filter(Boolean).join(' ')}`;
    }
    case 'direction':
      return `${head}: ${clause.anyOf.map((value) => t(`condition.direction.${value as 'incoming'}`)).join(` ${t('condition.or')} `)}`;
    default:
      return `${head}: ${list(clause.anyOf)}`;
  }
}

/** An empty condition of a kind. */
export function freshClause(kind: Kind): Clause {
  if (kind === 'query') return { kind, text: '' };
  if (kind === 'received' || kind === 'size') return { kind };
  return { kind, anyOf: [] } as Clause;
}

/** Whether a condition says anything. */
export function isComplete(clause: Clause): boolean {
  if (clause.kind === 'query') return clause.text.trim() !== '';
  if (clause.kind === 'received') return Boolean(clause.from || clause.through);
  if (clause.kind === 'size') return clause.atLeast != null || clause.atMost != null;
  return clause.anyOf.length > 0;
}
