// Invented answers about what is kept: matters and holds.
const HOUR = 3_600_000;
const id = (digit) => String(digit).repeat(32);
const ago = (hours) => new Date(Date.now() - hours * HOUR).toISOString();

const scope = { addresses: ['peter.lindner@hanse-feinmechanik.example'], query: 'subject:angebot has:attachment', span: { from: ago(20_000), until: ago(3_000) }, unsearchable: true };
const hold = (n, more) => ({ id: id(n), matter: id(1), ...scope, placedAt: ago(700), placedBy: 'olga', reason: 'Klage angekündigt', released: null, mails: 1_204, notExaminedYet: 0, ...more });
const matters = [
  { id: id(1), name: 'Lindner ./. Hanse Feinmechanik', custodians: ['peter.lindner'], ...scope, notes: 'Az. 3 O 114/26, Kanzlei Brandt', state: 'open', openedBy: 'olga', openedAt: ago(720), reason: 'Klage angekündigt', closed: null, holds: [hold(1, { notExaminedYet: 12 }), hold(2, { released: { at: ago(400), by: 'dirk', reason: 'Zeitraum korrigiert' }, mails: 310 })], heldMails: 1_204 },
  { id: id(2), name: 'Betriebsprüfung 2021 bis 2023', custodians: [], addresses: [], query: 'class:rechnungen', span: { from: null, until: null }, unsearchable: false, notes: '', state: 'closed', openedBy: 'dirk', openedAt: ago(9_000), reason: 'Prüfungsanordnung', closed: { at: ago(2_000), by: 'dirk', reason: 'Bescheid bestandskräftig' }, holds: [], heldMails: 0 },
];
const rows = ['Angebot PL-40', 'Re: Angebot PL-40', 'Nachfrage Messtaster'].map((subject, i) => ({ id: id(i + 1), subject, from: { name: 'Dr. Peter Lindner', address: 'peter.lindner@hanse-feinmechanik.example' }, to: [], date: ago(5_000 + i), sizeBytes: 61_000 * (i + 1), attachments: 1, kind: 'mail', marks: [], versions: 0, snippet: [], subjectHighlight: [] }));

