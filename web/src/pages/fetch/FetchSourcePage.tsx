import { ActionIcon, Button, Menu, Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { type FetchErrorKind, type FetchSource, fetchSourceQuery, type FetchTest, pauseFetchSource, pollFetchSource, reconcileFetchSource, removeFetchSource, resetFetchSource, resumeFetchSource, testFetchSource } from '../../api/fetch';
import { paths } from '../../app/paths';
import { Failure } from '../../components/Failure';
import { LinkButton } from '../../components/LinkButton';
import { Confirm } from '../../forms/Confirm';
import { useAct } from '../../hooks/useAct';
import { useFilters } from '../../hooks/useFilters';
import { useTexts } from '../../i18n';
import { Note } from '../../ui/Badge';
import { useDialog } from '../../ui/Dialog';
import { IconArrowLeft, IconDots } from '../../ui/icons';
import { Facts, Page, Panel } from '../../ui/Page';
import { draftOf, inputOf } from './draft';
import { FetchForm } from './FetchForm';
import { REFRESH, StateBadge, stateOf } from './FetchPage';
import { FetchRuns } from './FetchRuns';
import { Live } from './Live';
import { LeftMails } from './LeftMails';
import { Reconciliations } from './Reconciliations';
import { TestSteps } from './TestSteps';

const TABS = ['runs', 'left', 'reconcile'] as const;

/** One source that is fetched; `new` adds another one. */
export function FetchSourcePage() {
  const { t } = useTexts();
  const { sourceId } = useParams({ from: '/signed-in/console/admin/fetch/$sourceId' });
  const fresh = sourceId === 'new';
  const [filters] = useFilters();
  const { data, error, refetch } = useQuery({ ...fetchSourceQuery(sourceId), enabled: !fresh });
  const back = <LinkButton to={paths.fetch} variant="subtle" size="compact-xs" leftSection={<IconArrowLeft size={14} aria-hidden />}>{t('fetch.title')}</LinkButton>;
  if (fresh) return <Page title={t('fetch.add')} back={back}><FetchForm source={null} /></Page>;
  if (error && !data) return <Page title={t('fetch.one')} back={back}><Failure error={error} retry={() => void refetch()} /></Page>;
  if (!data) return <Page title={t('fetch.one')} back={back}><Panel title="…">…</Panel></Page>;
  if (filters.edit === 'yes') return <Page title={t('fetch.editTitle', { name: data.name })} back={back}><FetchForm source={data} /></Page>;
  return <Detail source={data} back={back} />;
}

function Detail({ source, back }: { source: FetchSource; back: ReactNode }) {
  const { t, number } = useTexts();
  const navigate = useNavigate();
  const [filters, setFilters] = useFilters();
  const [tested, setTested] = useState<FetchTest | null>(null);
  const removing = useDialog<FetchSource>();
  const resetting = useDialog<FetchSource>();
  const act = (done: string) => ({ done, refresh: REFRESH });
  const poll = useAct(() => pollFetchSource(source.id), act(t('fetch.polled')));
  const pause = useAct(() => pauseFetchSource(source.id), act(t('fetch.paused')));
  const resume = useAct(() => resumeFetchSource(source.id), act(t('fetch.resumed')));
  const reconcile = useAct(() => reconcileFetchSource(source.id), act(t('fetch.reconcileBegun')));
  const test = useAct(() => testFetchSource({ id: source.id, ...inputOf(draftOf(source)) }), { onDone: setTested });
  const off = stateOf(source) === 'off';
  const tab = TABS.find((one) => one === filters.tab) ?? 'runs';
  const { paused } = source.state;
  return (
    <Page
      title={source.name}
      back={back}
      lead={<StateBadge source={source} />}
      actions={
        <>
          <Button variant="default" loading={test.isPending} onClick={() => test.mutate()}>{t('fetch.test')}</Button>
          <Button disabled={off || paused} title={off || paused ? t('fetch.notWhileOff') : undefined} loading={poll.isPending || source.running} onClick={() => poll.mutate()}>{t('fetch.poll')}</Button>
          <LinkButton to={paths.fetchSource} params={{ sourceId: source.id }} search={{ edit: 'yes' }} variant="default">{t('fetch.edit')}</LinkButton>
          <Menu position="bottom-end">
            <Menu.Target><ActionIcon size={30} variant="default" aria-label={t('table.actionsFor', { name: source.name })}><IconDots size={16} aria-hidden /></ActionIcon></Menu.Target>
            <Menu.Dropdown>
              {paused ? <Menu.Item onClick={() => resume.mutate()}>{t('fetch.resume')}</Menu.Item> : <Menu.Item onClick={() => pause.mutate()}>{t('fetch.pause')}</Menu.Item>}
              <Menu.Item onClick={() => resetting.open(source)}>{t('fetch.reset')}</Menu.Item>
              <Menu.Item color="red" onClick={() => removing.open(source)}>{t('fetch.remove')}</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </>
      }
    >
      <Trouble source={source} />
      <div aria-live="polite">{tested && <Panel title={t('fetch.tested')} actions={<Button variant="default" onClick={() => setTested(null)}>{t('form.close')}</Button>}><TestSteps test={tested} /></Panel>}</div>
      {source.live && <Live live={source.live} />}
      <Overview source={source} />
      <Panel title={t('fetch.what')} flush>
        <Tabs value={tab} onChange={(value) => setFilters({ tab: value === 'runs' ? undefined : (value ?? undefined) })} keepMounted={false}>
          <Tabs.List px={18} mb={12} aria-label={t('fetch.what')}>
            <Tabs.Tab value="runs">{t('fetch.runs')}</Tabs.Tab>
            <Tabs.Tab value="left">{t('fetch.left')}{source.left > 0 && ` (${number(source.left)})`}</Tabs.Tab>
            <Tabs.Tab value="reconcile">{t('fetch.reconcile')}</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="runs"><FetchRuns id={source.id} /></Tabs.Panel>
          <Tabs.Panel value="left"><LeftMails id={source.id} /></Tabs.Panel>
          <Tabs.Panel value="reconcile"><Reconciliations id={source.id} action={<Button disabled={off} loading={reconcile.isPending} onClick={() => reconcile.mutate()}>{t('fetch.reconcileNow')}</Button>} /></Tabs.Panel>
        </Tabs>
      </Panel>
      <Confirm dialog={resetting} title={t('fetch.resetTitle')} effect={(value) => t('fetch.resetEffect', { name: value.name })} submit={t('fetch.resetSubmit')} send={(value) => resetFetchSource(value.id)} done={t('fetch.resetDone')} refresh={REFRESH} />
      <Confirm dialog={removing} title={t('fetch.removeTitle')} effect={(value) => t('fetch.removeEffect', { name: value.name })} submit={t('fetch.removeSubmit')} danger send={(value) => removeFetchSource(value.id)} done={t('fetch.removed')} refresh={REFRESH} onDone={() => void navigate({ to: paths.fetch })} />
    </Page>
  );
}

/** What is wrong, in plain words, and what to do about it. */
function Trouble({ source: { state, config } }: { source: FetchSource }) {
  const { t, relative } = useTexts();
  return (
    <>
      {state.error && (
        <Note tone={state.error === 'corrupt-mail' || state.error === 'server-busy' ? 'warn' : 'bad'} title={`${t(`fetch.kind.${state.error as FetchErrorKind}`)}.`} alert>
          {t(`fetch.kind.${state.error as FetchErrorKind}.text`)}
          {state.failingSince && ` ${t('fetch.failingSince', { time: relative(state.failingSince) })}`}
          {state.detail && <div className="muted" lang="en">{state.detail}</div>}
        </Note>
      )}
      {config.security === 'none' && <Note tone="warn">{t('fetch.noneWarning')}</Note>}
      {config.after.kind === 'keep' && config.mode.kind === 'journal' && <Note tone="warn">{t('fetch.keepWarning')}</Note>}
    </>
  );
}

function Overview({ source }: { source: FetchSource }) {
  const { config, state } = source;
  const { t, n, relative, duration } = useTexts();
  const { mode, after } = config;
  const what = mode.kind === 'journal' ? mode.folder || 'INBOX' : mode.kind === 'mailbox' ? mode.address : n('fetch.mailboxCount', mode.mailboxes?.length ?? 0);
  return (
    <Panel title={t('fetch.how')}>
      <Facts
        facts={[
          [t('fetch.server'), `${config.server}${config.port ? `:${config.port}` : ''}`],
          [t('fetch.protocol'), t(`fetch.protocol.${config.protocol}`)],
          [t('fetch.security'), t(`fetch.security.${config.security}`)],
          [t('fetch.mode'), <>{t(`fetch.mode.${mode.kind}`)}<div className="muted">{what}</div></>],
          [t('fetch.after'), `${t(`fetch.after.${after.kind}`)}${after.kind === 'move' ? `: ${after.folder}` : ''}`],
          [t('fetch.schedule'), t('directories.every', { time: duration(config.everyMinutes * 60) })],
          source.polledAt ? [t('fetch.polledAt'), relative(source.polledAt)] : null,
          [t('fetch.lastSuccess'), state.lastSuccessAt ? relative(state.lastSuccessAt) : t('sources.never')],
          [t('fetch.nextRun'), state.nextAt ? relative(state.nextAt) : t('fetch.soon')],
          state.reconciledAt ? [t('fetch.reconciled'), relative(state.reconciledAt)] : null,
        ]}
      />
    </Panel>
  );
}
