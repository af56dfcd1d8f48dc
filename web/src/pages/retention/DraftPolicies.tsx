import { ActionIcon, Button } from '@mantine/core';
import type { RetentionPolicy } from '../../api/retention';
import { useTexts } from '../../i18n';
import { Badge } from '../../ui/Badge';
import { Dialog, useDialog } from '../../ui/Dialog';
import { IconArrowDown, IconArrowUp, IconEdit, IconPlus, IconTrash } from '../../ui/icons';
import { Panel } from '../../ui/Page';
import { NEW_POLICY, PolicyForm } from './PolicyForm';
import { Conditions } from './PolicyTable';
import classes from './Retention.module.css';
import { keptText } from './words';

interface Props {
  policies: readonly RetentionPolicy[];
  onChange: (policies: RetentionPolicy[]) => void;
}

/** The policies of a draft: their order decides, so it is changed by buttons that say what they do. */
export function DraftPolicies({ policies, onChange }: Props) {
  const texts = useTexts();
  const { t } = texts;
  const editing = useDialog<number>();
  const swap = (i: number, k: number) => onChange(policies.map((policy, at) => (at === i ? policies[k] : at === k ? policies[i] : policy) ?? policy));
  const put = (at: number, policy: RetentionPolicy) => {
    onChange(at < policies.length ? policies.map((one, i) => (i === at ? policy : one)) : [...policies, policy]);
    editing.close();
  };
  return (
    <Panel title={t('retention.order')} lead={t('retention.orderHint')} flush actions={<Button variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => editing.open(policies.length)}>{t('retention.addPolicy')}</Button>}>
      {policies.length === 0 && <p className="muted" style={{ padding: '0 18px 8px' }}>{t('retention.emptyDraft')}</p>}
      <ol className={classes.policies}>
        {policies.map((policy, i) => {
          const { name } = policy;
          return (
            <li key={name} className={classes.policy}>
              <div>
                <div><span className={classes.name}>{name}</span> <Badge>{policy.class}</Badge></div>
                <div><Conditions clauses={policy.clauses ?? []} /></div>
                <div className="muted">{keptText(policy, texts)}{policy.reason && ` · ${policy.reason}`}</div>
              </div>
              <div className={classes.buttons}>
                <ActionIcon size={28} disabled={i === 0} aria-label={t('retention.up', { name })} onClick={() => swap(i, i - 1)}><IconArrowUp size={15} aria-hidden /></ActionIcon>
                <ActionIcon size={28} disabled={i === policies.length - 1} aria-label={t('retention.down', { name })} onClick={() => swap(i, i + 1)}><IconArrowDown size={15} aria-hidden /></ActionIcon>
                <ActionIcon size={28} aria-label={t('retention.editNamed', { name })} onClick={() => editing.open(i)}><IconEdit size={15} aria-hidden /></ActionIcon>
                <ActionIcon size={28} aria-label={t('retention.removeNamed', { name })} onClick={() => onChange(policies.filter((_, at) => at !== i))}><IconTrash size={15} aria-hidden /></ActionIcon>
              </div>
            </li>
          );
        })}
      </ol>
      <Dialog dialog={editing} size={720} title={(at) => t(at < policies.length ? 'retention.editPolicy' : 'retention.addPolicy')}>
        {(at) => <PolicyForm policy={policies[at] ?? NEW_POLICY} taken={policies.filter((_, i) => i !== at).map((one) => one.name)} onDone={(policy) => put(at, policy)} onCancel={editing.close} />}
      </Dialog>
    </Panel>
  );
}
