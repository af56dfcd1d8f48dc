use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use catalog::{AuditEvent, Catalog, QuarantineState};
use model::{QuarantineId, SourceId, TenantId};
use policy::Permission;

use crate::body::{Body, Path, Query};
use crate::caller::{Caller, Ready};
use crate::dto;
use crate::problem::Problem;
use crate::routes::search::written;
use crate::state::{AppState, QuarantineDesk};

const PAGE_ROWS: u32 = 100;

/// Longer reasons are refused.
const REASON_CHARS_MAX: usize = 1_000;

/// What waits for a decision, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/quarantine",
    operation_id = "quarantine",
    params(dto::PageParams),
    responses(
        (status = 200, description = "one page", body = dto::QuarantineAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn quarantine(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Query(params): Query<dto::PageParams>,
) -> Result<Json<dto::QuarantineAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageQuarantine)?;
    let before = params.cursor.map(|cursor| cursor.parse::<u64>()).transpose();
    let before = before.map_err(|_| Problem::bad_request("cursor", "no such page"))?;
    let catalog = state.catalog.clone();
    let work = move || page(&*catalog, tenant, before);
    Ok(Json(state.blocking.read(work).await?))
}

/// Sends a submission through the archive again, under the present rules.
#[utoipa::path(
    post,
    path = "/api/v1/quarantine/{id}/retry",
    operation_id = "retryQuarantined",
    params(("id" = String, Path, description = "the submission")),
    responses(
        (status = 204, description = "on its way"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such submission waits here", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn retry_quarantined(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let act = |desk: &dyn QuarantineDesk, tenant, id, by: &str, _: &str| {
        desk.retry(tenant, id, by).map_err(Problem::from)
    };
    decide(state, caller, &id, "quarantine.retry", String::new(), act).await
}

/// Lets a submission into the archive, whatever the rules say.
#[utoipa::path(
    post,
    path = "/api/v1/quarantine/{id}/release",
    operation_id = "releaseQuarantined",
    params(("id" = String, Path, description = "the submission")),
    request_body = dto::Release,
    responses(
        (status = 204, description = "on its way"),
        (status = 400, description = "a reason is missing", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such submission waits here", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn release_quarantined(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Body(release): Body<dto::Release>,
) -> Result<StatusCode, Problem> {
    caller.may(Permission::ManageQuarantine)?;
    let reason = release.reason.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
        return Err(Problem::bad_request("reason", "give a reason of at most 1000 characters"));
    }
    let act = |desk: &dyn QuarantineDesk, tenant, id, by: &str, reason: &str| {
        desk.release(tenant, id, by, reason).map_err(Problem::from)
    };
    decide(state, caller, &id, "quarantine.release", reason, act).await
}

async fn decide(
    state: AppState,
    caller: Caller,
    id: &str,
    action: &'static str,
    reason: String,
    act: impl FnOnce(&dyn QuarantineDesk, TenantId, QuarantineId, &str, &str) -> Result<(), Problem>
    + Send
    + 'static,
) -> Result<StatusCode, Problem> {
    let tenant = caller.tenant_for(Permission::ManageQuarantine)?;
    let id: QuarantineId = id.parse().map_err(|_| Problem::not_found())?;
    let (desk, catalog) = (state.quarantine.clone(), state.catalog.clone());
    let work = move || {
        let waits = catalog.quarantined(tenant, id)?;
        if waits.is_none_or(|row| row.state == QuarantineState::Released) {
            return Err(Problem::not_found());
        }
        act(&*desk, tenant, id, &caller.current.account.user_name, &reason)?;
        let event = caller.event(action, id.to_string(), serde_json::Value::Null);
        let reason = Some(reason).filter(|reason| !reason.is_empty());
        catalog.audit(&[AuditEvent { reason, ..event }])?;
        Ok(StatusCode::NO_CONTENT)
    };
    state.blocking.read(work).await
}

fn page(
    catalog: &dyn Catalog,
    tenant: TenantId,
    before: Option<u64>,
) -> Result<dto::QuarantineAnswer, Problem> {
    let list = catalog.quarantine(tenant, before, PAGE_ROWS)?;
    let full = list.rows.len() == PAGE_ROWS as usize;
    let next = list.rows.last().filter(|_| full).map(|row| row.row.to_string());
    let names: HashMap<SourceId, String> =
        catalog.sources(tenant)?.into_iter().map(|source| (source.id, source.name)).collect();
    let rows = list.rows.into_iter().map(|row| {
        let entry = row.entry;
        let reverse_path = entry.envelope.and_then(|envelope| envelope.reverse_path);
        dto::QuarantineRow {
            id: entry.id.to_string(),
            received_at: written(entry.received_at),
            size_bytes: entry.size_bytes,
            reason: dto::QuarantineReason { code: entry.reason_code, detail: entry.reason_detail },
            originator_org: entry.originator_org,
            source: names.get(&entry.source.id()).cloned().unwrap_or_default(),
            reverse_path: reverse_path.map(|path| path.to_string()),
            state: state_name(row.state).to_owned(),
        }
    });
    Ok(dto::QuarantineAnswer { total: list.total, rows: rows.collect(), next })
}

const fn state_name(state: QuarantineState) -> &'static str {
    match state {
        QuarantineState::Released => "released",
        QuarantineState::Retried => "retried",
        QuarantineState::Waiting => "waiting",
    }
}
