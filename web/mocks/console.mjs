// Invented answers of the administrators' part of the API: enough for every page to be looked at.
import { answerFetch } from './fetch.mjs';

const HOUR = 3_600_000;
const id = (digit) => String(digit).repeat(32);
const ago = (hours) => new Date(Date.now() - hours * HOUR).toISOString();
const ahead = (hours) => ago(-hours);
const figures = { records: 1_201_338, reports: 1_264_002, merged: 62_664, quarantined: 3, notSelected: 0, rawBytes: 71_900_000_000, mailBytes: 64_200_000_000, parts: 214_880 };
const storage = { packs: 21_804_000_000, keys: 96_000_000, index: 5_430_000_000, quotaBytes: 50_000_000_000, quotaState: 'fine' };
const certificates = [{ subject: 'CN=archive.hanse-feinmechanik.example', notAfter: ahead(64 * 24), selfSigned: false }, { subject: 'CN=chancery', notAfter: ahead(12 * 24), selfSigned: true }];
const source = (n, name, state, more = {}) => ({ id: id(n), name, kind: 'smtp', address: `journal-7f3a9c2e1b6${n}@archive.hanse-feinmechanik.example`, state, endsAt: null, successor: null, createdAt: ago(9_000), figures: { mails: 610_000 / n, bytes: 38_000_000_000 / n, reports: 640_000 / n, quarantined: n, notSelected: 0, lastAt: ago(n / 30), lastReportAt: ago(n / 30) }, rules: { journalReports: true, headers: [], deliveredTo: false }, ...more });
const sources = [source(1, 'Exchange Online', 'active'), source(2, 'Postfix Werk 2', 'active'), source(3, 'Exchange Online (alt)', 'ending', { endsAt: ahead(50), successor: id(1) })];
const domains = [{ name: 'hanse-feinmechanik.example', subdomains: true, addedAt: ago(9_000) }, { name: 'hf-praezision.example', subdomains: false, addedAt: ago(400) }];
const settings = { fourEyes: true, tellConcerned: true, archiveOnlySelected: false, notifications: ['it@hanse-feinmechanik.example'], language: 'de', quota: { bytes: 50_000_000_000, hard: false } };
const tenant = { id: id('f'), name: 'Hanse Feinmechanik', organisations: ['hansefein.onmicrosoft.com'], archiveDomains: ['archive.hanse-feinmechanik.example'], domains, settings, storage };
const rows = Array.from({ length: 6 }, (_, i) => ({ id: id(i + 1), name: ['Hanse Feinmechanik', 'Nordwind Logistik', 'Brightwater Optics', 'Kanzlei Lindner & Partner', 'Stadtwerke Musterhafen', 'Yıldız Textil'][i], state: i === 4 ? 'suspended' : 'active', createdAt: ago(9_000 - i * 700), figures: { ...figures, records: Math.round(1_201_338 / (i + 1)), quarantined: i }, storage: { ...storage, packs: Math.round(21_804_000_000 / (i + 1)), quotaBytes: i % 2 ? null : 50_000_000_000, quotaState: i === 2 ? 'warning' : 'fine' }, trouble: null }));
const jobs = [{ id: id(1), kind: 'quarantine.retry', tenant: id('f'), by: 'admin', begunAt: ago(0.1), endedAt: ago(0.09), state: 'done', done: 48, total: 48, detail: {} }];
const spool = { depth: 37, bytes: 2_204_118, oldestSeconds: 1, state: 'open' };
const index = { lag: 12, lastCommitAt: ago(0.0003) };

