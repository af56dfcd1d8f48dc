//! The audit log: who did what, when, from where, why, to what. Reading it is itself recorded.

use std::io;

use axum::Json;
use axum::body::Body as HttpBody;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use catalog::{AuditOutcome, AuditQuery, AuditRow, Catalog};
use futures_util::stream::{self, StreamExt as _};
use model::TenantId;
use policy::Permission;
use serde_json::json;

use crate::body::Query;
use crate::caller::{Caller, Ready};
use crate::download::disposition;
use crate::dto;
use crate::problem::Problem;
use crate::routes::search::written;
use crate::state::AppState;

const PAGE_ROWS: u32 = 100;
const PAGE_ROWS_MAX: u32 = 500;

/// Events that an export reads at a time.
const EXPORT_PAGE_ROWS: u32 = 1_000;

/// Pages that an export reads at most; beyond it, ask for shorter spans of time.
const EXPORT_PAGES_MAX: u32 = 10_000;

/// Events of the caller's tenant, newest first; operators see those of the server.
#[utoipa::path(
    get,
    path = "/api/v1/audit",
    operation_id = "audit",
    params(dto::AuditParams),
    responses(
        (status = 200, description = "one page", body = dto::AuditAnswer),
        (status = 400, description = "a condition is not understood", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account does not read the audit log", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn audit(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Query(params): Query<dto::AuditParams>,
) -> Result<Json<dto::AuditAnswer>, Problem> {
    let log = log_of(&caller, &params)?;
    let query = query(&params)?;
    let limit = params.limit.unwrap_or(PAGE_ROWS).clamp(1, PAGE_ROWS_MAX);
    let blocking = state.blocking.clone();
    let work = move || {
        let tenant = log.find(&*state.catalog)?;
        let page = state.catalog.audit_page(tenant, &query, limit)?;
        // Turning pages is one reading.
        if query.before.is_none() {
            let event = caller.event("audit.read", String::new(), conditions(&params));
            state.catalog.audit(&[event])?;
        }
        Ok(Json(dto::AuditAnswer {
            events: page.rows.into_iter().map(shown).collect(),
            next: page.next.map(|row| row.to_string()),
        }))
    };
    blocking.read(work).await
}

/// All events that the conditions let through, newest first, as CSV or as lines of JSON.
#[utoipa::path(
    get,
    path = "/api/v1/audit/export",
    operation_id = "exportAudit",
    params(dto::AuditParams),
    responses(
        (status = 200, description = "the events", body = String, content_type = "text/csv"),
        (status = 400, description = "a condition is not understood", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account does not read the audit log", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn export_audit(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Query(params): Query<dto::AuditParams>,
) -> Result<Response, Problem> {
    let log = log_of(&caller, &params)?;
    let mut query = query(&params)?;
    query.before = None;
    let (format, media_type, name) = match params.format.as_deref() {
        None | Some("csv") => (Format::Csv, "text/csv; charset=utf-8", "audit.csv"),
        Some("jsonl") => (Format::JsonLines, "application/jsonl", "audit.jsonl"),
        Some(_) => return Err(Problem::bad_request("parameter", "format is csv or jsonl")),
    };
    // Recorded before the first line leaves.
    let (catalog, event) = {
        let mut facts = conditions(&params);
        facts["format"] = json!(name.rsplit('.').next());
        (state.catalog.clone(), caller.event("audit.export", String::new(), facts))
    };
    let recorded = move || {
        let tenant = log.find(&*catalog)?;
        catalog.audit(&[event])?;
        Ok(tenant)
    };
    let tenant = state.blocking.read(recorded).await?;
    let export = Export { state, tenant, query, format, pages: 0, ended: false };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CONTENT_DISPOSITION, disposition("attachment", name)),
    ];
    let chunks = stream::unfold(export, |mut export| async move {
        let chunk = export.next().await?;
        Some((chunk, export))
    });
    // Compression asks once more after the end.
    Ok((headers, HttpBody::from_stream(chunks.fuse())).into_response())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    JsonLines,
}

/// An export that goes on page by page: never more than one is in memory.
struct Export {
    state: AppState,
    tenant: Option<TenantId>,
    query: AuditQuery,
    format: Format,
    pages: u32,
    ended: bool,
}

