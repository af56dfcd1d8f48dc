//! Finds the envelope part and the mail inside a journal report.

use std::ops::Range;

use model::{JournalReport, JournalVariant};

use crate::examine::MailOctets;
use crate::headers::{self, Field};
use crate::mime::{self, Descend, Kind, Part, Structure};
use crate::transfer::{self, Encoding};
use crate::{charset, html, journal};

/// The local part of the mailbox that Exchange sends its own messages from.
const EXCHANGE_SENDER: &str = "microsoftexchange329e71ec88ae4615bbc36ab6ce41109e@";

/// A journal report taken apart; `mail` is `None` when it carries none.
pub struct Report {
    pub envelope: Option<JournalReport>,
    pub mail: Option<MailOctets>,
    pub decrypted: Option<MailOctets>,
    /// The closing boundary is missing, or there are more mails than a report has: the mail may be
    /// cut short.
    pub irregular: bool,
    pub originator_org: Option<String>,
}

/// Takes `octets` apart if they are a journal report, or a non-delivery report around one.
/// `fields` are those of its header.
pub fn read(octets: &[u8], fields: &[Field<'_>]) -> Option<Report> {
    if let Some(variant) = fields.iter().find_map(announced) {
        return Some(unwrap(octets, variant));
    }
    let content_type = fields.iter().find(|field| field.is("Content-Type"))?;
    let content_type = content_type.value.trim_ascii_start().to_ascii_lowercase();
    if content_type.starts_with(b"multipart/report") {
        return read_ndr(octets);
    }
    let from_exchange = content_type.starts_with(b"multipart/mixed") && is_sent_by_exchange(fields);
    // Without the header only what reads as a whole report counts as one.
    from_exchange.then(|| unwrap(octets, JournalVariant::Exchange2003)).filter(|report| {
        let envelope = report.envelope.as_ref();
        report.mail.is_some()
            && envelope.is_some_and(|envelope| {
                envelope.message_id.is_some() && !envelope.recipients.is_empty()
            })
    })
}

/// Which kind of report the field announces: its presence decides, not its value.
fn announced(field: &Field<'_>) -> Option<JournalVariant> {
    let microsoft =
        ["X-MS-Journal-Report", "X-MS-Exchange-Organization-Journal-Report", "X-WM-Journal-Report"];
    if microsoft.iter().any(|name| field.is(name)) {
        return Some(JournalVariant::Microsoft);
    }
    // Some senders misspell the name on purpose, as early Exchange did.
    let old = field.is("Content-Identifier") || field.is("Content-Identifer");
    let named = old && field.value.trim_ascii().eq_ignore_ascii_case(b"ExJournalReport");
    named.then_some(JournalVariant::Exchange2003)
}

fn is_sent_by_exchange(fields: &[Field<'_>]) -> bool {
    let senders = fields.iter().filter(|field| field.is("Sender"));
    let mut mailboxes = senders.flat_map(|field| crate::address::mailboxes(field.value, None));
    mailboxes.any(|mailbox| mailbox.address.key().starts_with(EXCHANGE_SENDER))
}

/// A report that could not be delivered lies as an attached mail in the answer.
fn read_ndr(octets: &[u8]) -> Option<Report> {
    let structure = mime::scan(octets, Descend::OwnParts, 0);
    structure.parts.iter().filter(|part| is_mail(part)).find_map(|part| {
        let attached = located(octets, part);
        let inner = attached.of(octets);
        headers::mail_block(inner).fields(inner).find_map(|field| announced(&field))?;
        let mut report = unwrap(inner, JournalVariant::NdrWrapped);
        report.mail = report.mail.map(|mail| shifted(&attached, mail));
        report.decrypted = report.decrypted.map(|mail| shifted(&attached, mail));
        Some(report)
    })
}

/// Places a mail found inside `outer` in the octets that `outer` lies in.
fn shifted(outer: &MailOctets, mail: MailOctets) -> MailOctets {
    match (outer, mail) {
        (MailOctets::Range(outer), MailOctets::Range(mail)) => {
            MailOctets::Range(outer.start + mail.start..outer.start + mail.end)
        }
        (MailOctets::Decoded(outer), mail @ MailOctets::Range(_)) => {
            MailOctets::Decoded(mail.of(outer).to_vec())
        }
        (_, mail @ MailOctets::Decoded(_)) => mail,
    }
}

fn unwrap(octets: &[u8], variant: JournalVariant) -> Report {
    let structure = mime::scan(octets, Descend::OwnParts, 0);
    let originator_org = originator_org(octets, &structure);
    let mut mails = structure.parts.iter().enumerate().skip(1).filter(|(_, part)| is_mail(part));
    let first = mails.next().or_else(|| {
        let mut parts = structure.parts.iter().enumerate().skip(1);
        parts.find(|(_, part)| is_disguised_mail(octets, part))
    });
    let before = first.map_or(structure.parts.len(), |(index, _)| index);
    let mut envelope = read_envelope(octets, &structure.parts[..before], variant);
    if let Some(envelope) = &mut envelope {
        envelope.originator_org.clone_from(&originator_org);
    }
    let mail = first.map(|(_, part)| located(octets, part));
    let decrypted = mails.next().map(|(_, part)| located(octets, part));
    let decrypted = decrypted.filter(|second| {
        let original = mail.as_ref().and_then(|mail| message_id(mail.of(octets)));
        let copy = message_id(second.of(octets));
        original.is_none() || copy.is_none() || original == copy
    });
    let known = 1 + usize::from(decrypted.is_some());
    let count = structure.parts.iter().skip(1).filter(|part| is_mail(part)).count();
    let irregular = first.is_some_and(|(_, part)| !part.delimited) || count > known;
    Report { envelope, mail, decrypted, irregular, originator_org }
}

fn originator_org(octets: &[u8], structure: &Structure) -> Option<String> {
    let field =
        structure.parts[0].header.fields(octets).find(|field| field.is("X-OriginatorOrg"))?;
    let value = crate::encoded::text(field.value, None).trim().to_lowercase();
    (!value.is_empty()).then_some(value)
}

fn message_id(mail: &[u8]) -> Option<String> {
    let field = headers::mail_block(mail).fields(mail).find(|field| field.is("Message-ID"))?;
    crate::address::identifiers(field.value, 1).pop()
}

fn is_mail(part: &Part) -> bool {
    part.content.is_message() && !part.body.is_empty()
}

/// A relay may have rewritten the attached mail to a file.
fn is_disguised_mail(octets: &[u8], part: &Part) -> bool {
    let named = part.content.name.to_ascii_lowercase().ends_with(".eml");
    let media = part.content.media.as_str();
    let file =
        matches!(media, "application/octet-stream" | "application/x-eml" | "application/eml")
            || named;
    part.kind == Kind::Leaf && file && mime::looks_like_mail(located(octets, part).of(octets))
}

/// The octets of an attached mail, decoded if it is encoded.
fn located(octets: &[u8], part: &Part) -> MailOctets {
    let body: Range<usize> = part.body.clone();
    let raw = &octets[body.clone()];
    let encoded = match part.content.encoding {
        Encoding::Identity => false,
        Encoding::Base64 | Encoding::Uuencode => !mime::looks_like_mail(raw),
        Encoding::QuotedPrintable => true,
    };
    if encoded {
        MailOctets::Decoded(transfer::decode(part.content.encoding, raw).into_owned())
    } else {
        MailOctets::Range(body)
    }
}

/// Reads the first readable text before the mail as the envelope, plain text preferred.
fn read_envelope(octets: &[u8], parts: &[Part], variant: JournalVariant) -> Option<JournalReport> {
    let text_of = |part: &Part| {
        let decoded = transfer::decode(part.content.encoding, &octets[part.body.clone()]);
        let text = charset::decode(&decoded, part.content.charset.as_deref()).into_owned();
        if part.content.media == "text/html" { html::html_to_text(&text) } else { text }
    };
    let leaves = || parts.iter().filter(|part| part.kind == Kind::Leaf);
    let plain = leaves().filter(|part| part.content.media == "text/plain");
    let hypertext = leaves().filter(|part| part.content.media == "text/html");
    plain.chain(hypertext).find_map(|part| {
        let report = journal::parse(&text_of(part), variant)?;
        let (sender, recipients) = (report.sender.is_some(), !report.recipients.is_empty());
        (sender || recipients || report.message_id.is_some()).then_some(report)
    })
}
