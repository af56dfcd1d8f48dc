use model::{
    ContentId, Digest, Envelope, JournalVariant, Location, MailKind, Mailbox, Mark, Participant,
    RecordId, Shape, Source, Timestamp,
};

/// At most so many versions of a mail are linked: a Message-ID is a claim of the sender.
pub const VERSIONS_MAX: u32 = 100;

/// What a list of results shows of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRow {
    pub row: u64,
    pub record: RecordId,
    pub subject: String,
    pub from: Option<Mailbox>,
    /// The first ten of To.
    pub to: Vec<Mailbox>,
    /// What lists are sorted by.
    pub date: Timestamp,
    pub received_at: Timestamp,
    pub size_bytes: u64,
    pub attachments: u32,
    pub kind: MailKind,
    pub marks: Vec<Mark>,
    pub shape: Shape,
    /// Other visible mails with the same Message-ID, at most [`VERSIONS_MAX`].
    pub versions: u32,
}

/// A record as the pipeline and verification need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// `versions` is 0: they are counted for people only.
    pub list: ListRow,
    pub content: ContentId,
    pub decrypted: Option<ContentId>,
    pub message_id: Option<String>,
    pub sent_at: Option<Timestamp>,
    /// The entry that holds the mail.
    pub location: Location,
    /// In the order in which they became known.
    pub participants: Vec<ParticipantRow>,
    /// In the order of arrival; the first one brought the mail.
    pub deliveries: Vec<Delivery>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParticipantRow {
    pub participant: Participant,
    /// The row of the first delivery that named the participant so.
    pub delivery: u64,
}

/// One submission that was archived for a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub row: u64,
    /// The ledger event's number.
    pub seq: u64,
    pub received_at: Timestamp,
    pub shape: Shape,
    /// The journal report, byte for byte in the vault; `None` for a plain copy.
    pub report: Option<ReportRow>,
    pub source: Source,
    pub envelope: Option<Envelope>,
    /// The entry that was written for this submission.
    pub location: Location,
    pub facts_digest: Digest,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRow {
    pub content: ContentId,
    pub size_bytes: u64,
    /// `None` when the report is damaged.
    pub variant: Option<JournalVariant>,
    pub originator_org: Option<String>,
}

/// A record as a person with the right to see it gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordDetail {
    pub stored: StoredRecord,
    /// Other visible mails with the same Message-ID, oldest first, at most [`VERSIONS_MAX`].
    pub versions: Vec<Version>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    pub record: RecordId,
    pub received_at: Timestamp,
    pub size_bytes: u64,
}

/// What happened after a ledger event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    pub records: Vec<StoredRecord>,
    /// The last event that was looked at: the `after_seq` of the next call. Equal to the given
    /// `after_seq` when there is nothing more.
    pub through_seq: u64,
}
