//! The line from the spool to the index: workers and back-pressure.
//!
//! [`archive`](crate::archive) shows the way of a batch on one screen.

mod archive;
mod compose;
mod document;
mod error;
mod heartbeat;
mod indexing;
mod judge;
mod places;
mod progress;
mod quarantine;
mod read_back;
mod reload;
mod understand;
mod workers;

use std::sync::Arc;

use catalog::Catalog;
use index::SearchIndex;
use model::{Clock, EmailAddress, Shape, Source, TenantId, Timestamp};
use spool::Spool;
use store::Vault;

pub use document::{Known, document, list_date};
pub use error::{Error, Result};
pub use heartbeat::{Heartbeat, Pause, Paused};
pub use indexing::{IndexFigures, Indexer};
pub use places::{JournalAddress, OwnDomain, Places, TenantInfo, write_info};
pub use progress::Progress;
pub use quarantine::{Bulk, BulkDone, Decision, QuarantineDesk};
pub use reload::Reload;
pub use understand::{Held, HeldFacts, view};
pub use workers::Pipeline;

/// The durable steps of this crate for the crash suite; those of spool, store, catalog and index
/// stand in their crates.
pub const CRASH_POINTS: &[&str] = &["pipeline.catalog.before", "pipeline.settle.before"];

/// What the line works with.
#[derive(Clone)]
pub struct LineParts {
    pub spool: Spool,
    pub vault: Arc<Vault>,
    pub catalog: Arc<dyn Catalog>,
    pub index: Arc<dyn SearchIndex>,
    pub clock: Arc<dyn Clock>,
    pub watcher: Arc<dyn Watcher>,
}

/// How much one batch takes.
#[derive(Clone, Copy, Debug)]
pub struct LineSettings {
    pub batch_mails_max: usize,
    /// Octets of mail; one larger mail makes a batch of its own.
    pub batch_bytes_max: u64,
}

impl Default for LineSettings {
    fn default() -> Self {
        Self { batch_mails_max: 512, batch_bytes_max: 32 << 20 }
    }
}

/// What became of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettledAs {
    Known,
    Merged,
    New,
    /// Not kept: none of its accounts is selected for the archive.
    NotSelected,
    /// With the reason's code.
    Quarantined(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    pub tenant: TenantId,
    pub received_at: Timestamp,
    pub shape: Shape,
    /// The sender in the SMTP dialogue, if there was one.
    pub reverse_path: Option<EmailAddress>,
    pub source: Source,
    pub size_bytes: u64,
    pub outcome: SettledAs,
}

/// Is told what became of submissions; called on the archiving thread, so it must be quick.
pub trait Watcher: Send + Sync {
    fn settled(&self, all: &[Settled]);
}

/// For who does not want to know.
impl Watcher for () {
    fn settled(&self, _: &[Settled]) {}
}

impl LineParts {
    /// Makes the tenant's place in the vault, with what a rebuild must know of the tenant.
    pub(crate) fn ensure_tenant(&self, tenant: TenantId) -> Result<()> {
        places::ensure_tenant(&self.vault, &*self.catalog, tenant)
    }

    pub(crate) fn reload(&self) -> Reload {
        Reload::new(Arc::clone(&self.vault), Arc::clone(&self.catalog))
    }
}

#[cfg(test)]
mod tests;
