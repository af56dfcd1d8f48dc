import assert from 'node:assert/strict';
import { ask, axe, download, signIn } from './lib.mjs';
import { openAndLeave } from './pages.mjs';

export const title = 'an officer writes policies, sees their effect, and proposes what is over; another one approves';

const PATIENCE_MS = 120_000;

export async function run(window, people) {
  const { page, t, language } = window;
  await signIn(window, people.officer);
  await page.goto('/admin/retention');
  for (const tab of ['calendar', 'suspensions', 'exclusions', 'versions', 'policies']) {
    await page.getByRole('tab', { name: t(`retention.tab.${tab}`), exact: true }).click();
    await axe(window, tab);
  }
  await page.getByRole('tab', { name: t('retention.tab.exclusions'), exact: true }).click();
  await page.getByText(t('exclusion.warningTitle')).waitFor();
  await openAndLeave(window, page.getByRole('button', { name: t('exclusion.add'), exact: true }), t('exclusion.editTitle'));
  await page.getByRole('link', { name: t('retention.new'), exact: true }).click();
  await page.getByRole('heading', { level: 1, name: t('retention.newTitle') }).waitFor();
  const save = page.getByRole('button', { name: t('retention.save'), exact: true });
  assert.ok(await save.isDisabled(), 'nothing is saved before its effect was shown');
  if (window.mock) return;

  const policy = `Rest ${language} ${Date.now()}`;
  await addPolicy(window, policy);
  await page.getByLabel(t('retention.reason'), { exact: true }).fill('A task of the browser');
  await page.getByRole('button', { name: t('retention.previewNow'), exact: true }).click();
  await page.getByText(t('effect.of'), { exact: true }).waitFor({ timeout: PATIENCE_MS });
  await axe(window, 'the effect of a version');
  await save.click();
  await page.getByRole('table', { name: t('retention.order') }).getByText(policy).waitFor();
  await page.getByRole('tab', { name: t('retention.tab.calendar'), exact: true }).click();
  await page.getByRole('button', { name: t('calendar.count'), exact: true }).click();
  await page.getByRole('table', { name: t('calendar.classes') }).waitFor({ timeout: PATIENCE_MS });
  await axe(window, 'the calendar');
  await dispose(window, people);
}

/** One that fits every mail and keeps it for no time at all. */
async function addPolicy(window, name) {
  const { page, t } = window;
  await page.getByRole('button', { name: t('retention.addPolicy'), exact: true }).click();
  const form = page.getByRole('dialog', { name: t('retention.addPolicy') });
  await form.getByRole('button', { name: t('retention.done'), exact: true }).click();
  await form.getByText(t('form.required')).first().waitFor();
  await form.getByLabel(t('retention.name'), { exact: true }).fill(name);
  await form.getByLabel(t('retention.class'), { exact: true }).fill(`klasse-${name.slice(-6)}`);
  await axe(window, 'a policy');
  await form.getByRole('button', { name: t('retention.done'), exact: true }).click();
  await form.waitFor({ state: 'detached' });
}

async function dispose(window, { second }) {
  const { page, t } = window;
  await page.goto('/admin/disposals');
  await openAndLeave(window, page.getByRole('button', { name: t('disposal.propose'), exact: true }), t('disposal.proposeTitle'));
  await page.getByRole('button', { name: t('disposal.propose'), exact: true }).click();
  const form = page.getByRole('dialog', { name: t('disposal.proposeTitle') });
  await form.getByLabel(t('release.reason')).fill('What is over goes');
  await form.getByRole('button', { name: t('disposal.proposeSubmit'), exact: true }).click();
  await page.getByRole('heading', { level: 1, name: t('disposal.one') }).waitFor();
  await page.getByText(t('disposal.state.proposed'), { exact: true }).waitFor({ timeout: PATIENCE_MS });
  await axe(window, 'a proposal');
  const address = page.url();
  assert.ok(await page.getByRole('button', { name: t('disposal.approve'), exact: true }).isDisabled(), 'nobody approves their own proposal');
  const csv = await download(page, () => page.getByRole('link', { name: t('disposal.csv'), exact: true }).click());
  window.note(`${csv.octets.length} bytes of CSV`);

  await page.context().clearCookies();
  await signIn(window, second);
  await page.goto(address);
  const { mails } = await ask(window, `/api/v1/disposal/runs/${address.split('/').at(-1)}`);
  await page.getByRole('button', { name: t('disposal.approve'), exact: true }).click();
  const approving = page.getByRole('dialog', { name: t('disposal.approveTitle') });
  await approving.getByLabel(t('confirm.typed', { name: String(mails) })).fill(String(mails));
  await approving.getByLabel(t('release.reason')).fill('The list was looked at');
  await axe(window, 'the question before a disposal');
  await approving.getByRole('button', { name: t('disposal.approveSubmit'), exact: true }).click();
  await page.getByText(t('disposal.state.done'), { exact: true }).waitFor({ timeout: PATIENCE_MS });
  await axe(window, 'a run that is done');
  // In the first language they go; nothing is over then in the second one.
  const due = Number(process.env.CHANCERY_DUE ?? 0);
  if (window.language === 'de' && due > 0) assert.ok(mails >= due, 'what is over is proposed');
  if (mails > 0) await certificate(window, address);
}

/** What is left of a mail that went, and that nobody finds it any more. */
async function certificate(window, address) {
  const { page, t } = window;
  await page.getByRole('heading', { name: t('certificate.title'), exact: true }).waitFor();
  const { disposed, mails } = await ask(window, `/api/v1/disposal/runs/${address.split('/').at(-1)}`);
  assert.equal(disposed, mails, 'all that were approved are gone');
  const shown = page.getByRole('table', { name: t('disposal.items') }).getByRole('button', { name: t('certificate.show') }).first();
  await shown.click();
  const dialog = page.getByRole('dialog', { name: t('certificate.one') });
  await dialog.getByText(t('certificate.content')).waitFor();
  await axe(window, 'a certificate of deletion');
  const file = await download(page, () => dialog.getByRole('link', { name: t('certificate.download') }).click());
  const { facts, record } = JSON.parse(file.octets);
  assert.match(facts.content, /^sha256:[0-9a-f]{64}$/);
  assert.equal((await page.request.get(`/api/v1/records/${record}`)).status(), 404, 'the mail is gone');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
}
