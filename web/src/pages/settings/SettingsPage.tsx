import { Checkbox, Select, TagsInput, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { changeOwnTenant, type OwnTenant, ownTenantQuery } from '../../api/tenancy';
import { Failure } from '../../components/Failure';
import { Form } from '../../forms/Form';
import { useFields } from '../../forms/useFields';
import { useTexts } from '../../i18n';
import { Note } from '../../ui/Badge';
import { Page, Panel } from '../../ui/Page';

const ADDRESS = /^[^\s@]+@[^\s@]+$/;
const REASON_LENGTH_MIN = 5;

/** What the administrator decides for the own organisation. */
export function SettingsPage() {
  const { t } = useTexts();
  const { data, error, refetch } = useQuery(ownTenantQuery);
  if (error && !data) return <Page title={t('settings.title')}><Failure error={error} retry={() => void refetch()} /></Page>;
  return (
    <Page title={t('settings.title')} lead={data?.name ?? '…'}>
      {data && <SettingsForms key={JSON.stringify(data)} tenant={data} />}
    </Page>
  );
}

function SettingsForms({ tenant }: { tenant: OwnTenant }) {
  const { t } = useTexts();
  const { settings } = tenant;
  const refresh = [['own-tenant'], ['connect']];
  const general = useFields({ organisations: tenant.organisations, notifications: settings.notifications, language: settings.language ?? '' }, (now) => ({ notifications: now.notifications.some((one) => !ADDRESS.test(one)) && t('form.address') }));
  const eyes = useFields({ fourEyes: settings.fourEyes, tellConcerned: settings.tellConcerned, reason: '' }, (now) => ({ reason: settings.fourEyes && !now.fourEyes && now.reason.trim().length < REASON_LENGTH_MIN && t('release.reasonShort') }));
  const loosened = settings.fourEyes && !eyes.values.fourEyes;
  return (
    <>
      <Panel title={t('settings.general')}>
        <Form submit={t('form.save')} check={general.check} send={() => changeOwnTenant(general.values)} done={t('form.saved')} refresh={refresh}>
          <TagsInput size="sm" label={t('settings.notifications')} description={t('settings.notificationsHint')} {...general.pick('notifications')} />
          <TagsInput size="sm" label={t('tenants.organisations')} description={t('tenants.organisationsHint')} {...general.pick('organisations')} />
          <Select size="sm" maw={320} label={t('tenants.language')} allowDeselect={false} data={[{ value: '', label: t('settings.languageNone') }, { value: 'de', label: 'Deutsch' }, { value: 'en', label: 'English' }]} {...general.pick('language')} />
        </Form>
      </Panel>
      <Panel title={t('settings.fourEyes')} lead={t('settings.fourEyesText')}>
        <Form submit={t('form.save')} check={eyes.check} send={() => changeOwnTenant({ fourEyes: eyes.values.fourEyes, tellConcerned: eyes.values.tellConcerned, reason: eyes.values.reason.trim() })} done={t('form.saved')} refresh={refresh}>
          <Checkbox label={t('settings.fourEyesLabel')} description={t('settings.fourEyesHint')} {...eyes.flag('fourEyes')} />
          <Checkbox label={t('settings.tellConcerned')} description={t('settings.tellConcernedHint')} {...eyes.flag('tellConcerned')} />
          {loosened && <Note tone="warn">{t('settings.fourEyesOff')}</Note>}
          {loosened && <TextInput size="sm" label={t('release.reason')} description={t('release.reasonHint')} {...eyes.text('reason')} />}
        </Form>
      </Panel>
    </>
  );
}
