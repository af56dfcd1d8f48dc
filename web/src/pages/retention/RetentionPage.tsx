import { Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { retentionQuery, type RetentionVersion } from '../../api/retention';
import { paths } from '../../app/paths';
import { Failure } from '../../components/Failure';
import { LinkButton } from '../../components/LinkButton';
import { useFilters } from '../../hooks/useFilters';
import { usePermissions } from '../../hooks/useSession';
import { useTexts } from '../../i18n';
import { Badge } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { EmptyState } from '../../ui/EmptyState';
import { IconPlus, IconScale } from '../../ui/icons';
import { Page, Panel } from '../../ui/Page';
import { Calendar } from './Calendar';
import { Exclusions } from './Exclusions';
import { PolicyTable } from './PolicyTable';
import { Suspensions } from './Suspensions';

const TABS = ['policies', 'calendar', 'suspensions', 'exclusions', 'versions'] as const;

/** How long mail is kept: the policies in force, what they lead to, and what is excepted. */
export function RetentionPage() {
  const { t } = useTexts();
  const [filters, setFilters] = useFilters();
  const { data, error, refetch } = useQuery(retentionQuery);
  const sets = usePermissions().includes('set_retention');
  if (error && !data) return <Page title={t('retention.title')}><Failure error={error} retry={() => void refetch()} /></Page>;
  const tab = TABS.find((one) => one === filters.tab) ?? 'policies';
  const inForce = data?.versions.find((set) => set.inForce);
  const known = [...new Set((data?.versions ?? []).flatMap((set) => set.policies.map((policy) => policy.class)))];
  const add = sets && <LinkButton to={paths.retentionDraft} leftSection={<IconPlus size={14} aria-hidden />}>{t('retention.new')}</LinkButton>;
  return (
    <Page title={t('retention.title')} lead={t('retention.lead')} actions={add}>
      <Panel title={t('retention.sections')} flush>
        <Tabs value={tab} onChange={(value) => setFilters({ tab: value === 'policies' ? undefined : (value ?? undefined) })} keepMounted={false}>
          <Tabs.List px={18} mb={12} aria-label={t('retention.sections')}>
            {TABS.map((name) => <Tabs.Tab key={name} value={name}>{t(`retention.tab.${name}`)}</Tabs.Tab>)}
          </Tabs.List>
          <Tabs.Panel value="policies">{data && <InForce set={inForce} />}</Tabs.Panel>
          <Tabs.Panel value="calendar"><Calendar /></Tabs.Panel>
          <Tabs.Panel value="suspensions"><Suspensions classes={known} suspensions={data?.suspensions} /></Tabs.Panel>
          <Tabs.Panel value="exclusions"><Exclusions /></Tabs.Panel>
          <Tabs.Panel value="versions"><Versions sets={data?.versions} /></Tabs.Panel>
        </Tabs>
      </Panel>
    </Page>
  );
}

function InForce({ set }: { set: RetentionVersion | undefined }) {
  const { t, day } = useTexts();
  if (!set) return <EmptyState icon={<IconScale size={24} />} title={t('retention.none')}>{t('retention.noneText')}</EmptyState>;
  return (
    <>
      <p className="muted" style={{ margin: 0, padding: '0 18px 8px' }}>{t('retention.inForce', { version: set.version, date: day(set.validFrom) })} · {set.zone} · {set.reason}</p>
      <PolicyTable policies={set.policies} />
    </>
  );
}

function Versions({ sets }: { sets: readonly RetentionVersion[] | undefined }) {
  const { t, n, day, stamp } = useTexts();
  const current = sets?.find((set) => set.inForce)?.version ?? 0;
  const state = ({ version, inForce }: RetentionVersion) => {
    if (inForce) return <Badge tone="good">{t('retention.current')}</Badge>;
    return version > current ? <Badge tone="info">{t('retention.planned')}</Badge> : <Badge>{t('retention.past')}</Badge>;
  };
  return (
    <DataTable
      label={t('retention.tab.versions')}
      rows={sets}
      rowKey={(set) => String(set.version)}
      empty={<EmptyState icon={<IconScale size={24} />} title={t('retention.none')}>{t('retention.noneText')}</EmptyState>}
      columns={[
        { title: t('retention.version'), header: true, cell: (set) => set.version },
        { title: t('retention.state'), cell: state },
        { title: t('retention.validFrom'), cell: (set) => day(set.validFrom) },
        { title: t('retention.why'), cell: (set) => <div>{set.reason}<div className="muted">{n('retention.policyCount', set.policies.length)}</div></div> },
        { title: t('retention.by'), cell: (set) => t('matters.openedBy', { when: stamp(set.madeAt), who: set.madeBy }) },
      ]}
    />
  );
}