const years = (n) => ({ years: n, months: 0, days: 0 });
const policies = [
  { name: 'Bewerbungen', class: 'bewerbungen', clauses: [{ kind: 'recipient', anyOf: ['jobs@', 'bewerbung@'] }, { kind: 'direction', anyOf: ['incoming'] }], from: 'receipt', begins: 'at-event', keep: { years: 0, months: 6, days: 0 }, atMost: { years: 0, months: 7, days: 0 }, reason: 'AGG §15 (4)' },
  { name: 'Rechnungen', class: 'buchungsbelege', clauses: [{ kind: 'query', text: 'subject:rechnung has:attachment' }, { kind: 'size', atLeast: 10_000, atMost: null }], from: 'receipt', begins: 'at-year-end', keep: years(8), atMost: null, reason: 'AO §147 (3)' },
  { name: 'Handelsbriefe', class: 'handelsbriefe', clauses: [], from: 'receipt', begins: 'at-year-end', keep: years(6), atMost: null, reason: 'HGB §257 (4)' },
];
const sets = [{ version: 1, inForce: false, zone: 'Europe/Berlin', validFrom: '2026-01-01', reason: 'Erste Fassung', policies: policies.slice(2), madeBy: 'olga', madeAt: ago(7_800) }, { version: 2, inForce: true, zone: 'Europe/Berlin', validFrom: '2026-07-01', reason: 'Bewerbungen und Rechnungen', policies, madeBy: 'olga', madeAt: ago(3_600) }];
const survey = { version: 2, at: ago(2), mails: 1_201_338, bytes: 71_900_000_000, undetermined: 12, keptForEver: 4_100, due: 18_204, dueBytes: 1_204_000_000, overdue: 310, dueHeld: 1_204, dueSuspended: 2_200, classes: policies.map((policy, i) => ({ class: policy.class, mails: 400_000 / (i + 1), bytes: 24_000_000_000 / (i + 1), firstEnd: '2025-12-31', lastEnd: `${2027 + i * 3}-12-31`, suspended: i === 1 })), months: Array.from({ length: 9 }, (_, i) => ({ month: `${2025 + i}-12`, mails: 91_000 + ((i * 37) % 11) * 8_000, bytes: 1 })) };
const surveyOf = (result) => ({ id: id(9), state: 'done', isPreview: Boolean(result.then), askedBy: 'olga', askedAt: ago(2), endedAt: ago(1.9), result, error: null });
const retention = {
  '/retention/policies': { versions: [...sets].reverse(), zones: ['Europe/Berlin', 'Europe/Vienna', 'UTC'], suspensions: [{ class: 'buchungsbelege', begunAt: ago(900), begunBy: 'olga', reason: 'Betriebsprüfung', endedAt: null, endedBy: null, endReason: null }] },
  '/retention/ready-sets': { sets: [{ id: 'de', title: 'Germany: HGB and AO', note: 'AO §147, HGB §257: vouchers 8 years, letters 6 years, each from the end of the calendar year.', policies: policies.slice(1) }] },
  '/retention/calendar': { survey: surveyOf(survey) },
  '/retention/exclusions': { rules: [{ name: 'Betriebsrat', addresses: ['betriebsrat@hanse-feinmechanik.example'], clauses: [], reason: 'BetrVG: vertraulich' }], changedBy: 'olga', changedAt: ago(4_000), warning: '' },
};
const preview = { now: survey, then: { ...survey, due: 19_004 }, changed: 2_310, earlier: 900, later: 1_410, newlyDue: 800, newlyDueHeld: 12, noLongerDue: 0 };
const job = (n, state, more) => ({ id: id(n), by: 'olga', own: true, state, createdAt: ago(n), endedAt: state === 'done' ? ago(n - 0.1) : null, expiresAt: state === 'done' ? ago(-160) : null, done: 812, total: 1_204, downloadable: state === 'done', request: { which: { query: 'subject:angebot has:attachment' }, evidence: true, format: 'eml', zip: true, reason: 'Akteneinsicht' }, result: {}, ...more });
const takeout = {
  '/exports': { exports: [job(1, 'running'), job(2, 'done', { done: 1_204, result: { mails: 1_190, bytes: 84_000_000, withheld: 3, notSealed: 11, damaged: [] } })] },
  '/restores': { restores: [job(3, 'failed', { downloadable: false, request: { which: { records: [id(4)] }, target: { kind: 'address', address: 'anna.brandt@hanse-feinmechanik.example' }, reason: 'Versehentlich gelöscht' }, result: { error: 'the smarthost does not answer' } })] },
};
const approval = { by: 'dirk', at: ago(2), reason: 'Liste geprüft' };
const run = (n, state, more) => ({ id: id(n), state, ground: 'period-over', reference: null, classes: ['handelsbriefe'], policyVersion: 2, reason: 'Jahresabschluss', proposedBy: n === 1 ? 'dirk' : 'olga', proposedAt: ago(n * 30), approvals: state === 'proposed' ? [] : [approval], approvalsNeeded: 1, mayApprove: state === 'proposed', refusal: null, endedAt: null, mails: 18_204, bytes: 1_204_000_000, disposed: state === 'running' ? 9_100 : 0, kept: 2, leftOutHeld: 1_204, leftOutSuspended: 0, leftOutUndetermined: 12, ...more });
const runs = [run(1, 'proposed'), run(2, 'running'), run(3, 'done', { disposed: 18_202 })];
const items = Array.from({ length: 5 }, (_, i) => ({ record: id(i + 1), state: i === 3 ? 'kept' : 'waiting', class: 'handelsbriefe', policy: 'Handelsbriefe', keptThrough: '2025-12-31', goneAfter: null, receivedAt: ago(60_000 + i * 30), sizeBytes: 61_000 + i, why: i === 3 ? 'a legal hold is on it' : null, whyCode: i === 3 ? 'held' : null, subject: i === 1 ? null : `Angebot ${i}`, from: i === 1 ? null : 'vertrieb@hanse-feinmechanik.example' }));

