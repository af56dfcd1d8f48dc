use serde::{Deserialize, Serialize};

use crate::{
    ContentId, EmailAddress, Envelope, JournalReport, Mailbox, RecordId, Source, Timestamp,
};

/// What a submission was recognised as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Announced as a journal report, but not readable as one: archived as it is.
    DamagedReport,
    JournalReport,
    /// An ordinary mail: a copy from another system, an import, a connector's validation mail.
    PlainCopy,
}

/// Something that a reader of this record should know. Names are part of the archive's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// A report without a readable envelope part or attached mail.
    DamagedReport,
    /// The encrypted original was accompanied by a decrypted copy.
    DecryptedCopy,
    /// Not readable as a mail: no header field at all.
    NotAMail,
    /// Recipients were taken from From, To and Cc, because nothing better was there.
    RecipientsFromHeaders,
    /// Parts, nesting or text beyond a limit: archived whole, not all of it searchable.
    TooComplex,
    /// The parser gave up; the octets are archived all the same.
    Unreadable,
}

/// How someone took part in a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Sender,
    OnBehalfOf,
    To,
    Cc,
    Bcc,
    Recipient,
    /// The owner of a mailbox that forwards.
    ForwardedFrom,
    /// The mailbox that it was fetched from, or that an import was made for.
    Mailbox,
}

/// On whose word a participant is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// An envelope header such as `X-Envelope-To`.
    EnvelopeHeader,
    /// The mailbox that it was fetched from.
    Fetched,
    /// From, To, Cc of the mail itself: a claim of the sender.
    Headers,
    /// Named by the administrator at import.
    Import,
    JournalReport,
    /// The sub-address of the SMTP recipient.
    SmtpEnvelope,
}

/// One address that may see the mail, and why.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Participant {
    pub address: EmailAddress,
    pub role: Role,
    pub provenance: Provenance,
    /// The group whose expansion gave this address: searchable, but no owner by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expanded_from: Option<EmailAddress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarded_from: Option<EmailAddress>,
}

/// What kind of mail it is, for filters and icons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailKind {
    /// A meeting request, answer or cancellation (text/calendar).
    Calendar,
    /// S/MIME or PGP or rights-protected: the text is not readable here.
    Encrypted,
    Mail,
    /// A delivery status notification (multipart/report).
    Report,
}

/// One attachment as the mail names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Decoded file name; empty when the mail gives none.
    pub name: String,
    /// Lower-case MIME type such as `application/pdf`.
    pub media_type: String,
    /// Size in bytes after decoding.
    pub size_bytes: u64,
    /// Shown within the text (Content-ID or inline disposition), not as an attachment.
    pub inline: bool,
}

/// What the list of results shows of a mail; derived from its octets, never evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The Message-ID without angle brackets: a claim, not a key.
    pub message_id: Option<String>,
    pub subject: String,
    pub from: Option<Mailbox>,
    /// The first ten of To for display; all participants stand in the record.
    pub to: Vec<Mailbox>,
    /// The Date header; `None` when absent or unreadable.
    pub sent_at: Option<Timestamp>,
    pub size_bytes: u64,
    /// Attachments that are not inline.
    pub attachments: u32,
    pub kind: MailKind,
    /// In-Reply-To and References without angle brackets, oldest first, at most 100.
    pub references: Vec<String>,
}

/// Facts of one journal report (or further delivery) about a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportFacts {
    pub content: ContentId,
    pub size_bytes: u64,
    /// The report as read; `None` when it is damaged.
    pub report: Option<JournalReport>,
}

/// What is archived beside the octets and never changes: stored in the vault with them, hashed
/// as part of the evidence, enough to rebuild the catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordFacts {
    /// The format of this structure; 1.
    pub format: u16,
    pub record: RecordId,
    /// The mail itself: the inner octets of a report, or the submission.
    pub content: ContentId,
    pub size_bytes: u64,
    /// The decrypted copy that came beside a rights-protected mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decrypted: Option<ContentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<ReportFacts>,
    pub shape: Shape,
    pub received_at: Timestamp,
    pub source: Source,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<Envelope>,
    pub participants: Vec<Participant>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
}

/// Where an entry lies in a tenant's packs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Location {
    /// The pack's number, from 1.
    pub pack: u32,
    /// The entry's place in the pack and its slot in the key table, from 0.
    pub slot: u32,
    /// Where the entry's header began when it was written, in bytes from the start of the pack;
    /// compaction does not change it.
    pub offset: u64,
    /// Header and body together, in bytes.
    pub length_bytes: u64,
}
