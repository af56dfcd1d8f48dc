import { Popover, SegmentedControl, UnstyledButton, useMantineColorScheme } from '@mantine/core';
import { useRouter } from '@tanstack/react-router';
import { useState } from 'react';
import { paths } from '../app/paths';
import { ChangePasswordDialog } from '../forms/change-password';
import { useSession, useSignOut } from '../hooks/useSession';
import { useTexts } from '../i18n';
import { type Language, setPreferences } from '../stores/preferences';
import { IconDeviceDesktop, IconFileExport, IconKey, IconKeyboard, IconLogout, IconMoon, IconSun, IconUser } from '../ui/icons';
import classes from './AccountMenu.module.css';

const SCHEMES = [
  { value: 'light', icon: IconSun, label: 'menu.light' },
  { value: 'dark', icon: IconMoon, label: 'menu.dark' },
  { value: 'auto', icon: IconDeviceDesktop, label: 'menu.system' },
] as const;

export function initials(name: string): string {
  const words = name.replace(/["'<>()]/g, '').split(/[\s.@_-]+/).filter(Boolean);
  return ((words[0]?.[0] ?? '?') + (words.length > 1 ? (words[1]?.[0] ?? '') : '')).toUpperCase();
}

/** Language, colours, password, help and the way out. */
export function AccountMenu({ onHelp }: { onHelp: () => void }) {
  const { t, language } = useTexts();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const session = useSession();
  const signOut = useSignOut();
  const router = useRouter();
  const [opened, setOpened] = useState(false);
  const [changing, setChanging] = useState(false);
  if (!session) return null;
  const { account } = session;
  const name = account.displayName || account.userName;
  const act = (then: () => void) => () => {
    setOpened(false);
    then();
  };
  return (
    <>
      <Popover position="bottom-end" width={276} trapFocus returnFocus opened={opened} onChange={setOpened} shadow="md" withinPortal={false}>
        <Popover.Target>
          <UnstyledButton className={classes.target} aria-label={t('menu.account', { name })} data-initials={initials(name)} onClick={() => setOpened(!opened)} />
        </Popover.Target>
        <Popover.Dropdown className={classes.dropdown} aria-label={t('menu.account', { name })}>
          <div className={classes.who}>
            <div className={classes.name}>{name}</div>
            <div className={classes.detail}>{account.userName}</div>
            <div className={classes.detail}>{[t(`role.${account.role}`), account.tenant?.name].filter(Boolean).join(' · ')}</div>
          </div>
          <div className={classes.choice}>
            <span className={classes.label}>{t('menu.appearance')}</span>
            <SegmentedControl fullWidth size="xs" aria-label={t('menu.appearance')} value={colorScheme} onChange={(value) => setColorScheme(value as typeof colorScheme)} data={SCHEMES.map(({ value, icon: Icon, label }) => ({ value, label: <span className={classes.option}><Icon size={14} aria-hidden />{t(label)}</span> }))} />
          </div>
          <div className={classes.choice}>
            <span className={classes.label}>{t('menu.language')}</span>
            <SegmentedControl fullWidth size="xs" aria-label={t('menu.language')} value={language} onChange={(value) => setPreferences({ language: value as Language })} data={[{ value: 'de', label: 'Deutsch' }, { value: 'en', label: 'English' }]} />
          </div>
          <div className={classes.items}>
            <button type="button" onClick={act(onHelp)}><IconKeyboard size={15} aria-hidden />{t('menu.help')}<kbd className={classes.key}>?</kbd></button>
            <button type="button" onClick={act(() => void router.navigate({ to: paths.profile }))}><IconUser size={15} aria-hidden />{t('menu.profile')}</button>
            {account.permissions.some((one) => one === 'export_mail' || one === 'restore_mail') && <button type="button" onClick={act(() => void router.navigate({ to: paths.exports }))}><IconFileExport size={15} aria-hidden />{t('take.title')}</button>}
            <button type="button" onClick={act(() => setChanging(true))}><IconKey size={15} aria-hidden />{t('menu.password')}</button>
            <button type="button" onClick={act(() => void signOut())}><IconLogout size={15} aria-hidden />{t('menu.signOut')}</button>
          </div>
        </Popover.Dropdown>
      </Popover>
      <ChangePasswordDialog opened={changing} onClose={() => setChanging(false)} />
    </>
  );
}
