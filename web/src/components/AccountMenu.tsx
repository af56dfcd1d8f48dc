import { Menu, UnstyledButton, useMantineColorScheme } from '@mantine/core';
import { useState } from 'react';
import { ChangePasswordDialog } from '../forms/change-password';
import { useSession, useSignOut } from '../hooks/useSession';
import { useTexts } from '../i18n';
import { setPreferences } from '../stores/preferences';
import { IconCheck, IconDeviceDesktop, IconKey, IconKeyboard, IconLanguage, IconLogout, IconMoon, IconSun } from '../ui/icons';
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
  const [changing, setChanging] = useState(false);
  if (!session) return null;
  const { account } = session;
  const tick = <IconCheck size={14} aria-hidden />;
  return (
    <>
      <Menu position="bottom-end" width={248}>
        <Menu.Target>
          <UnstyledButton className={classes.target} aria-label={t('menu.account', { name: account.displayName })}>
            <span aria-hidden>{initials(account.displayName || account.userName)}</span>
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <div className={classes.who}>
            <div className={classes.name}>{account.displayName || account.userName}</div>
            <div className={classes.detail}>{account.userName}</div>
            <div className={classes.detail}>{[t(`role.${account.role}`), account.tenant?.name].filter(Boolean).join(' · ')}</div>
          </div>
          <Menu.Divider />
          <Menu.Label>{t('menu.appearance')}</Menu.Label>
          {SCHEMES.map(({ value, icon: Icon, label }) => (
            <Menu.Item key={value} role="menuitemradio" aria-checked={colorScheme === value} leftSection={<Icon size={15} aria-hidden />} rightSection={colorScheme === value && tick} onClick={() => setColorScheme(value)}>
              {t(label)}
            </Menu.Item>
          ))}
          <Menu.Label>{t('menu.language')}</Menu.Label>
          {(['de', 'en'] as const).map((value) => (
            <Menu.Item key={value} role="menuitemradio" aria-checked={language === value} lang={value} leftSection={<IconLanguage size={15} aria-hidden />} rightSection={language === value && tick} onClick={() => setPreferences({ language: value })}>
              {value === 'de' ? 'Deutsch' : 'English'}
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item leftSection={<IconKeyboard size={15} aria-hidden />} rightSection={<kbd className={classes.key}>?</kbd>} onClick={onHelp}>
            {t('menu.help')}
          </Menu.Item>
          <Menu.Item leftSection={<IconKey size={15} aria-hidden />} onClick={() => setChanging(true)}>
            {t('menu.password')}
          </Menu.Item>
          <Menu.Item leftSection={<IconLogout size={15} aria-hidden />} onClick={() => void signOut()}>
            {t('menu.signOut')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <ChangePasswordDialog opened={changing} onClose={() => setChanging(false)} />
    </>
  );
}
