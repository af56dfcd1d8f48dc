import { Button, Progress } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { approveDisposal, disposalCsvUrl, type DisposalItem, disposalItemsQuery, disposalQuery, type DisposalRun, disposalSummaryQuery, rejectDisposal } from '../../api/disposals';
import { paths } from '../../app/paths';
import { Failure } from '../../components/Failure';
import { LinkButton } from '../../components/LinkButton';
import { Confirm } from '../../forms/Confirm';
import { usePermissions, useSession } from '../../hooks/useSession';
import { type Translator, useTexts } from '../../i18n';
import { Badge, Note, type Tone } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { Dialog, useDialog } from '../../ui/Dialog';
import { EmptyState } from '../../ui/EmptyState';
import { IconArrowLeft, IconDownload, IconTrash } from '../../ui/icons';
import { Facts, Page, Panel } from '../../ui/Page';
import { Certificate, SealText } from './Certificate';
import { type Ground, REFRESH, RunState } from './DisposalsPage';

type ItemState = 'disposed' | 'kept' | 'waiting';
type WhyCode = 'held' | 'holds-unknown' | 'kept-for-ever' | 'no-reason' | 'not-over' | 'suspended' | 'undetermined';

const TONES: Record<ItemState, Tone> = { disposed: 'plain', kept: 'warn', waiting: 'info' };

/** Why a mail stays: what the server knows by name in the reader's language, anything else as it says it. */
function Why({ item }: { item: DisposalItem }) {
  const { t, day }: Translator = useTexts();
  if (!item.why) return null;
  if (!item.whyCode) return <div className="muted" lang="en">{item.why}</div>;
  const last = /\d{4}-\d{2}-\d{2}/.exec(item.why)?.[0];
  return <div className="muted">{t(`disposal.why.${item.whyCode as WhyCode}`, { day: last ? day(last) : '…' })}</div>;
}

/** One run: what it is about, who said what to it, and what became of each mail. */
export function DisposalPage() {
  const { t } = useTexts();
  const { runId } = useParams({ from: '/signed-in/console/admin/disposals/$runId' });
  const { data, error, refetch } = useQuery(disposalQuery(runId));
  const back = <LinkButton to={paths.disposals} variant="subtle" size="compact-xs" leftSection={<IconArrowLeft size={14} aria-hidden />}>{t('disposal.title')}</LinkButton>;
  if (error && !data) return <Page title={t('disposal.one')} back={back}><Failure error={error} retry={() => void refetch()} /></Page>;
  if (!data) return <Page title={t('disposal.one')} back={back}><Panel title="…">…</Panel></Page>;
  return <Detail run={data} back={back} />;
}

function Detail({ run, back }: { run: DisposalRun; back: ReactNode }) {
  const { t, n, number, bytes, stamp } = useTexts();
  const permissions = usePermissions();
  const session = useSession();
  const approving = useDialog<DisposalRun>();
  const rejecting = useDialog<DisposalRun>();
  const own = run.proposedBy === session?.account.userName;
  const waits = run.state === 'proposed';
  const decides = waits && permissions.includes('approve_disposal');
  const person = (one: DisposalRun['approvals'][number]) => <div key={one.by}>{t('matters.closedBy', { when: stamp(one.at), who: one.by, reason: one.reason })}</div>;
  return (
    <Page
      title={t('disposal.one')}
      back={back}
      lead={<RunState run={run} />}
      actions={
        <>
          <Button component="a" href={disposalCsvUrl(run.id)} download variant="default" leftSection={<IconDownload size={14} aria-hidden />}>{t('disposal.csv')}</Button>
          {decides && <Button color="red" disabled={!run.mayApprove} title={run.mayApprove ? undefined : t(own ? 'disposal.own' : 'disposal.said')} onClick={() => approving.open(run)}>{t('disposal.approve')}</Button>}
          {waits && (own ? permissions.includes('propose_disposal') : decides) && <Button variant="default" onClick={() => rejecting.open(run)}>{t(own ? 'disposal.withdraw' : 'disposal.reject')}</Button>}
        </>
      }
    >
      {waits && own && <Note>{t('disposal.own')}</Note>}
      <Panel title={t('disposal.about')}>
        <Facts
          facts={[
            [t('disposal.mails'), number(run.mails)],
            [t('disposal.size'), bytes(run.bytes)],
            [t('disposal.ground'), <>{t(`disposal.ground.${run.ground as Ground}`)}{run.reference && <div className="muted">{run.reference}</div>}</>],
            [t('disposal.classes'), run.classes.join(', ') || t('retention.everyMail')],
            [t('disposal.proposedBy'), t('matters.closedBy', { when: stamp(run.proposedAt), who: run.proposedBy, reason: run.reason })],
            [t('disposal.approvals'), <>{t('disposal.approvalsOf', { given: run.approvals.length, needed: run.approvalsNeeded })}{run.approvals.map(person)}</>],
            run.refusal ? [t('disposal.refusal'), person(run.refusal)] : null,
            [t('disposal.disposed'), <>{number(run.disposed)}{run.state === 'running' && run.mails > 0 && <Progress mt={4} value={((run.disposed + run.kept) / run.mails) * 100} aria-label={t('jobs.progress')} />}</>],
            [t('disposal.kept'), number(run.kept)],
          run.leftOutHeld > 0 ? [t('disposal.leftOutHeld'), number(run.leftOutHeld)] : null,
          run.leftOutSuspended > 0 ? [t('disposal.leftOutSuspended'), number(run.leftOutSuspended)] : null,
          run.leftOutUndetermined > 0 ? [t('disposal.leftOutUndetermined'), number(run.leftOutUndetermined)] : null,
          ]}
        />
      </Panel>
      <Summary run={run} />
      <Items run={run} />
      <Confirm dialog={approving} title={t('disposal.approveTitle')} effect={(value) => n('disposal.approveEffect', value.mails)} submit={t('disposal.approveSubmit')} danger reason typed={(value) => String(value.mails)} send={(value, reason) => approveDisposal(value.id, reason)} done={t('disposal.approved')} refresh={REFRESH} />
      <Confirm dialog={rejecting} title={t(own ? 'disposal.withdrawTitle' : 'disposal.rejectTitle')} effect={() => t('disposal.rejectEffect')} submit={t(own ? 'disposal.withdrawSubmit' : 'disposal.rejectSubmit')} reason send={(value, reason) => rejectDisposal(value.id, reason)} done={t(own ? 'disposal.withdrawn' : 'disposal.rejected')} refresh={REFRESH} />
    </Page>
  );
}

