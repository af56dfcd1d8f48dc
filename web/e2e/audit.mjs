import assert from 'node:assert/strict';
import { ask, axe, download, sha256, signIn } from './lib.mjs';

export const title = 'an auditor sees who really received a mail, and takes the journal report as proof';

const LOOKED_AT = 50;

export async function run(window, { auditor }) {
  const { page, t } = window;
  await signIn(window, auditor);
  const { rows } = await ask(window, `/api/v1/search?limit=${LOOKED_AT}`);
  // The mail whose ways are the most various: lists, forwarding, blind copies.
  const records = [];
  for (const { id } of rows) records.push(await ask(window, `/api/v1/records/${id}`));
  const ways = ({ recipients }) => new Set(recipients.map((one) => `${one.role} ${Boolean(one.expandedFrom)} ${Boolean(one.forwardedFrom)}`)).size;
  const record = records.filter(({ reports }) => reports.length > 0).sort((a, b) => ways(b) - ways(a))[0];
  assert.ok(record, 'some mail came in a journal report');

  await page.goto(`/records/${record.id}`);
  await page.getByRole('tab', { name: t('tab.recipients'), exact: true }).click();
  const table = page.getByRole('tabpanel').getByRole('table');
  for (const { address, role } of record.recipients.slice(0, LOOKED_AT)) {
    const entry = table.getByRole('row').filter({ has: page.getByRole('rowheader', { name: address, exact: true }) }).filter({ hasText: t(`recipient.${role}`) });
    await entry.first().waitFor();
  }
  for (const { expandedFrom } of record.recipients.filter((one) => one.expandedFrom).slice(0, 1)) await table.getByText(expandedFrom).first().waitFor();
  await axe(window, 'the recipients');
  for (const [at, report] of record.reports.entries()) {
    const file = await download(page, () => page.getByRole('link', { name: t('reports.download') }).nth(at).click());
    if (!window.mock) assert.equal(sha256(file.octets), report.contentId);
  }
  await page.getByText(record.contentId).first().waitFor();
  window.note(`${record.recipients.length} participants, ${record.reports.length} reports`);
}
