import { ActionIcon, Button, Drawer, Menu, Select, Tooltip, UnstyledButton } from '@mantine/core';
import { useDebouncedCallback, useMediaQuery } from '@mantine/hooks';
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useRouter } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { ApiError } from '../../api/client';
import { recordQuery, searchQuery, urls } from '../../api/queries';
import { TopBar } from '../../app/AppFrame';
import { paths, type SearchState } from '../../app/paths';
import { FilterPanel } from '../../components/FilterPanel';
import { MessageList } from '../../components/MessageList';
import { MessageView } from '../../components/MessageView';
import { problemText } from '../../components/problem';
import { QueryBar, type QueryError } from '../../components/QueryBar';
import { TakeOutDialog, TakeOutItems, useTakeOut } from '../../components/TakeOut';
import { readsMail, useSession } from '../../hooks/useSession';
import { useMarks } from '../../hooks/useMarks';
import { useShortcuts } from '../../hooks/useShortcuts';
import { useTitle } from '../../hooks/useTitle';
import { useTexts } from '../../i18n';
import { setPreferences, usePreferences } from '../../stores/preferences';
import { EmptyState } from '../../ui/EmptyState';
import { IconAlertTriangle, IconArrowLeft, IconClock, IconDots, IconFilter, IconInbox, IconLayoutList, IconLayoutRows, IconMail, IconSearch, IconShieldLock } from '../../ui/icons';
import { PaneHandle } from '../../ui/PaneHandle';
import { startDownload } from '../../ui/startDownload';
import { MarkedBar, useMayMark } from './MarkedBar';
import { composeQuery, countFilters, NO_FILTERS, wordsOf } from './query';
import classes from './SearchPage.module.css';

const TYPING_DELAY_MS = 150;
const SORTS = ['-date', 'date', 'relevance', 'sender'] as const;
const route = getRouteApi('/signed-in/search');

export function SearchPage() {
  const { t } = useTexts();
  const session = useSession();
  if (session && !readsMail(session.account)) {
    return (
      <EmptyState level={1} icon={<IconShieldLock size={24} />} title={t('noSearch.title')}>
        <p>{t('noSearch.text')}</p>
        <p>{t('noSearch.next')}</p>
      </EmptyState>
    );
  }
  return <Search />;
}

/** Hits for what the address bar says, and the ways to change it. */
function useSearch() {
  const state = route.useSearch();
  const navigate = route.useNavigate();
  const composed = useMemo(() => composeQuery(state), [state]);
  const sort = state.sort ?? '-date';
  const hits = useInfiniteQuery(searchQuery(composed.text, sort));
  // A query that is not understood yet, as in the midst of typing, leaves the hits of the one before.
  const shown = useRef(hits.data);
  if (hits.data) shown.current = hits.data;
  const data = hits.data ?? (hits.error instanceof ApiError && hits.error.problem.code === 'query' ? shown.current : undefined);
  const rows = useMemo(() => data?.pages.flatMap((page) => page.rows) ?? [], [data]);
  const change = useCallback(
    (next: Partial<SearchState>, push = false) => void navigate({ search: (before) => ({ ...before, ...next }), replace: !push }),
    [navigate],
  );
  return { state, sort, hits, rows, change, offset: composed.offset, question: `${sort} ${composed.text}`, first: data?.pages[0] };
}

