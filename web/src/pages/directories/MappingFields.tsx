import { ActionIcon, Button, Checkbox, NumberInput, Select, TagsInput, TextInput } from '@mantine/core';
import type { DirectoryAttributes, DirectoryRole, DirectoryRule } from '../../api/directories';
import { useTexts } from '../../i18n';
import { IconPlus, IconTrash } from '../../ui/icons';
import type { StepProps } from './Wizard';
import classes from './Wizard.module.css';

const ROLES: DirectoryRole[] = ['user', 'auditor', 'officer', 'administrator'];
const EFFECTS = ['role', 'mailbox', 'archived'] as const;
const SHARED = ['exchange-type', 'disabled-with-mail', 'never'] as const;
const ATTRIBUTES = ['userName', 'firstName', 'lastName', 'displayName', 'mail', 'addresses', 'member', 'groupName'] as const;

/** Who gets an account, with which role, and what the attributes are called. */
export function MappingFields({ draft: { config }, setConfig }: StepProps) {
  const { t } = useTexts();
  const attributes = config.attributes ?? {};
  const setAttributes = (change: DirectoryAttributes) => setConfig({ attributes: { ...attributes, ...change } });
  return (
    <div className={classes.grid}>
      <Rules rules={config.rules ?? []} onChange={(rules) => setConfig({ rules })} />
      <Select size="sm" label={t('directories.defaultRole')} description={t('directories.defaultRoleHint')} allowDeselect={false} value={config.defaultRole ?? ''} onChange={(value) => setConfig({ defaultRole: (value || null) as DirectoryRole | null })} data={[{ value: '', label: t('directories.noRole') }, ...ROLES.map((value) => ({ value, label: t(`role.${value}`) }))]} />
      <TextInput size="sm" label={t('directories.prefix')} description={t('directories.prefixHint')} autoCapitalize="none" spellCheck={false} value={config.userNamePrefix ?? ''} onChange={(event) => setConfig({ userNamePrefix: event.currentTarget.value })} />
      <NumberInput size="sm" label={t('directories.everyMinutes')} description={t('directories.everyMinutesHint')} min={1} allowDecimal={false} value={config.everyMinutes ?? ''} onChange={(value) => setConfig({ everyMinutes: value === '' ? null : Number(value) })} />
      <NumberInput size="sm" label={t('directories.vanish')} description={t('directories.vanishHint')} min={0} max={100} suffix=" %" allowDecimal={false} value={config.vanishPercentMax ?? 20} onChange={(value) => setConfig({ vanishPercentMax: Number(value) })} />
      <Checkbox label={t('directories.signIn')} description={t('directories.signInHint')} checked={config.signIn ?? true} onChange={(event) => setConfig({ signIn: event.currentTarget.checked })} />
      <Checkbox label={t('directories.adopt')} description={t('directories.adoptHint')} checked={config.adoptLocal ?? false} onChange={(event) => setConfig({ adoptLocal: event.currentTarget.checked })} />
      <Checkbox label={t('directories.allGroups')} description={t('directories.allGroupsHint')} checked={config.allGroups ?? false} onChange={(event) => setConfig({ allGroups: event.currentTarget.checked })} />
      <Select size="sm" label={t('directories.shared')} allowDeselect={false} value={config.shared ?? 'exchange-type'} onChange={(value) => setConfig({ shared: (value ?? 'never') as (typeof SHARED)[number] })} data={SHARED.map((value) => ({ value, label: t(`directories.shared.${value}`) }))} />
      <TextInput size="sm" className={classes.wide} label={t('directories.peopleFilter')} description={t('directories.usual')} spellCheck={false} value={config.peopleFilter ?? ''} onChange={(event) => setConfig({ peopleFilter: event.currentTarget.value })} />
      <TextInput size="sm" className={classes.wide} label={t('directories.groupFilter')} description={t('directories.usual')} spellCheck={false} value={config.groupFilter ?? ''} onChange={(event) => setConfig({ groupFilter: event.currentTarget.value })} />
      <details className={classes.wide}>
        <summary>{t('directories.attributes')}</summary>
        <p className="muted">{t('directories.attributesHint')}</p>
        <div className={classes.grid}>
          <TextInput size="sm" label={t('directories.attribute.key')} spellCheck={false} value={attributes.key ?? ''} onChange={(event) => setAttributes({ key: event.currentTarget.value })} />
          {ATTRIBUTES.map((name) => <TagsInput key={name} size="sm" label={t(`directories.attribute.${name}`)} value={attributes[name] ?? []} onChange={(value) => setAttributes({ [name]: value })} acceptValueOnBlur />)}
        </div>
      </details>
    </div>
  );
}

function Rules({ rules, onChange }: { rules: DirectoryRule[]; onChange: (rules: DirectoryRule[]) => void }) {
  const { t } = useTexts();
  const change = (i: number, next: DirectoryRule) => onChange(rules.map((rule, at) => (at === i ? next : rule)));
  return (
    <fieldset className={classes.wide} style={{ border: 0, padding: 0, margin: 0 }}>
      <legend style={{ fontWeight: 600, padding: 0 }}>{t('directories.rules')}</legend>
      <p className="muted">{t('directories.rulesHint')}</p>
      <ul className={classes.rules}>
        {rules.map((rule, i) => (
          <li key={i} className={classes.rule}>
            <TextInput size="xs" label={t('directories.ruleGroup')} value={rule.group} onChange={(event) => change(i, { ...rule, group: event.currentTarget.value })} />
            <Select size="xs" label={t('directories.ruleEffect')} allowDeselect={false} value={rule.effect} onChange={(value) => change(i, fresh(rule.group, (value ?? 'role') as DirectoryRule['effect']))} data={EFFECTS.map((value) => ({ value, label: t(`directories.ruleEffect.${value}`) }))} />
            {rule.effect === 'role' && <Select size="xs" label={t('accounts.role')} allowDeselect={false} value={rule.role ?? 'user'} onChange={(value) => change(i, { ...rule, role: (value ?? 'user') as DirectoryRole })} data={ROLES.map((value) => ({ value, label: t(`role.${value}`) }))} />}
            {rule.effect === 'mailbox' && <TextInput size="xs" label={t('directories.ruleMailbox')} autoCapitalize="none" value={rule.mailbox ?? ''} onChange={(event) => change(i, { ...rule, mailbox: event.currentTarget.value })} />}
            {rule.effect === 'archived' && <Select size="xs" label={t('directories.ruleArchived')} allowDeselect={false} value={rule.archived === false ? 'no' : 'yes'} onChange={(value) => change(i, { ...rule, archived: value === 'yes' })} data={[{ value: 'yes', label: t('directories.archivedYes') }, { value: 'no', label: t('directories.archivedNo') }]} />}
            <ActionIcon size={30} aria-label={t('directories.ruleRemove', { group: rule.group || String(i + 1) })} onClick={() => onChange(rules.filter((_, at) => at !== i))}><IconTrash size={15} aria-hidden /></ActionIcon>
          </li>
        ))}
      </ul>
      <Button mt={8} variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => onChange([...rules, fresh('', 'role')])}>{t('directories.ruleAdd')}</Button>
    </fieldset>
  );
}

function fresh(group: string, effect: DirectoryRule['effect']): DirectoryRule {
  if (effect === 'mailbox') return { group, effect, mailbox: '' };
  return effect === 'archived' ? { group, effect, archived: true } : { group, effect, role: 'user' };
}
