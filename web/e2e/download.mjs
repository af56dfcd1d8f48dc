import assert from 'node:assert/strict';
import { ask, download, sha256, signIn } from './lib.mjs';

export const title = 'somebody downloads mails and gets exactly the octets that arrived';

const MAILS = 5;

export async function run(window, { reader }) {
  const { page, t } = window;
  await signIn(window, reader);
  const { rows } = await ask(window, `/api/v1/search?limit=50`);
  const chosen = [...rows].sort((a, b) => b.attachments - a.attachments || b.versions - a.versions).slice(0, MAILS);
  let reports = 0;
  for (const { id } of chosen) {
    const record = await ask(window, `/api/v1/records/${id}`);
    await page.goto(`/records/${id}`);
    const file = await download(page, () => page.getByRole('link', { name: t('mail.download'), exact: true }).click());
    assert.equal(sha256(file.octets), record.contentId, `the octets of ${id}`);
    assert.equal(file.octets.length, record.sizeBytes);
    assert.match(file.name, /\.eml$/);

    const attachment = record.attachments.find((part) => !part.inline && part.name);
    if (attachment) {
      const part = await download(page, () => page.getByRole('link', { name: attachment.name }).first().click());
      if (!window.mock) assert.equal(part.octets.length, attachment.sizeBytes, attachment.mediaType);
    }
    const [report] = record.reports;
    if (report) {
      reports += 1;
      await page.getByRole('tab', { name: t('tab.recipients'), exact: true }).click();
      const journal = await download(page, () => page.getByRole('link', { name: t('reports.download') }).first().click());
      if (!window.mock) assert.equal(sha256(journal.octets), report.contentId, `the report of ${id}`);
    }
  }
  window.note(`${chosen.length} mails, ${reports} reports`);
}
