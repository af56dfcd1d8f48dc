use model::{Location, TenantId, Timestamp};

use crate::CatalogError;

/// One event of a tenant's ledger, as a batch seals it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEvent {
    pub seq: u64,
    /// `archived` or `merged`.
    pub kind: String,
    pub at: Timestamp,
    /// The entry whose facts the event is about; `None` when the catalog has lost it.
    pub location: Option<Location>,
}

/// A span of the ledger that is sealed; the seal itself is a note in the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedBatchRow {
    /// From 1, without gaps.
    pub number: u64,
    pub first_seq: u64,
    pub last_seq: u64,
    pub sealed_at: Timestamp,
    /// When an authority stamped it; `None`: it has a local seal only.
    pub stamped_at: Option<Timestamp>,
    /// When the first certificate of its last stamp ends: a renewal is due before.
    pub valid_until: Option<Timestamp>,
    pub location: Location,
}

/// What is to be sealed, and what is.
pub trait Ledger: Send + Sync {
    /// Up to `limit` events after `after_seq`, without gaps.
    fn ledger_events(
        &self,
        tenant: TenantId,
        after_seq: u64,
        limit: u32,
    ) -> Result<Vec<LedgerEvent>, CatalogError>;

    /// Writes down a batch, or what has become of it (stamped later, renewed). Durable on return,
    /// may be repeated.
    fn save_sealed_batch(
        &self,
        tenant: TenantId,
        batch: &SealedBatchRow,
    ) -> Result<(), CatalogError>;

    /// Up to `limit` batches after `after_number`, in order.
    fn sealed_batches(
        &self,
        tenant: TenantId,
        after_number: u64,
        limit: u32,
    ) -> Result<Vec<SealedBatchRow>, CatalogError>;

    /// The batch that holds an event; with `u64::MAX` the last batch.
    fn sealed_batch_of(
        &self,
        tenant: TenantId,
        seq: u64,
    ) -> Result<Option<SealedBatchRow>, CatalogError>;
}
