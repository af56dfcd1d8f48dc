use std::fmt;

use model::{Digest, Location, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::CatalogError;

/// The most bytes that the note of one event may have, as JSON. Who has more to say writes several
/// events.
pub const LEDGER_FACTS_BYTES_MAX: usize = 1 << 20;

/// The actions of the audit log by which mail is read: each such event becomes a leaf.
pub const READINGS: &[&str] = &["mail.download", "mail.remote", "mail.search", "mail.view"];

/// What an event of the ledger is about, unless it is the arrival of a mail (`archived`, `merged`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LedgerKind {
    /// A record was given to further people, or taken from them.
    Assigned,
    /// A record was destroyed: the deletion certificate.
    Disposed,
    /// Mail left the archive as an export, or was given back.
    Export,
    HoldPlaced,
    HoldReleased,
    /// Somebody read what is not their own mail.
    Read,
    /// A completeness report, signed.
    Report,
    RetentionChanged,
    /// The scrub found damage, or repaired it.
    ScrubFinding,
}

impl LedgerKind {
    pub const ALL: &'static [Self] = &[
        Self::Assigned,
        Self::Disposed,
        Self::Export,
        Self::HoldPlaced,
        Self::HoldReleased,
        Self::Read,
        Self::Report,
        Self::RetentionChanged,
        Self::ScrubFinding,
    ];

    /// The stable name, such as `hold-placed`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Disposed => "disposed",
            Self::Export => "export",
            Self::HoldPlaced => "hold-placed",
            Self::HoldReleased => "hold-released",
            Self::Read => "read",
            Self::Report => "report",
            Self::RetentionChanged => "retention-changed",
            Self::ScrubFinding => "scrub-finding",
        }
    }
}

impl fmt::Display for LedgerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is to become an event of the ledger.
#[derive(Clone, Debug)]
pub struct NewLedgerEvent {
    pub kind: LedgerKind,
    pub at: Timestamp,
    /// Who, what, why: whatever the proof needs, with ids and digests. It cannot be erased one by
    /// one, so no content of mails, no subjects, no words that were searched for. At most
    /// [`LEDGER_FACTS_BYTES_MAX`] as JSON, together with `kept`.
    pub facts: serde_json::Value,
    /// For [`LedgerKind::Disposed`]: what must be known of the deliveries whose entries will be
    /// erased (`ledger::Ledger::kept_leaves`); else empty.
    pub kept: Vec<KeptLeaf>,
}

impl NewLedgerEvent {
    pub fn new(kind: LedgerKind, at: Timestamp, facts: serde_json::Value) -> Self {
        Self { kind, at, facts, kept: Vec::new() }
    }
}

/// What remains of the event of a mail whose entry was erased: the proofs of its neighbours need
/// the leaf, a rebuild needs the number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeptLeaf {
    pub seq: u64,
    /// `archived` or `merged`.
    pub kind: String,
    pub at: Timestamp,
    /// SHA-256 of the facts as the vault held them.
    pub facts: Digest,
    /// The hash of the data object group.
    pub leaf: Digest,
}

/// An event as the vault keeps it, in JSON: the one data object of its leaf.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LedgerNote {
    pub label: String,
    pub version: u32,
    pub tenant: TenantId,
    pub seq: u64,
    pub kind: LedgerKind,
    pub at: Timestamp,
    pub facts: serde_json::Value,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<KeptLeaf>,
}

impl LedgerNote {
    const LABEL: &str = "chancery ledger event";
    const VERSION: u32 = 1;

    pub(crate) fn new(tenant: TenantId, seq: u64, event: &NewLedgerEvent) -> Self {
        let NewLedgerEvent { kind, at, facts, kept } = event.clone();
        let label = Self::LABEL.to_owned();
        Self { label, version: Self::VERSION, tenant, seq, kind, at, facts, kept }
    }

    /// `None` for the octets of anything else.
    pub fn parse(octets: &[u8]) -> Option<Self> {
        let note: Self = serde_json::from_slice(octets).ok()?;
        (note.label == Self::LABEL && note.version == Self::VERSION).then_some(note)
    }
}

/// An event that the vault does not have yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingNote {
    pub seq: u64,
    pub note: Vec<u8>,
}