/** What the run is about by policy, and afterwards what certifies it. */
function Summary({ run }: { run: DisposalRun }) {
  const { t, n, number, bytes, stamp } = useTexts();
  const { data } = useQuery(disposalSummaryQuery(run.id, run.state));
  const certificates = data?.certificates;
  return (
    <>
      {certificates && (
        <Panel title={t('certificate.title')} lead={t('certificate.runLead')}>
          <Facts
            facts={[
              [t('certificate.count'), n('certificate.countOf', certificates.count)],
              [t('certificate.events'), t('certificate.range', { first: number(certificates.firstSeq), last: number(certificates.lastSeq) })],
              [t('certificate.seal'), <SealText key="seal" seal={certificates.seal} />],
              run.endedAt ? [t('certificate.ended'), stamp(run.endedAt)] : null,
            ]}
          />
        </Panel>
      )}
      <Panel title={t('disposal.shares')} flush>
        <DataTable
          label={t('disposal.shares')}
          rows={data?.shares}
          rowKey={(share) => `${share.policy} ${share.class}`}
          ghosts={2}
          empty={<EmptyState icon={<IconTrash size={24} />} title={t('list.none')} />}
          columns={[
            { title: t('certificate.policy'), header: true, cell: (share) => share.policy ?? t('disposal.noPolicy') },
            { title: t('disposal.class'), cell: (share) => share.class ?? '–' },
            { title: t('disposal.mails'), numeric: true, cell: (share) => number(share.mails) },
            { title: t('disposal.size'), numeric: true, cell: (share) => bytes(share.bytes) },
            { title: t('disposal.received'), cell: (share) => `${stamp(share.receivedFirst)} – ${stamp(share.receivedLast)}` },
            { title: t('disposal.disposed'), numeric: true, cell: (share) => number(share.disposed) },
            { title: t('disposal.kept'), numeric: true, cell: (share) => number(share.kept) },
          ]}
        />
      </Panel>
    </>
  );
}

function Items({ run }: { run: DisposalRun }) {
  const { t, stamp, bytes, day } = useTexts();
  const showing = useDialog<DisposalItem>();
  const { data, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(disposalItemsQuery(run.id, run.state));
  return (
    <Panel title={t('disposal.items')} lead={t('disposal.itemsLead')} flush>
      <DataTable
        label={t('disposal.items')}
        rows={data?.pages.flatMap((page) => page.items)}
        rowKey={(item) => item.record}
        more={{ has: hasNextPage, busy: isFetchingNextPage, load: () => void fetchNextPage() }}
        empty={<EmptyState icon={<IconTrash size={24} />} title={t('list.none')} />}
        columns={[
          { title: t('disposal.record'), header: true, cell: (item) => item.subject == null ? <span className="mono">{item.record.slice(0, 12)}</span> : <div>{item.subject || t('mail.noSubject')}<div className="muted">{item.from}</div></div> },
          { title: t('disposal.received'), cell: (item) => stamp(item.receivedAt) },
          { title: t('disposal.size'), numeric: true, cell: (item) => bytes(item.sizeBytes) },
          { title: t('disposal.class'), cell: (item) => item.class ? <div>{item.class}<div className="muted">{item.policy}</div></div> : '–' },
          { title: t('disposal.keptThrough'), cell: (item) => day(item.keptThrough) },
          { title: t('disposal.itemState'), cell: (item) => <div><Badge tone={TONES[item.state as ItemState]}>{t(`disposal.item.${item.state as ItemState}`)}</Badge><Why item={item} /></div> },
          run.disposed > 0 && { title: t('table.actions'), actions: true, cell: (item) => item.state === 'disposed' && <Button variant="default" aria-label={`${t('certificate.show')}: ${item.record}`} onClick={() => showing.open(item)}>{t('certificate.show')}</Button> },
        ]}
      />
      <Dialog dialog={showing} title={t('certificate.one')} size={640}>{(item) => <Certificate run={run.id} record={item.record} />}</Dialog>
    </Panel>
  );
}
