import { ActionIcon, Button, Checkbox, MultiSelect, NumberInput, Select, TagsInput, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Clause } from '../../api/retention';
import { mailboxesQuery } from '../../api/people';
import { sourcesQuery } from '../../api/tenancy';
import { usePermissions } from '../../hooks/useSession';
import { useTexts } from '../../i18n';
import { DateField } from '../../ui/DateField';
import { IconPlus, IconTrash } from '../../ui/icons';
import classes from './Retention.module.css';
import { freshClause, type Kind, KINDS } from './words';

const BYTES_PER_MB = 1_000_000;
const DIRECTIONS = ['incoming', 'internal', 'outgoing'] as const;

interface Props {
  clauses: readonly Clause[];
  onChange: (clauses: Clause[]) => void;
  kinds?: readonly Kind[];
  error?: string | undefined;
}

/** Conditions that must all hold. */
export function Clauses({ clauses, onChange, kinds = KINDS, error }: Props) {
  const { t } = useTexts();
  const change = (i: number, next: Clause) => onChange(clauses.map((clause, at) => (at === i ? next : clause)));
  return (
    <fieldset className={classes.clauses}>
      <legend className={classes.legend}>{t('retention.conditions')}</legend>
      <p className="muted">{t('condition.all')}</p>
      <ul className={classes.list}>
        {clauses.map((clause, i) => (
          <li key={i} className={classes.clause}>
            <Select size="xs" label={t('condition.kind')} allowDeselect={false} value={clause.kind} onChange={(value) => change(i, freshClause((value ?? 'sender') as Kind))} data={kinds.map((value) => ({ value, label: t(`condition.kind.${value}`) }))} />
            <Value clause={clause} onChange={(next) => change(i, next)} />
            <Checkbox size="xs" className={classes.not} label={t('condition.not')} checked={clause.not ?? false} onChange={(event) => change(i, { ...clause, not: event.currentTarget.checked })} />
            <ActionIcon size={30} className={classes.remove} aria-label={t('condition.remove', { position: i + 1 })} onClick={() => onChange(clauses.filter((_, at) => at !== i))}><IconTrash size={15} aria-hidden /></ActionIcon>
          </li>
        ))}
      </ul>
      {error && <p className={classes.error} role="alert">{error}</p>}
      <Button mt={8} variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => onChange([...clauses, freshClause(kinds[0] ?? 'sender')])}>{t('condition.add')}</Button>
    </fieldset>
  );
}

function Value({ clause, onChange }: { clause: Clause; onChange: (clause: Clause) => void }) {
  const { t } = useTexts();
  switch (clause.kind) {
    case 'query':
      return <TextInput size="xs" label={t('condition.value')} spellCheck={false} value={clause.text} onChange={(event) => onChange({ ...clause, text: event.currentTarget.value })} />;
    case 'received':
      return (
        <div className={classes.pair}>
          <DateField size="xs" label={t('span.from')} value={clause.from ?? ''} max={clause.through ?? undefined} onChange={(day) => onChange({ ...clause, from: day || null })} />
          <DateField size="xs" label={t('span.until')} value={clause.through ?? ''} min={clause.from ?? undefined} onChange={(day) => onChange({ ...clause, through: day || null })} />
        </div>
      );
    case 'size': {
      const end = (name: 'atLeast' | 'atMost') => <NumberInput size="xs" label={t(`condition.${name}`)} min={0} allowNegative={false} value={clause[name] == null ? '' : Number(clause[name]) / BYTES_PER_MB} onChange={(value) => onChange({ ...clause, [name]: value === '' ? null : Math.round(Number(value) * BYTES_PER_MB) })} />;
      return <div className={classes.pair}>{end('atLeast')}{end('atMost')}</div>;
    }
    case 'direction':
      return <MultiSelect size="xs" label={t('condition.values')} value={clause.anyOf} onChange={(anyOf) => onChange({ ...clause, anyOf: anyOf as typeof clause.anyOf })} data={DIRECTIONS.map((value) => ({ value, label: t(`condition.direction.${value}`) }))} />;
    case 'mailbox':
      return <Mailboxes values={clause.anyOf} onChange={(anyOf) => onChange({ ...clause, anyOf })} />;
    case 'source':
      return <Sources values={clause.anyOf} onChange={(anyOf) => onChange({ ...clause, anyOf })} />;
    default:
      return <TagsInput size="xs" label={t('condition.values')} description={t('condition.valuesHint')} acceptValueOnBlur value={clause.anyOf} onChange={(anyOf) => onChange({ ...clause, anyOf })} />;
  }
}

interface ListProps {
  values: readonly string[];
  onChange: (values: string[]) => void;
}

/** By name where the person may see them; what is chosen already stays by its identifier otherwise. */
function Mailboxes({ values, onChange }: ListProps) {
  const { t } = useTexts();
  const { data } = useQuery(mailboxesQuery(''));
  const known = (data?.mailboxes ?? []).map((one) => ({ value: one.id, label: one.displayName || one.userName }));
  return <MultiSelect size="xs" searchable label={t('condition.values')} nothingFoundMessage={t('list.none')} value={[...values]} onChange={onChange} data={[...known, ...rest(values, known)]} />;
}

function Sources({ values, onChange }: ListProps) {
  const { t } = useTexts();
  const { data } = useQuery({ ...sourcesQuery, enabled: usePermissions().includes('manage_sources') });
  const known = (data?.sources ?? []).filter((one) => one.id !== 'imports').map((one) => ({ value: one.id, label: one.name }));
  return known.length > 0
    ? <MultiSelect size="xs" searchable label={t('condition.values')} nothingFoundMessage={t('list.none')} value={[...values]} onChange={onChange} data={[...known, ...rest(values, known)]} />
    : <TagsInput size="xs" label={t('condition.values')} description={t('condition.valuesHint')} acceptValueOnBlur value={[...values]} onChange={onChange} />;
}

const rest = (values: readonly string[], known: { value: string }[]) => values.filter((value) => !known.some((one) => one.value === value)).map((value) => ({ value, label: value }));
