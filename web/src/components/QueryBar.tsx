import { useQuery } from '@tanstack/react-query';
import { useDebouncedValue, useMediaQuery } from '@mantine/hooks';
import { type KeyboardEvent, type Ref, useEffect, useId, useImperativeHandle, useLayoutEffect, useRef, useState } from 'react';
import { suggestQuery } from '../api/queries';
import type { Schemas } from '../api/client';
import { type Key, type Translator, useTexts } from '../i18n';
import { IconAlertTriangle, IconMail, IconSearch, IconX } from '../ui/icons';
import classes from './QueryBar.module.css';

type Suggestion = Schemas['Suggestion'];

export interface QueryError {
  detail: string;
  start: number;
  end: number;
}

interface Props {
  value: string;
  onChange: (value: string) => void;
  /** Enter without a chosen completion. */
  onSubmit: () => void;
  error: QueryError | null;
  busy: boolean;
  ref?: Ref<{ focus: () => void }>;
}

const SUGGEST_DELAY_MS = 120;
// Also the German names of the operators; the server decides what is one.
const OPERATOR = /(?<![\p{L}\p{N}])(?:[\p{L}-]+:(?!\/\/)|(?:AND|OR|NOT|UND|ODER|NICHT|NEAR(?:\/\d+)?)(?![\p{L}\p{N}]))/gu;

