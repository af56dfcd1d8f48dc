import { Progress } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { notificationsQuery, type NotificationsAnswer, type SystemStatus, systemQuery } from '../../api/operation';
import { statusQuery } from '../../api/queries';
import { Certificates } from '../../components/Certificates';
import { Failure } from '../../components/Failure';
import { usePermissions } from '../../hooks/useSession';
import { type Key, useTexts } from '../../i18n';
import { Badge, Note } from '../../ui/Badge';
import { EmptyState } from '../../ui/EmptyState';
import { IconAlertTriangle, IconShieldCheck } from '../../ui/icons';
import { Facts, Page, Panel, Panels } from '../../ui/Page';
import { RateChart } from './RateChart';
import classes from './SystemPage.module.css';

/** Whether everything works, and on what machine; renewed by itself. */
export function SystemPage() {
  const { t, duration } = useTexts();
  const operator = usePermissions().includes('manage_server');
  const status = useQuery(statusQuery);
  const notifications = useQuery(notificationsQuery);
  const { data: system } = useQuery({ ...systemQuery, enabled: operator });
  const { data } = status;
  if (status.error && !data) return <Page title={t('system.title')}><Failure error={status.error} retry={() => void status.refetch()} /></Page>;
  return (
    <Page title={t('system.title')} lead={t('system.lead')} aside={data && t('status.version', { version: data.version, uptime: duration(data.uptimeSeconds) })}>
      {status.error && <Note tone="warn" alert>{t('status.stale')}</Note>}
      {system && system.restartNeeded.length > 0 && <Note tone="warn">{t('system.restart', { paths: system.restartNeeded.join(', ') })}</Note>}
      <Conditions answer={notifications.data} />
      <Panels>
        {data && (
          <Panel title={t('status.intake')} lead={t('status.intakeText', { total: String(data.intake.acceptedTotal) })}>
            <RateChart minutes={data.intake.perMinute} />
          </Panel>
        )}
        {system && <Machine system={system} />}
        {data && <Panel title={t('status.certificates')}><Certificates certificates={data.certificates} /></Panel>}
      </Panels>
    </Page>
  );
}

function Conditions({ answer }: { answer: NotificationsAnswer | undefined }) {
  const { t, n, relative, date } = useTexts();
  if (!answer) return null;
  const name = (code: string) => (t(`system.condition.${code}` as Key) === `system.condition.${code}` ? code : t(`system.condition.${code}` as Key));
  return (
    <>
      <Panel title={t('system.conditions')}>
        {answer.conditions.length === 0 ? (
          <EmptyState icon={<IconShieldCheck size={24} />} title={t('system.noConditions')}>{t('system.noConditionsText')}</EmptyState>
        ) : (
          <ul className={classes.conditions}>
            {answer.conditions.map((condition) => (
              <li key={`${condition.code} ${condition.tenant ?? ''} ${condition.object}`}>
                <IconAlertTriangle size={16} aria-hidden />
                <div>
                  <strong>{name(condition.code)}</strong> <span className="muted" title={date(condition.since)}>{t('system.since', { when: relative(condition.since) })}</span>
                  <div className={classes.facts}>{[condition.object, ...Object.entries(condition.facts).map(([key, value]) => `${key}: ${value}`)].filter(Boolean).join(' · ')}</div>
                </div>
              </li>
            ))}
          </ul>
        )}
        {answer.waiting > 0 && <Note tone="warn">{n('system.outbox', answer.waiting)} {answer.lastError}</Note>}
      </Panel>
      <div className={classes.gap} />
    </>
  );
}

function Machine({ system }: { system: SystemStatus }) {
  const { t, number, bytes, date, stamp, duration } = useTexts();
  const { disk, lastBackup } = system;
  const used = disk.totalBytes > 0 ? ((disk.totalBytes - disk.freeBytes) / disk.totalBytes) * 100 : 0;
  return (
    <>
      <Panel title={t('system.readiness')} actions={<Badge tone={system.readiness.ready ? 'good' : 'bad'}>{t(system.readiness.ready ? 'system.ready' : 'system.notReady')}</Badge>}>
        <ul className={classes.parts}>
          {system.readiness.parts.map((part) => (
            <li key={part.part}><span>{t(`system.part.${part.part}` as Key)}</span> <span>{part.ready ? <Badge tone="good">{t('system.ready')}</Badge> : <><Badge tone="bad">{t('system.notReady')}</Badge> {part.reason}</>}</span></li>
          ))}
        </ul>
      </Panel>
      <Panel title={t('system.disk')} lead={t('system.diskFree', { free: bytes(disk.freeBytes), total: bytes(disk.totalBytes) })}>
        <Progress value={used} aria-label={t('system.disk')} color={disk.freeBytes < disk.reserveBytes * 2 ? 'red' : undefined} />
        <p className="muted">{t('system.diskReserve', { reserve: bytes(disk.reserveBytes) })}</p>
      </Panel>
      <Panel title={t('system.backup')}>
        {lastBackup ? (
          <>
            <Badge tone={lastBackup.outcome === 'done' ? 'good' : 'bad'}>{t(lastBackup.outcome === 'done' ? 'system.backupDone' : 'system.backupFailed')}</Badge> {date(lastBackup.at)}
            <p className="muted">{t('system.backupFacts', { files: number(lastBackup.files), size: bytes(lastBackup.bytes), copied: bytes(lastBackup.bytesCopied), duration: duration(lastBackup.seconds) })}</p>
          </>
        ) : (
          <Note tone="warn">{t('system.noBackup')}</Note>
        )}
      </Panel>
      <Panel title={t('system.machine')}>
        <Facts
          facts={[
            [t('system.host'), system.hostName],
            [t('system.os'), system.operatingSystem],
            [t('system.started'), stamp(system.startedAt)],
            [t('system.memory'), bytes(system.memoryBytes)],
            [t('system.files'), `${number(system.openFiles)} / ${number(system.openFilesMax)}`],
            [t('system.threads'), number(system.threads)],
            [t('system.processors'), number(system.processors)],
            [t('system.process'), String(system.processId)],
            [t('system.schema'), String(system.catalogSchema)],
            [t('system.folder'), system.dataFolder],
            [t('system.listeners'), system.listeners.map((one) => `${one.protocol} ${one.address}`).join(', ')],
          ]}
        />
      </Panel>
    </>
  );
}
