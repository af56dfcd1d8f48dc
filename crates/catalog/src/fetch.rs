use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use model::{EmailAddress, SourceId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{AuditEvent, CatalogError, FetchConfig, FetchSecrets, RunTrigger, SourceRow, UidSpans};

/// A tenant has at most so many sources that are fetched.
pub const FETCH_SOURCES_MAX: usize = 2_000;

/// Runs of a source that are kept; older ones are forgotten.
pub const FETCH_RUNS_KEPT: u32 = 100;

/// Reports of completeness of a source that are kept.
pub const RECONCILIATIONS_KEPT: u32 = 100;

/// Missing mails that a report of completeness names; its counts are complete.
pub const MISSING_NAMED_MAX: usize = 1_000;

/// How a source is doing; written when it changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FetchState {
    /// Set by a person; the schedule leaves the source alone.
    pub paused: bool,
    /// Runs in a row that failed.
    pub failures: u32,
    pub failing_since: Option<Timestamp>,
    /// The code of the error's kind, such as `sign-in-refused`.
    pub error: Option<String>,
    /// What the server said, shortened; shown to administrators only.
    pub detail: String,
    /// Not before then.
    pub next_at: Option<Timestamp>,
    pub last_success_at: Option<Timestamp>,
    pub reconciled_at: Option<Timestamp>,
    /// Mails that stay on the server, as the last run that did something found it.
    pub left: u64,
    /// Of these, because they are damaged or break off.
    pub damaged: u64,
}

/// A source that is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchSource {
    /// Kind [`SourceKind::Fetch`](crate::SourceKind::Fetch): name, header rules, tenant.
    pub source: SourceRow,
    pub config: FetchConfig,
    pub secrets: FetchSecrets,
    pub state: FetchState,
}

impl FetchSource {
    /// Where a secret is sealed for; `which` is its name in [`FetchSecrets`].
    pub fn secret_place(id: SourceId, which: &str) -> String {
        format!("fetch {id} {which}")
    }
}

/// How far a folder is read. POP3 has none: see [`Fetches::fetch_uidls`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderState {
    pub folder: String,
    /// Another value: the numbers mean other mails.
    pub uid_validity: u32,
    /// What the archive has.
    pub done: UidSpans,
    /// Nothing changed in the folder since (RFC 7162).
    pub modseq: Option<u64>,
    /// The next number when it was read last.
    pub uid_next: Option<u32>,
}

/// Names a mail within a mailbox: its number, or what POP3 calls unique.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailKey {
    Uid(u32),
    Uidl(String),
}

impl fmt::Display for MailKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uid(uid) => write!(f, "{uid}"),
            Self::Uidl(uidl) => write!(f, "uidl {uidl}"),
        }
    }
}

impl FromStr for MailKey {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("uidl ") {
            Some(uidl) => Ok(Self::Uidl(uidl.to_owned())),
            None => text.parse().map(Self::Uid),
        }
    }
}

/// Why a mail is still on its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeftReason {
    /// Tried and failed; tried again at [`LeftMail::next_at`].
    Failed,
    /// Tried as often as it is tried.
    GivenUp,
    /// In the archive; its server would not remove it. Tried again at [`LeftMail::next_at`].
    NotRemoved,
    /// The tenant archives selected accounts only, and it concerns none.
    NotSelected,
    /// Larger than the source takes.
    TooLarge,
}

/// A mail that stays on its server, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftMail {
    /// Given by the catalog; 0 before.
    pub row: u64,
    /// As the server names it; empty where a source has one mailbox.
    pub mailbox: String,
    pub folder: String,
    pub uid_validity: u32,
    pub key: MailKey,
    /// 0: unknown.
    pub size_bytes: u64,
    pub reason: LeftReason,
    /// What happened, shortened.
    pub detail: String,
    pub tries: u32,
    pub first_at: Timestamp,
    /// `None`: not by itself.
    pub next_at: Option<Timestamp>,
}

/// What a run did, by mail: the first is the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FetchCounts {
    /// Mails on the server that the run had to decide about.
    pub seen: u64,
    pub archived: u64,
    /// The archive had exactly this.
    pub known: u64,
    /// The archive had the mail; recipients, a report or a folder were added.
    pub merged: u64,
    /// In the archive, for a person to decide whose it is.
    pub quarantined: u64,
    /// On the server still, as listed.
    pub left: u64,
    /// Tried again later.
    pub failed: u64,
}

impl FetchCounts {
    pub fn adds_up(&self) -> bool {
        self.settled() == self.seen
    }

    /// How many have an outcome.
    pub fn settled(&self) -> u64 {
        self.archived + self.known + self.merged + self.quarantined + self.left + self.failed
    }

