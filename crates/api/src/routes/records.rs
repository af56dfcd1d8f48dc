use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use catalog::{AuditEvent, Catalog, Delivery, StoredRecord};
use discovery::{Discovery, MailPage, PICTURES};
use model::{ContentId, RecordId, Source, TenantId};
use policy::Scope;

use crate::body::{Path, Query};
use crate::caller::{Caller, Ready};
use crate::download;
use crate::dto;
use crate::problem::Problem;
use crate::routes::search::written;
use crate::state::AppState;

/// Longer plain text is cut; the whole of it is in the `.eml`.
pub const TEXT_BYTES_MAX: usize = 1 << 20;

/// Longer sources are cut.
pub const SOURCE_BYTES_MAX: usize = 2 << 20;

/// For the document in the sandboxed frame: pictures inside of it, and its own inline styles.
const FRAME_POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'self'; \
    sandbox allow-popups allow-popups-to-escape-sandbox";

const FRAME_POLICY_REMOTE: &str = "default-src 'none'; img-src data: https:; \
    style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; \
    sandbox allow-popups allow-popups-to-escape-sandbox";

/// How many things the HTML would load from elsewhere.
const REMOTE_HEADER: HeaderName = HeaderName::from_static("x-remote-content");

/// One mail.
#[utoipa::path(
    get,
    path = "/api/v1/records/{id}",
    operation_id = "record",
    params(("id" = String, Path, description = "the record")),
    responses(
        (status = 200, description = "the mail", body = dto::Record),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "it does not exist, or not for this account", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn record(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<dto::Record>, Problem> {
    let catalog = state.catalog.clone();
    let page = read(&state, caller, &id, Act::View, move |discovery, scope, id| {
        let Some(page) = discovery.open(scope, id)? else { return Ok(None) };
        let first = page.detail.stored.deliveries.first();
        let source = first.map(|first| source_name(&*catalog, scope.tenant(), &first.source));
        Ok(Some(describe(page, source.transpose()?)))
    });
    Ok(Json(page.await?))
}

/// The HTML body for a sandboxed frame: sanitised, with its pictures, and without anything from
/// elsewhere unless asked for.
#[utoipa::path(
    get,
    path = "/api/v1/records/{id}/html",
    operation_id = "recordHtml",
    params(("id" = String, Path, description = "the record"), dto::HtmlParams),
    responses(
        (status = 200, description = "a document; X-Remote-Content says how much was left out", content_type = "text/html", body = String,
            headers(("x-remote-content" = u32, description = "what the HTML would load from elsewhere"))),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such mail, or it has no HTML that can be shown", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn record_html(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Query(params): Query<dto::HtmlParams>,
) -> Result<Response, Problem> {
    let remote = params.remote;
    let act = if remote { Act::LoadRemote } else { Act::Quiet };
    let html = read(&state, caller, &id, act, move |discovery, scope, id| {
        Ok(discovery.html(scope, id, remote)?)
    });
    let html = html.await?;
    let document = format!(
        "<!doctype html><html><head><meta charset=\"utf-8\"><meta name=\"referrer\" \
         content=\"no-referrer\"><meta name=\"color-scheme\" content=\"light\"><style>html{{background:#fff;\
         color:#1a1a1a}}body{{margin:12px;font:14px/1.45 system-ui,sans-serif;overflow-wrap:anywhere}}\
         img{{max-width:100%}}</style></head><body>{}</body></html>",
        html.html
    );
    let policy = if remote { FRAME_POLICY_REMOTE } else { FRAME_POLICY };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN")),
        (REMOTE_HEADER, HeaderValue::from(html.remote)),
    ];
    Ok((headers, document).into_response())
}

/// The mail as it was received, for reading: UTF-8, or Latin-1 where it is not.
#[utoipa::path(
    get,
    path = "/api/v1/records/{id}/source",
    operation_id = "recordSource",
    params(("id" = String, Path, description = "the record")),
    responses(
        (status = 200, description = "the first 2 MiB", content_type = "text/plain", body = String),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "it does not exist, or not for this account", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn record_source(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let text = read(&state, caller, &id, Act::Quiet, |discovery, scope, id| {
        let mail = discovery.mail_octets(scope, id)?;
        Ok(mail.map(|mail| readable(&mail.octets[..mail.octets.len().min(SOURCE_BYTES_MAX)])))
    });
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    Ok((headers, text.await?).into_response())
}

/// The mail, byte for byte.
#[utoipa::path(
    get,
    path = "/api/v1/records/{id}/eml",
    operation_id = "recordEml",
    params(("id" = String, Path, description = "the record")),
    responses(
        (status = 200, description = "the octets as received", content_type = "message/rfc822", body = Vec<u8>),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "it does not exist, or not for this account", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn record_eml(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let mail = read(&state, caller, &id, Act::Download("mail"), |discovery, scope, id| {
        Ok(discovery.mail_octets(scope, id)?)
    });
    let mail = mail.await?;
    Ok(download::attachment(&mail.name, "message/rfc822", mail.octets))
}

/// A journal report, byte for byte: for senders and auditors, because it names blind copies.
#[utoipa::path(
    get,
    path = "/api/v1/records/{id}/reports/{contentId}/eml",
    operation_id = "reportEml",
    params(
        ("id" = String, Path, description = "the record"),
        ("contentId" = String, Path, description = "`contentId` of one of the record's reports"),
    ),
    responses(
        (status = 200, description = "the octets as received", content_type = "message/rfc822", body = Vec<u8>),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "it does not exist, or not for this account", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn report_eml(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path((id, content)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let content = ContentId(content.parse().map_err(|_| Problem::not_found())?);
    let act = Act::Download("report");
    let report = read(&state, caller, &id, act, move |discovery, scope, id| {
        Ok(discovery.report_octets(scope, id, content)?)
    });
    let report = report.await?;
    Ok(download::attachment(&report.name, "message/rfc822", report.octets))
}

/// One attachment, decoded; always to be saved, never shown.
#[utoipa::path(
    get,
    path = "/api/v1/records/{id}/attachments/{index}",
    operation_id = "attachment",
    params(
        ("id" = String, Path, description = "the record"),
        ("index" = u32, Path, description = "`index` of one of the record's attachments"),
    ),
    responses(
        (status = 200, description = "the decoded octets", content_type = "application/octet-stream", body = Vec<u8>),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "it does not exist, or not for this account", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn attachment(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path((id, index)): Path<(String, u32)>,
) -> Result<Response, Problem> {
    let act = Act::Download("attachment");
    let body = read(&state, caller, &id, act, move |discovery, scope, id| {
        Ok(discovery.attachment(scope, id, index as usize)?)
    });
    let body = body.await?;
    Ok(download::attachment(&body.name, &body.media_type, body.octets))
}

/// A picture that stands in the HTML.
#[utoipa::path(
    get,
    path = "/api/v1/records/{id}/cid/{cid}",
    operation_id = "inlineImage",
    params(
        ("id" = String, Path, description = "the record"),
        ("cid" = String, Path, description = "the Content-ID without angle brackets"),
    ),
    responses(
        (status = 200, description = "the picture", content_type = "image/*", body = Vec<u8>),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such mail, or no such picture", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn inline_image(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path((id, cid)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let body = read(&state, caller, &id, Act::Quiet, move |discovery, scope, id| {
        let body = discovery.cid(scope, id, &cid)?;
        Ok(body.filter(|body| PICTURES.contains(&body.media_type.as_str())))
    });
    let body = body.await?;
    Ok(download::picture(&body.name, &body.media_type, body.octets))
}

/// What the audit log says of a read.
enum Act {
    /// What was taken away: `mail`, `report`, `attachment`.
    Download(&'static str),
    LoadRemote,
    /// Part of a view that is in the log already.
    Quiet,
    View,
}

impl Act {
    fn event(&self, caller: &Caller, id: RecordId) -> Option<AuditEvent> {
        let detail = |what: &str| serde_json::json!({ "what": what });
        let (action, detail) = match self {
            Self::Download(what) => ("mail.download", detail(what)),
            Self::LoadRemote => ("mail.remote", serde_json::Value::Null),
            Self::Quiet => return None,
            Self::View => ("mail.view", serde_json::Value::Null),
        };
        Some(caller.event(action, id.to_string(), detail))
    }
}

/// Reads something of one record within the caller's scope. The audit log has it before the
/// answer goes out.
async fn read<T: Send + 'static>(
    state: &AppState,
    caller: Caller,
    id: &str,
    act: Act,
    work: impl FnOnce(&Discovery, &Scope, RecordId) -> Result<Option<T>, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let scope = caller.scope()?;
    let id: RecordId = id.parse().map_err(|_| Problem::not_found())?;
    let (discovery, catalog) = (state.discovery.clone(), state.catalog.clone());
    let work = move || {
        let answer = work(&discovery, &scope, id)?.ok_or_else(Problem::not_found)?;
        if let Some(event) = act.event(&caller, id) {
            catalog.audit(&[event])?;
        }
        Ok(answer)
    };
    state.blocking.read(work).await
}

fn source_name(
    catalog: &dyn Catalog,
    tenant: TenantId,
    source: &Source,
) -> Result<dto::SourceName, Problem> {
    Ok(match source {
        Source::Fetched(fetched) => {
            let name = catalog.source(tenant, fetched.id)?.map(|source| source.name);
            dto::SourceName { kind: "fetch".to_owned(), name: name.unwrap_or_default() }
        }
        Source::Import { name, .. } => {
            dto::SourceName { kind: "import".to_owned(), name: name.clone() }
        }
        Source::Smtp { id } => {
            let name = catalog.source(tenant, *id)?.map(|source| source.name);
            dto::SourceName { kind: "smtp".to_owned(), name: name.unwrap_or_default() }
        }
    })
}

fn describe(page: MailPage, source: Option<dto::SourceName>) -> dto::Record {
    let stored = &page.detail.stored;
    let display = page.display;
    let mailboxes = |list: &[model::Mailbox]| list.iter().map(dto::Mailbox::from).collect();
    let text = display.text.unwrap_or_default();
    let text_body = shortened(&text, TEXT_BYTES_MAX);
    let first = stored.deliveries.first();
    let envelope = first.and_then(|first| first.envelope.as_ref()).filter(|_| page.envelope);
    dto::Record {
        id: stored.list.record.to_string(),
        subject: display.summary.subject,
        from: mailboxes(&display.from),
        to: mailboxes(&display.to),
        cc: mailboxes(&display.cc),
        bcc: mailboxes(&display.bcc),
        reply_to: mailboxes(&display.reply_to),
        date: stored.sent_at.map(written),
        received_at: written(stored.list.received_at),
        size_bytes: stored.list.size_bytes,
        kind: stored.list.kind.into(),
        marks: stored.list.marks.iter().copied().map(dto::Mark::from).collect(),
        message_id: stored.message_id.clone(),
        has_html: page.has_html,
        has_text: !text.is_empty(),
        text_body: text_body.to_owned(),
        truncated: text_body.len() < text.len(),
        remote_content: page.remote,
        attachments: display.attachments.into_iter().map(attachment_row).collect(),
        headers: display
            .headers
            .into_iter()
            .map(|line| dto::Header { name: line.name, value: line.value })
            .collect(),
        recipients: page
            .participants
            .iter()
            .map(|row| recipient(row, stored, page.reports))
            .collect(),
        reports: stored.deliveries.iter().filter(|_| page.reports).filter_map(report).collect(),
        versions: page
            .detail
            .versions
            .iter()
            .map(|version| dto::Version {
                id: version.record.to_string(),
                received_at: written(version.received_at),
                size_bytes: version.size_bytes,
            })
            .collect(),
        content_id: stored.content.to_string(),
        source: source.unwrap_or(dto::SourceName { kind: String::new(), name: String::new() }),
        envelope: envelope.map(|envelope| dto::Envelope {
            reverse_path: envelope.reverse_path.as_ref().map(ToString::to_string),
            forward_paths: envelope.forward_paths.iter().map(ToString::to_string).collect(),
            peer: envelope.peer.map(|peer| peer.to_string()),
            tls: envelope.tls.clone(),
        }),
    }
}

fn attachment_row(shown: discovery::DisplayAttachment) -> dto::Attachment {
    dto::Attachment {
        index: u32::try_from(shown.index).unwrap_or(u32::MAX),
        name: shown.attachment.name,
        media_type: shown.attachment.media_type,
        size_bytes: shown.attachment.size_bytes,
        inline: shown.attachment.inline,
    }
}

fn recipient(
    row: &catalog::ParticipantRow,
    stored: &StoredRecord,
    reports: bool,
) -> dto::Recipient {
    let participant = &row.participant;
    let via = stored.deliveries.iter().find(|delivery| reports && delivery.row == row.delivery);
    let via_report = via.and_then(|delivery| delivery.report.as_ref());
    dto::Recipient {
        address: participant.address.to_string(),
        role: participant.role.into(),
        provenance: participant.provenance.into(),
        expanded_from: participant.expanded_from.as_ref().map(ToString::to_string),
        forwarded_from: participant.forwarded_from.as_ref().map(ToString::to_string),
        via_report: via_report.map(|report| report.content.to_string()),
    }
}

fn report(delivery: &Delivery) -> Option<dto::Report> {
    let report = delivery.report.as_ref()?;
    Some(dto::Report {
        content_id: report.content.to_string(),
        received_at: written(delivery.received_at),
        size_bytes: report.size_bytes,
        originator_org: report.originator_org.clone(),
        variant: report.variant.map(dto::JournalVariant::from),
    })
}

/// The longest beginning of at most `bytes_max` bytes that ends with a character.
fn shortened(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// UTF-8 as it is, anything else as Latin-1. A character that the cut went through counts as whole.
fn readable(octets: &[u8]) -> String {
    match std::str::from_utf8(octets) {
        Ok(text) => text.to_owned(),
        Err(error) if error.error_len().is_none() => {
            String::from_utf8_lossy(&octets[..error.valid_up_to()]).into_owned()
        }
        Err(_) => octets.iter().copied().map(char::from).collect(),
    }
}
