// The API in a small Node server with invented mail, and the built pages beside it:
// `npm run mock` listens on port 8470; `start()` is what the tests use.
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as answers from './answers.mjs';
import { answerKeeping, evidence } from './keeping.mjs';
import { fetchTest } from './fetch.mjs';
import { answer as consoleAnswer, directoryPreview, directoryTest, imported, liveLog } from './console.mjs';

const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2', '.json': 'application/json' };
const CSP = "default-src 'self'; frame-src 'self'; img-src 'self' data:; style-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const MAIL_CSP = "default-src 'none'; img-src data: 'self'; style-src 'unsafe-inline'; sandbox";
const BODY_BYTES_MAX = 65_536;

const sessions = new Map();

function send(res, status, body, headers = {}) {
  const text = typeof body === 'string' || body instanceof Buffer ? body : JSON.stringify(body);
  res.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff', ...headers });
  res.end(text);
}
const problem = (res, status, code, detail, more = {}) => send(res, status, { type: 'about:blank', title: code, status, code, detail, ...more }, { 'Content-Type': 'application/problem+json' });
const attach = (name) => ({ 'Content-Disposition': `attachment; filename*=UTF-8''${encodeURIComponent(name)}` });

async function readBody(req) {
  let text = '';
  for await (const chunk of req) {
    text += chunk;
    if (text.length > BODY_BYTES_MAX) break;
  }
  return text ? JSON.parse(text) : {};
}

async function api(req, res, url) {
  const path = url.pathname.slice('/api/v1'.length);
  const token = /(?:^|; )chancery=(\w+)/.exec(req.headers.cookie ?? '')?.[1];
  const session = sessions.get(token);
  if (path === '/health') return send(res, 200, { status: 'ok' });
  if (path === '/session' && req.method === 'POST') return signIn(req, res);
  if (path === '/sign-in/methods') return send(res, 200, { providers: [{ id: '1'.repeat(32), name: 'Microsoft Entra ID' }] });
  if (!session) return problem(res, 401, 'not-signed-in', 'Please sign in.');
  if (req.method !== 'GET' && req.headers['x-csrf-token'] !== session.csrfToken) return problem(res, 403, 'csrf', 'The token is missing.');
  if (path === '/session' && req.method === 'DELETE') {
    sessions.delete(token);
    return send(res, 204, '');
  }
  if (path === '/session') return send(res, 200, session);
  if (path === '/session/password') {
    const { current } = await readBody(req);
    if (current !== answers.ACCOUNTS[session.account.userName].password) return problem(res, 401, 'bad-credentials', 'The current password is wrong.');
    session.mustChangePassword = false;
    return send(res, 204, '');
  }
  if (path.startsWith('/me/')) return administrate(req, res, url, path, false);
  const { role } = session.account;
  const kept = role === 'officer' ? answerKeeping(req.method, path) : undefined;
  if (kept) return send(res, 200, kept);
  if (role === 'administrator' || role === 'operator') return /^\/(search|records)/.test(path) ? problem(res, 404, 'not-found', 'There is no such thing.') : administration(req, res, url, path, role === 'operator');
  if (/^\/(exports|restores)$/.test(path) && req.method === 'GET') return send(res, 200, answerKeeping('GET', path));
  if (role !== 'user' && /^\/(access-requests|audit|mailboxes)/.test(path)) return administrate(req, res, url, path, false);
  return /^\/(search|records)/.test(path) ? mail(res, url, path) : problem(res, 404, 'not-found', 'There is no such thing.');
}

async function signIn(req, res) {
  const { userName, password } = await readBody(req);
  const known = answers.ACCOUNTS[userName];
  if (userName === 'slow') return send(res, 429, { type: 'about:blank', title: 'throttled', status: 429, code: 'throttled' }, { 'Retry-After': '45', 'Content-Type': 'application/problem+json' });
  if (!known || known.password !== password) return problem(res, 401, 'bad-credentials', 'User name or password is wrong.');
  const token = randomBytes(16).toString('hex');
  const session = { account: known.account, csrfToken: randomBytes(16).toString('hex'), mustChangePassword: known.mustChangePassword ?? false, mustEnrolSecondFactor: false, method: 'password' };
  sessions.set(token, session);
  send(res, 200, session, { 'Set-Cookie': `chancery=${token}; Path=/; HttpOnly; SameSite=Strict` });
}

