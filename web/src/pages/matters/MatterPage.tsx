import { Button } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { closeMatter, heldMailsQuery, type Hold, type Matter, matterPreviewQuery, matterQuery, placeHold, releaseHold } from '../../api/matters';
import { paths } from '../../app/paths';
import { Failure } from '../../components/Failure';
import { LinkButton } from '../../components/LinkButton';
import { nameOf } from '../../components/MessageList';
import { TakeOutDialog, useTakeOut } from '../../components/TakeOut';
import { Confirm } from '../../forms/Confirm';
import { useTexts } from '../../i18n';
import { Badge } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { Dialog, useDialog } from '../../ui/Dialog';
import { EmptyState } from '../../ui/EmptyState';
import { IconArrowLeft, IconFileExport, IconGavel, IconMail } from '../../ui/icons';
import { Facts, Page, Panel } from '../../ui/Page';
import { spanText } from '../grants/GrantsTable';
import { MatterForm } from './MatterForm';

const REFRESH = [['matters']];

/** One matter: what it is about, its holds, and the mail that they keep. */
export function MatterPage() {
  const { t } = useTexts();
  const { matterId } = useParams({ from: '/signed-in/console/admin/matters/$matterId' });
  const { data, error, refetch } = useQuery(matterQuery(matterId));
  const back = <LinkButton to={paths.matters} variant="subtle" size="compact-xs" leftSection={<IconArrowLeft size={14} aria-hidden />}>{t('matters.title')}</LinkButton>;
  if (error && !data) return <Page title={t('matters.one')} back={back}><Failure error={error} retry={() => void refetch()} /></Page>;
  if (!data) return <Page title={t('matters.one')} back={back}><Panel title="…">…</Panel></Page>;
  return <Detail matter={data} back={back} />;
}

function Detail({ matter, back }: { matter: Matter; back: ReactNode }) {
  const texts = useTexts();
  const { t, n, stamp } = texts;
  const takeOut = useTakeOut();
  const editing = useDialog<Matter>();
  const closing = useDialog<Matter>();
  const placing = useDialog<Matter>();
  const open = matter.state === 'open';
  const held = matter.holds.some((hold) => !hold.released);
  return (
    <Page
      title={matter.name}
      back={back}
      lead={<Badge tone={open ? 'info' : 'plain'}>{t(matter.state === 'open' ? 'matters.state.open' : 'matters.state.closed')}</Badge>}
      actions={
        <>
          {open && <Button onClick={() => placing.open(matter)}>{t('holds.place')}</Button>}
          {takeOut.may.export && <Button variant="default" leftSection={<IconFileExport size={14} aria-hidden />} disabled={matter.heldMails === 0} title={matter.heldMails === 0 ? t('matters.exportBlocked') : undefined} onClick={() => takeOut.dialog.open('export')}>{t('matters.export')}</Button>}
          {open && <Button variant="default" onClick={() => editing.open(matter)}>{t('matters.edit')}</Button>}
          {open && <Button variant="default" disabled={held} title={held ? t('matters.closeBlocked') : undefined} onClick={() => closing.open(matter)}>{t('matters.close')}</Button>}
        </>
      }
    >
      <Panel title={t('matters.about')}>
        <Facts
          facts={[
            [t('matters.custodians'), matter.custodians.join(', ') || t('matters.everybody')],
            [t('matters.query'), matter.query ? <span className="mono">{matter.query}</span> : t('matters.everyMail')],
            [t('matters.span'), spanText(matter.span, texts)],
            matter.query ? [t('matters.notSearchable'), <Unsearchable key="unsearchable" matter={matter} />] : null,
            [t('matters.opened'), <>{t('matters.openedBy', { when: stamp(matter.openedAt), who: matter.openedBy })}<div className="muted">{matter.reason}</div></>],
            matter.closed && [t('matters.state.closed'), t('matters.closedBy', { when: stamp(matter.closed.at), who: matter.closed.by, reason: matter.closed.reason })],
            matter.notes ? [t('matters.notes'), matter.notes] : null,
          ]}
        />
      </Panel>
      <Panel title={t('holds.title')} lead={t('holds.lead')} flush><Holds holds={matter.holds} /></Panel>
      <Held matter={matter} />
      <TakeOutDialog takeOut={takeOut} mails={{ matter: matter.id }} about={<div>{n('matters.exportAbout', matter.heldMails, { name: matter.name })}</div>} />
      <Dialog dialog={editing} title={t('matters.editTitle')} size={620}>{(value) => <MatterForm matter={value} close={editing.close} />}</Dialog>
      <Confirm dialog={placing} title={t('holds.placeTitle')} effect={(value) => <Effect matter={value} />} submit={t('holds.placeSubmit')} reason send={(value, reason) => placeHold(value.id, reason)} done={t('holds.placed')} refresh={REFRESH} />
      <Confirm dialog={closing} title={t('matters.closeTitle')} effect={(value) => t('matters.closeEffect', { name: value.name })} submit={t('matters.closeSubmit')} reason send={(value, reason) => closeMatter(value.id, reason)} done={t('matters.closedDone')} refresh={REFRESH} />
    </Page>
  );
}

