import type { SearchState } from '../../app/paths';

export type FacetName = 'from' | 'year' | 'kind' | 'size';

/** The query that the server is asked, and where the words of the person begin in it. */
export interface ComposedQuery {
  text: string;
  offset: number;
}

const quote = (value: string) => (/^[\w.@+-]+$/u.test(value) ? value : `"${value.replace(/"/g, '')}"`);
const either = (terms: string[]) => (terms.length > 1 ? `(${terms.join(' OR ')})` : (terms[0] ?? ''));

/** `before:` leaves its day out; the filter names the last day that counts. */
function dayAfter(day: string): string {
  const next = new Date(`${day}T12:00:00Z`);
  next.setUTCDate(next.getUTCDate() + 1);
  return next.toISOString().slice(0, 10);
}

/** A filter of the size facet: `100K-1M`, `1M-` or `-100K`; the lower bound belongs to it. */
function sizeTerm(range: string): string {
  const [from = '', to = ''] = range.split('-');
  return [from && `NOT smaller:${from}`, to && `smaller:${to}`].filter(Boolean).join(' ');
}

/** Filters first, then what was typed in parentheses: an OR in it stays inside. */
export function composeQuery(state: SearchState): ComposedQuery {
  const typed = state.q ?? '';
  const filters = [
    either((state.from ?? []).map((address) => `from:${quote(address)}`)),
    either((state.year ?? []).map((year) => `on:${year}`)),
    either((state.kind ?? []).map((kind) => `kind:${kind}`)),
    state.attachment === 'yes' ? 'has:attachment' : state.attachment === 'no' ? 'NOT has:attachment' : '',
    either((state.size ?? []).map((range) => `(${sizeTerm(range)})`)),
    state.after ? `after:${state.after}` : '',
    state.before ? `before:${dayAfter(state.before)}` : '',
  ].filter(Boolean);
  if (filters.length === 0) return { text: typed, offset: 0 };
  const prefix = filters.join(' ');
  return typed.trim() ? { text: `${prefix} (${typed})`, offset: prefix.length + 2 } : { text: prefix, offset: 0 };
}

export function countFilters(state: SearchState): number {
  const lists = [state.from, state.year, state.kind, state.size].reduce((sum, list) => sum + (list?.length ?? 0), 0);
  return lists + [state.attachment, state.after, state.before].filter(Boolean).length;
}

export const NO_FILTERS: Partial<SearchState> = {
  from: undefined,
  year: undefined,
  kind: undefined,
  size: undefined,
  attachment: undefined,
  after: undefined,
  before: undefined,
};

const TEXT_OPERATORS = ['subject', 'betreff', 'body', 'text', 'inhalt'];
const CONNECTIVES = /^(?:AND|OR|NOT|UND|ODER|NICHT|NEAR(?:\/\d+)?)$/;

/** The plain words and phrases of a query, for marking them in a text that the page shows. */
export function wordsOf(q: string): string[] {
  const words: string[] = [];
  for (const [, not, operator, phrase, word] of q.matchAll(/((?<!\S)-|\b(?:NOT|NICHT)\s+)?(?:(\p{L}+):)?(?:"([^"]*)"|([^\s()"]+))/gu)) {
    if (not || (operator && !TEXT_OPERATORS.includes(operator.toLowerCase()))) continue;
    const text = (phrase ?? word ?? '').replace(/[*~]\d*$/u, '');
    if (text.length > 1 && !CONNECTIVES.test(text)) words.push(text);
  }
  return words;
}
