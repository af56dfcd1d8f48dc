import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ask, axe, signIn } from './lib.mjs';

export const title = 'somebody signs in at an OpenID provider, comes back with the role of the rules, and a wrong answer opens nothing';

const PROVIDER = fileURLToPath(new URL('../../crates/testkit/components/oidc-entra/server.mjs', import.meta.url));
const DIRECTORY = '11111111-2222-3333-4444-555555555555';
/** Each language has a person of its own: an account belongs to one provider. */
const PEOPLE = { de: { name: 'alice@corp.test', role: 'auditor' }, en: { name: 'bob@corp.test', role: 'user' } };
const CERTIFICATE = '[req]\ndistinguished_name = name\nx509_extensions = more\nprompt = no\n[name]\nCN = localhost\n[more]\nsubjectAltName = DNS:localhost\n';

export async function run(window, { administrator, operator }) {
  if (window.mock || !administrator || !operator) return window.note('only with the real server, an administrator and an operator');
  const { page, t } = window;
  const folder = await mkdtemp(join(tmpdir(), 'provider-'));
  const idp = await start(folder);
  const base = `http://localhost:${new URL(process.env.CHANCERY_URL).port}`;
  try {
    await signIn(window, operator);
    await change(page, 'PATCH', '/api/v1/settings', { http: { publicUrl: base } });
    const there = { ...window, page: await page.context().newPage() };
    try {
      await page.context().clearCookies();
      await signInAt(there, base, administrator);
      const id = await connect(there.page, base, idp);
      try {
        await comeAndGo({ ...there, base }, idp, PEOPLE[window.language]);
      } finally {
        await there.page.context().clearCookies();
        await signInAt(there, base, administrator);
        await change(there.page, 'DELETE', `${base}/api/v1/sign-in/providers/${id}`);
      }
    } finally {
      await there.page.context().clearCookies();
      await signInAt(there, base, operator);
      await change(there.page, 'PATCH', `${base}/api/v1/settings`, { http: { publicUrl: null } });
    }
  } finally {
    await idp.stop();
    await rm(folder, { recursive: true });
  }

  async function signInAt({ page }, site, { user, password }) {
    await page.goto(`${site}/sign-in`);
    await page.getByLabel(t('signIn.userName'), { exact: true }).fill(user);
    await page.getByLabel(t('signIn.password'), { exact: true }).fill(password);
    await page.getByRole('button', { name: t('signIn.submit'), exact: true }).click();
    await page.getByRole('button', { name: t('menu.account', { name: '' }).trim() }).waitFor();
  }
}

async function comeAndGo(window, idp, person) {
  const { page, t, base } = window;
  const leave = async () => {
    await page.context().clearCookies();
    await page.goto(`${base}/sign-in?next=%2Fprofile`);
    const button = page.getByRole('button', { name: t('signIn.with', { name: 'Corp' }), exact: true });
    await button.waitFor();
    await axe(window, 'the sign-in page with a provider');
    await button.click();
    await page.getByRole('heading', { name: 'Sign in to Corp' }).waitFor();
    await page.getByLabel('Account').fill(person.name);
    await page.getByRole('button', { name: 'Next' }).click();
  };

  await leave();
  await page.getByRole('button', { name: t('menu.account', { name: '' }).trim() }).waitFor();
  await page.getByRole('heading', { name: t('profile.sessions') }).waitFor();
  const session = await ask(window, `${base}/api/v1/session`);
  assert.deepEqual([session.account.userName, session.account.role, session.method], [person.name, person.role, 'provider']);

  await idp.tell({ fault: 'nonce' });
  await leave();
  await page.getByRole('alert').filter({ hasText: t('signIn.error.other', { code: 'wrong-nonce' }) }).waitFor();
  await axe(window, 'the sign-in page after a wrong answer');
  assert.equal((await page.request.get(`${base}/api/v1/session`)).status(), 401);
  await idp.tell({ fault: 'issuer' });
  await leave();
  await page.getByRole('alert').filter({ hasText: t('signIn.error.wrong-issuer') }).waitFor();
  await idp.tell({ fault: null });
}

/** Connects the provider as the page's form does; gives its id. */
async function connect(page, base, idp) {
  const rule = (claim, value, role) => ({ source: 'id_token', claim, operator: 'contains', value, role });
  const settings = {
    kind: 'entra', issuer: `${idp.origin}/${DIRECTORY}/v2.0`, clientId: 'archive', caCertificates: idp.certificate, groupsUrl: `${idp.origin}/graph/me/getMemberObjects`,
    expectedTenants: [DIRECTORY], listed: true, createAccounts: true,
    roles: [rule('roles', 'Archive.Audit', 'auditor'), rule('groups', 'bbbbbbbb-0000-0000-0000-000000000001', 'user')],
  };
  const made = await change(page, 'POST', `${base}/api/v1/sign-in/providers`, { name: 'Corp', enabled: true, secret: 'archive-secret', settings });
  await idp.tell({ redirect: made.redirectUri });
  return made.id;
}

/** A change through the API, with the session of the page. */
async function change(page, method, path, data) {
  const { csrfToken } = await (await page.request.get(new URL('/api/v1/session', new URL(path, process.env.CHANCERY_URL)).href)).json();
  const answer = await page.request.fetch(path, { method, headers: { 'X-CSRF-Token': csrfToken }, ...(data ? { data } : {}) });
  assert.ok(answer.ok(), `${method} ${path}: ${await answer.text()}`);
  return answer.status() === 204 ? null : answer.json();
}

async function start(folder) {
  const path = (name) => join(folder, name);
  await writeFile(path('openssl.cnf'), CERTIFICATE);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', path('key.pem')];
  execFileSync('openssl', ['req', '-x509', '-days', '2', '-config', path('openssl.cnf'), ...key, '-out', path('cert.pem')], { stdio: 'ignore' });
  const child = spawn('node', [PROVIDER, path('key.pem'), path('cert.pem')], { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const port = (await lines.next()).value;
  assert.match(String(port), /^\d+$/, 'the provider says its port');
  const tell = async (told) => {
    child.stdin.write(`${JSON.stringify(told)}\n`);
    assert.equal((await lines.next()).value, 'ready');
  };
  const stop = async () => {
    child.stdin.end();
    await ended;
  };
  return { origin: `https://localhost:${port}`, certificate: await readFile(path('cert.pem'), 'utf8'), tell, stop };
}
