import { Checkbox, NumberInput, PasswordInput, Select, TagsInput, Textarea, TextInput } from '@mantine/core';
import { useTexts } from '../../i18n';
import { Note } from '../../ui/Badge';
import type { StepProps } from './Wizard';
import classes from './Wizard.module.css';

const KINDS = ['active-directory', 'open-ldap', 'generic'] as const;
const SECURITIES = ['ldaps', 'start-tls', 'clear'] as const;

/** Where the directory is, and as whom it is read. */
export function ConnectionFields({ draft, set, setConfig, hasPassword }: StepProps) {
  const { t } = useTexts();
  const { config } = draft;
  return (
    <div className={classes.grid}>
      <TextInput size="sm" label={t('directories.name')} description={t('directories.nameHint')} value={draft.name} onChange={(event) => set({ name: event.currentTarget.value })} required withAsterisk={false} />
      <Select size="sm" label={t('directories.kind')} allowDeselect={false} value={config.kind ?? 'generic'} onChange={(value) => setConfig({ kind: (value ?? 'generic') as (typeof KINDS)[number] })} data={KINDS.map((value) => ({ value, label: t(`directories.kind.${value}`) }))} />
      <TagsInput size="sm" label={t('directories.hosts')} description={t('directories.hostsHint')} value={config.hosts} onChange={(hosts) => setConfig({ hosts })} acceptValueOnBlur />
      <Select size="sm" label={t('directories.security')} allowDeselect={false} value={config.security ?? 'ldaps'} onChange={(value) => setConfig({ security: (value ?? 'ldaps') as (typeof SECURITIES)[number] })} data={SECURITIES.map((value) => ({ value, label: t(`directories.security.${value}`) }))} />
      {config.security === 'clear' && (
        <div className={classes.wide}>
          <Note tone="warn">{t('directories.clearWarning')}</Note>
          <Checkbox label={t('directories.allowClear')} checked={config.allowClear ?? false} onChange={(event) => setConfig({ allowClear: event.currentTarget.checked })} />
        </div>
      )}
      <TextInput size="sm" label={t('directories.bindDn')} description={t('directories.bindDnHint')} autoCapitalize="none" spellCheck={false} value={config.bindDn ?? ''} onChange={(event) => setConfig({ bindDn: event.currentTarget.value })} />
      <PasswordInput size="sm" label={t('directories.password')} description={hasPassword ? t('server.secretStored') : undefined} autoComplete="new-password" value={draft.password} onChange={(event) => set({ password: event.currentTarget.value })} visibilityToggleButtonProps={{ 'aria-label': t('password.show') }} />
      <TagsInput className={classes.wide} size="sm" label={t('directories.peopleBases')} description={t('directories.peopleBasesHint')} placeholder="OU=Staff,DC=example,DC=com" splitChars={[]} value={config.peopleBases} onChange={(peopleBases) => setConfig({ peopleBases })} acceptValueOnBlur />
      {config.security !== 'clear' && <Textarea className={classes.wide} size="sm" label={t('directories.caPem')} description={t('directories.caPemHint')} rows={3} spellCheck={false} value={config.caPem ?? ''} onChange={(event) => setConfig({ caPem: event.currentTarget.value || null })} />}
      {config.security !== 'clear' && <TextInput size="sm" label={t('directories.pinned')} description={t('directories.pinnedHint')} spellCheck={false} value={config.pinnedSha256 ?? ''} onChange={(event) => setConfig({ pinnedSha256: event.currentTarget.value || null })} />}
      <NumberInput size="sm" label={t('directories.timeout')} min={1} max={300} allowDecimal={false} value={config.timeoutSeconds ?? 15} onChange={(value) => setConfig({ timeoutSeconds: Number(value) })} />
    </div>
  );
}
