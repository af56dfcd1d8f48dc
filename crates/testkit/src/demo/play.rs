//! Plays a story: from template to the journal reports of its mails.

use model::{ContentId, EmailAddress, JournalRecipient, RecipientField, Timestamp};

use super::calendar::{Local, working_day};
use super::directory::{Directory, ORGANISATION, PartyKind};
use super::letter::{self, Direction, Draft, Letter};
use super::scene::Scene;
use super::story::Step;
#[cfg(test)]
use super::story::Story;
use super::{Company, DemoReport, Profile, Truth, exchange, files, list};
use crate::Random;

const DAY_SECONDS: i64 = 86_400;

/// All reports of story number `index`, which begins about `start`.
pub fn story(company: &Company, index: u64, start: i64) -> Vec<DemoReport> {
    let mut random = Random::fork(company.settings.seed, index);
    let start = office_hours(start, &mut random).min(company.settings.end.as_seconds());
    let mut reports = Vec::new();
    if company.settings.profile == Profile::ListMail {
        for (scene, letter) in list::discussion(company, index, start, &mut random) {
            journal(company, &scene, &letter, &mut reports, &mut random);
        }
        return reports;
    }
    let story = company.library.story(random.below(company.library.weight_total()));
    let scene = Scene::new(&company.directory, &company.library, story, start, &mut random);
    let mut previous: Option<Letter> = None;
    for (number, step) in story.steps.iter().enumerate() {
        // Not every conversation goes on to its end.
        if number > 1 && random.chance(0.12) {
            break;
        }
        let token = token(index, number as u64);
        let draft = draft(company, &scene, step, previous.as_ref(), token, &mut random);
        let answered = previous.as_ref().filter(|_| step.subject.is_none());
        let letter = letter::write(company, &scene, draft, answered, &mut random);
        journal(company, &scene, &letter, &mut reports, &mut random);
        previous = Some(letter);
    }
    reports
}

/// Moves a moment into a working day between 7:00 and 18:30 local time.
fn office_hours(seconds: i64, random: &mut Random) -> i64 {
    let seconds = working_day(seconds);
    let local = Local::at(seconds);
    let midnight = seconds - local.hour * 3_600 - local.minute * 60 - local.second;
    midnight + 7 * 3_600 + random.below(41_400) as i64
}

/// A word of four consonants and six digits, different for every mail of a company.
pub fn token(story: u64, mail: u64) -> String {
    const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
    // The factor is prime to the modulus, so that the map is one to one.
    const MODULUS: u64 = 160_000 * 1_000_000;
    let mixed = ((story * 16 + mail) % MODULUS).wrapping_mul(7_919_731) % MODULUS;
    let mut letters = mixed / 1_000_000;
    let mut out = String::with_capacity(10);
    for _ in 0..4 {
        out.push(char::from(LETTERS[(letters % 20) as usize]));
        letters /= 20;
    }
    out + &format!("{:06}", mixed % 1_000_000)
}

fn draft(
    company: &Company,
    scene: &Scene<'_>,
    step: &Step,
    previous: Option<&Letter>,
    token: String,
    random: &mut Random,
) -> Draft {
    let from = sender(scene, step, previous, random);
    let mut seen = vec![from];
    let mut places = |roles: &[&'static str]| {
        let mut found = Vec::new();
        for role in roles {
            let place = scene.role(role);
            if !seen.contains(&place) {
                seen.push(place);
                found.push(place);
            }
        }
        found
    };
    let (to, cc, bcc) = (places(&step.to), places(&step.cc), places(&step.bcc));
    let when = match previous {
        None => scene.start,
        Some(letter) if step.after_days == 0 => letter.draft.when + random.between(240, 2 * 3_600),
        Some(letter) => office_hours(letter.draft.when + step.after_days * DAY_SECONDS, random),
    };
    let previous_subject = previous.map_or("", |letter| letter.draft.subject.as_str());
    let subject = match step.subject {
        Some(template) => scene.fill(template, random),
        None => answer(previous_subject, step.forward, scene.language.code()),
    };
    let files = files::for_mail(
        step.attachment,
        scene,
        &company.pool,
        company.settings.profile,
        &token,
        random,
    );
    let assistant = scene.directory.parties.iter().position(|party| party.last == "Jänicke");
    let on_behalf_of = (step.on_behalf || random.chance(0.01))
        .then_some(from)
        .filter(|_| scene.party(from).is_internal() && assistant != Some(from));
    Draft {
        from: if on_behalf_of.is_some() { assistant.unwrap_or(from) } else { from },
        on_behalf_of,
        to,
        cc,
        bcc,
        subject,
        body: scene.fill(step.body, random),
        look: step.look,
        files,
        when: when.min(company.settings.end.as_seconds()),
        token,
    }
}

