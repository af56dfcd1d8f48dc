import { Button, Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { checkConnection, connectQuery, type ConnectCheck, type ConnectMicrosoft365, type ConnectStep } from '../../api/operation';
import { Copyable } from '../../components/Copyable';
import { Failure } from '../../components/Failure';
import { useAct } from '../../hooks/useAct';
import { type Key, useTexts } from '../../i18n';
import { Note } from '../../ui/Badge';
import { IconAlertTriangle, IconCheck, IconClock, IconRefresh, IconX } from '../../ui/icons';
import { Facts, Page, Panel } from '../../ui/Page';
import classes from './ConnectPage.module.css';

const ICONS = { ok: IconCheck, warn: IconAlertTriangle, fail: IconX, pending: IconClock };

/** Every step by which Exchange Online comes to journal here, with the exact values and live checks. */
export function ConnectPage() {
  const { t } = useTexts();
  const { data, error, refetch } = useQuery(connectQuery);
  const check = useAct(() => checkConnection(), { refresh: [['connect']] });
  const again = <Button leftSection={<IconRefresh size={14} aria-hidden />} loading={check.isPending} onClick={() => check.mutate()}>{t('connect.check')}</Button>;
  if (error && !data) return <Page title={t('connect.title')}><Failure error={error} retry={() => void refetch()} /></Page>;
  return (
    <Page title={t('connect.title')} lead={t('connect.lead')}>
      {data && (
        <div className={classes.layout}>
          <div>
            {data.steps.map((step, i) => <Step key={step.code} step={step} number={i + 1} data={data} />)}
          </div>
          <aside className={classes.aside} aria-label={t('connect.checks')}>
            <Panel title={t('connect.checks')} lead={t('connect.checksText')} actions={again}>
              <ul className={classes.checks} aria-live="polite">{data.checks.map((one) => <Check key={one.code} check={one} />)}</ul>
            </Panel>
            <Panel title={t('connect.facts')}>
              <Facts
                facts={[
                  [t('connect.host'), <Copyable key="host" text={data.hostName} what={t('connect.host')} />],
                  [t('connect.port'), String(data.port)],
                  [t('connect.certificate'), data.certificate.subject],
                  [t('connect.issuer'), data.certificate.issuer],
                ]}
              />
            </Panel>
          </aside>
        </div>
      )}
    </Page>
  );
}

function Step({ step, number, data }: { step: ConnectStep; number: number; data: ConnectMicrosoft365 }) {
  const { t } = useTexts();
  const text = (suffix: string) => {
    const key = `connect.step.${step.code.replace(/-/g, '_')}${suffix}` as Key;
    return t(key) === key ? '' : t(key);
  };
  const valueName = (name: string) => {
    const key = `connect.value.${name.replace(/-/g, '_')}` as Key;
    return t(key) === key ? name : t(key);
  };
  return (
    <Panel title={<span className={classes.numbered}><span className={classes.number} aria-hidden>{number}</span>{text('') || step.code}</span>}>
      <p className={classes.text}>{text('.text')}</p>
      {step.code === 'connector' && data.certificate.selfSigned && <Note tone="warn">{t('connect.selfSigned')}</Note>}
      <Tabs defaultValue="centre" keepMounted={false}>
        <Tabs.List mb={10}>
          <Tabs.Tab value="centre">{t('connect.centre')}</Tabs.Tab>
          {step.powershell && <Tabs.Tab value="powershell">PowerShell</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value="centre">
          {text('.where') && <p className={classes.where}>{text('.where')}</p>}
          <dl className={classes.values}>
            {step.values.map((value) => (
              <div key={value.name}><dt>{valueName(value.name)}</dt><dd><Copyable text={value.value} what={valueName(value.name)} block /></dd></div>
            ))}
          </dl>
        </Tabs.Panel>
        {step.powershell && <Tabs.Panel value="powershell"><Copyable text={step.powershell} what="PowerShell" block /></Tabs.Panel>}
      </Tabs>
    </Panel>
  );
}

function Check({ check }: { check: ConnectCheck }) {
  const { t, relative } = useTexts();
  const Icon = ICONS[check.state];
  const code = check.code.replace(/-/g, '_');
  const named = (key: Key, otherwise: string) => (t(key) === key ? otherwise : t(key));
  return (
    <li className={classes.check} data-state={check.state}>
      <Icon size={16} role="img" aria-label={t(`connect.state.${check.state}`)} />
      <div>
        <div>{named(`connect.check.${code}` as Key, check.code)}</div>
        <div className={classes.detail}>
          {check.state === 'pending' ? t('connect.state.pending') : check.state === 'ok' ? t('connect.state.ok') : named(`connect.reason.${check.reason.replace(/-/g, '_')}` as Key, check.detail || check.reason)}
          {check.at && ` · ${relative(check.at)}`}
        </div>
        {check.state !== 'ok' && check.detail && <div className={classes.detail} lang="en">{check.detail}</div>}
      </div>
    </li>
  );
}
