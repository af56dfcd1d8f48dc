//! The end of a tenant: nothing of it can be read afterwards.

use std::sync::Arc;

use catalog::{AuditEvent, AuditOutcome, Catalog, Removal};
use index::SearchIndex;
use model::{Clock, TenantId};
use pipeline::Progress;
use serde_json::json;
use store::Vault;

use crate::Result;

/// The places where the crash suite ends the process; those of store, catalog and index stand in
/// their crates.
pub const CRASH_POINTS: &[&str] = &[
    "lifecycle.remove.begun",
    "lifecycle.remove.vault",
    "lifecycle.remove.rows",
    "lifecycle.remove.index",
];

/// What a removal takes things out of.
#[derive(Clone)]
pub struct RemovalParts {
    pub vault: Arc<Vault>,
    pub catalog: Arc<dyn Catalog>,
    pub index: Arc<dyn SearchIndex>,
    pub clock: Arc<dyn Clock>,
}

/// Begins the removal of a suspended tenant: from here on it does not exist for anybody, and the
/// next start completes what is not completed. Durable on return.
///
/// # Errors
/// Of the catalog; `Invalid` when the tenant is in service.
pub fn begin_removal(
    parts: &RemovalParts,
    tenant: TenantId,
    by: &str,
    reason: &str,
) -> Result<Removal> {
    let removal = parts.catalog.begin_removal(tenant, by, reason, parts.clock.now())?;
    fail::fail_point!("lifecycle.remove.begun");
    Ok(removal)
}

/// Completes a removal that was begun. First the tenant's key is destroyed: whatever a crash leaves
/// behind then is noise, and is removed by doing all of it again.
///
/// # Errors
/// Of vault, catalog or index.
pub fn complete_removal(
    parts: &RemovalParts,
    removal: &Removal,
    progress: &dyn Progress,
) -> Result<()> {
    let tenant = removal.tenant;
    progress.total(4);
    parts.vault.remove_tenant(tenant)?;
    fail::fail_point!("lifecycle.remove.vault");
    parts.index.drop_tenant(tenant)?;
    progress.done(1);
    while parts.catalog.remove_rows(tenant)? {}
    progress.done(2);
    fail::fail_point!("lifecycle.remove.rows");
    // A batch that was on its way when the removal began may have made a new folder.
    parts.vault.remove_tenant(tenant)?;
    parts.index.drop_tenant(tenant)?;
    progress.done(3);
    fail::fail_point!("lifecycle.remove.index");
    let at = parts.clock.now();
    parts.catalog.end_removal(tenant, at)?;
    parts.catalog.audit(&[AuditEvent {
        at,
        tenant: None,
        account: None,
        who: removal.facts.by.clone(),
        action: "tenant.removed".to_owned(),
        object: tenant.to_string(),
        detail: json!({
            "name": removal.name,
            "records": removal.facts.records,
            "mailBytes": removal.facts.mail_bytes,
        }),
        reason: Some(removal.facts.reason.clone()),
        outcome: AuditOutcome::Done,
        ip: None,
    }])?;
    progress.done(4);
    tracing::info!(tenant.id = %tenant, "a tenant was removed");
    Ok(())
}

/// Completes all removals that were begun and interrupted. Returns how many.
///
/// # Errors
/// Of the first one that cannot be completed.
pub fn resume_removals(parts: &RemovalParts) -> Result<u64> {
    let mut completed = 0;
    for removal in parts.catalog.removals()? {
        if removal.facts.ended_at.is_none() {
            complete_removal(parts, &removal, &())?;
            completed += 1;
        }
    }
    Ok(completed)
}
