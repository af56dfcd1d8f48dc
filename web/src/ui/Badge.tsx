import type { ReactNode } from 'react';
import classes from './Badge.module.css';

export type Tone = 'bad' | 'good' | 'info' | 'plain' | 'warn';

/** A state in a word; its colour only repeats what the word says. */
export function Badge({ tone = 'plain', children }: { tone?: Tone; children: ReactNode }) {
  return <span className={classes.badge} data-tone={tone}>{children}</span>;
}

/** Something that a reader of this page should know first. */
export function Note({ tone = 'info', title, children, alert }: { tone?: Tone; title?: string; children: ReactNode; alert?: boolean }) {
  return (
    <div className={classes.note} data-tone={tone} role={alert ? 'alert' : undefined}>
      {title && <strong>{title} </strong>}
      {children}
    </div>
  );
}
