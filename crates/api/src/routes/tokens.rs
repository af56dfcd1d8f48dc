//! Tokens by which programs use the API as an account.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use identity::{API_TOKEN_DAYS_MAX, NewToken};
use model::{ApiTokenId, Timestamp};
use policy::Permission;

use crate::body::{Body, Path};
use crate::caller::Person;
use crate::dto;
use crate::problem::Problem;
use crate::routes::search::written;
use crate::state::AppState;

/// The caller's tokens.
#[utoipa::path(
    get,
    path = "/api/v1/me/tokens",
    operation_id = "ownTokens",
    responses(
        (status = 200, description = "oldest first", body = dto::ApiTokens),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn tokens(
    State(state): State<AppState>,
    Person(caller): Person,
) -> Result<Json<dto::ApiTokens>, Problem> {
    let identity = state.identity.clone();
    let work = move || {
        let account = &caller.current.account;
        let tokens = identity.tokens(account.id, caller.now)?;
        Ok(dto::ApiTokens {
            tokens: tokens.iter().map(token).collect(),
            scopes: names(policy::permissions(account.role)),
            days_max: API_TOKEN_DAYS_MAX,
        })
    };
    Ok(Json(state.blocking.read(work).await?))
}

/// Makes a token that may do at most what the caller may.
#[utoipa::path(
    post,
    path = "/api/v1/me/tokens",
    operation_id = "createToken",
    request_body = dto::NewApiToken,
    responses(
        (status = 201, description = "shown once", body = dto::CreatedApiToken),
        (status = 400, description = "scopes beyond the account's, or too long a life", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn create_token(
    State(state): State<AppState>,
    Person(caller): Person,
    Body(new): Body<dto::NewApiToken>,
) -> Result<(StatusCode, Json<dto::CreatedApiToken>), Problem> {
    let identity = state.identity.clone();
    let work = move || {
        let account = &caller.current.account;
        let expires_at: Timestamp = new
            .expires_at
            .parse()
            .map_err(|_| Problem::bad_request("token", "expiresAt is no date and time"))?;
        let scopes = scopes(&new.scopes)?;
        if new.name.trim().is_empty() || new.name.chars().count() > catalog::NAME_CHARS_MAX {
            return Err(Problem::bad_request("token", "give a name of at most 200 characters"));
        }
        if identity.tokens(account.id, caller.now)?.len() >= catalog::API_TOKENS_MAX as usize {
            return Err(Problem::bad_request("token", "too many tokens; revoke one"));
        }
        let read_only = new.read_only;
        let wanted = NewToken { name: &new.name, scopes: &scopes, read_only, expires_at };
        Ok(identity.create_token(account, &wanted, &account.user_name, caller.now)?)
    };
    let (text, created) = state.blocking.read(work).await?;
    let answer = dto::CreatedApiToken { token: text, details: token(&created) };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Ends one of the caller's tokens.
#[utoipa::path(
    delete,
    path = "/api/v1/me/tokens/{id}",
    operation_id = "revokeOwnToken",
    params(("id" = String, Path, description = "the token")),
    responses(
        (status = 204, description = "ended"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "the account has no such token", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn revoke_token(
    State(state): State<AppState>,
    Person(caller): Person,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id: ApiTokenId = id.parse().map_err(|_| Problem::not_found())?;
    let identity = state.identity.clone();
    let work = move || {
        let account = &caller.current.account;
        match identity.revoke_token(account, id, &account.user_name, caller.now)? {
            true => Ok(StatusCode::NO_CONTENT),
            false => Err(Problem::not_found()),
        }
    };
    state.blocking.read(work).await
}

pub fn token(token: &catalog::ApiToken) -> dto::ApiToken {
    dto::ApiToken {
        id: token.id.to_string(),
        name: token.name.clone(),
        prefix: token.prefix.clone(),
        scopes: names(&token.scopes),
        read_only: token.read_only,
        created_at: written(token.created_at),
        expires_at: written(token.expires_at),
        last_used_at: token.last_used_at.map(written),
    }
}

fn names(permissions: &[Permission]) -> Vec<String> {
    permissions.iter().map(|permission| permission.name().to_owned()).collect()
}

fn scopes(names: &[String]) -> Result<Vec<Permission>, Problem> {
    let named = |name: &String| Permission::ALL.into_iter().find(|it| it.name() == name.as_str());
    let unknown = || Problem::bad_request("token", "a scope is the name of a right");
    names.iter().map(|name| named(name).ok_or_else(unknown)).collect()
}
