import { UnstyledButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { linksQuery } from '../api/queries';
import { useTexts } from '../i18n';
import { IconAlertTriangle, IconChevronDown, IconLink } from '../ui/icons';
import classes from './LinkTargets.module.css';

/** Where the links of a mail lead, in full: a frame without scripts cannot say it by itself. */
export function LinkTargets({ id }: { id: string }) {
  const { t, n } = useTexts();
  const [opened, setOpened] = useState(false);
  const { data: links = [] } = useQuery(linksQuery(id));
  if (links.length === 0) return null;
  const suspicious = links.some((link) => link.differs);
  return (
    <div className={classes.root}>
      <UnstyledButton className={classes.toggle} aria-expanded={opened} onClick={() => setOpened(!opened)}>
        {suspicious ? <IconAlertTriangle size={15} role="img" aria-label={t('links.differs')} className={classes.warn} /> : <IconLink size={15} aria-hidden />}
        <span>{n('links.show', links.length)}</span>
        <IconChevronDown size={14} aria-hidden className={classes.arrow} data-opened={opened || undefined} />
      </UnstyledButton>
      {opened && (
        <ul className={classes.list} aria-label={t('links.title')} tabIndex={0}>
          {links.map((link, i) => (
            <li key={i}>
              {link.text && <div className="ellipsis">{link.text}</div>}
              <a className="mono" href={link.href} target="_blank" rel="noopener noreferrer nofollow">{link.href}</a>
              {link.differs && <div className={classes.warn}>{t('links.differs')}</div>}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
