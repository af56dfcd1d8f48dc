import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { ask, axe, signIn } from './lib.mjs';

export const title = 'a person sets up an app and a passkey, and signs in with each of them and with a recovery code';

const STEP_SECONDS = 30;

/** RFC 6238 with what every app uses: SHA-1, six digits, thirty seconds. */
function totp(secret, step) {
  const bits = [...secret.replace(/[\s=]/g, '')].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', key).update(counter).digest();
  const at = (mac.at(-1) ?? 0) & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

export async function run(window, { reader, operator }) {
  if (window.mock) return window.note('only with the real server');
  const { page, t } = window;
  await signIn(window, operator);
  // Passkeys belong to a name; a number has none.
  const url = new URL(page.url());
  const named = `http://localhost:${url.port}`;
  await publicUrl(window, named);
  await page.context().clearCookies();
  const other = await page.context().newPage();
  const there = { ...window, page: other };
  try {
    await factors(there, named, reader);
  } finally {
    await page.context().clearCookies();
    await other.goto(named);
    await signInAt(there, named, operator);
    await other.getByRole('button', { name: t('menu.account', { name: '' }).trim() }).waitFor();
    await publicUrl({ page: other, base: named }, null);
  }
}

async function publicUrl({ page, base = '' }, publicUrl) {
  const { csrfToken } = await (await page.request.get(`${base}/api/v1/session`)).json();
  const answer = await page.request.patch(`${base}/api/v1/settings`, { headers: { 'X-CSRF-Token': csrfToken }, data: { http: { publicUrl } } });
  assert.ok(answer.ok(), await answer.text());
}

async function signInAt({ page, t }, base, { user, password }) {
  await page.goto(`${base}/sign-in`);
  await page.getByLabel(t('signIn.userName'), { exact: true }).fill(user);
  await page.getByLabel(t('signIn.password'), { exact: true }).fill(password);
  await page.getByRole('button', { name: t('signIn.submit'), exact: true }).click();
}

async function factors(window, base, reader) {
  const { page, t } = window;
  const devices = await page.context().newCDPSession(page);
  await devices.send('WebAuthn.enable');
  await devices.send('WebAuthn.addVirtualAuthenticator', { options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } });
  const account = page.getByRole('button', { name: t('menu.account', { name: '' }).trim() });
  const profile = async () => {
    await account.waitFor();
    await page.goto(`${base}/profile`);
    await page.getByRole('heading', { name: t('profile.factors'), exact: true }).waitFor();
  };
  const leave = async () => {
    await page.context().clearCookies();
    await signInAt(window, base, reader);
    await page.getByRole('heading', { name: t('signIn.factorTitle') }).waitFor();
  };

  await signInAt(window, base, reader);
  await profile();
  await page.getByRole('button', { name: t('profile.addTotp'), exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: t('form.continue'), exact: true }).click();
  await page.getByRole('img', { name: t('profile.qr') }).waitFor();
  await axe(window, 'the app’s picture');
  const shown = await page.getByRole('dialog').innerText();
  const secret = shown.match(/\b[A-Z2-7]{16,}\b/)?.[0];
  assert.ok(secret, 'the secret stands there as text');
  let step = Math.floor(Date.now() / 1000 / STEP_SECONDS);
  await page.getByLabel(t('profile.code'), { exact: true }).fill(totp(secret, step));
  await page.getByRole('button', { name: t('profile.confirm'), exact: true }).click();
  const codes = page.getByRole('dialog').getByRole('listitem');
  await codes.first().waitFor();
  const [recovery] = await codes.allInnerTexts();
  await axe(window, 'recovery codes');
  await page.getByRole('button', { name: t('profile.recoveryDone'), exact: true }).click();

  await page.getByRole('button', { name: t('profile.addPasskey'), exact: true }).click();
  await page.getByLabel(t('profile.passkeyName'), { exact: true }).fill('Notebook');
  await page.getByRole('dialog').getByRole('button', { name: t('form.continue'), exact: true }).click();
  await page.getByRole('rowheader', { name: /Notebook/ }).waitFor();
  await axe(window, 'the profile');

  // A code that was used opens nothing again; the next one does.
  await leave();
  await axe(window, 'the second factor');
  await page.getByLabel(t('signIn.code'), { exact: true }).fill(totp(secret, step));
  await page.getByRole('button', { name: t('signIn.continue'), exact: true }).click();
  await page.getByText(t('signIn.factorWrong')).waitFor();
  // The next one, or today's when the machine was slow.
  step = Math.max(step + 1, Math.floor(Date.now() / 1000 / STEP_SECONDS));
  await page.getByLabel(t('signIn.code'), { exact: true }).fill(totp(secret, step));
  await page.getByRole('button', { name: t('signIn.continue'), exact: true }).click();
  await account.waitFor();

  await leave();
  await page.getByRole('button', { name: t('signIn.way.passkey'), exact: true }).click();
  await page.getByRole('button', { name: t('signIn.usePasskey'), exact: true }).click();
  await account.waitFor();

  await leave();
  await page.getByRole('button', { name: t('signIn.way.recovery'), exact: true }).click();
  await page.getByLabel(t('signIn.recoveryCode'), { exact: true }).fill(recovery);
  await page.getByRole('button', { name: t('signIn.continue'), exact: true }).click();
  await profile();
  const { recoveryCodes } = await ask(window, `${base}/api/v1/me/second-factors`);
  window.note(`${recoveryCodes} recovery codes left`);

  for (let left = 2; left > 0; left -= 1) {
    await page.getByRole('button', { name: t('profile.removeFactor'), exact: true }).first().click();
    await page.getByRole('dialog').getByRole('button', { name: t('profile.removeFactor'), exact: true }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  }
  await page.getByText(t('profile.noFactors')).waitFor();
}
