import { axe, signIn } from './lib.mjs';
import { openAndLeave, visitAll } from './pages.mjs';

export const title = 'an operator goes through every page by keyboard';

export async function run(window, { operator }) {
  const { page, t } = window;
  await signIn(window, operator);
  await page.goto('/');
  const count = await visitAll(window);
  await page.goto('/admin/tenants');
  await openAndLeave(window, page.getByRole('button', { name: t('tenants.add'), exact: true }), t('tenants.add'));
  await page.getByRole('table').getByRole('link').first().click();
  await openAndLeave(window, page.getByRole('button', { name: t('tenants.remove'), exact: true }), t('tenants.removeTitle'));
  await page.goto('/admin/server');
  for (const section of ['tls', 'notifications', 'log']) {
    await page.getByRole('tab', { name: t(`server.section.${section}`), exact: true }).click();
    await axe(window, section);
  }
  window.note(`${count} pages`);
}
