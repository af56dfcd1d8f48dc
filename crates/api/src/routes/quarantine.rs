use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use catalog::{AuditEvent, Catalog, QuarantineFilter, QuarantineState};
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

/// What waits for a decision, or was decided; newest first.
#[utoipa::path(
    get,
    path = "/api/v1/quarantine",
    operation_id = "quarantine",
    params(dto::QuarantineParams),
    responses(
        (status = 200, description = "one page", body = dto::QuarantineAnswer),
        (status = 400, description = "no such page or state", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn quarantine(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Query(params): Query<dto::QuarantineParams>,
) -> Result<Json<dto::QuarantineAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageQuarantine)?;
    let before = params.cursor.map(|cursor| cursor.parse::<u64>()).transpose();
    let before = before.map_err(|_| Problem::bad_request("cursor", "no such page"))?;
    let state_of = |name: String| STATES.into_iter().find(|state| state_name(*state) == name);
    let wanted = match params.state {
        None => None,
        Some(name) => Some(state_of(name).ok_or_else(|| {
            Problem::bad_request("state", "expected waiting, retried, released or discarded")
        })?),
    };
    let filter = QuarantineFilter { reason: params.reason, state: wanted };
    let catalog = state.catalog.clone();
    let work = move || page(&*catalog, tenant, &filter, before);
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
    let reason = reason_of(&release.reason)?;
    let act = |desk: &dyn QuarantineDesk, tenant, id, by: &str, reason: &str| {
        desk.release(tenant, id, by, reason).map_err(Problem::from)
    };
    decide(state, caller, &id, "quarantine.release", reason, act).await
}

/// Decides that a submission does not belong into the archive, and erases its octets.
#[utoipa::path(
    post,
    path = "/api/v1/quarantine/{id}/discard",
    operation_id = "discardQuarantined",
    params(("id" = String, Path, description = "the submission")),
    request_body = dto::Discard,
    responses(
        (status = 204, description = "erased"),
        (status = 400, description = "a reason is missing", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such submission waits here", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn discard_quarantined(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Body(discard): Body<dto::Discard>,
) -> Result<StatusCode, Problem> {
    caller.may(Permission::ManageQuarantine)?;
    let reason = reason_of(&discard.reason)?;
    let act = |desk: &dyn QuarantineDesk, tenant, id, by: &str, reason: &str| {
        desk.discard(tenant, id, by, reason).map_err(Problem::from)
    };
    decide(state, caller, &id, "quarantine.discard", reason, act).await
}

/// Decides for all submissions that wait, or that wait for one reason.
#[utoipa::path(
    post,
    path = "/api/v1/quarantine/bulk",
    operation_id = "bulkQuarantined",
    request_body = dto::QuarantineBulk,
    responses(
        (status = 202, description = "begun", body = dto::Job),
        (status = 400, description = "a reason is missing", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn bulk_quarantined(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(bulk): Body<dto::QuarantineBulk>,
) -> Result<(StatusCode, Json<dto::Job>), Problem> {
    let tenant = caller.tenant_for(Permission::ManageQuarantine)?;
    let reason = match bulk.action {
        dto::BulkAction::Retry => bulk.reason.trim().to_owned(),
        dto::BulkAction::Discard | dto::BulkAction::Release => reason_of(&bulk.reason)?,
    };
    let blocking = state.blocking.clone();
    let work = move || {
        let by = &caller.current.account.user_name;
        let of = bulk.for_reason.as_deref();
        let job = state.tenants.bulk(tenant, bulk.action, of, by, &reason)?;
        let detail = serde_json::json!({
            "action": bulk.action, "forReason": bulk.for_reason, "job": job.id,
        });
        let event = caller.event("quarantine.bulk", String::new(), detail);
        let reason = Some(reason).filter(|reason| !reason.is_empty());
        state.catalog.audit(&[AuditEvent { reason, ..event }])?;
        Ok((StatusCode::ACCEPTED, Json(job.into())))
    };
    blocking.read(work).await
}

/// A reason as the audit log keeps it.
pub fn reason_of(text: &str) -> Result<String, Problem> {
    let reason = text.trim();
    if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
        return Err(Problem::bad_request("reason", "give a reason of at most 1000 characters"));
    }
    Ok(reason.to_owned())
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
        if waits.is_none_or(|row| row.state != QuarantineState::Waiting) {
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
    filter: &QuarantineFilter,
    before: Option<u64>,
) -> Result<dto::QuarantineAnswer, Problem> {
    let list = catalog.quarantine(tenant, filter, before, PAGE_ROWS)?;
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
            decided_at: row.decided_at.map(written),
            decided_by: row.decided_by,
            decided_reason: row.decided_reason.filter(|reason| !reason.is_empty()),
        }
    });
    let waiting = catalog.waiting(Some(tenant))?.into_iter();
    Ok(dto::QuarantineAnswer {
        total: list.total,
        waiting: waiting.map(|(code, count)| dto::ReasonCount { code, count }).collect(),
        rows: rows.collect(),
        next,
    })
}

const STATES: [QuarantineState; 4] = [
    QuarantineState::Discarded,
    QuarantineState::Released,
    QuarantineState::Retried,
    QuarantineState::Waiting,
];

const fn state_name(state: QuarantineState) -> &'static str {
    match state {
        QuarantineState::Discarded => "discarded",
        QuarantineState::Released => "released",
        QuarantineState::Retried => "retried",
        QuarantineState::Waiting => "waiting",
    }
}
