import type { Schemas } from '../../api/client';
import { useTexts } from '../../i18n';
import classes from './charts.module.css';

const PARTS = ['packs', 'keys', 'catalog', 'index'] as const;
const [WIDTH, HEIGHT] = [520, 34];

/** What lies on the disk, part by part, against the size of the mail as it came. */
export function StoredChart({ bytes: stored, raw }: { bytes: Schemas['Status']['archive']['storedBytes']; raw: number }) {
  const { t, bytes } = useTexts();
  const whole = PARTS.reduce((sum, part) => sum + stored[part], 0);
  const scale = WIDTH / Math.max(1, whole, raw);
  let x = 0;
  return (
    <figure className={classes.figure}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={t('status.storedChart', { stored: bytes(whole), raw: bytes(raw) })} className={classes.chart}>
        <rect x={0} y={0} width={WIDTH} height={20} rx={4} className={classes.track} />
        {PARTS.map((part, i) => {
          const width = stored[part] * scale;
          const bar = <rect key={part} x={x} y={0} width={Math.max(0, width - 1)} height={20} rx={2} data-series={i + 1} className={classes.bar} />;
          x += width;
          return bar;
        })}
        <rect x={0} y={27} width={Math.max(1, raw * scale)} height={4} rx={2} className={classes.raw} />
      </svg>
      <ul className={classes.legend}>
        {PARTS.map((part, i) => (
          <li key={part}><span className={classes.swatch} data-series={i + 1} aria-hidden />{t(`status.part.${part}`)} <strong>{bytes(stored[part])}</strong></li>
        ))}
        <li><span className={classes.swatch} data-series="raw" aria-hidden />{t('status.part.raw')} <strong>{bytes(raw)}</strong></li>
      </ul>
    </figure>
  );
}
