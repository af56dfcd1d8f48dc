use std::collections::BTreeMap;
use std::path::Path;

use model::{SourceId, TenantId, Timestamp};

use crate::CatalogError;

/// Something that is wrong and that people are told of, until it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionRow {
    /// Such as `disk-low`.
    pub code: String,
    /// `None`: the whole server.
    pub tenant: Option<TenantId>,
    /// What exactly, such as a source's id; may be empty.
    pub object: String,
    /// How bad; people are told again when it grows.
    pub level: u32,
    pub since: Timestamp,
    /// Whether its mails were written.
    pub told: bool,
    /// Figures for the text.
    pub facts: BTreeMap<String, String>,
}

/// A mail to be sent through the smarthost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub recipient: String,
    pub subject: String,
    pub body: String,
}

/// A notice that waits, with what happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeRow {
    pub row: u64,
    pub notice: Notice,
    pub created_at: Timestamp,
    pub attempts: u32,
    /// What the smarthost said last.
    pub error: Option<String>,
}

/// What a source has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sighting {
    /// A journal report.
    Report,
    /// The mail of Exchange's connector validation.
    Validation,
}

/// How many audit events this process wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditFigures {
    pub written: u64,
    /// Calls that failed: their events are missing.
    pub failures: u64,
    pub sign_ins_done: u64,
    /// Refused for what was typed.
    pub sign_ins_failed: u64,
    /// Refused for who it was.
    pub sign_ins_denied: u64,
}

/// What the running server remembers of itself.
pub trait Operations: Send + Sync {
    fn conditions(&self) -> Result<Vec<ConditionRow>, CatalogError>;

    /// Adds or replaces the condition of this code, tenant and object, and queues `notices`, in
    /// one transaction: nobody is told twice, nobody is forgotten.
    fn put_condition(
        &self,
        condition: &ConditionRow,
        notices: &[Notice],
        now: Timestamp,
    ) -> Result<(), CatalogError>;

    /// Ends a condition and queues `notices`, in one transaction.
    fn end_condition(
        &self,
        condition: &ConditionRow,
        notices: &[Notice],
        now: Timestamp,
    ) -> Result<(), CatalogError>;

    /// Queues notices; durable on return.
    fn enqueue_notices(&self, notices: &[Notice], now: Timestamp) -> Result<(), CatalogError>;

    /// Notices whose time has come, oldest first, at most `limit`.
    fn due_notices(&self, now: Timestamp, limit: u32) -> Result<Vec<NoticeRow>, CatalogError>;

    /// How many wait, and the error of the oldest.
    fn waiting_notices(&self) -> Result<(u64, Option<String>), CatalogError>;

    /// Removes a notice: it was sent, or is given up.
    fn remove_notice(&self, row: u64) -> Result<(), CatalogError>;

    /// Notes a failure; the notice is due again at `next_at`.
    fn defer_notice(&self, row: u64, error: &str, next_at: Timestamp) -> Result<(), CatalogError>;

    /// Notes that the source brought something at this time.
    fn sight(
        &self,
        source: SourceId,
        sighting: Sighting,
        at: Timestamp,
    ) -> Result<(), CatalogError>;

    /// When the source last brought this.
    fn sighted(
        &self,
        source: SourceId,
        sighting: Sighting,
    ) -> Result<Option<Timestamp>, CatalogError>;

    fn audit_figures(&self) -> AuditFigures;

    /// Holds the database as it is now, at once and without copying; writers go on. The log of the
    /// database grows while the snapshot lives.
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, CatalogError>;
}

/// The database as it was at one moment.
pub trait Snapshot: Send {
    /// Writes it to `target`, which must not exist yet. Durable on return.
    fn write_to(self: Box<Self>, target: &Path) -> Result<(), CatalogError>;
}
