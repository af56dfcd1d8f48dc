import { Button, Checkbox, NumberInput, Select, Textarea, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import type { Period, RetentionPolicy } from '../../api/retention';
import { useTexts } from '../../i18n';
import { Clauses } from './Clauses';
import classes from './Retention.module.css';
import { daysOf, filled, isComplete } from './words';

const UNITS = ['years', 'months', 'days'] as const;
const MAXIMA = { years: 100, months: 1_200, days: 36_525 };
const TEN: Period = { years: 10, months: 0, days: 0 };

export const NEW_POLICY: RetentionPolicy = { name: '', class: '', clauses: [], from: 'receipt', begins: 'at-year-end', keep: { years: 6, months: 0, days: 0 }, atMost: null, reason: '' };

interface Props {
  policy: RetentionPolicy;
  /** Names of the other policies of the version. */
  taken: readonly string[];
  onDone: (policy: RetentionPolicy) => void;
  onCancel: () => void;
}

/** One policy: which mail, how long, why. Nothing is saved before the version is. */
export function PolicyForm({ policy, taken, onDone, onCancel }: Props) {
  const { t } = useTexts();
  const [now, setNow] = useState<RetentionPolicy>(policy);
  const [tried, setTried] = useState(false);
  const set = (change: Partial<RetentionPolicy>) => setNow((before) => ({ ...before, ...change }));
  const clauses = now.clauses ?? [];
  const wrong = {
    name: !now.name.trim() ? t('form.required') : taken.includes(now.name.trim()) ? t('retention.nameTaken') : undefined,
    class: !now.class.trim() ? t('form.required') : undefined,
    clauses: clauses.every(isComplete) ? undefined : t('condition.missing'),
    most: now.keep && now.atMost && daysOf(now.atMost) < daysOf(now.keep) ? t('retention.mostWrong') : undefined,
  };
  const shown = tried ? wrong : { name: undefined, class: undefined, clauses: undefined, most: undefined };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    event.stopPropagation();
    setTried(true);
    if (Object.values(wrong).every((fault) => fault === undefined)) onDone({ ...now, name: now.name.trim(), class: now.class.trim(), reason: (now.reason ?? '').trim() });
  };
  return (
    <form onSubmit={onSubmit} noValidate>
      <div className={classes.grid}>
        <TextInput size="sm" label={t('retention.name')} description={t('retention.nameHint')} maxLength={200} data-autofocus value={now.name} error={shown.name} onChange={(event) => set({ name: event.currentTarget.value })} />
        <TextInput size="sm" label={t('retention.class')} description={t('retention.classHint')} maxLength={200} value={now.class} error={shown.class} onChange={(event) => set({ class: event.currentTarget.value })} />
        <div className={classes.wide}><Clauses clauses={clauses} onChange={(next) => set({ clauses: next })} error={shown.clauses} /></div>
        <Checkbox className={classes.wide} label={t('retention.keepForEver')} checked={!now.keep} onChange={(event) => set(event.currentTarget.checked ? { keep: null, atMost: null } : { keep: TEN })} />
        {now.keep && <PeriodFields legend={t('retention.keepFor')} period={now.keep} onChange={(keep) => set({ keep })} />}
        {now.keep && (
          <>
            <Select size="sm" label={t('retention.from')} allowDeselect={false} value={now.from ?? 'receipt'} onChange={(value) => set({ from: value === 'sending' ? 'sending' : 'receipt' })} data={(['receipt', 'sending'] as const).map((value) => ({ value, label: t(`retention.counts.${value}`) }))} />
            <Select size="sm" label={t('retention.begins')} allowDeselect={false} value={now.begins ?? 'at-event'} onChange={(value) => set({ begins: value === 'at-year-end' ? 'at-year-end' : 'at-event' })} data={(['at-year-end', 'at-event'] as const).map((value) => ({ value, label: t(`retention.begins.${value}`) }))} />
            <Checkbox className={classes.wide} label={t('retention.mostOn')} checked={Boolean(now.atMost)} onChange={(event) => set({ atMost: event.currentTarget.checked ? (now.keep ?? TEN) : null })} />
            {now.atMost && <PeriodFields legend={t('retention.most')} period={now.atMost} onChange={(atMost) => set({ atMost })} error={shown.most} />}
          </>
        )}
        <Textarea className={classes.wide} size="sm" label={t('retention.law')} description={t('retention.lawHint')} rows={2} maxLength={2_000} value={now.reason ?? ''} onChange={(event) => set({ reason: event.currentTarget.value })} />
      </div>
      <div className={classes.bar} style={{ justifyContent: 'flex-end' }}>
        <Button variant="default" size="sm" onClick={onCancel}>{t('form.cancel')}</Button>
        <Button type="submit" size="sm">{t('retention.done')}</Button>
      </div>
    </form>
  );
}

function PeriodFields({ legend, period, onChange, error }: { legend: string; period: Period; onChange: (period: Period) => void; error?: string | undefined }) {
  const { t } = useTexts();
  const values = filled(period);
  return (
    <fieldset className={classes.clauses}>
      <legend className={classes.legend}>{legend}</legend>
      <div className={classes.units}>
        {UNITS.map((unit) => <NumberInput key={unit} size="sm" label={t(`retention.unit.${unit}`)} min={0} max={MAXIMA[unit]} allowDecimal={false} allowNegative={false} value={values[unit]} onChange={(value) => onChange({ ...values, [unit]: Number(value) })} />)}
      </div>
      {error && <p className={classes.error} role="alert">{error}</p>}
    </fieldset>
  );
}
