import { Button, TagsInput, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { type DisposalRun, disposalsQuery, type DisposalState, proposeDisposal } from '../../api/disposals';
import { retentionQuery } from '../../api/retention';
import { paths } from '../../app/paths';
import { Failure } from '../../components/Failure';
import { Form } from '../../forms/Form';
import { useFields } from '../../forms/useFields';
import { usePermissions } from '../../hooks/useSession';
import { useTexts } from '../../i18n';
import { Badge, type Tone } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { Dialog, useDialog } from '../../ui/Dialog';
import { EmptyState } from '../../ui/EmptyState';
import { IconPlus, IconTrash } from '../../ui/icons';
import { Page, Panel } from '../../ui/Page';

export const REFRESH = [['disposals']];
const TONES: Record<DisposalState, Tone> = { done: 'good', proposed: 'warn', proposing: 'info', rejected: 'plain', running: 'info', withdrawn: 'plain' };
export type Ground = 'court-order' | 'period-over' | 'right-to-erasure';

const REASON_LENGTH_MIN = 5;

export function RunState({ run }: { run: DisposalRun }) {
  const { t } = useTexts();
  return <Badge tone={TONES[run.state as DisposalState]}>{t(`disposal.state.${run.state as DisposalState}`)}</Badge>;
}

/** Runs that delete what is over, with their approvals. */
export function DisposalsPage() {
  const { t, n, number, bytes, stamp } = useTexts();
  const navigate = useNavigate();
  const { data, error, refetch } = useQuery(disposalsQuery);
  const proposes = usePermissions().includes('propose_disposal');
  const proposing = useDialog();
  if (error && !data) return <Page title={t('disposal.title')}><Failure error={error} retry={() => void refetch()} /></Page>;
  return (
    <Page title={t('disposal.title')} lead={t('disposal.lead')} aside={data && n('disposal.soFar', data.disposed)} actions={proposes && <Button leftSection={<IconPlus size={14} aria-hidden />} onClick={() => proposing.open(true)}>{t('disposal.propose')}</Button>}>
      <Panel title={t('disposal.list')} flush>
        <DataTable
          label={t('disposal.title')}
          rows={data?.runs}
          rowKey={(run) => run.id}
          empty={<EmptyState icon={<IconTrash size={24} />} title={t('disposal.empty')}>{t('disposal.emptyText')}</EmptyState>}
          columns={[
            { title: t('disposal.proposedBy'), header: true, cell: (run) => <Link to={paths.disposal} params={{ runId: run.id }} className="link">{t('matters.openedBy', { when: stamp(run.proposedAt), who: run.proposedBy })}</Link> },
            { title: t('disposal.state'), cell: (run) => <RunState run={run} /> },
            { title: t('disposal.ground'), cell: (run) => <div>{t(`disposal.ground.${run.ground as Ground}`)}<div className="muted">{run.classes.join(', ')}</div></div> },
            { title: t('disposal.mails'), numeric: true, cell: (run) => `${number(run.mails)} · ${bytes(run.bytes)}` },
            { title: t('disposal.approvals'), numeric: true, cell: (run) => t('disposal.approvalsOf', { given: run.approvals.length, needed: run.approvalsNeeded }) },
            { title: t('disposal.disposed'), numeric: true, cell: (run) => number(run.disposed) },
          ]}
        />
      </Panel>
      <Dialog dialog={proposing} title={t('disposal.proposeTitle')}>{() => <ProposeForm close={proposing.close} onDone={(run) => void navigate({ to: paths.disposal, params: { runId: run.id } })} />}</Dialog>
    </Page>
  );
}

function ProposeForm({ close, onDone }: { close: () => void; onDone: (run: DisposalRun) => void }) {
  const { t } = useTexts();
  const { data } = useQuery(retentionQuery);
  const known = [...new Set((data?.versions ?? []).flatMap((set) => set.policies.map((policy) => policy.class)))];
  const fields = useFields({ classes: [] as string[], reason: '' }, (now) => ({ reason: now.reason.trim().length < REASON_LENGTH_MIN && t('release.reasonShort') }));
  const { values } = fields;
  return (
    <Form
      submit={t('disposal.proposeSubmit')}
      check={fields.check}
      send={() => proposeDisposal({ classes: values.classes, reason: values.reason.trim() })}
      done={t('disposal.proposed')}
      refresh={REFRESH}
      onDone={(run) => {
        close();
        onDone(run);
      }}
      onCancel={close}
    >
      <div>{t('disposal.proposeEffect')}</div>
      <TagsInput size="sm" label={t('disposal.classes')} description={t('disposal.classesHint')} data={known} acceptValueOnBlur {...fields.pick('classes')} />
      <Textarea size="sm" label={t('release.reason')} description={t('release.reasonHint')} rows={2} maxLength={1000} data-autofocus {...fields.text('reason')} />
    </Form>
  );
}
