//! Which files go with a mail: documents of its own, and the ones that everybody sends again
//! and again.

use std::sync::Arc;

use super::Profile;
use super::documents::{self, CSV, DOCX, Document, PDF, PNG, TXT, XLSX, XML};
use super::mime::base64_lines;
use super::scene::Scene;
use super::story::{Language, Library};
use crate::Random;

/// How many documents go round in the company; drawn by Zipf's law.
const POOL_COUNT: usize = 64;
const SCAN_BYTES_MAX: f64 = 4_000_000.0;

/// A document with its base64 text made once.
#[derive(Clone, Debug)]
pub struct File {
    pub name: String,
    pub media_type: &'static str,
    pub size_bytes: usize,
    pub base64: Arc<str>,
}

impl From<Document> for File {
    fn from(document: Document) -> Self {
        Self {
            name: document.name,
            media_type: document.media_type,
            size_bytes: document.octets.len(),
            base64: base64_lines(&document.octets).into(),
        }
    }
}

/// The files that many mails share.
pub struct Pool {
    files: Vec<File>,
    pub logo: File,
    pub logo_subsidiary: File,
}

impl Pool {
    pub fn new(library: &Library, profile: Profile, random: &mut Random) -> Self {
        let mut files: Vec<File> =
            (0..POOL_COUNT).map(|rank| pool_file(library, profile, rank, random)).collect();
        for last in (1..files.len()).rev() {
            files.swap(last, random.below(last + 1));
        }
        Self { files, logo: logo([217, 130, 43]), logo_subsidiary: logo([29, 78, 107]) }
    }

    pub fn draw(&self, random: &mut Random) -> File {
        self.files[random.zipf(self.files.len())].clone()
    }
}

fn logo(colour: [u8; 3]) -> File {
    let octets = documents::png(96, 48, |x, y| {
        let roof = y > 8 && y < 24 && (x as i64 - 24).abs() < i64::from(y - 8) + 2;
        let house = (24..42).contains(&y) && (12..36).contains(&x) && !(20..28).contains(&x);
        let bars = x > 46 && x < 90 && (y % 12 < 7) && (10..42).contains(&y);
        if roof || house || bars { colour } else { [255, 255, 255] }
    });
    Document { name: "image001.png".into(), media_type: PNG, octets }.into()
}

/// The size of a scanned or photographed file: log-normal, median 60 kB.
fn scan_bytes(profile: Profile, random: &mut Random) -> usize {
    match profile {
        Profile::AttachmentRich => {
            (60_000.0 * (1.1 * random.normal()).exp()).min(SCAN_BYTES_MAX) as usize
        }
        Profile::Demo | Profile::ListMail => 0,
    }
}

const SHARED_DE: [&str; 10] = [
    "Allgemeine Geschäftsbedingungen",
    "Freistellungsbescheinigung § 48b",
    "Unbedenklichkeitsbescheinigung",
    "Anfahrt Hauptverwaltung",
    "Referenzliste Fassadenbau",
    "Sicherheitsunterweisung Baustelle",
    "Zertifikat ISO 9001",
    "Vollmacht Bauleitung",
    "Lieferbedingungen",
    "Datenschutzhinweise",
];

fn pool_file(library: &Library, profile: Profile, rank: usize, random: &mut Random) -> File {
    let product = library.pool("product", Language::De)[rank % 22];
    let scan = scan_bytes(profile, random);
    let title = match rank % 4 {
        0 => format!("Datenblatt {product}"),
        1 => format!("{} {}", SHARED_DE[rank / 4 % 10], 2024 + rank % 3),
        2 => format!("Montageanleitung {product}"),
        _ => format!("Prüfzeugnis {product}"),
    };
    let mut lines = vec![title.clone(), String::new()];
    for _ in 0..random.between(20, 90) {
        lines.push(plain_sentence(library, random));
    }
    let name = title.replace(['/', '×'], "-");
    let document = match rank % 8 {
        5 => Document { name: name + ".docx", media_type: DOCX, octets: documents::docx(&lines) },
        7 => Document {
            name: format!("Foto {product}.png").replace(['/', '×'], "-"),
            media_type: PNG,
            octets: documents::photo(random, 320, 200, profile == Profile::AttachmentRich),
        },
        _ => Document {
            name: name + ".pdf",
            media_type: PDF,
            octets: documents::pdf(&lines, scan, random),
        },
    };
    document.into()
}

/// A sentence without placeholders, for documents that belong to no story.
fn plain_sentence(library: &Library, random: &mut Random) -> String {
    let topics = ["s.technik", "s.logistik", "s.verwaltung", "s.bau"];
    let topic = random.pick(&topics);
    let sentence = random.pick(library.pool(topic, Language::De));
    let mut out = String::new();
    for (at, part) in sentence.split(['{', '}']).enumerate() {
        if at % 2 == 0 {
            out.push_str(part);
        } else {
            out.push_str(&random.between(10, 9_999).to_string());
        }
    }
    out
}

/// The files of one mail: what `kind` asks for, and perhaps something from the pool.
pub fn for_mail(
    kind: Option<&str>,
    scene: &Scene<'_>,
    pool: &Pool,
    profile: Profile,
    token: &str,
    random: &mut Random,
) -> Vec<File> {
    let mut files: Vec<File> = Vec::new();
    if let Some(kind) = kind {
        files.extend(own(kind, scene, profile, token, random).into_iter().map(File::from));
    }
    let (share, most) = match profile {
        Profile::AttachmentRich => (0.35, 3),
        Profile::Demo => (if kind.is_some() { 0.30 } else { 0.04 }, 2),
        Profile::ListMail => (0.0, 0),
    };
    if random.chance(share) {
        for _ in 0..random.between(1, most) {
            let file = pool.draw(random);
            if files.iter().all(|other| other.name != file.name) {
                files.push(file);
            }
        }
    }
    files
}

