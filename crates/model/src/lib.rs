//! The nouns of Chancery: no I/O, no clock, no randomness.
//!
//! Every other crate speaks in these types. A value that exists has been checked where it came in.

mod address;
mod digest;
mod document;
mod envelope;
mod id;
mod journal;
mod record;
mod time;

pub use address::{EmailAddress, Mailbox};
pub use digest::{ContentId, Digest, DigestWriter, ParseDigestError};
pub use document::IndexDocument;
pub use envelope::{Envelope, Fetched, HeaderRule, HeaderRules, Source, Submission};
pub use id::{
    AccessRequestId, AccountId, ApiTokenId, DirectoryId, DisposalRunId, GrantId, GroupId, HoldId,
    JobId, MatterId, ParseIdError, ProviderId, QuarantineId, RecordId, SourceId, SurveyId,
    TenantId,
};
pub use journal::{JournalRecipient, JournalReport, JournalVariant, RecipientField};
pub use record::{
    Attachment, Location, MailKind, Mark, Participant, Provenance, RecordFacts, ReportFacts, Role,
    Shape, Summary,
};
pub use time::{Clock, ParseTimestampError, Timestamp};

#[cfg(test)]
mod tests;
