import { Skeleton } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, memo, type Ref, useEffect, useImperativeHandle, useRef } from 'react';
import type { Schemas } from '../api/client';
import { useTexts } from '../i18n';
import type { Density } from '../stores/preferences';
import { IconAlertTriangle, IconCheck, IconPaperclip, IconStack2 } from '../ui/icons';
import { Fragments, fromMatch } from './Highlight';
import { MailIcon } from './MailIcon';
import classes from './MessageList.module.css';

type Row = Schemas['SearchRow'];

interface Props {
  /** Names the question: another one begins at the top. */
  question: string;
  rows: Row[];
  total: number;
  loading: boolean;
  density: Density;
  selected: string | undefined;
  ownAddresses: string[];
  hasMore: boolean;
  onMore: () => void;
  onSelect: (id: string) => void;
  onOpen: (id: string) => void;
  onPreview: (id: string) => void;
  /** Mails that were marked; undefined where nothing can be done with several at once. */
  marked?: ReadonlySet<string>;
  /** Marks a mail or takes its mark; with `through`, all from the last one on. */
  onMark?: (id: string, through: boolean) => void;
  ref?: Ref<{ focus: () => void }>;
}

const HEIGHT_PX: Record<Density, number> = { dense: 50, comfortable: 78 };
const ROWS_AHEAD = 15;

export function nameOf(mailbox: Schemas['Mailbox'] | null | undefined): string {
  return mailbox?.name || mailbox?.address || '';
}

interface ItemProps {
  row: Row;
  density: Density;
  own: boolean;
}

const Item = memo(function Item({ row, density, own }: ItemProps) {
  const { t, n, shortDate, date } = useTexts();
  const who = own && row.to.length > 0 ? t('list.to', { names: row.to.slice(0, 3).map(nameOf).join(', ') }) : nameOf(row.from) || t('mail.noSender');
  const subject = row.subjectHighlight.length > 0 ? <Fragments of={row.subjectHighlight} /> : row.subject || t('mail.noSubject');
  return (
    <>
      <div className={classes.line}>
        <span className={classes.who}>{who}</span>
        <span className={classes.signs}>
          {row.marks.length > 0 && <IconAlertTriangle size={14} role="img" aria-label={row.marks.map((mark) => t(`mark.${mark}.title`)).join(', ')} className={classes.warn} />}
          {row.versions > 0 && <IconStack2 size={14} role="img" aria-label={n('mail.versions', row.versions + 1)} />}
          <MailIcon kind={row.kind} />
          {row.attachments > 0 && <IconPaperclip size={14} role="img" aria-label={n('mail.attachments', row.attachments)} />}
        </span>
        <time className={classes.date} dateTime={row.date} title={date(row.date)}>{shortDate(row.date)}</time>
      </div>
      {density === 'dense' ? (
        <div className={classes.text}>
          <span className={classes.subject}>{subject}</span>
          <span className={classes.snippet}>{row.snippet.length > 0 && <> – <Fragments of={fromMatch(row.snippet)} /></>}</span>
        </div>
      ) : (
        <>
          <div className={classes.text}><span className={classes.subject}>{subject}</span></div>
          <div className={classes.text}><span className={classes.snippet}><Fragments of={fromMatch(row.snippet)} /></span></div>
        </>
      )}
    </>
  );
});

/** The hits, of which only those on screen exist as elements. */
export function MessageList(props: Props) {
  const { rows, total, density, selected, hasMore, onMore, onSelect, onOpen, marked, onMark } = props;
  const { t } = useTexts();
  const scroller = useRef<HTMLDivElement>(null);
  const height = HEIGHT_PX[density];
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => height, overscan: 8 });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  const position = rows.findIndex((row) => row.id === selected);

  useImperativeHandle(props.ref, () => ({ focus: () => scroller.current?.focus() }));
  useEffect(() => virtual.measure(), [density, virtual]);
  useEffect(() => {
    if (scroller.current) scroller.current.scrollTop = 0;
  }, [props.question]);
  useEffect(() => {
    if (hasMore && last >= rows.length - ROWS_AHEAD) onMore();
  }, [hasMore, last, rows.length, onMore]);
  useEffect(() => {
    if (position >= 0) virtual.scrollToIndex(position, { align: 'auto' });
  }, [position, virtual]);

  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? height) / height) - 1);
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -rows.length, End: rows.length };
    const step = steps[event.key];
    if (step !== undefined && rows.length > 0) {
      const next = rows[Math.min(rows.length - 1, Math.max(0, position < 0 ? 0 : position + step))];
      if (next) onSelect(next.id);
    } else if (event.key === 'Enter' && selected) onOpen(selected);
    else if (event.key === ' ' && selected && onMark) onMark(selected, event.shiftKey);
    else return;
    event.preventDefault();
  };
  if (props.loading) return <ListSkeleton height={height} label={t('list.loading')} />;
  return (
    <div
      ref={scroller}
      className={classes.scroller}
      role="listbox"
      tabIndex={0}
      aria-label={t('list.label')}
      aria-multiselectable={marked ? true : undefined}
      aria-activedescendant={position >= 0 ? `hit-${selected}` : undefined}
      data-density={density}
      onKeyDown={onKeyDown}
    >
      <div role="presentation" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {items.map((item) => {
          const row = rows[item.index];
          if (!row) return null;
          return (
            <div
              key={row.id}
              id={`hit-${row.id}`}
              role="option"
              aria-selected={row.id === selected}
              aria-checked={marked ? marked.has(row.id) : undefined}
              aria-posinset={item.index + 1}
              aria-setsize={total}
              className={classes.row}
              style={{ height, transform: `translateY(${item.start}px)` }}
              data-marks={marked && marked.size > 0 ? true : undefined}
              onClick={(event) => {
                const box = event.target instanceof Element && event.target.closest('[data-mark]');
                if (onMark && (box || event.shiftKey || event.ctrlKey || event.metaKey)) onMark(row.id, event.shiftKey);
                else onSelect(row.id);
              }}
              onDoubleClick={() => onOpen(row.id)}
              onPointerEnter={() => props.onPreview(row.id)}
            >
              {marked && <span className={classes.mark} data-mark aria-hidden>{marked.has(row.id) && <IconCheck size={12} stroke={3} />}</span>}
              <Item row={row} density={density} own={row.from !== null && props.ownAddresses.includes(row.from.address.toLowerCase())} />
            </div>
          );
        })}
      </div>
    </div>
  );
}

function ListSkeleton({ height, label }: { height: number; label: string }) {
  return (
    <div className={classes.scroller} role="status" aria-label={label}>
      {Array.from({ length: 14 }, (_, i) => (
        <div key={i} className={classes.ghost} style={{ height }}>
          <Skeleton height={10} width={`${30 + ((i * 37) % 25)}%`} mb={10} />
          <Skeleton height={9} width={`${60 + ((i * 53) % 35)}%`} />
        </div>
      ))}
    </div>
  );
}
