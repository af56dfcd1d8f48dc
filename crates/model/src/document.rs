use serde::{Deserialize, Serialize};

use crate::{MailKind, Mailbox, RecordId, Timestamp};

/// What the index is given of one mail. Replaces whatever it had of the same record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexDocument {
    pub record: RecordId,
    /// The record's row in the catalog: unique in a tenant, grows with arrival.
    pub row: u64,
    /// Keys ([`crate::EmailAddress::key`]) of the addresses whose owners may see the mail.
    pub owners: Vec<String>,
    /// Sender, From, on-behalf-of.
    pub from: Vec<Mailbox>,
    pub to: Vec<Mailbox>,
    pub cc: Vec<Mailbox>,
    /// Bcc, and envelope recipients that no header names.
    pub bcc: Vec<Mailbox>,
    /// Other addresses to be found by `with:`: expanded groups, forwarders, Reply-To.
    pub others: Vec<Mailbox>,
    pub subject: String,
    pub body: String,
    pub attachment_names: Vec<String>,
    pub message_id: Option<String>,
    /// What the list is sorted by: the Date header if it is plausible, else the time of arrival.
    pub date: Timestamp,
    pub received_at: Timestamp,
    pub size_bytes: u64,
    pub has_attachment: bool,
    pub kind: MailKind,
    /// The kind and the id of the source, such as `smtp` and `5f…`.
    pub source: Vec<String>,
}
