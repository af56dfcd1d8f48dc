use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use catalog::Account;
use identity::IdentityError;
use model::Timestamp;

use crate::body::Body;
use crate::caller::{Caller, cookie_name};
use crate::dto;
use crate::problem::Problem;
use crate::state::{AppState, Peer};

/// Longer names of browsers are cut.
const AGENT_CHARS_MAX: usize = 300;

/// Signs in and sets the session's cookie.
#[utoipa::path(
    post,
    path = "/api/v1/session",
    operation_id = "signIn",
    request_body = dto::Credentials,
    responses(
        (status = 200, description = "signed in", body = dto::Session),
        (status = 401, description = "user name or password is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "too many attempts; see Retry-After", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn sign_in(
    State(state): State<AppState>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Body(credentials): Body<dto::Credentials>,
) -> Result<Response, Problem> {
    let ip = peer.map(|Extension(Peer(ip))| ip);
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let agent: String = agent.unwrap_or_default().chars().take(AGENT_CHARS_MAX).collect();
    let now = state.clock.now();
    let (identity, catalog) = (state.identity.clone(), state.catalog.clone());
    let work = move || {
        let credentials = identity::Credentials {
            user_name: &credentials.user_name,
            password: &credentials.password,
            ip,
            agent: &agent,
        };
        let signed_in = identity.sign_in(&credentials, now).map_err(|error| refused(error, now))?;
        let answer = describe(&*catalog, &signed_in.account, signed_in.session.csrf.clone())?;
        Ok((signed_in.token, answer))
    };
    let (token, answer) = state.blocking.check_password(work).await?;
    let mut response = Json(answer).into_response();
    set_cookie(&mut response, &state, &token, None);
    Ok(response)
}

/// Who is signed in.
#[utoipa::path(
    get,
    path = "/api/v1/session",
    operation_id = "session",
    responses(
        (status = 200, description = "the session", body = dto::Session),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn session(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<dto::Session>, Problem> {
    let catalog = state.catalog.clone();
    let current = caller.current;
    let work = move || describe(&*catalog, &current.account, current.session.csrf.clone());
    Ok(Json(state.blocking.read(work).await?))
}

/// Signs out.
#[utoipa::path(
    delete,
    path = "/api/v1/session",
    operation_id = "signOut",
    responses(
        (status = 204, description = "signed out"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn sign_out(State(state): State<AppState>, caller: Caller) -> Result<Response, Problem> {
    let (identity, catalog) = (state.identity.clone(), state.catalog.clone());
    let work = move || {
        identity.sign_out(&caller.token)?;
        let object = caller.current.account.id.to_string();
        catalog.audit(&[caller.event("sign-out", object, serde_json::Value::Null)])?;
        Ok(())
    };
    state.blocking.read(work).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    set_cookie(&mut response, &state, "", Some(0));
    Ok(response)
}

/// Changes the password and ends the account's other sessions.
#[utoipa::path(
    post,
    path = "/api/v1/session/password",
    operation_id = "changePassword",
    request_body = dto::PasswordChange,
    responses(
        (status = 204, description = "changed"),
        (status = 400, description = "the new password is refused; `code` says why", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "the present password is wrong, or nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "too many attempts; see Retry-After", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn change_password(
    State(state): State<AppState>,
    caller: Caller,
    Body(change): Body<dto::PasswordChange>,
) -> Result<StatusCode, Problem> {
    let identity = state.identity.clone();
    let work = move || {
        identity
            .change_password(&caller.token, &change.current, &change.new, caller.now)
            .map_err(|error| refused(error, caller.now))
    };
    state.blocking.check_password(work).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn refused(error: IdentityError, now: Timestamp) -> Problem {
    let retry_after_seconds = error.retry_after_seconds(now);
    Problem { retry_after_seconds, ..Problem::from(error) }
}

fn describe(
    catalog: &dyn catalog::Catalog,
    account: &Account,
    csrf_token: String,
) -> Result<dto::Session, Problem> {
    let tenant = account.tenant.map(|id| catalog.tenant(id)).transpose()?.flatten();
    let mut addresses: Vec<String> =
        catalog.addresses(account.id)?.into_iter().map(|owned| owned.key).collect();
    addresses.dedup();
    Ok(dto::Session {
        account: dto::Account {
            id: account.id.to_string(),
            user_name: account.user_name.clone(),
            display_name: account.display_name.clone(),
            first_name: account.first_name.clone(),
            last_name: account.last_name.clone(),
            role: account.role.into(),
            permissions: policy::permissions(account.role)
                .iter()
                .map(|permission| permission.name().to_owned())
                .collect(),
            tenant: tenant
                .map(|tenant| dto::Tenant { id: tenant.id.to_string(), name: tenant.name }),
            addresses,
            language: account.language.clone(),
        },
        csrf_token,
        must_change_password: account.must_change_password,
    })
}

fn set_cookie(response: &mut Response, state: &AppState, token: &str, age_seconds: Option<u32>) {
    let name = cookie_name(&state.settings);
    let secure = if state.settings.tls { "; Secure" } else { "" };
    let age = age_seconds.map(|age| format!("; Max-Age={age}")).unwrap_or_default();
    let cookie = format!("{name}={token}; Path=/; HttpOnly; SameSite=Strict{secure}{age}");
    // A token is made of hexadecimal digits: always a valid header value.
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}
