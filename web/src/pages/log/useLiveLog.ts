import { useEffect, useRef, useState } from 'react';
import { type LogEntry, logUrl, type Severity } from '../../api/operation';

/** Kept on screen; older lines leave. */
const LINES_MAX = 1_000;
/** Lines that came since are shown together, so that a busy server does not busy the browser. */
const SHOW_EVERY_MS = 250;
const AGAIN_AFTER_MS = 3_000;

interface Filter {
  severity: Severity;
  tenant: string;
  source: string;
}

interface Live {
  /** Newest first. */
  entries: LogEntry[];
  state: 'broken' | 'connecting' | 'live';
  /** Came while paused. */
  held: number;
}

/** Follows the log; while paused, lines are held back and come together afterwards. */
export function useLiveLog({ severity, tenant, source }: Filter, paused: boolean): Live {
  const [entries, setEntries] = useState<LogEntry[]>([]);
  const [state, setState] = useState<Live['state']>('connecting');
  const [held, setHeld] = useState(0);
  const waiting = useRef<LogEntry[]>([]);
  const stopped = useRef(paused);
  stopped.current = paused;

  useEffect(() => {
    let last = 0;
    let again: ReturnType<typeof setTimeout> | undefined;
    let stream: EventSource | undefined;
    waiting.current = [];
    setEntries([]);
    setState('connecting');
    const listen = () => {
      stream = new EventSource(logUrl({ severity, ...(tenant ? { tenant } : {}), ...(source ? { source } : {}), ...(last > 0 ? { after: String(last) } : {}) }));
      stream.onopen = () => setState('live');
      stream.addEventListener('entry', (event: MessageEvent<string>) => {
        const entry = JSON.parse(event.data) as LogEntry;
        if (entry.id <= last) return;
        last = entry.id;
        waiting.current.push(entry);
        if (waiting.current.length > LINES_MAX) waiting.current.shift();
      });
      stream.onerror = () => {
        setState('broken');
        // The browser tries again by itself unless the answer was a refusal.
        if (stream?.readyState === EventSource.CLOSED) again = setTimeout(listen, AGAIN_AFTER_MS);
      };
    };
    listen();
    return () => {
      clearTimeout(again);
      stream?.close();
    };
  }, [severity, tenant, source]);

  useEffect(() => {
    const timer = setInterval(() => {
      if (stopped.current) {
        setHeld(waiting.current.length);
        return;
      }
      if (waiting.current.length === 0) return;
      const came = waiting.current.reverse();
      waiting.current = [];
      setHeld(0);
      setEntries((before) => [...came, ...before].slice(0, LINES_MAX));
    }, SHOW_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return { entries, state, held: paused ? held : 0 };
}
