//! What administrators do about others' sessions, second factors and tokens. Operators do it for
//! operators.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use catalog::{Account, AuditEvent, Catalog};
use model::{AccountId, ApiTokenId};
use policy::Permission;

use crate::body::{Body, Path};
use crate::caller::{Caller, Person, Ready};
use crate::dto;
use crate::problem::Problem;
use crate::routes::me::{open_session, passkey};
use crate::routes::search::written;
use crate::routes::tokens::token;
use crate::state::AppState;

/// Longer reasons are refused.
const REASON_CHARS_MAX: usize = 1_000;

/// Where an account is signed in.
#[utoipa::path(
    get,
    path = "/api/v1/accounts/{id}/sessions",
    operation_id = "accountSessions",
    params(("id" = String, Path, description = "the account")),
    responses(
        (status = 200, description = "latest use first", body = [dto::OpenSession]),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such account to administer", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn sessions(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<Vec<dto::OpenSession>>, Problem> {
    caller.may(Permission::ManageSignIn)?;
    let (identity, catalog) = (state.identity.clone(), state.catalog.clone());
    let work = move || {
        let account = managed(&*catalog, &caller, &id)?;
        let sessions = identity.sessions(account.id, caller.now)?;
        Ok(sessions.iter().map(|one| open_session(one, None)).collect())
    };
    Ok(Json(state.blocking.read(work).await?))
}

/// Ends all sessions of an account.
#[utoipa::path(
    delete,
    path = "/api/v1/accounts/{id}/sessions",
    operation_id = "endAccountSessions",
    params(("id" = String, Path, description = "the account")),
    responses(
        (status = 200, description = "how many", body = dto::Ended),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such account to administer", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn end_sessions(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<dto::Ended>, Problem> {
    caller.may(Permission::ManageSignIn)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let account = managed(&*catalog, &caller, &id)?;
        let ended = catalog.end_sessions(account.id)?;
        let detail = serde_json::json!({ "ended": ended });
        catalog.audit(&[caller.event("session.end", account.id.to_string(), detail)])?;
        Ok(dto::Ended { ended })
    };
    Ok(Json(state.blocking.read(work).await?))
}

/// Which second factors an account has.
#[utoipa::path(
    get,
    path = "/api/v1/accounts/{id}/second-factors",
    operation_id = "accountSecondFactors",
    params(("id" = String, Path, description = "the account")),
    responses(
        (status = 200, description = "the factors", body = dto::SecondFactors),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such account to administer", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn second_factors(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<dto::SecondFactors>, Problem> {
    caller.may(Permission::ManageSignIn)?;
    let (identity, catalog) = (state.identity.clone(), state.catalog.clone());
    let work = move || {
        let account = managed(&*catalog, &caller, &id)?;
        let factors = identity.second_factors(account.id)?;
        Ok(dto::SecondFactors {
            totp: factors.totp.is_some(),
            totp_since: factors.totp.as_ref().map(|totp| written(totp.created_at)),
            passkeys: factors.passkeys.iter().map(passkey).collect(),
            recovery_codes: factors.recovery_codes,
            required: identity.second_factor_required(&account)?,
            can_change: false,
        })
    };
    Ok(Json(state.blocking.read(work).await?))
}

/// Takes all second factors of an account away and ends its sessions: for somebody who lost them.
#[utoipa::path(
    post,
    path = "/api/v1/accounts/{id}/second-factors/reset",
    operation_id = "resetSecondFactors",
    params(("id" = String, Path, description = "the account")),
    request_body = dto::ReasonGiven,
    responses(
        (status = 204, description = "gone"),
        (status = 400, description = "a reason is missing", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "not from a program; not one's own", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such account to administer", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn reset_second_factors(
    State(state): State<AppState>,
    Person(caller): Person,
    Path(id): Path<String>,
    Body(given): Body<dto::ReasonGiven>,
) -> Result<StatusCode, Problem> {
    caller.may(Permission::ManageSignIn)?;
    let reason = given.reason.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
        return Err(Problem::bad_request("reason", "give a reason of at most 1000 characters"));
    }
    let (identity, catalog) = (state.identity.clone(), state.catalog.clone());
    let work = move || {
        let account = managed(&*catalog, &caller, &id)?;
        if account.id == caller.current.account.id {
            return Err(Problem::new(StatusCode::FORBIDDEN, "own-account"));
        }
        let event =
            caller.event("second-factor.reset", account.id.to_string(), serde_json::Value::Null);
        identity.reset_second_factors(&account, &AuditEvent { reason: Some(reason), ..event })?;
        Ok(StatusCode::NO_CONTENT)
    };
    state.blocking.read(work).await
}

/// The tokens of an account.
#[utoipa::path(
    get,
    path = "/api/v1/accounts/{id}/tokens",
    operation_id = "accountTokens",
    params(("id" = String, Path, description = "the account")),
    responses(
        (status = 200, description = "oldest first", body = [dto::ApiToken]),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such account to administer", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn tokens(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<Vec<dto::ApiToken>>, Problem> {
    caller.may(Permission::ManageSignIn)?;
    let (identity, catalog) = (state.identity.clone(), state.catalog.clone());
    let work = move || {
        let account = managed(&*catalog, &caller, &id)?;
        Ok(identity.tokens(account.id, caller.now)?.iter().map(token).collect())
    };
    Ok(Json(state.blocking.read(work).await?))
}

/// Ends a token of an account.
#[utoipa::path(
    delete,
    path = "/api/v1/accounts/{id}/tokens/{token}",
    operation_id = "revokeAccountToken",
    params(
        ("id" = String, Path, description = "the account"),
        ("token" = String, Path, description = "the token"),
    ),
    responses(
        (status = 204, description = "ended"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such token to administer", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn revoke_token(
    State(state): State<AppState>,
    Person(caller): Person,
    Path((id, token)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    caller.may(Permission::ManageSignIn)?;
    let token: ApiTokenId = token.parse().map_err(|_| Problem::not_found())?;
    let (identity, catalog) = (state.identity.clone(), state.catalog.clone());
    let work = move || {
        let account = managed(&*catalog, &caller, &id)?;
        let by = &caller.current.account.user_name;
        match identity.revoke_token(&account, token, by, caller.now)? {
            true => Ok(StatusCode::NO_CONTENT),
            false => Err(Problem::not_found()),
        }
    };
    state.blocking.read(work).await
}

/// An account of the caller's tenant; for operators, an operator.
fn managed(catalog: &dyn Catalog, caller: &Caller, id: &str) -> Result<Account, Problem> {
    let id: AccountId = id.parse().map_err(|_| Problem::not_found())?;
    let account = catalog.account(id)?;
    let tenant = caller.current.actor.tenant;
    account.filter(|account| account.tenant == tenant).ok_or_else(Problem::not_found)
}
