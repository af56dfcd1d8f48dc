//! For those who watch the server: no session, nothing about tenants.

use axum::Json;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::caller::peer;
use crate::dto;
use crate::problem::Problem;
use crate::state::AppState;

/// Prometheus' text format.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The process lives.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "healthz",
    responses((status = 200, description = "it does", body = dto::Health)),
)]
pub async fn healthz() -> Json<dto::Health> {
    Json(dto::Health { status: "ok".to_owned() })
}

/// Mail can be taken, archived and found.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "readyz",
    responses(
        (status = 200, description = "every part is ready", body = dto::Readiness),
        (status = 503, description = "a part is not; it is named with its reason", body = dto::Readiness),
    ),
)]
pub async fn readyz(State(state): State<AppState>) -> Result<Response, Problem> {
    let operation = state.operation.clone();
    let readiness = state.blocking.read(move || Ok(operation.readiness())).await?;
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok((status, Json(readiness)).into_response())
}

/// Figures for Prometheus: from configured networks, or with `Authorization: Bearer`.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    responses(
        (status = 200, description = "all figures; docs/metrics.md names them", body = String, content_type = "text/plain"),
        (status = 404, description = "not from this network", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn metrics(State(state): State<AppState>, parts: Parts) -> Result<Response, Problem> {
    let token = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = token.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim);
    if !state.operation.may_read_metrics(peer(&parts), token) {
        return Err(Problem::not_found());
    }
    let operation = state.operation.clone();
    let text = state.blocking.read(move || Ok(operation.metrics()?)).await?;
    Ok(([(header::CONTENT_TYPE, METRICS_TYPE)], text).into_response())
}
