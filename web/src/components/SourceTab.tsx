import { Button, Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { sourceQuery, urls } from '../api/queries';
import { useTexts } from '../i18n';
import { EmptyState } from '../ui/EmptyState';
import { IconAlertTriangle } from '../ui/icons';
import { problemText } from './problem';
import classes from './SourceTab.module.css';

const SHOWN_CHARS = 120_000;

/** The mail as it came, to be looked at; the download is the exact one. */
export function SourceTab({ id, sizeBytes }: { id: string; sizeBytes: number }) {
  const texts = useTexts();
  const { t, bytes } = texts;
  const { data, error } = useQuery(sourceQuery(id));
  const [all, setAll] = useState(false);
  if (error) return <EmptyState alert icon={<IconAlertTriangle size={24} />} title={t('mail.failed')}>{problemText(error, texts)}</EmptyState>;
  if (data === undefined) return <div className={classes.note}><Skeleton height={10} width="70%" mb={9} /><Skeleton height={10} width="55%" mb={9} /><Skeleton height={10} width="62%" /></div>;
  const text = String(data);
  const cut = !all && text.length > SHOWN_CHARS;
  return (
    <>
      <p className={classes.note}>
        {t('source.note', { size: bytes(sizeBytes) })} <a href={urls.eml(id)} download>{t('source.exact')}</a>
      </p>
      <pre className={classes.source} tabIndex={0} role="region" aria-label={t('tab.source')}>{cut ? text.slice(0, SHOWN_CHARS) : text}</pre>
      {cut && <div className={classes.note}><Button variant="default" onClick={() => setAll(true)}>{t('source.all')}</Button></div>}
    </>
  );
}
