import '../../i18n/console';
import { Button, Progress } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { cancelExport, cancelRestore, exportFileUrl, exportsQuery, type JobRequest, type JobResult, type MailJob, removeExport, restoresQuery } from '../../api/takeout';
import { Failure } from '../../components/Failure';
import { useAct } from '../../hooks/useAct';
import { usePermissions } from '../../hooks/useSession';
import { type PluralKey, useTexts } from '../../i18n';
import { Badge, type Tone } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { EmptyState } from '../../ui/EmptyState';
import { IconDownload, IconFileExport, IconMailForward } from '../../ui/icons';
import { Page, Panel } from '../../ui/Page';

type State = 'cancelled' | 'done' | 'failed' | 'removed' | 'running' | 'waiting';

const TONES: Record<State, Tone> = { cancelled: 'plain', done: 'good', failed: 'bad', removed: 'plain', running: 'info', waiting: 'info' };

/** What was taken out of the archive, and what was sent back. */
export function ExportsPage() {
  const { t } = useTexts();
  const permissions = usePermissions();
  return (
    <Page title={t('take.title')} lead={t('takeout.lead')}>
      {permissions.includes('export_mail') && <Exports />}
      {permissions.includes('restore_mail') && <Restores />}
    </Page>
  );
}

function Exports() {
  const { t } = useTexts();
  const { data, error, refetch } = useQuery(exportsQuery);
  const cancel = useAct((job: MailJob) => cancelExport(job.id), { done: t('takeout.cancelled'), refresh: [['exports']] });
  const remove = useAct((job: MailJob) => removeExport(job.id), { done: t('takeout.removed'), refresh: [['exports']] });
  const actions = (job: MailJob) => (
    <>
      {isOpen(job) && <Button variant="default" onClick={() => cancel.mutate(job)}>{t('takeout.cancel')}</Button>}
      {job.downloadable && <Button.Group><Button component="a" href={exportFileUrl(job.id)} download variant="default" leftSection={<IconDownload size={14} aria-hidden />}>{t('takeout.download')}</Button><Button variant="default" onClick={() => remove.mutate(job)}>{t('takeout.remove')}</Button></Button.Group>}
    </>
  );
  return (
    <Panel title={t('takeout.exports')} lead={t('takeout.exportsLead')} flush>
      {error && !data ? <Failure error={error} retry={() => void refetch()} /> : <Jobs label={t('takeout.exports')} jobs={data?.exports} actions={actions} empty={<EmptyState icon={<IconFileExport size={24} />} title={t('takeout.noExports')}>{t('takeout.noExportsText')}</EmptyState>} />}
    </Panel>
  );
}

function Restores() {
  const { t } = useTexts();
  const { data, error, refetch } = useQuery(restoresQuery);
  const cancel = useAct((job: MailJob) => cancelRestore(job.id), { done: t('takeout.cancelled'), refresh: [['restores']] });
  return (
    <Panel title={t('takeout.restores')} lead={t('takeout.restoresLead')} flush>
      {error && !data ? <Failure error={error} retry={() => void refetch()} /> : <Jobs label={t('takeout.restores')} jobs={data?.restores} actions={(job) => isOpen(job) && <Button variant="default" onClick={() => cancel.mutate(job)}>{t('takeout.cancel')}</Button>} empty={<EmptyState icon={<IconMailForward size={24} />} title={t('takeout.noRestores')}>{t('takeout.noRestoresText')}</EmptyState>} />}
    </Panel>
  );
}

const isOpen = (job: MailJob) => job.state === 'running' || job.state === 'waiting';

function Jobs({ label, jobs, actions, empty }: { label: string; jobs: readonly MailJob[] | undefined; actions: (job: MailJob) => ReactNode; empty: ReactNode }) {
  const { t, number, stamp } = useTexts();
  return (
    <DataTable
      label={label}
      rows={jobs}
      rowKey={(job) => job.id}
      empty={empty}
      columns={[
        { title: t('takeout.what'), header: true, cell: (job) => <What request={job.request as JobRequest} /> },
        { title: t('takeout.state'), cell: (job) => <div><Badge tone={TONES[job.state as State]}>{t(`takeout.state.${job.state as State}`)}</Badge>{job.downloadable && job.expiresAt && <div className="muted">{t('takeout.until', { time: stamp(job.expiresAt) })}</div>}</div> },
        {
          title: t('takeout.progress'),
          cell: (job) => (
            <div>
              <span className="tabular">{job.total > 0 ? t('jobs.of', { done: number(job.done), total: number(job.total) }) : number(job.done)}</span>
              {job.state === 'running' && job.total > 0 && <Progress mt={4} value={(job.done / job.total) * 100} aria-label={t('takeout.progress')} />}
              <Outcome result={job.result as JobResult} />
            </div>
          ),
        },
        { title: t('takeout.asked'), cell: (job) => <div>{t('matters.openedBy', { when: stamp(job.createdAt), who: job.by })}<div className="muted">{(job.request as JobRequest).reason}</div></div> },
        { title: t('table.actions'), actions: true, cell: actions },
      ]}
    />
  );
}

function What({ request: { which, evidence, format, target } }: { request: JobRequest }) {
  const { t, n } = useTexts();
  const mails = which?.query !== undefined ? <span className="mono">{which.query || t('takeout.everything')}</span> : which?.matter ? t('matters.one') : n('takeout.mails', which?.records?.length ?? 0);
  const how = target ? (target.kind === 'address' ? target.address : `${target.user} · ${target.host}`) : t(`takeout.format.${evidence ? 'evidence' : (format ?? 'eml')}`);
  return <div><div>{mails}</div><div className="muted">{how}</div></div>;
}

function Outcome({ result }: { result: JobResult }) {
  const { n, bytes } = useTexts();
  const parts: [PluralKey, number][] = [['takeout.withheld', result.withheld ?? 0], ['takeout.notSealed', result.notSealed ?? 0], ['takeout.damaged', result.damaged?.length ?? 0]];
  const shown = parts.filter(([, count]) => count > 0).map(([key, count]) => n(key, count));
  const size = result.bytes ? [bytes(result.bytes)] : [];
  return (
    <>
      {[...size, ...shown].length > 0 && <div className="muted">{[...size, ...shown].join(' · ')}</div>}
      {result.error && <div className="muted" lang="en">{result.error}</div>}
    </>
  );
}
