import type { Language } from '../stores/preferences';

/** Calendar days as `2026-03-14`: without a zone, as people mean them. */
export const isDay = (text: string) => /^\d{4}-\d{2}-\d{2}$/.test(text) && toDate(text) !== null;

function toDate(day: string): Date | null {
  const [year = 0, month = 0, date = 0] = day.split('-').map(Number);
  const made = new Date(Date.UTC(year, month - 1, date));
  return made.getUTCMonth() === month - 1 && made.getUTCDate() === date ? made : null;
}

const fromDate = (date: Date) => date.toISOString().slice(0, 10);

/** How a day is written in a field: 14.03.2026 or 14/03/2026. */
export function writeDay(day: string, language: Language): string {
  if (!isDay(day)) return '';
  const [year, month, date] = day.split('-');
  return [date, month, year].join(language === 'de' ? '.' : '/');
}

/** What was typed as a day: `14.3.2026`, `14/03/26`, `2026-03-14`; null when it is none. */
export function readDay(text: string): string | null {
  const typed = text.trim();
  if (isDay(typed)) return typed;
  const hit = /^(\d{1,2})[./\s-]+(\d{1,2})[./\s-]+(\d{4}|\d{2})$/.exec(typed);
  if (!hit) return null;
  const [, date = '', month = '', year = ''] = hit;
  const day = `${year.length === 2 ? `20${year}` : year}-${month.padStart(2, '0')}-${date.padStart(2, '0')}`;
  return isDay(day) ? day : null;
}

/** The day `count` days later. */
export function addDays(day: string, count: number): string {
  const date = toDate(day) ?? new Date();
  date.setUTCDate(date.getUTCDate() + count);
  return fromDate(date);
}

/** The same day some months later, or the last one of that month. */
export function addMonths(day: string, count: number): string {
  const [year = 0, month = 0, date = 0] = day.split('-').map(Number);
  const last = new Date(Date.UTC(year, month + count, 0)).getUTCDate();
  return fromDate(new Date(Date.UTC(year, month - 1 + count, Math.min(date, last))));
}

/** The six weeks, from Monday on, in which the month of `day` lies. */
export function weeksOf(day: string): string[][] {
  const first = `${day.slice(0, 8)}01`;
  const weekday = ((toDate(first)?.getUTCDay() ?? 1) + 6) % 7;
  return Array.from({ length: 6 }, (_, week) => Array.from({ length: 7 }, (_, i) => addDays(first, week * 7 + i - weekday)));
}

/** Today where the browser is. */
export function today(): string {
  const now = new Date();
  return `${now.getFullYear()}-${String(now.getMonth() + 1).padStart(2, '0')}-${String(now.getDate()).padStart(2, '0')}`;
}

/** The moment at which a day begins in the browser's zone, as the API takes it. */
export function startOf(day: string): string {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  return new Date(year, month - 1, date).toISOString();
}

/** The day of a moment in the browser's zone. */
export function dayOf(moment: string | null | undefined): string {
  if (!moment) return '';
  if (isDay(moment)) return moment;
  const date = new Date(moment);
  if (Number.isNaN(date.getTime())) return '';
  return `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, '0')}-${String(date.getDate()).padStart(2, '0')}`;
}
