//! What is done with a whole archive: making its views anew, reading all of it again.

mod compact;
mod completeness;
mod export;
mod jobs;
mod people;
mod rebuild;
mod remove;
pub mod retain;
mod scrub;
mod verify;

pub use compact::{
    CompactionFinding, CompactionRules, CompactionRun, CompactionState, CompactionWish, Compactor,
    Reclaimable, compaction_state, compaction_wish, reclaimable, want_compaction,
};
pub use completeness::{
    CompletenessReport, Quarantined, SinceBeginning, completeness, make_report, month_before,
    month_span,
};
pub use export::{Exported, export};
pub use jobs::{JobDesk, NewJob, RUNNING_MAX};
pub use rebuild::{Rebuilt, rebuild};
pub use remove::{CRASH_POINTS, RemovalParts, begin_removal, complete_removal, resume_removals};
pub use scrub::{OpenCopy, Scrub, ScrubFinding, ScrubbedPack, VaultCopy};
pub use verify::{Finding, Verified, verify, verify_archive};

/// Why a chore ended early. Findings of a verification are no errors.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The index has not seen all of it yet; it is tried again.
    #[error("the index has not seen all of this mail yet")]
    Behind,
    #[error("as many jobs run as may run; wait for one to end")]
    Busy,
    /// What was not readable is not destroyed.
    #[error("{0}")]
    Damaged(String),
    #[error("cannot write {}", path.display())]
    Export { path: std::path::PathBuf, source: std::io::Error },
    #[error("catalog")]
    Catalog(#[from] catalog::CatalogError),
    #[error("a legal hold is on it")]
    Held,
    #[error("index")]
    Index(#[from] index::Error),
    #[error("the result is not written")]
    Json(#[source] serde_json::Error),
    #[error("ledger")]
    Ledger(#[from] ledger::LedgerError),
    #[error("no version of retention policies is in force")]
    NoPolicies,
    #[error("a reason is needed, and a reference for an erasure")]
    NoReason,
    #[error("the proposal does not wait for a decision")]
    NotProposed,
    #[error("another person must approve this")]
    OwnProposal,
    #[error(transparent)]
    Policies(policy::retain::SetError),
    #[error("pipeline")]
    Pipeline(#[from] pipeline::Error),
    #[error("vault")]
    Store(#[from] store::StoreError),
    /// The catalog's log holds what was removed as long as somebody reads an older state; it is
    /// tried again.
    #[error("somebody still reads an older state of the catalog")]
    Reading,
    #[error("the system gives no thread")]
    Thread(#[source] std::io::Error),
    #[error("not all of these mails are in the archive")]
    UnknownRecord,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;
