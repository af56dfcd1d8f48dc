//! How accounts of a tenant sign in, and the way through an OpenID provider.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use identity::oidc::{Answer, PROVIDER_SECONDS_MAX};
use model::ProviderId;
use policy::Permission;

use crate::body::{Body, Path, Query};
use crate::caller::{Person, Ready, cookie, set_cookie};
use crate::dto;
use crate::problem::Problem;
use crate::routes::session::{agent, set_session};
use crate::state::{AppState, Peer};

/// Between leaving for a provider and coming back. `Lax`: the browser comes from elsewhere.
const PROVIDER_COOKIE: &str = "chancery-provider";

/// Which providers to offer on the sign-in page.
#[utoipa::path(
    get,
    path = "/api/v1/sign-in/methods",
    operation_id = "signInMethods",
    params(dto::SignInMethodsParams),
    responses((status = 200, description = "besides the password", body = dto::SignInMethods)),
)]
pub async fn methods(
    State(state): State<AppState>,
    Query(params): Query<dto::SignInMethodsParams>,
) -> Result<Json<dto::SignInMethods>, Problem> {
    let identity = state.identity.clone();
    let work = move || Ok(identity.offered_providers(&params.user_name)?);
    let offered = state.blocking.read(work).await?.into_iter();
    let providers =
        offered.map(|it| dto::OfferedProvider { id: it.id.to_string(), name: it.name }).collect();
    Ok(Json(dto::SignInMethods { providers }))
}

/// Leaves for a provider: the page goes to `location`.
#[utoipa::path(
    post,
    path = "/api/v1/sign-in/providers/{id}/start",
    operation_id = "startAtProvider",
    params(("id" = String, Path, description = "the provider")),
    request_body = dto::ProviderStart,
    responses(
        (status = 200, description = "the provider's page", body = dto::Location),
        (status = 403, description = "not offered, or not reachable (`provider-off`, `unreachable`, `wrong-issuer`, `bad-answer`)", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "the server's name is not configured (`no-public-url`)", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn begin(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Body(start): Body<dto::ProviderStart>,
) -> Result<Response, Problem> {
    let id: ProviderId = id.parse().map_err(|_| Problem::not_found())?;
    let (identity, now) = (state.identity.clone(), state.clock.now());
    let work = move || {
        let (hint, page) = (start.login_hint.as_deref(), start.return_to.as_deref());
        Ok(identity.begin_at_provider(id, hint, page, now)?)
    };
    let begun = state.blocking.ask_others(work).await?;
    let mut response = Json(dto::Location { location: begun.location }).into_response();
    let age = Some(PROVIDER_SECONDS_MAX);
    set_cookie(&mut response, &state.settings, PROVIDER_COOKIE, &begun.ticket, age, "Lax");
    Ok(response)
}

/// Comes back from a provider: sets the session's cookie and goes on to the page; or to
/// `/sign-in?error=<code>`, where the code is one of `account-disabled`, `already-linked`,
/// `bad-answer`, `bad-signature`, `cancelled`, `code-refused`, `expired`, `foreign-tenant`,
/// `groups-unknown`, `missing-claim`, `no-role`, `provider-off`, `replayed`, `token-expired`,
/// `unknown-account`, `unreachable`, `wrong-audience`, `wrong-issuer`, `wrong-nonce`,
/// `wrong-state`, `busy`, `internal`.
#[utoipa::path(
    get,
    path = "/api/v1/sign-in/providers/{id}/callback",
    operation_id = "comeBackFromProvider",
    params(("id" = String, Path, description = "the provider"), dto::ProviderAnswer),
    responses((status = 303, description = "to a page")),
)]
pub async fn come_back(
    State(state): State<AppState>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(brought): Query<dto::ProviderAnswer>,
) -> Result<Response, Problem> {
    let id: ProviderId = id.parse().map_err(|_| Problem::not_found())?;
    let ip = peer.map(|Extension(Peer(ip))| ip);
    let agent = agent(&headers);
    let ticket = cookie(&headers, &state.settings, PROVIDER_COOKIE);
    let (identity, now) = (state.identity.clone(), state.clock.now());
    let work = move || {
        let answer = Answer {
            code: brought.code.as_deref(),
            state: brought.state.as_deref(),
            error: brought.error.as_deref(),
            issuer: brought.iss.as_deref(),
        };
        let (signed_in, page) =
            identity.finish_at_provider(id, ticket.as_deref(), &answer, ip, &agent, now)?;
        Ok((signed_in.token, page))
    };
    let (token, page) = match state.blocking.ask_others(work).await {
        Ok((token, page)) => (Some(token), page),
        Err(problem) => (None, format!("/sign-in?error={}", problem.code.unwrap_or("internal"))),
    };
    let mut response = StatusCode::SEE_OTHER.into_response();
    // Pages of ours are made of graphic ASCII.
    if let Ok(page) = HeaderValue::from_str(&page) {
        response.headers_mut().insert(header::LOCATION, page);
    }
    set_cookie(&mut response, &state.settings, PROVIDER_COOKIE, "", Some(0), "Lax");
    if let Some(token) = token {
        set_session(&mut response, &state, &token);
    }
    Ok(response)
}

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
