//! JSON over HTTP, described by OpenAPI; sessions; the embedded user interface.
//!
//! Every route asks `policy` what the caller may do, and reads within the [`policy::Scope`] that it
//! gets; what a caller may not see is answered 404. Blocking work runs apart, a bounded number at
//! a time.

mod assets;
mod blocking;
mod body;
mod caller;
mod download;
pub mod dto;
mod fetching;
mod http_figures;
mod live_log;
mod operation;
mod problem;
mod routes;
mod security;
mod state;
mod trail;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{And, DefaultPredicate, NotForContentType, Predicate};

pub use blocking::{Blocking, OUTSIDE_MAX, PASSWORD_CHECKS_MAX, READS_MAX};
pub use caller::CSRF_HEADER;
pub use fetching::{FetchDesk, FetchStatus, TypedSecrets};
pub use http_figures::{HttpCount, HttpFigures, HttpKey};
pub use live_log::{
    LOG_ENTRIES_KEPT, LOG_LISTENERS_MAX, LOG_WAITING_MAX, LiveLog, LogFilter, LogItem, LogListener,
    Polled,
};
pub use operation::{Operation, SettingsChange, SettingsError};
pub use problem::Problem;
pub use security::{BODY_BYTES_MAX, REQUEST_SECONDS_MAX};
pub use state::{AppState, DeskError, Peer, QuarantineDesk, Settings, StatusSource, TenantDesk};
pub use trail::Trail;

/// Everything that is served: the API below `/api`, the user interface elsewhere. The server adds
/// the [`Peer`] to each request.
pub fn router(state: AppState) -> Router {
    let (routes, _) = routes::all().split_for_parts();
    routes
        .fallback(assets::fallback)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(CompressionLayer::new().gzip(true).compress_when(worth_compressing()))
        .layer(from_fn_with_state(state.http.clone(), http_figures::count))
        .layer(from_fn_with_state(state.clone(), security::guard))
        .with_state(state)
}

/// The OpenAPI 3.1 document of all routes, formatted, with a newline at its end.
pub fn openapi_json() -> String {
    let (_, document) = routes::all().split_for_parts();
    // The document is made of strings and maps with string keys: it always has a JSON form.
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

async fn method_not_allowed() -> Problem {
    Problem::new(axum::http::StatusCode::METHOD_NOT_ALLOWED, "method")
}

/// Text of our own making. Mails and attachments go out as they are.
fn worth_compressing() -> impl Predicate {
    let skip = |kind| NotForContentType::const_new(kind);
    let predicate: And<_, _> = DefaultPredicate::new()
        .and(skip("message/"))
        .and(skip("application/octet-stream"))
        .and(skip("application/pdf"))
        .and(skip("application/zip"))
        .and(skip("application/vnd."));
    predicate
}

#[cfg(test)]
mod tests;