function Search() {
  const texts = useTexts();
  const { t } = texts;
  const session = useSession();
  const router = useRouter();
  const client = useQueryClient();
  const { state, sort, hits, rows, change, offset, question, first } = useSearch();
  const { density, filtersWidth, listWidth } = usePreferences();
  const narrow = useMediaQuery('(max-width: 860px)', false, { getInitialValueInEffect: false }) ?? false;
  const wide = useMediaQuery('(min-width: 1180px)', true, { getInitialValueInEffect: false }) ?? true;
  const [draft, setDraft] = useState(state.q ?? '');
  const [drawer, setDrawer] = useState(false);
  const bar = useRef<{ focus: () => void }>(null);
  const list = useRef<{ focus: () => void }>(null);
  const typed = useRef(state.q ?? '');
  const mayMark = useMayMark();
  const marks = useMarks(question, rows);
  const words = useMemo(() => wordsOf(state.q ?? ''), [state.q]);
  useTitle(state.q ? state.q : t('search.title'));

  // Back and forward change the address bar without typing.
  useEffect(() => {
    if ((state.q ?? '') !== typed.current) {
      typed.current = state.q ?? '';
      setDraft(typed.current);
    }
  }, [state.q]);
  const apply = useDebouncedCallback((q: string) => change({ q: q || undefined, id: undefined }), TYPING_DELAY_MS);
  const type = (q: string) => {
    typed.current = q;
    setDraft(q);
    apply(q);
  };

  const position = rows.findIndex((row) => row.id === state.id);
  const select = useCallback((id: string) => change({ id }, narrow), [change, narrow]);
  const open = useCallback((id: string) => void router.navigate({ to: paths.record, params: { recordId: id } }), [router]);
  const preview = useCallback((id: string) => void client.prefetchQuery(recordQuery(id)), [client]);
  const step = (by: number) => {
    const next = rows[position < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, position + by))];
    if (next) change({ id: next.id });
  };
  // The neighbours are there before they are asked for.
  useEffect(() => {
    if (position < 0) return;
    for (const neighbour of [rows[position + 1], rows[position - 1]]) if (neighbour) preview(neighbour.id);
  }, [position, rows, preview]);
  const download = () => {
    if (state.id) startDownload(urls.eml(state.id));
  };
  useShortcuts({
    '/': () => bar.current?.focus(),
    j: () => step(1),
    k: () => step(-1),
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    Enter: () => state.id && open(state.id),
    o: download,
    // While mails are marked these two are about them.
    ...(marks.ids.size === 0 ? { e: download, Escape: () => change({ id: undefined }) } : {}),
    x: () => mayMark && state.id && marks.toggle(state.id, false),
    d: () => setPreferences({ density: density === 'dense' ? 'comfortable' : 'dense' }),
    f: () => (wide ? document.querySelector<HTMLElement>('#filters input')?.focus() : setDrawer(true)),
  });

  const problem = hits.error instanceof ApiError ? hits.error.problem : null;
  const wrong: QueryError | null =
    hits.error && problem?.code === 'query'
      ? { detail: problemText(hits.error, texts), start: (problem.position?.start ?? 0) - offset, end: (problem.position?.end ?? draft.length + offset) - offset }
      : null;
  const { fetchNextPage } = hits;
  const more = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  const names = useMemo(() => new Map(rows.flatMap(({ from }) => (from?.name ? [[from.address.toLowerCase(), from.name] as const] : []))), [rows]);
  const filters = <FilterPanel state={state} facets={first?.facets} names={names} titled={!wide} onChange={(next) => change({ ...next, id: undefined })} />;
  const listShown = !narrow || !state.id;
  const stale = wrong !== null || hits.isPlaceholderData || (hits.isFetching && !hits.isFetchingNextPage);

  return (
    <div className={classes.panes}>
      <TopBar>
        <QueryBar ref={bar} value={draft} onChange={type} onSubmit={() => { change({ q: draft || undefined }, true); list.current?.focus(); }} error={wrong} busy={stale && !wrong} />
      </TopBar>
      <h1 className={classes.visuallyHidden}>{t('search.title')}</h1>
      {wide && (
        <>
          <aside id="filters" className={classes.filters} style={{ width: filtersWidth }} aria-label={t('filter.title')}>{filters}</aside>
          <PaneHandle label={t('pane.filters')} value={filtersWidth} min={180} max={360} initial={232} onChange={(width) => setPreferences({ filtersWidth: width })} />
        </>
      )}
      {listShown && (
        <section className={classes.list} style={narrow ? undefined : { width: listWidth }} aria-label={t('list.label')}>
          {marks.ids.size > 0 ? <MarkedBar marks={marks} /> : <ListBar wide={wide} filters={countFilters(state)} onFilters={() => setDrawer(true)} sort={sort} onSort={(value) => change({ sort: value === '-date' ? undefined : value })} total={first?.total} tookMs={first?.tookMs} query={question.slice(question.indexOf(' ') + 1)} />}
          {first && first.notSearchableYet > 0 && <Pending count={first.notSearchableYet} onRefresh={() => void hits.refetch()} />}
          {hits.error && !wrong && !first ? (
            <EmptyState alert icon={<IconAlertTriangle size={24} />} title={t('search.failed')} actions={<Button variant="default" onClick={() => void hits.refetch()}>{t('error.retry')}</Button>}>
              {problemText(hits.error, texts)}
            </EmptyState>
          ) : wrong && !first ? (
            <EmptyState icon={<IconSearch size={24} />} title={t('query.wrong')}>{wrong.detail}</EmptyState>
          ) : first && rows.length === 0 ? (
            <NoHits state={state} onClear={() => change({ ...NO_FILTERS, id: undefined })} onReset={() => type('')} />
          ) : (
            <MessageList
              ref={list}
              question={question}
              rows={rows}
              total={first?.total ?? 0}
              loading={!first}
              density={density}
              selected={state.id}
              ownAddresses={session?.account.role === 'user' ? session.account.addresses.map((address) => address.toLowerCase()) : []}
              hasMore={hits.hasNextPage && !hits.isFetchingNextPage}
              onMore={more}
              onSelect={select}
              onOpen={open}
              onPreview={preview}
              {...(mayMark ? { marked: marks.ids, onMark: marks.toggle } : {})}
            />
          )}
        </section>
      )}
      {!narrow && <PaneHandle label={t('pane.list')} value={listWidth} min={300} max={760} initial={460} onChange={(width) => setPreferences({ listWidth: width })} />}
      {(!narrow || state.id) && (
        <section className={classes.message} aria-label={t('mail.region')}>
          {state.id ? (
            <MessageView
              id={state.id}
              words={words}
              onOpen={narrow ? undefined : () => open(state.id ?? '')}
              onVersion={(id) => change({ id }, true)}
              back={narrow && <ActionIcon size={30} aria-label={t('mail.back')} onClick={() => change({ id: undefined })}><IconArrowLeft size={18} aria-hidden /></ActionIcon>}
            />
          ) : (
            <EmptyState icon={<IconMail size={24} />} title={t('mail.choose')}>
              <Hints />
            </EmptyState>
          )}
        </section>
      )}
      <Drawer opened={drawer && !wide} onClose={() => setDrawer(false)} size={300} title={t('filter.title')} closeButtonProps={{ 'aria-label': t('form.close') }}>
        {filters}
      </Drawer>
    </div>
  );
}

