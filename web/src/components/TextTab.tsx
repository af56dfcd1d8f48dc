import type { Schemas } from '../api/client';
import { useTexts } from '../i18n';
import { EmptyState } from '../ui/EmptyState';
import { IconFileText } from '../ui/icons';
import { Marked } from './Highlight';
import classes from './TextTab.module.css';

interface Props {
  record: Schemas['Record'];
  words: string[];
}

export function PlainText({ record, words }: Props) {
  const { t } = useTexts();
  return (
    <div className={classes.scroll} tabIndex={0} role="region" aria-label={t('tab.text')}>
      {record.truncated && <p className={classes.note}>{t('mail.truncated')}</p>}
      <div className={classes.text}><Marked text={record.textBody} words={words} /></div>
    </div>
  );
}

/** The words of the mail as the archive searches them. */
export function TextTab({ record, words }: Props) {
  const { t } = useTexts();
  if (record.textBody.trim() === '') return <EmptyState icon={<IconFileText size={24} />} title={t('mail.noText')}>{t('mail.noTextText')}</EmptyState>;
  return <PlainText record={record} words={words} />;
}
