use axum::Json;
use axum::extract::State;
use policy::Permission;

use crate::caller::Ready;
use crate::dto;
use crate::problem::Problem;
use crate::state::AppState;

/// The running server and its machine.
#[utoipa::path(
    get,
    path = "/api/v1/system",
    operation_id = "system",
    responses(
        (status = 200, description = "versions, listeners, disk, memory, last backup", body = dto::SystemStatus),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "for operators only", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn system(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<dto::SystemStatus>, Problem> {
    caller.may(Permission::ManageServer)?;
    let operation = state.operation.clone();
    Ok(Json(state.blocking.read(move || Ok(operation.system()?)).await?))
}

/// What to type in where to journal from Microsoft 365, and how far it is.
#[utoipa::path(
    get,
    path = "/api/v1/connect/microsoft365",
    operation_id = "connectMicrosoft365",
    responses(
        (status = 200, description = "values, steps and checks of the own tenant", body = dto::ConnectMicrosoft365),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "for administrators only", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn connect_microsoft365(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<dto::ConnectMicrosoft365>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageSources)?;
    let operation = state.operation.clone();
    let found = state.blocking.read(move || Ok(operation.connect_microsoft365(tenant)?)).await?;
    found.map(Json).ok_or_else(Problem::not_found)
}

/// Runs the checks anew.
#[utoipa::path(
    post,
    path = "/api/v1/connect/microsoft365/check",
    operation_id = "checkMicrosoft365",
    responses(
        (status = 200, description = "as they are now", body = dto::ConnectMicrosoft365),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "for administrators only", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn check_microsoft365(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<dto::ConnectMicrosoft365>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageSources)?;
    let (operation, catalog) = (state.operation.clone(), state.catalog.clone());
    let work = move || {
        let found = operation.check_microsoft365(tenant, caller.now)?;
        let event = caller.event("connect.check", "microsoft365".into(), serde_json::Value::Null);
        catalog.audit(&[event])?;
        Ok(found)
    };
    state.blocking.read(work).await?.map(Json).ok_or_else(Problem::not_found)
}
