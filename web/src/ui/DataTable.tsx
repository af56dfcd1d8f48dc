import { Button, Skeleton, VisuallyHidden } from '@mantine/core';
import { type ReactNode, useEffect, useRef } from 'react';
import { useTexts } from '../i18n';
import classes from './DataTable.module.css';

export interface Column<T> {
  title: string;
  cell: (row: T) => ReactNode;
  numeric?: boolean;
  /** Names the row for people who hear the table. */
  header?: boolean;
  /** Buttons: at the end, without a visible title. */
  actions?: boolean;
}

interface Props<T> {
  label: string;
  columns: (Column<T> | false | null | undefined)[];
  /** Undefined while they are on their way. */
  rows: readonly T[] | undefined;
  rowKey: (row: T) => string;
  empty: ReactNode;
  more?: { has: boolean; busy: boolean; load: () => void };
  /** Rows of a placeholder. */
  ghosts?: number;
}

/** Rows in columns; on a narrow screen each row becomes a card. Further pages come while scrolling. */
export function DataTable<T>({ label, columns: wanted, rows, rowKey, empty, more, ghosts = 6 }: Props<T>) {
  const { t } = useTexts();
  const columns = wanted.filter((column): column is Column<T> => Boolean(column));
  if (!rows) {
    return (
      <div role="status" aria-label={t('list.loading')}>
        {Array.from({ length: ghosts }, (_, i) => <div key={i} className={classes.ghost}><Skeleton height={11} width={`${38 + ((i * 13) % 40)}%`} /></div>)}
      </div>
    );
  }
  if (rows.length === 0) return <>{empty}</>;
  return (
    <>
      {/* The roles are named because a table that is laid out as cards loses its own. */}
      <table className={classes.table} role="table" aria-label={label}>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <th key={column.title} role="columnheader" scope="col" data-numeric={column.numeric || undefined}>
                {column.actions ? <VisuallyHidden>{column.title}</VisuallyHidden> : column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr key={rowKey(row)} role="row">
              {columns.map((column) => {
                const Cell = column.header ? 'th' : 'td';
                return (
                  <Cell key={column.title} role={column.header ? 'rowheader' : 'cell'} scope={column.header ? 'row' : undefined} data-label={column.actions || column.header ? undefined : column.title} data-numeric={column.numeric || undefined} data-actions={column.actions || undefined}>
                    {column.cell(row)}
                  </Cell>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {more?.has && <More {...more} />}
    </>
  );
}

/** Loads the next page when it comes into view, or on demand. */
function More({ busy, load }: { busy: boolean; load: () => void }) {
  const { t } = useTexts();
  const mark = useRef<HTMLDivElement>(null);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    const element = mark.current;
    if (!element || busy) return;
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && latest.current(), { rootMargin: '300px' });
    observer.observe(element);
    return () => observer.disconnect();
  }, [busy]);
  return (
    <div ref={mark} className={classes.more}>
      <Button variant="default" loading={busy} onClick={load}>{t('quarantine.more')}</Button>
    </div>
  );
}
