//! Long discussions in plain text, for measuring: many words, few pictures.

use super::files;
use super::letter::{self, Draft, Letter};
use super::scene::Scene;
use super::story::{Language, Look, Story};
use super::{Company, play};
use crate::Random;

const LINE_COLUMNS: usize = 72;

/// One to six mails about one subject.
pub fn discussion<'a>(
    company: &'a Company,
    index: u64,
    start: i64,
    random: &mut Random,
) -> Vec<(Scene<'a>, Letter)> {
    let language = if random.chance(0.6) { Language::De } else { Language::En };
    let story = Story {
        language,
        department: if language == Language::De { "projekte" } else { "projects" },
        external: "customer",
        weight: 1,
        steps: Vec::new(),
    };
    let scene = |random: &mut Random| {
        Scene::new(&company.directory, &company.library, &story, start, random)
    };
    let first = scene(random);
    let subject = first.fill("{word} {project}: {word}", random);
    let mut mails: Vec<(Scene<'a>, Letter)> = Vec::new();
    for number in 0..random.between(1, 6) {
        let scene = scene(random);
        let previous = mails.last().map(|(_, letter)| letter);
        let token = play::token(index, number as u64);
        let draft = draft(company, &scene, previous, &subject, token, random);
        let letter = letter::write(company, &scene, draft, previous, random);
        mails.push((scene, letter));
    }
    mails
}

fn draft(
    company: &Company,
    scene: &Scene<'_>,
    previous: Option<&Letter>,
    subject: &str,
    token: String,
    random: &mut Random,
) -> Draft {
    let outside = random.chance(0.3);
    let from = scene.role(if outside { "ext" } else { "own" });
    let list = scene.role(random.pick(&["l-projekte", "l-auftrag", "l-it"]));
    let cc = scene.role(if random.chance(0.5) { "peer" } else { "sub" });
    let when = previous.map_or(scene.start, |l| l.draft.when + random.between(600, 90_000));
    Draft {
        from,
        on_behalf_of: None,
        to: vec![list],
        cc: if cc == from { Vec::new() } else { vec![cc] },
        bcc: Vec::new(),
        subject: if previous.is_some() { format!("Re: {subject}") } else { subject.to_owned() },
        body: body(scene, previous, random),
        look: Look::Plain,
        files: files::for_mail(None, scene, &company.pool, company.profile(), &token, random),
        when: when.min(company.settings.end.as_seconds()),
        token,
    }
}

fn body(scene: &Scene<'_>, previous: Option<&Letter>, random: &mut Random) -> String {
    let topics: &[&str] = match scene.language {
        Language::De => &["technik", "projekt", "projekt", "bau", "logistik", "it", "verwaltung"],
        Language::En => &["tech", "project", "project", "logistics", "it", "admin"],
    };
    let mut out = String::new();
    if let Some(previous) = previous {
        for line in previous.draft.body.lines().take(random.below(24)) {
            out.push_str("> ");
            out.push_str(line);
            out.push('\n');
        }
        out.push('\n');
    }
    for _ in 0..random.between(3, 10) {
        let mut paragraph = String::new();
        for _ in 0..random.between(2, 6) {
            let topic = random.pick(topics);
            paragraph.push_str(&scene.fill(&format!("{{s:{topic}}} "), random));
            if random.chance(0.35) {
                let detail = match scene.language {
                    Language::De => "Siehe {word}, {word} und {word} ({code}). ",
                    Language::En => "See {word}, {word} and {word} ({code}). ",
                };
                let code = format!("{:X}-{}", random.below(0xff_ffff), random.below(9_999));
                paragraph.push_str(&scene.fill(&detail.replace("{code}", &code), random));
            }
        }
        wrap(&paragraph, &mut out);
        out.push('\n');
    }
    out.trim_end().to_owned()
}

fn wrap(text: &str, out: &mut String) {
    let mut column = 0;
    for word in text.split_whitespace() {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > LINE_COLUMNS {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
    }
    out.push('\n');
}
