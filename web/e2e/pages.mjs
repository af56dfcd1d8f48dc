import assert from 'node:assert/strict';
import { axe } from './lib.mjs';

const NARROW = { width: 360, height: 740 };
const WIDE = { width: 1440, height: 900 };

/** Waits until a page shows its content instead of placeholders. */
async function settled({ page, t }) {
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.getByRole('status', { name: t('list.loading') }).first().waitFor({ state: 'detached' });
  await page.waitForFunction(() => !document.querySelector('h2')?.textContent?.startsWith('…'));
}

/** Whether anything sticks out of the window sideways. */
const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** Visits every page of the console by keyboard alone, looks at it with axe, wide and narrow. */
export async function visitAll(window) {
  const { page, t } = window;
  const navigation = page.getByRole('navigation', { name: t('nav.label') });
  await navigation.getByRole('link').first().waitFor();
  const names = await navigation.getByRole('link').allTextContents();
  for (const name of names) {
    const link = navigation.getByRole('link', { name, exact: true });
    await link.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
    await settled(window);
    assert.equal(await link.getAttribute('aria-current'), 'page', `${name} is marked as the current page`);
    await axe(window, name);
    await page.setViewportSize(NARROW);
    assert.ok((await overflow(page)) <= 0, `${name} fits into ${NARROW.width} pixels`);
    await axe(window, `${name}, narrow`);
    await page.setViewportSize(WIDE);
  }
  await page.setViewportSize(NARROW);
  const menu = page.getByRole('button', { name: new RegExp(`^${t('nav.label')}`) });
  await menu.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: t('nav.label') }).waitFor();
  await axe(window, 'the narrow navigation');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog', { name: t('nav.label') }).waitFor({ state: 'detached' });
  await page.setViewportSize(WIDE);
  return names.length;
}

/** Opens a dialog by keyboard, looks at it, and leaves it with Escape; the focus comes back. */
export async function openAndLeave(window, button, title) {
  const { page } = window;
  // Waits until it may be pressed.
  await button.click({ trial: true });
  await button.focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: title });
  await dialog.waitFor();
  await axe(window, title);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  // A moment after the dialog has gone.
  await page.waitForFunction((element) => element === document.activeElement, await button.elementHandle()).catch(() => assert.fail(`the focus does not come back from ${title}`));
}
