import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { mattersQuery } from '../../api/matters';
import { paths } from '../../app/paths';
import { Failure } from '../../components/Failure';
import { useTexts } from '../../i18n';
import { Badge } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { Dialog, useDialog } from '../../ui/Dialog';
import { EmptyState } from '../../ui/EmptyState';
import { IconGavel, IconPlus } from '../../ui/icons';
import { Page, Panel } from '../../ui/Page';
import { MatterForm } from './MatterForm';

/** Matters and how much mail their holds keep. */
export function MattersPage() {
  const { t, number, day } = useTexts();
  const navigate = useNavigate();
  const { data, error, refetch } = useQuery(mattersQuery);
  const adding = useDialog();
  if (error && !data) return <Page title={t('matters.title')}><Failure error={error} retry={() => void refetch()} /></Page>;
  const open = (id: string) => void navigate({ to: paths.matter, params: { matterId: id } });
  return (
    <Page title={t('matters.title')} lead={t('matters.lead')} actions={<Button leftSection={<IconPlus size={14} aria-hidden />} onClick={() => adding.open(true)}>{t('matters.add')}</Button>}>
      <Panel title={t('matters.list')} flush>
        <DataTable
          label={t('matters.title')}
          rows={data?.matters}
          rowKey={(matter) => matter.id}
          empty={<EmptyState icon={<IconGavel size={24} />} title={t('matters.empty')}>{t('matters.emptyText')}</EmptyState>}
          columns={[
            { title: t('matters.name'), header: true, cell: (matter) => <Link to={paths.matter} params={{ matterId: matter.id }} className="link">{matter.name}</Link> },
            { title: t('matters.state'), cell: (matter) => <Badge tone={matter.state === 'open' ? 'info' : 'plain'}>{t(matter.state === 'open' ? 'matters.state.open' : 'matters.state.closed')}</Badge> },
            { title: t('matters.custodians'), cell: (matter) => matter.custodians.join(', ') || t('matters.everybody') },
            { title: t('matters.activeHolds'), numeric: true, cell: (matter) => number(matter.holds.filter((hold) => !hold.released).length) },
            { title: t('matters.heldMails'), numeric: true, cell: (matter) => number(matter.heldMails) },
            { title: t('matters.opened'), cell: (matter) => t('matters.openedBy', { when: day(matter.openedAt), who: matter.openedBy }) },
          ]}
        />
      </Panel>
      <Dialog dialog={adding} title={t('matters.add')} size={620}>{() => <MatterForm matter={null} close={adding.close} onDone={(matter) => open(matter.id)} />}</Dialog>
    </Page>
  );
}
