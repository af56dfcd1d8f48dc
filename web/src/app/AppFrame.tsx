import { ActionIcon, Tooltip } from '@mantine/core';
import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { createContext, type ReactNode, useContext, useState } from 'react';
import { createPortal } from 'react-dom';
import { AccountMenu } from '../components/AccountMenu';
import { HelpDialog } from '../components/HelpDialog';
import { Seal } from '../components/Seal';
import { readsMail, useSession } from '../hooks/useSession';
import { useShortcuts } from '../hooks/useShortcuts';
import { useTexts } from '../i18n';
import { ForcedPasswordPage } from '../pages/sign-in/ForcedPasswordPage';
import { IconHelp } from '../ui/icons';
import classes from './AppFrame.module.css';
import { paths } from './paths';

const Slot = createContext<HTMLElement | null>(null);

/** Puts a page's own control into the bar at the top. */
export function TopBar({ children }: { children: ReactNode }) {
  const slot = useContext(Slot);
  return slot ? createPortal(children, slot) : null;
}

/** The bar at the top and the page below it, for everybody who is signed in. */
export function AppFrame() {
  const { t } = useTexts();
  const session = useSession();
  const [slot, setSlot] = useState<HTMLElement | null>(null);
  const [help, setHelp] = useState(false);
  const searching = useRouterState({ select: (state) => state.location.pathname === paths.search });
  useShortcuts({ '?': () => setHelp(true) });
  if (!session) return null;
  if (session.mustChangePassword) return <ForcedPasswordPage />;
  const reads = readsMail(session.account.role);
  return (
    <div className={classes.frame}>
      <a className="skip" href="#main">{t('frame.skip')}</a>
      <header className={classes.bar}>
        <Link to={paths.home} className={classes.brand} aria-label={t('frame.home')}>
          <Seal />
          <span className={classes.name}>Chancery</span>
        </Link>
        {!reads && (
          <nav className={classes.nav} aria-label={t('frame.navigation')}>
            <Link to={paths.status} className={classes.link}>{t('status.title')}</Link>
            <Link to={paths.quarantine} className={classes.link}>{t('quarantine.title')}</Link>
          </nav>
        )}
        <div className={classes.slot} ref={setSlot} data-filled={searching && reads ? true : undefined} />
        <div className={classes.tools}>
          <Tooltip label={t('menu.help')}>
            <ActionIcon size={30} aria-label={t('menu.help')} onClick={() => setHelp(true)} className={classes.help}>
              <IconHelp size={18} aria-hidden />
            </ActionIcon>
          </Tooltip>
          <AccountMenu onHelp={() => setHelp(true)} />
        </div>
      </header>
      <main id="main" className={classes.main} tabIndex={-1}>
        <Slot value={slot}>
          <Outlet />
        </Slot>
      </main>
      <HelpDialog opened={help} onClose={() => setHelp(false)} search={reads} />
    </div>
  );
}
