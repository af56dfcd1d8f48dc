//! The catalog: tenants, ways in, accounts, records, who may see them, the ledger's events.
//!
//! A view of the vault, but for tenants, accounts and settings, which exist only here. Everything
//! about mail can be rebuilt from packs and key tables with [`Records::commit`].
//!
//! All calls block on the disk; async callers use `spawn_blocking`. What a call wrote is durable
//! when it returns, or nothing of it happened.

mod account;
mod audit;
mod change;
mod directory;
mod disposal;
mod domain;
mod error;
mod evidence;
mod fetch;
mod fetch_config;
mod grant;
mod history;
mod job;
mod ledger;
mod mail_job;
mod matter;
mod operation;
mod people;
mod record;
mod removal;
mod retention;
mod secret;
mod sign_in;
mod sqlite;
mod stored;
mod tenant;
mod uid_spans;

use std::path::Path;
use std::sync::Arc;

pub use account::{
    Account, Accounts, Attempt, Handover, Session, ThrottleRule, USER_NAME_CHARS_MAX,
};
pub use audit::{
    AUDIT_SCANNED_MAX, AuditEvent, AuditLog, AuditOutcome, AuditPage, AuditQuery, AuditRow,
};
pub use change::{AuditedChange, AuditedChanges};
pub use directory::{
    AttributeMap, DIRECTORIES_MAX, Directories, Directory, DirectoryChanges, DirectoryConfig,
    DirectoryEntry, DirectoryKind, DirectoryLookup, DirectoryRun, DirectorySecurity,
    DirectoryState, GroupNesting, KnownAccount, KnownDirectory, KnownGroup, MappingEffect,
    MappingRule, Planner, RUN_PROBLEMS_MAX, RUNS_KEPT, RunCounts, RunOutcome, RunProblem,
    RunTrigger, SharedRule,
};
pub use disposal::{
    Certificates, DISPOSED_AT_ONCE, Disposal, DisposalDetail, DisposalItem, DisposalRun,
    DisposalShare, DisposalState, Disposals, Disposed, DisposedRow, Erasure, ITEMS_AT_ONCE,
    ItemState, LeftOut, NamedApproval, PartHolder, PartsUnknown,
};
pub use domain::{DOMAINS_MAX, DomainRow, Domains};
pub use error::{CatalogError, Conflict, ErrorKind};
pub use evidence::{
    CompletenessCounts, CompletenessRow, EvidenceBooks, SCRUB_FINDINGS_MAX, ScrubFindingRow,
    ScrubState,
};
pub use fetch::{
    Claimed, FETCH_RUNS_KEPT, FETCH_SOURCES_MAX, FetchCounts, FetchOutcome, FetchProgress,
    FetchRun, FetchSource, FetchState, Fetches, FolderState, LeftMail, LeftReason,
    MISSING_NAMED_MAX, MailKey, MissingMail, RECONCILIATIONS_KEPT, Reconciliation,
};
pub use fetch_config::{
    AfterFetch, AssertionKind, FETCH_MAILBOXES_MAX, FetchConfig, FetchMailbox, FetchMode,
    FetchOauth, FetchOrder, FetchProtocol, FetchSecrets, FetchSecurity, FetchSignIn, ServiceAccess,
};
pub use grant::{
    AccessRequest, Concerned, Decision, GrantFilter, GrantRow, Grantee, Grants, REASON_CHARS_MAX,
    REQUEST_MAILBOXES_MAX, RequestState,
};
pub use history::{
    HOURS_KEPT_DAYS, History, HistoryPoint, IMPORTS, MailboxFigures, Period, SourceFigures, Tally,
    TenantFigures, Totals,
};
pub use job::{JobRow, JobState, Jobs};
pub use ledger::{
    ForecastRow, KeptLeaf, LEDGER_FACTS_BYTES_MAX, Ledger, LedgerEvent, LedgerKind, LedgerNote,
    NewLedgerEvent, READINGS, SealedBatchRow, WaitingNote,
};
pub use mail_job::{
    MAIL_JOBS_KEPT, MailJobKind, MailJobRow, MailJobState, MailJobs, OPEN_MAIL_JOBS_MAX,
};
pub use matter::{
    CUSTODIANS_MAX, HoldFacts, HoldRelease, HoldRow, MATTER_HOLDS_MAX, MATTER_NAME_CHARS_MAX,
    MATTER_NOTES_CHARS_MAX, MATTERS_MAX, Matter, MatterNote, MatterScope, MatterState, Matters,
    Unexamined,
};
pub use operation::{
    AuditFigures, ConditionRow, Notice, NoticeRow, Operations, Sighting, Snapshot,
};
pub use people::{
    ACCOUNT_PAGE_ROWS_MAX, AccountChange, AccountFilter, AccountKind, AccountPage, AccountRow,
    GROUP_NAME_CHARS_MAX, GROUPS_MAX, Group, GroupRow, Origin, ParseAccountKindError, People,
};
pub use record::{
    Batch, Committed, Figures, Inserted, NewPart, NewQuarantine, NewRecord, NotSelected, Numbers,
    Outcome, PartUse, PartUser, QuarantineFilter, QuarantineList, QuarantineRow, QuarantineState,
    Records,
};
pub use removal::{Removal, RemovalFacts, Removals};
pub use retention::{
    By, ExclusionsRow, LABEL_CHARS_MAX, LABELLED_MAX, LabelChange, Labels, POLICY_SET_BYTES_MAX,
    POLICY_VERSIONS_MAX, PolicySetRow, RetainedMail, RetainedNeeds, Retention, SURVEYS_KEPT,
    SurveyRow, SuspensionEnd, SuspensionRow, TAGS_MAX,
};
pub use secret::{SecretBox, SecretError};
pub use sign_in::{
    API_TOKENS_MAX, ApiToken, ClaimOperator, ClaimSource, ClientAuthentication, Link, LinkBy,
    NAME_CHARS_MAX, PASSKEYS_MAX, PasskeyRow, Provider, ProviderKind, ProviderSettings, RoleRule,
    SecondFactors, SignInMethod, SignInPolicy, SignIns, TotpRow,
};
pub use stored::{
    Changes, Delivery, ListRow, ParticipantRow, RecordDetail, ReportRow, StoredRecord,
    VERSIONS_MAX, Version,
};
pub use tenant::{
    Quota, Routed, SourceKind, SourceRow, SourceState, Tenant, TenantSettings, TenantState, Tenants,
};
pub use uid_spans::{ParseUidSpansError, UidSpans};

