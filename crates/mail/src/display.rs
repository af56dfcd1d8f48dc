use std::collections::{BTreeMap, HashSet};
use std::panic::catch_unwind;

use model::{Attachment, MailKind, Mailbox, Mark, Summary};

use crate::collect::{Body, Collector, Listed, Purpose};
use crate::describe::{marks, summary};
use crate::head::Head;
use crate::headers::{self, Field};
use crate::{encoded, html_to_text};

/// One header field, name as written, value unfolded and decoded for reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderLine {
    pub name: String,
    pub value: String,
}

/// One attachment of a displayed mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayAttachment {
    /// What [`crate::attachment`] takes.
    pub index: usize,
    pub attachment: Attachment,
    /// Without angle brackets.
    pub content_id: Option<String>,
}

/// A mail as a person reads it. HTML is as received: whoever shows it must sanitise it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Display {
    pub summary: Summary,
    pub from: Vec<Mailbox>,
    pub sender: Vec<Mailbox>,
    pub to: Vec<Mailbox>,
    pub cc: Vec<Mailbox>,
    pub bcc: Vec<Mailbox>,
    pub reply_to: Vec<Mailbox>,
    /// In the order of the mail.
    pub headers: Vec<HeaderLine>,
    /// The HTML body; `None` when the mail has none.
    pub html: Option<String>,
    /// The plain body, made from the HTML when the mail has no other.
    pub text: Option<String>,
    /// Content-ID without angle brackets → index of the attachment, for `cid:` links in `html`.
    pub content_ids: BTreeMap<String, usize>,
    /// The same list in the same order as [`crate::MailView::attachments`].
    pub attachments: Vec<DisplayAttachment>,
    pub marks: Vec<Mark>,
}

/// Reads a mail for display. Never fails.
pub fn display(mail: &[u8]) -> Display {
    // The last resort: a flaw in a parser must not keep a mail from its reader.
    catch_unwind(|| read(mail)).unwrap_or_else(|_| Display {
        summary: summary(mail, &Head::default(), 0, MailKind::Mail),
        from: Vec::new(),
        sender: Vec::new(),
        to: Vec::new(),
        cc: Vec::new(),
        bcc: Vec::new(),
        reply_to: Vec::new(),
        headers: Vec::new(),
        html: None,
        text: None,
        content_ids: BTreeMap::new(),
        attachments: Vec::new(),
        marks: vec![Mark::Unreadable],
    })
}

fn read(mail: &[u8]) -> Display {
    let (collector, head) = Collector::run(mail, Purpose::Display);
    let count = collector.listed.iter().filter(|listed| !listed.attachment.inline).count();
    let summary = summary(mail, &head, count, collector.kind);
    let marks = marks(&collector, &head);
    let bodies = shown(collector.bodies);
    let attachments: Vec<DisplayAttachment> = collector
        .listed
        .into_iter()
        .enumerate()
        .map(|(index, Listed { attachment, content_id, .. })| DisplayAttachment {
            index,
            attachment,
            content_id,
        })
        .collect();
    let content_ids = attachments
        .iter()
        .rev()
        .filter_map(|listed| Some((listed.content_id.clone()?, listed.index)))
        .collect();
    Display {
        summary,
        from: head.from,
        sender: head.sender,
        to: head.to,
        cc: head.cc,
        bcc: head.bcc,
        reply_to: head.reply_to,
        headers: header_lines(mail),
        html: hypertext(&bodies),
        text: plain_text(&bodies),
        content_ids,
        attachments,
        marks,
    }
}

fn header_lines(mail: &[u8]) -> Vec<HeaderLine> {
    let header = headers::mail_block(mail);
    let line = |field: Field<'_>| HeaderLine {
        name: String::from_utf8_lossy(field.name).into_owned(),
        value: encoded::text(field.value, None),
    };
    header.fields(mail).map(line).collect()
}

/// Without the fallbacks when anything else has text.
fn shown(mut bodies: Vec<Body>) -> Vec<Body> {
    let stands_alone = bodies.iter().any(|body| !body.fallback && !body.text.trim().is_empty());
    bodies.retain(|body| body.fallback != stands_alone);
    bodies
}

/// The HTML pieces in order; plain pieces that have no HTML alternative stand between them.
fn hypertext(bodies: &[Body]) -> Option<String> {
    if !bodies.iter().any(|body| body.html) {
        return None;
    }
    let with_html: HashSet<usize> =
        bodies.iter().filter(|body| body.html).filter_map(|body| body.group).collect();
    let mut output = String::new();
    for body in bodies {
        let replaced = body.group.is_some_and(|group| with_html.contains(&group));
        if body.html {
            output.push_str(&body.text);
        } else if !replaced && !body.text.trim().is_empty() {
            let escaped = body.text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            output.push_str("<pre style=\"white-space:pre-wrap\">");
            output.push_str(&escaped);
            output.push_str("</pre>");
        }
    }
    Some(output)
}

/// The plain pieces in order; HTML pieces that have no plain alternative as text between them.
fn plain_text(bodies: &[Body]) -> Option<String> {
    let with_plain: HashSet<usize> = bodies
        .iter()
        .filter(|body| !body.html && !body.text.trim().is_empty())
        .filter_map(|body| body.group)
        .collect();
    let mut output = String::new();
    for body in bodies {
        let replaced = body.html && body.group.is_some_and(|group| with_plain.contains(&group));
        if replaced {
            continue;
        }
        if !output.is_empty() && !output.ends_with('\n') {
            output.push('\n');
        }
        output.push_str(&if body.html { html_to_text(&body.text) } else { body.text.clone() });
    }
    (!bodies.is_empty()).then_some(output)
}
