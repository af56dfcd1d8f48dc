import assert from 'node:assert/strict';
import { axe, download, signIn } from './lib.mjs';

export const title = 'a person exports what a search finds, looks at the evidence of a mail, and sends it back';

const PATIENCE_MS = 120_000;
const ZIP = Buffer.from('PK');

export async function run(window, { reader }) {
  const { page, t } = window;
  await signIn(window, reader);
  await page.goto('/search');
  await page.getByRole('option').first().click();
  await page.getByRole('button', { name: new RegExp(t('proof.badge', { state: '' }).trim()) }).click();
  await page.getByRole('region', { name: t('tab.evidence') }).waitFor();
  await axe(window, 'the evidence of a mail');

  await marks(window);
  await menu(window, 'take.restoreResults');
  const back = page.getByRole('dialog', { name: t('take.restoreTitle') });
  await back.getByRole('button', { name: t('takeout.restoreSubmit'), exact: true }).waitFor();
  await axe(window, 'sending back');
  await page.keyboard.press('Escape');
  await back.waitFor({ state: 'detached' });

  await menu(window, 'take.exportResults');
  const form = page.getByRole('dialog', { name: t('take.exportTitle') });
  const submit = form.getByRole('button', { name: t('takeout.exportSubmit'), exact: true });
  await submit.waitFor();
  await axe(window, 'an export');
  if (window.mock) return;
  await submit.click();
  await form.waitFor({ state: 'detached' });
  await page.goto('/exports');
  const row = page.getByRole('table', { name: t('takeout.exports') }).getByRole('row').nth(1);
  const link = row.getByRole('link', { name: t('takeout.download'), exact: true });
  await link.waitFor({ timeout: PATIENCE_MS });
  await axe(window, 'exports');
  const file = await download(page, () => link.click());
  assert.deepEqual(file.octets.subarray(0, 2), ZIP, 'the export is a zip file');
  window.note(`${file.octets.length} bytes of mail`);
}

/** Two mails marked by keyboard, and what is offered for them. */
async function marks({ page, t }) {
  await page.getByRole('listbox').focus();
  await page.keyboard.press('x');
  const bar = page.getByRole('toolbar', { name: t('marked.label') });
  await bar.getByText(t('marked.count_one', { count: '1' })).waitFor();
  await page.keyboard.press('j');
  await page.locator('[role="option"][aria-selected="true"][aria-checked="false"]').waitFor();
  await page.keyboard.press('x');
  await bar.getByText(t('marked.count_other', { count: '2' })).waitFor();
  assert.equal(await page.getByRole('option', { checked: true }).count(), 2);
  await axe({ page }, 'marked mails');
  await page.keyboard.press('e');
  const form = page.getByRole('dialog', { name: t('take.exportTitle') });
  await form.getByText(t('marked.about_other', { count: '2' })).waitFor();
  await page.keyboard.press('Escape');
  await form.waitFor({ state: 'detached' });
  await bar.getByRole('button', { name: t('marked.clear') }).click();
  await bar.waitFor({ state: 'detached' });
}

async function menu({ page, t }, entry) {
  await page.getByRole('button', { name: t('take.more'), exact: true }).click();
  await page.getByRole('menuitem', { name: t(entry), exact: true }).click();
}
