//! What sources that are fetched leave behind: runs, left mails, reports.

use axum::Json;
use axum::extract::State;
use policy::Permission;

use crate::body::{Path, Query};
use crate::caller::Ready;
use crate::dto;
use crate::problem::Problem;
use crate::routes::fetch::found;
use crate::state::AppState;

/// Left mails of one page.
const PAGE_ROWS: u32 = 200;

/// The runs of a source, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/fetch-sources/{id}/runs",
    operation_id = "fetchRuns",
    params(("id" = String, Path, description = "the source")),
    responses(
        (status = 200, description = "those that are kept", body = dto::FetchRunsAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such source", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn fetch_runs(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<dto::FetchRunsAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageSources)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let source = found(&*catalog, tenant, &id)?;
        let runs = catalog.fetch_runs(source.source.id, None, catalog::FETCH_RUNS_KEPT)?;
        Ok(Json(dto::FetchRunsAnswer { runs: runs.into_iter().map(Into::into).collect() }))
    };
    state.blocking.read(work).await
}

/// Mails that stay on the server, with the reason.
#[utoipa::path(
    get,
    path = "/api/v1/fetch-sources/{id}/left",
    operation_id = "leftMails",
    params(("id" = String, Path, description = "the source"), dto::LeftMailsParams),
    responses(
        (status = 200, description = "one page", body = dto::LeftMailsAnswer),
        (status = 400, description = "no such page", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such source", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn left_mails(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Query(params): Query<dto::LeftMailsParams>,
) -> Result<Json<dto::LeftMailsAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageSources)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let source = found(&*catalog, tenant, &id)?;
        let after = params.cursor.map(|cursor| cursor.parse::<u64>()).transpose();
        let after = after.map_err(|_| Problem::bad_request("cursor", "no such page"))?;
        let rows = catalog.left_mails(source.source.id, None, after.unwrap_or(0), PAGE_ROWS)?;
        let full = rows.len() == PAGE_ROWS as usize;
        let next = rows.last().filter(|_| full).map(|mail| mail.row.to_string());
        Ok(Json(dto::LeftMailsAnswer { mails: rows.into_iter().map(Into::into).collect(), next }))
    };
    state.blocking.read(work).await
}

/// The reports of completeness, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/fetch-sources/{id}/reconciliations",
    operation_id = "reconciliations",
    params(("id" = String, Path, description = "the source")),
    responses(
        (status = 200, description = "those that are kept", body = dto::ReconciliationsAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such source", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn reconciliations(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<dto::ReconciliationsAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageSources)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let source = found(&*catalog, tenant, &id)?;
        let kept = catalog::RECONCILIATIONS_KEPT;
        let reports = catalog.reconciliations(source.source.id, kept)?;
        let reports = reports.into_iter().map(Into::into).collect();
        Ok(Json(dto::ReconciliationsAnswer { reports }))
    };
    state.blocking.read(work).await
}
