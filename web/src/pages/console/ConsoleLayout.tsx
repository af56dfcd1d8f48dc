import '../../i18n/console';
import { Drawer, UnstyledButton } from '@mantine/core';
import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { type ConsoleGroup, consoleFor } from '../../app/console';
import { usePermissions } from '../../hooks/useSession';
import { useTexts } from '../../i18n';
import { IconMenu2 } from '../../ui/icons';
import classes from './ConsoleLayout.module.css';

/** The console: its pages by subject at the side, or behind a button where there is no room. */
export function ConsoleLayout() {
  const { t } = useTexts();
  const groups = consoleFor(usePermissions());
  const [opened, setOpened] = useState(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  useEffect(() => setOpened(false), [path]);
  const current = groups.flatMap((group) => group.pages).find((page) => path.startsWith(page.path));
  return (
    <div className={classes.layout}>
      <nav className={classes.side} aria-label={t('nav.label')} tabIndex={-1}>
        <Groups groups={groups} />
      </nav>
      <div className={classes.narrow}>
        <UnstyledButton className={classes.menu} aria-haspopup="dialog" aria-expanded={opened} onClick={() => setOpened(true)}>
          <IconMenu2 size={16} aria-hidden />
          <span>{t('nav.label')}</span>
          {current && <span className={classes.current}>{t(current.title)}</span>}
        </UnstyledButton>
        <Drawer opened={opened} onClose={() => setOpened(false)} title={t('nav.label')} size={280} closeButtonProps={{ 'aria-label': t('form.close') }}>
          <nav aria-label={t('nav.label')}><Groups groups={groups} /></nav>
        </Drawer>
      </div>
      <Outlet />
    </div>
  );
}

function Groups({ groups }: { groups: ConsoleGroup[] }) {
  const { t } = useTexts();
  return groups.map((group) => (
    <section key={group.title} className={classes.group}>
      <h2 className={classes.heading}>{t(group.title)}</h2>
      <ul className={classes.list}>
        {group.pages.map((page) => <li key={page.path}><Link to={page.path} className={classes.link}>{t(page.title)}</Link></li>)}
      </ul>
    </section>
  ));
}
