//! One mail as its sender's system made it: the octets inside a journal report.

use super::calendar::{Local, utc};
use super::directory::{Party, PartyKind};
use super::files::File;
use super::html::{self, Frame};
use super::mime::{Charset, HeaderForm, TextEncoding, file_part, header, multipart, text_part};
use super::scene::Scene;
use super::story::{Language, Look};
use super::{Company, Profile};
use crate::Random;

/// How many mails deep a quoted history goes.
const QUOTES_MAX: usize = 3;
const REFERENCES_MAX: usize = 12;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Inbound,
    Internal,
    Outbound,
}

/// What is to be written.
pub struct Draft {
    pub from: usize,
    pub on_behalf_of: Option<usize>,
    pub to: Vec<usize>,
    pub cc: Vec<usize>,
    pub bcc: Vec<usize>,
    pub subject: String,
    pub body: String,
    pub look: Look,
    pub files: Vec<File>,
    pub when: i64,
    pub token: String,
}

/// A finished mail, with what an answer to it needs.
pub struct Letter {
    pub draft: Draft,
    pub direction: Direction,
    pub message_id: String,
    pub references: Vec<String>,
    pub octets: String,
    /// The header block of the octets ends here.
    pub to_header: String,
    pub cc_header: String,
    pub from_header: String,
    pub subject_header: String,
    quoted_text: String,
    quoted_html: String,
    quotes: usize,
}

pub fn write(
    company: &Company,
    scene: &Scene<'_>,
    draft: Draft,
    previous: Option<&Letter>,
    random: &mut Random,
) -> Letter {
    let sender = scene.party(draft.from);
    let direction = direction(scene, &draft);
    let domain = sender.address.domain().unwrap_or_default();
    let id = format!("{:016X}{:016X}", random.next(), random.next());
    let message_id = match direction {
        Direction::Inbound => format!("<{id}@{domain}>"),
        _ => format!("<{id}@FRAP281MB{:04}.DEUP281.PROD.OUTLOOK.COM>", random.below(9_999)),
    };
    let mut references = Vec::new();
    if let Some(previous) = previous {
        references.clone_from(&previous.references);
        references.push(previous.message_id.clone());
        let surplus = references.len().saturating_sub(REFERENCES_MAX);
        references.drain(..surplus);
    }
    let form = header_form(random);
    let names = |places: &[usize]| addresses(scene, places, form);
    let shown = draft.on_behalf_of.unwrap_or(draft.from);
    let text = texts(scene, &draft, previous, random);
    let mut letter = Letter {
        from_header: names(&[shown]),
        to_header: names(&draft.to),
        cc_header: names(&draft.cc),
        subject_header: header(&draft.subject, form),
        direction,
        message_id,
        references,
        octets: String::new(),
        quoted_text: text.quotable_text,
        quoted_html: text.quotable_html,
        quotes: previous.map_or(0, |letter| letter.quotes + 1),
        draft,
    };
    let body = body(company, &letter, &text.plain, text.html.as_deref(), text.logo, random);
    let size: usize = body.len() + 6_000;
    let mut octets = String::with_capacity(size);
    headers(company, scene, &letter, &mut octets, random);
    octets.push_str("MIME-Version: 1.0\r\n");
    octets.push_str(&body);
    letter.octets = octets;
    letter
}

fn direction(scene: &Scene<'_>, draft: &Draft) -> Direction {
    if !scene.party(draft.from).is_internal() {
        return Direction::Inbound;
    }
    let mut recipients = draft.to.iter().chain(&draft.cc).chain(&draft.bcc);
    match recipients.all(|&place| scene.party(place).is_internal()) {
        true => Direction::Internal,
        false => Direction::Outbound,
    }
}

fn header_form(random: &mut Random) -> HeaderForm {
    match random.below(100) {
        0..=44 => HeaderForm::B(Charset::Utf8),
        45..=64 => HeaderForm::Q(Charset::Utf8),
        65..=84 => HeaderForm::Q(Charset::Windows1252),
        85..=97 => HeaderForm::B(Charset::Windows1252),
        _ => HeaderForm::Raw,
    }
}

fn addresses(scene: &Scene<'_>, places: &[usize], form: HeaderForm) -> String {
    let mut out = String::new();
    for &place in places {
        let party = scene.party(place);
        if !out.is_empty() {
            out.push_str(",\r\n\t");
        }
        let name = party.name();
        if name.is_ascii() || form == HeaderForm::Raw {
            out.push_str(&format!("\"{name}\" <{}>", party.address));
        } else {
            out.push_str(&format!("{} <{}>", header(&name, form), party.address));
        }
    }
    out
}

struct Texts {
    plain: String,
    html: Option<String>,
    logo: bool,
    quotable_text: String,
    quotable_html: String,
}

