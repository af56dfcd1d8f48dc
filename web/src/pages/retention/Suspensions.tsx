import { Autocomplete, Button, Textarea } from '@mantine/core';
import { resumeClass, suspendClass, type Suspension } from '../../api/retention';
import { Confirm } from '../../forms/Confirm';
import { Form } from '../../forms/Form';
import { useFields } from '../../forms/useFields';
import { usePermissions } from '../../hooks/useSession';
import { useTexts } from '../../i18n';
import { Badge } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { Dialog, useDialog } from '../../ui/Dialog';
import { EmptyState } from '../../ui/EmptyState';
import { IconCalendarTime, IconPlus } from '../../ui/icons';
import { TabHead } from '../../ui/TabHead';

const REFRESH = [['retention']];
const REASON_LENGTH_MIN = 5;

/** Classes of which nothing is deleted for the time being. */
export function Suspensions({ classes: known, suspensions }: { classes: readonly string[]; suspensions: readonly Suspension[] | undefined }) {
  const { t, stamp } = useTexts();
  const sets = usePermissions().includes('set_retention');
  const adding = useDialog();
  const ending = useDialog<Suspension>();
  return (
    <>
      <TabHead lead={t('suspension.lead')} action={sets && <Button leftSection={<IconPlus size={14} aria-hidden />} onClick={() => adding.open(true)}>{t('suspension.add')}</Button>} />
      <DataTable
        label={t('retention.tab.suspensions')}
        rows={suspensions}
        rowKey={(row) => `${row.class} ${row.begunAt}`}
        empty={<EmptyState icon={<IconCalendarTime size={24} />} title={t('suspension.empty')}>{t('suspension.emptyText')}</EmptyState>}
        columns={[
          { title: t('retention.class'), header: true, cell: (row) => row.class },
          { title: t('retention.state'), cell: (row) => <div><Badge tone={row.endedAt ? 'plain' : 'warn'}>{t(row.endedAt ? 'suspension.over' : 'suspension.active')}</Badge>{row.endedAt && <div className="muted">{t('matters.closedBy', { when: stamp(row.endedAt), who: row.endedBy ?? '', reason: row.endReason ?? '' })}</div>}</div> },
          { title: t('suspension.begun'), cell: (row) => <div>{t('matters.openedBy', { when: stamp(row.begunAt), who: row.begunBy })}<div className="muted">{row.reason}</div></div> },
          { title: t('table.actions'), actions: true, cell: (row) => sets && !row.endedAt && <Button variant="default" onClick={() => ending.open(row)}>{t('suspension.end')}</Button> },
        ]}
      />
      <Dialog dialog={adding} title={t('suspension.addTitle')}>{() => <SuspendForm known={known} close={adding.close} />}</Dialog>
      <Confirm dialog={ending} title={t('suspension.endTitle')} effect={(row) => t('suspension.endEffect', { name: row.class })} submit={t('suspension.endSubmit')} danger reason send={(row, reason) => resumeClass(row.class, reason)} done={t('suspension.ended')} refresh={REFRESH} />
    </>
  );
}

function SuspendForm({ known, close }: { known: readonly string[]; close: () => void }) {
  const { t } = useTexts();
  const fields = useFields({ name: '', reason: '' }, (now) => ({ name: !now.name.trim() && t('form.required'), reason: now.reason.trim().length < REASON_LENGTH_MIN && t('release.reasonShort') }));
  return (
    <Form submit={t('suspension.submit')} check={fields.check} send={() => suspendClass(fields.values.name.trim(), fields.values.reason.trim())} done={t('suspension.done')} refresh={REFRESH} onDone={close} onCancel={close}>
      <div>{t('suspension.effect')}</div>
      <Autocomplete size="sm" label={t('retention.class')} data={[...known]} data-autofocus value={fields.values.name} error={fields.error('name')} onChange={(name) => fields.set({ name })} />
      <Textarea size="sm" label={t('release.reason')} description={t('release.reasonHint')} rows={2} maxLength={1000} {...fields.text('reason')} />
    </Form>
  );
}