const preview = ({ custodians, query, span }: Matter) => matterPreviewQuery({ custodians, query, span: { ...(span.from ? { from: span.from } : {}), ...(span.until ? { until: span.until } : {}) } });

/** What a hold would keep from now on. */
function Effect({ matter }: { matter: Matter }) {
  const { t, n } = useTexts();
  const { data } = useQuery(preview(matter));
  if (!data) return t('holds.placeCounting');
  return (
    <>
      <div>{n('holds.placeEffect', data.mails + (matter.unsearchable ? data.unsearchable : 0))}</div>
      {data.unsearchable > 0 && <p className="muted">{n(matter.unsearchable ? 'matters.unsearchableHeld' : 'matters.unsearchableLeft', data.unsearchable)}</p>}
    </>
  );
}

/** Mail of which nobody can say whether the query finds it, and what holds do about it. */
function Unsearchable({ matter }: { matter: Matter }) {
  const { t, n } = useTexts();
  const { data } = useQuery(preview(matter));
  const what = t(matter.unsearchable ? 'matters.unsearchableOn' : 'matters.unsearchableOff');
  return <>{data ? n('matters.unsearchableCount', data.unsearchable) : '…'}<div className="muted">{what}</div></>;
}

function Holds({ holds }: { holds: readonly Hold[] }) {
  const texts = useTexts();
  const { t, n, stamp, number } = texts;
  const releasing = useDialog<Hold>();
  return (
    <>
      <DataTable
        label={t('holds.title')}
        rows={holds}
        rowKey={(hold) => hold.id}
        empty={<EmptyState icon={<IconGavel size={24} />} title={t('holds.empty')}>{t('holds.emptyText')}</EmptyState>}
        columns={[
          { title: t('holds.placedAt'), header: true, cell: (hold) => <div>{t('matters.openedBy', { when: stamp(hold.placedAt), who: hold.placedBy })}<div className="muted">{hold.reason}</div></div> },
          { title: t('holds.what'), cell: (hold) => <div><div>{hold.query ? <span className="mono">{hold.query}</span> : t('matters.everyMail')}</div><div className="muted">{hold.addresses.join(', ') || t('matters.everybody')} · {spanText(hold.span, texts)}</div>{hold.query && hold.unsearchable && <div className="muted">{t('holds.unsearchable')}</div>}</div> },
          { title: t('matters.state'), cell: (hold) => <div><Badge tone={hold.released ? 'plain' : 'good'}>{t(hold.released ? 'holds.state.released' : 'holds.state.active')}</Badge>{hold.released && <div className="muted">{t('matters.closedBy', { when: stamp(hold.released.at), who: hold.released.by, reason: hold.released.reason })}</div>}</div> },
          { title: t('holds.mails'), numeric: true, cell: (hold) => <div>{number(hold.mails)}{!hold.released && hold.notExaminedYet > 0 && <div className="muted">{n('holds.notExamined', hold.notExaminedYet)}</div>}</div> },
          { title: t('table.actions'), actions: true, cell: (hold) => !hold.released && <Button variant="default" onClick={() => releasing.open(hold)}>{t('holds.release')}</Button> },
        ]}
      />
      <Confirm dialog={releasing} title={t('holds.releaseTitle')} effect={() => t('holds.releaseEffect')} submit={t('holds.releaseSubmit')} danger reason send={(hold, reason) => releaseHold(hold.id, reason)} done={t('holds.released')} refresh={REFRESH} />
    </>
  );
}

function Held({ matter }: { matter: Matter }) {
  const { t, n, shortDate, bytes } = useTexts();
  const { data, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(heldMailsQuery(matter.id, matter.heldMails));
  const withheld = data?.pages.reduce((sum, page) => sum + page.withheld, 0) ?? 0;
  return (
    <Panel title={t('held.title')} lead={withheld > 0 ? n('held.withheld', withheld) : t('held.lead')} flush>
      <DataTable
        label={t('held.title')}
        rows={data?.pages.flatMap((page) => page.rows)}
        rowKey={(row) => row.id}
        more={{ has: hasNextPage, busy: isFetchingNextPage, load: () => void fetchNextPage() }}
        empty={<EmptyState icon={<IconMail size={24} />} title={t('held.empty')}>{t('held.emptyText')}</EmptyState>}
        columns={[
          { title: t('held.subject'), header: true, cell: (row) => <Link to={paths.record} params={{ recordId: row.id }} className="link">{row.subject || t('mail.noSubject')}</Link> },
          { title: t('held.from'), cell: (row) => nameOf(row.from) },
          { title: t('held.date'), cell: (row) => shortDate(row.date) },
          { title: t('held.size'), numeric: true, cell: (row) => bytes(row.sizeBytes) },
        ]}
      />
    </Panel>
  );
}
