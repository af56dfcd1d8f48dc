import { ActionIcon, Button, Select, TextInput } from '@mantine/core';
import type { RoleRule } from '../../api/providers';
import { useTexts } from '../../i18n';
import { IconChevronDown, IconPlus, IconTrash } from '../../ui/icons';
import classes from './methods.module.css';

const SOURCES = ['id_token', 'user_info'] as const;
const OPERATORS = ['equals', 'contains', 'starts_with', 'ends_with', 'in'] as const;
const ROLES = ['user', 'auditor', 'officer', 'administrator'] as const;

/** The mapping table: source, operator, value, role; the first rule that fits decides. */
export function RoleRules({ rules, onChange }: { rules: RoleRule[]; onChange: (rules: RoleRule[]) => void }) {
  const { t } = useTexts();
  const change = (i: number, part: Partial<RoleRule>) => onChange(rules.map((rule, at) => (at === i ? { ...rule, ...part } : rule)));
  const up = (i: number) => onChange(rules.map((rule, at) => (at === i - 1 ? (rules[i] as RoleRule) : at === i ? (rules[i - 1] as RoleRule) : rule)));
  return (
    <fieldset className={classes.rules}>
      <legend>{t('providers.rules')}</legend>
      <p className="muted">{t('providers.rulesHint')}</p>
      <ol>
        {rules.map((rule, i) => (
          <li key={i} className={classes.rule}>
            <Select size="xs" label={t('providers.source')} allowDeselect={false} value={rule.source} onChange={(source) => change(i, { source: source as RoleRule['source'] })} data={SOURCES.map((value) => ({ value, label: t(`providers.source.${value}`) }))} />
            <TextInput size="xs" label={t('providers.claim')} placeholder="groups" spellCheck={false} value={rule.claim} onChange={(event) => change(i, { claim: event.currentTarget.value })} />
            <Select size="xs" label={t('providers.operator')} allowDeselect={false} value={rule.operator} onChange={(operator) => change(i, { operator: operator as RoleRule['operator'] })} data={OPERATORS.map((value) => ({ value, label: t(`providers.operator.${value}`) }))} />
            <TextInput size="xs" label={t('providers.value')} spellCheck={false} value={rule.value} onChange={(event) => change(i, { value: event.currentTarget.value })} />
            <Select size="xs" label={t('accounts.role')} allowDeselect={false} value={rule.role} onChange={(role) => change(i, { role: role as RoleRule['role'] })} data={ROLES.map((value) => ({ value, label: t(`role.${value}`) }))} />
            <div className={classes.ruleButtons}>
              <ActionIcon size={28} disabled={i === 0} aria-label={t('providers.ruleUp', { number: i + 1 })} onClick={() => up(i)}><IconChevronDown size={15} aria-hidden style={{ transform: 'rotate(180deg)' }} /></ActionIcon>
              <ActionIcon size={28} aria-label={t('providers.ruleRemove', { number: i + 1 })} onClick={() => onChange(rules.filter((_, at) => at !== i))}><IconTrash size={15} aria-hidden /></ActionIcon>
            </div>
          </li>
        ))}
      </ol>
      <Button variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => onChange([...rules, { source: 'id_token', claim: 'groups', operator: 'contains', value: '', role: 'user' }])}>{t('directories.ruleAdd')}</Button>
    </fieldset>
  );
}
