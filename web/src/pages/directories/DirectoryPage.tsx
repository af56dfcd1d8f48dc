import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { type Directory, directoryQuery, previewDirectory, removeDirectory, syncDirectory } from '../../api/directories';
import { paths } from '../../app/paths';
import { Failure } from '../../components/Failure';
import { LinkButton } from '../../components/LinkButton';
import { Confirm } from '../../forms/Confirm';
import { useAct } from '../../hooks/useAct';
import { useFilters } from '../../hooks/useFilters';
import { useTexts } from '../../i18n';
import { Badge, Note } from '../../ui/Badge';
import { useDialog } from '../../ui/Dialog';
import { IconArrowLeft } from '../../ui/icons';
import { Facts, Page, Panel } from '../../ui/Page';
import { Preview } from './Preview';
import { Runs } from './Runs';
import { Wizard } from './Wizard';

/** One directory: how it is reached, what its runs did; `new` connects another one. */
export function DirectoryPage() {
  const { t } = useTexts();
  const { directoryId } = useParams({ from: '/signed-in/console/admin/directories/$directoryId' });
  const fresh = directoryId === 'new';
  const [filters] = useFilters();
  const { data, error, refetch } = useQuery({ ...directoryQuery(directoryId), enabled: !fresh });
  const back = <LinkButton to={paths.directories} variant="subtle" size="compact-xs" leftSection={<IconArrowLeft size={14} aria-hidden />}>{t('directories.title')}</LinkButton>;
  if (fresh) return <Page title={t('directories.add')} back={back}><Wizard directory={null} /></Page>;
  if (error && !data) return <Page title={t('directories.one')} back={back}><Failure error={error} retry={() => void refetch()} /></Page>;
  if (!data) return <Page title={t('directories.one')} back={back}><Panel title="…">…</Panel></Page>;
  if (filters.edit === 'yes') return <Page title={t('directories.editTitle', { name: data.name })} back={back}><Wizard directory={data} /></Page>;
  return <Detail directory={data} back={back} />;
}

function Detail({ directory, back }: { directory: Directory; back: React.ReactNode }) {
  const { t, n, relative, duration } = useTexts();
  const navigate = useNavigate();
  const [previewed, setPreviewed] = useState<Awaited<ReturnType<typeof previewDirectory>> | null>(null);
  const removing = useDialog<Directory>();
  const confirming = useDialog<Directory>();
  const refresh = [['directories']];
  const sync = useAct(() => syncDirectory(directory.id, false), { done: t('directories.syncBegun'), refresh });
  const preview = useAct(() => previewDirectory(directory.id), { onDone: setPreviewed });
  const { config, lastRun } = directory;
  const held = lastRun?.outcome === 'held-back';
  return (
    <Page
      title={directory.name}
      back={back}
      lead={<>{directory.running ? <Badge tone="info">{t('directories.running')}</Badge> : <Badge tone={config.enabled === false ? 'plain' : 'good'}>{t(config.enabled === false ? 'directories.off' : 'directories.on')}</Badge>} {t(`directories.kind.${config.kind ?? 'generic'}`)}</>}
      actions={
        <>
          <Button variant="default" loading={preview.isPending} onClick={() => preview.mutate()}>{t('directories.preview')}</Button>
          <Button loading={sync.isPending || directory.running} onClick={() => sync.mutate()}>{t('directories.sync')}</Button>
          <LinkButton to={paths.directory} params={{ directoryId: directory.id }} search={{ edit: 'yes' }} variant="default">{t('directories.edit')}</LinkButton>
          <Button variant="light" color="red" onClick={() => removing.open(directory)}>{t('directories.remove')}</Button>
        </>
      }
    >
      {held && (
        <Note tone="warn" title={t('directories.heldTitle')} alert>
          {lastRun.detail} {n('directories.heldText', lastRun.counts.disabled)} <Button variant="default" size="compact-xs" onClick={() => confirming.open(directory)}>{t('directories.heldConfirm')}</Button>
        </Note>
      )}
      {lastRun?.outcome === 'failed' && <Note tone="bad" title={t('directories.failedTitle')}>{lastRun.detail}</Note>}
      <Panel title={t('directories.how')}>
        <Facts
          facts={[
            [t('directories.hosts'), config.hosts.join(', ')],
            [t('directories.security'), t(`directories.security.${config.security ?? 'ldaps'}`)],
            [t('directories.peopleBases'), config.peopleBases.join(' · ')],
            [t('directories.schedule'), config.everyMinutes ? t('directories.every', { time: duration(config.everyMinutes * 60) }) : t('directories.manually')],
            [t('directories.signIn'), t(config.signIn === false ? 'form.off' : 'form.on')],
            [t('directories.lastRun'), lastRun ? relative(lastRun.endedAt) : t('sources.never')],
          ]}
        />
      </Panel>
      {previewed && <Preview preview={previewed} onClose={() => setPreviewed(null)} />}
      <Panel title={t('directories.runs')} flush><Runs id={directory.id} /></Panel>
      <Confirm dialog={confirming} title={t('directories.heldTitle')} effect={() => n('directories.heldEffect', lastRun?.counts.disabled ?? 0)} submit={t('directories.heldConfirm')} danger send={(value) => syncDirectory(value.id, true)} done={t('directories.syncBegun')} refresh={refresh} />
      <Confirm dialog={removing} title={t('directories.removeTitle')} effect={(value) => t('directories.removeEffect', { name: value.name })} submit={t('directories.removeSubmit')} danger send={(value) => removeDirectory(value.id)} done={t('directories.removed')} refresh={refresh} onDone={() => void navigate({ to: paths.directories })} />
    </Page>
  );
}