/// A list cannot write; one of its members does.
fn sender(scene: &Scene<'_>, step: &Step, previous: Option<&Letter>, random: &mut Random) -> usize {
    let place = scene.role(step.from);
    match scene.party(place).kind {
        PartyKind::List => random.pick(&scene.party(place).members),
        _ if previous.is_some_and(|letter| letter.draft.from == place) => place,
        _ => place,
    }
}

fn answer(subject: &str, forward: bool, language: &str) -> String {
    let mut bare = subject;
    for prefix in ["AW: ", "WG: ", "RE: ", "FW: "] {
        bare = bare.strip_prefix(prefix).unwrap_or(bare);
    }
    let prefix = match (language, forward) {
        ("de", false) => "AW",
        ("de", true) => "WG",
        (_, false) => "RE",
        (_, true) => "FW",
    };
    format!("{prefix}: {bare}")
}

/// The reports of one mail: one, or several when Exchange bifurcates; now and then one twice.
fn journal(
    company: &Company,
    scene: &Scene<'_>,
    letter: &Letter,
    reports: &mut Vec<DemoReport>,
    random: &mut Random,
) {
    let recipients = recipients(scene.directory, letter, random);
    let groups = bifurcate(scene.directory, letter, recipients, random);
    let forks = groups.len() as u32;
    let differs = forks > 1 && random.chance(0.25);
    for (fork, group) in groups.into_iter().enumerate() {
        let changed = (differs && fork > 0).then(|| {
            let mut octets = String::with_capacity(letter.octets.len() + 600);
            let domain = super::DOMAIN;
            exchange::received(Direction::Internal, domain, letter.draft.when, &mut octets, random);
            octets.push_str(&letter.octets);
            octets
        });
        let inner = changed.as_deref().unwrap_or(&letter.octets);
        reports.push(report(company, scene, letter, inner, group, (fork as u32, forks), random));
    }
    if random.chance(0.008)
        && let Some(last) = reports.last()
    {
        let mut again = last.clone();
        again.truth.duplicate = true;
        reports.push(again);
    }
}

fn report(
    company: &Company,
    scene: &Scene<'_>,
    letter: &Letter,
    inner: &str,
    recipients: Vec<JournalRecipient>,
    (fork, forks): (u32, u32),
    random: &mut Random,
) -> DemoReport {
    let draft = &letter.draft;
    let sender = scene.party(draft.from).address.clone();
    let on_behalf_of = draft.on_behalf_of.map(|place| scene.party(place).address.clone());
    let made = exchange::report(
        letter,
        &sender,
        on_behalf_of.as_ref(),
        &recipients,
        forks > 1,
        inner,
        random,
    );
    let truth = Truth {
        owners: owners(&company.directory, &sender, on_behalf_of.as_ref(), &recipients),
        recipients,
        sender,
        on_behalf_of,
        subject: draft.subject.clone(),
        body_token: draft.token.clone(),
        attachments: draft.files.iter().map(|file| file.name.clone()).collect(),
        message_id: letter.message_id.clone(),
        content: ContentId::of(&made.octets[made.inner.clone()]),
        sent_at: Timestamp::from_seconds(draft.when),
        language: scene.language.code().to_owned(),
        fork,
        forks,
        duplicate: false,
    };
    DemoReport {
        mail_from: EmailAddress::new(&format!("journal.ndr@{ORGANISATION}")),
        octets: made.octets,
        inner: made.inner,
        truth,
    }
}

/// The envelope lines: lists expanded, forwarding followed, every address once.
fn recipients(
    directory: &Directory,
    letter: &Letter,
    random: &mut Random,
) -> Vec<JournalRecipient> {
    let draft = &letter.draft;
    let kinds = [
        (RecipientField::To, &draft.to),
        (RecipientField::Cc, &draft.cc),
        (RecipientField::Bcc, &draft.bcc),
    ];
    let mut lines: Vec<JournalRecipient> = Vec::new();
    for (kind, places) in kinds {
        let field =
            if letter.direction == Direction::Inbound { RecipientField::Recipient } else { kind };
        for &place in places {
            let party = &directory.parties[place];
            if party.kind == PartyKind::List {
                for &member in &party.members {
                    deliver(directory, field, member, Some(&party.address), &mut lines, random);
                }
            } else {
                deliver(directory, field, place, None, &mut lines, random);
            }
        }
    }
    lines
}