interface ListBarProps {
  wide: boolean;
  filters: number;
  onFilters: () => void;
  sort: string;
  onSort: (sort: string) => void;
  total: number | undefined;
  tookMs: number | undefined;
  /** The whole question, filters included. */
  query: string;
}

function ListBar({ wide, filters, onFilters, sort, onSort, total, tookMs, query }: ListBarProps) {
  const { t, n, number } = useTexts();
  const { density } = usePreferences();
  const dense = density === 'dense';
  const takeOut = useTakeOut();
  return (
    <div className={classes.bar}>
      {!wide && (
        <Button variant={filters > 0 ? 'light' : 'default'} size="compact-xs" leftSection={<IconFilter size={13} aria-hidden />} onClick={onFilters}>
          {filters > 0 ? t('filter.active', { count: filters }) : t('filter.title')}
        </Button>
      )}
      <div className={classes.total} role="status" aria-live="polite">
        {total !== undefined && <strong>{n('search.total', total)}</strong>}
        {tookMs !== undefined && <span className={classes.took} aria-hidden> {t('search.took', { ms: number(tookMs, tookMs < 10 ? 1 : 0) })}</span>}
      </div>
      <Select size="xs" variant="unstyled" className={classes.sort} aria-label={t('sort.label')} value={sort} onChange={(value) => onSort(value ?? '-date')} data={SORTS.map((value) => ({ value, label: t(`sort.${value}`) }))} allowDeselect={false} withCheckIcon={false} comboboxProps={{ width: 170, position: 'bottom-end' }} />
      <Tooltip label={dense ? t('density.comfortable') : t('density.dense')}>
        <ActionIcon size={26} aria-label={dense ? t('density.comfortable') : t('density.dense')} onClick={() => setPreferences({ density: dense ? 'comfortable' : 'dense' })}>
          {dense ? <IconLayoutRows size={15} aria-hidden /> : <IconLayoutList size={15} aria-hidden />}
        </ActionIcon>
      </Tooltip>
      {(takeOut.may.export || takeOut.may.restore) && (
        <Menu position="bottom-end">
          <Menu.Target><ActionIcon size={26} disabled={!total} aria-label={t('take.more')}><IconDots size={15} aria-hidden /></ActionIcon></Menu.Target>
          <Menu.Dropdown><TakeOutItems takeOut={takeOut} many /></Menu.Dropdown>
        </Menu>
      )}
      <TakeOutDialog takeOut={takeOut} mails={{ query }} about={<div>{t('take.aboutQuery', { count: number(total ?? 0) })}{query && <div className="mono">{query}</div>}</div>} />
    </div>
  );
}

function Pending({ count, onRefresh }: { count: number; onRefresh: () => void }) {
  const { n, t } = useTexts();
  return (
    <div className={classes.pending} role="status">
      <IconClock size={14} aria-hidden />
      <span>{n('search.pending', count)}</span>
      <button type="button" className={classes.refresh} onClick={onRefresh}>{t('search.refresh')}</button>
    </div>
  );
}

function NoHits({ state, onClear, onReset }: { state: SearchState; onClear: () => void; onReset: () => void }) {
  const { t } = useTexts();
  const filtered = countFilters(state) > 0;
  const empty = !state.q && !filtered;
  return (
    <EmptyState
      icon={empty ? <IconInbox size={24} /> : <IconSearch size={24} />}
      title={empty ? t('none.archive') : t('none.title')}
      actions={
        <>
          {filtered && <Button variant="default" onClick={onClear}>{t('filter.clear')}</Button>}
          {state.q && <Button variant="default" onClick={onReset}>{t('none.reset')}</Button>}
        </>
      }
    >
      {empty ? t('none.archiveText') : filtered ? t('none.filtered') : t('none.text')}
    </EmptyState>
  );
}

function Hints() {
  const { t } = useTexts();
  return (
    <span className={classes.hints}>
      {([['/', 'hint.search'], ['j k', 'hint.move'], ['Enter', 'hint.open'], ['?', 'hint.help']] as const).map(([keys, text]) => (
        <span key={text}><UnstyledButton component="span" className={classes.keys}>{keys.split(' ').map((key) => <kbd key={key}>{key}</kbd>)}</UnstyledButton>{t(text)}</span>
      ))}
    </span>
  );
}
