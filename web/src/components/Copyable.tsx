import { ActionIcon, CopyButton, Tooltip } from '@mantine/core';
import { useTexts } from '../i18n';
import { IconCheck, IconCopy } from '../ui/icons';
import classes from './Copyable.module.css';

/** A value that is taken elsewhere, with a button that copies it. */
export function Copyable({ text, what, block }: { text: string; what?: string; block?: boolean }) {
  const { t } = useTexts();
  return (
    <span className={classes.copyable} data-block={block || undefined}>
      <span className="mono">{text}</span>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Tooltip label={copied ? t('copy.done') : t('copy.copy')}>
            <ActionIcon size={22} onClick={copy} aria-label={[copied ? t('copy.done') : t('copy.copy'), what].filter(Boolean).join(': ')}>
              {copied ? <IconCheck size={13} aria-hidden /> : <IconCopy size={13} aria-hidden />}
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
    </span>
  );
}
