//! Who plays in one story and what its placeholders stand for.

use std::fmt::Write as _;

use super::calendar::{Local, working_day};
use super::directory::{Directory, Party};
use super::story::{Language, Library, Story};
use crate::Random;

const DAY_SECONDS: i64 = 86_400;
/// How deep a sentence may quote another pool.
const NESTING_MAX: usize = 3;

/// The fixed facts of one story; the same placeholder always stands for the same thing.
pub struct Scene<'a> {
    pub directory: &'a Directory,
    pub library: &'a Library,
    pub language: Language,
    pub start: i64,
    roles: Vec<(&'static str, usize)>,
    facts: Vec<(&'static str, String)>,
}

impl<'a> Scene<'a> {
    pub fn new(
        directory: &'a Directory,
        library: &'a Library,
        story: &Story,
        start: i64,
        random: &mut Random,
    ) -> Self {
        let roles = cast(directory, story, random);
        let facts = facts(library, story.language, start, random);
        Self { directory, library, language: story.language, start, roles, facts }
    }

    /// The party that plays `role`: a person, a shared mailbox or a list.
    pub fn role(&self, role: &str) -> usize {
        let played = self.roles.iter().find(|(name, _)| *name == role).map(|(_, place)| *place);
        played.or_else(|| self.directory.find(role)).unwrap_or(0)
    }

    pub fn party(&self, place: usize) -> &'a Party {
        &self.directory.parties[place]
    }

    pub fn fact(&self, name: &str) -> &str {
        self.facts.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }

    /// Fills the placeholders of `template`.
    ///
    /// # Panics
    /// When a placeholder is unknown; a unit test renders every template.
    pub fn fill(&self, template: &str, random: &mut Random) -> String {
        let mut out = String::with_capacity(template.len() * 2);
        self.fill_into(template, random, &mut out, 0);
        out
    }

    fn fill_into(&self, template: &str, random: &mut Random, out: &mut String, depth: usize) {
        let mut rest = template;
        while let Some(open) = rest.find('{') {
            out.push_str(&rest[..open]);
            let close = rest[open..].find('}').map_or(rest.len(), |at| open + at);
            self.place(&rest[open + 1..close], random, out, depth);
            rest = rest.get(close + 1..).unwrap_or("");
        }
        out.push_str(rest);
    }

    fn place(&self, key: &str, random: &mut Random, out: &mut String, depth: usize) {
        if let Some(topic) = key.strip_prefix("s:") {
            if depth < NESTING_MAX {
                let sentence = random.pick(self.library.pool(&format!("s.{topic}"), self.language));
                self.fill_into(sentence, random, out, depth + 1);
            }
        } else if key == "word" {
            self.word(random, out);
        } else if let Some(days) = key.strip_prefix("wd") {
            let moment = working_day(self.start + days.parse().unwrap_or(0) * DAY_SECONDS);
            out.push_str(&Local::at(moment).weekday_date(self.language));
        } else if let Some(days) = key.strip_prefix('d').and_then(|text| text.parse::<i64>().ok()) {
            out.push_str(&Local::at(self.start + days * DAY_SECONDS).date(self.language));
        } else if let Some((role, part)) = key.split_once('.') {
            let party = self.party(self.role(role));
            out.push_str(&match part {
                "first" => party.first.clone(),
                "last" => party.last.clone(),
                "name" => party.name(),
                "phone" => party.phone.clone(),
                "dept" => party.department.clone(),
                "co" => party.company.clone(),
                _ => panic!("no placeholder {{{key}}}"),
            });
        } else {
            let fact = self.fact(key);
            assert!(!fact.is_empty(), "no placeholder {{{key}}}");
            out.push_str(fact);
        }
    }

    /// A noun that seldom repeats: a German compound, or an English pair.
    fn word(&self, random: &mut Random, out: &mut String) {
        match self.language {
            Language::De => {
                let stems = self.library.pool("stem", Language::De);
                out.push_str(random.pick(stems));
                if random.chance(0.4) {
                    let middle = random.pick(stems).to_lowercase();
                    out.push_str(&middle);
                }
                out.push_str(random.pick(self.library.pool("tail", Language::De)));
            }
            Language::En => {
                let words = self.library.pool("word", Language::En);
                let _ = write!(out, "{} {}", random.pick(words), random.pick(words));
            }
        }
    }
}

