import { axe, signIn } from './lib.mjs';
import { openAndLeave } from './pages.mjs';

export const title = 'an officer opens a matter, places a hold on its mail, and releases it';

const PATIENCE_MS = 120_000;

export async function run(window, { officer }) {
  const { page, t, language } = window;
  await signIn(window, officer);
  await page.goto('/admin/matters');
  const add = page.getByRole('button', { name: t('matters.add'), exact: true });
  await openAndLeave(window, add, t('matters.add'));
  if (window.mock) return;

  const name = `Musterbau (${language}, ${Date.now()})`;
  await add.click();
  const form = page.getByRole('dialog', { name: t('matters.add') });
  await form.getByRole('button', { name: t('matters.create'), exact: true }).click();
  await form.getByText(t('form.required')).waitFor();
  await form.getByLabel(t('matters.name'), { exact: true }).fill(name);
  await form.getByLabel(t('matters.query'), { exact: true }).fill('has:attachment');
  await form.getByLabel(t('matters.reasonOpen'), { exact: true }).fill('Announced by the lawyers');
  await form.getByRole('button', { name: t('matters.create'), exact: true }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
  await axe(window, 'a new matter');

  await page.getByRole('button', { name: t('holds.place'), exact: true }).click();
  const placing = page.getByRole('dialog', { name: t('holds.placeTitle') });
  await placing.getByLabel(t('release.reason')).fill('The mail is evidence');
  await axe(window, 'the question before a hold');
  await placing.getByRole('button', { name: t('holds.placeSubmit'), exact: true }).click();
  const holds = page.getByRole('table', { name: t('holds.title') });
  await holds.getByText(t('holds.state.active'), { exact: true }).waitFor();
  // The hold looks at everything that is archived; then its mail is listed.
  const held = page.getByRole('table', { name: t('held.title') });
  const listed = held.getByRole('link').first();
  await listed.waitFor({ timeout: PATIENCE_MS });
  await axe(window, 'a matter with held mail');
  window.note(`${await held.getByRole('row').count()} rows of held mail`);

  await holds.getByRole('button', { name: t('holds.release'), exact: true }).click();
  const releasing = page.getByRole('dialog', { name: t('holds.releaseTitle') });
  await releasing.getByLabel(t('release.reason')).fill('The dispute is settled');
  await releasing.getByRole('button', { name: t('holds.releaseSubmit'), exact: true }).click();
  await holds.getByText(t('holds.state.released'), { exact: true }).waitFor();
  await page.getByRole('button', { name: t('matters.close'), exact: true }).click();
  const closing = page.getByRole('dialog', { name: t('matters.closeTitle') });
  await closing.getByLabel(t('release.reason')).fill('Nothing is left to do');
  await closing.getByRole('button', { name: t('matters.closeSubmit'), exact: true }).click();
  await page.getByText(t('matters.state.closed'), { exact: true }).first().waitFor();
}
