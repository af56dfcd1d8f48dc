//! Long work: an administrator's of their tenant, an operator's of everything.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use catalog::{Catalog, JobRow, JobState};
use policy::Permission;
use serde_json::json;

use crate::body::Path;
use crate::caller::{Caller, Ready};
use crate::dto;
use crate::problem::Problem;
use crate::state::AppState;

/// Jobs that a list shows.
const JOBS_MAX: u32 = 100;

/// Begun and ended jobs, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/jobs",
    operation_id = "jobs",
    responses(
        (status = 200, description = "the jobs", body = dto::JobsAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn jobs(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<dto::JobsAnswer>, Problem> {
    caller.may(Permission::ReadStatus)?;
    let (catalog, desk) = (state.catalog.clone(), state.tenants.clone());
    let work = move || {
        let rows = catalog.jobs(caller.current.actor.tenant, JOBS_MAX)?.into_iter();
        let jobs = rows.map(|row| desk.progress(row).into()).collect();
        Ok(Json(dto::JobsAnswer { jobs }))
    };
    state.blocking.read(work).await
}

/// One job with its present progress.
#[utoipa::path(
    get,
    path = "/api/v1/jobs/{job}",
    operation_id = "job",
    params(("job" = String, Path, description = "the job's id")),
    responses(
        (status = 200, description = "the job", body = dto::Job),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such job", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn job(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<dto::Job>, Problem> {
    caller.may(Permission::ReadStatus)?;
    let (catalog, desk) = (state.catalog.clone(), state.tenants.clone());
    let work = move || Ok(Json(desk.progress(find(&*catalog, &caller, &id)?).into()));
    state.blocking.read(work).await
}

/// Asks a running job to end; what is done stays done.
#[utoipa::path(
    post,
    path = "/api/v1/jobs/{job}/cancel",
    operation_id = "cancelJob",
    params(("job" = String, Path, description = "the job's id")),
    responses(
        (status = 202, description = "it ends soon"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such job", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "it has ended, or cannot be cancelled", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn cancel_job(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.may(Permission::ReadStatus)?;
    let (catalog, desk) = (state.catalog.clone(), state.tenants.clone());
    let work = move || {
        let row = find(&*catalog, &caller, &id)?;
        // What the operator began with a tenant is the operator's.
        let own = caller.current.actor.tenant.is_none() || !row.kind.starts_with("tenant.");
        if row.state != JobState::Running || !own || !desk.cancel(row.id) {
            return Err(Problem::new(StatusCode::CONFLICT, "not-running"));
        }
        catalog.audit(&[caller.event("job.cancel", id, json!({ "kind": row.kind }))])?;
        Ok(StatusCode::ACCEPTED)
    };
    state.blocking.read(work).await
}

/// An operator sees every job, an administrator those of their tenant.
fn find(catalog: &dyn Catalog, caller: &Caller, id: &str) -> Result<JobRow, Problem> {
    let id = id.parse().map_err(|_| Problem::not_found())?;
    let own = caller.current.actor.tenant;
    let found = catalog.job(id)?.filter(|row| own.is_none() || row.tenant == own);
    found.ok_or_else(Problem::not_found)
}
