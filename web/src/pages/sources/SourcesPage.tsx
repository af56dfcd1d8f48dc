import { Button, Menu, ActionIcon } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { changeSource, type Source, sourcesQuery } from '../../api/tenancy';
import { Copyable } from '../../components/Copyable';
import { Failure } from '../../components/Failure';
import { Confirm } from '../../forms/Confirm';
import { useAct } from '../../hooks/useAct';
import { useTexts } from '../../i18n';
import { Badge, type Tone } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { Dialog, useDialog } from '../../ui/Dialog';
import { EmptyState } from '../../ui/EmptyState';
import { IconDots, IconInbox, IconPlus, IconRefresh } from '../../ui/icons';
import { Page, Panel } from '../../ui/Page';
import { RotateForm, SourceForm } from './SourceForms';

const TONES: Record<Source['state'], Tone> = { active: 'good', ended: 'plain', ending: 'warn', suspended: 'warn' };
const REFRESH = [['sources'], ['connect']];

/** The ways by which mail comes in: journal addresses, and what was imported. */
export function SourcesPage() {
  const { t, date, relative, number, bytes } = useTexts();
  const { data, error, refetch } = useQuery(sourcesQuery);
  const editing = useDialog<Source | 'new'>();
  const rotating = useDialog<Source>();
  const suspending = useDialog<Source>();
  const resume = useAct((source: Source) => changeSource(source.id, { suspended: false }), { done: t('sources.resumed'), refresh: REFRESH });
  if (error && !data) return <Page title={t('sources.title')}><Failure error={error} retry={() => void refetch()} /></Page>;
  const when = (value: string | null) => (value ? <time dateTime={value} title={date(value)}>{relative(value)}</time> : <span className="muted">{t('sources.never')}</span>);
  return (
    <Page title={t('sources.title')} lead={t('sources.lead')} actions={<Button leftSection={<IconPlus size={14} aria-hidden />} onClick={() => editing.open('new')}>{t('sources.add')}</Button>}>
      <Panel title={t('sources.list')} flush>
        <DataTable
          label={t('sources.title')}
          rows={data?.sources}
          rowKey={(source) => source.id}
          empty={<EmptyState icon={<IconInbox size={24} />} title={t('sources.empty')}>{t('sources.emptyText')}</EmptyState>}
          columns={[
            {
              title: t('sources.name'),
              header: true,
              cell: (source) => (
                <div>
                  <div>{source.id === 'imports' ? t('dashboard.imports') : source.name}</div>
                  {source.address && <Copyable text={source.address} what={source.name} />}
                </div>
              ),
            },
            {
              title: t('sources.state'),
              cell: (source) => (
                <div>
                  <Badge tone={TONES[source.state]}>{t(`sources.state.${source.state}`)}</Badge>
                  {source.state === 'ending' && source.endsAt && <div className="muted">{t('sources.endsAt', { date: date(source.endsAt) })}</div>}
                </div>
              ),
            },
            { title: t('sources.lastReport'), cell: (source) => when(source.figures.lastReportAt ?? source.figures.lastAt) },
            { title: t('sources.mails'), numeric: true, cell: (source) => `${number(source.figures.mails)} · ${bytes(source.figures.bytes)}` },
            { title: t('status.quarantined'), numeric: true, cell: (source) => number(source.figures.quarantined) },
            {
              title: t('table.actions'),
              actions: true,
              cell: (source) =>
                source.id !== 'imports' && source.state !== 'ended' && (
                  <Menu position="bottom-end">
                    <Menu.Target><ActionIcon size={28} aria-label={t('table.actionsFor', { name: source.name })}><IconDots size={16} aria-hidden /></ActionIcon></Menu.Target>
                    <Menu.Dropdown>
                      <Menu.Item onClick={() => editing.open(source)}>{t('sources.edit')}</Menu.Item>
                      {source.state === 'active' && <Menu.Item leftSection={<IconRefresh size={14} aria-hidden />} onClick={() => rotating.open(source)}>{t('sources.rotate')}</Menu.Item>}
                      {source.state === 'suspended' ? <Menu.Item onClick={() => resume.mutate(source)}>{t('sources.resume')}</Menu.Item> : <Menu.Item color="red" onClick={() => suspending.open(source)}>{t('sources.suspend')}</Menu.Item>}
                    </Menu.Dropdown>
                  </Menu>
                ),
            },
          ]}
        />
      </Panel>
      <Dialog dialog={editing} title={(value) => t(value === 'new' ? 'sources.add' : 'sources.editTitle')}>
        {(value) => <SourceForm source={value === 'new' ? null : value} close={editing.close} refresh={REFRESH} />}
      </Dialog>
      <Dialog dialog={rotating} title={t('sources.rotateTitle')}>{(source) => <RotateForm source={source} close={rotating.close} refresh={REFRESH} />}</Dialog>
      <Confirm dialog={suspending} title={t('sources.suspendTitle')} effect={(source) => t('sources.suspendEffect', { name: source.name })} submit={t('sources.suspendSubmit')} danger send={(source) => changeSource(source.id, { suspended: true })} done={t('sources.suspended')} refresh={REFRESH} />
    </Page>
  );
}
