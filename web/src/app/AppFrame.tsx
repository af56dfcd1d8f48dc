import { ActionIcon, Tooltip } from '@mantine/core';
import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { createContext, lazy, type ReactNode, Suspense, useContext, useState } from 'react';
import { createPortal } from 'react-dom';
import { AccountMenu } from '../components/AccountMenu';
import { HelpDialog } from '../components/HelpDialog';
import { Seal } from '../components/Seal';
import { permissionsOf, readsMail, useSession } from '../hooks/useSession';
import { useShortcuts } from '../hooks/useShortcuts';
import { useTexts } from '../i18n';
import { ForcedPasswordPage } from '../pages/sign-in/ForcedPasswordPage';
import { IconHelp } from '../ui/icons';
import classes from './AppFrame.module.css';
import { consoleFor } from './console';
import { paths } from './paths';

const ForcedFactorPage = lazy(async () => ({ default: (await import('../pages/sign-in/ForcedFactorPage')).ForcedFactorPage }));

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
  const path = useRouterState({ select: (state) => state.location.pathname });
  useShortcuts({ '?': () => setHelp(true) });
  if (!session) return null;
  if (session.mustChangePassword) return <ForcedPasswordPage />;
  if (session.mustEnrolSecondFactor) return <Suspense fallback={null}><ForcedFactorPage /></Suspense>;
  const reads = readsMail(session.account);
  const first = consoleFor(permissionsOf(session.account))[0]?.pages[0];
  return (
    <div className={classes.frame}>
      <a className="skip" href="#main">{t('frame.skip')}</a>
      <header className={classes.bar}>
        <Link to={paths.home} className={classes.brand} aria-label={t('frame.home')}>
          <Seal />
          <span className={classes.name}>Chancery</span>
        </Link>
        {reads && first && (
          <nav className={classes.nav} aria-label={t('frame.navigation')}>
            <Link to={paths.search} className={classes.link}>{t('frame.search')}</Link>
            <Link to={first.path} className={classes.link} data-active={path.startsWith(paths.console) || undefined}>{t('frame.oversight')}</Link>
          </nav>
        )}
        <div className={classes.slot} ref={setSlot} data-filled={path === paths.search && reads ? true : undefined} />
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
