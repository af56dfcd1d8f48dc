//! How accounts of a tenant sign in.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use policy::Permission;

use crate::body::Body;
use crate::caller::{Person, Ready};
use crate::dto;
use crate::problem::Problem;
use crate::state::AppState;

/// How accounts of the caller's tenant sign in; an operator's answer is about operators.
#[utoipa::path(
    get,
    path = "/api/v1/sign-in/policy",
    operation_id = "signInPolicy",
    responses(
        (status = 200, description = "the settings", body = dto::SignInPolicy),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn policy(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<dto::SignInPolicy>, Problem> {
    caller.may(Permission::ManageSignIn)?;
    let catalog = state.catalog.clone();
    let tenant = caller.current.actor.tenant;
    let policy = state.blocking.read(move || Ok(catalog.sign_in_policy(tenant)?)).await?;
    Ok(Json(dto::SignInPolicy {
        local_for_administrators_only: policy.local_for_administrators_only,
        second_factor_roles: policy.second_factor_roles.into_iter().map(Into::into).collect(),
    }))
}

/// Sets how accounts sign in. A role that needs a second factor sets it up at its next sign-in.
#[utoipa::path(
    put,
    path = "/api/v1/sign-in/policy",
    operation_id = "setSignInPolicy",
    request_body = dto::SignInPolicy,
    responses(
        (status = 204, description = "from the next sign-in on"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn set_policy(
    State(state): State<AppState>,
    Person(caller): Person,
    Body(new): Body<dto::SignInPolicy>,
) -> Result<StatusCode, Problem> {
    caller.may(Permission::ManageSignIn)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let tenant = caller.current.actor.tenant;
        let mut roles: Vec<policy::AccountRole> =
            new.second_factor_roles.into_iter().map(Into::into).collect();
        roles.sort_unstable();
        roles.dedup();
        let after = catalog::SignInPolicy {
            local_for_administrators_only: new.local_for_administrators_only,
            second_factor_roles: roles,
        };
        let before = catalog.sign_in_policy(tenant)?;
        catalog.set_sign_in_policy(tenant, &after)?;
        let detail = serde_json::json!({ "before": before, "after": after });
        catalog.audit(&[caller.event("sign-in.policy", String::new(), detail)])?;
        Ok(StatusCode::NO_CONTENT)
    };
    state.blocking.read(work).await
}
