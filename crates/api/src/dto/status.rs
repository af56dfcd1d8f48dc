use model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// `ok`.
    pub status: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub version: String,
    pub uptime_seconds: u64,
    pub intake: IntakeStatus,
    pub spool: SpoolStatus,
    pub archive: ArchiveStatus,
    pub index: IndexStatus,
    pub certificates: Vec<Certificate>,
    /// Of the administrator's tenant; empty for operators.
    pub journal_addresses: Vec<String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IntakeStatus {
    /// Since the server started.
    pub accepted_total: u64,
    /// The last hour, oldest minute first.
    pub per_minute: Vec<IntakeMinute>,
    pub connections: u64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IntakeMinute {
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub mails: u64,
    pub bytes: u64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpoolStatus {
    pub depth: u64,
    pub bytes: u64,
    /// The age of the oldest submission that waits.
    #[schema(required)]
    pub oldest_seconds: Option<u64>,
    pub state: SpoolState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SpoolState {
    Open,
    Full,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveStatus {
    pub records: u64,
    pub reports: u64,
    pub merged: u64,
    pub quarantined: u64,
    pub stored_bytes: StoredBytes,
    /// Octets as they were received.
    pub raw_bytes: u64,
}

#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoredBytes {
    pub packs: u64,
    pub keys: u64,
    pub catalog: u64,
    pub index: u64,
    /// Of the packs: what is erased and not yet given back to the disk.
    pub reclaimable: u64,
    /// What compaction gave back, ever.
    pub reclaimed: u64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IndexStatus {
    /// Archived mails that are not searchable yet.
    pub lag: u64,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub last_commit_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Certificate {
    pub subject: String,
    #[schema(value_type = String, format = DateTime)]
    pub not_after: Timestamp,
    pub self_signed: bool,
}
