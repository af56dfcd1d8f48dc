use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use catalog::{AuditEvent, AuditOutcome};
use identity::{Access, By, Current};
use model::{TenantId, Timestamp};
use policy::{Permission, Scope};

use crate::problem::Problem;
use crate::state::{AppState, Peer, Settings};

/// The header that repeats the session's CSRF token.
pub const CSRF_HEADER: &str = "x-csrf-token";

pub const SESSION_COOKIE: &str = "chancery";

/// The cookie's full name. `__Host-` makes browsers refuse it from other hosts, paths and clear
/// text.
fn full_name(settings: &Settings, name: &str) -> String {
    if settings.tls { format!("__Host-{name}") } else { name.to_owned() }
}

/// The value of our cookie `name`.
pub fn cookie(headers: &HeaderMap, settings: &Settings, name: &str) -> Option<String> {
    let name = full_name(settings, name);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}

/// Sets a cookie that scripts do not see. Values are our own tokens and tickets: letters, digits,
/// `-` and `_`.
pub fn set_cookie(
    response: &mut Response,
    settings: &Settings,
    name: &str,
    value: &str,
    age_seconds: Option<i64>,
    same_site: &str,
) {
    let name = full_name(settings, name);
    let secure = if settings.tls { "; Secure" } else { "" };
    let age = age_seconds.map(|age| format!("; Max-Age={age}")).unwrap_or_default();
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite={same_site}{secure}{age}");
    // Always a valid header value.
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// A person in a browser, signed in, whatever is to be done first. Programs are refused here: they
/// do not change credentials. Requests that change something carry the CSRF token.
pub struct Caller {
    pub current: Current,
    /// The session's token; empty for a program.
    pub token: String,
    pub ip: Option<IpAddr>,
    pub now: Timestamp,
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        if bearer(&parts.headers).is_some() {
            return Err(Problem::new(StatusCode::FORBIDDEN, "session-only"));
        }
        Self::by_session(parts, state).await
    }
}

impl Caller {
    async fn by_session(parts: &Parts, state: &AppState) -> Result<Self, Problem> {
        let token = cookie(&parts.headers, &state.settings, SESSION_COOKIE)
            .ok_or_else(Problem::not_signed_in)?;
        let now = state.clock.now();
        let identity = state.identity.clone();
        let session = token.clone();
        let current = state.blocking.read(move || Ok(identity.current(&session, now)?)).await?;
        let current = current.ok_or_else(Problem::not_signed_in)?;
        let csrf = parts.headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok());
        if !is_harmless(parts) && !csrf.is_some_and(|csrf| current.csrf_matches(csrf)) {
            return Err(Problem::new(StatusCode::FORBIDDEN, "csrf"));
        }
        Ok(Self { current, token, ip: peer(parts), now })
    }

    /// A browser never sends this header by itself: no CSRF token is needed.
    async fn by_token(parts: &Parts, state: &AppState, token: &str) -> Result<Self, Problem> {
        let now = state.clock.now();
        let (identity, token) = (state.identity.clone(), token.to_owned());
        let work = move || Ok(identity.current_by_token(&token, now)?);
        let current = state.blocking.read(work).await?.ok_or_else(Problem::not_signed_in)?;
        let read_only = matches!(&current.access, Access::Token(token) if token.read_only);
        if read_only && !is_harmless(parts) {
            return Err(Problem::new(StatusCode::FORBIDDEN, "read-only-token"));
        }
        Ok(Self { current, token: String::new(), ip: peer(parts), now })
    }
}

/// Somebody who has done what must be done first, or a program with a token; most routes want this
/// one. What it does is asked of [`Caller::may`], which knows the scopes of the token.
pub struct Ready(pub Caller);

impl FromRequestParts<AppState> for Ready {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let caller = match bearer(&parts.headers) {
            Some(token) => Caller::by_token(parts, state, token).await?,
            None => Caller::by_session(parts, state).await?,
        };
        caller.is_ready()?;
        Ok(Self(caller))
    }
}

/// A person in a browser who has done what must be done first: for what programs may not do.
pub struct Person(pub Caller);

impl FromRequestParts<AppState> for Person {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        caller.is_ready()?;
        Ok(Self(caller))
    }
}

fn is_harmless(parts: &Parts) -> bool {
    matches!(parts.method, Method::GET | Method::HEAD)
}

/// The API token of the request, if there is the header for one.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().unwrap_or_default();
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    Some(if scheme.eq_ignore_ascii_case("bearer") { token.trim() } else { "" })
}

pub fn peer(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<Peer>().map(|peer| peer.0)
}

impl Caller {
    fn is_ready(&self) -> Result<(), Problem> {
        if self.current.account.must_change_password {
            return Err(Problem::new(StatusCode::FORBIDDEN, "must-change-password"));
        }
        if self.current.must_enrol() {
            return Err(Problem::new(StatusCode::FORBIDDEN, "must-enrol-second-factor"));
        }
        Ok(())
    }

    /// What the caller may read. For others the archive does not exist.
    pub fn scope(&self) -> Result<Scope, Problem> {
        policy::authorize_read(&self.current.actor).map_err(|_| Problem::not_found())
    }

    /// The caller's tenant, if the role allows what `permission` names there.
    pub fn tenant_for(&self, permission: Permission) -> Result<TenantId, Problem> {
        self.may(permission)?;
        self.current.actor.tenant.ok_or_else(Problem::not_found)
    }

    pub fn may(&self, permission: Permission) -> Result<(), Problem> {
        policy::authorize(&self.current.actor, permission).map_err(|_| Problem::not_found())
    }

    /// The caller, for the audit log.
    pub fn by(&self) -> By {
        By {
            account: Some(self.current.account.id),
            who: self.current.account.user_name.clone(),
            ip: self.ip,
        }
    }

    /// An entry for the audit log about what the caller did.
    pub fn event(&self, action: &str, object: String, detail: serde_json::Value) -> AuditEvent {
        AuditEvent {
            at: self.now,
            tenant: self.current.actor.tenant,
            account: Some(self.current.account.id),
            who: self.current.account.user_name.clone(),
            action: action.to_owned(),
            object,
            detail,
            reason: None,
            outcome: AuditOutcome::Done,
            ip: self.ip,
        }
    }
}
