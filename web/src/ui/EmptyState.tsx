import type { ReactNode } from 'react';
import classes from './EmptyState.module.css';

interface Props {
  icon?: ReactNode;
  title: string;
  children?: ReactNode;
  actions?: ReactNode;
  /** Announced at once when it appears. */
  alert?: boolean;
  /** The level of the heading: 1 where the state is the whole page. */
  level?: 1 | 2;
}

/** Says why there is nothing, and what comes next. */
export function EmptyState({ icon, title, children, actions, alert, level = 2 }: Props) {
  const Heading = level === 1 ? 'h1' : 'h2';
  return (
    <div className={classes.root} role={alert ? 'alert' : undefined}>
      {icon && <div className={classes.icon} aria-hidden>{icon}</div>}
      <Heading className={classes.title}>{title}</Heading>
      {children && <div className={classes.text}>{children}</div>}
      {actions && <div className={classes.actions}>{actions}</div>}
    </div>
  );
}
