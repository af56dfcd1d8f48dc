import { Checkbox, NumberInput, Select, TagsInput, Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { FetchConfig } from '../../api/fetch';
import { SpanFields } from '../../forms/SpanFields';
import { useTexts } from '../../i18n';
import { Note } from '../../ui/Badge';
import { addDays, dayOf, startOf } from '../../ui/days';
import { type FieldsProps, mailboxesOf, mailboxesText, type Mode, SIZE_MEBIBYTES_MAX } from './draft';
import classes from './Fetch.module.css';

const MODES = ['journal', 'mailbox', 'mailboxes'] as const;
const ORDERS = ['oldest-first', 'newest-first'] as const;
const AFTER = ['delete', 'keep', 'move'] as const;

/** What is read: one folder, a person's mailbox, or those of many. */
export function MailFields({ draft: { config, rules }, set, setConfig, fault }: FieldsProps) {
  const { t } = useTexts();
  const { mode } = config;
  const pop3 = config.protocol === 'pop3';
  const change = (kind: Mode['kind']) => {
    // People keep their mail; a journal mailbox is emptied.
    const after: FetchConfig['after'] = { kind: kind === 'journal' ? 'delete' : 'keep' };
    if (kind === 'journal') setConfig({ mode: { kind, folder: 'INBOX' }, after });
    else if (kind === 'mailbox') setConfig({ mode: { kind, address: config.user.includes('@') ? config.user : '' }, after });
    else setConfig({ mode: { kind, by: { kind: config.signIn === 'oauth' ? 'oauth' : 'authorization-id' }, mailboxes: [], everyAccount: false }, after });
  };
  const days = { from: config.since ? dayOf(config.since) : '', until: config.until ? addDays(dayOf(config.until), -1) : '' };
  return (
    <div className={classes.grid}>
      <Select className={classes.wide} size="sm" label={t('fetch.mode')} allowDeselect={false} value={mode.kind} onChange={(value) => change((value ?? 'journal') as Mode['kind'])} data={MODES.map((value) => ({ value, label: t(`fetch.mode.${value}`) }))} />
      {mode.kind === 'journal' && !pop3 && <TextInput size="sm" label={t('fetch.folder')} value={mode.folder} onChange={(event) => setConfig({ mode: { ...mode, folder: event.currentTarget.value } })} />}
      {mode.kind === 'mailbox' && <TextInput size="sm" label={t('fetch.address')} description={t('fetch.addressHint')} autoCapitalize="none" spellCheck={false} value={mode.address} error={fault('address')} onChange={(event) => setConfig({ mode: { ...mode, address: event.currentTarget.value.trim() } })} />}
      {mode.kind === 'mailboxes' && <Many mode={mode} onChange={(next) => setConfig({ mode: next })} oauth={config.signIn === 'oauth'} error={fault('mailboxes')} />}
      {pop3 && <div className={classes.wide}><Note>{t('fetch.pop3Only')}</Note></div>}
      {!pop3 && mode.kind !== 'journal' && (
        <>
          <TagsInput size="sm" label={t('fetch.include')} description={t('fetch.patternHint')} value={config.include} onChange={(include) => setConfig({ include })} acceptValueOnBlur />
          <TagsInput size="sm" label={t('fetch.exclude')} description={t('fetch.excludeHint')} placeholder="\Junk" value={config.exclude} onChange={(exclude) => setConfig({ exclude })} acceptValueOnBlur />
        </>
      )}
      <Select size="sm" label={t('fetch.order')} description={t('fetch.orderHint')} allowDeselect={false} value={config.order} onChange={(value) => setConfig({ order: (value ?? 'oldest-first') as FetchConfig['order'] })} data={ORDERS.map((value) => ({ value, label: t(`fetch.order.${value}`) }))} />
      <NumberInput size="sm" label={t('fetch.sizeMax')} description={t('fetch.sizeMaxHint')} min={1} max={SIZE_MEBIBYTES_MAX} allowDecimal={false} allowNegative={false} value={config.mailMebibytesMax ?? ''} error={fault('size')} onChange={(value) => setConfig({ mailMebibytesMax: value === '' ? null : Number(value) })} />
      <div className={classes.wide}><SpanFields legend={t('fetch.dates')} hint={t('fetch.datesHint')} {...days} onChange={(from, until) => setConfig({ since: from ? startOf(from) : null, until: until ? startOf(addDays(until, 1)) : null })} /></div>
      <Checkbox label={t('sources.journalReports')} description={t('sources.journalReportsHint')} checked={rules.journalReports} onChange={(event) => set({ rules: { ...rules, journalReports: event.currentTarget.checked } })} />
      <Checkbox label={t('sources.deliveredTo')} description={t('sources.deliveredToHint')} checked={rules.deliveredTo} onChange={(event) => set({ rules: { ...rules, deliveredTo: event.currentTarget.checked } })} />
      <TagsInput size="sm" label={t('sources.headers')} description={t('sources.headersHint')} value={rules.headers} onChange={(headers) => set({ rules: { ...rules, headers } })} acceptValueOnBlur />
    </div>
  );
}

interface ManyProps {
  mode: Extract<Mode, { kind: 'mailboxes' }>;
  onChange: (mode: Mode) => void;
  oauth: boolean;
  error: string | undefined;
}

/** Mailboxes that a service account opens. */
function Many({ mode, onChange, oauth, error }: ManyProps) {
  const { t } = useTexts();
  const [text, setText] = useState(mailboxesText(mode.mailboxes ?? []));
  const { by } = mode;
  return (
    <>
      {!oauth && <Select size="sm" label={t('fetch.service')} allowDeselect={false} value={by.kind} onChange={(value) => onChange({ ...mode, by: value === 'master-user' ? { kind: 'master-user', separator: '*' } : { kind: 'authorization-id' } })} data={(['authorization-id', 'master-user'] as const).map((value) => ({ value, label: t(`fetch.service.${value}`) }))} />}
      {by.kind === 'master-user' && <TextInput size="sm" label={t('fetch.separator')} value={by.separator} onChange={(event) => onChange({ ...mode, by: { ...by, separator: event.currentTarget.value } })} />}
      <Checkbox className={classes.wide} label={t('fetch.everyAccount')} description={t('fetch.everyAccountHint')} checked={mode.everyAccount ?? false} onChange={(event) => onChange({ ...mode, everyAccount: event.currentTarget.checked })} />
      <Textarea className={classes.wide} size="sm" label={t('fetch.mailboxList')} description={t('fetch.mailboxListHint')} rows={5} spellCheck={false} autoCapitalize="none" value={text} error={error} onChange={(event) => { setText(event.currentTarget.value); onChange({ ...mode, mailboxes: mailboxesOf(event.currentTarget.value) }); }} />
    </>
  );
}

/** How often, and what becomes of a mail on its server. */
export function ScheduleFields({ draft: { config }, setConfig, fault }: FieldsProps) {
  const { t } = useTexts();
  const { after } = config;
  const pop3 = config.protocol === 'pop3';
  const change = (kind: FetchConfig['after']['kind']) => setConfig({ after: kind === 'move' ? { kind, folder: '' } : { kind } });
  return (
    <div className={classes.grid}>
      <NumberInput size="sm" label={t('fetch.everyMinutes')} min={1} allowDecimal={false} allowNegative={false} value={config.everyMinutes} error={fault('every')} onChange={(value) => setConfig({ everyMinutes: Number(value) })} />
      <NumberInput size="sm" label={t('fetch.reconcileEvery')} description={t('fetch.reconcileEveryHint')} min={1} allowDecimal={false} allowNegative={false} value={config.reconcileEveryHours ?? ''} onChange={(value) => setConfig({ reconcileEveryHours: value === '' ? null : Number(value) })} />
      {!pop3 && <Checkbox className={classes.wide} label={t('fetch.idle')} description={t('fetch.idleHint')} checked={config.idle} onChange={(event) => setConfig({ idle: event.currentTarget.checked })} />}
      <Select size="sm" label={t('fetch.after')} description={t('fetch.afterHint')} allowDeselect={false} value={after.kind} onChange={(value) => change((value ?? 'delete') as FetchConfig['after']['kind'])} data={AFTER.filter((value) => value !== 'move' || !pop3).map((value) => ({ value, label: t(`fetch.after.${value}`) }))} />
      {after.kind === 'move' && <TextInput size="sm" label={t('fetch.moveTo')} value={after.folder} error={fault('moveTo')} onChange={(event) => setConfig({ after: { kind: 'move', folder: event.currentTarget.value } })} />}
      {after.kind === 'keep' && config.mode.kind === 'journal' && <div className={classes.wide}><Note tone="warn">{t('fetch.keepWarning')}</Note></div>}
      {after.kind === 'delete' && config.mode.kind !== 'journal' && <div className={classes.wide}><Note tone="warn">{t('fetch.deleteWarning')}</Note></div>}
      <Checkbox className={classes.wide} label={t('fetch.enabled')} checked={config.enabled} onChange={(event) => setConfig({ enabled: event.currentTarget.checked })} />
    </div>
  );
}
