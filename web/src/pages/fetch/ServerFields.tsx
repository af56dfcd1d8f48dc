import { NumberInput, Select, Textarea, TextInput } from '@mantine/core';
import type { FetchConfig } from '../../api/fetch';
import { useTexts } from '../../i18n';
import { Note } from '../../ui/Badge';
import type { FieldsProps } from './draft';
import classes from './Fetch.module.css';

const PROTOCOLS = ['auto', 'imap', 'pop3'] as const;
const SECURITIES = ['auto', 'tls', 'starttls', 'none'] as const;
const PORT_MAX = 65_535;

/** Where the mail lies, and how the connection is protected. */
export function ServerFields({ draft: { name, config }, set, setConfig, fault }: FieldsProps) {
  const { t } = useTexts();
  return (
    <div className={classes.grid}>
      <TextInput size="sm" label={t('fetch.name')} description={t('fetch.nameHint')} value={name} error={fault('name')} onChange={(event) => set({ name: event.currentTarget.value })} />
      <TextInput size="sm" label={t('fetch.server')} description={t('fetch.serverHint')} autoCapitalize="none" spellCheck={false} value={config.server} error={fault('server')} onChange={(event) => setConfig({ server: event.currentTarget.value.trim() })} />
      <Select size="sm" label={t('fetch.protocol')} description={t('fetch.protocolHint')} allowDeselect={false} value={config.protocol} onChange={(value) => setConfig({ protocol: (value ?? 'auto') as FetchConfig['protocol'] })} data={PROTOCOLS.map((value) => ({ value, label: t(`fetch.protocol.${value}`) }))} />
      <Select size="sm" label={t('fetch.security')} description={t('fetch.securityHint')} allowDeselect={false} value={config.security} onChange={(value) => setConfig({ security: (value ?? 'auto') as FetchConfig['security'] })} data={SECURITIES.map((value) => ({ value, label: t(`fetch.security.${value}`) }))} />
      {config.security === 'none' && <div className={classes.wide}><Note tone="warn">{t('fetch.noneWarning')}</Note></div>}
      <NumberInput size="sm" label={t('fetch.port')} description={t('fetch.portHint')} min={1} max={PORT_MAX} allowDecimal={false} allowNegative={false} thousandSeparator={false} value={config.port ?? ''} onChange={(value) => setConfig({ port: value === '' ? null : Number(value) })} />
      {config.security !== 'none' && <TextInput size="sm" label={t('fetch.pinned')} description={t('fetch.pinnedHint')} spellCheck={false} value={config.pinnedSha256 ?? ''} error={fault('pinned')} onChange={(event) => setConfig({ pinnedSha256: event.currentTarget.value.replace(/[\s:]/g, '').toLowerCase() || null })} />}
      {config.security !== 'none' && !config.pinnedSha256 && (
        <details className={classes.wide}>
          <summary>{t('fetch.authorities')}</summary>
          <Textarea mt={8} size="sm" label={t('fetch.caPem')} description={t('fetch.caPemHint')} rows={3} spellCheck={false} value={config.caPem ?? ''} onChange={(event) => setConfig({ caPem: event.currentTarget.value || null })} />
        </details>
      )}
    </div>
  );
}