function dashboard(unit, operator) {
  const length = { hour: 48, day: 31, month: 13 }[unit];
  const step = { hour: HOUR, day: 24 * HOUR, month: 0 }[unit];
  const end = new Date();
  end.setUTCMinutes(0, 0, 0);
  if (unit !== 'hour') end.setUTCHours(0);
  if (unit === 'month') end.setUTCDate(1);
  const at = (i) => (unit === 'month' ? new Date(Date.UTC(end.getUTCFullYear(), end.getUTCMonth() - (length - 1 - i), 1)) : new Date(end.getTime() - (length - 1 - i) * step));
  const wave = (i) => Math.max(0, Math.round(900 + 700 * Math.sin((i / length) * 12) + 90 * Math.sin(i * 2.3)));
  const points = Array.from({ length }, (_, i) => at(i)).flatMap((time, i) => (operator ? [undefined] : [id(1), id(2), 'imports']).map((one, k) => ({ at: time.toISOString(), source: one ?? null, mails: Math.round(wave(i) / (k * 2 + 1)), bytes: Math.round(wave(i) / (k * 2 + 1)) * 61_000, quarantined: 0, notSelected: 0 })));
  return {
    tenant: operator ? null : { id: tenant.id, name: tenant.name }, figures, storage: operator ? { ...storage, quotaBytes: null } : storage, reduction: 3.28, history: { unit, from: at(0).toISOString(), until: new Date(at(length - 1).getTime() + Math.max(step, HOUR)).toISOString(), points },
    sources: operator ? [] : sources.map(({ id: one, name, figures: counted }) => ({ id: one, name, figures: counted })), spool, waiting: [{ code: 'foreign-organisation', count: 2 }, { code: 'not-ours', count: 1 }], index, failures: [],
    mailboxes: operator ? [] : ['Anna Brandt', 'Jürgen Müller', 'Claire Dubois', 'Dr. Peter Lindner', 'Vertrieb'].map((displayName, i) => ({ account: id(i + 1), userName: displayName.toLowerCase().replace(/\W+/g, '.'), displayName, mails: Math.round(91_000 / (i + 1)), bytes: Math.round(8_100_000_000 / (i + 1)) })),
    tenants: operator ? { total: 6, suspended: 1, top: rows.map((row) => ({ id: row.id, name: row.name, records: row.figures.records, rawBytes: row.storage.packs * 3, quarantined: row.figures.quarantined, recentMails: 40_000, recentBytes: 2_000_000_000 })) } : null, certificates,
  };
}

const connect = {
  hostName: 'archive.hanse-feinmechanik.example', port: 25, archiveDomains: tenant.archiveDomains, organisations: tenant.organisations, messageSizeBytesMax: 157_286_400,
  journalAddresses: sources.map((one) => ({ source: one.id, name: one.name, address: one.address, lastReportAt: ago(1), lastValidationAt: null })), certificate: { subject: 'CN=archive.hanse-feinmechanik.example', issuer: 'CN=Example CA', notAfter: ahead(1_500), selfSigned: false },
  steps: [
    { code: 'connector', values: [['Name', 'Chancery archive'], ['ConnectorType', 'Partner'], ['RecipientDomains', 'archive.hanse-feinmechanik.example'], ['SmartHosts', 'archive.hanse-feinmechanik.example'], ['TlsSettings', 'DomainValidation'], ['TlsDomain', 'archive.hanse-feinmechanik.example']].map(([name, value]) => ({ name, value })), powershell: "New-OutboundConnector -Name 'Chancery archive' -ConnectorType 'Partner' -UseMXRecord $false -Enabled $true" },
    { code: 'validate', values: [{ name: 'Identity', value: 'Chancery archive' }, { name: 'Recipients', value: sources[0].address }], powershell: "Validate-OutboundConnector -Identity 'Chancery archive'" },
    { code: 'undeliverable', values: [{ name: 'JournalingReportNdrTo', value: 'undeliverable-journal@YOUR-OTHER-DOMAIN' }], powershell: "Set-TransportConfig -JournalingReportNdrTo 'undeliverable-journal@YOUR-OTHER-DOMAIN'" },
    { code: 'journal-rule', values: [{ name: 'Name', value: 'Chancery archive' }, { name: 'JournalEmailAddress', value: sources[0].address }, { name: 'Scope', value: 'Global' }], powershell: "New-JournalRule -Name 'Chancery archive' -Scope 'Global' -Enabled $true" },
  ],
  checks: [['name-resolves', 'ok', ''], ['listener-reachable', 'warn', 'other-port'], ['starttls', 'ok', ''], ['certificate', 'fail', 'self-signed'], ['validation-mail', 'pending', 'nothing-yet'], ['first-report', 'ok', '']].map(([code, state, reason]) => ({ code, state, reason, at: state === 'pending' ? null : ago(0.2), detail: state === 'fail' ? 'self-signed certificate in certificate chain' : '' })),
};