fn deliver(
    directory: &Directory,
    field: RecipientField,
    place: usize,
    list: Option<&EmailAddress>,
    lines: &mut Vec<JournalRecipient>,
    random: &mut Random,
) {
    let party = &directory.parties[place];
    let known = |lines: &[JournalRecipient], address: &EmailAddress| {
        lines.iter().any(|line| line.address.key() == address.key())
    };
    let mut address = match party.aliases.first() {
        Some(alias) if list.is_none() && random.chance(0.2) => alias.clone(),
        _ => party.address.clone(),
    };
    if random.chance(0.03) {
        address = EmailAddress::new(&capitals(address.as_str()));
    }
    if known(lines, &address) {
        return;
    }
    lines.push(JournalRecipient {
        field,
        address,
        expanded_from: list.cloned(),
        forwarded_from: None,
    });
    let Some((_, target)) = directory.forwards.iter().find(|(from, _)| *from == place) else {
        return;
    };
    let target = directory.parties[*target].address.clone();
    if !known(lines, &target) {
        lines.push(JournalRecipient {
            field,
            address: target,
            expanded_from: None,
            forwarded_from: Some(party.address.clone()),
        });
    }
}

/// `First.Last@domain`, as some systems write it.
fn capitals(address: &str) -> String {
    let mut out = String::with_capacity(address.len());
    let mut raise = true;
    for letter in address.chars() {
        out.push(if raise { letter.to_ascii_uppercase() } else { letter });
        raise = letter == '.' && !out.contains('@');
    }
    out
}

/// Exchange splits a message when its recipients need different treatment; each part is journaled
/// by itself, with disjoint recipients.
fn bifurcate(
    directory: &Directory,
    letter: &Letter,
    lines: Vec<JournalRecipient>,
    random: &mut Random,
) -> Vec<Vec<JournalRecipient>> {
    let internal = |line: &JournalRecipient| {
        let domain = line.address.domain().unwrap_or_default();
        domain == super::DOMAIN || domain == super::DOMAIN_SUBSIDIARY
    };
    let _ = directory;
    let (first, second): (Vec<_>, Vec<_>) =
        if letter.direction == Direction::Outbound && random.chance(0.5) {
            lines.into_iter().partition(|line| !internal(line))
        } else if !letter.draft.bcc.is_empty() && random.chance(0.5) {
            lines.into_iter().partition(|line| line.field != RecipientField::Bcc)
        } else if lines.len() > 8 && random.chance(0.4) {
            let half = lines.len() / 2;
            let (left, right) = lines.split_at(half);
            (left.to_vec(), right.to_vec())
        } else {
            (lines, Vec::new())
        };
    [first, second].into_iter().filter(|group| !group.is_empty()).collect()
}

/// Who must find the mail: the company's own mailboxes among sender, delegator and recipients.
fn owners(
    directory: &Directory,
    sender: &EmailAddress,
    on_behalf_of: Option<&EmailAddress>,
    recipients: &[JournalRecipient],
) -> Vec<EmailAddress> {
    let mut keys: Vec<String> = vec![sender.key()];
    keys.extend(on_behalf_of.map(EmailAddress::key));
    for line in recipients {
        keys.push(line.address.key());
        keys.extend(line.forwarded_from.as_ref().map(EmailAddress::key));
    }
    let own = |key: &String| {
        directory.mailboxes().any(|party| {
            party.address.as_str() == key || party.aliases.iter().any(|a| a.as_str() == key)
        })
    };
    keys.retain(own);
    keys.sort();
    keys.dedup();
    keys.iter().map(|key| EmailAddress::new(key)).collect()
}

/// Renders `story` whole, whatever chance would say; for the tests.
#[cfg(test)]
pub fn every_mail(company: &Company, story: &Story, start: i64) -> Vec<Letter> {
    let mut random = Random::new(7);
    let scene = Scene::new(&company.directory, &company.library, story, start, &mut random);
    let mut letters: Vec<Letter> = Vec::new();
    for (number, step) in story.steps.iter().enumerate() {
        let token = token(9, number as u64);
        let draft = draft(company, &scene, step, letters.last(), token, &mut random);
        let answered = letters.last().filter(|_| step.subject.is_none());
        letters.push(letter::write(company, &scene, draft, answered, &mut random));
    }
    letters
}
