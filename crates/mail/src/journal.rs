//! The envelope part of a journal report (MS-XJRNL §2.1, and the older Exchange 2003 block).

use model::{EmailAddress, JournalRecipient, JournalReport, JournalVariant, RecipientField};

/// Reads the decoded text of an envelope part; `None` when no line of it is one of an envelope.
///
/// One field per line, labels in any case, a blank behind the colon optional. Lines with other
/// labels are kept as unknown fields. Linear; any number of recipients.
pub fn parse(text: &str, variant: JournalVariant) -> Option<JournalReport> {
    let mut envelope = Envelope::new(variant);
    for line in text.lines() {
        envelope.line(line);
    }
    envelope.finish()
}

struct Envelope {
    report: JournalReport,
    /// Within the indented block that `Recipients:` opens.
    in_block: bool,
    /// A field of an envelope other than an unknown one was there.
    known: bool,
    /// The last recipient line, which a folded line continues.
    open: Option<(RecipientField, String)>,
}

impl Envelope {
    fn new(variant: JournalVariant) -> Self {
        let report = JournalReport {
            variant,
            sender: None,
            on_behalf_of: None,
            subject: None,
            message_id: None,
            label: None,
            mailbox: None,
            sent_utc: None,
            received_utc: None,
            recipients: Vec::new(),
            unknown_fields: Vec::new(),
            originator_org: None,
        };
        Self { report, in_block: false, known: false, open: None }
    }

    fn line(&mut self, line: &str) {
        let text = line.trim();
        if text.is_empty() {
            self.in_block = false;
            return;
        }
        let indented = line.starts_with([' ', '\t']);
        let field = text.split_once(':').map(|(label, value)| (label.trim(), value.trim()));
        let known = field.and_then(|(label, _)| Label::of(label));
        if let (Some(label), Some((_, value))) = (known, field) {
            self.in_block = false;
            self.close();
            self.field(label, value);
        } else if self.in_block {
            self.block_line(text);
        } else if let (true, Some((_, open))) = (indented, &mut self.open) {
            open.push(' ');
            open.push_str(text);
        } else {
            let (label, value) = field.unwrap_or(("", text));
            self.report.unknown_fields.push((label.to_owned(), value.to_owned()));
        }
    }

    fn field(&mut self, label: Label, value: &str) {
        self.known = true;
        let text = || Some(value.to_owned()).filter(|value| !value.is_empty());
        let report = &mut self.report;
        match label {
            Label::Retention => report.label = text(),
            Label::Mailbox => report.mailbox = text(),
            Label::MessageId => report.message_id = text(),
            Label::OnBehalfOf => report.on_behalf_of = bare(value),
            Label::ReceivedUtc => report.received_utc = text(),
            Label::Recipient(field) => self.open = Some((field, value.to_owned())),
            Label::Recipients => {
                self.in_block = true;
                if !value.is_empty() {
                    self.block_line(value);
                }
            }
            Label::Sender => report.sender = bare(value),
            Label::SentUtc => report.sent_utc = text(),
            Label::Subject => report.subject = Some(value.to_owned()),
        }
    }

    /// A line of the Exchange 2003 block: one recipient, or several between semicolons.
    fn block_line(&mut self, text: &str) {
        let addresses = text.split(';').filter_map(bare);
        self.report.recipients.extend(addresses.map(|address| JournalRecipient {
            field: RecipientField::Recipient,
            address,
            expanded_from: None,
            forwarded_from: None,
        }));
    }

    fn close(&mut self) {
        let Some((field, value)) = self.open.take() else { return };
        let mut rest = value.as_str();
        let (mut expanded_from, mut forwarded_from) = (None, None);
        while let Some((head, key, text)) = split_annotation(rest) {
            let target =
                if key == Annotation::Expanded { &mut expanded_from } else { &mut forwarded_from };
            *target = bare(text);
            rest = head;
        }
        if let Some(address) = bare(rest) {
            self.report.recipients.push(JournalRecipient {
                field,
                address,
                expanded_from,
                forwarded_from,
            });
        }
    }

    fn finish(mut self) -> Option<JournalReport> {
        self.close();
        self.known.then_some(self.report)
    }
}

#[derive(Clone, Copy)]
enum Label {
    Retention,
    Mailbox,
    MessageId,
    OnBehalfOf,
    ReceivedUtc,
    Recipient(RecipientField),
    Recipients,
    Sender,
    SentUtc,
    Subject,
}

impl Label {
    fn of(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "bcc" => Self::Recipient(RecipientField::Bcc),
            "cc" => Self::Recipient(RecipientField::Cc),
            "label" => Self::Retention,
            "mailbox" => Self::Mailbox,
            "message-id" => Self::MessageId,
            "on-behalf-of" => Self::OnBehalfOf,
            "receivedutc" => Self::ReceivedUtc,
            "recipient" => Self::Recipient(RecipientField::Recipient),
            "recipients" => Self::Recipients,
            "sender" => Self::Sender,
            "sentutc" => Self::SentUtc,
            "subject" => Self::Subject,
            "to" => Self::Recipient(RecipientField::To),
            _ => return None,
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Annotation {
    Expanded,
    Forwarded,
}

/// Splits the last `, Expanded: …` or `, Forwarded: …` off a recipient line.
fn split_annotation(line: &str) -> Option<(&str, Annotation, &str)> {
    line.rmatch_indices(',').find_map(|(at, _)| {
        let (label, value) = line[at + 1..].split_once(':')?;
        let annotation = match label.trim().to_ascii_lowercase().as_str() {
            "expanded" => Annotation::Expanded,
            "forwarded" => Annotation::Forwarded,
            _ => return None,
        };
        Some((&line[..at], annotation, value.trim()))
    })
}

/// The address of `a@b`, `<a@b>`, `Name <a@b>` or `SMTP:a@b`; `None` for `<>` and nothing.
fn bare(text: &str) -> Option<EmailAddress> {
    let text = text.trim();
    let inner = text
        .strip_suffix('>')
        .and_then(|text| text.rsplit_once('<'))
        .map_or(text, |(_, inner)| inner);
    let scheme = inner.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case("smtp:"));
    let address = EmailAddress::new(scheme.map_or(inner, |_| &inner[5..]));
    (!address.is_empty()).then_some(address)
}
