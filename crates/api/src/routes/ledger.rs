//! How the archive proves what it holds: seals, renewals, the scrub, completeness reports.

use std::fmt::Write as _;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use catalog::{Catalog, CompletenessRow};
use model::TenantId;
use policy::Permission;

use crate::body::Query;
use crate::caller::Ready;
use crate::dto;
use crate::problem::Problem;
use crate::routes::search::written;
use crate::state::AppState;

const PAGE_ROWS: u32 = 100;
const PAGE_ROWS_MAX: u32 = 1000;
/// Batches that are counted at once.
const COUNTED_ROWS: u32 = 10_000;

/// How far the ledger is sealed, what ends when, how the scrub stands.
#[utoipa::path(
    get,
    path = "/api/v1/evidence",
    operation_id = "evidence",
    responses(
        (status = 200, description = "the state of the evidence", body = dto::EvidenceStatus),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account may not see it", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn evidence(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<dto::EvidenceStatus>, Problem> {
    let tenant = caller.tenant_for(Permission::ReadRetention)?;
    let catalog = state.catalog.clone();
    state.blocking.read(move || status(&*catalog, tenant).map(Json)).await
}

fn status(catalog: &dyn Catalog, tenant: TenantId) -> Result<dto::EvidenceStatus, Problem> {
    let mut status = dto::EvidenceStatus {
        events: catalog.max_seq(tenant)?,
        sealed_events: 0,
        batches: 0,
        local_batches: 0,
        last_sealed_at: None,
        forecast: catalog.forecast(tenant)?.into_iter().map(dto::EvidenceEnd::from).collect(),
        scrub: dto::ScrubStatus::of(catalog.scrub_state(tenant)?, catalog.scrub_wanted(tenant)?),
    };
    loop {
        let batches = catalog.sealed_batches(tenant, status.batches, COUNTED_ROWS)?;
        let Some(last) = batches.last() else { return Ok(status) };
        status.batches = last.number;
        status.sealed_events = last.last_seq;
        status.last_sealed_at = Some(written(last.sealed_at));
        let local = batches.iter().filter(|batch| batch.stamped_at.is_none());
        status.local_batches += local.count() as u64;
    }
}

/// The sealed batches of the ledger.
#[utoipa::path(
    get,
    path = "/api/v1/evidence/batches",
    operation_id = "evidenceBatches",
    params(dto::BatchesParams),
    responses(
        (status = 200, description = "the batches", body = dto::BatchesAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account may not see them", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn batches(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Query(params): Query<dto::BatchesParams>,
) -> Result<Json<dto::BatchesAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::ReadRetention)?;
    let catalog = state.catalog.clone();
    let limit = params.limit.unwrap_or(PAGE_ROWS).min(PAGE_ROWS_MAX);
    let work = move || {
        let rows = catalog.sealed_batches(tenant, params.after.unwrap_or(0), limit)?;
        let batches = rows.into_iter().map(dto::LedgerBatch::from).collect();
        Ok(Json(dto::BatchesAnswer { batches }))
    };
    state.blocking.read(work).await
}

/// The monthly completeness reports, as they were signed.
#[utoipa::path(
    get,
    path = "/api/v1/evidence/reports",
    operation_id = "completenessReports",
    responses(
        (status = 200, description = "the reports", body = dto::CompletenessReports),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account may not see them", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn reports(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<dto::CompletenessReports>, Problem> {
    let tenant = caller.tenant_for(Permission::ReadRetention)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let reports = catalog.reports(tenant)?.into_iter().map(signed).collect();
        Ok(Json(dto::CompletenessReports { reports }))
    };
    state.blocking.read(work).await
}

fn signed(row: CompletenessRow) -> dto::SignedReport {
    let mut seal = String::with_capacity(row.seal.len() * 2);
    for octet in &row.seal {
        // Writing into a string does not fail.
        let _ = write!(seal, "{octet:02x}");
    }
    dto::SignedReport {
        month: row.month,
        made_at: written(row.made_at),
        seq: row.seq,
        report: serde_json::from_str(&row.report).unwrap_or_default(),
        signed: row.report,
        seal,
    }
}

/// Has all octets of the tenant read again now, at full speed.
#[utoipa::path(
    post,
    path = "/api/v1/evidence/scrub",
    operation_id = "scrubNow",
    responses(
        (status = 202, description = "it begins within seconds"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account is no administrator's", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn scrub(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<StatusCode, Problem> {
    let tenant = caller.tenant_for(Permission::ManageSettings)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let before = catalog.want_scrub(tenant, true)?;
        let detail = serde_json::json!({ "before": before, "after": true });
        catalog.audit(&[caller.event("evidence.scrub", String::new(), detail)])?;
        Ok(StatusCode::ACCEPTED)
    };
    state.blocking.read(work).await
}
