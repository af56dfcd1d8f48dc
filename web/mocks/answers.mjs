import { createHash } from 'node:crypto';
import { ANNA, COUNT, DOMAIN, inside, LIST, mail } from './company.mjs';

const MAILS = Array.from({ length: COUNT }, (_, i) => mail(i));
const BY_ID = new Map(MAILS.map((item) => [item.id, item]));
const PAGE = 50;
const fold = (text) => text.toLowerCase().normalize('NFD').replace(/\p{M}/gu, '').replace(/ß/g, 'ss').replace(/ue/g, 'u').replace(/oe/g, 'o').replace(/ae/g, 'a');

class QueryError extends Error {
  constructor(reason, detail, start, end) {
    super(detail);
    this.reason = `query.${reason}`;
    this.position = { start, end };
  }
}

/** A small part of the query language: enough for the pages to be looked at. */
function parse(q) {
  const tokens = [...q.matchAll(/\(|\)|-?(?:\w+:)?(?:"[^"]*"?|[^\s()"]+)|-?\w+:/gu)];
  let at = 0;
  const peek = () => tokens[at]?.[0];
  const or = () => {
    let left = and();
    while (peek() === 'OR') { at += 1; const right = and(); const before = left; left = (m) => before(m) || right(m); }
    return left;
  };
  const and = () => {
    const parts = [];
    while (peek() !== undefined && peek() !== ')' && peek() !== 'OR') { if (peek() === 'AND') { at += 1; continue; } parts.push(unary()); }
    return (m) => parts.every((part) => part(m));
  };
  const unary = () => {
    if (peek() === 'NOT') { at += 1; const inner = unary(); return (m) => !inner(m); }
    const token = tokens[at];
    at += 1;
    if (!token) return () => true;
    if (token[0] === '(') { const inner = or(); if (peek() !== ')') throw new QueryError('unclosed_parenthesis', 'A closing parenthesis is missing.', token.index, q.length); at += 1; return inner; }
    if (token[0] === ')') throw new QueryError('unexpected_parenthesis', 'This parenthesis closes nothing.', token.index, token.index + 1);
    return term(token[0], token.index);
  };
  const result = or();
  if (at < tokens.length) throw new QueryError('unexpected_parenthesis', 'This parenthesis closes nothing.', tokens[at].index, tokens[at].index + 1);
  return result;
}

