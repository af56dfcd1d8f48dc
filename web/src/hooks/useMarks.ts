import { useCallback, useEffect, useRef, useState } from 'react';

/** What one export, restore or hold names at most. */
export const MARKS_MAX = 1_000;

export interface Marks {
  ids: ReadonlySet<string>;
  /** Marks one or takes its mark; with `through`, everything from the last one on. */
  toggle: (id: string, through: boolean) => void;
  clear: () => void;
}

/** Mails that a person marked in a list; another question begins without any. */
export function useMarks(question: string, listed: readonly { id: string }[]): Marks {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const last = useRef<string | null>(null);
  const rows = useRef(listed);
  rows.current = listed;
  const clear = useCallback(() => {
    last.current = null;
    setIds((before) => (before.size > 0 ? new Set() : before));
  }, []);
  useEffect(clear, [question, clear]);
  const toggle = useCallback((id: string, through: boolean) => {
    const from = through ? rows.current.findIndex((row) => row.id === last.current) : -1;
    const to = rows.current.findIndex((row) => row.id === id);
    last.current = id;
    setIds((before) => {
      const next = new Set(before);
      if (from >= 0 && to >= 0) for (const row of rows.current.slice(Math.min(from, to), Math.max(from, to) + 1)) next.add(row.id);
      else if (!next.delete(id)) next.add(id);
      return next.size > MARKS_MAX ? before : next;
    });
  }, []);
  return { ids, toggle, clear };
}
