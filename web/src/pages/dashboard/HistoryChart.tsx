import type { Dashboard } from '../../api/tenancy';
import { BarChart } from '../../components/BarChart';
import { useTexts } from '../../i18n';
import { seriesOf } from './history';

/** Mails or bytes per hour, day or month, by source. */
export function HistoryChart({ data, measure }: { data: Dashboard; measure: 'bytes' | 'mails' }) {
  const { t, language, number, bytes } = useTexts();
  const { unit } = data.history;
  const locale = language === 'de' ? 'de-DE' : 'en-GB';
  const { series, points } = seriesOf(data, measure, { all: t('dashboard.everything'), imports: t('dashboard.imports'), other: t('dashboard.others') });
  const zone = unit === 'hour' ? {} : { timeZone: 'UTC' };
  const short = new Intl.DateTimeFormat(locale, { ...zone, ...(unit === 'hour' ? { hour: '2-digit', minute: '2-digit' } : unit === 'day' ? { day: 'numeric', month: 'short' } : { month: 'short', year: '2-digit' }) });
  const long = new Intl.DateTimeFormat(locale, { ...zone, ...(unit === 'hour' ? { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' } : unit === 'day' ? { weekday: 'short', day: 'numeric', month: 'long' } : { month: 'long', year: 'numeric' }) });
  const format = measure === 'mails' ? (value: number) => number(value) : bytes;
  const total = points.reduce((sum, point) => sum + point.values.reduce((a, b) => a + b, 0), 0);
  const caption = t(`dashboard.span.${unit}`, { total: measure === 'mails' ? t('dashboard.mailCount', { count: number(total) }) : bytes(total) });
  return <BarChart label={`${t(measure === 'mails' ? 'dashboard.mailsOver' : 'dashboard.bytesOver')}. ${caption}`} series={series} points={points.map((point) => ({ label: short.format(new Date(point.at)), title: long.format(new Date(point.at)), values: point.values }))} format={format} caption={caption} integers={measure === 'mails'} />;
}
