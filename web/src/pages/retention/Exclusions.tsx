import { Button, Checkbox, TagsInput, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type Exclusion, exclusionsQuery, setExclusions } from '../../api/retention';
import { Confirm } from '../../forms/Confirm';
import { Form } from '../../forms/Form';
import { useFields } from '../../forms/useFields';
import { usePermissions } from '../../hooks/useSession';
import { useTexts } from '../../i18n';
import { Note } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { Dialog, useDialog } from '../../ui/Dialog';
import { EmptyState } from '../../ui/EmptyState';
import { IconArchive, IconPlus } from '../../ui/icons';
import { TabHead } from '../../ui/TabHead';
import { Clauses } from './Clauses';
import { Conditions } from './PolicyTable';
import { isComplete, type Kind } from './words';

const REFRESH = [['retention']];
const REASON_LENGTH_MIN = 5;
/** What is known before a mail is archived. */
const KINDS: readonly Kind[] = ['sender', 'recipient', 'domain', 'direction', 'subject', 'size', 'source', 'folder', 'received'];

/** What is not archived at all: with the warning that the law demands. */
export function Exclusions() {
  const { t } = useTexts();
  const { data } = useQuery(exclusionsQuery);
  const sets = usePermissions().includes('set_retention');
  const editing = useDialog<number>();
  const removing = useDialog<Exclusion>();
  const rules = data?.rules;
  return (
    <>
      <TabHead lead={t('exclusion.lead')} action={sets && rules && <Button leftSection={<IconPlus size={14} aria-hidden />} onClick={() => editing.open(rules.length)}>{t('exclusion.add')}</Button>} />
      <div style={{ padding: '0 18px' }}><Note tone="warn" title={t('exclusion.warningTitle')}>{t('exclusion.warning')}</Note></div>
      <DataTable
        label={t('retention.tab.exclusions')}
        rows={rules?.map((rule, i) => ({ ...rule, i }))}
        rowKey={(rule) => rule.name}
        empty={<EmptyState icon={<IconArchive size={24} />} title={t('exclusion.empty')}>{t('exclusion.emptyText')}</EmptyState>}
        columns={[
          { title: t('exclusion.name'), header: true, cell: (rule) => rule.name },
          { title: t('exclusion.addresses'), cell: (rule) => rule.addresses.join(', ') },
          { title: t('retention.conditions'), cell: (rule) => <Conditions clauses={rule.clauses ?? []} /> },
          { title: t('exclusion.ground'), cell: (rule) => rule.reason },
          { title: t('table.actions'), actions: true, cell: (rule) => sets && <Button.Group><Button variant="default" onClick={() => editing.open(rule.i)}>{t('matters.edit')}</Button><Button variant="default" onClick={() => removing.open(rule)}>{t('exclusion.remove')}</Button></Button.Group> },
        ]}
      />
      {rules && <Dialog dialog={editing} title={t('exclusion.editTitle')} size={720}>{(at) => <ExclusionForm rules={rules} at={at} close={editing.close} />}</Dialog>}
      {rules && <Confirm dialog={removing} title={t('exclusion.removeTitle')} effect={(rule) => t('exclusion.removeEffect', { name: rule.name })} submit={t('exclusion.removeSubmit')} reason send={(rule, reason) => setExclusions(rules.filter((one) => one.name !== rule.name), true, reason)} done={t('exclusion.saved')} refresh={REFRESH} />}
    </>
  );
}

function ExclusionForm({ rules, at, close }: { rules: readonly Exclusion[]; at: number; close: () => void }) {
  const { t } = useTexts();
  const rule = rules[at];
  const fields = useFields({ name: rule?.name ?? '', addresses: rule?.addresses ?? [], clauses: rule?.clauses ?? [], reason: rule?.reason ?? '', understood: false }, (now) => ({
    name: !now.name.trim() && t('form.required'),
    addresses: now.addresses.length === 0 && t('exclusion.addressesNeeded'),
    clauses: !now.clauses.every(isComplete) && t('condition.missing'),
    reason: now.reason.trim().length < REASON_LENGTH_MIN && t('release.reasonShort'),
    understood: !now.understood && t('exclusion.understoodNeeded'),
  }));
  const send = () => {
    const { name, addresses, clauses, reason } = fields.values;
    const next: Exclusion = { name: name.trim(), addresses, clauses, reason: reason.trim() };
    return setExclusions(at < rules.length ? rules.map((one, i) => (i === at ? next : one)) : [...rules, next], true, reason.trim());
  };
  return (
    <Form submit={t('form.save')} check={fields.check} send={send} done={t('exclusion.saved')} refresh={REFRESH} onDone={close} onCancel={close}>
      <Note tone="warn" title={t('exclusion.warningTitle')}>{t('exclusion.warning')}</Note>
      <TextInput size="sm" label={t('exclusion.name')} maxLength={200} data-autofocus {...fields.text('name')} />
      <TagsInput size="sm" label={t('exclusion.addresses')} description={t('exclusion.addressesHint')} acceptValueOnBlur {...fields.pick('addresses')} />
      <Clauses clauses={fields.values.clauses} kinds={KINDS} onChange={(clauses) => fields.set({ clauses })} error={fields.error('clauses')} />
      <Textarea size="sm" label={t('exclusion.ground')} description={t('exclusion.groundHint')} rows={2} maxLength={2_000} {...fields.text('reason')} />
      <Checkbox label={t('exclusion.understood')} error={fields.error('understood')} {...fields.flag('understood')} />
    </Form>
  );
}
