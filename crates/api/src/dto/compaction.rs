use lifecycle::{CompactionFinding, CompactionRun, CompactionState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::routes::search::written;

/// How packs give back the space of what was erased.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompactionStatus {
    /// Of all tenants together.
    pub reclaimable_bytes: u64,
    pub reclaimed_bytes: u64,
    pub tenants: Vec<TenantCompaction>,
}

/// As it was when the tenant's packs were last looked at.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantCompaction {
    pub tenant: String,
    pub name: String,
    /// A run was asked for that has not come to its end.
    pub wanted: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<String>,
    pub packs: u64,
    pub packs_bytes: u64,
    /// Packs that hold anything erased.
    pub packs_with_erased: u64,
    /// What is erased and still takes room; nobody can read it.
    pub reclaimable_bytes: u64,
    /// What was given back, ever.
    pub reclaimed_bytes: u64,
    /// The last run that wrote anything.
    pub last_run: Option<CompactionDone>,
    /// Packs that are due and come with the next run.
    pub waiting: u64,
    /// Packs that are due and stay because they are damaged.
    pub damaged: u64,
    /// Some of them.
    pub findings: Vec<CompactionDamage>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompactionDone {
    #[schema(value_type = String, format = DateTime)]
    pub begun_at: String,
    #[schema(value_type = String, format = DateTime)]
    pub ended_at: String,
    /// Packs that were written anew.
    pub packs: u64,
    pub freed_bytes: u64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompactionDamage {
    pub file: String,
    /// Where in the file, in bytes.
    pub offset: u64,
    pub why: String,
}

/// Whose packs are written anew.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CompactionAsked {
    /// A tenant's id; everybody's when absent.
    #[serde(default)]
    pub tenant: Option<String>,
}

impl TenantCompaction {
    pub fn of(tenant: &catalog::Tenant, wanted: bool, state: CompactionState) -> Self {
        Self {
            tenant: tenant.id.to_string(),
            name: tenant.name.clone(),
            wanted,
            at: state.at.map(written),
            packs: state.space.packs,
            packs_bytes: state.space.packs_bytes,
            packs_with_erased: state.space.packs_with_erased,
            reclaimable_bytes: state.space.reclaimable_bytes,
            reclaimed_bytes: state.space.reclaimed_bytes,
            last_run: state.last_run.map(CompactionDone::from),
            waiting: state.waiting,
            damaged: state.damaged,
            findings: state.findings.into_iter().map(CompactionDamage::from).collect(),
        }
    }
}

impl From<CompactionRun> for CompactionDone {
    fn from(run: CompactionRun) -> Self {
        let CompactionRun { begun_at, ended_at, packs, freed_bytes } = run;
        Self { begun_at: written(begun_at), ended_at: written(ended_at), packs, freed_bytes }
    }
}

impl From<CompactionFinding> for CompactionDamage {
    fn from(finding: CompactionFinding) -> Self {
        let CompactionFinding { file, offset, why } = finding;
        Self { file, offset, why }
    }
}
