// The mail of a small company, the same on every run: nothing here is drawn at random.
const DOMAIN = 'hanse-feinmechanik.example';
const PEOPLE = ['Anna Brandt', 'Jürgen Müller', 'Sophie Keller', 'Oliver Grant', 'Fatma Yıldız', 'Henrik Sørensen', 'Priya Nair', 'Matthias Vogt', 'Emily Carter', 'Karl-Heinz Öztürk', 'Laura Schäfer', 'Thomas Weiß'];
const OUTSIDE = [
  ['Nordwind Logistik', 'dispo@nordwind-logistik.example'], ['Claire Dubois', 'claire.dubois@atelier-dubois.example'], ['Finanzamt Hamburg-Nord', 'poststelle@fa-hh-nord.example'],
  ['Brightwater Optics', 'orders@brightwater.example'], ['Dr. Peter Lindner', 'p.lindner@kanzlei-lindner.example'], ['', 'noreply@statuspage.example'],
];
const SUBJECTS = [
  ['Rechnung {n} – Lieferung Präzisionslager', 'die Rechnung {n} für die Lieferung der Präzisionslager liegt bei. Bitte prüfen Sie die Positionen und geben Sie die Zahlung bis Monatsende frei.'],
  ['Re: Angebot {n} Messtaster-Serie M4', 'vielen Dank für das Angebot. Wir hätten die Messtaster gerne zwei Wochen früher; ist das möglich? Den Preis nehmen wir an.'],
  ['Quarterly figures Q{q}: first draft', 'please find the first draft of the quarterly figures attached. Revenue is ahead of plan, the margin on bearings is not. Comments by Thursday, please.'],
  ['Protokoll Teamrunde Fertigung KW {w}', 'anbei das Protokoll der Teamrunde. Offene Punkte: Kalibrierung der Prüfstände, Urlaubsplanung, neue Spannvorrichtung für Halle 2.'],
  ['Contract renewal Brightwater: final offer', 'attached is our final offer for the renewal. The notice period stays at six months; the discount applies from the first of the month.'],
  ['Wartungsfenster ERP am Wochenende', 'am Samstag zwischen 6 und 10 Uhr steht das ERP-System nicht zur Verfügung. Rechnungen können in dieser Zeit nicht gebucht werden.'],
  ['Lieferverzögerung Sendung {n}', 'leider verzögert sich Ihre Sendung um drei Tage. Grund ist eine Sperrung der Strecke. Wir melden uns mit der neuen Ankunftszeit.'],
  ['Job application: mechanical engineer', 'thank you for the pleasant interview. I attach my references and the certificate that you asked for. I could begin in April.'],
  ['Reklamation {n}: Oberfläche nicht nach Zeichnung', 'bei der Eingangsprüfung haben wir Abweichungen der Oberflächengüte festgestellt. Fotos und Messprotokoll finden Sie im Anhang.'],
  ['Einladung: Jour fixe Einkauf', 'wir besprechen die Rahmenverträge und die Preisentwicklung bei Werkzeugstahl.'],
  ['Undeliverable: Monatsbericht', 'your message could not be delivered to one or more recipients. The mailbox is full.'],
  ['Vertraulich: Gehaltsrunde', ''],
];
const FILES = [['Rechnung-{n}.pdf', 'application/pdf', 184_320], ['Messprotokoll.xlsx', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 48_211], ['Fotos.zip', 'application/zip', 7_420_118], ['offer-final.docx', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document', 96_040], ['prüfstand.jpg', 'image/jpeg', 1_280_400]];

export const COUNT = 2400;
const START = Date.UTC(2026, 10, 20, 16, 42);
const STEP_MS = 11 * 3_600_000;

const hex = (n, length) => Array.from({ length: Math.ceil(length / 8) }, (_, i) => (Math.imul(n + 1, 2654435761 + i * 40503) >>> 0).toString(16).padStart(8, '0')).join('').slice(0, length);
export const idOf = (i) => hex(i, 32);
const inside = (i) => {
  const name = PEOPLE[i % PEOPLE.length];
  const plain = name.toLowerCase().replace(/ü|ö|ä/g, (c) => ({ ü: 'ue', ö: 'oe', ä: 'ae' })[c]).replace(/ß/g, 'ss').replace(/ı/g, 'i').replace(/ø/g, 'o').replace(/ /g, '.');
  return { name, address: `${plain}@${DOMAIN}` };
};
const outside = (i) => ({ name: OUTSIDE[i % OUTSIDE.length][0], address: OUTSIDE[i % OUTSIDE.length][1] });
const fill = (text, i) => text.replace(/\{n\}/g, String(10_000 + i * 7)).replace(/\{q\}/g, String((i % 4) + 1)).replace(/\{w\}/g, String((i % 52) + 1));

export const ANNA = inside(0);

/** One mail of the set: everything else is made from this. */
export function mail(i) {
  const kindNumber = (i * 5 + (i >> 3)) % SUBJECTS.length;
  const [subject, text] = SUBJECTS[kindNumber];
  const kind = kindNumber === 9 ? 'calendar' : kindNumber === 10 ? 'report' : kindNumber === 11 ? 'encrypted' : 'mail';
  const from = i % 5 === 0 ? ANNA : i % 3 === 0 ? outside(i >> 1) : inside((i >> 1) + 1);
  const to = i % 5 === 0 ? [inside(i + 1), outside(i)] : [ANNA, ...(i % 4 === 0 ? [inside(i + 3), inside(i + 4), inside(i + 5), outside(i), inside(i + 7)] : [])];
  const german = /[äöüß]|die|der|und|bitte/.test(text);
  const files = i % 3 === 1 && kind === 'mail' ? FILES.slice(i % 4, (i % 4) + 1 + (i % 3)) : kindNumber === 0 ? [FILES[0]] : [];
  const attachments = files.map(([name, mediaType, size], index) => ({ index, name: fill(name, i), mediaType, sizeBytes: size + (i % 97), inline: false }));
  const greeting = german ? (i % 2 ? 'Guten Tag,' : 'Hallo zusammen,') : 'Hello,';
  const closing = german ? 'Mit freundlichen Grüßen' : 'Kind regards';
  const body = text && `${greeting}\n\n${fill(text, i)}\n\n${closing}\n${from.name || 'Status'}\n`;
  return {
    i, id: idOf(i), subject: i === 17 ? '' : fill(subject, i), from: i === 23 ? null : from, to, cc: i % 7 === 2 ? [inside(i + 2)] : [], kind, body, attachments, german,
    date: new Date(START - i * STEP_MS - (i % 7) * 977_000).toISOString(),
    html: kind === 'mail' && i % 2 === 0,
    remote: i % 8 === 0 && kind === 'mail' ? 3 : 0,
    marks: i % 41 === 6 ? ['recipients_from_headers'] : i % 97 === 9 ? ['too_complex'] : i % 101 === 13 ? ['damaged_report'] : [],
    versions: i % 29 === 3 ? 2 : 1,
    sizeBytes: 4_200 + body.length * 3 + Math.round(attachments.reduce((sum, file) => sum + file.sizeBytes * 1.37, 0)),
  };
}

export const LIST = `vertrieb@${DOMAIN}`;
export { DOMAIN, inside };
