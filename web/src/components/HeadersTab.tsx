import { useState } from 'react';
import { TextInput } from '@mantine/core';
import type { Schemas } from '../api/client';
import { useTexts } from '../i18n';
import { IconSearch } from '../ui/icons';
import classes from './HeadersTab.module.css';

const FILTER_FROM = 12;

/** Every header field, decoded, in its order. */
export function HeadersTab({ record }: { record: Schemas['Record'] }) {
  const { t, n } = useTexts();
  const [filter, setFilter] = useState('');
  const wanted = filter.trim().toLowerCase();
  const shown = record.headers.filter(({ name, value }) => !wanted || name.toLowerCase().includes(wanted) || value.toLowerCase().includes(wanted));
  return (
    <div className={classes.root} tabIndex={0} role="region" aria-label={t('tab.headers')}>
      {record.headers.length >= FILTER_FROM && (
        <div className={classes.tools}>
          <TextInput size="xs" aria-label={t('headers.filter')} placeholder={t('headers.filter')} leftSection={<IconSearch size={13} aria-hidden />} value={filter} onChange={(event) => setFilter(event.currentTarget.value)} />
          <span className="muted" role="status">{n('headers.count', shown.length)}</span>
        </div>
      )}
      {record.headers.length === 0 ? (
        <p className="muted">{t('headers.none')}</p>
      ) : (
        <table className={classes.table}>
          <thead><tr><th scope="col">{t('headers.name')}</th><th scope="col">{t('headers.value')}</th></tr></thead>
          <tbody>
            {shown.map(({ name, value }, i) => (
              <tr key={i}><th scope="row">{name}</th><td>{value}</td></tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}
