import { Button, Checkbox, NumberInput, TagsInput, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { changeTenant, exportTenant, jobsQuery, removeTenant, resumeTenant, suspendTenant, type TenantDetail, tenantQuery } from '../../api/tenancy';
import { paths } from '../../app/paths';
import { Failure } from '../../components/Failure';
import { Jobs } from '../../components/Jobs';
import { Confirm } from '../../forms/Confirm';
import { Form } from '../../forms/Form';
import { useFields } from '../../forms/useFields';
import { useTexts } from '../../i18n';
import { Badge, Note } from '../../ui/Badge';
import { Dialog, useDialog } from '../../ui/Dialog';
import { IconArrowLeft } from '../../ui/icons';
import { Facts, Page, Panel } from '../../ui/Page';

const REFRESH = [['tenants'], ['dashboard'], ['jobs']];
const GB = 1_000_000_000;
const FOLDER = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** One customer: its figures, what the operator may change, and the ways to end it. */
export function TenantPage() {
  const { t, n, number, bytes, day } = useTexts();
  const { tenantId } = useParams({ from: '/signed-in/console/admin/tenants/$tenantId' });
  const { data: tenant, error, refetch } = useQuery(tenantQuery(tenantId));
  const { data: jobs } = useQuery(jobsQuery);
  const navigate = useNavigate();
  const editing = useDialog<TenantDetail>();
  const exporting = useDialog<TenantDetail>();
  const suspending = useDialog<TenantDetail>();
  const resuming = useDialog<TenantDetail>();
  const removing = useDialog<TenantDetail>();
  const back = <Button component={Link} to={paths.tenants} variant="subtle" size="compact-xs" leftSection={<IconArrowLeft size={14} aria-hidden />}>{t('tenants.title')}</Button>;
  if (error && !tenant) return <Page title={t('tenants.one')} back={back}><Failure error={error} retry={() => void refetch()} /></Page>;
  if (!tenant) return <Page title={t('tenants.one')} back={back}><Panel title="…">…</Panel></Page>;
  const active = tenant.state === 'active';
  const own = jobs?.jobs.filter((job) => job.tenant === tenant.id) ?? [];
  return (
    <Page
      title={tenant.name}
      back={back}
      lead={<><Badge tone={active ? 'good' : 'warn'}>{t(active ? 'tenants.active' : 'tenants.suspended')}</Badge> {t('tenants.sinceDate', { date: day(tenant.createdAt) })} · {n('tenants.accounts', tenant.accounts)}</>}
      actions={
        <>
          <Button variant="default" onClick={() => editing.open(tenant)}>{t('tenants.edit')}</Button>
          <Button variant="default" onClick={() => exporting.open(tenant)}>{t('tenants.export')}</Button>
          {active ? <Button variant="default" onClick={() => suspending.open(tenant)}>{t('tenants.suspend')}</Button> : <Button onClick={() => resuming.open(tenant)}>{t('tenants.resume')}</Button>}
          <Button variant="light" color="red" onClick={() => removing.open(tenant)}>{t('tenants.remove')}</Button>
        </>
      }
    >
      {tenant.trouble && <Note tone="bad" title={t('tenants.trouble')}>{tenant.trouble}</Note>}
      <Panel title={t('tenants.figures')}>
        <Facts
          facts={[
            [t('dashboard.mails'), number(tenant.figures.records)],
            [t('status.reports'), number(tenant.figures.reports)],
            [t('status.merged'), number(tenant.figures.merged)],
            [t('status.quarantined'), number(tenant.figures.quarantined)],
            [t('tenants.parts'), number(tenant.figures.parts)],
            [t('tenants.rawBytes'), bytes(tenant.figures.rawBytes)],
            [t('status.part.packs'), bytes(tenant.storage.packs)],
            [t('status.part.keys'), bytes(tenant.storage.keys)],
            [t('status.part.index'), bytes(tenant.storage.index)],
            [t('tenants.quota'), tenant.settings.quota.bytes ? `${bytes(tenant.settings.quota.bytes)} · ${t(tenant.settings.quota.hard ? 'tenants.quotaHard' : 'tenants.quotaSoft')}` : t('tenants.noQuota')],
          ]}
        />
      </Panel>
      <Panel title={t('tenants.identity')}>
        <Facts
          facts={[
            [t('tenants.archiveDomains'), tenant.archiveDomains.join(', ')],
            [t('tenants.domains'), tenant.domains.map((domain) => domain.name).join(', ') || t('domains.empty')],
            [t('tenants.organisations'), tenant.organisations.join(', ') || t('tenants.anyOrganisation')],
            [t('settings.fourEyes'), t(tenant.settings.fourEyes ? 'form.on' : 'form.off')],
            [t('selection.title'), t(tenant.settings.archiveOnlySelected ? 'form.on' : 'form.off')],
          ]}
        />
      </Panel>
      {own.length > 0 && <Panel title={t('jobs.title')} flush><Jobs jobs={own} /></Panel>}
      <Dialog dialog={editing} title={t('tenants.editTitle')}>{(value) => <EditForm tenant={value} close={editing.close} />}</Dialog>
      <Dialog dialog={exporting} title={t('tenants.exportTitle')}>{(value) => <ExportForm tenant={value} close={exporting.close} />}</Dialog>
      <Confirm dialog={suspending} title={t('tenants.suspendTitle')} effect={(value) => t('tenants.suspendEffect', { name: value.name })} submit={t('tenants.suspendSubmit')} danger reason send={(value, reason) => suspendTenant(value.id, reason)} done={t('tenants.suspendedDone')} refresh={REFRESH} />
      <Confirm dialog={resuming} title={t('tenants.resumeTitle')} effect={(value) => t('tenants.resumeEffect', { name: value.name })} submit={t('tenants.resume')} reason send={(value, reason) => resumeTenant(value.id, reason)} done={t('tenants.resumedDone')} refresh={REFRESH} />
      <Confirm
        dialog={removing}
        title={t('tenants.removeTitle')}
        effect={(value) => <Note tone="bad">{t('tenants.removeEffect', { name: value.name, mails: number(value.figures.records), size: bytes(value.figures.rawBytes) })}</Note>}
        typed={(value) => value.name}
        submit={t('tenants.removeSubmit')}
        danger
        reason
        send={(value, reason) => removeTenant(value.id, value.name, reason)}
        done={t('tenants.removeDone')}
        refresh={REFRESH}
        onDone={() => void navigate({ to: paths.tenants })}
      />
    </Page>
  );
}

function EditForm({ tenant, close }: { tenant: TenantDetail; close: () => void }) {
  const { t } = useTexts();
  const { quota } = tenant.settings;
  const fields = useFields<{ name: string; archiveDomains: string[]; organisations: string[]; gigabytes: number | string; hard: boolean }>(
    { name: tenant.name, archiveDomains: tenant.archiveDomains, organisations: tenant.organisations, gigabytes: quota.bytes ? quota.bytes / GB : '', hard: quota.hard ?? false },
    (now) => ({ name: !now.name.trim() && t('form.required'), archiveDomains: now.archiveDomains.length === 0 && t('form.required') }),
  );
  const { values } = fields;
  const send = () => changeTenant(tenant.id, { name: values.name.trim(), archiveDomains: values.archiveDomains, organisations: values.organisations, quota: { ...(values.gigabytes === '' ? {} : { bytes: Math.round(Number(values.gigabytes) * GB) }), hard: values.hard } });
  return (
    <Form submit={t('form.save')} check={fields.check} send={send} done={t('form.saved')} refresh={REFRESH} onDone={close} onCancel={close}>
      <TextInput size="sm" label={t('tenants.name')} data-autofocus {...fields.text('name')} />
      <TagsInput size="sm" label={t('tenants.archiveDomains')} description={t('tenants.archiveDomainHint')} {...fields.pick('archiveDomains')} />
      <TagsInput size="sm" label={t('tenants.organisations')} description={t('tenants.organisationsHint')} {...fields.pick('organisations')} />
      <NumberInput size="sm" label={t('tenants.quotaGb')} description={t('tenants.quotaHint')} min={0} {...fields.pick('gigabytes')} />
      <Checkbox label={t('tenants.quotaHardLabel')} description={t('tenants.quotaHardHint')} {...fields.flag('hard')} />
    </Form>
  );
}

function ExportForm({ tenant, close }: { tenant: TenantDetail; close: () => void }) {
  const { t } = useTexts();
  const fields = useFields({ folder: '', reason: '' }, (now) => ({ folder: !FOLDER.test(now.folder.trim()) && t('tenants.folderWrong'), reason: now.reason.trim().length < 5 && t('release.reasonShort') }));
  return (
    <Form submit={t('tenants.exportSubmit')} check={fields.check} send={() => exportTenant(tenant.id, fields.values.folder.trim(), fields.values.reason.trim())} done={t('jobs.begun')} refresh={REFRESH} onDone={close} onCancel={close}>
      <div>{t('tenants.exportEffect')}</div>
      <TextInput size="sm" label={t('tenants.folder')} description={t('tenants.folderHint')} data-autofocus {...fields.text('folder')} />
      <TextInput size="sm" label={t('release.reason')} description={t('release.reasonHint')} {...fields.text('reason')} />
    </Form>
  );
}