const system = {
  version: '0.1.0', catalogSchema: 6, operatingSystem: 'Debian GNU/Linux 13', hostName: 'archive', processId: 4711, startedAt: ago(51), uptimeSeconds: 183_942, listeners: [{ protocol: 'smtp', address: '0.0.0.0:25' }, { protocol: 'https', address: '0.0.0.0:443' }], dataFolder: '/var/lib/chancery',
  disk: { totalBytes: 2_000_000_000_000, freeBytes: 1_204_000_000_000, reserveBytes: 5_000_000_000 }, openFiles: 214, openFilesMax: 65_536, memoryBytes: 611_000_000, threads: 38, processors: 8, readiness: { ready: true, parts: ['catalog', 'disk', 'index', 'spool', 'vault'].map((part) => ({ part, ready: true, reason: '' })) },
  lastBackup: { at: ago(9), outcome: 'done', files: 1_204, bytes: 29_000_000_000, bytesCopied: 310_000_000, seconds: 41 }, certificates, restartNeeded: [],
};
const serverSettings = {
  settings: {
    smtp: { listen: ['0.0.0.0:25'], hostName: 'archive.hanse-feinmechanik.example', requireTls: true, allowedNetworks: [], messageSizeBytesMax: 157_286_400, recipientsMax: 1_000, connectionsMax: 500, connectionsPerNetworkMax: 50, idleSecondsMax: 300, dataSecondsMax: 600, sessionSecondsMax: 3_600, errorsMax: 10 },
    http: { listen: ['0.0.0.0:443'], tls: true, publicUrl: '' }, tls: { certificate: '', key: '' }, spool: { bytesMax: 20_000_000_000, freeBytesMin: 5_000_000_000 },
    notifications: { smarthost: { host: 'mail.hanse-feinmechanik.example', port: 587, security: 'starttls', user: 'archive' }, from: 'archive@hanse-feinmechanik.example', to: ['it@hanse-feinmechanik.example'], language: 'de', diskFreeBytesMin: 20_000_000_000, queueMailsMax: 10_000, queueSecondsMax: 900, quarantinePerHourMax: 100, indexLagMax: 50_000, sourceSilentHoursMax: 24 },
    log: { format: 'text', folder: '', retentionDays: 30 }, metrics: { allowedNetworks: ['127.0.0.0/8'] },
  },
  fixed: ['smtp.listen', 'http.listen'], changed: [], restartNeeded: [], hasPassword: true, hasMetricsToken: false,
};
const conditions = [{ code: 'certificate-ending', tenant: null, object: 'chancery', since: ago(30), facts: { days: '12' } }];
const quarantine = (state) => ({ total: state === 'waiting' ? undefined : 0, waiting: [{ code: 'foreign-organisation', count: 2 }, { code: 'not-ours', count: 1 }], rows: [], next: null });
const factors = { totp: true, totpSince: ago(500), passkeys: [{ id: 'cGFzc2tleQ', name: 'Notebook', createdAt: ago(400), lastUsedAt: ago(3) }], recoveryCodes: 7, required: true, canChange: true };
const sessions = [{ id: id(1), createdAt: ago(2), lastSeenAt: ago(0), expiresAt: ahead(8), ip: '192.0.2.17', agent: 'Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0', method: 'password', current: true }, { id: id(2), createdAt: ago(30), lastSeenAt: ago(20), expiresAt: ahead(1), ip: '192.0.2.18', agent: 'Mozilla/5.0 (Windows NT 10.0) Firefox/140.0', method: 'passkey', current: false }];
const tokens = { tokens: [{ id: id(1), name: 'Monitoring', prefix: 'chy_7f3a', scopes: ['read_status'], readOnly: true, createdAt: ago(700), expiresAt: ahead(1_400), lastUsedAt: ago(0.1) }], scopes: ['manage_accounts', 'read_log', 'read_status'], daysMax: 366 };

