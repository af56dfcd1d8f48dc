//! The ledger sealed: events become leaves of batches, batches are time-stamped or sealed under the
//! archive's own key and kept as notes in the vault; each archived mail gets its evidence record
//! from them, and an export carries it all to an auditor.
//!
//! What a batch is and what an export looks like: `docs/evidence.md`. Network and clock stay with
//! the caller: an [`Authority`] asks, times and random numbers are passed in.

mod check;
mod error;
mod event;
mod export;
mod note;
mod octets;
mod renew;
mod seal;
mod standing;

use std::sync::Arc;

use catalog::Catalog;
use evidence::ledger::Batch;
use evidence::trusted_list::TrustedList;
use evidence::{BatchTrees, DataObjects, EvidenceRecord, HashAlgorithm, Limits};
use model::TenantId;
use store::Vault;

pub use check::CheckedLedger;
pub use error::{LedgerError, Result};
pub use event::{EVENT_CRASH_POINTS, recover_event};
pub use export::Export;
pub use note::{Seal, SealedBatch, SealedNumbers, recover_note};
pub use octets::{DeliveryOctets, Salvaged};
pub use renew::{RENEWAL_CRASH_POINTS, RENEWED_MAX, Renewed};
pub use seal::{Asked, Authority, How, LEAVES_MAX, SEAL_CRASH_POINTS, Sealed};
pub use standing::{QualifiedStanding, StampStanding, Standing};

/// Seals and proves over one vault and catalog. Calls for one tenant must not overlap.
pub struct Ledger {
    vault: Arc<Vault>,
    catalog: Arc<dyn Catalog>,
    limits: Limits,
    algorithm: HashAlgorithm,
    trusted: Arc<[TrustedList]>,
}

impl Ledger {
    /// Seals under SHA-256, which the vault knows of all octets.
    pub fn new(vault: Arc<Vault>, catalog: Arc<dyn Catalog>) -> Self {
        let (limits, algorithm) = (Limits::default(), HashAlgorithm::Sha256);
        Self { vault, catalog, limits, algorithm, trusted: Arc::new([]) }
    }

    /// Says by these lists which stamps are qualified.
    #[must_use]
    pub fn trusting(mut self, lists: Vec<TrustedList>) -> Self {
        self.trusted = lists.into();
        self
    }

    /// Seals new batches under another hash algorithm: all octets are read again for it.
    #[must_use]
    pub fn under(mut self, algorithm: HashAlgorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// What proves the events of the batch that holds `seq`; `None` while it is not sealed.
    ///
    /// # Errors
    /// Of catalog and vault; when the note in the vault is not the batch that the catalog says.
    pub fn proofs_of(&self, tenant: TenantId, seq: u64) -> Result<Option<Proofs>> {
        let Some(row) = self.catalog.sealed_batch_of(tenant, seq)? else { return Ok(None) };
        Proofs::of(self.read_note(tenant, &row)?, &self.limits).map(Some)
    }
}

/// A sealed batch with its hash trees: proofs of its events without hashing it again.
pub struct Proofs {
    sealed: SealedBatch,
    /// One for each evidence record; none for a local seal.
    trees: Vec<BatchTrees>,
    limits: Limits,
}

impl Proofs {
    pub(crate) fn of(sealed: SealedBatch, limits: &Limits) -> Result<Self> {
        let mut trees = Vec::new();
        for strand in sealed.strands() {
            let leaves = sealed.batch.tree_leaves(&sealed.file);
            trees.push(BatchTrees::build(&strand.record, leaves, &strand.trees, limits)?);
        }
        Ok(Self { sealed, trees, limits: *limits })
    }

    pub fn sealed(&self) -> &SealedBatch {
        &self.sealed
    }

    /// The evidence records of one event's data object group (`objects`), one for each authority that
    /// stamped the batch; none for a batch that has only a local seal. After a hash-tree renewal the
    /// objects are hashed again, once for each.
    ///
    /// # Errors
    /// When the batch has no such event or lists another group for it; of an event whose octets
    /// could not be read at a hash-tree renewal.
    pub fn evidence(&self, seq: u64, objects: &DataObjects<'_>) -> Result<Vec<EvidenceRecord>> {
        let batch: &Batch = &self.sealed.batch;
        let (place, leaf) =
            batch.leaf(seq).ok_or(LedgerError::NotInBatch { seq, batch: batch.number })?;
        if evidence::group_hash(batch.algorithm, &objects.hashes(batch.algorithm))? != leaf.digest {
            return Err(LedgerError::AnotherGroup { seq, batch: batch.number });
        }
        let strands = self.sealed.strands().iter().zip(&self.trees);
        let records = strands.map(|(strand, trees)| {
            strand.record.for_objects(objects, &trees.places(place + 1), &self.limits)
        });
        Ok(records.collect::<Result<_, _>>()?)
    }
}
