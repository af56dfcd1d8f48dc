import type { Survey } from '../../api/retention';
import { BarChart } from '../../components/BarChart';
import { useTexts } from '../../i18n';
import { Badge } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import classes from './Retention.module.css';

const BARS_MAX = 40;

/** By class, and when periods end. */
export function SurveyTables({ survey }: { survey: Survey }) {
  const { t, number, bytes, day } = useTexts();
  return (
    <div className={classes.survey}>
      <Ends survey={survey} />
      <DataTable
        label={t('calendar.classes')}
        rows={survey.classes}
        rowKey={(row) => row.class}
        empty={null}
        columns={[
          { title: t('retention.class'), header: true, cell: (row) => <>{row.class} {row.suspended && <Badge tone="warn">{t('suspension.active')}</Badge>}</> },
          { title: t('calendar.mails'), numeric: true, cell: (row) => `${number(row.mails)} · ${bytes(row.bytes)}` },
          { title: t('calendar.first'), cell: (row) => (row.firstEnd ? day(row.firstEnd) : t('calendar.never')) },
          { title: t('calendar.last'), cell: (row) => (row.lastEnd ? day(row.lastEnd) : t('calendar.never')) },
        ]}
      />
    </div>
  );
}

/** By month, or by year where these are too many. */
function Ends({ survey }: { survey: Survey }) {
  const { t, n, language, number } = useTexts();
  if (survey.months.length === 0) return <p className="muted">{t('calendar.noEnds')}</p>;
  const yearly = survey.months.length > BARS_MAX;
  const sums = new Map<string, number>();
  for (const { month, mails } of survey.months) sums.set(yearly ? month.slice(0, 4) : month, (sums.get(yearly ? month.slice(0, 4) : month) ?? 0) + mails);
  const locale = language === 'de' ? 'de-DE' : 'en-GB';
  const name = (key: string, style: 'long' | 'short') => (yearly ? key : new Intl.DateTimeFormat(locale, { month: style, year: 'numeric', timeZone: 'UTC' }).format(new Date(`${key}-15T00:00:00Z`)));
  const caption = n('calendar.caption', [...sums.values()].reduce((sum, count) => sum + count, 0));
  return <BarChart label={`${t('calendar.ends')}. ${caption}`} series={[t('calendar.mails')]} points={[...sums].map(([key, mails]) => ({ label: name(key, 'short'), title: name(key, 'long'), values: [mails] }))} format={(value) => number(value)} caption={caption} />;
}
