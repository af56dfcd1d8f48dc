import { Checkbox, NumberInput, Select, TagsInput, TextInput } from '@mantine/core';
import { type QueryKey, useQuery } from '@tanstack/react-query';
import { addSource, changeSource, ownTenantQuery, rotateSource, type Source } from '../../api/tenancy';
import { Form } from '../../forms/Form';
import { useFields } from '../../forms/useFields';
import { useTexts } from '../../i18n';
import { Note } from '../../ui/Badge';

interface Props {
  close: () => void;
  refresh: QueryKey[];
}

const GRACE_HOURS = 72;
const GRACE_HOURS_MAX = 8_760;

/** A new journal address, or how an existing one is read. */
export function SourceForm({ source, close, refresh }: Props & { source: Source | null }) {
  const { t } = useTexts();
  const { data: tenant } = useQuery(ownTenantQuery);
  const domains = tenant?.archiveDomains ?? [];
  const rules = source?.rules ?? { journalReports: true, headers: [], deliveredTo: false };
  const fields = useFields({ name: source?.name ?? '', archiveDomain: '', ...rules }, (now) => ({ name: !now.name.trim() && t('form.required') }));
  const { name, archiveDomain, journalReports, headers, deliveredTo } = fields.values;
  const body = { name: name.trim(), rules: { journalReports, headers, deliveredTo } };
  return (
    <Form submit={source ? t('form.save') : t('sources.create')} check={fields.check} send={() => (source ? changeSource(source.id, body) : addSource({ ...body, ...(archiveDomain ? { archiveDomain } : {}) }))} done={source ? t('form.saved') : t('sources.created')} refresh={refresh} onDone={close} onCancel={close}>
      <TextInput size="sm" label={t('sources.name')} description={t('sources.nameHint')} data-autofocus required withAsterisk={false} {...fields.text('name')} />
      {!source && domains.length > 1 && <Select size="sm" label={t('sources.domain')} data={domains} allowDeselect={false} {...fields.pick('archiveDomain')} value={archiveDomain || (domains[0] ?? '')} />}
      <Checkbox label={t('sources.journalReports')} description={t('sources.journalReportsHint')} {...fields.flag('journalReports')} />
      <Checkbox label={t('sources.deliveredTo')} description={t('sources.deliveredToHint')} {...fields.flag('deliveredTo')} />
      <TagsInput size="sm" label={t('sources.headers')} description={t('sources.headersHint')} {...fields.pick('headers')} />
    </Form>
  );
}

/** A new secret address in place of an old one that goes on working for a while. */
export function RotateForm({ source, close, refresh }: Props & { source: Source }) {
  const { t } = useTexts();
  const fields = useFields<{ hours: number | string }>({ hours: GRACE_HOURS }, ({ hours }) => ({ hours: (typeof hours !== 'number' || hours < 0 || hours > GRACE_HOURS_MAX) && t('sources.graceWrong', { max: GRACE_HOURS_MAX }) }));
  return (
    <Form submit={t('sources.rotateSubmit')} check={fields.check} send={() => rotateSource(source.id, Number(fields.values.hours))} done={t('sources.rotated')} refresh={refresh} onDone={close} onCancel={close}>
      <div>{t('sources.rotateEffect', { name: source.name })}</div>
      <NumberInput size="sm" label={t('sources.grace')} description={t('sources.graceHint')} min={0} max={GRACE_HOURS_MAX} allowDecimal={false} data-autofocus {...fields.pick('hours')} />
      {Number(fields.values.hours) === 0 && <Note tone="warn">{t('sources.graceZero')}</Note>}
    </Form>
  );
}