/** Where the word that is being typed begins. */
function wordStart(text: string, caret: number): number {
  let start = caret;
  while (start > 0 && !/[\s(]/.test(text[start - 1] ?? '')) start -= 1;
  return start;
}

/** Puts a completion in the place that it names; a value is followed by a space. */
export function complete(text: string, { insert, replace }: Pick<Suggestion, 'insert' | 'replace'>): { text: string; caret: number } {
  const tail = text.slice(replace.end);
  const gap = /[:\s]$/.test(insert) || /^\s/.test(tail) ? '' : ' ';
  const before = text.slice(0, replace.start) + insert + gap;
  return { text: before + tail, caret: before.length };
}

/** What a completion means, where its own text does not say it. */
function labelOf(item: Suggestion, t: Translator['t']): string {
  if (item.kind === 'address') return item.label === item.insert ? '' : item.label;
  const key = `operator.${item.insert.trim().replace(/:.*$|\/.*$/, '')}` as Key;
  return item.insert.includes(':') || /^[A-Z]/.test(item.insert) ? (t(key) === key ? '' : t(key)) : '';
}

/** The text with operators tinted and the error underlined, painted behind the field itself. */
function Mirror({ text, error }: { text: string; error: QueryError | null }) {
  const cuts = new Set([0, text.length]);
  const operators: [number, number][] = [...text.matchAll(OPERATOR)].map((hit) => [hit.index, hit.index + hit[0].length]);
  operators.forEach(([from, to]) => cuts.add(from).add(to));
  const from = error ? Math.max(0, Math.min(error.start, text.length - 1)) : 0;
  const to = error ? Math.min(text.length, Math.max(error.end, from + 1)) : 0;
  if (error) cuts.add(from).add(to);
  const points = [...cuts].sort((a, b) => a - b);
  return points.slice(0, -1).map((start, i) => {
    const end = points[i + 1] ?? text.length;
    const operator = operators.some(([a, b]) => start >= a && end <= b);
    const wrong = error !== null && start >= from && end <= to;
    return (
      <span key={start} data-operator={operator || undefined} data-wrong={wrong || undefined}>
        {text.slice(start, end)}
      </span>
    );
  });
}

/** The field for the query, with completion of operators and addresses. */
export function QueryBar({ value, onChange, onSubmit, error, busy, ref }: Props) {
  const { t } = useTexts();
  const ids = useId();
  const narrow = useMediaQuery('(max-width: 700px)', false, { getInitialValueInEffect: false });
  const field = useRef<HTMLInputElement>(null);
  const mirror = useRef<HTMLDivElement>(null);
  const [caret, setCaret] = useState(0);
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const pendingCaret = useRef<number | null>(null);
  const [asked] = useDebouncedValue(`${caret}:${value}`, SUGGEST_DELAY_MS);
  const typing = value.slice(wordStart(value, caret), caret);
  const { data } = useQuery({ ...suggestQuery(asked.slice(asked.indexOf(':') + 1), Number.parseInt(asked, 10)), enabled: open && typing !== '' });
  const items: Suggestion[] = open && typing !== '' ? (data ?? []).slice(0, 8) : [];

  useImperativeHandle(ref, () => ({
    focus: () => {
      field.current?.focus();
      field.current?.select();
    },
  }));
  useEffect(() => setActive(-1), [data]);
  useLayoutEffect(() => {
    if (pendingCaret.current !== null) {
      field.current?.setSelectionRange(pendingCaret.current, pendingCaret.current);
      pendingCaret.current = null;
    }
    syncScroll();
  });

  const syncScroll = () => {
    if (mirror.current && field.current) mirror.current.scrollLeft = field.current.scrollLeft;
  };
  const choose = (item: Suggestion) => {
    const done = complete(value, item);
    pendingCaret.current = done.caret;
    setCaret(done.caret);
    setActive(-1);
    setOpen(item.insert.endsWith(':'));
    onChange(done.text);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    const chosen = items[active];
    if (event.key === 'ArrowDown' && items.length > 0) setActive((active + 1) % items.length);
    else if (event.key === 'ArrowUp' && items.length > 0) setActive((active <= 0 ? items.length : active) - 1);
    else if (event.key === 'Tab' && items.length > 0 && !event.shiftKey && (chosen ?? items[0])) choose((chosen ?? items[0]) as Suggestion);
    else if (event.key === 'Enter' && chosen) choose(chosen);
    else if (event.key === 'Enter' && !event.nativeEvent.isComposing) {
      setOpen(false);
      onSubmit();
    } else if (event.key === 'Escape') {
      if (items.length > 0) setOpen(false);
      else field.current?.blur();
    } else return;
    event.preventDefault();
  };
  return (
    <search className={classes.root}>
      <div className={classes.box} data-invalid={error ? true : undefined}>
        <IconSearch size={16} aria-hidden className={classes.icon} />
        <div className={classes.field}>
          <div className={classes.mirror} ref={mirror} aria-hidden>
            <Mirror text={value} error={error} />
          </div>
          <input
            ref={field}
            className={classes.input}
            type="text"
            role="combobox"
            aria-label={t('query.label')}
            aria-autocomplete="list"
            aria-expanded={items.length > 0}
            aria-controls={`${ids}-list`}
            aria-activedescendant={active >= 0 ? `${ids}-${active}` : undefined}
            aria-invalid={error ? true : undefined}
            aria-describedby={error ? `${ids}-error` : undefined}
            placeholder={t(narrow ? 'query.label' : 'query.placeholder')}
            autoComplete="off"
            autoCorrect="off"
            autoCapitalize="none"
            spellCheck={false}
            value={value}
            onChange={(event) => {
              setCaret(event.currentTarget.selectionStart ?? event.currentTarget.value.length);
              setOpen(true);
              onChange(event.currentTarget.value);
            }}
            onSelect={(event) => setCaret(event.currentTarget.selectionStart ?? 0)}
            onScroll={syncScroll}
            onBlur={() => setOpen(false)}
            onKeyDown={onKeyDown}
          />
        </div>
        {busy && <span className={classes.busy} aria-hidden />}
        {value !== '' ? (
          <button type="button" className={classes.clear} aria-label={t('query.clear')} onClick={() => { onChange(''); field.current?.focus(); }}>
            <IconX size={15} aria-hidden />
          </button>
        ) : (
          <kbd className={classes.hint} aria-hidden>/</kbd>
        )}
      </div>
      {error && (
        <div id={`${ids}-error`} className={classes.error} role="alert">
          <IconAlertTriangle size={14} aria-hidden />
          <span>{error.detail}</span>
        </div>
      )}
      <ul id={`${ids}-list`} role="listbox" aria-label={t('query.completions')} className={classes.list} hidden={items.length === 0}>
        {items.map((item, i) => (
          <li key={item.insert} id={`${ids}-${i}`} role="option" aria-selected={i === active} className={classes.item} onPointerDown={(event) => { event.preventDefault(); choose(item); }} onPointerEnter={() => setActive(i)}>
            {item.kind === 'address' ? <IconMail size={14} aria-hidden /> : <IconSearch size={14} aria-hidden />}
            <span className={classes.insert}>{item.insert}</span>
            {labelOf(item, t) && <span className={classes.label}>{labelOf(item, t)}</span>}
          </li>
        ))}
      </ul>
    </search>
  );
}
