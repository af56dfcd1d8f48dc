import { Checkbox, SegmentedControl, Select, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { addGrant, type GrantKind, groupsQuery, type NamedAccount } from '../../api/people';
import { AccountPicker } from '../../components/AccountPicker';
import { Form } from '../../forms/Form';
import { useFields } from '../../forms/useFields';
import { useTexts } from '../../i18n';
import { Note } from '../../ui/Badge';
import { SpanFields, spanOf } from '../../forms/SpanFields';

export interface GrantPreset {
  account?: NamedAccount;
  mailbox?: NamedAccount;
  kind?: GrantKind;
}

const KINDS: GrantKind[] = ['deputy', 'shared', 'leaver', 'audit'];
const REASON_LENGTH_MIN = 5;

/** Opens a mailbox to a person or a group, for a span of time and with a reason. */
export function GrantForm({ preset, close }: { preset: GrantPreset; close: () => void }) {
  const { t } = useTexts();
  const { data: groups } = useQuery(groupsQuery);
  const fields = useFields(
    { to: 'account', account: preset.account ?? (null as NamedAccount | null), group: '', mailbox: preset.mailbox ?? (null as NamedAccount | null), wholeTenant: false, kind: preset.kind ?? ('deputy' as GrantKind), validFrom: '', validUntil: '', mailFrom: '', mailUntil: '', reason: '' },
    (now) => ({
      account: now.to === 'account' && !now.account && t('form.required'),
      group: now.to === 'group' && !now.group && t('form.required'),
      mailbox: !now.wholeTenant && !now.mailbox && t('form.required'),
      reason: now.reason.trim().length < REASON_LENGTH_MIN && t('release.reasonShort'),
    }),
  );
  const { values } = fields;
  const send = () =>
    addGrant({
      ...(values.to === 'account' ? { account: values.account?.id } : { group: values.group }),
      ...(values.wholeTenant ? {} : { mailbox: values.mailbox?.id }),
      wholeTenant: values.wholeTenant,
      kind: values.kind,
      valid: spanOf(values.validFrom, values.validUntil),
      mail: spanOf(values.mailFrom, values.mailUntil),
      reason: values.reason.trim(),
    });
  return (
    <Form submit={t('grants.give')} check={fields.check} send={send} done={t('grants.given')} refresh={[['grants']]} onDone={close} onCancel={close}>
      <SegmentedControl size="xs" aria-label={t('grants.who')} value={values.to} onChange={(to) => fields.set({ to, ...(to === 'group' ? { wholeTenant: false } : {}) })} data={[{ value: 'account', label: t('grants.toAccount') }, { value: 'group', label: t('grants.toGroup') }]} />
      {values.to === 'account' ? (
        <AccountPicker label={t('grants.who')} kind="person" value={values.account} onChange={(account) => fields.set({ account })} error={fields.error('account')} />
      ) : (
        <Select size="sm" label={t('grants.who')} searchable nothingFoundMessage={t('list.none')} data={(groups?.groups ?? []).map((group) => ({ value: group.id, label: group.name }))} {...fields.pick('group')} />
      )}
      {!values.wholeTenant && <AccountPicker label={t('grants.whose')} value={values.mailbox} onChange={(mailbox) => fields.set({ mailbox })} error={fields.error('mailbox')} />}
      {values.to === 'account' && <Checkbox label={t('grants.wholeTenant')} description={t('grants.wholeTenantHint')} checked={values.wholeTenant} onChange={(event) => fields.set({ wholeTenant: event.currentTarget.checked, ...(event.currentTarget.checked ? { kind: 'audit' as const } : {}) })} />}
      {values.wholeTenant && <Note tone="warn">{t('grants.wholeTenantWarning')}</Note>}
      <Select size="sm" label={t('grants.kind')} description={t(`grants.kindText.${values.kind as 'audit'}`)} allowDeselect={false} data={KINDS.map((value) => ({ value, label: t(`grants.kind.${value}`) }))} {...fields.pick('kind')} />
      <SpanFields legend={t('grants.valid')} hint={t('grants.validHint')} from={values.validFrom} until={values.validUntil} onChange={(from, until) => fields.set({ validFrom: from, validUntil: until })} />
      <SpanFields legend={t('grants.mail')} hint={t('grants.mailHint')} from={values.mailFrom} until={values.mailUntil} onChange={(from, until) => fields.set({ mailFrom: from, mailUntil: until })} />
      <Textarea size="sm" label={t('release.reason')} description={t('release.reasonHint')} rows={2} maxLength={1000} {...fields.text('reason')} />
    </Form>
  );
}
