//! The ledger sealed: events become leaves of batches, batches are time-stamped or sealed under the
//! archive's own key and kept as notes in the vault; each archived mail gets its evidence record
//! from them, and an export carries it all to an auditor.
//!
//! What a batch is and what an export looks like: `docs/evidence.md`. Network and clock stay with
//! the caller: an [`Authority`] asks, times and random numbers are passed in.

mod error;
mod event;
mod export;
mod note;
mod octets;
mod seal;

use std::sync::Arc;

use catalog::Catalog;
use evidence::ledger::Batch;
use evidence::{
    ArchiveTimeStamp, DataObjects, EvidenceRecord, HashTree, Limits, reduced_hash_tree,
};
use model::TenantId;
use store::Vault;

pub use error::{LedgerError, Result};
pub use event::{EVENT_CRASH_POINTS, recover_event};
pub use export::Export;
pub use note::{Seal, SealedBatch, recover_note};
pub use octets::DeliveryOctets;
pub use seal::{Authority, How, LEAVES_MAX, Sealed};

/// Seals and proves over one vault and catalog. Calls for one tenant must not overlap.
pub struct Ledger {
    vault: Arc<Vault>,
    catalog: Arc<dyn Catalog>,
    limits: Limits,
}

impl Ledger {
    pub fn new(vault: Arc<Vault>, catalog: Arc<dyn Catalog>) -> Self {
        Self { vault, catalog, limits: Limits::default() }
    }

    /// What proves the events of the batch that holds `seq`; `None` while it is not sealed.
    ///
    /// # Errors
    /// Of catalog and vault; when the note in the vault is not the batch that the catalog says.
    pub fn proofs_of(&self, tenant: TenantId, seq: u64) -> Result<Option<Proofs>> {
        let Some(row) = self.catalog.sealed_batch_of(tenant, seq)? else { return Ok(None) };
        let sealed = self.read_note(tenant, &row)?;
        let tree = sealed.batch.tree()?;
        Ok(Some(Proofs { sealed, tree }))
    }
}

/// A sealed batch with its hash tree: proofs of its events without hashing it again.
pub struct Proofs {
    sealed: SealedBatch,
    tree: HashTree,
}

impl Proofs {
    pub fn sealed(&self) -> &SealedBatch {
        &self.sealed
    }

    /// The evidence record of one event's data object group (`objects`); `None` for a batch that has
    /// only a local seal.
    ///
    /// # Errors
    /// When the batch has no such event or lists another group for it.
    pub fn evidence(&self, seq: u64, objects: &DataObjects<'_>) -> Result<Option<EvidenceRecord>> {
        let batch: &Batch = &self.sealed.batch;
        let (place, leaf) =
            batch.leaf(seq).ok_or(LedgerError::NotInBatch { seq, batch: batch.number })?;
        let members = objects.hashes(batch.algorithm);
        if evidence::group_hash(batch.algorithm, &members)? != leaf.digest {
            return Err(LedgerError::AnotherGroup { seq, batch: batch.number });
        }
        let Seal::Stamped(of_file) = &self.sealed.seal else { return Ok(None) };
        let lists = reduced_hash_tree(&members, &self.tree.siblings(place + 1));
        Ok(Some(of_file.for_leaf(|token| ArchiveTimeStamp::new(batch.algorithm, lists, token))?))
    }
}
