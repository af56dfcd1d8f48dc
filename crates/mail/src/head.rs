//! The header fields of a mail that searching and listing need.

use model::{Mailbox, Timestamp};

use crate::address::{date, identifiers, mailboxes};
use crate::encoded;
use crate::headers::Block;

/// References that are kept, the newest.
const REFERENCES_MAX: usize = 100;

#[derive(Default)]
pub struct Head {
    pub subject: String,
    pub from: Vec<Mailbox>,
    pub sender: Vec<Mailbox>,
    pub to: Vec<Mailbox>,
    pub cc: Vec<Mailbox>,
    pub bcc: Vec<Mailbox>,
    pub reply_to: Vec<Mailbox>,
    pub message_id: Option<String>,
    pub sent_at: Option<Timestamp>,
    pub references: Vec<String>,
    /// Whether there is any field at all.
    pub exists: bool,
}

impl Head {
    /// Reads a header block. Of fields that may stand once the first counts, address fields add up.
    pub fn read(octets: &[u8], header: &Block, charset_hint: Option<&str>) -> Self {
        let mut head = Self::default();
        let (mut titled, mut dated) = (false, false);
        let mut replied = Vec::new();
        for field in header.fields(octets) {
            head.exists = true;
            let addresses = || mailboxes(field.value, charset_hint);
            match field.name.to_ascii_lowercase().as_slice() {
                b"bcc" => head.bcc.extend(addresses()),
                b"cc" => head.cc.extend(addresses()),
                b"date" if !dated => {
                    dated = true;
                    head.sent_at = date(field.value);
                }
                b"from" => head.from.extend(addresses()),
                b"in-reply-to" => replied.extend(identifiers(field.value, REFERENCES_MAX)),
                b"message-id" if head.message_id.is_none() => {
                    head.message_id = identifiers(field.value, 1).pop();
                }
                b"references" => head.references.extend(identifiers(field.value, usize::MAX)),
                b"reply-to" => head.reply_to.extend(addresses()),
                b"sender" => head.sender.extend(addresses()),
                b"subject" if !titled => {
                    titled = true;
                    head.subject = encoded::text(field.value, charset_hint);
                }
                b"to" => head.to.extend(addresses()),
                _ => {}
            }
        }
        head.add_replied(replied);
        head
    }

    /// What the mail answers stands last, where References would name it.
    fn add_replied(&mut self, replied: Vec<String>) {
        let surplus = self.references.len().saturating_sub(REFERENCES_MAX);
        self.references.drain(..surplus);
        for identifier in replied.into_iter().take(REFERENCES_MAX) {
            if !self.references.contains(&identifier) {
                self.references.push(identifier);
            }
        }
        let surplus = self.references.len().saturating_sub(REFERENCES_MAX);
        self.references.drain(..surplus);
    }

    /// Subject, addresses and names as lines of text, for a mail attached to another.
    pub fn text(&self) -> String {
        let mut text = self.subject.clone();
        let lists = [&self.from, &self.sender, &self.to, &self.cc, &self.bcc, &self.reply_to];
        for mailbox in lists.into_iter().flatten() {
            text.push('\n');
            text.push_str(&mailbox.name);
            text.push(' ');
            text.push_str(mailbox.address.as_str());
        }
        text
    }
}
