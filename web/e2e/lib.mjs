// What every task needs: a browser, somebody who signs in, and a look at accessibility.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const WAIT_MS = 90_000;

const I18N = new URL('../src/i18n/', import.meta.url);

/** The texts of the pages, so that tasks can name what a person reads. */
export async function texts(language) {
  const names = [`${language}.json`, ...(await readdir(new URL('console/', I18N))).filter((name) => name.endsWith(`.${language}.json`)).map((name) => `console/${name}`)];
  const all = Object.assign({}, ...(await Promise.all(names.map(async (name) => JSON.parse(await readFile(new URL(name, I18N), 'utf8'))))));
  return (key, values = {}) => {
    assert.ok(key in all, `there is no text ${key}`);
    return all[key].replace(/\{(\w+)\}/g, (hole, name) => values[name] ?? hole);
  };
}

export async function launch() {
  return chromium.launch({ executablePath: process.env.CHANCERY_CHROMIUM ?? '/usr/bin/chromium', headless: true, args: ARGS });
}

/** A fresh window in one language; what the console or the policy complains about fails the task. */
export async function open(browser, { url, language, scheme = 'light', width = 1440, height = 900 }) {
  const context = await browser.newContext({ baseURL: url, locale: language === 'de' ? 'de-DE' : 'en-GB', colorScheme: scheme, viewport: { width, height }, reducedMotion: 'reduce', acceptDownloads: true, ignoreHTTPSErrors: true });
  context.setDefaultTimeout(WAIT_MS);
  // The window's language wins over the account's: each task runs in both.
  await context.addInitScript((wanted) => {
    // Not in the frame of a mail, which has no storage.
    if (window.top === window && !localStorage.getItem('chancery.preferences')) localStorage.setItem('chancery.preferences', JSON.stringify({ language: wanted }));
  }, language);
  const page = await context.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    // Refused requests are part of some tasks; the pages show them.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) complaints.push(message.text());
  });
  return { context, page, complaints, t: await texts(language) };
}

/** Fills in the sign-in page; takes the hurdle of a one-time password when it stands there. */
export async function signIn({ page, t }, { user, password }) {
  await page.goto('/');
  await page.getByRole('heading', { name: t('signIn.heading') }).waitFor();
  const enter = async (secret) => {
    await page.getByLabel(t('signIn.userName'), { exact: true }).fill(user);
    await page.getByLabel(t('signIn.password'), { exact: true }).fill(secret);
    await page.getByRole('button', { name: t('signIn.submit'), exact: true }).click();
  };
  const account = page.getByRole('button', { name: t('menu.account', { name: '' }).trim() });
  const forced = page.getByRole('heading', { name: t('password.forcedTitle') });
  const wrong = page.getByText(t('signIn.wrong'));
  const next = `${password} and then some`;
  await enter(password);
  await account.or(forced).or(wrong).first().waitFor();
  if (await wrong.isVisible()) {
    // An earlier task has replaced the one-time password.
    await enter(next);
    await account.waitFor();
  }
  if (await forced.isVisible()) {
    await page.getByLabel(t('password.current'), { exact: true }).fill(password);
    await page.getByLabel(t('password.new'), { exact: true }).fill(next);
    await page.getByLabel(t('password.again'), { exact: true }).fill(next);
    await page.getByRole('button', { name: t('password.change'), exact: true }).click();
    await account.waitFor();
  }
}

/** Runs axe over the whole page (WCAG 2.2 AA); any violation fails. */
export async function axe({ page }, where) {
  // Evaluated, not added as an element: the page's policy forbids inline scripts.
  await page.evaluate(await readFile(AXE, 'utf8'));
  const found = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.target.join(' ')} ${node.any[0]?.message ?? ''}`).join(' | ')}`);
  });
  assert.deepEqual(found, [], `accessibility of ${where}`);
}

/** Clicks and gives the octets of the download that follows. */
export async function download(page, click) {
  const [file] = await Promise.all([page.waitForEvent('download'), click()]);
  return { name: file.suggestedFilename(), octets: await readFile(await file.path()) };
}

export const sha256 = (octets) => `sha256:${createHash('sha256').update(octets).digest('hex')}`;

/** Asks the API with the session of the page. */
export async function ask({ page }, path) {
  const response = await page.request.get(path);
  assert.equal(response.status(), 200, path);
  return response.json();
}
