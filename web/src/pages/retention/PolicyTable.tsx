import type { RetentionPolicy } from '../../api/retention';
import { useTexts } from '../../i18n';
import { Badge } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { clauseText, keptText } from './words';

/** Policies in the order in which they are asked. */
export function PolicyTable({ policies }: { policies: readonly RetentionPolicy[] }) {
  const texts = useTexts();
  const { t } = texts;
  return (
    <DataTable
      label={t('retention.order')}
      rows={policies.map((policy, i) => ({ ...policy, position: i + 1 }))}
      rowKey={(policy) => policy.name}
      empty={<p className="muted" style={{ padding: '0 18px 14px' }}>{t('retention.emptyDraft')}</p>}
      columns={[
        { title: t('retention.policy'), header: true, cell: (policy) => `${policy.position}. ${policy.name}` },
        { title: t('retention.conditions'), cell: (policy) => <Conditions clauses={policy.clauses ?? []} /> },
        { title: t('retention.class'), cell: (policy) => <Badge>{policy.class}</Badge> },
        { title: t('retention.keep'), cell: (policy) => keptText(policy, texts) },
        { title: t('retention.why'), cell: (policy) => policy.reason || '–' },
      ]}
    />
  );
}

/** All conditions of a policy, as a sentence. */
export function Conditions({ clauses }: { clauses: NonNullable<RetentionPolicy['clauses']> }) {
  const texts = useTexts();
  const { t } = texts;
  if (clauses.length === 0) return <span className="muted">{t('retention.everyMail')}</span>;
  return <span>{clauses.map((clause) => clauseText(clause, texts)).join(`; ${t('condition.and')} `)}</span>;
}
