use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use model::TenantId;
use policy::Permission;
use tokio::time::Instant;

use crate::body::Query;
use crate::caller::{Caller, Ready};
use crate::dto::{self, Severity};
use crate::live_log::{LogFilter, LogItem, LogListener};
use crate::problem::Problem;
use crate::state::AppState;

/// A comment is sent when nothing else is, so that proxies keep the connection and a client that
/// went away is noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// One connection follows the log so long at most; browsers connect again by themselves, and the
/// right to listen is asked anew.
pub const LISTEN_SECONDS_MAX: u64 = 900;

/// The log as it is written: server-sent events named `entry`, each a [`dto::LogEntry`]; a last
/// one named `too-slow` when the listener could not keep up. `Last-Event-ID` continues.
#[utoipa::path(
    get,
    path = "/api/v1/log",
    operation_id = "log",
    params(dto::LogParams),
    responses(
        (status = 200, description = "events until either side ends it", body = dto::LogEntry, content_type = "text/event-stream"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "too many listen", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn log(
    State(state): State<AppState>,
    Ready(caller): Ready,
    headers: HeaderMap,
    Query(params): Query<dto::LogParams>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let mut filter = filter(&caller, params)?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    filter.after = last.or(filter.after);
    let listener = state.live_log.listen(filter).ok_or_else(Problem::busy)?;
    Ok(Sse::new(events(listener)).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

/// What the live log remembers, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/log/recent",
    operation_id = "recentLog",
    params(dto::LogParams),
    responses(
        (status = 200, description = "the entries", body = dto::LogAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn recent_log(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Query(params): Query<dto::LogParams>,
) -> Result<Json<dto::LogAnswer>, Problem> {
    let entries = state.live_log.recent(&filter(&caller, params)?);
    Ok(Json(dto::LogAnswer { entries: entries.iter().map(|it| (**it).clone()).collect() }))
}

/// Administrators see their tenant's entries and nothing of the server's own.
fn filter(caller: &Caller, params: dto::LogParams) -> Result<LogFilter, Problem> {
    caller.may(Permission::ReadLog)?;
    let wanted = params.tenant.map(|id| id.parse::<TenantId>()).transpose();
    let wanted = wanted.map_err(|_| Problem::bad_request("tenant", "no such tenant"))?;
    let tenant = match (caller.current.actor.tenant, wanted) {
        (Some(own), Some(wanted)) if own != wanted => return Err(Problem::not_found()),
        (Some(own), _) => Some(own),
        (None, wanted) => wanted,
    };
    Ok(LogFilter {
        tenant: tenant.map(|id| id.to_string()),
        source: params.source,
        severity: params.severity.or(Some(Severity::Info)),
        after: params.after,
    })
}

fn events(listener: LogListener) -> impl Stream<Item = Result<Event, Infallible>> {
    let until = Instant::now() + Duration::from_secs(LISTEN_SECONDS_MAX);
    stream::unfold(Some(listener), move |listener| async move {
        let mut listener = listener?;
        match tokio::time::timeout_at(until, listener.next()).await {
            Ok(Some(LogItem::Entry(entry))) => {
                let event = Event::default().event("entry").id(entry.id.to_string());
                // The entry is made of strings and numbers: it always has a JSON form.
                let event = event.json_data(&*entry).unwrap_or_default();
                Some((Ok(event), Some(listener)))
            }
            Ok(Some(LogItem::TooSlow(missed))) => {
                let event = Event::default().event("too-slow").data(missed.to_string());
                Some((Ok(event), None))
            }
            Ok(None) | Err(_) => None,
        }
    })
}
