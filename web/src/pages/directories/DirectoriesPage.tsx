import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { directoriesQuery } from '../../api/directories';
import { paths } from '../../app/paths';
import { Failure } from '../../components/Failure';
import { LinkButton } from '../../components/LinkButton';
import { useTexts } from '../../i18n';
import { Badge } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { EmptyState } from '../../ui/EmptyState';
import { IconPlus, IconSitemap } from '../../ui/icons';
import { Page, Panel } from '../../ui/Page';
import { Outcome } from './Runs';

/** Where accounts come from by themselves: LDAP and Active Directory. */
export function DirectoriesPage() {
  const { t, relative, date } = useTexts();
  const { data, error, refetch } = useQuery(directoriesQuery);
  if (error && !data) return <Page title={t('directories.title')}><Failure error={error} retry={() => void refetch()} /></Page>;
  const add = <LinkButton to={paths.directory} params={{ directoryId: 'new' }} leftSection={<IconPlus size={14} aria-hidden />}>{t('directories.add')}</LinkButton>;
  return (
    <Page title={t('directories.title')} lead={t('directories.lead')} actions={add}>
      <Panel title={t('directories.list')} flush>
        <DataTable
          label={t('directories.title')}
          rows={data?.rows}
          rowKey={(row) => row.id}
          empty={<EmptyState icon={<IconSitemap size={24} />} title={t('directories.empty')}>{t('directories.emptyText')}</EmptyState>}
          columns={[
            { title: t('directories.name'), header: true, cell: (row) => <Link className="link" to={paths.directory} params={{ directoryId: row.id }}>{row.name}</Link> },
            { title: t('directories.kind'), cell: (row) => t(`directories.kind.${row.config.kind ?? 'generic'}`) },
            { title: t('directories.hosts'), cell: (row) => row.config.hosts.join(', ') },
            { title: t('directories.state'), cell: (row) => (row.running ? <Badge tone="info">{t('directories.running')}</Badge> : row.config.enabled === false ? <Badge>{t('directories.off')}</Badge> : <Badge tone="good">{t('directories.on')}</Badge>) },
            { title: t('directories.lastRun'), cell: (row) => (row.lastRun ? <span><Outcome outcome={row.lastRun.outcome} /> <time dateTime={row.lastRun.endedAt} title={date(row.lastRun.endedAt)}>{relative(row.lastRun.endedAt)}</time></span> : <span className="muted">{t('sources.never')}</span>) },
          ]}
        />
      </Panel>
    </Page>
  );
}
