import assert from 'node:assert/strict';
import { ask, axe, signIn } from './lib.mjs';

export const title = 'an administrator looks through the quarantine and releases a mail with a reason';

export async function run(window, { administrator }) {
  const { page, t } = window;
  await signIn(window, administrator);
  await page.getByRole('link', { name: t('queues.title'), exact: true }).click();
  await page.getByRole('heading', { level: 1, name: t('queues.title') }).waitFor();
  const { total, rows } = await ask(window, '/api/v1/quarantine');
  if (total === 0) {
    await page.getByRole('heading', { name: t('quarantine.empty') }).waitFor();
    await axe(window, 'the empty quarantine');
    window.note('nothing was in quarantine');
    return;
  }
  const entry = page.getByRole('row').filter({ has: page.getByRole('button', { name: t('quarantine.release'), exact: true }) });
  await entry.first().waitFor();
  await axe(window, 'the quarantine');
  if (!rows.some((row) => row.state === 'waiting')) return;

  await entry.first().getByRole('button', { name: t('quarantine.release'), exact: true }).click();
  const dialog = page.getByRole('dialog', { name: t('release.title') });
  await dialog.waitFor();
  await axe(window, 'the release dialog');
  await dialog.getByRole('button', { name: t('release.submit'), exact: true }).click();
  await dialog.getByText(t('release.reasonShort')).waitFor();
  await dialog.getByLabel(t('release.reason')).fill('Checked with the sender by telephone');
  await dialog.getByRole('button', { name: t('release.submit'), exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByText(t('release.done')).waitFor();
  const after = await ask(window, '/api/v1/quarantine');
  assert.ok(after.rows.filter((row) => row.state === 'waiting').length < rows.filter((row) => row.state === 'waiting').length, 'one fewer waits');
}
