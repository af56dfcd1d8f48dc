import { createServer } from 'node:net';
import { axe, signIn } from './lib.mjs';

export const title = 'an administrator adds a mailbox to be fetched, tests it, pauses and removes it';

const PATIENCE_MS = 120_000;

/** Speaks as much IMAP as a refused sign-in takes. */
function grudgingServer() {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.write('* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n');
    let pending = '';
    let asked = '';
    socket.on('data', (octets) => {
      pending += octets.toString('latin1');
      const lines = pending.split('\r\n');
      pending = lines.pop() ?? '';
      for (const line of lines) {
        // After the challenge comes the answer to it, without a tag of its own.
        if (asked) socket.write(`${asked} NO [AUTHENTICATIONFAILED] no such account\r\n`);
        else socket.write(answer(line));
        asked = !asked && isChallenged(line) ? line.split(' ')[0] : '';
      }
    });
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve({ port: server.address().port, close: () => server.close() })));
}

const isChallenged = (line) => /^\S+ AUTHENTICATE \S+$/i.test(line);

function answer(line) {
  const [tag, verb = ''] = line.split(' ');
  const name = verb.toUpperCase();
  if (name === 'CAPABILITY') return `* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n${tag} OK done\r\n`;
  if (name === 'LOGOUT') return `* BYE\r\n${tag} OK done\r\n`;
  if (isChallenged(line)) return '+ \r\n';
  if (name === 'AUTHENTICATE' || name === 'LOGIN') return `${tag} NO [AUTHENTICATIONFAILED] no such account\r\n`;
  return `${tag} BAD not understood\r\n`;
}

export async function run(window, { administrator }) {
  const { page, t, language } = window;
  await signIn(window, administrator);
  await page.goto('/admin/fetch');
  await page.getByRole('link', { name: t('fetch.add'), exact: true }).click();
  await page.getByRole('heading', { level: 1, name: t('fetch.add') }).waitFor();
  await axe(window, 'a new source');
  await page.getByRole('button', { name: t('form.save'), exact: true }).click();
  await page.getByText(t('fetch.serverWrong')).waitFor();
  await choose(window, 'fetch.signInBy', 'fetch.signInBy.oauth');
  await page.getByRole('heading', { name: t('fetch.oauth.step.principal') }).waitFor();
  await axe(window, 'the guide to OAuth');
  await choose(window, 'fetch.signInBy', 'fetch.signInBy.password');
  if (window.mock) return;

  const server = await grudgingServer();
  try {
    await add(window, `Postfach ${language} ${Date.now()}`, server.port);
  } finally {
    server.close();
  }
}

/** Picks an entry of a list by what it says. */
async function choose({ page, t }, label, option) {
  await page.getByRole('combobox', { name: t(label), exact: true }).click();
  await page.getByRole('option', { name: t(option), exact: true }).click();
}

async function add(window, name, port) {
  const { page, t } = window;
  const field = (label) => page.getByLabel(t(label), { exact: true });
  await field('fetch.name').fill(name);
  await field('fetch.server').fill('127.0.0.1');
  await field('fetch.port').fill(String(port));
  await choose(window, 'fetch.protocol', 'fetch.protocol.imap');
  await choose(window, 'fetch.security', 'fetch.security.none');
  await page.getByText(t('fetch.noneWarning')).waitFor();
  await field('fetch.user').fill('journal');
  await field('fetch.password').fill('not the password');
  await page.getByRole('button', { name: t('fetch.test'), exact: true }).click();
  await page.getByText(t('fetch.testFailed')).waitFor({ timeout: PATIENCE_MS });
  await page.getByText(t('fetch.kind.sign-in-refused.text')).waitFor();
  await axe(window, 'a test that failed');
  await page.getByRole('button', { name: t('form.save'), exact: true }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
  // The first run comes by itself, and is refused as well.
  await page.getByRole('table', { name: t('fetch.runs') }).getByText(t('fetch.kind.sign-in-refused')).first().waitFor({ timeout: PATIENCE_MS });
  await axe(window, 'a source that fails');
  await manage(window, name);
}

async function manage(window, name) {
  const { page, t } = window;
  for (const tab of ['fetch.left', 'fetch.reconcile']) {
    await page.getByRole('tab', { name: t(tab) }).click();
    await page.getByText(t(tab === 'fetch.left' ? 'fetch.leftNone' : 'fetch.reconcileNone')).waitFor();
    await axe(window, tab);
  }
  const menu = async (entry) => {
    await page.getByRole('button', { name: t('table.actionsFor', { name }) }).click();
    await page.getByRole('menuitem', { name: t(entry), exact: true }).click();
  };
  await menu('fetch.pause');
  await page.getByText(t('fetch.state.paused'), { exact: true }).first().waitFor();
  await menu('fetch.resume');
  await page.getByText(t('fetch.resumed')).waitFor();
  await menu('fetch.reset');
  await page.getByRole('dialog', { name: t('fetch.resetTitle') }).waitFor();
  await axe(window, 'the question before a reset');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await menu('fetch.remove');
  const removing = page.getByRole('dialog', { name: t('fetch.removeTitle') });
  await removing.getByRole('button', { name: t('fetch.removeSubmit'), exact: true }).click();
  await page.getByRole('heading', { level: 1, name: t('fetch.title') }).waitFor();
  await page.getByRole('link', { name, exact: true }).waitFor({ state: 'detached' });
}
