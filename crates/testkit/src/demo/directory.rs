//! Who works at the demo company, who writes to it, and which addresses they have.

use model::EmailAddress;
use serde::{Deserialize, Serialize};

use super::story::Language;
use crate::Random;

const PEOPLE: &str = include_str!("../../demo/people.txt");
const PARTNERS: &str = include_str!("../../demo/partners.txt");

pub const COMPANY: &str = "Musterbau GmbH";
pub const SUBSIDIARY: &str = "Musterbau Facades Ltd";
/// The head office's domain.
pub const DOMAIN: &str = "musterbau.example";
/// The subsidiary's domain.
pub const DOMAIN_SUBSIDIARY: &str = "musterbau-facades.example";
/// What the company's reports carry in `X-OriginatorOrg`.
pub const ORGANISATION: &str = "musterbau.onmicrosoft.example";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartyKind {
    /// Somebody at a customer, supplier, authority.
    External,
    /// A distribution list: mail to it goes to its members, nobody owns its address.
    List,
    Person,
    /// A mailbox that several people read.
    Shared,
}

/// Somebody or something with an address.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Party {
    pub kind: PartyKind,
    pub address: EmailAddress,
    /// Further addresses of the same mailbox.
    pub aliases: Vec<EmailAddress>,
    pub first: String,
    pub last: String,
    pub title: String,
    pub department: String,
    pub company: String,
    pub female: bool,
    pub english: bool,
    pub phone: String,
    /// Members of a list, readers of a shared mailbox: places in [`Directory::parties`].
    pub members: Vec<usize>,
    /// Which kind of partner an external one is: `customer`, `supplier`, ….
    pub partner: String,
}

impl Party {
    pub fn name(&self) -> String {
        match (self.first.is_empty(), self.last.is_empty()) {
            (false, false) => format!("{} {}", self.first, self.last),
            (true, _) => self.last.clone(),
            (_, true) => self.first.clone(),
        }
    }

    pub fn is_internal(&self) -> bool {
        self.kind != PartyKind::External
    }

    pub fn language(&self) -> Language {
        if self.english { Language::En } else { Language::De }
    }
}

/// The address book of the demo company and its partners.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Directory {
    pub parties: Vec<Party>,
    /// Mailboxes that forward: from, to (places in `parties`).
    pub forwards: Vec<(usize, usize)>,
}

impl Directory {
    pub fn new() -> Self {
        let mut parties = Vec::new();
        for (number, line) in lines(PEOPLE).enumerate() {
            parties.push(person(line, number));
        }
        add_shared(&mut parties);
        add_lists(&mut parties);
        for (number, line) in lines(PARTNERS).enumerate() {
            add_partner(&mut parties, line, number);
        }
        let place = |last: &str| parties.iter().position(|party| party.last == last).unwrap_or(0);
        let forwards = vec![
            (place("Schröder"), place("Kühn")),
            (place("Bradley"), place("Lüders")),
            (place("Moreau"), place("Saßnick")),
        ];
        Self { parties, forwards }
    }

    /// The company's people, without shared mailboxes and lists.
    pub fn people(&self) -> impl Iterator<Item = &Party> {
        self.parties.iter().filter(|party| party.kind == PartyKind::Person)
    }

    /// Every address of the company that somebody can own: people and shared mailboxes.
    pub fn mailboxes(&self) -> impl Iterator<Item = &Party> {
        self.parties.iter().filter(|p| matches!(p.kind, PartyKind::Person | PartyKind::Shared))
    }

    /// The shared mailboxes that `person` reads.
    pub fn shared_of(&self, person: &EmailAddress) -> Vec<&Party> {
        let reads = |party: &&Party| {
            party.kind == PartyKind::Shared
                && party.members.iter().any(|&member| self.parties[member].address == *person)
        };
        self.parties.iter().filter(reads).collect()
    }

    pub(super) fn find(&self, role: &str) -> Option<usize> {
        self.parties
            .iter()
            .position(|party| party.kind != PartyKind::Person && party.partner == role)
    }

    pub(super) fn department(&self, name: &str) -> Vec<usize> {
        let works = |party: &Party| party.kind == PartyKind::Person && party.department == name;
        (0..self.parties.len()).filter(|&place| works(&self.parties[place])).collect()
    }

    pub(super) fn contacts(
        &self,
        kind: &str,
        english: bool,
        random: &mut Random,
    ) -> (usize, usize) {
        let mut companies: Vec<&str> = Vec::new();
        for party in &self.parties {
            if party.kind == PartyKind::External
                && party.partner == kind
                && party.english == english
                && companies.last() != Some(&party.company.as_str())
            {
                companies.push(&party.company);
            }
        }
        if companies.is_empty() {
            return (0, 0);
        }
        let company = companies[random.zipf(companies.len())];
        let staff: Vec<usize> = (0..self.parties.len())
            .filter(|&place| {
                self.parties[place].company == company && self.parties[place].partner == kind
            })
            .collect();
        let first = random.below(staff.len());
        let second = (first + 1 + random.below(staff.len() - 1)) % staff.len();
        (staff[first], staff[second])
    }
}

