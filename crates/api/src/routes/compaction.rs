//! Packs written anew without what was erased: how it stands, and having it done now.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use lifecycle::{CompactionWish, compaction_state, compaction_wish, want_compaction};
use model::TenantId;
use policy::Permission;

use crate::body::Body;
use crate::caller::Ready;
use crate::dto;
use crate::problem::Problem;
use crate::state::AppState;

/// What could be given back to the disk, and what was.
#[utoipa::path(
    get,
    path = "/api/v1/system/compaction",
    operation_id = "compaction",
    responses(
        (status = 200, description = "how it stands, by tenant", body = dto::CompactionStatus),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "for operators only", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn compaction(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<dto::CompactionStatus>, Problem> {
    caller.may(Permission::ManageServer)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let mut status =
            dto::CompactionStatus { reclaimable_bytes: 0, reclaimed_bytes: 0, tenants: Vec::new() };
        for tenant in catalog.tenants()? {
            let wanted = compaction_wish(&*catalog, tenant.id)?.is_some();
            let known = compaction_state(&*catalog, tenant.id)?;
            status.reclaimable_bytes += known.space.reclaimable_bytes;
            status.reclaimed_bytes += known.space.reclaimed_bytes;
            status.tenants.push(dto::TenantCompaction::of(&tenant, wanted, known));
        }
        Ok(Json(status))
    };
    state.blocking.read(work).await
}

/// Has every pack written anew that holds anything erased.
#[utoipa::path(
    post,
    path = "/api/v1/system/compaction",
    operation_id = "compactNow",
    request_body = dto::CompactionAsked,
    responses(
        (status = 202, description = "it begins within seconds"),
        (status = 400, description = "the body is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "for operators only, or no such tenant", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn compact(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(asked): Body<dto::CompactionAsked>,
) -> Result<StatusCode, Problem> {
    caller.may(Permission::ManageServer)?;
    let wanted: Option<TenantId> = match &asked.tenant {
        Some(id) => Some(id.parse().map_err(|_| Problem::not_found())?),
        None => None,
    };
    let catalog = state.catalog.clone();
    let work = move || {
        let mut tenants = catalog.tenants()?;
        tenants.retain(|tenant| wanted.is_none_or(|wanted| wanted == tenant.id));
        if wanted.is_some() && tenants.is_empty() {
            return Err(Problem::not_found());
        }
        for tenant in &tenants {
            want_compaction(&*catalog, tenant.id, CompactionWish::All, caller.now)?;
        }
        let detail = serde_json::json!({ "tenant": wanted });
        catalog.audit(&[caller.event("storage.compact", String::new(), detail)])?;
        Ok(StatusCode::ACCEPTED)
    };
    state.blocking.read(work).await
}
