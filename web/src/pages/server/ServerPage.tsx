import { Button, Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { patchSettings, sendTestMail, settingsQuery } from '../../api/operation';
import { Failure } from '../../components/Failure';
import { Form } from '../../forms/Form';
import { useFields } from '../../forms/useFields';
import { useFilters } from '../../hooks/useFilters';
import { useTexts } from '../../i18n';
import { Note } from '../../ui/Badge';
import { Dialog, useDialog } from '../../ui/Dialog';
import { Page, Panel } from '../../ui/Page';
import { TextInput } from '@mantine/core';
import { SECTIONS, type Section } from './sections';
import { SettingsForm } from './SettingsForm';

/** The server's settings: in use at once, unless the page says that a restart is needed. */
export function ServerPage() {
  const { t } = useTexts();
  const [filters, setFilters] = useFilters();
  const { data, error, refetch } = useQuery(settingsQuery);
  const testing = useDialog();
  const section: Section = SECTIONS.find((one) => one.name === filters.section) ?? (SECTIONS[0] as Section);
  if (error && !data) return <Page title={t('server.title')}><Failure error={error} retry={() => void refetch()} /></Page>;
  return (
    <Page title={t('server.title')} lead={t('server.lead')}>
      {data && data.restartNeeded.length > 0 && <Note tone="warn">{t('system.restart', { paths: data.restartNeeded.join(', ') })}</Note>}
      {data && (
        <Tabs value={section.name} onChange={(value) => setFilters({ section: value ?? undefined })} keepMounted={false}>
          <Tabs.List mb={12} aria-label={t('server.sections')}>
            {SECTIONS.map((one) => <Tabs.Tab key={one.name} value={one.name}>{t(`server.section.${one.name}`)}</Tabs.Tab>)}
          </Tabs.List>
          {SECTIONS.map((one) => (
            <Tabs.Panel key={one.name} value={one.name}>
              <Panel title={t(`server.section.${one.name}`)} lead={t(`server.sectionText.${one.name}`)} actions={one.name === 'notifications' && <Button variant="default" onClick={() => testing.open(true)}>{t('server.test')}</Button>}>
                <SettingsForm key={JSON.stringify(data.settings)} section={one} answer={data} save={patchSettings} />
              </Panel>
            </Tabs.Panel>
          ))}
        </Tabs>
      )}
      <Dialog dialog={testing} title={t('server.testTitle')}>{() => <TestForm close={testing.close} />}</Dialog>
    </Page>
  );
}

function TestForm({ close }: { close: () => void }) {
  const { t, language } = useTexts();
  const fields = useFields({ to: '' }, (now) => ({ to: !/^[^\s@]+@[^\s@]+$/.test(now.to.trim()) && t('form.address') }));
  return (
    <Form submit={t('server.testSubmit')} check={fields.check} send={() => sendTestMail(fields.values.to.trim(), language)} done={t('server.testDone')} onDone={close} onCancel={close}>
      <div>{t('server.testEffect')}</div>
      <TextInput size="sm" type="email" label={t('server.testTo')} data-autofocus autoComplete="email" {...fields.text('to')} />
    </Form>
  );
}
