import { axe, download, signIn } from './lib.mjs';
import { openAndLeave, visitAll } from './pages.mjs';

export const title = 'an auditor reads the audit log, exports it, and asks for access';

export async function run(window, { auditor }) {
  const { page, t } = window;
  await signIn(window, auditor);
  await page.getByRole('link', { name: t('frame.oversight'), exact: true }).click();
  const count = await visitAll(window);
  await page.goto('/admin/access-requests');
  await openAndLeave(window, page.getByRole('button', { name: t('requests.ask'), exact: true }), t('requests.ask'));
  await page.goto('/admin/audit');
  const table = page.getByRole('table', { name: t('audit.title') });
  await table.getByRole('row').nth(1).getByRole('button').first().click();
  await page.getByRole('dialog').waitFor();
  await axe(window, 'an event');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  if (!window.mock) {
    const file = await download(page, () => page.getByRole('link', { name: t('audit.csv'), exact: true }).click());
    window.note(`${file.octets.length} bytes of CSV`);
  }
  window.note(`${count} pages`);
}
