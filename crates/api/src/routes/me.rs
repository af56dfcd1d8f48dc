//! What people do about their own second factors and sessions.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use catalog::PasskeyRow;
use identity::{Confirmed, FRESH_SECONDS_MAX, session_id};

use crate::body::{Body, Path};
use crate::caller::{Caller, Person};
use crate::dto;
use crate::problem::Problem;
use crate::routes::search::written;
use crate::state::AppState;

/// The caller's second factors.
#[utoipa::path(
    get,
    path = "/api/v1/me/second-factors",
    operation_id = "secondFactors",
    responses(
        (status = 200, description = "the factors", body = dto::SecondFactors),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn second_factors(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<dto::SecondFactors>, Problem> {
    let identity = state.identity.clone();
    let work = move || {
        let account = &caller.current.account;
        let begun = caller.current.session().map(|session| session.created_at);
        let factors = identity.second_factors(account.id)?;
        Ok(dto::SecondFactors {
            totp: factors.totp.is_some(),
            totp_since: factors.totp.as_ref().map(|totp| written(totp.created_at)),
            passkeys: factors.passkeys.iter().map(passkey).collect(),
            recovery_codes: factors.recovery_codes,
            required: identity.second_factor_required(account)?,
            can_change: begun
                .is_some_and(|at| caller.now < at.saturating_add_seconds(FRESH_SECONDS_MAX)),
        })
    };
    Ok(Json(state.blocking.read(work).await?))
}

/// Draws the secret of a generator of one-time passwords; it counts once it is confirmed.
#[utoipa::path(
    post,
    path = "/api/v1/me/second-factors/totp",
    operation_id = "offerTotp",
    responses(
        (status = 200, description = "to be shown as a QR code", body = dto::TotpOffer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "sign in again first (`sign-in-again`)", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn offer_totp(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<dto::TotpOffer>, Problem> {
    let identity = state.identity.clone();
    let work = move || Ok(identity.offer_totp(&caller.current, caller.now)?);
    let offer = state.blocking.read(work).await?;
    Ok(Json(dto::TotpOffer {
        ticket: offer.ticket,
        secret: offer.secret,
        uri: offer.uri,
        qr_png: offer.qr_png,
    }))
}

/// Confirms the generator with its first one-time password.
#[utoipa::path(
    post,
    path = "/api/v1/me/second-factors/totp/confirm",
    operation_id = "confirmTotp",
    request_body = dto::TotpConfirmation,
    responses(
        (status = 200, description = "it counts from now on", body = dto::SecondFactorAdded),
        (status = 401, description = "the code is wrong (`bad-code`), or nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "sign in again first (`sign-in-again`)", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "this took too long; begin again", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn confirm_totp(
    State(state): State<AppState>,
    caller: Caller,
    Body(confirmation): Body<dto::TotpConfirmation>,
) -> Result<Json<dto::SecondFactorAdded>, Problem> {
    let identity = state.identity.clone();
    let work = move || {
        let dto::TotpConfirmation { ticket, code } = &confirmation;
        Ok(identity.confirm_totp(&caller.current, ticket, code, caller.now)?)
    };
    Ok(Json(added(state.blocking.read(work).await?)))
}

/// Takes the generator away.
#[utoipa::path(
    delete,
    path = "/api/v1/me/second-factors/totp",
    operation_id = "removeTotp",
    responses(
        (status = 204, description = "gone"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "sign in again first (`sign-in-again`)", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn remove_totp(
    State(state): State<AppState>,
    Person(caller): Person,
) -> Result<StatusCode, Problem> {
    let identity = state.identity.clone();
    let work = move || Ok(identity.remove_totp(&caller.current, caller.now)?);
    state.blocking.read(work).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks for a new passkey.
#[utoipa::path(
    post,
    path = "/api/v1/me/second-factors/passkeys",
    operation_id = "offerPasskey",
    responses(
        (status = 200, description = "for `navigator.credentials.create`", body = dto::PasskeyOptions),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "sign in again first (`sign-in-again`)", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "the server's name is not configured (`no-public-url`)", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn offer_passkey(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<dto::PasskeyOptions>, Problem> {
    let identity = state.identity.clone();
    let work = move || Ok(identity.offer_passkey(&caller.current, caller.now)?);
    let offer = state.blocking.read(work).await?;
    Ok(Json(dto::PasskeyOptions { ticket: offer.ticket, options: offer.options }))
}

/// Takes the new passkey that the authenticator made.
#[utoipa::path(
    post,
    path = "/api/v1/me/second-factors/passkeys/confirm",
    operation_id = "confirmPasskey",
    request_body = dto::NewPasskey,
    responses(
        (status = 200, description = "it counts from now on", body = dto::SecondFactorAdded),
        (status = 401, description = "not accepted (`passkey-refused`), or nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "sign in again first (`sign-in-again`)", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "this took too long; begin again", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn confirm_passkey(
    State(state): State<AppState>,
    caller: Caller,
    Body(new): Body<dto::NewPasskey>,
) -> Result<Json<dto::SecondFactorAdded>, Problem> {
    let identity = state.identity.clone();
    let work = move || {
        let dto::NewPasskey { ticket, name, credential } = &new;
        let current = &caller.current;
        Ok(identity.confirm_passkey(current, ticket, name, credential, caller.now)?)
    };
    Ok(Json(added(state.blocking.read(work).await?)))
}

/// Takes a passkey away.
#[utoipa::path(
    delete,
    path = "/api/v1/me/second-factors/passkeys/{id}",
    operation_id = "removePasskey",
    params(("id" = String, Path, description = "the passkey")),
    responses(
        (status = 204, description = "gone"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "sign in again first (`sign-in-again`)", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "the account has no such passkey", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn remove_passkey(
    State(state): State<AppState>,
    Person(caller): Person,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let identity = state.identity.clone();
    let work = move || {
        let id = unhex(&id).ok_or_else(Problem::not_found)?;
        match identity.remove_passkey(&caller.current, &id, caller.now)? {
            true => Ok(StatusCode::NO_CONTENT),
            false => Err(Problem::not_found()),
        }
    };
    state.blocking.read(work).await
}

/// Draws new recovery codes; the old ones end.
#[utoipa::path(
    post,
    path = "/api/v1/me/second-factors/recovery-codes",
    operation_id = "newRecoveryCodes",
    responses(
        (status = 200, description = "shown once", body = dto::RecoveryCodes),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "sign in again first (`sign-in-again`)", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "there is no second factor to recover", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn new_recovery_codes(
    State(state): State<AppState>,
    Person(caller): Person,
) -> Result<Json<dto::RecoveryCodes>, Problem> {
    let identity = state.identity.clone();
    let work = move || Ok(identity.new_recovery_codes(&caller.current, caller.now)?);
    let recovery_codes = state.blocking.read(work).await?;
    Ok(Json(dto::RecoveryCodes { recovery_codes }))
}

/// Where the caller is signed in.
#[utoipa::path(
    get,
    path = "/api/v1/me/sessions",
    operation_id = "ownSessions",
    responses(
        (status = 200, description = "latest use first", body = [dto::OpenSession]),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn sessions(
    State(state): State<AppState>,
    Person(caller): Person,
) -> Result<Json<Vec<dto::OpenSession>>, Problem> {
    let identity = state.identity.clone();
    let work = move || {
        let own = caller.current.session().map(session_id);
        let sessions = identity.sessions(caller.current.account.id, caller.now)?;
        Ok(sessions.iter().map(|one| open_session(one, own.as_deref())).collect())
    };
    Ok(Json(state.blocking.read(work).await?))
}

/// Ends all of the caller's sessions but this one.
#[utoipa::path(
    delete,
    path = "/api/v1/me/sessions",
    operation_id = "endOtherSessions",
    responses(
        (status = 200, description = "how many", body = dto::Ended),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn end_other_sessions(
    State(state): State<AppState>,
    Person(caller): Person,
) -> Result<Json<dto::Ended>, Problem> {
    let catalog = state.catalog.clone();
    let work = move || {
        let id = caller.current.account.id;
        let keep = caller.current.session().map(|session| session.token_hash);
        let ended = catalog.end_other_sessions(id, keep)?;
        let detail = serde_json::json!({ "ended": ended });
        catalog.audit(&[caller.event("session.end", id.to_string(), detail)])?;
        Ok(dto::Ended { ended })
    };
    Ok(Json(state.blocking.read(work).await?))
}

/// Ends one of the caller's sessions.
#[utoipa::path(
    delete,
    path = "/api/v1/me/sessions/{id}",
    operation_id = "endOwnSession",
    params(("id" = String, Path, description = "the session")),
    responses(
        (status = 204, description = "ended"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "the account has no such session", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn end_session(
    State(state): State<AppState>,
    Person(caller): Person,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let (identity, catalog) = (state.identity.clone(), state.catalog.clone());
    let work = move || {
        let account = caller.current.account.id;
        if !identity.end_session(account, &id)? {
            return Err(Problem::not_found());
        }
        let detail = serde_json::json!({ "session": id });
        catalog.audit(&[caller.event("session.end", account.to_string(), detail)])?;
        Ok(StatusCode::NO_CONTENT)
    };
    state.blocking.read(work).await
}

fn added(confirmed: Confirmed) -> dto::SecondFactorAdded {
    dto::SecondFactorAdded { recovery_codes: confirmed.recovery_codes }
}

pub fn passkey(row: &PasskeyRow) -> dto::Passkey {
    dto::Passkey {
        id: row.id.iter().map(|byte| format!("{byte:02x}")).collect(),
        name: row.name.clone(),
        created_at: written(row.created_at),
        last_used_at: row.last_used_at.map(written),
    }
}

pub fn open_session(session: &catalog::Session, own: Option<&str>) -> dto::OpenSession {
    let id = session_id(session);
    dto::OpenSession {
        created_at: written(session.created_at),
        last_seen_at: written(session.last_seen_at),
        expires_at: written(session.expires_at),
        ip: session.ip.map(|ip| ip.to_string()),
        agent: session.agent.clone(),
        method: session.method.into(),
        current: own == Some(id.as_str()),
        id,
    }
}

/// `None` for what is not pairs of hexadecimal digits.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| !digits.is_empty() && digits.len() % 2 == 0)?;
    digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()).collect()
}