fn own(
    kind: &str,
    scene: &Scene<'_>,
    profile: Profile,
    token: &str,
    random: &mut Random,
) -> Vec<Document> {
    let german = scene.language == Language::De;
    let word = |de: &'static str, en: &'static str| if german { de } else { en };
    let scan = scan_bytes(profile, random);
    let pdf = |name: String, random: &mut Random| {
        let lines = page(scene, &name, token, random);
        Document {
            name: name + ".pdf",
            media_type: PDF,
            octets: documents::pdf(&lines, scan, random),
        }
    };
    let fact = |name: &str| scene.fact(name).replace('/', "-");
    match kind {
        "offer" => vec![pdf(format!("{} {}", word("Angebot", "Quotation"), fact("offer")), random)],
        "order" => {
            vec![pdf(format!("{} {}", word("Bestellung", "Purchase order"), fact("order")), random)]
        }
        "confirm" => vec![pdf(
            format!("{} {}", word("Auftragsbestätigung", "Confirmation"), fact("order")),
            random,
        )],
        "invoice" => {
            let mut files =
                vec![pdf(format!("{} {}", word("Rechnung", "Invoice"), fact("invoice")), random)];
            if random.chance(0.3) {
                files.push(electronic_invoice(scene, token));
            }
            files
        }
        "photo" => photos(profile, random),
        "minutes" | "contract" => {
            let title = match kind {
                "minutes" => format!("{} {}", word("Protokoll", "Minutes"), fact("project")),
                _ => format!("{} {}", word("Vertrag", "Contract"), fact("contract")),
            };
            let lines = page(scene, &title, token, random);
            vec![Document {
                name: title + ".docx",
                media_type: DOCX,
                octets: documents::docx(&lines),
            }]
        }
        "sheet" => vec![sheet(scene, word("Auswertung", "Report"), token, random)],
        "pricelist" => vec![price_list(scene, word("Preisliste", "Price list"), random)],
        "cv" => vec![pdf(word("Lebenslauf", "CV").to_owned(), random)],
        "receipt" => {
            let mut files =
                vec![pdf(format!("{} {}", word("Beleg", "Receipt"), fact("ticket")), random)];
            if random.chance(0.3) {
                files.extend(photos(profile, random).into_iter().take(1));
            }
            files
        }
        "plan" => {
            vec![pdf(format!("{} {}", word("Lageplan", "Drawing"), fact("contract")), random)]
        }
        "policy" => vec![pdf(word("Richtlinie", "Policy").to_owned(), random)],
        _ => {
            let lines = page(scene, word("Prüfbericht", "Report"), token, random).join("\r\n");
            vec![Document {
                name: format!("{} {}.txt", word("Prüfbericht", "Report"), fact("serial")),
                media_type: TXT,
                octets: lines.into_bytes(),
            }]
        }
    }
}

fn page(scene: &Scene<'_>, title: &str, token: &str, random: &mut Random) -> Vec<String> {
    let mut lines = vec![title.to_owned(), format!("Ref. {token}"), String::new()];
    let (topics, language): (&[&str], _) = match scene.language {
        Language::De => (&["technik", "projekt", "logistik", "bau"], "{project}, {city}, {d0}"),
        Language::En => (&["tech", "project", "logistics"], "{project}, {city}, {d0}"),
    };
    lines.push(scene.fill(language, random));
    for _ in 0..random.between(6, 60) {
        let topic = random.pick(topics);
        lines.push(scene.fill(&format!("{{s:{topic}}}"), random));
    }
    lines
}

fn photos(profile: Profile, random: &mut Random) -> Vec<Document> {
    let rich = profile == Profile::AttachmentRich;
    let (width, height) = if rich { (400, 300) } else { (240, 160) };
    (0..random.between(1, 3))
        .map(|_| Document {
            name: format!("IMG_{:04}.png", random.below(9_999)),
            media_type: PNG,
            octets: documents::photo(random, width, height, rich),
        })
        .collect()
}

fn electronic_invoice(scene: &Scene<'_>, token: &str) -> Document {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Invoice>\n  <ID>{}</ID>\n  <Note>{token}</Note>\n  \
         <Currency>EUR</Currency>\n  <Total>{}</Total>\n</Invoice>\n",
        scene.fact("invoice"),
        scene.fact("amount2")
    );
    Document { name: "xrechnung.xml".into(), media_type: XML, octets: text.into_bytes() }
}

fn sheet(scene: &Scene<'_>, title: &str, token: &str, random: &mut Random) -> Document {
    let mut rows = vec![vec![title.to_owned(), token.to_owned(), "EUR".to_owned()]];
    for _ in 0..random.between(12, 80) {
        rows.push(vec![
            scene.fill("{word}", random),
            random.between(1, 400).to_string(),
            format!("{}.{:02}", random.between(10, 90_000), random.below(100)),
        ]);
    }
    Document {
        name: format!("{title} {}.xlsx", scene.fact("kw")),
        media_type: XLSX,
        octets: documents::xlsx(&rows),
    }
}

fn price_list(scene: &Scene<'_>, title: &str, random: &mut Random) -> Document {
    let mut text = String::from("\u{feff}Artikel;Menge;Preis\r\n");
    for _ in 0..random.between(30, 200) {
        text.push_str(&scene.fill("{word}", random));
        text.push_str(&format!(
            ";{};{},{:02}\r\n",
            random.between(1, 99),
            random.between(2, 900),
            random.below(100)
        ));
    }
    Document {
        name: format!("{title} {}.csv", scene.fact("ticket")),
        media_type: CSV,
        octets: text.into_bytes(),
    }
}
