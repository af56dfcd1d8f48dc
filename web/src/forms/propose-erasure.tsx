import '../i18n/console';
import { Select, Textarea, TextInput } from '@mantine/core';
import { proposeErasure } from '../api/disposals';
import { useTexts } from '../i18n';
import { Note } from '../ui/Badge';
import { Form } from './Form';
import { useFields } from './useFields';

const REASON_LENGTH_MIN = 5;
const GROUNDS = ['right-to-erasure', 'court-order'] as const;

/** One mail that is to go before its time: two other persons must approve. */
export function ErasureForm({ record, subject, close }: { record: string; subject: string; close: () => void }) {
  const { t } = useTexts();
  const fields = useFields({ ground: 'right-to-erasure' as string, reference: '', reason: '' }, (now) => ({ reference: !now.reference.trim() && t('form.required'), reason: now.reason.trim().length < REASON_LENGTH_MIN && t('release.reasonShort') }));
  const { ground, reference, reason } = fields.values;
  return (
    <Form submit={t('disposal.proposeSubmit')} danger check={fields.check} send={() => proposeErasure({ records: [record], ground, reference: reference.trim(), reason: reason.trim() })} done={t('erasure.proposed')} refresh={[['disposals']]} onDone={close} onCancel={close}>
      <strong>{subject}</strong>
      <Note tone="warn">{t('erasure.effect')}</Note>
      <Select size="sm" label={t('disposal.ground')} allowDeselect={false} data-autofocus {...fields.pick('ground')} data={GROUNDS.map((value) => ({ value, label: t(`disposal.ground.${value}`) }))} />
      <TextInput size="sm" label={t('erasure.reference')} description={t('erasure.referenceHint')} maxLength={2_000} {...fields.text('reference')} />
      <Textarea size="sm" label={t('release.reason')} description={t('release.reasonHint')} rows={2} maxLength={2_000} {...fields.text('reason')} />
    </Form>
  );
}
