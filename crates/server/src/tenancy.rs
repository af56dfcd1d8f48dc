//! What the API asks of the running server about tenants.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use api::{DeskError, dto};
use catalog::{JobRow, QuarantineFilter};
use lifecycle::{JobDesk, NewJob, RemovalParts};
use model::{JobId, TenantId};
use pipeline::{Bulk, IndexFigures, LineParts, QuarantineDesk};
use serde_json::json;

use crate::census::Census;
use crate::clock::random;

/// Carries out what operators and administrators decide about tenants.
pub struct TenantDesk {
    pub parts: LineParts,
    pub jobs: Arc<JobDesk>,
    pub census: Arc<Census>,
    pub index_figures: Arc<IndexFigures>,
    /// Below it exports are written.
    pub exports: PathBuf,
}

impl api::TenantDesk for TenantDesk {
    fn changed(&self, tenant: TenantId) -> Result<(), DeskError> {
        pipeline::write_info(&self.parts.vault, &*self.parts.catalog, tenant).map_err(failed)
    }

    fn space(&self, tenant: TenantId) -> Result<dto::StoredBytes, DeskError> {
        Ok(self.census.space(tenant))
    }

    fn export(&self, tenant: TenantId, folder: &str, by: &str) -> Result<JobRow, DeskError> {
        let name = folder_name(folder)?;
        let path = self.exports.join(name);
        if path.exists() {
            let detail = "there is a folder of this name already; choose another".to_owned();
            return Err(DeskError::Refused { code: "folder-exists", detail });
        }
        let detail = json!({ "folder": path.display().to_string() });
        let (kind, cancellable) = ("tenant.export", true);
        let new = NewJob { id: id()?, tenant: Some(tenant), kind, by, detail, cancellable };
        let parts = self.parts.clone();
        let begun = self.jobs.begin(new, move |progress| {
            let (vault, catalog) = (&parts.vault, &*parts.catalog);
            let done = lifecycle::export(vault, catalog, tenant, &path, progress);
            let done = done.map_err(|error| pipeline::Error::chain(&error))?;
            Ok(json!(done))
        });
        begun.map_err(refused)
    }

    fn remove(&self, tenant: TenantId, by: &str, reason: &str) -> Result<JobRow, DeskError> {
        let parts = removal_parts(&self.parts);
        lifecycle::begin_removal(&parts, tenant, by, reason).map_err(failed)?;
        self.complete_removal(tenant, by)
    }

    fn bulk(
        &self,
        tenant: TenantId,
        action: dto::BulkAction,
        for_reason: Option<&str>,
        by: &str,
        reason: &str,
    ) -> Result<JobRow, DeskError> {
        let (kind, bulk) = match action {
            dto::BulkAction::Discard => ("quarantine.discard", Bulk::Discard),
            dto::BulkAction::Release => ("quarantine.release", Bulk::Release),
            dto::BulkAction::Retry => ("quarantine.retry", Bulk::Retry),
        };
        let detail = json!({ "forReason": for_reason });
        let new = NewJob { id: id()?, tenant: Some(tenant), kind, by, detail, cancellable: true };
        let desk = QuarantineDesk::new(self.parts.clone());
        let filter = QuarantineFilter { reason: for_reason.map(str::to_owned), state: None };
        let (by, reason) = (by.to_owned(), reason.to_owned());
        let begun = self.jobs.begin(new, move |progress| {
            let done = desk.bulk(tenant, &filter, bulk, (&by, &reason), progress);
            done.map(|done| json!(done)).map_err(|error| pipeline::Error::chain(&error))
        });
        begun.map_err(refused)
    }

    fn progress(&self, job: JobRow) -> JobRow {
        self.jobs.progress(job)
    }

    fn cancel(&self, id: JobId) -> bool {
        self.jobs.cancel(id)
    }

    fn failures(&self, tenant: Option<TenantId>) -> Vec<dto::Failure> {
        let of = |code: &'static str, troubles: &BTreeMap<TenantId, String>| {
            let wanted = |(id, _): &(&TenantId, &String)| tenant.is_none_or(|own| own == **id);
            let shown = |(id, detail): (&TenantId, &String)| dto::Failure {
                code: code.to_owned(),
                tenant: Some(id.to_string()),
                detail: detail.clone(),
            };
            troubles.iter().filter(wanted).map(shown).collect::<Vec<_>>()
        };
        let mut failures = of("vault", &self.parts.vault.troubles());
        if let Ok(troubles) = self.index_figures.troubles.lock() {
            failures.extend(of("index", &troubles));
        }
        failures
    }
}

impl TenantDesk {
    /// Completes a removal that was begun.
    pub fn complete_removal(&self, tenant: TenantId, by: &str) -> Result<JobRow, DeskError> {
        let parts = removal_parts(&self.parts);
        let removals = parts.catalog.removals().map_err(failed)?;
        let begun = |it: &catalog::Removal| it.tenant == tenant && it.facts.ended_at.is_none();
        let removal = removals.into_iter().find(begun).ok_or(DeskError::NotFound)?;
        let detail = json!({ "name": removal.name });
        let (kind, cancellable) = ("tenant.remove", false);
        let new = NewJob { id: id()?, tenant: Some(tenant), kind, by, detail, cancellable };
        let begun = self.jobs.begin(new, move |progress| {
            let done = lifecycle::complete_removal(&parts, &removal, progress);
            done.map(|()| json!({})).map_err(|error| pipeline::Error::chain(&error))
        });
        begun.map_err(refused)
    }
}

/// What a removal works with.
pub fn removal_parts(parts: &LineParts) -> RemovalParts {
    RemovalParts {
        vault: Arc::clone(&parts.vault),
        catalog: Arc::clone(&parts.catalog),
        index: Arc::clone(&parts.index),
        clock: Arc::clone(&parts.clock),
    }
}

/// A name that stays below the folder for exports.
fn folder_name(text: &str) -> Result<&str, DeskError> {
    let name = text.trim();
    let plain = |it: char| it.is_alphanumeric() || "-_. ".contains(it);
    let fits = (1..=100).contains(&name.chars().count())
        && name.chars().all(plain)
        && !name.starts_with('.');
    if fits {
        return Ok(name);
    }
    let detail = "give a name of letters, digits, hyphens and dots".to_owned();
    Err(DeskError::Refused { code: "folder", detail })
}

fn id() -> Result<JobId, DeskError> {
    random().map(JobId::from_bytes).map_err(|error| DeskError::Failed(error.into()))
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> DeskError {
    DeskError::Failed(Box::new(error))
}

fn refused(error: lifecycle::Error) -> DeskError {
    match error {
        lifecycle::Error::Busy => DeskError::Busy,
        error => failed(error),
    }
}
