import type { ReactNode } from 'react';
import { useTitle } from '../hooks/useTitle';
import classes from './Page.module.css';

interface PageProps {
  title: string;
  lead?: ReactNode;
  /** Buttons for the whole page. */
  actions?: ReactNode;
  aside?: ReactNode;
  /** The way to the page above. */
  back?: ReactNode;
  children: ReactNode;
}

/** A page of the console: its heading, what it is for, and its content. */
export function Page({ title, lead, actions, aside, back, children }: PageProps) {
  useTitle(title);
  return (
    <div className={classes.page} tabIndex={0}>
      <div className={classes.sheet}>
        {back && <div className={classes.back}>{back}</div>}
        <header className={classes.head}>
          <div className={classes.words}>
            <h1 className={classes.title}>{title}</h1>
            {lead && <p className={classes.lead}>{lead}</p>}
          </div>
          {aside && <div className={classes.aside}>{aside}</div>}
          {actions && <div className={classes.actions}>{actions}</div>}
        </header>
        {children}
      </div>
    </div>
  );
}

interface PanelProps {
  title: ReactNode;
  lead?: ReactNode;
  actions?: ReactNode;
  /** Without inner distance, for tables and lists. */
  flush?: boolean;
  /** Over the whole width of the grid. */
  wide?: boolean;
  children: ReactNode;
}

/** One subject of a page, framed. */
export function Panel({ title, lead, actions, flush, wide, children }: PanelProps) {
  return (
    <section className={classes.panel} data-flush={flush || undefined} data-wide={wide || undefined}>
      <div className={classes.panelHead}>
        <div className={classes.words}>
          <h2 className={classes.heading}>{title}</h2>
          {lead && <p className={classes.sub}>{lead}</p>}
        </div>
        {actions && <div className={classes.actions}>{actions}</div>}
      </div>
      <div className={classes.panelBody}>{children}</div>
    </section>
  );
}

/** Panels side by side where there is room. */
export function Panels({ children }: { children: ReactNode }) {
  return <div className={classes.panels}>{children}</div>;
}

/** Names and values, as in a data sheet. */
export function Facts({ facts }: { facts: (readonly [string, ReactNode] | false | null | undefined)[] }) {
  return (
    <dl className={classes.facts}>
      {facts.map((fact) => fact && <div key={fact[0]}><dt>{fact[0]}</dt><dd>{fact[1]}</dd></div>)}
    </dl>
  );
}
