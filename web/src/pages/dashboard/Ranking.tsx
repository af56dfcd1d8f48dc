import type { ReactNode } from 'react';
import classes from './Ranking.module.css';

interface Row {
  key: string;
  name: ReactNode;
  size: number;
  text: string;
}

/** The largest first, with bars that compare them. */
export function Ranking({ rows, empty }: { rows: readonly Row[]; empty: string }) {
  const most = Math.max(1, ...rows.map((row) => row.size));
  if (rows.length === 0) return <p className="muted">{empty}</p>;
  return (
    <ol className={classes.list}>
      {rows.map((row) => (
        <li key={row.key}>
          <div className={classes.line}><span className={classes.name}>{row.name}</span><span className={classes.text}>{row.text}</span></div>
          <div className={classes.track} aria-hidden><div className={classes.bar} style={{ width: `${(row.size / most) * 100}%` }} /></div>
        </li>
      ))}
    </ol>
  );
}
