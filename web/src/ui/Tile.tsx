import type { ReactNode } from 'react';
import { useTexts } from '../i18n';
import { IconAlertTriangle, IconCheck } from './icons';
import classes from './Tile.module.css';

export type TileTone = 'bad' | 'good' | 'plain' | 'warn';

interface Props {
  label: string;
  value: string;
  unit?: string;
  note?: ReactNode;
  tone?: TileTone;
}

/** One figure, and whether it is as it should be. */
export function Tile({ label, value, unit, note, tone = 'plain' }: Props) {
  const { t } = useTexts();
  return (
    <div className={classes.tile} data-tone={tone}>
      <h2 className={classes.label}>
        {label}
        {tone === 'good' && <IconCheck size={14} role="img" aria-label={t('status.tone.good')} />}
        {(tone === 'warn' || tone === 'bad') && <IconAlertTriangle size={14} role="img" aria-label={t(`status.tone.${tone}`)} />}
      </h2>
      <div className={classes.value}>{value} {unit && <span className={classes.unit}>{unit}</span>}</div>
      {note && <div className={classes.note}>{note}</div>}
    </div>
  );
}

export function Tiles({ children }: { children: ReactNode }) {
  return <div className={classes.tiles}>{children}</div>;
}
