import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { askSurvey, calendarQuery, type Survey } from '../../api/retention';
import { useAct } from '../../hooks/useAct';
import { useTexts } from '../../i18n';
import { Note } from '../../ui/Badge';
import { EmptyState } from '../../ui/EmptyState';
import { IconCalendarTime } from '../../ui/icons';
import { Facts } from '../../ui/Page';
import { TabHead } from '../../ui/TabHead';
import { SurveyTables } from './SurveyTables';

/** What ends when, as of the last count. */
export function Calendar() {
  const { t, number, bytes, stamp } = useTexts();
  const { data } = useQuery(calendarQuery);
  const ask = useAct(() => askSurvey(), { refresh: [['retention', 'calendar']] });
  const survey = data?.survey;
  const result = survey?.state === 'done' ? (survey.result as unknown as Survey) : null;
  return (
    <>
      <TabHead lead={survey?.endedAt ? t('calendar.asOf', { time: stamp(survey.endedAt) }) : t('calendar.lead')} action={<Button variant={result ? 'default' : 'filled'} loading={ask.isPending} onClick={() => ask.mutate()}>{t('calendar.count')}</Button>} />
      <div aria-live="polite" style={{ padding: '0 18px 16px' }}>
        {ask.isPending && <p className="muted">{t('calendar.counting')}</p>}
        {survey?.state === 'failed' && <Note tone="bad">{survey.error}</Note>}
        {data && !survey && !ask.isPending && <EmptyState icon={<IconCalendarTime size={24} />} title={t('calendar.none')}>{t('calendar.noneText')}</EmptyState>}
        {result && (
          <>
            <Facts
              facts={[
                [t('calendar.mails'), `${number(result.mails)} · ${bytes(result.bytes)}`],
                [t('calendar.due'), `${number(result.due)} · ${bytes(result.dueBytes)}`],
                [t('calendar.overdue'), number(result.overdue)],
                [t('calendar.dueHeld'), number(result.dueHeld)],
                [t('calendar.dueSuspended'), number(result.dueSuspended)],
                [t('retention.forEver'), number(result.keptForEver)],
                [t('effect.undetermined'), number(result.undetermined)],
              ]}
            />
            <SurveyTables survey={result} />
          </>
        )}
      </div>
    </>
  );
}
