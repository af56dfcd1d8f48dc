// Invented sources of fetched mail.
const HOUR = 3_600_000;
const id = (digit) => String(digit).repeat(32);
const ago = (hours) => new Date(Date.now() - hours * HOUR).toISOString();
const oauth = { authority: 'https://login.microsoftonline.com', tenant: '0a1b2c3d-0000-4000-8000-000000000001', tokenUrl: null, clientId: '3f2504e0-4f89-41d3-9a0c-0305e82c3301', scope: 'https://outlook.office365.com/.default', audience: null, certificatePem: null, assertion: 'ps256' };
const config = (more) => ({ server: 'imap.hanse-feinmechanik.example', protocol: 'auto', port: null, security: 'auto', caPem: null, pinnedSha256: null, user: 'journal', signIn: 'password', oauth, mode: { kind: 'journal', folder: 'INBOX' }, include: [], exclude: [], everyMinutes: 1, idle: true, after: { kind: 'delete' }, mailMebibytesMax: null, order: 'oldest-first', since: null, until: null, reconcileEveryHours: 24, enabled: true, ...more });
const fine = { paused: false, failures: 0, failingSince: null, error: null, detail: '', nextAt: ago(-0.01), lastSuccessAt: ago(0.01), reconciledAt: ago(7) };
const source = (n, name, more) => ({ id: id(n), name, rules: { journalReports: true, headers: [], deliveredTo: false }, hasPassword: true, hasClientSecret: false, hasClientKey: false, state: fine, running: false, live: null, polledAt: ago(0.005), left: 0, config: config({}), ...more });

const sources = [
  source(1, 'Journalpostfach Kerio', { left: 3, state: { ...fine, error: 'corrupt-mail', detail: 'INBOX 4711: the literal ended 212 octets early' } }),
  source(2, 'Postfächer Microsoft 365', { running: true, live: { purpose: 'poll', begunAt: ago(0.2), counts: { seen: 1_204, archived: 1_180, known: 20, merged: 4, quarantined: 0, left: 0, failed: 0 }, bytes: 84_000_000, toRead: 91_000, mailboxes: 2, mailboxesDone: 0, folder: 'INBOX/Projekte', secondsLeft: 5_400 }, hasPassword: false, hasClientSecret: true, config: config({ server: 'outlook.office365.com', signIn: 'oauth', user: '', mode: { kind: 'mailboxes', by: { kind: 'oauth' }, mailboxes: [{ user: 'anna.brandt@hanse-feinmechanik.example' }, { user: 'vertrieb@hanse-feinmechanik.example' }], everyAccount: false }, after: { kind: 'keep' }, exclude: ['\\Junk'] }) }),
  source(3, 'Altes Postfach beim Provider', { state: { ...fine, failures: 14, failingSince: ago(5), error: 'sign-in-refused', detail: '-ERR [AUTH] Invalid credentials', lastSuccessAt: ago(5) }, config: config({ server: 'pop.provider.example', protocol: 'pop3', security: 'none', user: 'hf-archiv', after: { kind: 'keep' } }) }),
];

const runs = Array.from({ length: 40 }, (_, i) => {
  const archived = Math.round(30 + 28 * Math.sin(i / 3) + (i % 7) * 3);
  const counts = { archived, merged: i % 4, known: i % 9 === 0 ? 12 : 0, quarantined: i % 11 === 0 ? 1 : 0, left: i === 2 ? 3 : 0, failed: i === 5 ? 1 : 0 };
  return { id: String(1_000 - i), begunAt: ago(i / 60), endedAt: new Date(Date.now() - i * 60_000 + 2_300).toISOString(), trigger: i === 3 ? 'person' : 'schedule', outcome: i === 12 ? 'failed' : 'done', counts: { ...counts, seen: Object.values(counts).reduce((a, b) => a + b, 0) }, bytes: archived * 61_000, mailboxesFailed: 0, error: i === 12 ? 'no-connection' : null, detail: i === 12 ? 'connection timed out' : '' };
});
const mails = [['corrupt', 'failed', 4711, 0.4], ['too large', 'too-large', 4802, null], ['gone', 'given-up', 4803, null]].map(([, reason, uid, next], i) => ({ id: String(i + 1), mailbox: '', folder: 'INBOX', key: String(uid), sizeBytes: (i + 1) * 41_000_000, reason, detail: reason === 'failed' ? 'the literal ended 212 octets early' : '', tries: 3 + i * 4, firstAt: ago(30), nextAt: next === null ? null : ago(-next) }));
const none = { seen: 0, archived: 0, merged: 0, known: 0, quarantined: 0, left: 0, failed: 0 };
const reports = [
  { id: '2', begunAt: ago(7), endedAt: ago(6.9), by: 'schedule', listed: 18_204, present: 18_204, missing: 0, counts: none, named: [], detail: '', ledgerSeq: 1_264_911 },
  { id: '1', begunAt: ago(31), endedAt: ago(30.9), by: 'admin', listed: 18_190, present: 18_188, missing: 2, counts: { ...none, seen: 2, archived: 2 }, named: [7, 8].map((n) => ({ mailbox: '', folder: 'INBOX', key: String(n), messageId: `${n}a0c@hanse-feinmechanik.example`, sizeBytes: 61_000 * n, receivedAt: ago(400), outcome: 'archived' })), detail: '', ledgerSeq: 1_250_007 },
];
export const fetchTest = {
  ok: false,
  steps: [['name', true, '192.0.2.25'], ['tcp', true, 'port 993'], ['tls', false, 'self-signed certificate']].map(([step, ok, detail], i) => ({ step, ok, detail, millis: 4 + i * 17, warning: false, kind: ok ? null : 'tls-mismatch', certificate: step === 'tls' ? { subject: 'CN=imap.hanse-feinmechanik.example', issuer: 'CN=imap.hanse-feinmechanik.example', validUntil: ago(-2_000), sha256: 'ab'.repeat(32) } : null })),
};

export function answerFetch(path) {
  if (path === '/fetch-sources') return { sources };
  const [, one, part] = /^\/fetch-sources\/(\w+)(?:\/(\w+))?$/.exec(path) ?? [];
  if (!one) return undefined;
  if (part === 'runs') return { runs };
  if (part === 'left') return { mails: one === id(1) ? mails : [], next: null };
  if (part === 'reconciliations') return { reports };
  return sources.find((source) => source.id === one);
}