fn cast(directory: &Directory, story: &Story, random: &mut Random) -> Vec<(&'static str, usize)> {
    let english = story.language == Language::En;
    let place = |last: &str| {
        directory.parties.iter().position(|party| party.last == last).unwrap_or_default()
    };
    let (german_ceo, british_ceo) = (place("von Arnim-Köhler"), place("Whitfield"));
    let ceo = if english && random.chance(0.6) { british_ceo } else { german_ceo };
    let mut staff = directory.department(story.department);
    if staff.iter().any(|&p| directory.parties[p].english == english) {
        staff.retain(|&p| directory.parties[p].english == english);
    }
    let head = staff.first().copied().unwrap_or(ceo);
    let own = staff[random.below(staff.len())];
    let ceo = match () {
        () if ceo != own => ceo,
        () if own == german_ceo => place("Großmann"),
        () => german_ceo,
    };
    let mut pick = |names: &[&str], not: &[usize]| {
        let mut places: Vec<usize> = names.iter().flat_map(|n| directory.department(n)).collect();
        places.retain(|place| !not.contains(place));
        if places.is_empty() { ceo } else { places[random.below(places.len())] }
    };
    let fallback: &[&str] =
        if english { &["sales", "projects"] } else { &["vertrieb", "projekte"] };
    let peer = match pick(&[story.department], &[own, head]) {
        found if found == ceo || found == own => pick(fallback, &[own, head]),
        found => found,
    };
    let site = pick(if english { &["projects"] } else { &["projekte"] }, &[own, place("Bäumer")]);
    let sub = pick(&["sales", "projects", "purchasing", "quality", "accounts"], &[own, peer]);
    let hr = pick(if english { &["hr"] } else { &["personal"] }, &[own]);
    let it = pick(&["it"], &[own]);
    let law = pick(if english { &["legal"] } else { &["recht"] }, &[own]);
    let purchase = pick(if english { &["purchasing"] } else { &["einkauf"] }, &[own]);
    let acc = if english { place("Blythe") } else { place("Löffler") };
    let mut roles = vec![
        ("own", own),
        ("peer", peer),
        ("head", if head == own { ceo } else { head }),
        ("ceo", ceo),
        ("site", site),
        ("sub", sub),
        ("hr", hr),
        ("it", it),
        ("law", law),
        ("purchase", purchase),
        ("acc", acc),
    ];
    if story.external != "none" {
        let (ext, ext2) = directory.contacts(story.external, english, random);
        roles.extend([("ext", ext), ("ext2", ext2)]);
    }
    roles
}

fn facts(
    library: &Library,
    language: Language,
    start: i64,
    random: &mut Random,
) -> Vec<(&'static str, String)> {
    let word =
        |name: &str, random: &mut Random| random.pick(library.pool(name, language)).to_owned();
    let mut facts = vec![
        ("product", word("product", random)),
        ("product2", word("product", random)),
        ("project", word("project", random)),
        ("city", word("city", random)),
        ("street", word("street", random)),
    ];
    let year = Local::at(start).year % 100;
    facts.extend([
        ("offer", format!("AN-{year}-{:05}", random.below(99_999))),
        ("invoice", format!("RE-{year}{:06}", random.below(999_999))),
        ("order", format!("45{:08}", random.below(99_999_999))),
        ("contract", format!("V-{:04}/{year}", random.below(9_999))),
        ("ticket", format!("MB-{:06}", random.below(999_999))),
        ("serial", format!("SN{:07}", random.below(9_999_999))),
        ("amount", amount(random, 480_000.0, language)),
        ("amount2", amount(random, 38_000.0, language)),
        ("percent", random.between(2, 9).to_string()),
        ("qty", (random.between(2, 40) * 4).to_string()),
        ("small", random.between(3, 48).to_string()),
        ("days", random.between(4, 28).to_string()),
        ("kw", random.between(2, 51).to_string()),
        ("cost", format!("4{:03}0", random.below(999))),
        ("room", format!("{}.{:02}", random.between(1, 4), random.between(1, 32))),
        ("time", format!("{}:{:02}", random.between(8, 16), random.below(4) * 15)),
    ]);
    facts
}

fn amount(random: &mut Random, most: f64, language: Language) -> String {
    let cents = (random.unit() * random.unit() * most * 100.0) as u64 + 19_900;
    let (whole, rest) = (cents / 100, cents % 100);
    let mut digits = whole.to_string();
    let (group, point) = if language == Language::De { ('.', ',') } else { (',', '.') };
    let mut at = digits.len();
    while at > 3 {
        at -= 3;
        digits.insert(at, group);
    }
    format!("{digits}{point}{rest:02}")
}
