//! Mail that leaves the archive: exports, and mail that is sent back. Each account takes what it may
//! see; officers see who took how much, and download only what they asked for themselves.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use catalog::{AuditEvent, Catalog, MailJobKind, MailJobRow, MailJobState};
use discovery::{Asker, ExportFormat, ExportRequest, RestoreRequest, RestoreTarget, Which};
use model::{EmailAddress, JobId, TenantId};
use policy::{AccountRole, Permission};
use serde_json::json;

use super::quarantine::reason_of;
use crate::body::{Body, Path};
use crate::caller::{Caller, Ready};
use crate::problem::Problem;
use crate::routes::search::written;
use crate::state::AppState;
use crate::{download, dto};

/// Jobs that a list shows.
const ROWS_MAX: u32 = 200;

/// Characters of a host, a user name, a folder, a password.
const FIELD_CHARS_MAX: usize = 1_000;

/// Exports.
#[utoipa::path(
    get,
    path = "/api/v1/exports",
    operation_id = "exports",
    responses(
        (status = 200, description = "the exports", body = dto::ExportsAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account takes no mail out", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn exports(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<dto::ExportsAnswer>, Problem> {
    caller.may(Permission::ExportMail)?;
    let exports = list(state, caller, MailJobKind::Export).await?;
    Ok(Json(dto::ExportsAnswer { exports }))
}

/// Begins an export; it waits its turn.
#[utoipa::path(
    post,
    path = "/api/v1/exports",
    operation_id = "beginExport",
    request_body = dto::NewExport,
    responses(
        (status = 202, description = "it waits its turn", body = dto::MailJob),
        (status = 400, description = "the query is not understood, or a reason is missing", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "evidence and folders are not for this role", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account takes no mail out", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn begin_export(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(new): Body<dto::NewExport>,
) -> Result<(StatusCode, Json<dto::MailJob>), Problem> {
    let tenant = caller.tenant_for(Permission::ExportMail)?;
    caller.scope()?;
    let role = caller.current.actor.role;
    let folder = matches!(new.target, dto::ExportTarget::Folder);
    if (new.evidence && !role.audits()) || (folder && role != AccountRole::Officer) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "not-for-this-role"));
    }
    let request = ExportRequest {
        which: which(new.mails, &caller)?,
        evidence: new.evidence,
        format: match new.format {
            dto::ExportFormat::Eml => ExportFormat::Eml,
            dto::ExportFormat::Mbox => ExportFormat::Mbox,
        },
        zip: !folder,
        reason: given(&new.reason, role)?,
    };
    let blocking = state.blocking.clone();
    let work = move || {
        let by = &caller.current.account.user_name;
        let account = Some(caller.current.account.id);
        let asker = Asker { tenant, account, by, now: caller.now };
        let row = state.takeout.ask_export(&asker, &request)?;
        note(&state, &caller, "export.begin", &row, request.reason)?;
        Ok((StatusCode::ACCEPTED, Json(shown(&caller, row))))
    };
    blocking.read(work).await
}

/// One export with its present progress.
#[utoipa::path(
    get,
    path = "/api/v1/exports/{export}",
    operation_id = "export",
    params(("export" = String, Path, description = "the export's id")),
    responses(
        (status = 200, description = "the export", body = dto::MailJob),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such export", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn export(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<dto::MailJob>, Problem> {
    caller.may(Permission::ExportMail)?;
    one(state, caller, id, MailJobKind::Export).await
}

