use std::ops::Range;
use std::panic::catch_unwind;

use model::{Attachment, MailKind, Mailbox, Mark, Summary};

use crate::collect::{Collector, Purpose};
use crate::head::Head;
use crate::mime::{self, Descend, Kind};
use crate::transfer::Encoding;

/// Mailboxes of To in a summary.
const SUMMARY_TO_MAX: usize = 10;

/// A mail as catalog and index want it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailView {
    pub summary: Summary,
    pub from: Vec<Mailbox>,
    /// The Sender header.
    pub sender: Vec<Mailbox>,
    pub to: Vec<Mailbox>,
    pub cc: Vec<Mailbox>,
    pub bcc: Vec<Mailbox>,
    pub reply_to: Vec<Mailbox>,
    /// Search text in UTF-8, at most [`crate::TEXT_BYTES_MAX`] bytes: bodies, HTML as text, TNEF,
    /// calendar entries, attached mails with their subjects and addresses.
    pub text: String,
    /// In the order of the mail, which is that of [`crate::attachment`]'s index. What is attached
    /// to an attached mail follows that mail.
    pub attachments: Vec<Attachment>,
    /// What [`encoded_parts`] returns, from the same pass.
    pub encoded_parts: Vec<Range<usize>>,
    /// Sorted, each once.
    pub marks: Vec<Mark>,
}

/// Reads a mail. Never fails; what exceeds a limit is left out of `text` and marked
/// [`Mark::TooComplex`]. One pass: `encoded_parts` is included.
pub fn describe(mail: &[u8]) -> MailView {
    // The last resort: a flaw in a parser must not keep a mail out of the archive.
    catch_unwind(|| view(mail)).unwrap_or_else(|_| MailView {
        summary: summary(mail, &Head::default(), 0, MailKind::Mail),
        from: Vec::new(),
        sender: Vec::new(),
        to: Vec::new(),
        cc: Vec::new(),
        bcc: Vec::new(),
        reply_to: Vec::new(),
        text: String::new(),
        attachments: Vec::new(),
        encoded_parts: Vec::new(),
        marks: vec![Mark::Unreadable],
    })
}

/// The base64 bodies in `mail`, in order, without overlap, without white space at either end;
/// also those inside attached mails. What is in a range need not be valid base64.
pub fn encoded_parts(mail: &[u8]) -> Vec<Range<usize>> {
    let structure = mime::scan(mail, Descend::All, 0);
    let leaves = structure
        .parts
        .iter()
        .filter(|part| part.kind == Kind::Leaf && part.content.encoding == Encoding::Base64);
    let trimmed = leaves.map(|part| {
        let body = &mail[part.body.clone()];
        let start = part.body.start + (body.len() - body.trim_ascii_start().len());
        start..start + body.trim_ascii().len()
    });
    trimmed.filter(|range| !range.is_empty()).collect()
}

fn view(mail: &[u8]) -> MailView {
    let (collector, head) = Collector::run(mail, Purpose::Describe);
    let attachments = collector.listed.iter().filter(|listed| !listed.attachment.inline).count();
    let marks = marks(&collector, &head);
    MailView {
        summary: summary(mail, &head, attachments, collector.kind),
        from: head.from,
        sender: head.sender,
        to: head.to,
        cc: head.cc,
        bcc: head.bcc,
        reply_to: head.reply_to,
        text: collector.text.into_string(),
        attachments: collector.listed.into_iter().map(|listed| listed.attachment).collect(),
        encoded_parts: collector.encoded_parts,
        marks,
    }
}

pub(crate) fn marks(collector: &Collector, head: &Head) -> Vec<Mark> {
    let not_a_mail = (!head.exists).then_some(Mark::NotAMail);
    not_a_mail.into_iter().chain(collector.too_complex.then_some(Mark::TooComplex)).collect()
}

pub(crate) fn summary(mail: &[u8], head: &Head, attachments: usize, kind: MailKind) -> Summary {
    Summary {
        message_id: head.message_id.clone(),
        subject: head.subject.clone(),
        from: head.from.first().cloned(),
        to: head.to.iter().take(SUMMARY_TO_MAX).cloned().collect(),
        sent_at: head.sent_at,
        size_bytes: mail.len() as u64,
        attachments: u32::try_from(attachments).unwrap_or(u32::MAX),
        kind,
        references: head.references.clone(),
    }
}
