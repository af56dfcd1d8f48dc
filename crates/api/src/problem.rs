use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::dto::Span;

/// A refusal in the form of RFC 9457.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Always `about:blank`: `code` tells problems apart.
    pub r#type: &'static str,
    pub title: &'static str,
    pub status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Stable; what programs and translations go by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// What exactly is wrong with the query, such as `query.bad_date`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The part of the query that was not understood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Span>,
    #[serde(skip)]
    pub retry_after_seconds: Option<u64>,
}

impl Problem {
    pub fn new(status: StatusCode, code: &'static str) -> Self {
        Self {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or("Problem"),
            status: status.as_u16(),
            detail: None,
            code: Some(code),
            reason: None,
            position: None,
            retry_after_seconds: None,
        }
    }

    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// What does not exist, or does not exist for this account.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found")
    }

    pub fn not_signed_in() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "not-signed-in")
    }

    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code).detail(detail)
    }

    pub fn busy() -> Self {
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy");
        problem.retry_after_seconds = Some(1);
        problem
    }

    /// Something that the caller cannot help; written to the log, not told.
    pub fn internal(error: &dyn std::error::Error) -> Self {
        let mut causes = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            causes = format!("{causes}: {cause}");
            source = cause.source();
        }
        tracing::error!(error = causes, "request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry = self.retry_after_seconds;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<catalog::CatalogError> for Problem {
    fn from(error: catalog::CatalogError) -> Self {
        use catalog::{CatalogError, ErrorKind};
        match error {
            CatalogError::Conflict(conflict) => {
                Self::new(StatusCode::CONFLICT, conflict.code()).detail(error.to_string())
            }
            CatalogError::Invalid(_) => Self::bad_request("invalid", error.to_string()),
            CatalogError::NotFound(_) => Self::not_found(),
            CatalogError::Policies(_) => Self::bad_request("retention-policies", error.to_string()),
            _ if error.kind() == ErrorKind::Retry => Self::busy(),
            _ => Self::internal(&error),
        }
    }
}

impl From<lifecycle::Error> for Problem {
    fn from(error: lifecycle::Error) -> Self {
        use lifecycle::Error;
        let (status, code) = match error {
            Error::Catalog(error) => return error.into(),
            Error::Busy => return Self::busy(),
            Error::Held => (StatusCode::CONFLICT, "held"),
            Error::NoPolicies => (StatusCode::CONFLICT, "no-policies"),
            Error::NoReason => (StatusCode::BAD_REQUEST, "reason"),
            Error::NotProposed => (StatusCode::CONFLICT, "not-proposed"),
            Error::OwnProposal => (StatusCode::CONFLICT, "own-proposal"),
            Error::UnknownRecord => (StatusCode::BAD_REQUEST, "records"),
            error => return Self::internal(&error),
        };
        Self::new(status, code).detail(error.to_string())
    }
}

impl From<identity::IdentityError> for Problem {
    fn from(error: identity::IdentityError) -> Self {
        use identity::IdentityError as Error;
        let (status, code) = match error {
            Error::BadCode => (StatusCode::UNAUTHORIZED, "bad-code"),
            Error::BadCredentials => (StatusCode::UNAUTHORIZED, "bad-credentials"),
            Error::BadProvider(_) => (StatusCode::BAD_REQUEST, "provider"),
            Error::BadToken(_) => (StatusCode::BAD_REQUEST, "token"),
            Error::DirectoryUnreachable => {
                (StatusCode::SERVICE_UNAVAILABLE, "directory-unreachable")
            }
            Error::Expired => (StatusCode::GONE, "expired"),
            Error::LocalSignInOff => (StatusCode::FORBIDDEN, "local-sign-in-off"),
            Error::NoSession => return Self::not_signed_in(),
            Error::NoSite => (StatusCode::CONFLICT, "no-public-url"),
            Error::NotFresh => (StatusCode::FORBIDDEN, "sign-in-again"),
            Error::OwnAccount => (StatusCode::CONFLICT, "own-account"),
            Error::PlanChanged => (StatusCode::CONFLICT, "plan-changed"),
            Error::PlanRefused => (StatusCode::CONFLICT, "plan-refused"),
            Error::OwnRequest => (StatusCode::CONFLICT, "own-request"),
            Error::PasskeyRefused => (StatusCode::UNAUTHORIZED, "passkey-refused"),
            Error::Refused(refusal) => (StatusCode::FORBIDDEN, refusal.code()),
            Error::Throttled { .. } => {
                return Self::new(StatusCode::TOO_MANY_REQUESTS, "throttled")
                    .detail("too many attempts");
            }
            Error::WeakPassword(weak) => (StatusCode::BAD_REQUEST, weak_password(weak)),
            Error::Catalog(error) => return error.into(),
            Error::Hash | Error::Secret(_) | Error::Ticket => return Self::internal(&error),
        };
        Self::new(status, code).detail(error.to_string())
    }
}

const fn weak_password(weak: identity::WeakPassword) -> &'static str {
    use identity::WeakPassword;
    match weak {
        WeakPassword::IsUserName => "password-is-user-name",
        WeakPassword::Monotonous => "password-monotonous",
        WeakPassword::Same => "password-same",
        WeakPassword::TooLong => "password-too-long",
        WeakPassword::TooShort => "password-too-short",
    }
}

impl From<identity::directory::DirectoryError> for Problem {
    fn from(error: identity::directory::DirectoryError) -> Self {
        use identity::directory::DirectoryError;
        match error {
            DirectoryError::Catalog(error) => error.into(),
            DirectoryError::Config(_) | DirectoryError::Filter(_) => {
                Self::bad_request("directory-config", error.to_string())
            }
            DirectoryError::Running => {
                Self::new(StatusCode::CONFLICT, "running").detail(error.to_string())
            }
            // The other side's fault, told to who configures it.
            other => Self::new(StatusCode::BAD_GATEWAY, other.code()).detail(other.to_string()),
        }
    }
}

impl From<discovery::Error> for Problem {
    fn from(error: discovery::Error) -> Self {
        match error {
            discovery::Error::Catalog(error) => error.into(),
            discovery::Error::BadCursor => Self::bad_request("cursor", error.to_string()),
            discovery::Error::BadCustodian(_) => Self::bad_request("custodian", error.to_string()),
            discovery::Error::TooMany(_) => Self::bad_request("mails", error.to_string()),
            discovery::Error::Held => {
                Self::new(StatusCode::CONFLICT, "held").detail(error.to_string())
            }
            discovery::Error::NotFound(_) => Self::not_found(),
            discovery::Error::BadSort => Self::bad_request("sort", error.to_string()),
            discovery::Error::Query { key, detail, start, end } => {
                let mut problem = Self::bad_request("query", detail);
                let units = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
                problem.position = Some(Span { start: units(start), end: units(end) });
                problem.reason = Some(key);
                problem
            }
            _ => Self::internal(&error),
        }
    }
}

impl From<crate::state::DeskError> for Problem {
    fn from(error: crate::state::DeskError) -> Self {
        use crate::state::DeskError;
        match error {
            DeskError::Busy => Self::busy(),
            DeskError::Failed(_) => Self::internal(&error),
            DeskError::NotFound => Self::not_found(),
            DeskError::Refused { code, detail } => Self::bad_request(code, detail),
        }
    }
}
