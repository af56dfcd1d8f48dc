use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use catalog::Account;
use identity::{IdentityError, PENDING_SECONDS_MAX, Proof, SignIn};
use model::Timestamp;

use crate::body::Body;
use crate::caller::{Caller, SESSION_COOKIE, cookie, set_cookie};
use crate::dto;
use crate::problem::Problem;
use crate::state::{AppState, Peer};

/// Longer names of browsers are cut.
const AGENT_CHARS_MAX: usize = 300;

/// Between the password and the second factor.
const PENDING_COOKIE: &str = "chancery-pending";

/// Signs in and sets the session's cookie; or asks for the second factor, and sets a cookie for
/// that.
#[utoipa::path(
    post,
    path = "/api/v1/session",
    operation_id = "signIn",
    request_body = dto::Credentials,
    responses(
        (status = 200, description = "signed in", body = dto::Session),
        (status = 202, description = "the password is right; the second factor is to be shown", body = dto::SecondFactorNeeded),
        (status = 401, description = "user name or password is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "passwords are for administrators only (`local-sign-in-off`)", body = Problem, content_type = "application/problem+json"),
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
    let agent = agent(&headers);
    let now = state.clock.now();
    let (identity, catalog) = (state.identity.clone(), state.catalog.clone());
    let work = move || {
        let credentials = identity::Credentials {
            user_name: &credentials.user_name,
            password: &credentials.password,
            ip,
            agent: &agent,
        };
        let sign_in = identity.sign_in(&credentials, now).map_err(|error| refused(error, now))?;
        Ok(match sign_in {
            SignIn::Complete(signed_in) => {
                let answer = describe(&*catalog, &signed_in.account, &signed_in.session)?;
                Ok((signed_in.token, answer))
            }
            SignIn::SecondFactor(pending) => Err(pending),
        })
    };
    match state.blocking.check_password(work).await? {
        Ok((token, answer)) => {
            let mut response = Json(answer).into_response();
            set_session(&mut response, &state, &token);
            Ok(response)
        }
        Err(pending) => {
            let needed = dto::SecondFactorNeeded {
                totp: pending.totp,
                passkeys: pending.passkeys,
                recovery_codes: pending.recovery_codes,
                expires_in_seconds: PENDING_SECONDS_MAX,
            };
            let mut response = (StatusCode::ACCEPTED, Json(needed)).into_response();
            let age = Some(PENDING_SECONDS_MAX);
            set_cookie(
                &mut response,
                &state.settings,
                PENDING_COOKIE,
                &pending.ticket,
                age,
                "Strict",
            );
            Ok(response)
        }
    }
}

/// Shows the second factor, and sets the session's cookie.
#[utoipa::path(
    post,
    path = "/api/v1/session/second-factor",
    operation_id = "showSecondFactor",
    request_body = dto::SecondFactorProof,
    responses(
        (status = 200, description = "signed in", body = dto::Session),
        (status = 401, description = "wrong or used before (`bad-code`, `passkey-refused`)", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "the password must be entered anew", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "too many attempts; see Retry-After", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn show_second_factor(
    State(state): State<AppState>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Body(shown): Body<dto::SecondFactorProof>,
) -> Result<Response, Problem> {
    let ip = peer.map(|Extension(Peer(ip))| ip);
    let agent = agent(&headers);
    let now = state.clock.now();
    let ticket = pending_ticket(&headers, &state)?;
    let (identity, catalog) = (state.identity.clone(), state.catalog.clone());
    let work = move || {
        let proof = match (&shown.code, &shown.recovery_code, &shown.passkey) {
            (Some(code), None, None) => Proof::Code(code),
            (None, Some(code), None) => Proof::RecoveryCode(code),
            (None, None, Some(answer)) => {
                Proof::Passkey { ticket: &answer.ticket, credential: &answer.credential }
            }
            _ => return Err(Problem::bad_request("body", "show exactly one factor")),
        };
        let signed_in = identity
            .second_factor(&ticket, &proof, ip, &agent, now)
            .map_err(|error| refused(error, now))?;
        let answer = describe(&*catalog, &signed_in.account, &signed_in.session)?;
        Ok((signed_in.token, answer))
    };
    let (token, answer) = state.blocking.read(work).await?;
    let mut response = Json(answer).into_response();
    set_session(&mut response, &state, &token);
    set_cookie(&mut response, &state.settings, PENDING_COOKIE, "", Some(0), "Strict");
    Ok(response)
}

/// Asks for one of the passkeys of the account whose password was right.
#[utoipa::path(
    post,
    path = "/api/v1/session/second-factor/passkey",
    operation_id = "passkeyChallenge",
    responses(
        (status = 200, description = "for `navigator.credentials.get`", body = dto::PasskeyOptions),
        (status = 410, description = "the password must be entered anew", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn passkey_challenge(
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Json<dto::PasskeyOptions>, Problem> {
    let ticket = pending_ticket(&headers, &state)?;
    let (identity, now) = (state.identity.clone(), state.clock.now());
    let offer = state.blocking.read(move || Ok(identity.challenge(&ticket, now)?)).await?;
    Ok(Json(dto::PasskeyOptions { ticket: offer.ticket, options: offer.options }))
}

fn pending_ticket(headers: &HeaderMap, state: &AppState) -> Result<String, Problem> {
    let ticket = cookie(headers, &state.settings, PENDING_COOKIE);
    ticket.ok_or_else(|| Problem::from(IdentityError::Expired))
}

/// The browser's name for itself.
pub fn agent(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    agent.unwrap_or_default().chars().take(AGENT_CHARS_MAX).collect()
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
    let work = move || {
        let session = current.session().ok_or_else(Problem::not_signed_in)?;
        describe(&*catalog, &current.account, session)
    };
    Ok(Json(state.blocking.read(work).await?))
}

/// Signs out; at the OpenID provider as well where that is wanted.
#[utoipa::path(
    delete,
    path = "/api/v1/session",
    operation_id = "signOut",
    responses(
        (status = 200, description = "signed out here; the browser goes on to sign out at the provider", body = dto::Location),
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
        let session = caller.current.session();
        Ok(session.and_then(|session| identity.sign_out_location(session, caller.now)))
    };
    let mut response = match state.blocking.read(work).await? {
        Some(location) => Json(dto::Location { location }).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    };
    set_cookie(&mut response, &state.settings, SESSION_COOKIE, "", Some(0), "Strict");
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

pub fn refused(error: IdentityError, now: Timestamp) -> Problem {
    let retry_after_seconds = error.retry_after_seconds(now);
    Problem { retry_after_seconds, ..Problem::from(error) }
}

fn describe(
    catalog: &dyn catalog::Catalog,
    account: &Account,
    session: &catalog::Session,
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
        csrf_token: session.csrf.clone(),
        must_change_password: account.must_change_password,
        must_enrol_second_factor: session.must_enrol,
        method: session.method.into(),
    })
}

/// Gives the browser its session.
pub fn set_session(response: &mut Response, state: &AppState, token: &str) {
    set_cookie(response, &state.settings, SESSION_COOKIE, token, None, "Strict");
}
