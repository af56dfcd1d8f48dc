import { useState } from 'react';
import type { Schemas } from '../api/client';
import { urls } from '../api/queries';
import { useTexts } from '../i18n';
import { IconCalendar, IconFile, IconFileSpreadsheet, IconFileText, IconFileTypePdf, IconFileZip, IconMail, IconPhoto } from '../ui/icons';
import classes from './Attachments.module.css';

const SHOWN = 6;
const ICONS: [RegExp, typeof IconFile][] = [
  [/^image\//, IconPhoto],
  [/pdf/, IconFileTypePdf],
  [/spreadsheet|excel|csv/, IconFileSpreadsheet],
  [/calendar/, IconCalendar],
  [/message\/rfc822|outlook/, IconMail],
  [/zip|compressed|tar|rar/, IconFileZip],
  [/^text\/|word|document|presentation|powerpoint/, IconFileText],
];

function iconOf(mediaType: string) {
  return ICONS.find(([pattern]) => pattern.test(mediaType))?.[1] ?? IconFile;
}

/** The attachments, one click from the disk. Pictures inside the text come last. */
export function Attachments({ id, attachments }: { id: string; attachments: Schemas['Attachment'][] }) {
  const { t, n, bytes } = useTexts();
  const [all, setAll] = useState(false);
  if (attachments.length === 0) return null;
  const sorted = [...attachments].sort((a, b) => Number(a.inline) - Number(b.inline));
  const shown = all ? sorted : sorted.slice(0, SHOWN);
  return (
    <ul className={classes.list} aria-label={n('mail.attachments', attachments.length)}>
      {shown.map((attachment) => {
        const Icon = iconOf(attachment.mediaType);
        const name = attachment.name || t('mail.unnamed');
        return (
          <li key={attachment.index}>
            <a className={classes.item} href={urls.attachment(id, attachment.index)} download={attachment.name || true} title={`${name} · ${attachment.mediaType}${attachment.inline ? ` · ${t('mail.inline')}` : ''}`} data-inline={attachment.inline || undefined}>
              <Icon size={16} aria-hidden />
              <span className={classes.name}>{name}</span>
              <span className={classes.size}>{bytes(attachment.sizeBytes)}</span>
            </a>
          </li>
        );
      })}
      {sorted.length > SHOWN && (
        <li>
          <button type="button" className={classes.more} onClick={() => setAll(!all)} aria-expanded={all}>
            {all ? t('mail.fewer') : t('mail.morePeople', { count: sorted.length - SHOWN })}
          </button>
        </li>
      )}
    </ul>
  );
}
