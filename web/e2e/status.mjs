import assert from 'node:assert/strict';
import { ask, axe, signIn } from './lib.mjs';

export const title = 'an administrator sees how the archive is doing, and no mail';

export async function run(window, { administrator }) {
  const { page, t } = window;
  await signIn(window, administrator);
  await page.goto('/');
  await page.waitForURL('**/admin/dashboard');
  await page.getByRole('heading', { level: 1, name: t('dashboard.title') }).waitFor();
  for (const part of ['dashboard.mails', 'dashboard.stored', 'status.spool', 'status.lag', 'status.quarantined', 'dashboard.mailsOver', 'dashboard.bytesOver', 'dashboard.mailboxes', 'status.certificates']) {
    await page.getByRole('heading', { name: t(part) }).first().waitFor();
  }
  const dashboard = await ask(window, '/api/v1/dashboard');
  for (const certificate of dashboard.certificates) await page.getByText(certificate.subject).first().waitFor();
  await axe(window, 'the dashboard');
  for (const unit of ['day', 'month']) {
    await page.getByText(t(`dashboard.unit.${unit}`), { exact: true }).click();
    await page.waitForURL(`**/admin/dashboard?unit=${unit}`);
    await page.getByText(t(`dashboard.span.${unit}`).split(':')[0]).first().waitFor();
  }

  await page.goto('/search');
  await page.getByRole('heading', { name: t('noSearch.title') }).waitFor();
  await axe(window, 'the explanation for administrators');
  assert.equal((await page.request.get('/api/v1/search')).status(), 404);
}
