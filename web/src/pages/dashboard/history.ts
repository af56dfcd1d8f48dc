import type { Dashboard, HistoryPoint, HistoryUnit } from '../../api/tenancy';

const HOUR_MS = 3_600_000;
const SERIES_MAX = 4;

/** The beginnings of all hours, days or months (UTC) from `from` up to `until`. */
export function slotsOf(from: string, until: string, unit: HistoryUnit): string[] {
  const slots: string[] = [];
  const end = new Date(until).getTime();
  for (const at = new Date(from); at.getTime() < end && slots.length < 400; ) {
    slots.push(at.toISOString());
    if (unit === 'month') at.setUTCMonth(at.getUTCMonth() + 1);
    else at.setTime(at.getTime() + (unit === 'day' ? 24 : 1) * HOUR_MS);
  }
  return slots;
}

/** The history as stacked series: the sources with most mail, and the others together. */
export function seriesOf(data: Pick<Dashboard, 'history' | 'sources'>, measure: 'bytes' | 'mails', names: { all: string; imports: string; other: string }) {
  const { history } = data;
  const key = (at: string) => new Date(at).getTime();
  const totals = new Map<string, number>();
  for (const point of history.points) totals.set(point.source ?? '', (totals.get(point.source ?? '') ?? 0) + point[measure]);
  const ranked = [...totals].sort((a, b) => b[1] - a[1]).map(([source]) => source);
  const shown = ranked.length > SERIES_MAX ? ranked.slice(0, SERIES_MAX - 1) : ranked;
  const rest = ranked.length > SERIES_MAX;
  const nameOf = (source: string) => (source === '' ? names.all : source === 'imports' ? names.imports : (data.sources.find((one) => one.id === source)?.name ?? source));
  const labels = shown.map(nameOf);
  const series = [...labels.map((label, i) => (labels.indexOf(label) === i ? label : `${label} (${i + 1})`)), ...(rest ? [names.other] : [])];
  const bySlot = new Map<number, number[]>();
  const slots = slotsOf(history.from, history.until, history.unit);
  for (const slot of slots) bySlot.set(key(slot), series.map(() => 0));
  const add = (point: HistoryPoint) => {
    const values = bySlot.get(key(point.at));
    const found = shown.indexOf(point.source ?? '');
    const at = found >= 0 ? found : series.length - 1;
    if (values) values[at] = (values[at] ?? 0) + point[measure];
  };
  history.points.forEach(add);
  return { series: series.length > 0 ? series : [names.all], points: slots.map((at) => ({ at, values: bySlot.get(key(at)) ?? [] })) };
}