const named = (n, displayName) => ({ id: id(n), userName: displayName.toLowerCase().replace(/\W+/g, '.'), displayName });
const people = ['Anna Brandt', 'Claire Dubois', 'Emily Carter', 'Fatma Yıldız', 'Henrik Sørensen', 'Jürgen Müller', 'Matthias Vogt', 'Priya Nair', 'Vertrieb'].map((displayName, i) => ({
  ...named(i + 1, displayName), firstName: displayName.split(' ')[0], lastName: displayName.split(' ')[1] ?? '', kind: i === 8 ? 'shared' : 'person', role: ['user', 'user', 'auditor', 'officer'][i % 4], archived: i !== 4, disabled: i === 4, directory: i % 3 === 0 ? id(7) : null, hasPassword: true, mustChangePassword: false, language: null,
  addresses: [{ address: `${displayName.toLowerCase().replace(/\W+/g, '.')}@hanse-feinmechanik.example`, from: null, until: null }, ...(i % 2 ? [{ address: `info-${i}@hanse-feinmechanik.example`, from: ago(2_000), until: i === 3 ? ago(100) : null }] : [])], createdAt: ago(5_000),
}));
const groups = [{ id: id(1), name: 'Vertrieb Nord', members: 3, directory: id(7) }, { id: id(2), name: 'Geschäftsleitung', members: 2, directory: null }];
const everywhen = { from: null, until: null };
const grants = [
  { id: id(1), account: named(1, 'Anna Brandt'), group: null, mailbox: named(5, 'Henrik Sørensen'), kind: 'leaver', valid: { from: ago(100), until: ahead(900) }, mail: everywhen, reason: 'Übernahme der Projekte nach Ausscheiden', grantedBy: 'admin', grantedAt: ago(100), revokedAt: null, revokedBy: null, active: true },
  { id: id(2), account: null, group: { id: id(1), name: 'Vertrieb Nord' }, mailbox: named(9, 'Vertrieb'), kind: 'shared', valid: everywhen, mail: everywhen, reason: 'Gemeinsames Postfach', grantedBy: 'admin', grantedAt: ago(2_000), revokedAt: null, revokedBy: null, active: true },
  { id: id(3), account: named(3, 'Emily Carter'), group: null, mailbox: null, kind: 'audit', valid: { from: ahead(48), until: null }, mail: { from: ago(9_000), until: ago(200) }, reason: 'Jahresabschlussprüfung 2026', grantedBy: 'admin', grantedAt: ago(4), revokedAt: null, revokedBy: null, active: false },
];
const requests = [{ id: id(1), requester: named(3, 'Emily Carter'), mailboxes: [named(6, 'Jürgen Müller')], wholeTenant: false, mail: { from: ago(4_000), until: null }, reason: 'Verdacht auf Rechnungsbetrug, Vorgang 17', askedAt: ago(3), until: ahead(160), state: 'asked', active: false, decisions: [], decidable: true, concerned: [] }];

