import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { batchesQuery, evidenceQuery, type EvidenceStatus } from '../../api/evidence';
import { Failure } from '../../components/Failure';
import { useTexts } from '../../i18n';
import { Badge, Note } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { EmptyState } from '../../ui/EmptyState';
import { IconCalendarTime, IconCertificate } from '../../ui/icons';
import { Page, Panel } from '../../ui/Page';
import { Tile, Tiles } from '../../ui/Tile';
import { Reports } from './Reports';
import { Scrub } from './Scrub';

/** How the archive proves what it holds, and whether it can still be read. */
export function EvidencePage() {
  const { t } = useTexts();
  const { data, error, refetch } = useQuery(evidenceQuery);
  if (error && !data) return <Page title={t('evidence.title')}><Failure error={error} retry={() => void refetch()} /></Page>;
  return (
    <Page title={t('evidence.title')} lead={t('evidence.lead')}>
      {data && (
        <>
          <Figures status={data} />
          {data.localBatches > 0 && <Note tone="info">{t('evidence.localNote')}</Note>}
          <Forecast status={data} />
          <Batches last={data.batches} />
          <Scrub status={data.scrub} />
          <Reports />
        </>
      )}
    </Page>
  );
}

function Figures({ status }: { status: EvidenceStatus }) {
  const { t, n, number, relative } = useTexts();
  const waiting = status.events - status.sealedEvents;
  const open = status.scrub.findings.filter((finding) => !finding.repaired).length;
  return (
    <Tiles>
      <Tile label={t('evidence.events')} value={number(status.events)} note={' '} />
      <Tile label={t('evidence.sealed')} value={number(status.sealedEvents)} note={waiting === 0 ? t('evidence.sealedAll') : t('evidence.sealedSome', { count: number(waiting) })} tone={status.sealedEvents > 0 ? 'good' : 'plain'} />
      <Tile label={t('evidence.batches')} value={number(status.batches)} note={status.localBatches > 0 ? n('evidence.batchesLocal', status.localBatches) : status.batches > 0 ? t('evidence.batchesStamped') : ' '} />
      <Tile label={t('evidence.lastSealed')} value={status.lastSealedAt ? relative(status.lastSealedAt) : t('evidence.never')} note={' '} />
      <Tile label={t('evidence.scrub')} value={status.scrub.completedAt ? relative(status.scrub.completedAt) : status.scrub.begunAt ? t('evidence.scrubRunning') : t('evidence.never')} note={open > 0 ? n('evidence.damages', open) : t('evidence.noDamage')} tone={open > 0 ? 'bad' : 'good'} />
    </Tiles>
  );
}

function Forecast({ status }: { status: EvidenceStatus }) {
  const { t, number, day } = useTexts();
  return (
    <Panel title={t('evidence.forecast')} lead={t('evidence.forecastLead')} flush>
      <DataTable
        label={t('evidence.forecast')}
        rows={status.forecast}
        rowKey={(row) => `${row.validUntil} ${row.digest}`}
        empty={<EmptyState icon={<IconCalendarTime size={24} />} title={t('evidence.noForecast')}>{t('evidence.noForecastText')}</EmptyState>}
        columns={[
          { title: t('evidence.validUntil'), header: true, cell: (row) => day(row.validUntil) },
          { title: t('evidence.digest'), cell: (row) => row.digest.toUpperCase() },
          { title: t('evidence.batches'), numeric: true, cell: (row) => number(row.batches) },
          { title: t('evidence.events'), numeric: true, cell: (row) => number(row.events) },
        ]}
      />
    </Panel>
  );
}

function Batches({ last }: { last: number }) {
  const { t, number, stamp, day } = useTexts();
  const { data, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(batchesQuery(last));
  // Pages overlap where the first batches are fewer than a page.
  const rows = data && [...new Map(data.pages.flatMap((page) => page.batches).map((batch) => [batch.number, batch])).values()].sort((a, b) => b.number - a.number);
  return (
    <Panel title={t('evidence.batchList')} flush>
      <DataTable
        label={t('evidence.batchList')}
        rows={rows}
        rowKey={(batch) => String(batch.number)}
        more={{ has: hasNextPage, busy: isFetchingNextPage, load: () => void fetchNextPage() }}
        empty={<EmptyState icon={<IconCertificate size={24} />} title={t('evidence.noBatch')}>{t('evidence.noBatchText')}</EmptyState>}
        columns={[
          { title: t('evidence.number'), header: true, cell: (batch) => number(batch.number) },
          { title: t('evidence.range'), cell: (batch) => t('evidence.from_to', { first: number(batch.firstSeq), last: number(batch.lastSeq) }) },
          { title: t('evidence.sealedAt'), cell: (batch) => stamp(batch.sealedAt) },
          { title: t('evidence.stampedAt'), cell: (batch) => batch.stampedAt ? <div>{stamp(batch.stampedAt)}{batch.renewedAt && <div className="muted">{t('evidence.renewedAt', { date: day(batch.renewedAt) })}</div>}</div> : <Badge>{t('evidence.ownKey')}</Badge> },
          { title: t('evidence.validUntil'), cell: (batch) => day(batch.validUntil) },
          { title: t('evidence.digest'), cell: (batch) => batch.digest.toUpperCase() },
        ]}
      />
    </Panel>
  );
}
