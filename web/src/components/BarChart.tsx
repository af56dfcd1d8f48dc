import { VisuallyHidden } from '@mantine/core';
import { useState } from 'react';
import classes from './BarChart.module.css';

const [WIDTH, HEIGHT, BOTTOM, TOP] = [560, 176, 20, 8];
const STEPS = 3;
const CHARACTER_PX = 6.2;

export interface BarPoint {
  /** Under the bar, where there is room. */
  label: string;
  /** In the line below the chart while it is pointed at. */
  title: string;
  /** One for each series, from the bottom up. */
  values: readonly number[];
}

interface Props {
  label: string;
  series: readonly string[];
  points: readonly BarPoint[];
  format: (value: number) => string;
  /** Below the chart while nothing is pointed at. */
  caption: string;
  /** Steps of the axis: in thousands, or in powers of two for sizes. */
  integers?: boolean;
}

/** The next round number that the axis can end at. */
function ceiling(value: number, integers: boolean): number {
  const magnitude = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  const factor = [1, 1.5, 2, 3, 5, 6, 10].find((step) => step * magnitude >= value) ?? 10;
  return integers ? Math.max(STEPS, Math.ceil((factor * magnitude) / STEPS) * STEPS) : Math.max(1, factor * magnitude);
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** Bars over time, stacked by series; the same figures are there as a table for those who hear it. */
export function BarChart({ label, series, points, format, caption, integers = true }: Props) {
  const [hovered, setHovered] = useState<number | null>(null);
  const top = ceiling(Math.max(...points.map((point) => sum(point.values)), 0), integers);
  const left = Math.max(30, format(top).length * CHARACTER_PX + 8);
  const inner = { width: WIDTH - left, height: HEIGHT - BOTTOM - TOP };
  const slot = inner.width / Math.max(points.length, 1);
  const y = (value: number) => TOP + inner.height * (1 - value / top);
  const every = Math.max(1, Math.ceil(points.length / 6));
  const shown = hovered === null ? undefined : points[hovered];
  return (
    <figure className={classes.figure}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label} className={classes.chart} onPointerLeave={() => setHovered(null)}>
        {Array.from({ length: STEPS + 1 }, (_, i) => (top / STEPS) * i).map((value) => (
          <g key={value}>
            <line x1={left} x2={WIDTH} y1={y(value)} y2={y(value)} className={classes.grid} />
            <text x={left - 7} y={y(value) + 3.5} textAnchor="end" className={classes.axis}>{format(value)}</text>
          </g>
        ))}
        {points.map((point, i) => {
          let below = 0;
          return (
            <g key={i} onPointerEnter={() => setHovered(i)}>
              <rect x={left + i * slot} y={TOP} width={slot} height={inner.height} className={classes.slot} data-hovered={hovered === i || undefined} />
              {point.values.map((value, at) => {
                if (value <= 0) return null;
                const height = Math.max(1, (inner.height * value) / top);
                const bar = <rect key={at} x={left + i * slot + slot * 0.14} y={y(below) - height} width={slot * 0.72} height={height} rx={1.2} data-series={(at % 4) + 1} className={classes.bar} />;
                below += value;
                return bar;
              })}
              {i % every === 0 && <text x={left + i * slot + slot / 2} y={HEIGHT - 5} textAnchor={i === 0 ? 'start' : 'middle'} className={classes.axis}>{point.label}</text>}
            </g>
          );
        })}
      </svg>
      <figcaption className={classes.caption} aria-hidden>
        {shown ? `${shown.title}: ${shown.values.length > 1 ? shown.values.map((value, i) => ({ value, i })).filter(({ value }) => value > 0).map(({ value, i }) => `${series[i]} ${format(value)}`).join(' · ') || format(0) : format(sum(shown.values))}` : caption}
      </figcaption>
      {series.length > 1 && (
        <ul className={classes.legend}>
          {series.map((name, i) => <li key={name}><span className={classes.swatch} data-series={(i % 4) + 1} aria-hidden />{name} <strong>{format(sum(points.map((point) => point.values[i] ?? 0)))}</strong></li>)}
        </ul>
      )}
      <VisuallyHidden>
        <table>
          <caption>{label}</caption>
          <thead><tr><td />{series.map((name) => <th key={name} scope="col">{name}</th>)}</tr></thead>
          <tbody>{points.map((point, i) => <tr key={i}><th scope="row">{point.title}</th>{point.values.map((value, at) => <td key={at}>{format(value)}</td>)}</tr>)}</tbody>
        </table>
      </VisuallyHidden>
    </figure>
  );
}
