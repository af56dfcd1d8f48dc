import { Button } from '@mantine/core';
import { useState } from 'react';
import type { Schemas } from '../api/client';
import { urls } from '../api/queries';
import { useTexts } from '../i18n';
import { EmptyState } from '../ui/EmptyState';
import { IconFileText, IconPhotoOff } from '../ui/icons';
import { LinkTargets } from './LinkTargets';
import classes from './MessageTab.module.css';
import { PlainText } from './TextTab';

/** The mail as its writer meant it: HTML in a frame that can do nothing, else the text. */
export function MessageTab({ record, words }: { record: Schemas['Record']; words: string[] }) {
  const { t, n } = useTexts();
  const [remote, setRemote] = useState(false);
  if (!record.hasHtml) {
    if (record.textBody.trim() !== '') return <PlainText record={record} words={words} />;
    const key = record.kind === 'encrypted' ? 'mail.encryptedText' : 'mail.emptyText';
    return <EmptyState icon={<IconFileText size={24} />} title={t('mail.empty')}>{t(key)}</EmptyState>;
  }
  return (
    <div className={classes.root}>
      {record.remoteContent > 0 && (
        <div className={classes.notice} role="status">
          <IconPhotoOff size={16} aria-hidden />
          <span>{remote ? t('remote.loaded') : n('remote.blocked', record.remoteContent)}</span>
          {!remote && (
            <Button variant="default" size="compact-xs" style={{ flex: 'none' }} onClick={() => setRemote(true)}>{t('remote.load')}</Button>
          )}
        </div>
      )}
      {/* Links open apart, without any tie to this page; nothing else is allowed. */}
      <iframe key={String(remote)} className={classes.frame} sandbox="allow-popups allow-popups-to-escape-sandbox" src={urls.html(record.id, remote)} title={t('mail.frame')} referrerPolicy="no-referrer" />
      <LinkTargets id={record.id} />
    </div>
  );
}