/// Ends an export that waits or runs.
#[utoipa::path(
    post,
    path = "/api/v1/exports/{export}/cancel",
    operation_id = "cancelExport",
    params(("export" = String, Path, description = "the export's id")),
    responses(
        (status = 202, description = "it ends soon"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such export", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "it has ended", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn cancel_export(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.may(Permission::ExportMail)?;
    cancel(state, caller, id, MailJobKind::Export).await
}

/// Removes the files of an export.
#[utoipa::path(
    delete,
    path = "/api/v1/exports/{export}",
    operation_id = "removeExport",
    params(("export" = String, Path, description = "the export's id")),
    responses(
        (status = 204, description = "its files are gone"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such export", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "it has no files", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn remove_export(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.may(Permission::ExportMail)?;
    let blocking = state.blocking.clone();
    let work = move || {
        let row = find(&*state.catalog, &caller, &id, MailJobKind::Export)?;
        if !state.takeout.remove(row.id, caller.now)? {
            return Err(Problem::new(StatusCode::CONFLICT, "no-files"));
        }
        note(&state, &caller, "export.remove", &row, String::new())?;
        Ok(StatusCode::NO_CONTENT)
    };
    blocking.read(work).await
}

/// The zip file of a done export; only for who asked for it.
#[utoipa::path(
    get,
    path = "/api/v1/exports/{export}/file",
    operation_id = "exportFile",
    params(("export" = String, Path, description = "the export's id")),
    responses(
        (status = 200, description = "the zip file", body = String, content_type = "application/zip"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such file for this account", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn export_file(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.may(Permission::ExportMail)?;
    let blocking = state.blocking.clone();
    let work = move || {
        let row = find(&*state.catalog, &caller, &id, MailJobKind::Export)?;
        let own = row.account == Some(caller.current.account.id);
        let expired = row.expires_at.is_some_and(|at| at <= caller.now);
        if !own || row.state != MailJobState::Done || expired {
            return Err(Problem::not_found());
        }
        let file = std::fs::File::open(state.takeout.zip(row.id));
        let file = file.map_err(|_| Problem::not_found())?;
        let bytes = file.metadata().map_err(|error| Problem::internal(&error))?.len();
        note(&state, &caller, "export.download", &row, String::new())?;
        Ok((format!("export-{}.zip", &id[..8.min(id.len())]), file, bytes))
    };
    let (name, file, bytes) = blocking.read(work).await?;
    Ok(download::stream(&name, "application/zip", file, bytes))
}

/// Mail that is or was sent back.
#[utoipa::path(
    get,
    path = "/api/v1/restores",
    operation_id = "restores",
    responses(
        (status = 200, description = "the restores", body = dto::RestoresAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account sends no mail back", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn restores(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<dto::RestoresAnswer>, Problem> {
    caller.may(Permission::RestoreMail)?;
    let restores = list(state, caller, MailJobKind::Restore).await?;
    Ok(Json(dto::RestoresAnswer { restores }))
}

/// Sends mail back: to an address through the smarthost, or into a mailbox. It waits its turn.
#[utoipa::path(
    post,
    path = "/api/v1/restores",
    operation_id = "beginRestore",
    request_body = dto::NewRestore,
    responses(
        (status = 202, description = "it waits its turn", body = dto::MailJob),
        (status = 400, description = "the query or the target is not understood, or a reason is missing", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "not an own address", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account sends no mail back", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn begin_restore(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(new): Body<dto::NewRestore>,
) -> Result<(StatusCode, Json<dto::MailJob>), Problem> {
    let tenant = caller.tenant_for(Permission::RestoreMail)?;
    caller.scope()?;
    let role = caller.current.actor.role;
    let typed = match new.source {
        None => Some(target(new.address, new.mailbox)?),
        Some(_) if new.address.is_none() && new.mailbox.is_none() => None,
        Some(_) => return Err(Problem::bad_request("target", "name one place only")),
    };
    let reason = given(&new.reason, role)?;
    let which = which(new.mails, &caller)?;
    let blocking = state.blocking.clone();
    let work = move || {
        let (target, password) = match (typed, new.source) {
            (Some(typed), _) => typed,
            (None, Some(named)) if role == AccountRole::Officer => {
                (of_source(&*state.catalog, tenant, named)?, None)
            }
            (None, _) => return Err(Problem::new(StatusCode::FORBIDDEN, "not-an-own-address")),
        };
        let request = RestoreRequest { which, target, reason };
        if role != AccountRole::Officer {
            is_own(&*state.catalog, &caller, &request.target)?;
        }
        let by = &caller.current.account.user_name;
        let account = Some(caller.current.account.id);
        let asker = Asker { tenant, account, by, now: caller.now };
        let row = state.takeout.ask_restore(&asker, &request, password.as_deref())?;
        note(&state, &caller, "restore.begin", &row, request.reason)?;
        Ok((StatusCode::ACCEPTED, Json(shown(&caller, row))))
    };
    blocking.read(work).await
}

/// One restore with its present progress.
#[utoipa::path(
    get,
    path = "/api/v1/restores/{restore}",
    operation_id = "restore",
    params(("restore" = String, Path, description = "the restore's id")),
    responses(
        (status = 200, description = "the restore", body = dto::MailJob),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such restore", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn restore(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<dto::MailJob>, Problem> {
    caller.may(Permission::RestoreMail)?;
    one(state, caller, id, MailJobKind::Restore).await
}

/// Ends a restore that waits or runs; what was sent is sent.
#[utoipa::path(
    post,
    path = "/api/v1/restores/{restore}/cancel",
    operation_id = "cancelRestore",
    params(("restore" = String, Path, description = "the restore's id")),
    responses(
        (status = 202, description = "it ends soon"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such restore", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "it has ended", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn cancel_restore(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.may(Permission::RestoreMail)?;
    cancel(state, caller, id, MailJobKind::Restore).await
}

async fn list(
    state: AppState,
    caller: Caller,
    kind: MailJobKind,
) -> Result<Vec<dto::MailJob>, Problem> {
    let tenant = caller.current.actor.tenant.ok_or_else(Problem::not_found)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let officer = caller.current.actor.role == AccountRole::Officer;
        let account = (!officer).then_some(caller.current.account.id);
        let rows = catalog.mail_jobs(tenant, kind, account, ROWS_MAX)?;
        Ok(rows.into_iter().map(|row| shown(&caller, row)).collect())
    };
    state.blocking.read(work).await
}

async fn one(
    state: AppState,
    caller: Caller,
    id: String,
    kind: MailJobKind,
) -> Result<Json<dto::MailJob>, Problem> {
    let catalog = state.catalog.clone();
    let work = move || Ok(Json(shown(&caller, find(&*catalog, &caller, &id, kind)?)));
    state.blocking.read(work).await
}

async fn cancel(
    state: AppState,
    caller: Caller,
    id: String,
    kind: MailJobKind,
) -> Result<StatusCode, Problem> {
    let blocking = state.blocking.clone();
    let work = move || {
        let row = find(&*state.catalog, &caller, &id, kind)?;
        if !state.takeout.cancel(row.id, caller.now)? {
            return Err(Problem::new(StatusCode::CONFLICT, "not-running"));
        }
        let action = match kind {
            MailJobKind::Export => "export.cancel",
            MailJobKind::Restore => "restore.cancel",
        };
        note(&state, &caller, action, &row, String::new())?;
        Ok(StatusCode::ACCEPTED)
    };
    blocking.read(work).await
}

/// Everybody finds their own; officers those of the tenant.
fn find(
    catalog: &dyn Catalog,
    caller: &Caller,
    id: &str,
    kind: MailJobKind,
) -> Result<MailJobRow, Problem> {
    let id: JobId = id.parse().map_err(|_| Problem::not_found())?;
    let actor = &caller.current.actor;
    let mine = |row: &MailJobRow| {
        let own = row.account == Some(caller.current.account.id);
        row.kind == kind
            && Some(row.tenant) == actor.tenant
            && (own || actor.role == AccountRole::Officer)
    };
    catalog.mail_job(id)?.filter(mine).ok_or_else(Problem::not_found)
}

fn which(mails: dto::ChosenMails, caller: &Caller) -> Result<Which, Problem> {
    let bad = |detail: &str| Problem::bad_request("mails", detail);
    match (mails.query, mails.matter, mails.records) {
        (Some(query), None, None) => Ok(Which::Query(query)),
        (None, Some(matter), None) => {
            caller.may(Permission::ManageHolds)?;
            let matter = matter.parse().map_err(|_| Problem::not_found())?;
            Ok(Which::Matter(matter))
        }
        (None, None, Some(ids)) => {
            let ids: Result<_, _> = ids.iter().map(|id| id.parse()).collect();
            Ok(Which::Records(ids.map_err(|_| bad("an id is not one of a mail"))?))
        }
        _ => Err(bad("name a query, a matter or records")),
    }
}

fn given(reason: &str, role: AccountRole) -> Result<String, Problem> {
    match role == AccountRole::User && reason.trim().is_empty() {
        true => Ok(String::new()),
        false => reason_of(reason),
    }
}

fn target(
    address: Option<String>,
    mailbox: Option<dto::RestoreMailbox>,
) -> Result<(RestoreTarget, Option<String>), Problem> {
    let bad = |detail: &str| Problem::bad_request("target", detail);
    match (address, mailbox) {
        (Some(address), None) => {
            let address = address.trim().to_owned();
            let plain = address.is_ascii() && !address.contains(char::is_whitespace);
            match address.split_once('@') {
                Some((local, domain)) if plain && !local.is_empty() && !domain.is_empty() => {
                    Ok((RestoreTarget::Address { address }, None))
                }
                _ => Err(bad("this is no address")),
            }
        }
        (None, Some(mailbox)) => {
            let fields = [&mailbox.host, &mailbox.user, &mailbox.password];
            let odd = |text: &String| {
                text.is_empty()
                    || text.chars().count() > FIELD_CHARS_MAX
                    || text.contains(char::is_control)
            };
            if fields.into_iter().chain(&mailbox.folder).any(odd) {
                return Err(bad("give host, user and password"));
            }
            let pinned = mailbox.pinned_certificate.map(|it| it.replace(':', "").to_lowercase());
            let hex = |it: &String| it.len() == 64 && it.bytes().all(|it| it.is_ascii_hexdigit());
            if pinned.as_ref().is_some_and(|it| !hex(it)) {
                return Err(bad("the pinned certificate is 64 hexadecimal digits"));
            }
            let security = match mailbox.security {
                dto::MailboxSecurity::None => discovery::ImapSecurity::None,
                dto::MailboxSecurity::Starttls => discovery::ImapSecurity::Starttls,
                dto::MailboxSecurity::Tls => discovery::ImapSecurity::Tls,
            };
            let target = RestoreTarget::Imap {
                host: mailbox.host,
                port: mailbox.port,
                security,
                user: mailbox.user,
                folder: mailbox.folder,
                pinned,
            };
            Ok((target, Some(mailbox.password)))
        }
        _ => Err(bad("name an address or a mailbox")),
    }
}

/// A source of the tenant, by its id or its name. Whether it has the mailbox is seen when the job
/// begins.
fn of_source(
    catalog: &dyn Catalog,
    tenant: TenantId,
    named: dto::RestoreSource,
) -> Result<RestoreTarget, Problem> {
    let texts = named.mailbox.iter().chain(&named.folder);
    if texts.into_iter().any(|it| it.chars().count() > FIELD_CHARS_MAX) {
        return Err(Problem::bad_request("target", "a name is too long"));
    }
    let name = named.source.trim();
    let all = catalog.fetch_sources(Some(tenant))?;
    let mut found =
        all.iter().filter(|it| it.source.id.to_string() == name || it.source.name == name);
    let (Some(found), None) = (found.next(), found.next()) else {
        return Err(Problem::bad_request("target", "there is no such source, or several"));
    };
    Ok(RestoreTarget::Source {
        source: found.source.id,
        mailbox: named.mailbox.unwrap_or_default(),
        folder: named.folder.filter(|folder| !folder.is_empty()),
    })
}

/// Mail of users goes to an address that they own now.
fn is_own(catalog: &dyn Catalog, caller: &Caller, target: &RestoreTarget) -> Result<(), Problem> {
    let refused = || Problem::new(StatusCode::FORBIDDEN, "not-an-own-address");
    let RestoreTarget::Address { address } = target else { return Err(refused()) };
    let key = EmailAddress::new(address).key();
    let owned = catalog.addresses(caller.current.account.id)?;
    let own = owned.iter().any(|own| own.key == key && own.covers(caller.now));
    if own { Ok(()) } else { Err(refused()) }
}

fn note(
    state: &AppState,
    caller: &Caller,
    action: &str,
    row: &MailJobRow,
    reason: String,
) -> Result<(), Problem> {
    let detail = json!({ "by": row.by, "request": row.request });
    let event = caller.event(action, row.id.to_string(), detail);
    let reason = Some(reason).filter(|reason| !reason.is_empty());
    Ok(state.catalog.audit(&[AuditEvent { reason, ..event }])?)
}

fn shown(caller: &Caller, row: MailJobRow) -> dto::MailJob {
    let own = row.account == Some(caller.current.account.id);
    let zip = row.kind == MailJobKind::Export && row.request["zip"] == true;
    dto::MailJob {
        id: row.id.to_string(),
        by: row.by,
        own,
        state: match row.state {
            MailJobState::Cancelled => "cancelled",
            MailJobState::Done => "done",
            MailJobState::Failed => "failed",
            MailJobState::Removed => "removed",
            MailJobState::Running => "running",
            MailJobState::Waiting => "waiting",
        },
        created_at: written(row.created_at),
        ended_at: row.ended_at.map(written),
        expires_at: row.expires_at.map(written),
        done: row.done,
        total: row.total,
        downloadable: own && zip && row.state == MailJobState::Done,
        request: row.request,
        result: row.result,
    }
}
