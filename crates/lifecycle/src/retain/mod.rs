//! How long mail is kept, and its end: classifying, previews, disposal runs.

mod certificate;
mod classify;
mod execute;
mod propose;
mod recover;
mod survey;
mod work;

use std::sync::Arc;

use catalog::Catalog;
use index::SearchIndex;
use ledger::Ledger;
use model::{Clock, RecordId, TenantId};
use store::Vault;

pub use certificate::{Certificate, certificate};
pub use classify::Classifier;
pub use execute::{execute, finish_erasures};
pub use propose::{
    ERASURE_RECORDS_MAX, NewErasure, NewRun, begin_run, complete_proposal, decide, propose_erasure,
};
pub use recover::Doomed;
pub use survey::{ClassFigures, MonthFigures, Preview, Survey, preview, survey};
pub use work::work;

/// The places where the crash suite ends the process; those of store, catalog, ledger and index
/// stand in their crates.
pub const DISPOSAL_CRASH_POINTS: &[&str] = &[
    "lifecycle.dispose.catalog",
    "lifecycle.dispose.noted",
    "lifecycle.dispose.erased",
    "lifecycle.dispose.index",
    "lifecycle.dispose.settled",
];

/// Mails that are classified at once.
pub(crate) const CLASSIFIED_AT_ONCE: u32 = 1_000;

/// Is told which mails are gone, so that nothing of them stays in memory.
pub type Forget = Arc<dyn Fn(TenantId, &[RecordId]) + Send + Sync>;

/// What retention works with.
#[derive(Clone)]
pub struct RetentionParts {
    pub vault: Arc<Vault>,
    pub catalog: Arc<dyn Catalog>,
    pub index: Arc<dyn SearchIndex>,
    pub ledger: Arc<Ledger>,
    pub clock: Arc<dyn Clock>,
    pub forget: Forget,
}
