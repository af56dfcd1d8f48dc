import { ActionIcon, Button, Checkbox, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { addDomain, type Domain, domainsQuery, removeDomain } from '../../api/tenancy';
import { paths } from '../../app/paths';
import { Failure } from '../../components/Failure';
import { Confirm } from '../../forms/Confirm';
import { Form } from '../../forms/Form';
import { useFields } from '../../forms/useFields';
import { useTexts } from '../../i18n';
import { Note } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { Dialog, useDialog } from '../../ui/Dialog';
import { EmptyState } from '../../ui/EmptyState';
import { IconPlus, IconTrash, IconWorld } from '../../ui/icons';
import { Page, Panel } from '../../ui/Page';

const REFRESH = [['domains'], ['own-tenant'], ['quarantine'], ['jobs']];
const NAME = /^[^\s@/]+\.[^\s@/]+$/u;

/** The e-mail domains whose mail is archived. */
export function DomainsPage() {
  const { t, n, day } = useTexts();
  const { data, error, refetch } = useQuery(domainsQuery);
  const adding = useDialog();
  const removing = useDialog<Domain>();
  if (error && !data) return <Page title={t('domains.title')}><Failure error={error} retry={() => void refetch()} /></Page>;
  return (
    <Page title={t('domains.title')} lead={t('domains.lead')} actions={<Button leftSection={<IconPlus size={14} aria-hidden />} onClick={() => adding.open(true)}>{t('domains.add')}</Button>}>
      {data && data.notOurs > 0 && (
        <Note tone="warn">{n('domains.notOurs', data.notOurs)} <Link to={paths.queues} search={{ reason: 'not-ours' }}>{t('domains.toNotOurs')}</Link></Note>
      )}
      <Panel title={t('domains.list')} flush>
        <DataTable
          label={t('domains.title')}
          rows={data?.domains}
          rowKey={(domain) => domain.name}
          empty={<EmptyState icon={<IconWorld size={24} />} title={t('domains.empty')}>{t('domains.emptyText')}</EmptyState>}
          columns={[
            { title: t('domains.name'), header: true, cell: (domain) => domain.name },
            { title: t('domains.subdomains'), cell: (domain) => (domain.subdomains ? t('domains.included') : t('domains.excluded')) },
            { title: t('domains.added'), cell: (domain) => day(domain.addedAt) },
            { title: t('table.actions'), actions: true, cell: (domain) => <ActionIcon size={28} aria-label={t('domains.removeNamed', { name: domain.name })} onClick={() => removing.open(domain)}><IconTrash size={15} aria-hidden /></ActionIcon> },
          ]}
        />
      </Panel>
      <Dialog dialog={adding} title={t('domains.add')}>{() => <DomainForm notOurs={data?.notOurs ?? 0} close={adding.close} />}</Dialog>
      <Confirm dialog={removing} title={t('domains.removeTitle')} effect={(domain) => t(data?.domains.length === 1 ? 'domains.removeLast' : 'domains.removeEffect', { name: domain.name })} submit={t('domains.remove')} danger send={(domain) => removeDomain(domain.name)} done={t('domains.removed')} refresh={REFRESH} />
    </Page>
  );
}

function DomainForm({ notOurs, close }: { notOurs: number; close: () => void }) {
  const { t, n } = useTexts();
  const fields = useFields({ name: '', subdomains: false, rerun: true }, (now) => ({ name: !NAME.test(now.name.trim()) && t('domains.wrong') }));
  const { name, subdomains, rerun } = fields.values;
  return (
    <Form submit={t('domains.add')} check={fields.check} send={() => addDomain({ name: name.trim(), subdomains, rerun: rerun && notOurs > 0 })} done={t('domains.addedDone')} refresh={REFRESH} onDone={close} onCancel={close}>
      <TextInput size="sm" label={t('domains.name')} placeholder="example.com" autoCapitalize="none" spellCheck={false} data-autofocus required withAsterisk={false} {...fields.text('name')} />
      <Checkbox label={t('domains.subdomains')} description={t('domains.subdomainsHint')} {...fields.flag('subdomains')} />
      {notOurs > 0 && <Checkbox label={t('domains.rerun')} description={n('domains.rerunHint', notOurs)} {...fields.flag('rerun')} />}
    </Form>
  );
}