/** The console: what is asked is answered, what is changed is taken and forgotten. */
function administrate(req, res, url, path, operator) {
  if (path === '/fetch-sources/test') return send(res, 200, fetchTest);
  if (/^\/directories.*\/test$/.test(path)) return send(res, 200, directoryTest);
  if (/^\/directories.*\/preview$/.test(path)) return send(res, 200, directoryPreview);
  if (path === '/accounts/import/preview') return send(res, 200, imported);
  if (req.method !== 'GET') return send(res, 204, '');
  const body = consoleAnswer(path, url.searchParams, operator);
  return body === undefined ? problem(res, 404, 'not-found', 'There is no such thing.') : send(res, 200, body);
}

function administration(req, res, url, path, operator) {
  if (path === '/log') return liveLog(res);
  if (path === '/status') return send(res, 200, answers.status());
  if (path === '/quarantine' && (url.searchParams.get('state') ?? 'waiting') === 'waiting') return send(res, 200, answers.quarantine());
  const [, id, act] = /^\/quarantine\/(\w+)\/(retry|release|discard)$/.exec(path) ?? [];
  if (!id) return administrate(req, res, url, path, operator);
  if (req.method !== 'POST' || !answers.settle(id)) return problem(res, 404, 'not-found', 'There is no such entry.');
  return send(res, act ? 204 : 404, '');
}

function mail(res, url, path) {
  if (path === '/search') {
    const answer = answers.search(url.searchParams);
    return answer.problem ? send(res, answer.status, answer.problem, { 'Content-Type': 'application/problem+json' }) : send(res, 200, answer.body);
  }
  if (path === '/search/suggest') return send(res, 200, answers.suggest(url.searchParams).body);
  const [, id, rest = ''] = /^\/records\/(\w+)(\/.*)?$/.exec(path) ?? [];
  const found = id && answers.find(id);
  if (!found) return problem(res, 404, 'not-found', 'There is no such mail.');
  if (rest === '') return send(res, 200, answers.record(id));
  if (rest === '/evidence') return send(res, 200, evidence);
  if (rest === '/html') return send(res, 200, answers.html(found, url.searchParams.get('remote') === 'true'), { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': MAIL_CSP, 'X-Remote-Content': String(found.remote) });
  if (rest === '/source') return send(res, 200, answers.source(found), { 'Content-Type': 'text/plain; charset=utf-8' });
  if (rest === '/eml') return send(res, 200, answers.source(found), { 'Content-Type': 'message/rfc822', ...attach(`${id}.eml`) });
  if (/^\/reports\/[^/]+\/eml$/.test(rest)) return send(res, 200, `X-MS-Journal-Report: \r\n\r\n${answers.source(found)}`, { 'Content-Type': 'message/rfc822', ...attach(`${id}-report.eml`) });
  if (/^\/attachments\/\d+$/.test(rest)) return send(res, 200, 'attachment', { 'Content-Type': 'application/octet-stream', ...attach('attachment.bin') });
  return problem(res, 404, 'not-found', 'There is no such thing.');
}

async function page(res, url) {
  const wanted = normalize(url.pathname).replace(/^([./\\])+/, '');
  const headers = { 'Content-Security-Policy': CSP, 'Referrer-Policy': 'no-referrer' };
  const file = await readFile(join(DIST, wanted || 'index.html')).catch(() => null);
  if (file && wanted) return send(res, 200, file, { ...headers, 'Content-Type': TYPES[extname(wanted)] ?? 'application/octet-stream' });
  if (wanted.startsWith('assets/')) return send(res, 404, '');
  return send(res, 200, await readFile(join(DIST, 'index.html')), { ...headers, 'Content-Type': TYPES['.html'] });
}

/** Listens on loopback; port 0 takes a free one. */
export function start(port = 0) {
  const server = createServer((req, res) => {
    const url = new URL(req.url ?? '/', 'http://localhost');
    const answer = url.pathname.startsWith('/api/v1/') ? api(req, res, url) : page(res, url);
    Promise.resolve(answer).catch((error) => (res.headersSent ? res.end() : problem(res, 500, 'mock', String(error))));
  });
  return new Promise((resolve) => {
    server.listen(port, '127.0.0.1', () => resolve({ url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() }));
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { url } = await start(Number(process.env.PORT ?? 8470));
  console.log(`${url}  (anna/anna, admin/admin, first/first)`);
}
