import { useState } from 'react';
import type { Schemas } from '../../api/client';
import { useTexts } from '../../i18n';
import classes from './charts.module.css';

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [520, 168, 38, 20, 8];
const STEPS = 3;

/** The next round number that the axis can end at. */
function ceiling(value: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  const factor = [1, 1.5, 2, 3, 5, 6, 10].find((step) => step * magnitude >= value) ?? 10;
  return Math.max(STEPS, Math.ceil((factor * magnitude) / STEPS) * STEPS);
}

/** Mails per minute over the last hour, as bars. */
export function RateChart({ minutes }: { minutes: Schemas['IntakeMinute'][] }) {
  const { t, n, number, time, bytes } = useTexts();
  const [hovered, setHovered] = useState<number | null>(null);
  const top = ceiling(Math.max(...minutes.map((minute) => minute.mails), 0));
  const inner = { width: WIDTH - LEFT, height: HEIGHT - BOTTOM - TOP };
  const slot = inner.width / Math.max(minutes.length, 1);
  const y = (mails: number) => TOP + inner.height * (1 - mails / top);
  const sum = minutes.reduce((total, minute) => total + minute.mails, 0);
  const shown = hovered === null ? undefined : minutes[hovered];
  const every = Math.max(1, Math.round(minutes.length / 4));
  return (
    <figure className={classes.figure}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={n('status.chart', sum)} className={classes.chart} onPointerLeave={() => setHovered(null)}>
        {Array.from({ length: STEPS + 1 }, (_, i) => (top / STEPS) * i).map((value) => (
          <g key={value}>
            <line x1={LEFT} x2={WIDTH} y1={y(value)} y2={y(value)} className={classes.grid} />
            <text x={LEFT - 7} y={y(value) + 3.5} textAnchor="end" className={classes.axis}>{number(value)}</text>
          </g>
        ))}
        {minutes.map((minute, i) => (
          <g key={minute.at} onPointerEnter={() => setHovered(i)}>
            <rect x={LEFT + i * slot} y={TOP} width={slot} height={inner.height} fill="transparent" />
            <rect x={LEFT + i * slot + slot * 0.14} y={Math.min(y(minute.mails), TOP + inner.height - (minute.mails > 0 ? 1 : 0))} width={slot * 0.72} height={Math.max(minute.mails > 0 ? 1 : 0, TOP + inner.height - y(minute.mails))} rx={1.2} className={classes.column} data-hovered={hovered === i || undefined} />
            {i % every === 0 && <text x={LEFT + i * slot} y={HEIGHT - 5} className={classes.axis}>{time(minute.at)}</text>}
          </g>
        ))}
      </svg>
      <figcaption className={classes.caption} aria-hidden>
        {shown ? t('status.minute', { time: time(shown.at), mails: number(shown.mails), size: bytes(shown.bytes) }) : n('status.hour', sum)}
      </figcaption>
    </figure>
  );
}
