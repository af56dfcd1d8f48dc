import assert from 'node:assert/strict';
import { axe, signIn } from './lib.mjs';

export const title = 'somebody signs in, is refused with a wrong password, and signs out';

export async function run(window, { reader }) {
  const { page, t } = window;
  await page.goto('/search?q=from%3Anobody');
  await page.getByRole('heading', { name: t('signIn.heading') }).waitFor();
  assert.equal(await page.locator('html').getAttribute('lang'), window.language);
  await axe(window, 'the sign-in page');

  await page.getByRole('button', { name: t('signIn.submit'), exact: true }).click();
  await page.getByText(t('signIn.both')).waitFor();
  await page.getByLabel(t('signIn.userName'), { exact: true }).fill(reader.user);
  await page.getByLabel(t('signIn.password'), { exact: true }).fill('certainly not this');
  await page.getByRole('button', { name: t('signIn.submit'), exact: true }).click();
  await page.getByText(t('signIn.wrong')).waitFor();
  await axe(window, 'the sign-in page after a refusal');

  await signIn(window, reader);
  await page.getByRole('combobox', { name: t('query.label') }).waitFor();
  await page.getByRole('button', { name: t('menu.account', { name: '' }).trim() }).click();
  await page.getByRole('button', { name: t('menu.signOut') }).waitFor();
  await axe(window, 'the account menu');
  await page.getByRole('button', { name: t('menu.signOut') }).click();
  await page.getByRole('heading', { name: t('signIn.heading') }).waitFor();
  assert.equal((await page.request.get('/api/v1/session')).status(), 401);

  // A session that ended elsewhere leads back to the same place.
  await signIn(window, reader);
  await page.goto('/search?q=has%3Aattachment');
  await page.getByRole('combobox', { name: t('query.label') }).waitFor();
  await page.context().clearCookies();
  await page.getByRole('combobox', { name: t('query.label') }).fill('larger:1K');
  await page.waitForURL('**/sign-in?*');
  assert.match(new URL(page.url()).searchParams.get('next') ?? '', /^\/search\?q=/);
}