impl Export {
    async fn next(&mut self) -> Option<io::Result<Vec<u8>>> {
        if self.ended {
            return None;
        }
        let first = self.pages == 0;
        self.pages += 1;
        let (catalog, tenant, query) =
            (self.state.catalog.clone(), self.tenant, self.query.clone());
        let read = self
            .state
            .blocking
            .read(move || Ok(catalog.audit_page(tenant, &query, EXPORT_PAGE_ROWS)?));
        let page = match read.await {
            Ok(page) => page,
            // The connection breaks, so that nobody takes a part for the whole.
            Err(_) => {
                self.ended = true;
                return Some(Err(io::Error::other("the audit log cannot be read")));
            }
        };
        self.query.before = page.next;
        if page.next.is_some() && self.pages >= EXPORT_PAGES_MAX {
            self.ended = true;
            return Some(Err(io::Error::other("too many events for one export")));
        }
        self.ended = page.next.is_none();
        let mut text = String::new();
        if first && self.format == Format::Csv {
            text.push_str("at,who,account,action,object,outcome,ip,reason,detail\r\n");
        }
        for row in page.rows {
            match self.format {
                Format::Csv => csv_line(&mut text, &shown(row)),
                Format::JsonLines => {
                    text.push_str(&serde_json::to_string(&shown(row)).unwrap_or_default());
                    text.push('\n');
                }
            }
        }
        Some(Ok(text.into_bytes()))
    }
}

fn csv_line(text: &mut String, event: &dto::AuditEvent) {
    let detail = match &event.detail {
        serde_json::Value::Null => String::new(),
        detail => detail.to_string(),
    };
    let optional = |value: &Option<String>| value.clone().unwrap_or_default();
    let cells = [
        event.at.clone(),
        event.who.clone(),
        optional(&event.account),
        event.action.clone(),
        event.object.clone(),
        event.outcome.clone(),
        optional(&event.ip),
        optional(&event.reason),
        detail,
    ];
    let cells: Vec<String> = cells.iter().map(|cell| csv_cell(cell)).collect();
    text.push_str(&cells.join(","));
    text.push_str("\r\n");
}

/// A cell by RFC 4180 that no spreadsheet takes for a formula: what begins like one gets an
/// apostrophe in front (OWASP, CSV Injection).
pub fn csv_cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    match text.contains([',', ';', '"', '\r', '\n', '\'']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

/// Whose log the caller reads.
#[derive(Clone, Copy)]
enum Log {
    Own(Option<TenantId>),
    Removed(TenantId),
}

impl Log {
    fn find(self, catalog: &dyn Catalog) -> Result<Option<TenantId>, Problem> {
        match self {
            Self::Own(tenant) => Ok(tenant),
            Self::Removed(tenant) if catalog.is_removed(tenant)? => Ok(Some(tenant)),
            Self::Removed(_) => Err(Problem::not_found()),
        }
    }
}

fn log_of(caller: &Caller, params: &dto::AuditParams) -> Result<Log, Problem> {
    caller.may(Permission::ReadAuditLog)?;
    let own = caller.current.actor.tenant;
    match (&params.removed_tenant, own) {
        (None, own) => Ok(Log::Own(own)),
        (Some(id), None) => id.parse().map(Log::Removed).map_err(|_| Problem::not_found()),
        (Some(_), Some(_)) => Err(Problem::not_found()),
    }
}

fn query(params: &dto::AuditParams) -> Result<AuditQuery, Problem> {
    let parameter = |what: &str| Problem::bad_request("parameter", format!("no such {what}"));
    let account = params.account.as_deref().map(str::parse).transpose();
    let before = params.cursor.as_deref().map(str::parse).transpose();
    let outcome = match params.outcome.as_deref() {
        None => None,
        Some("denied") => Some(AuditOutcome::Denied),
        Some("done") => Some(AuditOutcome::Done),
        Some("failed") => Some(AuditOutcome::Failed),
        Some(_) => return Err(parameter("outcome")),
    };
    Ok(AuditQuery {
        account: account.map_err(|_| parameter("account"))?,
        who: params.who.clone(),
        action: params.action.clone(),
        object: params.object.clone(),
        text: params.q.clone(),
        outcome,
        since: params.since,
        until: params.until,
        before: before.map_err(|_| Problem::bad_request("cursor", "no such page"))?,
    })
}

/// What was looked for, for the entry about the reading.
fn conditions(params: &dto::AuditParams) -> serde_json::Value {
    json!({
        "q": params.q,
        "removedTenant": params.removed_tenant,
        "who": params.who,
        "account": params.account,
        "action": params.action,
        "object": params.object,
        "outcome": params.outcome,
        "since": params.since,
        "until": params.until,
    })
}

fn shown(row: AuditRow) -> dto::AuditEvent {
    let event = row.event;
    let outcome = match event.outcome {
        AuditOutcome::Denied => "denied",
        AuditOutcome::Done => "done",
        AuditOutcome::Failed => "failed",
    };
    dto::AuditEvent {
        row: row.row,
        at: written(event.at),
        account: event.account.map(|id| id.to_string()),
        who: event.who,
        action: event.action,
        object: event.object,
        detail: event.detail,
        reason: event.reason,
        outcome: outcome.to_owned(),
        ip: event.ip.map(|ip| ip.to_string()),
    }
}
