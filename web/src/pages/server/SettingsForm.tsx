import { Checkbox, NumberInput, PasswordInput, Select, TagsInput, TextInput } from '@mantine/core';
import type { SettingsAnswer } from '../../api/operation';
import { Form } from '../../forms/Form';
import { useFields } from '../../forms/useFields';
import { type Key, useTexts } from '../../i18n';
import { patchOf, type Section, type Setting, valueAt } from './sections';
import classes from './SettingsForm.module.css';

interface Props {
  section: Section;
  answer: SettingsAnswer;
  save: (patch: object) => Promise<unknown>;
}

const MEGABYTE = 1_000_000;
const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** One section of the settings: only what was changed is sent. */
export function SettingsForm({ section, answer, save }: Props) {
  const { t } = useTexts();
  const initial = Object.fromEntries(section.settings.map(({ path, kind }) => [path, kind === 'secret' ? '' : valueAt(answer.settings, path)]));
  const fields = useFields<Record<string, unknown>>(initial, (now) =>
    Object.fromEntries(section.settings.map(({ path, kind }) => [path, (kind === 'number' || kind === 'bytes') && !(typeof now[path] === 'number' && now[path] >= 0) && t('form.number')])),
  );
  const changes = Object.fromEntries(Object.entries(fields.values).filter(([path, value]) => !same(value, initial[path])));
  return (
    <Form submit={t('form.save')} check={fields.check} send={() => save(patchOf(changes))} done={t('server.saved')} refresh={[['settings'], ['system'], ['connect']]} disabled={Object.keys(changes).length === 0}>
      <div className={classes.grid}>
        {section.settings.map((setting) => <SettingField key={setting.path} setting={setting} answer={answer} value={fields.values[setting.path]} error={fields.error(setting.path)} set={(value) => fields.set({ [setting.path]: value })} />)}
      </div>
    </Form>
  );
}

interface FieldProps {
  setting: Setting;
  answer: SettingsAnswer;
  value: unknown;
  error: string | undefined;
  set: (value: unknown) => void;
}

function SettingField({ setting: { path, kind }, answer, value, error, set }: FieldProps) {
  const { t } = useTexts();
  const fixed = answer.fixed.some((one) => path === one || path.startsWith(`${one}.`));
  const hintKey = `server.hint.${path}` as Key;
  const hint = t(hintKey) === hintKey ? '' : t(hintKey);
  const label = t(`server.field.${path}`);
  const stored = path === 'metrics.token' ? answer.hasMetricsToken : answer.hasPassword;
  const common = { size: 'sm', label, description: [fixed ? t('server.fixed') : '', kind === 'secret' && stored ? t('server.secretStored') : '', hint].filter(Boolean).join(' ') || undefined, readOnly: fixed, error, name: path } as const;
  if (kind === 'flag') return <Checkbox mt={24} label={label} description={common.description} disabled={fixed} name={path} checked={Boolean(value)} onChange={(event) => set(event.currentTarget.checked)} />;
  if (kind === 'list') return <TagsInput {...common} value={(value as string[] | undefined) ?? []} onChange={set} />;
  if (kind === 'number') return <NumberInput {...common} min={0} allowDecimal={false} value={(value as number | undefined) ?? ''} onChange={set} />;
  if (kind === 'bytes') return <NumberInput {...common} min={0} suffix=" MB" decimalScale={3} value={typeof value === 'number' ? value / MEGABYTE : ''} onChange={(next) => set(typeof next === 'number' ? Math.round(next * MEGABYTE) : next)} />;
  if (kind === 'secret') return <PasswordInput {...common} autoComplete="new-password" value={value as string} onChange={(event) => set(event.currentTarget.value)} visibilityToggleButtonProps={{ 'aria-label': t('password.show') }} />;
  if (kind === 'text') return <TextInput {...common} autoCapitalize="none" spellCheck={false} value={(value as string | undefined) ?? ''} onChange={(event) => set(event.currentTarget.value)} />;
  return <Select {...common} allowDeselect={false} value={(value as string | undefined) ?? null} onChange={set} data={kind.map((one) => ({ value: one, label: t(`server.choice.${one}` as Key) }))} />;
}
