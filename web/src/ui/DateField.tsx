import { ActionIcon, Popover, TextInput, type TextInputProps } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { useTexts } from '../i18n';
import classes from './DateField.module.css';
import { addDays, addMonths, readDay, today, weeksOf, writeDay } from './days';
import { IconCalendar, IconChevronLeft, IconChevronRight } from './icons';

interface Props extends Omit<TextInputProps, 'onChange' | 'value'> {
  /** `2026-03-14`, or empty. */
  value: string;
  onChange: (day: string) => void;
  min?: string;
  max?: string;
}

/** A day, written and chosen in the language of the page (the browser's own field follows the browser's). */
export function DateField({ value, onChange, min, max, error, ...rest }: Props) {
  const { t, language } = useTexts();
  const [typed, setTyped] = useState<string | null>(null);
  const [opened, setOpened] = useState(false);
  const text = typed ?? writeDay(value, language);
  const outside = (day: string) => Boolean((min && day < min) || (max && day > max));
  const wrong = typed !== null && typed.trim() !== '' && readDay(typed) === null;
  const leave = () => {
    const day = typed === null ? null : readDay(typed);
    if (day && outside(day)) onChange(min && day < min ? min : (max ?? day));
    if (!wrong) setTyped(null);
  };
  const calendar = (
    <Popover opened={opened} onChange={setOpened} position="bottom-end" shadow="md" trapFocus returnFocus>
      <Popover.Target>
        <ActionIcon size={22} aria-label={t('date.open')} onClick={() => setOpened(!opened)}><IconCalendar size={14} aria-hidden /></ActionIcon>
      </Popover.Target>
      <Popover.Dropdown className={classes.dropdown} aria-label={t('date.open')}>
        <Calendar
          value={value}
          outside={outside}
          onPick={(day) => {
            setTyped(null);
            onChange(day);
            setOpened(false);
          }}
        />
      </Popover.Dropdown>
    </Popover>
  );
  return (
    <TextInput
      {...rest}
      inputMode="numeric"
      placeholder={t('date.placeholder')}
      autoComplete="off"
      value={text}
      error={error || (wrong && t('date.wrong'))}
      onChange={(event) => {
        const next = event.currentTarget.value;
        setTyped(next);
        const day = readDay(next);
        if (next.trim() === '') onChange('');
        else if (day && !outside(day)) onChange(day);
      }}
      onBlur={leave}
      rightSectionPointerEvents="all"
      rightSection={calendar}
    />
  );
}

interface CalendarProps {
  value: string;
  outside: (day: string) => boolean;
  onPick: (day: string) => void;
}

const MOVES: Record<string, (day: string) => string> = {
  ArrowLeft: (day) => addDays(day, -1),
  ArrowRight: (day) => addDays(day, 1),
  ArrowUp: (day) => addDays(day, -7),
  ArrowDown: (day) => addDays(day, 7),
  PageUp: (day) => addMonths(day, -1),
  PageDown: (day) => addMonths(day, 1),
};

/** One month; arrows move by days and weeks, Page Up and Page Down by months. */
function Calendar({ value, outside, onPick }: CalendarProps) {
  const { t, language } = useTexts();
  const [focused, setFocused] = useState(value || today());
  const grid = useRef<HTMLTableElement>(null);
  const moved = useRef(false);
  const locale = language === 'de' ? 'de-DE' : 'en-GB';
  const format = (day: string, options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, { ...options, timeZone: 'UTC' }).format(new Date(`${day}T00:00:00Z`));
  const weeks = weeksOf(focused);
  useEffect(() => {
    if (moved.current) grid.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
    moved.current = false;
  }, [focused]);
  return (
    <div>
      <div className={classes.head}>
        <ActionIcon size={26} aria-label={t('date.previous')} onClick={() => setFocused(addMonths(focused, -1))}><IconChevronLeft size={15} aria-hidden /></ActionIcon>
        <span className={classes.month} aria-live="polite">{format(focused, { month: 'long', year: 'numeric' })}</span>
        <ActionIcon size={26} aria-label={t('date.next')} onClick={() => setFocused(addMonths(focused, 1))}><IconChevronRight size={15} aria-hidden /></ActionIcon>
      </div>
      <table
        ref={grid}
        role="grid"
        className={classes.grid}
        aria-label={format(focused, { month: 'long', year: 'numeric' })}
        onKeyDown={(event) => {
          const move = MOVES[event.key];
          if (!move) return;
          event.preventDefault();
          moved.current = true;
          setFocused(move(focused));
        }}
      >
        <thead><tr>{weeks[0]?.map((day) => <th key={day} scope="col" aria-label={format(day, { weekday: 'long' })}>{format(day, { weekday: 'short' }).slice(0, 2)}</th>)}</tr></thead>
        <tbody>
          {weeks.map((week) => (
            <tr key={week[0]}>
              {week.map((day) => (
                <td key={day} aria-selected={day === value}>
                  <button type="button" className={classes.day} tabIndex={day === focused ? 0 : -1} data-autofocus={day === focused || undefined} disabled={outside(day)} data-other={day.slice(0, 7) !== focused.slice(0, 7) || undefined} data-today={day === today() || undefined} data-chosen={day === value || undefined} aria-label={format(day, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' })} onClick={() => onPick(day)}>
                    {Number(day.slice(8))}
                  </button>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
