import { Button, Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ApiError, type Schemas } from '../../api/client';
import { statusQuery } from '../../api/queries';
import { paths } from '../../app/paths';
import { problemText } from '../../components/problem';
import { Copyable } from '../../components/RecipientsTab';
import { useTitle } from '../../hooks/useTitle';
import { useTexts } from '../../i18n';
import { EmptyState } from '../../ui/EmptyState';
import { IconAlertTriangle, IconCheck, IconShieldLock } from '../../ui/icons';
import page from '../page.module.css';
import { RateChart } from './RateChart';
import classes from './StatusPage.module.css';
import { StoredChart } from './StoredChart';

type Status = Schemas['Status'];

const INDEX_LAG_USUAL = 5_000;
const CERTIFICATE_DAYS_MIN = 21;
const DAY_MS = 86_400_000;

/** How the archive is doing right now, renewed every five seconds. */
export function StatusPage() {
  const texts = useTexts();
  const { t } = texts;
  const { data, error, refetch } = useQuery(statusQuery);
  useTitle(t('status.title'));
  if (error && !data) {
    const hidden = error instanceof ApiError && (error.status === 404 || error.status === 403);
    return (
      <EmptyState level={1} alert icon={hidden ? <IconShieldLock size={24} /> : <IconAlertTriangle size={24} />} title={hidden ? t('admin.onlyTitle') : t('error.title')} actions={!hidden && <Button variant="default" onClick={() => void refetch()}>{t('error.retry')}</Button>}>
        {hidden ? t('admin.onlyText') : problemText(error, texts)}
      </EmptyState>
    );
  }
  return (
    <div className={page.page}>
      <div className={page.sheet}>
        <header className={page.head}>
          <div>
            <h1 className={page.title}>{t('status.title')}</h1>
            <p className={page.lead}>{t('status.lead')}</p>
          </div>
          <div className={page.aside}>{data && t('status.version', { version: data.version, uptime: texts.duration(data.uptimeSeconds) })}</div>
        </header>
        {error && <div className={classes.stale} role="alert">{t('status.stale')}</div>}
        {data ? <Panels status={data} /> : <div className={classes.tiles} role="status" aria-label={t('list.loading')}>{[1, 2, 3, 4].map((i) => <div key={i} className={classes.tile}><Skeleton height={10} width="50%" mb={14} /><Skeleton height={22} width="40%" /></div>)}</div>}
      </div>
    </div>
  );
}

function Panels({ status }: { status: Status }) {
  const { t, n, number, bytes, duration, relative } = useTexts();
  const { intake, spool, archive, index } = status;
  const last = intake.perMinute.at(-2) ?? intake.perMinute.at(-1);
  const stored = archive.storedBytes;
  const whole = stored.packs + stored.keys + stored.catalog + stored.index;
  return (
    <>
      <div className={classes.tiles}>
        <Tile label={t('status.rate')} value={number(last?.mails ?? 0)} unit={t('status.perMinute')} note={n('status.connections', intake.connections)} tone="good" />
        <Tile label={t('status.spool')} value={number(spool.depth)} unit={t('status.waiting')} note={spool.state === 'full' ? t('status.spoolFull') : spool.depth === 0 ? t('status.spoolEmpty') : t('status.spoolOldest', { age: duration(spool.oldestSeconds ?? 0), size: bytes(spool.bytes) })} tone={spool.state === 'full' ? 'bad' : 'good'} />
        <Tile label={t('status.lag')} value={number(index.lag)} unit={t('status.notSearchable')} note={index.lastCommitAt ? t('status.lastCommit', { when: relative(index.lastCommitAt) }) : t('status.noCommit')} tone={index.lag > INDEX_LAG_USUAL ? 'warn' : 'good'} />
        <Tile label={t('status.quarantined')} value={number(archive.quarantined)} unit={t('status.decisions')} note={<Link to={paths.queues} className={classes.link}>{t('status.toQuarantine')}</Link>} tone={archive.quarantined > 0 ? 'warn' : 'good'} />
      </div>
      <div className={classes.columns}>
        <section className={classes.panel}>
          <h2 className={classes.heading}>{t('status.intake')}</h2>
          <p className={classes.sub}>{t('status.intakeText', { total: number(intake.acceptedTotal) })}</p>
          <RateChart minutes={intake.perMinute} />
        </section>
        <section className={classes.panel}>
          <h2 className={classes.heading}>{t('status.stored')}</h2>
          <p className={classes.sub}>{archive.rawBytes > 0 ? t('status.storedText', { stored: bytes(whole), raw: bytes(archive.rawBytes), percent: number((whole / archive.rawBytes) * 100) }) : t('status.storedNothing')}</p>
          <StoredChart bytes={stored} raw={archive.rawBytes} />
          <dl className={classes.counts}>
            <div><dt>{t('status.records')}</dt><dd>{number(archive.records)}</dd></div>
            <div><dt>{t('status.reports')}</dt><dd>{number(archive.reports)}</dd></div>
            <div><dt>{t('status.merged')}</dt><dd>{number(archive.merged)}</dd></div>
          </dl>
        </section>
        <section className={classes.panel}>
          <h2 className={classes.heading}>{t('status.addresses')}</h2>
          <p className={classes.sub}>{t('status.addressesText')}</p>
          {status.journalAddresses.length === 0 && <p className="muted">{t('status.noAddresses')}</p>}
          <ul className={classes.addresses}>{status.journalAddresses.map((address) => <li key={address}><Copyable text={address} /></li>)}</ul>
        </section>
        <section className={classes.panel}>
          <h2 className={classes.heading}>{t('status.certificates')}</h2>
          {status.certificates.length === 0 && <p className="muted">{t('status.noCertificates')}</p>}
          <ul className={classes.certificates}>{status.certificates.map((certificate) => <Certificate key={certificate.subject + certificate.notAfter} certificate={certificate} />)}</ul>
        </section>
      </div>
    </>
  );
}

interface TileProps {
  label: string;
  value: string;
  unit: string;
  note: ReactNode;
  tone: 'bad' | 'good' | 'warn';
}

function Tile({ label, value, unit, note, tone }: TileProps) {
  const { t } = useTexts();
  return (
    <div className={classes.tile} data-tone={tone}>
      <h2 className={classes.label}>
        {label}
        {tone === 'good' ? <IconCheck size={14} role="img" aria-label={t('status.tone.good')} /> : <IconAlertTriangle size={14} role="img" aria-label={t(`status.tone.${tone}`)} />}
      </h2>
      <div className={classes.value}>{value} <span className={classes.unit}>{unit}</span></div>
      <div className={classes.note}>{note}</div>
    </div>
  );
}

function Certificate({ certificate }: { certificate: Schemas['Certificate'] }) {
  const { t, n, date } = useTexts();
  const days = Math.floor((new Date(certificate.notAfter).getTime() - Date.now()) / DAY_MS);
  const tone = days < 0 ? 'bad' : days < CERTIFICATE_DAYS_MIN ? 'warn' : 'good';
  return (
    <li>
      <div className={classes.subject}>{certificate.subject}</div>
      <div className="muted">{t('status.notAfter', { date: date(certificate.notAfter) })}</div>
      <div className={classes.badges}>
        <span className={classes.badge} data-tone={tone}>{days < 0 ? t('status.expired') : n('status.daysLeft', days)}</span>
        {certificate.selfSigned && <span className={classes.badge} data-tone="warn">{t('status.selfSigned')}</span>}
      </div>
      {certificate.selfSigned && <p className={classes.hint}>{t('status.selfSignedText')}</p>}
    </li>
  );
}