function term(token, start) {
  const end = start + token.length;
  if ((token.match(/"/g) ?? []).length === 1) throw new QueryError('unclosed_quote', 'A closing quotation mark is missing.', start, end);
  const [, name, raw] = /^(?:(\w+):)?(.*)$/su.exec(token);
  const value = raw.replace(/"/g, '');
  const word = fold(value).replace(/\*$/, '');
  const has = (text) => fold(text).includes(word);
  const people = (list) => list.some((p) => p && has(`${p.name} ${p.address}`));
  const day = () => { if (!/^\d{4}(-\d\d(-\d\d)?)?$/.test(value)) throw new QueryError('bad_date', `“${value}” is not a date such as 2025-03-14.`, start + name.length + 1, end); return value; };
  const size = () => { const hit = /^(\d+(?:\.\d+)?)([kmg]?)b?$/i.exec(value); if (!hit) throw new QueryError('bad_size', `“${value}” is not a size such as 10M.`, start + name.length + 1, end); return hit[1] * 1024 ** ' kmg'.indexOf(hit[2].toLowerCase() || ' '); };
  switch (name?.toLowerCase()) {
    case undefined: return (m) => has(`${m.subject} ${m.body} ${m.from?.name} ${m.from?.address} ${m.attachments.map((a) => a.name).join(' ')}`);
    case 'from': return (m) => people([m.from]);
    case 'to': return (m) => people(m.to);
    case 'cc': return (m) => people(m.cc);
    case 'bcc': return () => false;
    case 'with': return (m) => people([m.from, ...m.to, ...m.cc]);
    case 'subject': return (m) => has(m.subject);
    case 'body': return (m) => has(m.body);
    case 'attachment': return (m) => m.attachments.some((a) => has(a.name));
    case 'has': return (m) => m.attachments.length > 0;
    case 'kind': return (m) => m.kind === value;
    case 'larger': { const bytes = size(); return (m) => m.sizeBytes > bytes; }
    case 'smaller': { const bytes = size(); return (m) => m.sizeBytes < bytes; }
    case 'before': { const limit = day(); return (m) => m.date < limit; }
    case 'after': { const limit = day(); return (m) => m.date >= limit; }
    case 'on': { const limit = /^\d{4}$/.test(value) ? value : day(); return (m) => m.date.startsWith(limit); }
    case 'source': case 'id': return () => true;
    default: throw new QueryError('bad_value', `There is no operator “${name}:”.`, start, start + name.length + 1);
  }
}

function fragments(text, words) {
  if (words.length === 0) return text ? [{ text, hit: false }] : [];
  const pattern = new RegExp(`(${words.map((w) => w.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})`, 'giu');
  return text.split(pattern).map((piece, i) => ({ text: piece, hit: i % 2 === 1 })).filter((piece) => piece.text);
}

function count(values) {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].map(([value, n]) => ({ value, label: value, count: n })).sort((a, b) => b.count - a.count);
}

const sizeOf = (m) => (m.sizeBytes < 10_240 ? '-10K' : m.sizeBytes < 102_400 ? '10K-100K' : m.sizeBytes < 1_048_576 ? '100K-1M' : m.sizeBytes < 10_485_760 ? '1M-10M' : '10M-');

export function search(params) {
  const q = params.get('q') ?? '';
  let test;
  try {
    test = parse(q);
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    return { status: 400, problem: { type: 'about:blank', title: 'Query', status: 400, code: 'query', detail: error.message, reason: error.reason, position: error.position } };
  }
  const started = performance.now();
  const hits = MAILS.filter(test);
  const sort = params.get('sort') ?? '-date';
  if (sort === 'date') hits.reverse();
  if (sort === 'sender') hits.sort((a, b) => (a.from?.address ?? '').localeCompare(b.from?.address ?? ''));
  const words = [...q.matchAll(/(?:^|[\s(])(?:(?:subject|body):)?"?([\p{L}\p{N}]{2,})\*?/gu)].map((hit) => hit[1]).filter((w) => !['AND', 'OR', 'NOT'].includes(w));
  const from = Number(params.get('cursor') ?? 0);
  const page = hits.slice(from, from + PAGE);
  return {
    body: {
      total: hits.length, notSearchableYet: 12, tookMs: Math.round((performance.now() - started) * 10) / 10,
      rows: page.map((m) => ({ id: m.id, subject: m.subject, from: m.from, to: m.to, date: m.date, sizeBytes: m.sizeBytes, attachments: m.attachments.length, kind: m.kind, marks: m.marks, versions: m.versions - 1, snippet: fragments(m.body.replace(/\s+/g, ' ').slice(0, 160), words), subjectHighlight: fragments(m.subject, words) })),
      next: from + PAGE < hits.length ? String(from + PAGE) : null,
      facets: {
        senders: count(hits.map((m) => m.from?.address ?? '').filter(Boolean)).slice(0, 10).map((f) => ({ ...f, label: hits.find((m) => m.from?.address === f.value)?.from?.name || f.value })),
        years: count(hits.map((m) => m.date.slice(0, 4))).sort((a, b) => b.value.localeCompare(a.value)),
        kinds: count(hits.map((m) => m.kind)),
        hasAttachment: count(hits.map((m) => String(m.attachments.length > 0))),
        sizes: count(hits.map(sizeOf)),
      },
    },
  };
}

const OPERATORS = [['from:', 'Absender · sender'], ['to:', 'An · to'], ['cc:', 'Cc'], ['bcc:', 'Bcc'], ['with:', 'Beteiligte · anyone'], ['subject:', 'Betreff · subject'], ['body:', 'Text'], ['attachment:', 'Anhang · attachment'], ['has:attachment', 'mit Anhang · with attachment'], ['larger:10M', '> 10 MB'], ['before:', 'vor · before'], ['after:', 'ab · after'], ['on:', 'am · on']];

export function suggest(params) {
  const caret = Number(params.get('caret') ?? 0);
  const word = /[^\s(]*$/.exec((params.get('q') ?? '').slice(0, caret))?.[0] ?? '';
  const [, operator, value] = /^(from:|to:|cc:|bcc:|with:)?(.*)$/s.exec(word);
  const found = operator ? [] : OPERATORS.filter(([insert]) => insert.startsWith(word)).map(([insert, label]) => ({ insert, label, kind: 'operator', replace: { start: caret - word.length, end: caret } }));
  const people = Array.from({ length: 12 }, (_, i) => inside(i)).filter((p) => fold(`${p.name} ${p.address}`).includes(fold(value))).map((p) => ({ insert: p.address, label: p.name, kind: 'address', replace: { start: caret - value.length, end: caret } }));
  return { body: [...found.map((item) => ({ ...item, label: item.insert })), ...(operator ? people : [])].slice(0, 8) };
}

export function source(m) {
  const people = (list) => list.map((p) => (p.name ? `"${p.name}" <${p.address}>` : p.address)).join(', ');
  const head = [`Received: from mail.${DOMAIN} by archive.example with ESMTPS; ${new Date(m.date).toUTCString()}`, `From: ${m.from ? people([m.from]) : ''}`, `To: ${people(m.to)}`, ...(m.cc.length ? [`Cc: ${people(m.cc)}`] : []), `Subject: ${m.subject}`, `Date: ${new Date(m.date).toUTCString()}`, `Message-ID: <${m.id.slice(0, 16)}@${DOMAIN}>`, 'MIME-Version: 1.0', 'Content-Type: text/plain; charset=utf-8', 'X-Mailer: Demo 1.0', 'X-MS-Exchange-Organization-SCL: -1', `Thread-Index: ${m.id}`];
  return `${head.join('\r\n')}\r\n\r\n${m.body.replace(/\n/g, '\r\n')}`;
}

const contentId = (m) => `sha256:${createHash('sha256').update(source(m)).digest('hex')}`;

function recipients(m) {
  const journal = m.marks.includes('recipients_from_headers') ? 'headers' : 'journal_report';
  const via = journal === 'journal_report' ? 'r1' : null;
  const row = (address, role, more = {}) => ({ address, role, provenance: journal, expandedFrom: null, forwardedFrom: null, viaReport: via, ...more });
  const list = [...(m.from ? [row(m.from.address, 'sender')] : []), ...m.to.map((p) => row(p.address, 'to')), ...m.cc.map((p) => row(p.address, 'cc'))];
  if (m.i % 4 === 1) list.push(row(inside(m.i + 6).address, 'bcc'));
  if (m.i % 4 === 0) list.push(...[2, 8, 9].map((k) => row(inside(m.i + k).address, 'to', { expandedFrom: LIST })), row('vertretung@extern.example', 'to', { forwardedFrom: inside(m.i + 8).address }));
  return list;
}

export function record(id) {
  const m = BY_ID.get(id);
  if (!m) return null;
  const journal = !m.marks.includes('recipients_from_headers');
  return {
    id, subject: m.subject, from: m.from ? [m.from] : [], to: m.i % 4 === 0 ? [...m.to, { name: 'Vertrieb', address: LIST }] : m.to, cc: m.cc, bcc: [], replyTo: [], date: m.date, receivedAt: new Date(Date.parse(m.date) + 4000).toISOString(),
    sizeBytes: Buffer.byteLength(source(m)), kind: m.kind, marks: m.marks, messageId: `${m.id.slice(0, 16)}@${DOMAIN}`, hasHtml: m.html, hasText: m.body !== '', textBody: m.body, truncated: false, remoteContent: m.remote, attachments: m.attachments,
    headers: source(m).split('\r\n\r\n')[0].split('\r\n').map((line) => ({ name: line.slice(0, line.indexOf(':')), value: line.slice(line.indexOf(':') + 2) })),
    recipients: recipients(m), reports: journal && m.from?.address === ANNA.address ? [{ contentId: `sha256:${'ab'.repeat(32)}`, receivedAt: m.date, sizeBytes: m.sizeBytes + 2210, originatorOrg: DOMAIN, variant: 'microsoft' }] : [],
    versions: m.versions > 1 ? [{ id: MAILS[m.i + 1].id, receivedAt: m.date, sizeBytes: m.sizeBytes + 811 }] : [],
    contentId: contentId(m), source: { kind: 'smtp', name: `journal@archive.example` }, envelope: m.i % 2 ? { reversePath: null, forwardPaths: ['journal-7f3a9c2e@archive.example'], peer: '192.0.2.25', tls: 'TLSv1_3' } : null,
  };
}

export const find = (id) => BY_ID.get(id);

export function html(m, remote) {
  const paragraphs = m.body.split('\n').filter(Boolean).map((line) => `<p>${line.replace(/&/g, '&amp;').replace(/</g, '&lt;')}</p>`).join('');
  const picture = m.remote ? (remote ? '<p style="color:#667">[remote pictures]</p>' : '<p style="border:1px dashed #aab;color:#667;padding:18px;width:240px">Picture</p>') : '';
  return `<!doctype html><meta charset="utf-8"><title>Mail</title><style>body{font:14px/1.55 Calibri,Arial,sans-serif;color:#222;margin:18px}table{border-collapse:collapse}td,th{border:1px solid #ccd;padding:5px 12px;text-align:left}</style>${paragraphs}${picture}<p style="background:#335b9e;color:#fff;display:inline-block;padding:4px 12px">Hanse Feinmechanik</p><table><tr><th>Position</th><th>Menge</th><th>Preis</th></tr><tr><td>Präzisionslager PL-40</td><td>120</td><td>14,80 €</td></tr><tr><td>Messtaster M4</td><td>6</td><td>212,00 €</td></tr></table>`;
}

let quarantined = [
  ['foreign-organisation', 'contoso.example', 'contoso.example', 31_044],
  ['no-organisation', '', null, 8_120],
  ['foreign-organisation', 'fabrikam.example', 'fabrikam.example', 2_811_904],
].map(([code, detail, originatorOrg, sizeBytes], i) => ({ id: String(i + 1).repeat(32), receivedAt: new Date(Date.now() - (i * 7 + 1) * 5_400_000).toISOString(), sizeBytes, reason: { code, detail }, originatorOrg, source: 'journal-7f3a9c2e@archive.example', reversePath: i === 1 ? null : `postmaster@${originatorOrg ?? 'mail.example'}`, state: 'waiting' }));

export const quarantine = () => ({ total: quarantined.length, waiting: [...new Set(quarantined.map((row) => row.reason.code))].map((code) => ({ code, count: quarantined.filter((row) => row.reason.code === code).length })), rows: quarantined, next: null });
export function settle(id) {
  const before = quarantined.length;
  quarantined = quarantined.filter((row) => row.id !== id);
  return quarantined.length < before;
}

export function status() {
  const minute = Math.floor(Date.now() / 60_000);
  const perMinute = Array.from({ length: 60 }, (_, i) => {
    const mails = Math.round(140 + 90 * Math.sin((minute + i) / 9) + 40 * Math.sin((minute + i) * 1.7));
    return { at: new Date((minute - 59 + i) * 60_000).toISOString(), mails, bytes: mails * 61_000 };
  });
  return {
    version: '0.1.0', uptimeSeconds: 183_942, intake: { acceptedTotal: 1_284_771, perMinute, connections: 4 }, spool: { depth: 37, bytes: 2_204_118, oldestSeconds: 1, state: 'open' },
    archive: { records: 1_201_338, reports: 1_264_002, merged: 62_664, quarantined: quarantined.length, storedBytes: { packs: 21_804_000_000, keys: 96_000_000, catalog: 1_920_000_000, index: 5_430_000_000 }, rawBytes: 71_900_000_000 },
    index: { lag: 12, lastCommitAt: new Date(Date.now() - 900).toISOString() },
    certificates: [{ subject: 'CN=archive.hanse-feinmechanik.example', notAfter: new Date(Date.now() + 64 * 86_400_000).toISOString(), selfSigned: false }, { subject: 'CN=chancery', notAfter: new Date(Date.now() + 12 * 86_400_000).toISOString(), selfSigned: true }],
    journalAddresses: ['journal-7f3a9c2e1b60@archive.hanse-feinmechanik.example', 'journal-0c44d81e9a72@archive.hanse-feinmechanik.example'],
  };
}

/** As docs/roles.md has them. */
const RIGHTS = {
  administrator: ['manage_accounts', 'manage_directories', 'manage_domains', 'manage_grants', 'manage_quarantine', 'manage_settings', 'manage_sign_in', 'manage_sources', 'read_log', 'read_status'],
  auditor: ['read_audit_log', 'read_mail', 'request_access', 'search_mail'],
  officer: ['approve_access', 'approve_disposal', 'export_mail', 'manage_holds', 'propose_disposal', 'read_audit_log', 'read_mail', 'read_retention', 'request_access', 'restore_mail', 'search_mail', 'set_retention'],
  operator: ['manage_server', 'manage_sign_in', 'manage_tenants', 'read_audit_log', 'read_log', 'read_status'],
  user: ['export_mail', 'read_mail', 'restore_mail', 'search_mail'],
};

export const ACCOUNTS = {
  anna: { password: 'anna', account: { id: '1'.repeat(32), userName: 'anna', displayName: 'Anna Brandt', role: 'user', permissions: RIGHTS.user, tenant: { id: 'f'.repeat(32), name: 'Hanse Feinmechanik' }, addresses: [ANNA.address], language: 'de' } },
  vera: { password: 'vera', account: { id: '4'.repeat(32), userName: 'vera', displayName: 'Vera Prüfer', role: 'auditor', permissions: RIGHTS.auditor, tenant: { id: 'f'.repeat(32), name: 'Hanse Feinmechanik' }, addresses: [], language: null } },
  ...Object.fromEntries([['olga', 'Olga Compliance', '6'], ['dirk', 'Dirk Datenschutz', '7']].map(([userName, displayName, digit]) => [userName, { password: 'olga', account: { id: digit.repeat(32), userName, displayName, role: 'officer', permissions: RIGHTS.officer, tenant: { id: 'f'.repeat(32), name: 'Hanse Feinmechanik' }, addresses: [], language: null } }])),
  admin: { password: 'admin', account: { id: '2'.repeat(32), userName: 'admin', displayName: 'Admin', role: 'administrator', permissions: RIGHTS.administrator, tenant: { id: 'f'.repeat(32), name: 'Hanse Feinmechanik' }, addresses: [], language: null } },
  root: { password: 'root', account: { id: '5'.repeat(32), userName: 'root', displayName: 'Olga Betrieb', role: 'operator', permissions: RIGHTS.operator, tenant: null, addresses: [], language: null } },
  first: { password: 'first', mustChangePassword: true, account: { id: '3'.repeat(32), userName: 'first', displayName: 'First Administrator', role: 'administrator', permissions: RIGHTS.administrator, tenant: null, addresses: [], language: null } },
};
