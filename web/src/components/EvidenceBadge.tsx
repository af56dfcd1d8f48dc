import { UnstyledButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { recordEvidenceQuery } from '../api/queries';
import { useTexts } from '../i18n';
import { Badge } from '../ui/Badge';
import { EVIDENCE_TONES } from './EvidenceTab';
import { Seal } from './Seal';
import classes from './EvidenceBadge.module.css';

/** How a mail is proven, in a word; opens the whole proof. */
export function EvidenceBadge({ id, onOpen }: { id: string; onOpen: () => void }) {
  const { t } = useTexts();
  const { data } = useQuery(recordEvidenceQuery(id));
  if (!data) return null;
  const state = t(`proof.state.${data.state}`);
  return (
    <UnstyledButton className={classes.badge} aria-label={t('proof.badge', { state })} onClick={onOpen}>
      <Seal size={14} /> <Badge tone={EVIDENCE_TONES[data.state]}>{state}</Badge>
    </UnstyledButton>
  );
}
