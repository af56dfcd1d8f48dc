import type { ReactNode } from 'react';
import type { Schemas } from '../api/client';
import { urls } from '../api/queries';
import { type Translator, useTexts } from '../i18n';
import { IconArrowForwardUp, IconDownload, IconEyeOff, IconUsers } from '../ui/icons';
import { Copyable } from './Copyable';
import classes from './RecipientsTab.module.css';

type Record_ = Schemas['Record'];
type Recipient = Schemas['Recipient'];

const SENDING: Schemas['Role'][] = ['sender', 'on_behalf_of'];
const SHOWN_MAX = 500;

/** Why one address has this mail, as a sentence or two. */
function reasonOf(recipient: Recipient, { rich }: Translator, withWitness: boolean): ReactNode {
  const strong = (text: string) => <strong>{text}</strong>;
  const how = recipient.expandedFrom
    ? rich('why.expanded', { list: strong(recipient.expandedFrom) })
    : recipient.forwardedFrom
      ? rich('why.forwarded', { mailbox: strong(recipient.forwardedFrom) })
      : rich(`why.role.${recipient.role}`, {});
  return <>{how} {withWitness && <span className="muted">{rich(`why.known.${recipient.provenance}`, {})}</span>}</>;
}

/** Addresses of To and Cc that nobody reported as received: lists, people outside, or a claim. */
function unconfirmed(record: Record_): { address: string; members: number }[] {
  const received = new Set(record.recipients.filter((recipient) => !SENDING.includes(recipient.role)).map((recipient) => recipient.address.toLowerCase()));
  const named = [...record.to, ...record.cc].map((mailbox) => mailbox.address).filter((address) => address && !received.has(address.toLowerCase()));
  return [...new Set(named)].map((address) => ({
    address,
    members: record.recipients.filter((recipient) => recipient.expandedFrom?.toLowerCase() === address.toLowerCase()).length,
  }));
}

/** Who really received the mail and why, on whose word. */
export function RecipientsTab({ record, level }: { record: Record_; level: 1 | 2 }) {
  const Heading = level === 1 ? 'h2' : 'h3';
  const texts = useTexts();
  const { t, n } = texts;
  const received = record.recipients.filter((recipient) => !SENDING.includes(recipient.role));
  const reported = received.filter((recipient) => recipient.provenance === 'journal_report');
  const claimed = unconfirmed(record);
  // Said once where all entries rest on the same word.
  const provenances = new Set(record.recipients.map((recipient) => recipient.provenance));
  const [witness = null] = provenances.size === 1 ? provenances : [];
  const addresses = new Set(received.map((recipient) => recipient.address.toLowerCase()));
  // Blind copies and the report itself are shown to senders and auditors only.
  const limited = record.reports.length === 0;
  const count = (test: (recipient: Recipient) => boolean) => new Set(received.filter(test).map((recipient) => recipient.address.toLowerCase())).size;
  const [hidden, viaList, forwarded] = [count((r) => r.role === 'bcc'), count((r) => !!r.expandedFrom), count((r) => !!r.forwardedFrom)];
  return (
    <div className={classes.root} tabIndex={0} role="region" aria-label={t('tab.recipients')}>
      <p className={classes.summary}>
        {reported.length > 0 ? n(limited ? 'why.summaryLimited' : 'why.summary', addresses.size) : n('why.summaryOther', addresses.size)}
        {witness && <span className="muted">{t(`why.known.${witness}`)}</span>}
        {hidden > 0 && <span className={classes.fact}><IconEyeOff size={14} aria-hidden />{n('why.hidden', hidden)}</span>}
        {viaList > 0 && <span className={classes.fact}><IconUsers size={14} aria-hidden />{n('why.viaList', viaList)}</span>}
        {forwarded > 0 && <span className={classes.fact}><IconArrowForwardUp size={14} aria-hidden />{n('why.viaForward', forwarded)}</span>}
      </p>
      <table className={classes.table}>
        <thead>
          <tr><th scope="col">{t('why.address')}</th><th scope="col">{t('why.as')}</th><th scope="col">{t('why.reason')}</th></tr>
        </thead>
        <tbody>
          {record.recipients.slice(0, SHOWN_MAX).map((recipient, i) => (
            <tr key={i}>
              <th scope="row">{recipient.address}</th>
              <td><span className={classes.badge} data-role={recipient.role}>{t(`recipient.${recipient.role}`)}</span></td>
              <td>{reasonOf(recipient, texts, witness === null)}</td>
            </tr>
          ))}
          {claimed.map(({ address, members }) => (
            <tr key={address} className={classes.claimed}>
              <th scope="row">{address}</th>
              <td><span className={classes.badge}>{t('recipient.named')}</span></td>
              <td>{members > 0 ? n('why.listNamed', members) : t('why.onlyNamed')}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {record.recipients.length > SHOWN_MAX && <p className="muted">{t('why.more', { count: record.recipients.length - SHOWN_MAX })}</p>}
      <Reports record={record} Heading={Heading} />
      <Arrival record={record} Heading={Heading} />
    </div>
  );
}

interface SectionProps {
  record: Record_;
  /** One level below the subject's. */
  Heading: 'h2' | 'h3';
}

function Reports({ record, Heading }: SectionProps) {
  const { t, date, bytes } = useTexts();
  return (
    <section>
      <Heading className={classes.heading}>{t('reports.title')}</Heading>
      {record.reports.length === 0 && <p className="muted">{record.recipients.some((recipient) => recipient.provenance === 'journal_report') ? t('reports.hidden') : t('reports.none')}</p>}
      <ul className={classes.reports}>
        {record.reports.map((report) => (
          <li key={report.contentId}>
            <div>
              <div>{date(report.receivedAt)}</div>
              <div className="muted">
                {[report.variant && t(`variant.${report.variant}`), report.originatorOrg, bytes(report.sizeBytes)].filter(Boolean).join(' · ')}
              </div>
            </div>
            <a href={urls.report(record.id, report.contentId)} download className={classes.download}>
              <IconDownload size={14} aria-hidden />
              {t('reports.download')}
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Arrival({ record, Heading }: SectionProps) {
  const { t, date, bytes } = useTexts();
  const { envelope } = record;
  const source = record.source.kind === 'smtp' || record.source.kind === 'fetch' || record.source.kind === 'import' ? t(`arrival.${record.source.kind}`) : record.source.kind;
  const facts: [string, ReactNode][] = [
    [t('arrival.received'), date(record.receivedAt)],
    [t('arrival.source'), [source, record.source.name].filter(Boolean).join(' · ')],
  ];
  if (envelope) {
    facts.push([t('arrival.reversePath'), envelope.reversePath ? envelope.reversePath : t('arrival.nullSender')]);
    if (envelope.forwardPaths.length > 0) facts.push([t('arrival.forwardPaths'), envelope.forwardPaths.join(', ')]);
    if (envelope.peer) facts.push([t('arrival.peer'), [envelope.peer, envelope.tls ?? t('arrival.clear')].join(' · ')]);
  }
  facts.push([t('arrival.size'), bytes(record.sizeBytes)]);
  if (record.messageId) facts.push([t('arrival.messageId'), <Copyable key="id" text={record.messageId} />]);
  facts.push([t('arrival.content'), <Copyable key="content" text={record.contentId} />]);
  return (
    <section>
      <Heading className={classes.heading}>{t('arrival.title')}</Heading>
      <dl className={classes.facts}>
        {facts.map(([name, value]) => (
          <div key={name}><dt>{name}</dt><dd>{value}</dd></div>
        ))}
      </dl>
    </section>
  );
}
