import assert from 'node:assert/strict';
import { ask, axe, signIn } from './lib.mjs';

export const title = 'an administrator sees how the archive is doing, and no mail';

export async function run(window, { administrator }) {
  const { page, t } = window;
  await signIn(window, administrator);
  await page.goto('/');
  await page.waitForURL('**/admin/status');
  await page.getByRole('heading', { level: 1, name: t('status.title') }).waitFor();
  for (const tile of ['status.rate', 'status.spool', 'status.lag', 'status.quarantined', 'status.stored', 'status.addresses', 'status.certificates']) {
    await page.getByRole('heading', { name: t(tile) }).first().waitFor();
  }
  const status = await ask(window, '/api/v1/status');
  for (const address of status.journalAddresses) await page.getByText(address).first().waitFor();
  for (const certificate of status.certificates) await page.getByText(certificate.subject).first().waitFor();
  await axe(window, 'the status page');

  await page.goto('/search');
  await page.getByRole('heading', { name: t('noSearch.title') }).waitFor();
  await axe(window, 'the explanation for administrators');
  assert.equal((await page.request.get('/api/v1/search')).status(), 404);
}
