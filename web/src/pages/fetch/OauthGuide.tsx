import { PasswordInput, SegmentedControl, Select, Textarea, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import type { FetchOauth } from '../../api/fetch';
import { Copyable } from '../../components/Copyable';
import { useTexts } from '../../i18n';
import { Note } from '../../ui/Badge';
import { type Cloud, CLOUDS, type FieldsProps, isOther } from './draft';
import classes from './Fetch.module.css';

const NAMES = Object.keys(CLOUDS) as Cloud[];
const SHOWN_MAX = 20;

interface Props extends FieldsProps {
  setOauth: (change: Partial<FetchOauth>) => void;
}

/** How an app comes to read mailboxes without anybody's password: what to do at the provider, and what to enter here. */
export function OauthGuide(fields: FieldsProps) {
  const { draft: { config }, setConfig } = fields;
  const { t } = useTexts();
  const setOauth = (change: Partial<FetchOauth>) => setConfig({ oauth: { ...config.oauth, ...change } });
  const other = isOther(config);
  const props: Props = { ...fields, setOauth };
  return (
    <>
      <SegmentedControl mb={12} aria-label={t('fetch.oauth.kind')} value={other ? 'other' : 'microsoft365'} onChange={(value) => setOauth({ tokenUrl: value === 'other' ? '' : null })} data={(['microsoft365', 'other'] as const).map((value) => ({ value, label: t(`fetch.oauth.kind.${value}`) }))} />
      {other ? <OtherFields {...props} /> : <Microsoft {...props} />}
    </>
  );
}

function Step({ name, children }: { name: 'app' | 'credential' | 'mailbox' | 'permission' | 'principal'; children: ReactNode }) {
  const { t } = useTexts();
  return (
    <li>
      <div>
        <h3>{t(`fetch.oauth.step.${name}`)}</h3>
        <p>{t(`fetch.oauth.step.${name}.text`)}</p>
        {children}
      </div>
    </li>
  );
}

function Microsoft(props: Props) {
  const { draft: { config }, setConfig, setOauth, fault } = props;
  const { t } = useTexts();
  const [objectId, setObjectId] = useState('');
  const { oauth } = config;
  const cloud = NAMES.find((name) => CLOUDS[name].authority === oauth.authority) ?? 'worldwide';
  const permission = config.protocol === 'pop3' ? 'POP.AccessAsApp' : 'IMAP.AccessAsApp';
  const object = objectId.trim() || t('fetch.oauth.objectHole');
  const boxes = config.mode.kind === 'mailboxes' ? (config.mode.mailboxes ?? []).map((one) => one.user) : [config.user];
  const named = boxes.filter((one) => one !== '').slice(0, SHOWN_MAX);
  const mailboxes = named.length > 0 ? named : [t('fetch.oauth.mailboxHole')];
  const commands = (lines: string[], what: string) => <div className={classes.commands}>{lines.map((line) => <Copyable key={line} text={line} what={what} block />)}</div>;
  return (
    <>
      <p className="muted">{t('fetch.oauth.lead')}</p>
      {config.mode.kind === 'journal' && <Note tone="warn">{t('fetch.oauth.journalNote')}</Note>}
      <ol className={classes.guide}>
        <Step name="app">
          <div className={classes.grid}>
            <TextInput size="sm" label={t('fetch.oauth.clientId')} spellCheck={false} value={oauth.clientId} error={fault('clientId')} onChange={(event) => setOauth({ clientId: event.currentTarget.value.trim() })} />
            <TextInput size="sm" label={t('fetch.oauth.tenantId')} spellCheck={false} value={oauth.tenant} error={fault('tenant')} onChange={(event) => setOauth({ tenant: event.currentTarget.value.trim() })} />
          </div>
        </Step>
        <Step name="credential"><Credential {...props} /></Step>
        <Step name="permission"><Copyable text={permission} what={t('fetch.oauth.permission')} block /></Step>
        <Step name="principal">
          <Note tone="warn">{t('fetch.oauth.objectWarning')}</Note>
          <div className={classes.grid}><TextInput size="sm" label={t('fetch.oauth.objectId')} description={t('fetch.oauth.objectIdHint')} spellCheck={false} value={objectId} onChange={(event) => setObjectId(event.currentTarget.value)} /></div>
          {commands(['Connect-ExchangeOnline', `New-ServicePrincipal -AppId ${oauth.clientId || t('fetch.oauth.clientHole')} -ObjectId ${object} -DisplayName Chancery`], 'PowerShell')}
        </Step>
        <Step name="mailbox">{commands(mailboxes.flatMap((mailbox) => [`Add-MailboxPermission -Identity '${mailbox}' -User ${object} -AccessRights FullAccess`, `Set-CASMailbox -Identity '${mailbox}' ${config.protocol === 'pop3' ? '-PopEnabled' : '-ImapEnabled'} $true`]), 'PowerShell')}</Step>
      </ol>
      <details>
        <summary>{t('fetch.oauth.advanced')}</summary>
        <div className={classes.grid} style={{ marginTop: 8 }}>
          <Select size="sm" label={t('fetch.oauth.cloud')} allowDeselect={false} value={cloud} onChange={(value) => { const { authority, scope, server } = CLOUDS[(value ?? 'worldwide') as Cloud]; setConfig({ server, oauth: { ...oauth, authority, scope } }); }} data={NAMES.map((value) => ({ value, label: t(`fetch.oauth.cloud.${value}`) }))} />
          <TextInput size="sm" label={t('fetch.oauth.authority')} spellCheck={false} value={oauth.authority} onChange={(event) => setOauth({ authority: event.currentTarget.value.trim() })} />
          <TextInput size="sm" label={t('fetch.oauth.scope')} spellCheck={false} value={oauth.scope} onChange={(event) => setOauth({ scope: event.currentTarget.value.trim() })} />
        </div>
      </details>
    </>
  );
}

function Credential({ draft, set, setOauth, source, fault }: Props) {
  const { t } = useTexts();
  const { oauth } = draft.config;
  const stored = typeof oauth.certificatePem === 'string';
  const kept = (has: boolean | undefined) => (has ? t('server.secretStored') : undefined);
  return (
    <>
      <SegmentedControl mb={10} aria-label={t('fetch.oauth.credential')} value={stored ? 'certificate' : 'secret'} onChange={(value) => setOauth({ certificatePem: value === 'certificate' ? '' : null })} data={(['certificate', 'secret'] as const).map((value) => ({ value, label: t(`fetch.oauth.credential.${value}`) }))} />
      <div className={classes.grid}>
        {stored ? (
          <>
            <Textarea size="sm" label={t('fetch.oauth.certificatePem')} rows={4} spellCheck={false} value={oauth.certificatePem ?? ''} error={fault('certificate')} onChange={(event) => setOauth({ certificatePem: event.currentTarget.value })} />
            <Textarea size="sm" label={t('fetch.oauth.keyPem')} description={kept(source?.hasClientKey)} rows={4} spellCheck={false} autoComplete="off" value={draft.clientKey} onChange={(event) => set({ clientKey: event.currentTarget.value })} />
            <Select size="sm" label={t('fetch.oauth.signature')} allowDeselect={false} value={oauth.assertion} onChange={(value) => setOauth({ assertion: (value ?? 'ps256') as FetchOauth['assertion'] })} data={(['ps256', 'rs256'] as const).map((value) => ({ value, label: t(`fetch.oauth.signature.${value}`) }))} />
          </>
        ) : (
          <PasswordInput size="sm" label={t('fetch.oauth.secret')} description={kept(source?.hasClientSecret)} autoComplete="new-password" value={draft.clientSecret} onChange={(event) => set({ clientSecret: event.currentTarget.value })} visibilityToggleButtonProps={{ 'aria-label': t('password.show') }} />
        )}
      </div>
    </>
  );
}

function OtherFields(props: Props) {
  const { draft: { config: { oauth } }, setOauth, fault } = props;
  const { t } = useTexts();
  return (
    <>
      <div className={classes.grid}>
        <TextInput size="sm" label={t('fetch.oauth.tokenUrl')} spellCheck={false} value={oauth.tokenUrl ?? ''} onChange={(event) => setOauth({ tokenUrl: event.currentTarget.value.trim() })} />
        <TextInput size="sm" label={t('fetch.oauth.client')} spellCheck={false} value={oauth.clientId} error={fault('clientId')} onChange={(event) => setOauth({ clientId: event.currentTarget.value })} />
        <TextInput size="sm" label={t('fetch.oauth.scope')} spellCheck={false} value={oauth.scope} onChange={(event) => setOauth({ scope: event.currentTarget.value })} />
        <TextInput size="sm" label={t('fetch.oauth.audience')} description={t('fetch.oauth.audienceHint')} spellCheck={false} value={oauth.audience ?? ''} onChange={(event) => setOauth({ audience: event.currentTarget.value || null })} />
      </div>
      <div style={{ marginTop: 14 }}><Credential {...props} /></div>
    </>
  );
}