/// One event of a tenant's ledger, as a batch seals it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEvent {
    pub seq: u64,
    /// `archived`, `merged`, or one of [`LedgerKind`].
    pub kind: String,
    pub at: Timestamp,
    /// Of the facts, or of the note.
    pub digest: Digest,
    /// Whether it is about the arrival of a mail.
    pub mail: bool,
    /// The entry whose facts the event is about, or its note; `None` while the note waits for the
    /// vault, and when the entry was erased or lost.
    pub location: Option<Location>,
    /// The leaf of a mail whose entry was erased.
    pub kept: Option<Digest>,
    /// The vault does not have its note yet.
    pub waiting: bool,
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
    /// The hash algorithm of its last hash trees, such as `sha256`.
    pub digest: String,
    /// The last renewal.
    pub renewed_at: Option<Timestamp>,
    /// The note of the last renewal: what counts in place of the stamp in `location`.
    pub proof: Option<Location>,
}

/// Stamped batches that end on the same day (UTC) and have the same hash algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForecastRow {
    /// The first end of that day.
    pub valid_until: Timestamp,
    pub digest: String,
    pub batches: u64,
    pub events: u64,
}

/// What is to be sealed, and what is.
pub trait Ledger: Send + Sync {
    /// Appends events to a tenant's ledger, in their order and in one transaction, and returns
    /// their numbers. Each becomes a leaf of the next batch.
    ///
    /// Durable in the catalog on return; the vault, from which a rebuild reads, gets the notes within
    /// seconds, and always before they are sealed. Who must not go on before (because something is
    /// about to be erased) calls `ledger::Ledger::flush` next. Not idempotent: a caller that may be
    /// interrupted writes down in its own rows that it appended.
    ///
    /// To append in the same transaction as own rows of the SQLite engine: `ledger::append` there.
    ///
    /// # Errors
    /// `Invalid` when an event is longer than [`LEDGER_FACTS_BYTES_MAX`]; then nothing is written.
    fn append_ledger(
        &self,
        tenant: TenantId,
        events: &[NewLedgerEvent],
    ) -> Result<Vec<u64>, CatalogError>;

    /// The tenants that have such events.
    fn waiting_tenants(&self) -> Result<Vec<TenantId>, CatalogError>;

    /// Up to `limit` events whose notes the vault does not have, in order.
    fn waiting_notes(&self, tenant: TenantId, limit: u32)
    -> Result<Vec<WaitingNote>, CatalogError>;

    /// Writes down where the vault has the notes of these events. May be repeated.
    fn settle_notes(
        &self,
        tenant: TenantId,
        places: &[(u64, Location)],
    ) -> Result<(), CatalogError>;

    /// For a rebuild, before any mail is committed: writes an event that the vault holds under its own number,
    /// and those of the mails that it says were erased. May be repeated.
    fn recover_event(
        &self,
        note: &LedgerNote,
        digest: Digest,
        location: Location,
    ) -> Result<(), CatalogError>;

    /// For a rebuild, after the last mail: the next event comes after all that were recovered.
    fn complete_ledger(&self, tenant: TenantId) -> Result<(), CatalogError>;

    /// Up to `limit` events after `after_seq`, without gaps.
    fn ledger_events(
        &self,
        tenant: TenantId,
        after_seq: u64,
        limit: u32,
    ) -> Result<Vec<LedgerEvent>, CatalogError>;

    /// Looks at up to `limit` events of the audit log that were not looked at, turns those that tell of readings
    /// into events of the ledger, each once, and returns whether there may be more. Durable on return.
    ///
    /// A reading is an audit event whose action is one of [`READINGS`], whatever its outcome. The
    /// facts name account, action and object, and the digest of the audit event: not what was
    /// searched for.
    fn append_readings(&self, tenant: TenantId, limit: u32) -> Result<bool, CatalogError>;

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

    /// Up to `limit` stamped batches after `after_number` that a renewal is due for, in order: those that hold
    /// until less than `before`, and those whose hash algorithm is one of `digests`.
    fn batches_due(
        &self,
        tenant: TenantId,
        after_number: u64,
        before: Timestamp,
        digests: &[&str],
        limit: u32,
    ) -> Result<Vec<SealedBatchRow>, CatalogError>;

    /// What ends when, of all stamped batches; ordered by the end.
    fn forecast(&self, tenant: TenantId) -> Result<Vec<ForecastRow>, CatalogError>;

    /// The batch that holds an event; with `u64::MAX` the last batch.
    fn sealed_batch_of(
        &self,
        tenant: TenantId,
        seq: u64,
    ) -> Result<Option<SealedBatchRow>, CatalogError>;
}
