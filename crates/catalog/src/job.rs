use model::{JobId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::CatalogError;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    Cancelled,
    Done,
    Failed,
    /// The server ended before the job did.
    Interrupted,
    Running,
}

/// Long work, such as an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    pub id: JobId,
    /// `None`: of the whole server.
    pub tenant: Option<TenantId>,
    /// Such as `tenant.export`.
    pub kind: String,
    /// The user name of who began it.
    pub by: String,
    pub begun_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub state: JobState,
    pub done: u64,
    /// 0 while it is not known.
    pub total: u64,
    /// What it works on and what came of it; no secrets.
    pub detail: serde_json::Value,
}

/// Begun and ended long work; progress in between is the caller's.
pub trait Jobs: Send + Sync {
    /// Adds the job, or replaces what was saved of it.
    fn save_job(&self, job: &JobRow) -> Result<(), CatalogError>;

    fn job(&self, id: JobId) -> Result<Option<JobRow>, CatalogError>;

    /// Newest first: of a tenant, or of the whole server and all tenants for `None`.
    fn jobs(&self, tenant: Option<TenantId>, limit: u32) -> Result<Vec<JobRow>, CatalogError>;

    /// At the start: what runs according to the catalog was interrupted. Returns how many.
    fn interrupt_jobs(&self, at: Timestamp) -> Result<u64, CatalogError>;
}
