import { Menu, UnstyledButton } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import type { Schemas } from '../api/client';
import { useTexts } from '../i18n';
import { IconAlertTriangle, IconChevronDown, IconInfoCircle } from '../ui/icons';
import { initials } from './AccountMenu';
import { Attachments } from './Attachments';
import { MailIcon } from './MailIcon';
import classes from './MessageHead.module.css';
import { nameOf } from './MessageList';

type Mailbox = Schemas['Mailbox'];

interface Props {
  record: Schemas['Record'];
  level: 1 | 2;
  back?: ReactNode;
  actions: ReactNode;
  /** How it is proven. */
  badge?: ReactNode;
  onVersion: (id: string) => void;
}

const SHOWN = 4;
const INFORMATIVE: Schemas['Mark'][] = ['decrypted_copy', 'recipients_from_headers', 'too_complex'];

/** Who wrote to whom about what, and what to know before reading on. */
export function MessageHead({ record, level, back, actions, badge, onVersion }: Props) {
  const { t, date } = useTexts();
  const [sender] = record.from;
  const Subject = level === 1 ? 'h1' : 'h2';
  return (
    <header className={classes.head}>
      <div className={classes.top}>
        {back}
        <Subject className={classes.subject}>{record.subject || t('mail.noSubject')}</Subject>
        <div className={classes.actions}>{actions}</div>
      </div>
      <div className={classes.people}>
        <div className={classes.avatar} aria-hidden>{initials(nameOf(sender))}</div>
        <div className={classes.who}>
          <div className={classes.from}>
            <span className={classes.sender}>
              <strong>{nameOf(sender) || t('mail.noSender')}</strong>
              {sender?.name && <span className="muted"> &lt;{sender.address}&gt;</span>}
            </span>
            <span className={classes.facts}>
              {badge}
              <MailIcon kind={record.kind} />
              <Versions record={record} onVersion={onVersion} />
              <time dateTime={record.date ?? record.receivedAt} className="tabular">{date(record.date ?? record.receivedAt)}</time>
            </span>
          </div>
          <People label={t('mail.to')} list={record.to} />
          <People label={t('mail.cc')} list={record.cc} />
          <People label={t('mail.bcc')} list={record.bcc} />
          <People label={t('mail.replyTo')} list={record.replyTo} />
        </div>
      </div>
      {record.marks.map((mark) => (
        <div key={mark} className={classes.mark} data-tone={INFORMATIVE.includes(mark) ? 'info' : 'warn'}>
          {INFORMATIVE.includes(mark) ? <IconInfoCircle size={16} aria-hidden /> : <IconAlertTriangle size={16} aria-hidden />}
          <span><strong>{t(`mark.${mark}.title`)}.</strong> {t(`mark.${mark}.text`)}</span>
        </div>
      ))}
      <Attachments id={record.id} attachments={record.attachments} />
    </header>
  );
}

function People({ label, list }: { label: string; list: Mailbox[] }) {
  const { t } = useTexts();
  const [all, setAll] = useState(false);
  if (list.length === 0) return null;
  const shown = all ? list : list.slice(0, SHOWN);
  return (
    <div className={classes.row}>
      <span className={classes.label}>{label}</span>
      <span className={classes.names}>
        {shown.map((mailbox, i) => (
          <span key={i} title={mailbox.address}>
            {nameOf(mailbox)}
            {all && mailbox.name && <span className="muted"> &lt;{mailbox.address}&gt;</span>}
            {i < shown.length - 1 && ', '}
          </span>
        ))}
        {list.length > SHOWN && (
          <button type="button" className={classes.more} aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? t('mail.fewer') : t('mail.morePeople', { count: list.length - SHOWN })}
          </button>
        )}
      </span>
    </div>
  );
}

function Versions({ record, onVersion }: { record: Schemas['Record']; onVersion: (id: string) => void }) {
  const { t, n, date, bytes } = useTexts();
  const others = record.versions.filter((version) => version.id !== record.id);
  if (others.length === 0) return null;
  return (
    <Menu position="bottom-end" width={320}>
      <Menu.Target>
        <UnstyledButton className={classes.versions}>
          {n('mail.versions', others.length + 1)}
          <IconChevronDown size={12} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label style={{ whiteSpace: 'normal' }}>{t('mail.versionsText')}</Menu.Label>
        {others.map((version) => (
          <Menu.Item key={version.id} onClick={() => onVersion(version.id)}>
            {t('mail.version', { date: date(version.receivedAt), size: bytes(version.sizeBytes) })}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
