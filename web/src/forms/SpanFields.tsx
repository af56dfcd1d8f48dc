import { useTexts } from '../i18n';
import { DateField } from '../ui/DateField';
import { addDays, startOf } from '../ui/days';
import classes from './SpanFields.module.css';

/** A span as the API takes it: the last day that was named still counts. */
export const spanOf = (from: string, until: string) => ({ ...(from ? { from: startOf(from) } : {}), ...(until ? { until: startOf(addDays(until, 1)) } : {}) });

interface Props {
  legend: string;
  hint?: string;
  from: string;
  until: string;
  onChange: (from: string, until: string) => void;
}

/** From a day up to and with another one; empty is without end. */
export function SpanFields({ legend, hint, from, until, onChange }: Props) {
  const { t } = useTexts();
  return (
    <fieldset className={classes.span}>
      <legend className={classes.legend}>{legend}</legend>
      {hint && <p className={classes.hint}>{hint}</p>}
      <div className={classes.days}>
        <DateField size="sm" label={t('span.from')} value={from} max={until || undefined} onChange={(day) => onChange(day, until)} />
        <DateField size="sm" label={t('span.until')} value={until} min={from || undefined} onChange={(day) => onChange(from, day)} />
      </div>
    </fieldset>
  );
}
