import { Button } from '@mantine/core';
import { useState } from 'react';
import type { Schemas } from '../api/client';
import type { SearchState } from '../app/paths';
import { type Key, useTexts } from '../i18n';
import { countFilters, type FacetName, NO_FILTERS } from '../pages/search/query';
import { DateField } from '../ui/DateField';
import classes from './FilterPanel.module.css';

interface Props {
  state: SearchState;
  facets: Schemas['Facets'] | null | undefined;
  /** Display names by address, as far as the rows on screen tell. */
  names: ReadonlyMap<string, string>;
  onChange: (change: Partial<SearchState>) => void;
  /** Whether the surroundings have a heading already. */
  titled?: boolean;
}

interface GroupProps {
  title: string;
  values: Schemas['FacetValue'][];
  selected: string[];
  label?: (value: Schemas['FacetValue']) => string;
  onToggle: (value: string, on: boolean) => void;
}

const SHOWN = 6;
const DATE = { root: classes.date, label: classes.dateLabel, wrapper: classes.dateField };

/** One facet: what is chosen stays visible, also when nothing is left of it. */
function FacetGroup({ title, values, selected, label = (value) => value.label || value.value, onToggle }: GroupProps) {
  const { t, number } = useTexts();
  const [all, setAll] = useState(false);
  const missing = selected.filter((value) => !values.some((item) => item.value === value)).map((value) => ({ value, label: value, count: 0 }));
  const known = [...missing, ...values];
  const shown = all ? known : known.filter((item, i) => i < SHOWN || selected.includes(item.value));
  const most = Math.max(1, ...known.map((item) => item.count));
  if (known.length === 0) return null;
  return (
    <fieldset className={classes.group}>
      <legend className={classes.legend}>{title}</legend>
      {shown.map((item) => (
        <label key={item.value} className={classes.value} title={item.value}>
          <input type="checkbox" checked={selected.includes(item.value)} onChange={(event) => onToggle(item.value, event.currentTarget.checked)} />
          <span className={classes.name}>{label(item)}</span>
          <span className={classes.count}>{number(item.count)}</span>
          <span className={classes.bar} style={{ width: `${(item.count / most) * 100}%` }} aria-hidden />
        </label>
      ))}
      {known.length > SHOWN && (
        <button type="button" className={classes.more} onClick={() => setAll(!all)} aria-expanded={all}>
          {all ? t('filter.fewer') : t('filter.more', { count: known.length - SHOWN })}
        </button>
      )}
    </fieldset>
  );
}

/** Narrowing down, with the number of mails that each choice leaves. */
export function FilterPanel({ state, facets, names, onChange, titled }: Props) {
  const { t } = useTexts();
  const toggle = (name: FacetName) => (value: string, on: boolean) => {
    const now = state[name] ?? [];
    const next = on ? [...now, value] : now.filter((item) => item !== value);
    onChange({ [name]: next.length > 0 ? next : undefined });
  };
  const yesNo = (facets?.hasAttachment ?? []).map((item) => ({ ...item, value: ['true', 'yes'].includes(item.value) ? 'yes' : 'no' }));
  const name = (prefix: string) => (item: Schemas['FacetValue']) => {
    const key = `${prefix}.${item.value}` as Key;
    const text = t(key);
    return text === key ? item.label || item.value : text;
  };
  // Classes such as `-10K`, `10K-100K` and `10M-`, in units of 1024.
  const size = ({ value, label }: Schemas['FacetValue']) => {
    const [from, to] = value.split('-').map((bound) => bound.replace(/[KMG]$/, (unit) => ` ${unit}B`));
    if (from === undefined || to === undefined) return label || value;
    return from && to ? t('size.between', { from, to }) : to ? t('size.under', { to }) : t('size.over', { from });
  };
  return (
    <div className={classes.panel}>
      <div className={classes.head}>
        {!titled && <h2 className={classes.title}>{t('filter.title')}</h2>}
        {countFilters(state) > 0 && (
          <Button variant="subtle" size="compact-xs" onClick={() => onChange(NO_FILTERS)}>{t('filter.clear')}</Button>
        )}
      </div>
      <fieldset className={classes.group}>
        <legend className={classes.legend}>{t('filter.period')}</legend>
        <div className={classes.dates}>
          <DateField size="xs" classNames={DATE} label={t('filter.after')} value={state.after ?? ''} max={state.before} onChange={(day) => onChange({ after: day || undefined })} />
          <DateField size="xs" classNames={DATE} label={t('filter.before')} value={state.before ?? ''} min={state.after} onChange={(day) => onChange({ before: day || undefined })} />
        </div>
      </fieldset>
      <FacetGroup title={t('filter.year')} values={facets?.years ?? []} selected={state.year ?? []} onToggle={toggle('year')} />
      <FacetGroup title={t('filter.sender')} values={facets?.senders ?? []} selected={state.from ?? []} label={(item) => names.get(item.value) ?? (item.label || item.value)} onToggle={toggle('from')} />
      <FacetGroup title={t('filter.attachment')} values={yesNo} selected={state.attachment ? [state.attachment] : []} label={name('filter.attachment')} onToggle={(value, on) => onChange({ attachment: on ? (value as 'yes' | 'no') : undefined })} />
      <FacetGroup title={t('filter.kind')} values={facets?.kinds ?? []} selected={state.kind ?? []} label={name('kind')} onToggle={toggle('kind')} />
      <FacetGroup title={t('filter.size')} values={facets?.sizes ?? []} selected={state.size ?? []} label={size} onToggle={toggle('size')} />
    </div>
  );
}
