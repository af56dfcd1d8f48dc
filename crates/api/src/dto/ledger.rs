use catalog::{ForecastRow, ScrubFindingRow, ScrubState, SealedBatchRow};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::routes::search::written;

/// How the tenant's archive proves what it holds.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceStatus {
    /// Events of the ledger.
    pub events: u64,
    pub sealed_events: u64,
    pub batches: u64,
    /// Batches that only the archive's own key seals.
    pub local_batches: u64,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_sealed_at: Option<String>,
    /// What ends when; earliest first.
    pub forecast: Vec<EvidenceEnd>,
    pub scrub: ScrubStatus,
}

/// Batches whose stamps end on the same day.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceEnd {
    /// When the first certificate under them ends: they are renewed before.
    #[schema(value_type = String, format = DateTime)]
    pub valid_until: String,
    /// The hash algorithm of their last hash trees: `sha256`, `sha384` or `sha512`.
    pub digest: String,
    pub batches: u64,
    pub events: u64,
}

/// The reading of all octets again.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScrubStatus {
    /// A person asked for a pass that has not come to its end.
    pub wanted: bool,
    /// When the pass that runs was begun.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub begun_at: Option<String>,
    /// Entries and bytes that this pass has read.
    pub entries: u64,
    pub bytes: u64,
    /// The end of the last whole pass.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub completed_at: Option<String>,
    pub completed_bytes: u64,
    pub findings: Vec<ScrubDamage>,
}

/// Damage in one place.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScrubDamage {
    #[schema(value_type = String, format = DateTime)]
    pub at: String,
    pub file: String,
    pub offset: u64,
    pub why: String,
    /// The ids of the mails concerned.
    pub records: Vec<String>,
    /// Written anew from the backup.
    pub repaired: bool,
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct BatchesParams {
    /// Only batches with greater numbers.
    pub after: Option<u64>,
    /// At most so many; 100 unless said, 1,000 at most.
    pub limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchesAnswer {
    /// In the order of their numbers.
    pub batches: Vec<LedgerBatch>,
}

/// A sealed span of the ledger.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LedgerBatch {
    pub number: u64,
    pub first_seq: u64,
    pub last_seq: u64,
    #[schema(value_type = String, format = DateTime)]
    pub sealed_at: String,
    /// When an authority stamped it first; none: it has a local seal only.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub stamped_at: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub renewed_at: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub valid_until: Option<String>,
    pub digest: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompletenessReports {
    /// Oldest first.
    pub reports: Vec<SignedReport>,
}

/// What came in within a month and what became of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedReport {
    /// Such as `2026-11` (UTC).
    pub month: String,
    #[schema(value_type = String, format = DateTime)]
    pub made_at: String,
    /// Its event of the ledger, which names the SHA-256 of `signed`.
    pub seq: u64,
    /// The counts: `received`, `archived`, `merged`, `quarantined`, `disposed` …, `addsUp`.
    #[schema(value_type = Object)]
    pub report: serde_json::Value,
    /// The very text that the seal is over.
    pub signed: String,
    /// The archive's seal of it (`docs/evidence.md`), in hexadecimal digits of its DER.
    pub seal: String,
}

impl From<ForecastRow> for EvidenceEnd {
    fn from(row: ForecastRow) -> Self {
        let valid_until = written(row.valid_until);
        Self { valid_until, digest: row.digest, batches: row.batches, events: row.events }
    }
}

impl ScrubStatus {
    pub fn of(state: ScrubState, wanted: bool) -> Self {
        Self {
            wanted,
            begun_at: state.begun_at.map(written),
            entries: state.entries,
            bytes: state.bytes,
            completed_at: state.completed_at.map(written),
            completed_bytes: state.completed_bytes,
            findings: state.findings.into_iter().map(ScrubDamage::from).collect(),
        }
    }
}

impl From<ScrubFindingRow> for ScrubDamage {
    fn from(row: ScrubFindingRow) -> Self {
        Self {
            at: written(row.at),
            file: row.file,
            offset: row.offset,
            why: row.why,
            records: row.records.iter().map(ToString::to_string).collect(),
            repaired: row.repaired,
        }
    }
}

impl From<SealedBatchRow> for LedgerBatch {
    fn from(row: SealedBatchRow) -> Self {
        Self {
            number: row.number,
            first_seq: row.first_seq,
            last_seq: row.last_seq,
            sealed_at: written(row.sealed_at),
            stamped_at: row.stamped_at.map(written),
            renewed_at: row.renewed_at.map(written),
            valid_until: row.valid_until.map(written),
            digest: row.digest,
        }
    }
}