fn texts(
    scene: &Scene<'_>,
    draft: &Draft,
    previous: Option<&Letter>,
    random: &mut Random,
) -> Texts {
    let sender = scene.party(draft.from);
    let reference = match scene.language {
        Language::De => format!("Unser Zeichen: {}", draft.token),
        Language::En => format!("Our ref: {}", draft.token),
    };
    if draft.look == Look::Automatic {
        let plain = format!("{}\n\n{reference}\n", draft.body);
        return Texts {
            quotable_text: draft.body.clone(),
            quotable_html: String::new(),
            plain,
            html: None,
            logo: false,
        };
    }
    if draft.look == Look::Newsletter {
        let footer = format!("{} · {reference}", sender.company);
        let language = scene.language.code();
        let inner =
            html::newsletter(&draft.subject, &sender.company, &footer, &draft.body, language);
        return Texts {
            plain: format!("{}\n\n{footer}\n", draft.body),
            html: Some(html::document(&inner, language)),
            logo: false,
            quotable_text: draft.body.clone(),
            quotable_html: inner,
        };
    }
    letter_texts(scene, draft, previous, &reference, random)
}

fn letter_texts(
    scene: &Scene<'_>,
    draft: &Draft,
    previous: Option<&Letter>,
    reference: &str,
    random: &mut Random,
) -> Texts {
    let sender = scene.party(draft.from);
    let greeting = greeting(scene, draft, random);
    let body = match scene.language {
        Language::En => capital(&draft.body),
        Language::De => draft.body.clone(),
    };
    let mut signature = signature(scene, draft);
    let own_text = format!("{greeting}\n\n{body}\n\n{}", signature.join("\n"));
    let logo = draft.look == Look::Letter && sender.is_internal() && random.chance(0.35);
    let cid = logo.then_some("image001@musterbau");
    let quoted = previous.filter(|letter| letter.quotes < QUOTES_MAX && draft.look == Look::Letter);
    let head = quoted.map(|letter| quote_head(scene, letter));
    let frame = |signature: &[String], with: bool| {
        html::letter(
            &body,
            &Frame {
                greeting: &greeting,
                signature,
                logo: cid.filter(|_| with),
                quoted: head.as_deref().zip(quoted.map(|letter| letter.quoted_html.as_str())),
            },
        )
    };
    let quotable_html = frame(&signature, false);
    signature.push(reference.to_owned());
    let mut quotable_text = own_text.clone();
    let mut plain = format!("{own_text}\n{reference}\n");
    if let Some((lines, letter)) = head.as_deref().zip(quoted) {
        let tail = format!("\n{}\n\n{}\n", lines.join("\n"), letter.quoted_text);
        quotable_text.push_str("\n\n");
        quotable_text.push_str(&tail);
        plain.push('\n');
        plain.push_str(&tail);
    }
    let html = (draft.look == Look::Letter)
        .then(|| html::document(&frame(&signature, true), scene.language.code()));
    Texts { plain, html, logo, quotable_text, quotable_html }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

fn greeting(scene: &Scene<'_>, draft: &Draft, random: &mut Random) -> String {
    let german = scene.language == Language::De;
    let sender = scene.party(draft.from);
    let first = draft.to.first().map(|&place| scene.party(place));
    let Some(addressee) = first.filter(|party| {
        matches!(party.kind, PartyKind::Person | PartyKind::External) && draft.to.len() <= 2
    }) else {
        let internal = sender.is_internal() && first.is_some_and(Party::is_internal);
        return match (german, internal) {
            (true, true) => "Liebe Kolleginnen und Kollegen,",
            (true, false) => "Sehr geehrte Damen und Herren,",
            (false, true) => "Dear all,",
            (false, false) => "Dear Sir or Madam,",
        }
        .to_owned();
    };
    if sender.is_internal() && addressee.is_internal() {
        let hello: &[&str] =
            if german { &["Hallo", "Guten Morgen", "Moin"] } else { &["Hi", "Hello"] };
        return format!("{} {},", random.pick(hello), addressee.first);
    }
    match (german, addressee.female) {
        (true, true) => format!("Sehr geehrte Frau {},", addressee.last),
        (true, false) => format!("Sehr geehrter Herr {},", addressee.last),
        (false, true) => format!("Dear Ms {},", addressee.last),
        (false, false) => format!("Dear Mr {},", addressee.last),
    }
}

fn signature(scene: &Scene<'_>, draft: &Draft) -> Vec<String> {
    let sender = scene.party(draft.from);
    let german = scene.language == Language::De;
    let recipients = draft.to.iter().chain(&draft.cc);
    let internal = sender.is_internal()
        && recipients.into_iter().all(|&place| scene.party(place).is_internal());
    let mut lines = vec![
        match (german, internal) {
            (true, true) => "Viele Grüße",
            (true, false) => "Mit freundlichen Grüßen",
            (false, true) => "Best wishes",
            (false, false) => "Kind regards",
        }
        .to_owned(),
        String::new(),
        sender.name(),
    ];
    if !sender.title.is_empty() {
        lines.push(sender.title.clone());
    }
    if !internal && sender.partner != "applicant" {
        lines.push(sender.company.clone());
        lines.push(format!("Tel. {}", sender.phone));
    }
    if internal {
        lines.push(sender.phone.clone());
    }
    lines
}

fn quote_head(scene: &Scene<'_>, letter: &Letter) -> Vec<String> {
    let draft = &letter.draft;
    let sender = scene.party(draft.on_behalf_of.unwrap_or(draft.from));
    let names: Vec<String> = draft.to.iter().take(5).map(|&p| scene.party(p).name()).collect();
    let sent = Local::at(draft.when).sent(scene.language);
    let label = match scene.language {
        Language::De => ["Von", "Gesendet", "An", "Betreff"],
        Language::En => ["From", "Sent", "To", "Subject"],
    };
    vec![
        format!("{}: {} <{}>", label[0], sender.name(), sender.address),
        format!("{}: {sent}", label[1]),
        format!("{}: {}", label[2], names.join("; ")),
        format!("{}: {}", label[3], draft.subject),
    ]
}

fn body(
    company: &Company,
    letter: &Letter,
    plain: &str,
    html: Option<&str>,
    logo: bool,
    random: &mut Random,
) -> String {
    let (charset, encoding) = match random.below(10) {
        0..=3 => (Charset::Windows1252, TextEncoding::QuotedPrintable),
        4..=6 => (Charset::Utf8, TextEncoding::QuotedPrintable),
        7 | 8 => (Charset::Utf8, TextEncoding::Base64),
        _ => (Charset::Utf8, TextEncoding::EightBit),
    };
    let list = company.profile() == Profile::ListMail;
    let encoding = if list { TextEncoding::EightBit } else { encoding };
    let charset = if encoding == TextEncoding::EightBit { Charset::Utf8 } else { charset };
    let boundary = |number: usize, random: &mut Random| {
        format!("_{number:03}_{:016X}FRAP281MB_", random.next())
    };
    let mut entity = text_part("plain", plain, charset, encoding);
    if let Some(html) = html {
        let coded =
            if random.chance(0.4) { TextEncoding::Base64 } else { TextEncoding::QuotedPrintable };
        let rich = text_part("html", html, Charset::Utf8, coded);
        entity = multipart("alternative", &boundary(2, random), &[entity, rich]);
    }
    if logo {
        let file = company.logo(letter.draft.from);
        let image = file_part(
            &file.name,
            file.media_type,
            file.size_bytes,
            &file.base64,
            Some("image001@musterbau"),
            false,
        );
        entity = multipart("related", &boundary(3, random), &[entity, image]);
    }
    if letter.draft.files.is_empty() {
        return entity;
    }
    let mut parts = vec![entity];
    for file in &letter.draft.files {
        let rfc2231 = random.chance(0.5);
        let size = file.size_bytes;
        parts.push(file_part(&file.name, file.media_type, size, &file.base64, None, rfc2231));
    }
    multipart("mixed", &boundary(4, random), &parts)
}

fn headers(
    company: &Company,
    scene: &Scene<'_>,
    letter: &Letter,
    out: &mut String,
    random: &mut Random,
) {
    let draft = &letter.draft;
    let sender = scene.party(draft.from);
    let domain = sender.address.domain().unwrap_or_default();
    let network = random.guid();
    super::exchange::received(letter.direction, &domain, draft.when, out, random);
    out.push_str(&format!("From: {}\r\n", letter.from_header));
    if draft.on_behalf_of.is_some() {
        let form = HeaderForm::B(Charset::Utf8);
        out.push_str(&format!("Sender: {}\r\n", addresses(scene, &[draft.from], form)));
    }
    if draft.to.is_empty() {
        out.push_str("To: undisclosed-recipients:;\r\n");
    } else {
        out.push_str(&format!("To: {}\r\n", letter.to_header));
    }
    if !draft.cc.is_empty() {
        out.push_str(&format!("CC: {}\r\n", letter.cc_header));
    }
    out.push_str(&format!("Subject: {}\r\n", letter.subject_header));
    if letter.direction != Direction::Inbound {
        out.push_str(&format!("Thread-Topic: {}\r\n", letter.subject_header));
    }
    let date = Local::at(draft.when).rfc5322();
    out.push_str(&format!("Date: {date}\r\nMessage-ID: {}\r\n", letter.message_id));
    if let Some(last) = letter.references.last() {
        let all = letter.references.join("\r\n ");
        out.push_str(&format!("References: {all}\r\nIn-Reply-To: {last}\r\n"));
    }
    if draft.look == Look::Newsletter {
        out.push_str(&format!(
            "List-Unsubscribe: <https://{domain}/abmelden>\r\nPrecedence: bulk\r\n"
        ));
    }
    if draft.look == Look::Automatic {
        out.push_str("Auto-Submitted: auto-generated\r\n");
    }
    let attached = if draft.files.is_empty() { "" } else { "yes" };
    out.push_str(&format!(
        "Accept-Language: de-DE, en-US\r\nContent-Language: {}\r\nX-MS-Has-Attach: {attached}\r\n\
         X-MS-TNEF-Correlator:\r\n",
        if scene.language == Language::De { "de-DE" } else { "en-GB" }
    ));
    let lines = if company.profile() == Profile::ListMail { 2 } else { random.between(5, 14) };
    super::exchange::stamps(letter.direction, &network, lines as usize, out, random);
    out.push_str(&format!(
        "X-MS-Exchange-CrossTenant-OriginalArrivalTime: {}\r\n",
        utc(draft.when)
    ));
}
