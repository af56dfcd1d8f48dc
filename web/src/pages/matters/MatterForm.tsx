import { Checkbox, TagsInput, Textarea, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { changeMatter, type Matter, matterPreviewQuery, openMatter } from '../../api/matters';
import { problemText } from '../../components/problem';
import { Form } from '../../forms/Form';
import { SpanFields, spanOf } from '../../forms/SpanFields';
import { useFields } from '../../forms/useFields';
import { useTexts } from '../../i18n';
import { Note } from '../../ui/Badge';
import { addDays, dayOf } from '../../ui/days';

const REASON_LENGTH_MIN = 5;
const DELAY_MS = 400;

interface Props {
  matter: Matter | null;
  /** What a new one is about to begin with. */
  about?: { query: string; unsearchable: boolean };
  close: () => void;
  onDone?: (matter: Matter) => void;
}

/** What a matter is about; the number of mails that fit follows what is typed. */
export function MatterForm({ matter, about: preset, close, onDone }: Props) {
  const { t } = useTexts();
  const fields = useFields({ name: matter?.name ?? '', custodians: matter?.custodians ?? [], query: matter?.query ?? preset?.query ?? '', unsearchable: matter?.unsearchable ?? preset?.unsearchable ?? true, from: dayOf(matter?.span.from), until: matter?.span.until ? addDays(dayOf(matter.span.until), -1) : '', notes: matter?.notes ?? '', reason: '' }, (now) => ({
    name: !now.name.trim() && t('form.required'),
    reason: now.reason.trim().length < REASON_LENGTH_MIN && t('release.reasonShort'),
  }));
  const { values } = fields;
  const about = { custodians: values.custodians, query: values.query.trim(), span: spanOf(values.from, values.until) };
  const send = async () => {
    const body = { ...about, unsearchable: values.unsearchable, name: values.name.trim(), notes: values.notes.trim(), reason: values.reason.trim() };
    return matter ? changeMatter(matter.id, body) : openMatter(body);
  };
  return (
    <Form
      submit={t(matter ? 'form.save' : 'matters.create')}
      check={fields.check}
      send={send}
      done={t(matter ? 'matters.changed' : 'matters.created')}
      refresh={[['matters']]}
      onDone={(saved) => {
        close();
        onDone?.(saved);
      }}
      onCancel={close}
    >
      {matter && <Note>{t('matters.editHint')}</Note>}
      <TextInput size="sm" label={t('matters.name')} description={t('matters.nameHint')} maxLength={200} data-autofocus {...fields.text('name')} />
      <TagsInput size="sm" label={t('matters.custodians')} description={t('matters.custodiansHint')} acceptValueOnBlur {...fields.pick('custodians')} />
      <TextInput size="sm" label={t('matters.query')} description={t('matters.queryHint')} spellCheck={false} autoComplete="off" {...fields.text('query')} />
      <SpanFields legend={t('matters.span')} hint={t('grants.validHint')} from={values.from} until={values.until} onChange={(from, until) => fields.set({ from, until })} />
      <Found about={about} unsearchable={values.unsearchable} />
      <Checkbox size="sm" label={t('matters.unsearchable')} description={t('matters.unsearchableHint')} {...fields.flag('unsearchable')} />
      <Textarea size="sm" label={t('matters.notes')} rows={2} maxLength={20_000} {...fields.text('notes')} />
      <Textarea size="sm" label={t(matter ? 'matters.reasonChange' : 'matters.reasonOpen')} description={t('release.reasonHint')} rows={2} maxLength={1000} {...fields.text('reason')} />
    </Form>
  );
}

type About = { custodians: string[]; query: string; span: { from?: string; until?: string } };

function Found({ about, unsearchable }: { about: About; unsearchable: boolean }) {
  const texts = useTexts();
  const { t, n } = texts;
  const [asked] = useDebouncedValue(JSON.stringify(about), DELAY_MS);
  const { data, error, isFetching } = useQuery(matterPreviewQuery(JSON.parse(asked) as About));
  const found = data && [n('matters.preview', data.mails), data.unsearchable > 0 && n(unsearchable ? 'matters.unsearchableHeld' : 'matters.unsearchableLeft', data.unsearchable)].filter(Boolean).join(' ');
  return <p className={error ? undefined : 'muted'} aria-live="polite" style={{ margin: 0 }}>{error ? problemText(error, texts) : !found || isFetching ? t('matters.previewing') : found}</p>;
}
