import { axe, signIn } from './lib.mjs';
import { openAndLeave, visitAll } from './pages.mjs';

export const title = 'an administrator goes through every page by keyboard';

export async function run(window, { administrator }) {
  const { page, t } = window;
  await signIn(window, administrator);
  await page.goto('/');
  const count = await visitAll(window);
  for (const [path, button, dialog] of [
    ['/admin/sources', 'sources.add', 'sources.add'],
    ['/admin/domains', 'domains.add', 'domains.add'],
    ['/admin/accounts', 'accounts.add', 'accounts.add'],
    ['/admin/groups', 'groups.add', 'groups.add'],
    ['/admin/grants', 'grants.add', 'grants.add'],
    ['/admin/sign-in', 'providers.add', 'providers.add'],
    ['/profile', 'profile.addToken', 'profile.addToken'],
  ]) {
    await page.goto(path);
    await openAndLeave(window, page.getByRole('button', { name: t(button), exact: true }), t(dialog));
  }
  await page.goto('/admin/account-import');
  await page.locator('input[type=file]').setInputFiles({ name: 'accounts.csv', mimeType: 'text/csv', buffer: Buffer.from('import-one,Ein-langes-Passwort-7,Ina,Port,ina.port@musterbau.example\n,,,,\n') });
  await page.getByRole('table', { name: t('import.preview') }).waitFor();
  await axe(window, 'the preview of an import');
  await page.goto('/profile');
  await page.getByRole('heading', { name: t('profile.sessions') }).waitFor();
  await axe(window, 'the profile');
  window.note(`${count} pages`);
}
