use axum::Json;
use axum::extract::State;
use policy::Permission;

use crate::caller::Ready;
use crate::dto;
use crate::problem::Problem;
use crate::state::AppState;

/// Figures without content: an administrator's of their tenant, an operator's of all.
#[utoipa::path(
    get,
    path = "/api/v1/status",
    operation_id = "status",
    responses(
        (status = 200, description = "the figures", body = dto::Status),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn status(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<dto::Status>, Problem> {
    caller.may(Permission::ReadStatus)?;
    let tenant = caller.current.actor.tenant;
    let source = state.status.clone();
    Ok(Json(state.blocking.read(move || Ok(source.status(tenant)?)).await?))
}

/// Whether the server answers.
#[utoipa::path(
    get,
    path = "/api/v1/health",
    operation_id = "health",
    responses((status = 200, description = "it does", body = dto::Health)),
)]
pub async fn health() -> Json<dto::Health> {
    Json(dto::Health { status: "ok".to_owned() })
}
