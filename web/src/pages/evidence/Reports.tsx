import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReportCounts, reportsQuery, type SignedReport } from '../../api/evidence';
import { useTexts } from '../../i18n';
import { Badge } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { EmptyState } from '../../ui/EmptyState';
import { IconClipboardCheck, IconDownload } from '../../ui/icons';
import { Panel } from '../../ui/Page';
import { startTextDownload } from '../../ui/startDownload';

const COUNTS = ['received', 'archived', 'merged', 'quarantined', 'disposed'] as const;

/** What came in each month and what became of it. */
export function Reports() {
  const { t, number, language } = useTexts();
  const { data } = useQuery(reportsQuery);
  const month = (text: string) => new Intl.DateTimeFormat(language === 'de' ? 'de-DE' : 'en-GB', { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(new Date(`${text}-15T00:00:00Z`));
  const counts = (report: SignedReport) => report.report as unknown as ReportCounts;
  const count = (report: SignedReport, name: (typeof COUNTS)[number]) => (name === 'quarantined' ? counts(report).quarantined.total : counts(report)[name]);
  return (
    <Panel title={t('evidence.reports')} lead={t('evidence.reportsLead')} flush>
      <DataTable
        label={t('evidence.reports')}
        rows={data && [...data.reports].reverse()}
        rowKey={(report) => `${report.month} ${report.seq}`}
        empty={<EmptyState icon={<IconClipboardCheck size={24} />} title={t('evidence.noReport')}>{t('evidence.noReportText')}</EmptyState>}
        columns={[
          { title: t('evidence.month'), header: true, cell: (report) => month(report.month) },
          { title: t('evidence.addsUp'), cell: (report) => <Badge tone={counts(report).addsUp ? 'good' : 'bad'}>{t(counts(report).addsUp ? 'evidence.addsUp' : 'evidence.doesNot')}</Badge> },
          ...COUNTS.map((name) => ({ title: t(`evidence.${name}`), numeric: true, cell: (report: SignedReport) => number(count(report, name)) })),
          { title: t('evidence.event'), numeric: true, cell: (report) => number(report.seq) },
          { title: t('table.actions'), actions: true, cell: (report) => <Button variant="default" leftSection={<IconDownload size={14} aria-hidden />} aria-label={`${t('evidence.signed')}: ${month(report.month)}`} onClick={() => startTextDownload(`completeness-${report.month}.json`, report.signed, 'application/json')}>{t('evidence.signed')}</Button> },
        ]}
      />
    </Panel>
  );
}