const acts = [['mail.search', '', { query: 'from:lindner rechnung' }, null], ['mail.view', id(8), {}, null], ['account.change', id(3), { before: { role: 'user' }, after: { role: 'auditor' } }, null], ['session.refused', 'unbekannt', {}, null], ['quarantine.release', id(2), {}, 'Mit dem Absender telefoniert']];
const events = acts.concat(acts).map(([action, object, detail, reason], i) => ({ row: 900 - i, at: ago(i / 3), account: i % 5 === 3 ? null : id(3), who: i % 5 === 3 ? '' : 'emily.carter', action, object, detail, reason, outcome: i % 5 === 3 ? 'denied' : 'done', ip: '192.0.2.17' }));
/** What the preview of an import answers. */
export const imported = { created: 2, changed: 1, unchanged: 4, refused: 1, digest: 'ab'.repeat(32), notes: [{ code: 'byte-order-mark', detail: '' }], lines: [
  { line: 1, userName: 'hanse-neu', effect: 'create', changes: ['firstName', 'lastName', 'password', 'addresses'], addresses: ['neu@hanse-feinmechanik.example'], notes: [], errors: [] },
  { line: 2, userName: 'anna.brandt', effect: 'change', changes: ['addresses'], addresses: ['brandt@hanse-feinmechanik.example'], notes: [], errors: [] },
  { line: 3, userName: 'priya.nair', effect: 'refused', changes: [], addresses: [], notes: [], errors: [{ code: 'address-owned', detail: 'info@hanse-feinmechanik.example' }] },
] };

const directoryRun = (n, outcome, more = {}) => ({ id: String(n), begunAt: ago(n), endedAt: ago(n - 0.01), trigger: 'schedule', full: n % 2 === 0, outcome, counts: { entries: 5_012, read: n, groups: 14, created: n, adopted: 0, changed: 3, enabled: 0, disabled: 1, addressesGiven: n, addressesEnded: 0, skipped: 2, conflicts: 1 }, problems: [{ entry: 'j.mueller', code: 'address-owned', detail: 'info@hanse-feinmechanik.example' }], problemsTotal: 1, detail: outcome === 'failed' ? 'the server closed the connection' : '', ...more });
const directoryConfig = { kind: 'active-directory', hosts: ['dc1.hanse.example', 'dc2.hanse.example'], security: 'ldaps', peopleBases: ['OU=Mitarbeiter,DC=hanse,DC=example'], bindDn: 'archiv@hanse.example', rules: [{ group: 'Archiv-Pruefer', effect: 'role', role: 'auditor' }], defaultRole: 'user', everyMinutes: 60, enabled: true, signIn: true };
const directory = { id: id(7), name: 'Zentrale', config: directoryConfig, hasPassword: true, createdAt: ago(3_000), running: false, lastRun: directoryRun(1, 'applied') };
/** What the test and the preview of a directory answer. */
export const directoryTest = { ok: false, steps: [['resolve', 'done'], ['connect', 'done'], ['tls', 'failed']].map(([name, state]) => ({ name, state, code: '', detail: state === 'failed' ? 'unknown issuer' : '10.0.0.4:636', certificate: state === 'failed' ? { subject: 'CN=dc1.hanse.example', issuer: 'CN=Hanse CA', validUntil: ahead(900), sha256: '7f'.repeat(32) } : null })) };
export const directoryPreview = { run: directoryRun(2, 'applied'), planned: [['create', 'neu.kollege', 'Neu Kollege'], ['address-given', 'anna.brandt', 'brandt@hanse-feinmechanik.example'], ['disable', 'henrik.s.rensen', '']].map(([kind, userName, detail]) => ({ kind, userName, detail })), plannedTotal: 3 };