const seal = { batch: 1_204, sealedAt: ago(1), stampedAt: ago(1), authority: 'CN=Qualified Time Stamping 3, O=Example Trust' };
const certificate = { content: `sha256:${'7f'.repeat(32)}`, receivedAt: ago(60_000), class: 'handelsbriefe', policy: 'Handelsbriefe', version: 2, keptThrough: '2025-12-31', approvals: [approval], erased: [[7, 114], [7, 115]] };

const batch = (n) => ({ number: n, firstSeq: n * 900 - 899, lastSeq: n * 900, sealedAt: ago((14 - n) * 8), stampedAt: n === 14 ? null : ago((14 - n) * 8), renewedAt: n === 1 ? ago(40) : null, validUntil: n === 14 ? null : ago(-40_000 - n), digest: 'sha256' });
const report = (month, n) => ({ month, madeAt: ago(500 * n), seq: 1_204 * n, signed: '{}', seal: '30', report: { received: 41_204, archived: 39_000, merged: 2_190, quarantined: { total: 14 }, disposed: 0, addsUp: n !== 2 } });
const proof = {
  '/evidence': { events: 12_604, sealedEvents: 12_600, batches: 14, localBatches: 1, lastSealedAt: ago(0.1), forecast: [{ validUntil: ago(-40_000), digest: 'sha256', batches: 13, events: 11_700 }], scrub: { wanted: false, begunAt: ago(30), entries: 48_114, bytes: 4_204_000_000, completedAt: ago(200), completedBytes: 21_804_000_000, findings: [{ at: ago(12), file: 'packs/0007.pack', offset: 1_204_118, why: 'the octets do not have their digest', records: [id(3)], repaired: true }] } },
  '/evidence/batches': { batches: Array.from({ length: 14 }, (_, i) => batch(i + 1)) },
  '/evidence/reports': { reports: [report('2026-09', 2), report('2026-10', 1)] },
};

/** What proves a mail. */
export const evidence = { state: 'stamped', proofAvailable: false, held: null, deliveries: [{ seq: 48_114, receivedAt: ago(700), state: 'stamped', batch: 1_204, sealedAt: ago(699.9), stampedAt: ago(699.9), authority: 'CN=Qualified Time Stamping 3, O=Example Trust', renewalDue: ago(-40_000), claimsQualified: true, qualified: true, qualifiedBy: 'Qualified Time Stamping of Example Trust, granted since 2021-05-01T00:00:00Z', secondAuthority: null, stamps: 1 }] };

/** What a question about keeping is answered; undefined for everything else. */
export function answerKeeping(method, path) {
  if (path === '/matters/preview') return { mails: 1_204, unsearchable: 87, addresses: scope.addresses };
  if (path === '/retention/surveys') return surveyOf(preview);
  if (method !== 'GET') return undefined;
  if (proof[path]) return proof[path];
  if (takeout[path]) return takeout[path];
  if (retention[path]) return retention[path];
  const [, certified, record] = /^\/disposal\/runs\/(\w+)\/(?:summary|certificates\/(\w+))$/.exec(path) ?? [];
  if (record) return { record, run: certified, seq: 48_114, at: ago(1), ground: 'period-over', facts: certificate, note: JSON.stringify({ facts: certificate }), seal };
  if (certified) return { shares: [{ policy: 'Handelsbriefe', class: 'handelsbriefe', mails: 18_204, bytes: 1_204_000_000, disposed: certified === id(3) ? 18_202 : 0, kept: 2, receivedFirst: ago(90_000), receivedLast: ago(61_000) }], certificates: certified === id(3) ? { count: 18_202, firstSeq: 48_001, lastSeq: 66_202, seal } : null };
  if (path === '/disposal/runs') return { runs, disposed: 36_404 };
  const [, one, list] = /^\/disposal\/runs\/(\w+)(\/items)?$/.exec(path) ?? [];
  if (one) return list ? { items, next: null } : runs.find((other) => other.id === one);
  if (path === '/matters') return { matters };
  const [, matter, part] = /^\/matters\/(\w+)(?:\/(\w+))?$/.exec(path) ?? [];
  if (!matter) return undefined;
  return part === 'records' ? { total: 1_204, rows, withheld: 2, next: null } : matters.find((one) => one.id === matter);
}
