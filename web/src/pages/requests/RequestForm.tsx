import { Checkbox, MultiSelect, Textarea } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { type QueryKey, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { askAccess, mailboxesQuery } from '../../api/people';
import { Form } from '../../forms/Form';
import { SpanFields, spanOf } from '../../forms/SpanFields';
import { useFields } from '../../forms/useFields';
import { useTexts } from '../../i18n';
import { DateField } from '../../ui/DateField';
import { addDays, startOf, today } from '../../ui/days';

const REASON_LENGTH_MIN = 5;
const DAYS = 7;
const DAYS_MAX = 365;
const DELAY_MS = 150;

/** Asks a second person for access to mailboxes that a grant has named. */
export function RequestForm({ close, refresh }: { close: () => void; refresh: QueryKey[] }) {
  const { t } = useTexts();
  const [typed, setTyped] = useState('');
  const [asked] = useDebouncedValue(typed, DELAY_MS);
  const { data } = useQuery(mailboxesQuery(asked.trim()));
  const [names, setNames] = useState<Record<string, string>>({});
  const fields = useFields({ mailboxes: [] as string[], wholeTenant: false, mailFrom: '', mailUntil: '', until: addDays(today(), DAYS), reason: '' }, (now) => ({
    mailboxes: !now.wholeTenant && now.mailboxes.length === 0 && t('form.required'),
    until: !now.until && t('form.required'),
    reason: now.reason.trim().length < REASON_LENGTH_MIN && t('release.reasonShort'),
  }));
  const { values } = fields;
  const found = (data?.mailboxes ?? []).map((one) => ({ value: one.id, label: one.displayName || one.userName }));
  const options = [...values.mailboxes.filter((id) => !found.some((one) => one.value === id)).map((id) => ({ value: id, label: names[id] ?? id })), ...found];
  const choose = (mailboxes: string[]) => {
    setNames((before) => ({ ...before, ...Object.fromEntries(options.map((one) => [one.value, one.label])) }));
    fields.set({ mailboxes });
  };
  const send = () => askAccess({ mailboxes: values.wholeTenant ? [] : values.mailboxes, wholeTenant: values.wholeTenant, mail: spanOf(values.mailFrom, values.mailUntil), until: startOf(addDays(values.until, 1)), reason: values.reason.trim() });
  return (
    <Form submit={t('requests.askSubmit')} check={fields.check} send={send} done={t('requests.asked')} refresh={refresh} onDone={close} onCancel={close}>
      <div>{t('requests.askText')}</div>
      {!values.wholeTenant && <MultiSelect size="sm" label={t('requests.mailboxes')} placeholder={t('accounts.pick')} nothingFoundMessage={t('list.none')} searchable data={options} filter={({ options: all }) => all} searchValue={typed} onSearchChange={setTyped} value={values.mailboxes} onChange={choose} error={fields.error('mailboxes')} />}
      <Checkbox label={t('grants.wholeTenant')} description={t('requests.wholeTenantHint')} {...fields.flag('wholeTenant')} />
      <SpanFields legend={t('grants.mail')} hint={t('grants.mailHint')} from={values.mailFrom} until={values.mailUntil} onChange={(from, until) => fields.set({ mailFrom: from, mailUntil: until })} />
      <DateField size="sm" label={t('requests.until')} min={today()} max={addDays(today(), DAYS_MAX)} value={values.until} onChange={(until) => fields.set({ until })} error={fields.error('until')} />
      <Textarea size="sm" label={t('release.reason')} description={t('requests.reasonHint')} rows={3} maxLength={1000} {...fields.text('reason')} />
    </Form>
  );
}