impl Default for Directory {
    fn default() -> Self {
        Self::new()
    }
}

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn person(line: &str, number: usize) -> Party {
    let field: Vec<&str> = line.split(';').collect();
    let subsidiary = field[6] == "s";
    let domain = if subsidiary { DOMAIN_SUBSIDIARY } else { DOMAIN };
    let bare = field[0].trim_start_matches("Dr. ");
    let local = format!("{}.{}", ascii(bare), ascii(field[1]));
    let mut aliases = Vec::new();
    if number.is_multiple_of(5) {
        let initial = ascii(bare).chars().next().unwrap_or('x');
        aliases.push(EmailAddress::new(&format!("{initial}{}@{domain}", ascii(field[1]))));
    }
    Party {
        kind: PartyKind::Person,
        address: EmailAddress::new(&format!("{local}@{domain}")),
        aliases,
        first: field[0].to_owned(),
        last: field[1].to_owned(),
        title: field[3].to_owned(),
        department: field[2].to_owned(),
        company: if subsidiary { SUBSIDIARY } else { COMPANY }.to_owned(),
        female: field[4] == "f",
        english: field[5] == "en",
        phone: if subsidiary {
            format!("+44 20 7946 0{}", 100 + number)
        } else {
            format!("+49 40 5550-{}", 100 + number)
        },
        members: Vec::new(),
        partner: String::new(),
    }
}

fn unit(kind: PartyKind, role: &str, name: &str, local: &str, members: Vec<usize>) -> Party {
    Party {
        kind,
        address: EmailAddress::new(&format!("{local}@{DOMAIN}")),
        aliases: Vec::new(),
        first: String::new(),
        last: name.to_owned(),
        title: String::new(),
        department: String::new(),
        company: COMPANY.to_owned(),
        female: false,
        english: false,
        phone: "+49 40 5550-0".to_owned(),
        members,
        partner: role.to_owned(),
    }
}

fn of_department(parties: &[Party], names: &[&str]) -> Vec<usize> {
    let works = |party: &Party| {
        party.kind == PartyKind::Person && names.contains(&party.department.as_str())
    };
    (0..parties.len()).filter(|&place| works(&parties[place])).collect()
}

fn add_shared(parties: &mut Vec<Party>) {
    let boxes: [(&str, &str, &[&str]); 5] = [
        ("info", "Musterbau Information", &["vertrieb"]),
        ("rechnung", "Musterbau Rechnungseingang", &["buchhaltung", "accounts"]),
        ("bewerbung", "Musterbau Karriere", &["personal", "hr"]),
        ("support", "Musterbau IT-Support", &["it"]),
        ("presse", "Musterbau Presse", &["leitung"]),
    ];
    for (role, name, departments) in boxes {
        let members = of_department(parties, departments);
        parties.push(unit(PartyKind::Shared, role, name, role, members));
    }
}

fn add_lists(parties: &mut Vec<Party>) {
    let everybody: Vec<usize> =
        (0..parties.len()).filter(|&place| parties[place].kind == PartyKind::Person).collect();
    parties.push(unit(PartyKind::List, "l-all", "Alle Mitarbeitenden", "alle", everybody));
    let lists: [(&str, &str, &str, &[&str]); 5] = [
        ("l-auftrag", "Verteiler Auftragsabwicklung", "auftrag", &["vertrieb", "einkauf", "sales"]),
        ("l-projekte", "Team Projekte", "team-projekte", &["projekte", "projects"]),
        ("l-bau", "Baustellen", "baustellen", &["projekte", "service", "projects"]),
        ("l-leitung", "Führungskreis", "fuehrungskreis", &["leitung", "management", "recht"]),
        ("l-it", "Team IT", "team-it", &["it"]),
    ];
    for (role, name, local, departments) in lists {
        let members = of_department(parties, departments);
        parties.push(unit(PartyKind::List, role, name, local, members));
    }
}

fn add_partner(parties: &mut Vec<Party>, line: &str, number: usize) {
    let field: Vec<&str> = line.split(';').collect();
    for (count, contact) in field[4].split(',').enumerate() {
        let part: Vec<&str> = contact.split('/').collect();
        let (first, last) = (ascii(part[0].trim_start_matches("Dr. ")), ascii(part[1]));
        let local = match (field[0], number % 3) {
            ("newsletter", _) => ["newsletter", "service"][count.min(1)].to_owned(),
            (_, 0) => format!("{first}.{last}"),
            (_, 1) => format!("{}.{last}", first.chars().next().unwrap_or('x')),
            _ if count == 0 => last.clone(),
            _ => format!("{}-{last}", first.chars().next().unwrap_or('x')),
        };
        parties.push(Party {
            kind: PartyKind::External,
            address: EmailAddress::new(&format!("{local}@{}", field[2])),
            aliases: Vec::new(),
            first: part[0].to_owned(),
            last: part[1].to_owned(),
            title: String::new(),
            department: String::new(),
            company: field[1].to_owned(),
            female: part[2] == "f",
            english: field[3] == "en",
            phone: match field[3] {
                "en" => format!("+44 1632 960{}", 100 + number * 10 + count),
                _ => format!("+49 {} {}", 30 + number, 48_110 + count),
            },
            members: Vec::new(),
            partner: field[0].to_owned(),
        });
    }
}

/// The ASCII letters that stand for a name in an address, German fashion, in lower case.
pub(super) fn ascii(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for letter in name.chars().flat_map(char::to_lowercase) {
        match letter {
            'a'..='z' | '0'..='9' | '-' => out.push(letter),
            ' ' => out.push('-'),
            'ä' | 'æ' => out.push_str("ae"),
            'ö' | 'ø' => out.push_str("oe"),
            'ü' => out.push_str("ue"),
            'ß' => out.push_str("ss"),
            'á' | 'à' | 'å' | 'ã' => out.push('a'),
            'č' | 'ç' => out.push('c'),
            'é' | 'è' | 'ë' => out.push('e'),
            'í' | 'ı' => out.push('i'),
            'ł' => out.push('l'),
            'ó' | 'ò' => out.push('o'),
            'ř' => out.push('r'),
            'ś' | 'š' | 'ş' => out.push('s'),
            'ğ' => out.push('g'),
            _ => {}
        }
    }
    out
}