/** What `GET path` answers, or `undefined`. */
export function answer(path, query, operator) {
  const answers = {
    '/dashboard': () => dashboard(query.get('unit') ?? 'hour', operator), '/sources': () => ({ sources }), '/domains': () => ({ domains, notOurs: 1 }), '/tenant': () => tenant, '/jobs': () => ({ jobs }), '/connect/microsoft365': () => connect, '/notifications': () => ({ conditions, waiting: 0, lastError: null }),
    '/system': () => system, '/settings': () => serverSettings, '/tenants': () => ({ tenants: rows, removals: [{ id: id(9), name: 'Altkunde GmbH', by: 'root', reason: 'Vertrag beendet', begunAt: ago(99), endedAt: ago(98), records: 8_114, mailBytes: 900_000_000 }] }), '/sign-in/policy': () => ({ localForAdministratorsOnly: false, secondFactorRoles: ['administrator'] }),
    '/accounts': () => ({ total: people.length, rows: people.filter((one) => JSON.stringify(one).toLowerCase().includes((query.get('q') ?? '').toLowerCase())), next: null, userNamePrefix: 'hanse-' }), '/groups': () => ({ groups }), '/grants': () => ({ grants, next: null }), '/access-requests': () => ({ requests, next: null }), '/mailboxes': () => ({ mailboxes: [], next: null, everything: [], fourEyes: true }),
    '/sign-in/providers': () => [{ id: id(1), name: 'Microsoft Entra ID', enabled: true, hasSecret: true, redirectUri: 'https://archive.hanse-feinmechanik.example/api/v1/sign-in/providers/1/callback', createdAt: ago(90), settings: { kind: 'entra', issuer: 'https://login.microsoftonline.com/0a1b2c3d-0000-4000-8000-000000000001/v2.0', clientId: '5f1d9b8e', clientAuthentication: 'client_secret_post', scopes: ['profile', 'email'], expectedTenants: ['0a1b2c3d-0000-4000-8000-000000000001'], domains: [], listed: true, link: 'verified_email', createAccounts: true, roles: [{ source: 'id_token', claim: 'groups', operator: 'contains', value: '7c9e', role: 'auditor' }] } }],
    '/directories': () => ({ rows: [directory] }), '/directories/presets': () => ({ presets: [directoryConfig] }),
    '/audit': () => ({ events, next: null }),
    '/me/second-factors': () => factors, '/me/sessions': () => sessions, '/me/tokens': () => tokens, '/log/recent': () => ({ entries: [] }),
  };
  if (/^\/tenants\/\w+$/.test(path)) return { ...(rows.find((row) => path.endsWith(row.id)) ?? rows[0]), organisations: tenant.organisations, archiveDomains: tenant.archiveDomains, domains, settings, accounts: 214 };
  const [, account, part] = /^\/accounts\/(\w+)(?:\/([\w-]+))?$/.exec(path) ?? [];
  if (account) return part === 'sessions' ? sessions : part === 'tokens' ? tokens.tokens : part === 'links' ? [{ provider: id(1), providerName: 'Microsoft Entra ID', subject: '0a1b2c3d-0000-4000-8000-000000000001 5f1d9b8e-0000-4000-8000-000000000007', created: false, linkedAt: ago(400) }] : part ? factors : { ...(people.find((one) => one.id === account) ?? people[0]), groups: [{ id: id(1), name: 'Vertrieb Nord' }] };
  if (/^\/groups\/\w+$/.test(path)) return { ...groups[1], members: [named(1, 'Anna Brandt'), named(6, 'Jürgen Müller')] };
  if (/^\/directories\/\w+\/runs$/.test(path)) return { rows: [directoryRun(1, 'applied'), directoryRun(2, 'applied'), directoryRun(3, 'failed')], next: null };
  if (/^\/directories\/\d+$/.test(path)) return directory;
  if (path === '/quarantine' && query.get('state') && query.get('state') !== 'waiting') return quarantine(query.get('state'));
  return answers[path]?.() ?? answerFetch(path);
}

/** A few lines of the live log, then silence. */
export function liveLog(res) {
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  const lines = [['info', 'intake::smtp', 'connection opened'], ['info', 'pipeline::archive', 'batch archived'], ['warn', 'intake::smtp', 'peer closed the connection'], ['error', 'server::notify', 'the smarthost does not answer'], ['info', 'index', 'committed']];
  lines.forEach(([severity, area, message], i) => res.write(`event: entry\nid: ${i + 1}\ndata: ${JSON.stringify({ id: i + 1, at: ago((lines.length - i) / 900), severity, area, message, tenant: tenant.id, source: null, fields: { 'duration_ms': String(12 + i * 7), mails: '64' } })}\n\n`));
}