/// Everything that an engine can do.
///
/// A `dyn Catalog` has the methods of all its parts; their traits need no import.
pub trait Catalog:
    Accounts
    + AuditLog
    + AuditedChanges
    + Directories
    + Disposals
    + Domains
    + EvidenceBooks
    + Fetches
    + Grants
    + History
    + Jobs
    + Ledger
    + MailJobs
    + Matters
    + Operations
    + People
    + Records
    + Removals
    + Retention
    + SignIns
    + Tenants
{
    /// Reads the whole database and lists what is damaged; an empty list is a sound database.
    /// Slow: seconds per gigabyte. Does not disturb writers.
    fn integrity_check(&self) -> Result<Vec<String>, CatalogError>;

    /// Writes a consistent copy of the running database to `target`, which must not exist yet.
    /// Durable on return.
    fn backup(&self, target: &Path) -> Result<(), CatalogError>;

    /// Copies tenants, sources, settings, accounts and the audit log of the catalog at `from` into
    /// this fresh one: what a rebuild cannot find in the vault. All or nothing.
    fn carry_over(&self, from: &Path) -> Result<(), CatalogError>;

    /// The bytes that the database takes on disk, log included.
    fn stored_bytes(&self) -> Result<u64, CatalogError>;
}

/// Opens the catalog at `url` and brings its schema up to date: `sqlite:<path of the file>`.
///
/// The file is created with its folder's permissions when missing; a newer schema, a damaged file
/// and an unknown engine are refused.
pub fn open(url: &str) -> Result<Arc<dyn Catalog>, CatalogError> {
    match url.split_once(':') {
        Some(("sqlite", path)) if !path.is_empty() => {
            Ok(Arc::new(sqlite::Sqlite::open(Path::new(path))?))
        }
        _ => Err(CatalogError::UnknownEngine { url: url.to_owned() }),
    }
}

/// The schema that this program writes.
pub const SCHEMA_VERSION: u32 = sqlite::SCHEMA_VERSION;

/// The places where the crash suite ends the process: around the commit of a batch.
pub const CRASH_POINTS: &[&str] = &["catalog.commit.before", "catalog.commit.after"];

/// Likewise: after events of the ledger were appended, before the vault has their notes.
pub const LEDGER_CRASH_POINTS: &[&str] = &["catalog.ledger.after"];

/// Likewise: around the end of an export or a restore.
pub const JOB_CRASH_POINTS: &[&str] = &["catalog.job.before", "catalog.job.after"];

#[cfg(test)]
mod conformance;
