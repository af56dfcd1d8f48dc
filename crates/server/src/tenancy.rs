//! What the API asks of the running server about tenants.

use std::sync::Arc;

use api::{DeskError, dto};
use catalog::{JobRow, QuarantineFilter};
use lifecycle::{JobDesk, NewJob};
use model::{JobId, TenantId};
use pipeline::{Bulk, IndexFigures, LineParts, QuarantineDesk};
use serde_json::json;

use crate::clock::random;

/// Carries out what operators and administrators decide about tenants.
pub struct TenantDesk {
    pub parts: LineParts,
    pub jobs: Arc<JobDesk>,
    pub index_figures: Arc<IndexFigures>,
}

impl api::TenantDesk for TenantDesk {
    fn changed(&self, tenant: TenantId) -> Result<(), DeskError> {
        pipeline::write_info(&self.parts.vault, &*self.parts.catalog, tenant).map_err(failed)
    }

    fn space(&self, tenant: TenantId) -> Result<dto::StoredBytes, DeskError> {
        let space = self.parts.vault.space(Some(tenant)).map_err(failed)?;
        let index = self.parts.index.space_bytes(tenant).map_err(failed)?;
        let (packs, keys) = (space.packs_bytes, space.keys_bytes);
        Ok(dto::StoredBytes { packs, keys, catalog: 0, index })
    }

    fn export(&self, _: TenantId, _: &str, _: &str) -> Result<JobRow, DeskError> {
        Err(DeskError::NotFound)
    }

    fn remove(&self, _: TenantId, _: &str, _: &str) -> Result<JobRow, DeskError> {
        Err(DeskError::NotFound)
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
        let Ok(troubles) = self.index_figures.troubles.lock() else { return Vec::new() };
        let shown = |(id, detail): (&TenantId, &String)| dto::Failure {
            code: "index".to_owned(),
            tenant: Some(id.to_string()),
            detail: detail.clone(),
        };
        let wanted = |(id, _): &(&TenantId, &String)| tenant.is_none_or(|own| own == **id);
        troubles.iter().filter(wanted).map(shown).collect()
    }
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
