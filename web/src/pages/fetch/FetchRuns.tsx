import { useQuery } from '@tanstack/react-query';
import { type FetchErrorKind, type FetchRun, fetchRunsQuery } from '../../api/fetch';
import { BarChart } from '../../components/BarChart';
import { Failure } from '../../components/Failure';
import { useTexts } from '../../i18n';
import { Badge, type Tone } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { EmptyState } from '../../ui/EmptyState';
import { IconHistory } from '../../ui/icons';
import classes from './Fetch.module.css';

type Outcome = 'done' | 'failed' | 'stopped';

const TONES: Record<Outcome, Tone> = { done: 'good', failed: 'bad', stopped: 'warn' };
const COUNTS = ['seen', 'archived', 'merged', 'known'] as const;
/** What is usually none. */
const REST = ['quarantined', 'left', 'failed'] as const;

/** The last runs of a source, with counts that add up, and a picture of them. */
export function FetchRuns({ id }: { id: string }) {
  const { t, stamp, duration, number } = useTexts();
  const { data, error, refetch } = useQuery(fetchRunsQuery(id));
  if (error && !data) return <Failure error={error} retry={() => void refetch()} />;
  const seconds = (run: FetchRun) => (new Date(run.endedAt).getTime() - new Date(run.begunAt).getTime()) / 1000;
  return (
    <>
      {data && data.runs.length > 1 && <div className={classes.chart}><RunsChart runs={data.runs} /></div>}
      <DataTable
        label={t('fetch.runs')}
        rows={data?.runs}
        rowKey={(run) => run.id}
        empty={<EmptyState icon={<IconHistory size={24} />} title={t('fetch.noRuns')}>{t('fetch.noRunsText')}</EmptyState>}
        columns={[
          { title: t('fetch.begun'), header: true, cell: (run) => <div>{stamp(run.begunAt)}{run.trigger === 'person' && <div className="muted">{t('fetch.byPerson')}</div>}</div> },
          { title: t('fetch.outcome'), cell: (run) => <div><Badge tone={TONES[run.outcome as Outcome]}>{t(`fetch.outcome.${run.outcome as Outcome}`)}</Badge>{run.error && <div className="muted" title={run.detail}>{t(`fetch.kind.${run.error as FetchErrorKind}`)}</div>}</div> },
          ...COUNTS.map((name) => ({ title: t(`fetch.count.${name}`), numeric: true, cell: (run: FetchRun) => number(run.counts[name]) })),
          { title: t('fetch.rest'), cell: (run) => REST.filter((name) => run.counts[name] > 0).map((name) => `${t(`fetch.count.${name}`)} ${number(run.counts[name])}`).join(' · ') || '–' },
          { title: t('fetch.duration'), numeric: true, cell: (run) => duration(seconds(run)) },
        ]}
      />
    </>
  );
}

function RunsChart({ runs }: { runs: readonly FetchRun[] }) {
  const { t, n, stamp, time, number } = useTexts();
  const points = [...runs].reverse().map(({ begunAt, counts }) => ({ label: time(begunAt), title: stamp(begunAt), values: [counts.archived, counts.merged + counts.known, counts.quarantined, counts.left + counts.failed] }));
  const caption = n('fetch.chartCaption', runs.reduce((sum, run) => sum + run.counts.seen, 0));
  return <BarChart label={`${t('fetch.chart')}. ${caption}`} series={[t('fetch.count.archived'), t('fetch.series.known'), t('fetch.count.quarantined'), t('fetch.series.failed')]} points={points} format={(value) => number(value)} caption={caption} />;
}
