import { createContext, type ReactNode, useContext, useEffect, useMemo } from 'react';
import { type Language, usePreferences } from '../stores/preferences';
import type { ConsoleKey } from './console';
import de from './de.json';
import en from './en.json';

type Plural<K> = K extends `${infer Base}_other` ? Base : never;
export type Key = keyof typeof en | ConsoleKey;
export type PluralKey = Plural<Key>;
type Values = Record<string, ReactNode>;

const TEXTS: Record<Language, Record<string, string>> = { de: { ...de }, en: { ...en } };

/** Adds the texts of pages that are loaded later; called when their module is, before they render. */
export function addTexts(more: Record<Language, Record<string, string>>) {
  Object.assign(TEXTS.de, more.de);
  Object.assign(TEXTS.en, more.en);
}

export interface Translator {
  language: Language;
  /** The text of a key with `{name}` replaced. */
  t: (key: Key, values?: Record<string, string | number>) => string;
  /** The text in the form that fits `count`; `{count}` is written in the language's way. */
  n: (key: PluralKey, count: number, values?: Record<string, string | number>) => string;
  /** Like `t`, with elements in place of names. */
  rich: (key: Key, values: Values) => ReactNode;
  number: (value: number, digits?: number) => string;
  bytes: (value: number) => string;
  date: (value: string | null | undefined) => string;
  /** With seconds, for logs. */
  exact: (value: string | null | undefined) => string;
  /** The day alone. */
  day: (value: string | null | undefined) => string;
  /** Day and time, short enough for a table. */
  stamp: (value: string | null | undefined) => string;
  /** Short for lists: the time today, day and month this year, else the date. */
  shortDate: (value: string | null | undefined) => string;
  time: (value: string) => string;
  relative: (value: string) => string;
  duration: (seconds: number) => string;
}

const Context = createContext<Translator | null>(null);

export function browserLanguage(): Language {
  return navigator.languages.some((tag) => tag.toLowerCase().startsWith('de')) && !navigator.language.startsWith('en') ? 'de' : 'en';
}

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const SHORT = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

function makeTranslator(language: Language): Translator {
  const locale = language === 'de' ? 'de-DE' : 'en-GB';
  const texts = TEXTS[language];
  const rules = new Intl.PluralRules(locale);
  const full = new Intl.DateTimeFormat(locale, { weekday: 'short', day: 'numeric', month: 'long', year: 'numeric', hour: '2-digit', minute: '2-digit' });
  const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' });
  const dayMonth = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' });
  const day = new Intl.DateTimeFormat(locale, { day: '2-digit', month: '2-digit', year: 'numeric' });
  const stamp = new Intl.DateTimeFormat(locale, { day: '2-digit', month: '2-digit', year: 'numeric', hour: '2-digit', minute: '2-digit' });
  const exact = new Intl.DateTimeFormat(locale, { day: '2-digit', month: '2-digit', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit' });
  const ago = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });

  const fill = (text: string, values?: Record<string, string | number>) =>
    values ? text.replace(/\{(\w+)\}/g, (hole, name: string) => String(values[name] ?? hole)) : text;
  const number = (value: number, digits = 0) => new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value);
  const valid = (value: string | null | undefined) => {
    const date = value ? new Date(value) : null;
    return date && !Number.isNaN(date.getTime()) ? date : null;
  };
  const t: Translator['t'] = (key, values) => fill(texts[key] ?? key, values);

  return {
    language,
    t,
    n: (key, count, values) => fill(texts[`${key}_${rules.select(count)}`] ?? texts[`${key}_other`] ?? key, { ...values, count: number(count) }),
    rich: (key, values) => (texts[key] ?? key).split(/(\{\w+\})/).map((piece, i) => <span key={i}>{/^\{\w+\}$/.test(piece) ? values[piece.slice(1, -1)] : piece}</span>),
    number,
    bytes: (value) => {
      const step = value < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(value) / 3));
      const scaled = value / 1000 ** step;
      return `${number(scaled, step > 0 && scaled < 100 ? 1 : 0)} ${SHORT[step]}`;
    },
    date: (value) => {
      const date = valid(value);
      return date ? full.format(date) : t('date.unknown');
    },
    exact: (value) => {
      const date = valid(value);
      return date ? exact.format(date) : '–';
    },
    day: (value) => {
      // A calendar day has no zone: midday of it is the same day everywhere.
      const date = valid(value && DAY.test(value) ? `${value}T12:00:00` : value);
      return date ? day.format(date) : '–';
    },
    stamp: (value) => {
      const date = valid(value);
      return date ? stamp.format(date) : '–';
    },
    shortDate: (value) => {
      const date = valid(value);
      if (!date) return '–';
      const now = new Date();
      if (date.toDateString() === now.toDateString()) return clock.format(date);
      return date.getFullYear() === now.getFullYear() ? dayMonth.format(date) : day.format(date);
    },
    time: (value) => clock.format(new Date(value)),
    relative: (value) => {
      const seconds = (new Date(value).getTime() - Date.now()) / 1000;
      const size = Math.abs(seconds);
      if (size < 60) return ago.format(Math.round(seconds), 'second');
      if (size < 3600) return ago.format(Math.round(seconds / 60), 'minute');
      if (size < 86_400) return ago.format(Math.round(seconds / 3600), 'hour');
      return ago.format(Math.round(seconds / 86_400), 'day');
    },
    duration: (seconds) => {
      const unit = (value: number, name: 'second' | 'minute' | 'hour' | 'day') =>
        new Intl.NumberFormat(locale, { style: 'unit', unit: name, unitDisplay: 'short' }).format(value);
      if (seconds < 60) return unit(Math.round(seconds), 'second');
      if (seconds < 3600) return unit(Math.floor(seconds / 60), 'minute');
      const [hours, days] = [Math.floor(seconds / 3600), Math.floor(seconds / 86_400)];
      if (days === 0) return `${unit(hours, 'hour')} ${unit(Math.floor((seconds % 3600) / 60), 'minute')}`;
      return `${unit(days, 'day')} ${unit(hours % 24, 'hour')}`;
    },
  };
}

export function LanguageProvider({ account, children }: { account?: string | null; children: ReactNode }) {
  const { language } = usePreferences();
  const wanted = language ?? (account === 'de' || account === 'en' ? account : browserLanguage());
  const translator = useMemo(() => makeTranslator(wanted), [wanted]);
  useEffect(() => {
    document.documentElement.lang = wanted;
  }, [wanted]);
  return <Context value={translator}>{children}</Context>;
}

export function useTexts(): Translator {
  const translator = useContext(Context);
  if (!translator) throw new Error('outside of LanguageProvider');
  return translator;
}
