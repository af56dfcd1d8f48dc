use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use catalog::{AuditEvent, AuditOutcome};
use identity::Current;
use model::{TenantId, Timestamp};
use policy::{Permission, Scope};

use crate::problem::Problem;
use crate::state::{AppState, Peer, Settings};

/// The header that repeats the session's CSRF token.
pub const CSRF_HEADER: &str = "x-csrf-token";

/// The cookie's name. `__Host-` makes browsers refuse it from other hosts, paths and clear text.
pub fn cookie_name(settings: &Settings) -> &'static str {
    if settings.tls { "__Host-chancery" } else { "chancery" }
}

/// The session's token from the cookie.
pub fn token(headers: &HeaderMap, settings: &Settings) -> Option<String> {
    let name = cookie_name(settings);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}

/// Who asks, signed in. Requests that change something carry the CSRF token.
pub struct Caller {
    pub current: Current,
    pub token: String,
    pub ip: Option<IpAddr>,
    pub now: Timestamp,
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let token = token(&parts.headers, &state.settings).ok_or_else(Problem::not_signed_in)?;
        let now = state.clock.now();
        let identity = state.identity.clone();
        let session = token.clone();
        let current = state.blocking.read(move || Ok(identity.current(&session, now)?)).await?;
        let current = current.ok_or_else(Problem::not_signed_in)?;
        let harmless = matches!(parts.method, Method::GET | Method::HEAD);
        let csrf = parts.headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok());
        if !harmless && !csrf.is_some_and(|csrf| current.csrf_matches(csrf)) {
            return Err(Problem::new(StatusCode::FORBIDDEN, "csrf"));
        }
        Ok(Self { current, token, ip: peer(parts), now })
    }
}

/// A caller who has done what must be done first; most routes want this one.
pub struct Ready(pub Caller);

impl FromRequestParts<AppState> for Ready {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        if caller.current.account.must_change_password {
            return Err(Problem::new(StatusCode::FORBIDDEN, "must-change-password"));
        }
        Ok(Self(caller))
    }
}

pub fn peer(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<Peer>().map(|peer| peer.0)
}

impl Caller {
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