    pub fn add(&mut self, other: &Self) {
        self.seen += other.seen;
        self.archived += other.archived;
        self.known += other.known;
        self.merged += other.merged;
        self.quarantined += other.quarantined;
        self.left += other.left;
        self.failed += other.failed;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FetchOutcome {
    Done,
    /// Ended by an error; what was read before counts.
    Failed,
    /// Ended by a person or the end of the server; goes on where it was.
    Stopped,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchRun {
    /// Grows with time; given by the catalog.
    pub row: u64,
    pub source: SourceId,
    pub begun_at: Timestamp,
    pub ended_at: Timestamp,
    pub trigger: RunTrigger,
    pub outcome: FetchOutcome,
    pub counts: FetchCounts,
    /// Octets that were read.
    pub bytes: u64,
    /// Mailboxes that could not be read, where there are many.
    pub mailboxes_failed: u32,
    /// The code of the error's kind.
    pub error: Option<String>,
    /// Why it failed; empty otherwise.
    pub detail: String,
}

/// What becomes durable together while a mailbox is read.
#[derive(Clone, Debug, Default)]
pub struct FetchProgress {
    pub folder: Option<FolderState>,
    /// What the archive has now, with sizes.
    pub uidls: Vec<(String, u64)>,
    /// Not on the server any more.
    pub uidls_gone: Vec<String>,
    /// New or changed; replaces the row of the same mailbox, folder and key.
    pub left: Vec<LeftMail>,
    /// Rows that are over.
    pub left_over: Vec<u64>,
}

/// A mail that the server had and the archive had not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MissingMail {
    pub mailbox: String,
    pub folder: String,
    pub key: MailKey,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    pub size_bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Timestamp>,
    /// `archived`, `merged`, `known`, `quarantined`, `left`, `failed`: what the fetch made of it.
    pub outcome: String,
}

/// A report of completeness. `listed` is `present` and `missing` together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciliation {
    /// Grows with time; given by the catalog.
    pub row: u64,
    pub source: SourceId,
    pub begun_at: Timestamp,
    pub ended_at: Timestamp,
    /// Who asked, such as `schedule`.
    pub by: String,
    /// Mails that the server lists.
    pub listed: u64,
    /// Of these, in the archive.
    pub present: u64,
    pub missing: u64,
    /// What the fetch of the missing ones made of them.
    pub counts: FetchCounts,
    /// The first [`MISSING_NAMED_MAX`].
    pub named: Vec<MissingMail>,
    /// Empty: it was complete.
    pub detail: String,
    /// The ledger event that states it.
    pub ledger_seq: Option<u64>,
}

/// What a server's list says of a mail, to be found in the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    pub mailbox: Option<EmailAddress>,
    pub folder: String,
    pub uid_validity: u32,
    pub key: MailKey,
    /// Without angle brackets.
    pub message_id: Option<String>,
    pub size_bytes: u64,
}

/// Sources that are fetched, how far they are read, and their runs.
pub trait Fetches: Send + Sync {
    /// Adds the source with its row in the list of sources. What [`FetchConfig::check`] refuses, more than [`FETCH_SOURCES_MAX`] and
    /// [`Conflict::Id`](crate::Conflict::Id) are refused.
    fn add_fetch_source(
        &self,
        source: &FetchSource,
        audit: &[AuditEvent],
    ) -> Result<(), CatalogError>;

    /// Replaces name, rules, configuration and secrets; the state stays.
    fn update_fetch_source(
        &self,
        source: &FetchSource,
        audit: &[AuditEvent],
    ) -> Result<(), CatalogError>;

    /// Removes it with all that is remembered of it; its mail stays. Whether there was one.
    fn remove_fetch_source(
        &self,
        tenant: TenantId,
        id: SourceId,
        audit: &[AuditEvent],
    ) -> Result<bool, CatalogError>;

    fn fetch_source(
        &self,
        tenant: TenantId,
        id: SourceId,
    ) -> Result<Option<FetchSource>, CatalogError>;

    /// Those of a tenant, or of all tenants in service; oldest first.
    fn fetch_sources(&self, tenant: Option<TenantId>) -> Result<Vec<FetchSource>, CatalogError>;

    /// Replaces the state; one that was removed meanwhile is not an error.
    fn put_fetch_state(&self, id: SourceId, state: &FetchState) -> Result<(), CatalogError>;

    /// How far the folders of a mailbox are read, by name.
    fn fetch_folders(&self, id: SourceId, mailbox: &str) -> Result<Vec<FolderState>, CatalogError>;

    /// What the archive has of a mailbox read by POP3, with sizes.
    fn fetch_uidls(
        &self,
        id: SourceId,
        mailbox: &str,
    ) -> Result<HashMap<String, u64>, CatalogError>;

    /// Writes progress of a mailbox: all of it or nothing, durable on return.
    fn put_fetch_progress(
        &self,
        id: SourceId,
        mailbox: &str,
        progress: &FetchProgress,
    ) -> Result<(), CatalogError>;

    /// Forgets how far everything is read and what was left: it is read again and known by content.
    fn reset_fetch(&self, id: SourceId, audit: &[AuditEvent]) -> Result<(), CatalogError>;

    /// Mails that were left, by row, at most `limit`; of one mailbox, or of all.
    fn left_mails(
        &self,
        id: SourceId,
        mailbox: Option<&str>,
        after_row: u64,
        limit: u32,
    ) -> Result<Vec<LeftMail>, CatalogError>;

    /// How many are left, and how many of these because they failed.
    fn count_left(&self, id: SourceId) -> Result<(u64, u64), CatalogError>;

    /// Makes all that are left due at once, those that were given up too.
    fn retry_left(&self, id: SourceId, audit: &[AuditEvent]) -> Result<u64, CatalogError>;

    /// Adds a run, and forgets those beyond the last [`FETCH_RUNS_KEPT`]. Returns it with its row.
    fn add_fetch_run(&self, run: FetchRun) -> Result<FetchRun, CatalogError>;

    /// Newest first, below the row `before`, at most `limit`.
    fn fetch_runs(
        &self,
        id: SourceId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<FetchRun>, CatalogError>;

    /// Adds a report of completeness. Returns it with its row.
    fn add_reconciliation(
        &self,
        report: Reconciliation,
        audit: &[AuditEvent],
    ) -> Result<Reconciliation, CatalogError>;

    /// Newest first, at most `limit`.
    fn reconciliations(
        &self,
        id: SourceId,
        limit: u32,
    ) -> Result<Vec<Reconciliation>, CatalogError>;

    /// Which of these the archive has: one whose delivery names source, folder and number; or whose
    /// Message-ID and size are those of a record.
    fn has_fetched(
        &self,
        tenant: TenantId,
        id: SourceId,
        claimed: &[Claimed],
    ) -> Result<Vec<bool>, CatalogError>;
}
