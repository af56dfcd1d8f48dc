import assert from 'node:assert/strict';
import { ask, axe, signIn } from './lib.mjs';

export const title = 'somebody searches as they type, moves by keyboard, and reads a mail from every side';

const digits = (text) => Number((text ?? '').split(/ in /)[0].replace(/\D/g, ''));

export async function run(window, { reader }) {
  const { page, t } = window;
  await signIn(window, reader);
  const field = page.getByRole('combobox', { name: t('query.label') });
  const hits = page.getByRole('listbox', { name: t('list.label') });
  const region = page.getByRole('region', { name: t('list.label') });
  const count = region.getByRole('status').first();
  await hits.getByRole('option').first().waitFor();
  await axe(window, 'the search page');
  const all = digits(await count.textContent());
  assert.ok(all > 0, 'the reader has mail');

  // A word of a real subject finds fewer mails, that one among them, and marks it.
  const { rows } = await ask(window, '/api/v1/search?limit=50');
  const word = rows.flatMap((row) => row.subject.match(/\p{L}{6,}/gu) ?? [])[0];
  assert.ok(word, 'some subject has a word');
  await page.keyboard.press('/');
  await page.keyboard.type(`subject:${word}`);
  await page.waitForURL((url) => url.searchParams.get('q') === `subject:${word}`);
  await hits.locator('mark').first().waitFor();
  const { total } = await ask(window, `/api/v1/search?q=${encodeURIComponent(`subject:${word}`)}`);
  await page.waitForFunction(([element, wanted]) => Number(element.textContent.split(/ in /)[0].replace(/\D/g, '')) === wanted, [await count.elementHandle(), total]);
  assert.ok(total <= all);

  // Enter leaves the field; j selects, and the address bar names the mail.
  await field.press('Enter');
  await page.keyboard.press('j');
  await page.waitForURL((url) => url.searchParams.has('id'));
  const id = new URL(page.url()).searchParams.get('id');
  const mail = page.getByRole('article');
  await mail.waitFor();
  const record = await ask(window, `/api/v1/records/${id}`);
  await mail.getByRole('heading', { name: record.subject || t('mail.noSubject') }).first().waitFor();
  if (record.hasHtml) {
    assert.equal(await mail.locator('iframe').getAttribute('sandbox'), 'allow-popups allow-popups-to-escape-sandbox');
    await mail.frameLocator('iframe').locator('body').waitFor();
  }
  for (const tab of ['text', 'recipients', 'headers', 'source', 'message']) {
    await mail.getByRole('tab', { name: t(`tab.${tab}`), exact: true }).click();
    await mail.getByRole('tabpanel').waitFor();
    if (tab === 'recipients') await mail.getByText(record.recipients[0]?.address ?? t('arrival.title')).first().waitFor();
    if (tab === 'headers' && record.headers[0]) await mail.getByRole('rowheader', { name: record.headers[0].name, exact: true }).first().waitFor();
    await axe(window, `the tab ${tab}`);
  }

  // The width of the list is remembered.
  const handle = page.getByRole('separator', { name: t('pane.list') });
  await handle.focus();
  const before = await handle.getAttribute('aria-valuenow');
  await page.keyboard.press('ArrowRight');
  await page.waitForFunction(([element, width]) => element.getAttribute('aria-valuenow') !== width, [await handle.elementHandle(), before]);
  const width = await handle.getAttribute('aria-valuenow');

  // The same address shows the same to whoever may see it; a page of its own does too.
  await page.reload();
  await mail.getByRole('heading', { name: record.subject || t('mail.noSubject') }).first().waitFor();
  assert.equal(await handle.getAttribute('aria-valuenow'), width);
  await page.getByRole('button', { name: t('mail.openPage') }).click();
  await page.waitForURL(`**/records/${id}`);
  await page.getByRole('heading', { level: 1, name: record.subject || t('mail.noSubject') }).waitFor();
  await axe(window, 'the page of a mail');
  await page.keyboard.press('Escape');
  await page.waitForURL('**/search?*');

  // A query that is not understood says where; one without hits says so.
  await field.fill('before:someday');
  const complaint = page.getByRole('alert').filter({ hasText: t('problem.query.bad_date') });
  await complaint.waitFor();
  assert.equal(await field.getAttribute('aria-invalid'), 'true');
  await field.fill('quetzalcoatl-xylograph-0815');
  await page.getByRole('heading', { name: t('none.title') }).waitFor();
  await axe(window, 'the page without hits');
  await field.fill('fro');
  await page.getByRole('listbox', { name: t('query.completions') }).getByRole('option').first().waitFor();
  await field.press('Tab');
  assert.equal(await field.inputValue(), 'from:');
  await field.fill('');
  await field.press('Escape');
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: t('help.title') }).waitFor();
  await axe(window, 'the help');
  await page.keyboard.press('Escape');

  // What does not exist looks like what one may not see.
  await page.goto(`/records/${'0'.repeat(32)}`);
  await page.getByRole('heading', { name: t('mail.notFound') }).waitFor();
  await page.goto('/admin/status');
  await page.getByRole('heading', { name: t('admin.onlyTitle') }).waitFor();
  await axe(window, 'a page for somebody else');
}
