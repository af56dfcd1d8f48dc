import { ActionIcon, Menu } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type FetchErrorKind, type FetchSource, fetchSourcesQuery, pauseFetchSource, pollFetchSource, resumeFetchSource } from '../../api/fetch';
import { paths } from '../../app/paths';
import { Failure } from '../../components/Failure';
import { LinkButton } from '../../components/LinkButton';
import { useAct } from '../../hooks/useAct';
import { useTexts } from '../../i18n';
import { Badge, type Tone } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { EmptyState } from '../../ui/EmptyState';
import { IconDots, IconMailDown, IconPlus } from '../../ui/icons';
import { Page, Panel } from '../../ui/Page';

type State = 'failing' | 'off' | 'paused' | 'running' | 'waiting';

const TONES: Record<State, Tone> = { failing: 'bad', off: 'plain', paused: 'warn', running: 'info', waiting: 'good' };
export const REFRESH = [['fetch']];

/** One word for how a source is doing. */
export function stateOf({ config, state, running }: FetchSource): State {
  if (!config.enabled) return 'off';
  if (state.paused) return 'paused';
  if (running) return 'running';
  return state.failures > 0 ? 'failing' : 'waiting';
}

export function StateBadge({ source }: { source: FetchSource }) {
  const { t } = useTexts();
  const state = stateOf(source);
  return <Badge tone={TONES[state]}>{t(`fetch.state.${state}`)}</Badge>;
}

/** The mailboxes that are fetched. */
export function FetchPage() {
  const { t, number, relative, date } = useTexts();
  const { data, error, refetch } = useQuery(fetchSourcesQuery);
  const poll = useAct((source: FetchSource) => pollFetchSource(source.id), { done: t('fetch.polled'), refresh: REFRESH });
  const pause = useAct((source: FetchSource) => pauseFetchSource(source.id), { done: t('fetch.paused'), refresh: REFRESH });
  const resume = useAct((source: FetchSource) => resumeFetchSource(source.id), { done: t('fetch.resumed'), refresh: REFRESH });
  if (error && !data) return <Page title={t('fetch.title')}><Failure error={error} retry={() => void refetch()} /></Page>;
  const add = <LinkButton to={paths.fetchSource} params={{ sourceId: 'new' }} leftSection={<IconPlus size={14} aria-hidden />}>{t('fetch.add')}</LinkButton>;
  const when = (value: string | null | undefined, none: string) => (value ? <time dateTime={value} title={date(value)}>{relative(value)}</time> : <span className="muted">{none}</span>);
  return (
    <Page title={t('fetch.title')} lead={t('fetch.lead')} actions={add}>
      <Panel title={t('fetch.list')} flush>
        <DataTable
          label={t('fetch.title')}
          rows={data?.sources}
          rowKey={(source) => source.id}
          empty={<EmptyState icon={<IconMailDown size={24} />} title={t('fetch.empty')}>{t('fetch.emptyText')}</EmptyState>}
          columns={[
            {
              title: t('fetch.name'),
              header: true,
              cell: (source) => (
                <div>
                  <Link to={paths.fetchSource} params={{ sourceId: source.id }} className="link">{source.name}</Link>
                  <div className="muted">{source.config.user ? `${source.config.user} · ${source.config.server}` : source.config.server}</div>
                </div>
              ),
            },
            { title: t('fetch.state'), cell: (source) => <div><StateBadge source={source} />{source.state.error && <div className="muted">{t(`fetch.kind.${source.state.error as FetchErrorKind}`)}</div>}</div> },
            { title: t('fetch.polledAt'), cell: (source) => when(source.polledAt ?? source.state.lastSuccessAt, t('sources.never')) },
            { title: t('fetch.nextRun'), cell: (source) => (['off', 'paused'].includes(stateOf(source)) ? <span className="muted">–</span> : when(source.state.nextAt, t('fetch.soon'))) },
            { title: t('fetch.count.left'), numeric: true, cell: (source) => number(source.left) },
            {
              title: t('table.actions'),
              actions: true,
              cell: (source) => (
                <Menu position="bottom-end">
                  <Menu.Target><ActionIcon size={28} aria-label={t('table.actionsFor', { name: source.name })}><IconDots size={16} aria-hidden /></ActionIcon></Menu.Target>
                  <Menu.Dropdown>
                    <Menu.Item disabled={stateOf(source) === 'off' || source.running} onClick={() => poll.mutate(source)}>{t('fetch.poll')}</Menu.Item>
                    {source.state.paused ? <Menu.Item onClick={() => resume.mutate(source)}>{t('fetch.resume')}</Menu.Item> : <Menu.Item onClick={() => pause.mutate(source)}>{t('fetch.pause')}</Menu.Item>}
                  </Menu.Dropdown>
                </Menu>
              ),
            },
          ]}
        />
      </Panel>
    </Page>
  );
}
