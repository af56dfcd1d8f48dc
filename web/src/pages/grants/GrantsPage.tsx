import { SegmentedControl } from '@mantine/core';
import { useFilters } from '../../hooks/useFilters';
import { useTexts } from '../../i18n';
import { Page } from '../../ui/Page';
import { GrantsTable } from './GrantsTable';

/** Who may see whose mail, for how long and why. */
export function GrantsPage() {
  const { t } = useTexts();
  const [filters, setFilters] = useFilters();
  const all = filters.all === 'yes';
  return (
    <Page title={t('grants.title')} lead={t('grants.lead')} actions={<SegmentedControl size="xs" aria-label={t('grants.which')} value={all ? 'all' : 'standing'} onChange={(value) => setFilters({ all: value === 'all' ? 'yes' : undefined })} data={[{ value: 'standing', label: t('grants.standing') }, { value: 'all', label: t('grants.all') }]} />}>
      <GrantsTable title={t(all ? 'grants.all' : 'grants.standing')} filter={all ? {} : { standing: true }} preset={{}} />
    </Page>
  );
}
