import '../i18n/console';
import { NumberInput, PasswordInput, SegmentedControl, Select, Textarea, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { beginExport, beginRestore, type ChosenMails, type NewExport, type NewRestore } from '../api/takeout';
import { useSession } from '../hooks/useSession';
import { useTexts } from '../i18n';
import { Note } from '../ui/Badge';
import { Form } from './Form';
import { useFields } from './useFields';

const REASON_LENGTH_MIN = 5;
const ADDRESS = /^\S+@\S+$/;
const PORTS = { none: 143, starttls: 143, tls: 993 };
type Security = keyof typeof PORTS;
type Way = 'imap' | 'smtp' | 'source';

interface Props {
  mails: ChosenMails;
  /** The query or the subject, for people. */
  about: ReactNode;
  close: () => void;
}

/** Mail as files, with everything that proves it where the role may see that. */
export function ExportForm({ mails, about, close }: Props) {
  const { t } = useTexts();
  const role = useSession()?.account.role;
  const proves = role === 'auditor' || role === 'officer';
  const fields = useFields({ content: proves ? 'evidence' : 'eml', reason: '' }, (now) => ({ reason: proves && now.reason.trim().length < REASON_LENGTH_MIN && t('release.reasonShort') }));
  const { content, reason } = fields.values;
  const body = (): NewExport => ({ mails, evidence: content === 'evidence', format: content === 'mbox' ? 'mbox' : 'eml', target: 'zip', reason: reason.trim() });
  return (
    <Form submit={t('takeout.exportSubmit')} check={fields.check} send={() => beginExport(body())} done={t('takeout.exportBegun')} refresh={[['exports']]} onDone={close} onCancel={close}>
      {about}
      <Select size="sm" label={t('takeout.format')} allowDeselect={false} data-autofocus {...fields.pick('content')} data={(['evidence', 'eml', 'mbox'] as const).filter((value) => proves || value !== 'evidence').map((value) => ({ value, label: t(`takeout.format.${value}`) }))} />
      {content === 'evidence' && <Note>{t('takeout.evidenceHint')}</Note>}
      <div className="muted">{t('takeout.exportEffect')}</div>
      {proves && <Textarea size="sm" label={t('release.reason')} description={t('release.reasonHint')} rows={2} maxLength={1000} {...fields.text('reason')} />}
    </Form>
  );
}

/** Mail back to people: to an address, or for officers into a mailbox, also by what a source signs in with. */
export function RestoreForm({ mails, about, close }: Props) {
  const { t } = useTexts();
  const account = useSession()?.account;
  const officer = account?.role === 'officer';
  const [way, setWay] = useState<Way>('smtp');
  const imap = way === 'imap';
  const own = account?.addresses ?? [];
  const fields = useFields({ address: own[0] ?? '', host: '', security: 'tls' as Security, port: PORTS.tls as number | string, user: '', password: '', folder: '', pinned: '', source: '', mailbox: '', reason: '' }, (now) => ({
    address: way === 'smtp' && !ADDRESS.test(now.address.trim()) && t('takeout.addressWrong'),
    host: imap && !now.host.trim() && t('form.required'),
    user: imap && !now.user.trim() && t('form.required'),
    password: imap && !now.password && t('form.required'),
    source: way === 'source' && !now.source.trim() && t('form.required'),
    reason: officer && now.reason.trim().length < REASON_LENGTH_MIN && t('release.reasonShort'),
  }));
  const { values } = fields;
  const place = () => {
    if (way === 'source') return { source: { source: values.source.trim(), mailbox: values.mailbox.trim() || null, folder: values.folder.trim() || null } };
    return imap
      ? { mailbox: { host: values.host.trim(), port: Number(values.port), security: values.security, user: values.user.trim(), password: values.password, folder: values.folder.trim() || null, pinnedCertificate: values.pinned.replace(/[\s:]/g, '').toLowerCase() || null } }
      : { address: values.address.trim() };
  };
  const body = (): NewRestore => ({ mails, reason: values.reason.trim(), ...place() });
  return (
    <Form submit={t('takeout.restoreSubmit')} check={fields.check} send={() => beginRestore(body())} done={t('takeout.restoreBegun')} refresh={[['restores']]} onDone={close} onCancel={close}>
      {about}
      {officer && <SegmentedControl aria-label={t('takeout.way')} value={way} onChange={(value) => setWay(value as Way)} data={(['smtp', 'imap', 'source'] as const).map((value) => ({ value, label: t(`takeout.way.${value}`) }))} />}
      {way === 'smtp' && (own.length > 0 && !officer ? <Select size="sm" label={t('takeout.address')} allowDeselect={false} data={own} {...fields.pick('address')} /> : <TextInput size="sm" label={t('takeout.address')} inputMode="email" autoCapitalize="none" {...fields.text('address')} />)}
      {way === 'source' && (
        <>
          <TextInput size="sm" label={t('takeout.source')} description={t('takeout.sourceHint')} {...fields.text('source')} />
          <TextInput size="sm" label={t('takeout.mailbox')} description={t('takeout.mailboxHint')} autoCapitalize="none" spellCheck={false} {...fields.text('mailbox')} />
          <TextInput size="sm" label={t('takeout.folder')} description={t('takeout.folderHint')} {...fields.text('folder')} />
        </>
      )}
      {imap && (
        <>
          <TextInput size="sm" label={t('takeout.server')} autoCapitalize="none" spellCheck={false} {...fields.text('host')} />
          <Select size="sm" label={t('fetch.security')} allowDeselect={false} value={values.security} onChange={(value) => { const security = (value ?? 'tls') as Security; fields.set({ security, port: PORTS[security] }); }} data={(['tls', 'starttls', 'none'] as const).map((value) => ({ value, label: t(`fetch.security.${value}`) }))} />
          {values.security === 'none' && <Note tone="warn">{t('fetch.noneWarning')}</Note>}
          <NumberInput size="sm" label={t('fetch.port')} min={1} max={65_535} allowDecimal={false} thousandSeparator={false} {...fields.pick('port')} />
          <TextInput size="sm" label={t('takeout.user')} autoCapitalize="none" autoComplete="off" {...fields.text('user')} />
          <PasswordInput size="sm" label={t('takeout.password')} description={t('takeout.passwordHint')} autoComplete="new-password" visibilityToggleButtonProps={{ 'aria-label': t('password.show') }} {...fields.text('password')} />
          <TextInput size="sm" label={t('takeout.folder')} description={t('takeout.folderHint')} {...fields.text('folder')} />
          {values.security !== 'none' && <TextInput size="sm" label={t('fetch.pinned')} spellCheck={false} {...fields.text('pinned')} />}
        </>
      )}
      <div className="muted">{t('takeout.restoreEffect')}</div>
      {officer && <Textarea size="sm" label={t('release.reason')} description={t('release.reasonHint')} rows={2} maxLength={1000} {...fields.text('reason')} />}
    </Form>
  );
}
