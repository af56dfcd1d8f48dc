use std::collections::BTreeMap;

use model::{RecordId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{CatalogError, NewLedgerEvent};

/// Findings that the state of a scrub names; all are events of the ledger.
pub const SCRUB_FINDINGS_MAX: usize = 100;

/// How far the scrub of a tenant's archive is, and what it found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScrubState {
    /// When the pass that runs was begun; `None`: none runs.
    pub begun_at: Option<Timestamp>,
    /// The last pack that this pass has read.
    pub pack: u32,
    pub entries: u64,
    pub bytes: u64,
    /// The last whole pass.
    pub completed_at: Option<Timestamp>,
    pub completed_bytes: u64,
    /// Damage that was found in the pass that runs and the one before; the newest last.
    pub findings: Vec<ScrubFindingRow>,
}

/// Damage in one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScrubFindingRow {
    pub at: Timestamp,
    /// The file below the tenant's folder.
    pub file: String,
    /// In bytes.
    pub offset: u64,
    pub why: String,
    /// The mails concerned.
    pub records: Vec<RecordId>,
    pub repaired: bool,
}

/// A completeness report as it was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletenessRow {
    /// Such as `2026-11`.
    pub month: String,
    pub made_at: Timestamp,
    /// Its event of the ledger.
    pub seq: u64,
    /// JSON; the octets that the seal is over.
    pub report: String,
    /// A local seal in DER.
    pub seal: Vec<u8>,
}

/// What the ledger and the quarantine know of a span of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompletenessCounts {
    /// Events of the ledger by kind.
    pub events: BTreeMap<String, u64>,
    /// Deliveries that a journal report brought, of these: each was unwrapped.
    pub reports: u64,
    /// Submissions that came into quarantine, and what became of them.
    pub quarantined: u64,
    pub released: u64,
    pub discarded: u64,
    pub waiting: u64,
}

/// Scrub and completeness reports.
pub trait EvidenceBooks: Send + Sync {
    fn scrub_state(&self, tenant: TenantId) -> Result<ScrubState, CatalogError>;

    /// Durable on return, may be repeated.
    fn save_scrub(&self, tenant: TenantId, state: &ScrubState) -> Result<(), CatalogError>;

    /// Asks for a pass now, or takes that back; returns what was asked before.
    fn want_scrub(&self, tenant: TenantId, wanted: bool) -> Result<bool, CatalogError>;

    fn scrub_wanted(&self, tenant: TenantId) -> Result<bool, CatalogError>;

    /// What happened from `from` on and before `until`.
    fn completeness(
        &self,
        tenant: TenantId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<CompletenessCounts, CatalogError>;

    /// Keeps a report together with its event of the ledger; a report of that month that is there
    /// already stays, and then nothing is written. Returns whether it is new.
    fn save_report(
        &self,
        tenant: TenantId,
        report: &CompletenessRow,
        event: &NewLedgerEvent,
    ) -> Result<bool, CatalogError>;

    /// All reports of a tenant, oldest first.
    fn reports(&self, tenant: TenantId) -> Result<Vec<CompletenessRow>, CatalogError>;
}
