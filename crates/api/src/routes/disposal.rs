//! Disposal runs: one officer proposes, another approves.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use catalog::{Catalog, DisposalState, ItemState, NamedApproval};
use lifecycle::retain::{self, NewErasure, NewRun};
use model::{DisposalRunId, RecordId, TenantId};
use policy::Permission;
use policy::retain::{DisposalApproval, Ground, NotDisposable};
use serde_json::json;

use super::quarantine::reason_of;
use super::retention::records_of;
use crate::body::{Body, Path, Query};
use crate::caller::{Caller, Ready};
use crate::download::attachment;
use crate::dto;
use crate::problem::Problem;
use crate::routes::search::written;
use crate::state::AppState;

const RUNS_MAX: u32 = 200;
const PAGE_ROWS: u32 = 100;
const PAGE_ROWS_MAX: u32 = 500;
/// Items that a CSV file has at most; beyond it the list is read page by page.
const CSV_ROWS_MAX: usize = 1_000_000;
const CSV_PAGE_ROWS: u32 = 5_000;

/// Proposed, running and ended runs.
#[utoipa::path(
    get,
    path = "/api/v1/disposal/runs",
    operation_id = "disposalRuns",
    responses(
        (status = 200, description = "the runs", body = dto::DisposalsAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account does not see disposal", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn disposal_runs(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<dto::DisposalsAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::ProposeDisposal)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let runs = catalog.disposal_runs(tenant, RUNS_MAX)?;
        Ok(Json(dto::DisposalsAnswer {
            runs: runs.into_iter().map(|run| shown(&caller, run)).collect(),
            disposed: catalog.disposed_count(tenant)?,
        }))
    };
    state.blocking.read(work).await
}

/// Proposes everything whose period is over, but for what is held or suspended.
#[utoipa::path(
    post,
    path = "/api/v1/disposal/runs",
    operation_id = "proposeDisposal",
    request_body = dto::NewDisposalRun,
    responses(
        (status = 202, description = "what it is about is being looked for", body = dto::DisposalRun),
        (status = 400, description = "a reason is missing", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account does not propose disposal", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "no policies are in force", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn propose_disposal(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(asked): Body<dto::NewDisposalRun>,
) -> Result<(StatusCode, Json<dto::DisposalRun>), Problem> {
    let tenant = caller.tenant_for(Permission::ProposeDisposal)?;
    let blocking = state.blocking.clone();
    let work = move || {
        let new = NewRun {
            id: DisposalRunId::from_bytes(state.identity.draw_id()),
            classes: asked.classes,
            reason: reason_of(&asked.reason)?,
            by: caller.current.account.id,
            name: caller.current.account.user_name.clone(),
        };
        let run = retain::begin_run(&*state.catalog, tenant, &new, caller.now)?;
        told(&*state.catalog, &caller, "disposal.propose", &run, &new.reason)?;
        Ok((StatusCode::ACCEPTED, Json(shown(&caller, run))))
    };
    blocking.read(work).await
}

/// Proposes that single mails be destroyed before their time: by order of a court, or at the
/// demand of the person concerned. Two other persons must approve.
#[utoipa::path(
    post,
    path = "/api/v1/disposal/erasures",
    operation_id = "proposeErasure",
    request_body = dto::NewErasure,
    responses(
        (status = 201, description = "it waits for approvals", body = dto::DisposalRun),
        (status = 400, description = "the ground, its reference or the reason is missing, or a mail is unknown", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account does not propose disposal", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "a legal hold is on one of them", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn propose_erasure(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(asked): Body<dto::NewErasure>,
) -> Result<(StatusCode, Json<dto::DisposalRun>), Problem> {
    let tenant = caller.tenant_for(Permission::ProposeDisposal)?;
    let blocking = state.blocking.clone();
    let work = move || {
        let reason = reason_of(&asked.reason)?;
        let reference = asked.reference.trim().to_owned();
        let ground = match asked.ground.as_str() {
            "court-order" => Ground::CourtOrder { reference, reason: reason.clone() },
            "right-to-erasure" => Ground::RightToErasure { reference, reason: reason.clone() },
            _ => {
                let detail = "the ground is court-order or right-to-erasure";
                return Err(Problem::bad_request("ground", detail));
            }
        };
        let new = NewErasure {
            id: DisposalRunId::from_bytes(state.identity.draw_id()),
            records: records_of(&asked.records)?,
            ground,
            by: caller.current.account.id,
            name: caller.current.account.user_name.clone(),
        };
        let run = retain::propose_erasure(&*state.catalog, tenant, &new, caller.now)?;
        told(&*state.catalog, &caller, "disposal.erase", &run, &reason)?;
        Ok((StatusCode::CREATED, Json(shown(&caller, run))))
    };
    blocking.read(work).await
}

/// One run with its counts.
#[utoipa::path(
    get,
    path = "/api/v1/disposal/runs/{run}",
    operation_id = "disposalRun",
    params(("run" = String, Path, description = "the run's id")),
    responses(
        (status = 200, description = "the run", body = dto::DisposalRun),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such run", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn disposal_run(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<dto::DisposalRun>, Problem> {
    let tenant = caller.tenant_for(Permission::ProposeDisposal)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let run = find(&*catalog, tenant, &id)?;
        Ok(Json(shown(&caller, run)))
    };
    state.blocking.read(work).await
}

/// Its mails; what they are about is shown to who may see them.
#[utoipa::path(
    get,
    path = "/api/v1/disposal/runs/{run}/items",
    operation_id = "disposalItems",
    params(("run" = String, Path, description = "the run's id"), dto::DisposalItemParams),
    responses(
        (status = 200, description = "one page", body = dto::DisposalItemsAnswer),
        (status = 400, description = "a parameter is not understood", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such run", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn disposal_items(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Query(params): Query<dto::DisposalItemParams>,
) -> Result<Json<dto::DisposalItemsAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::ProposeDisposal)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let run = find(&*catalog, tenant, &id)?;
        let wrong = || Problem::bad_request("parameter", "state or after is not understood");
        let wanted = match params.state.as_deref() {
            None | Some("") => None,
            Some("disposed") => Some(ItemState::Disposed),
            Some("kept") => Some(ItemState::Kept),
            Some("waiting") => Some(ItemState::Waiting),
            Some(_) => return Err(wrong()),
        };
        let after: Option<RecordId> =
            params.after.map(|after| after.parse().map_err(|_| wrong())).transpose()?;
        let limit = params.limit.unwrap_or(PAGE_ROWS).clamp(1, PAGE_ROWS_MAX);
        let items = catalog.disposal_items(tenant, run.id, wanted, after, limit)?;
        let next = items.last().filter(|_| items.len() == limit as usize);
        let next = next.map(|last| last.record.to_string());
        let records: Vec<RecordId> = items.iter().map(|item| item.record).collect();
        let rows = catalog.rows(&caller.scope()?, &records)?;
        let mut items: Vec<dto::DisposalItem> = items.into_iter().map(item).collect();
        for row in rows {
            let id = row.record.to_string();
            if let Some(item) = items.iter_mut().find(|item| item.record == id) {
                item.subject = Some(row.subject);
                item.from = row.from.map(|from| from.address.to_string());
            }
        }
        Ok(Json(dto::DisposalItemsAnswer { items, next }))
    };
    state.blocking.read(work).await
}

/// All its mails as CSV, without what they are about.
#[utoipa::path(
    get,
    path = "/api/v1/disposal/runs/{run}/items.csv",
    operation_id = "disposalItemsCsv",
    params(("run" = String, Path, description = "the run's id")),
    responses(
        (status = 200, description = "the mails", body = String, content_type = "text/csv"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such run", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn disposal_items_csv(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let tenant = caller.tenant_for(Permission::ProposeDisposal)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let run = find(&*catalog, tenant, &id)?;
        let mut text = String::from(
            "record,state,class,policy,keptThrough,goneAfter,receivedAt,sizeBytes,why\r\n",
        );
        let (mut after, mut rows) = (None, 0);
        loop {
            let items = catalog.disposal_items(tenant, run.id, None, after, CSV_PAGE_ROWS)?;
            let Some(last) = items.last() else { break };
            after = Some(last.record);
            rows += items.len();
            if rows > CSV_ROWS_MAX {
                return Err(Problem::bad_request("too-many", "read the list page by page"));
            }
            items.into_iter().map(item).for_each(|item| text.push_str(&line(&item)));
        }
        let event = caller.event("disposal.list", run.id.to_string(), json!({ "format": "csv" }));
        catalog.audit(&[event])?;
        Ok(attachment("disposal.csv", "text/csv", text.into_bytes()))
    };
    state.blocking.read(work).await
}

/// Approves a proposal. With the last approval that it takes it begins, and cannot be undone.
#[utoipa::path(
    post,
    path = "/api/v1/disposal/runs/{run}/approve",
    operation_id = "approveDisposal",
    params(("run" = String, Path, description = "the run's id")),
    request_body = dto::DisposalReason,
    responses(
        (status = 200, description = "as it stands now", body = dto::DisposalRun),
        (status = 400, description = "a reason is missing", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such run", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "it does not wait, or it is the caller's own proposal", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn approve_disposal(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Body(asked): Body<dto::DisposalReason>,
) -> Result<Json<dto::DisposalRun>, Problem> {
    decide(state, caller, id, asked, true).await
}

/// Rejects a proposal; whoever made it withdraws it so.
#[utoipa::path(
    post,
    path = "/api/v1/disposal/runs/{run}/reject",
    operation_id = "rejectDisposal",
    params(("run" = String, Path, description = "the run's id")),
    request_body = dto::DisposalReason,
    responses(
        (status = 200, description = "as it stands now", body = dto::DisposalRun),
        (status = 400, description = "a reason is missing", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such run", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "it does not wait", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn reject_disposal(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Body(asked): Body<dto::DisposalReason>,
) -> Result<Json<dto::DisposalRun>, Problem> {
    decide(state, caller, id, asked, false).await
}

async fn decide(
    state: AppState,
    caller: Caller,
    id: String,
    asked: dto::DisposalReason,
    approve: bool,
) -> Result<Json<dto::DisposalRun>, Problem> {
    let tenant = caller.tenant_for(Permission::ApproveDisposal)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let run = find(&*catalog, tenant, &id)?;
        let reason = reason_of(&asked.reason)?;
        let said = NamedApproval {
            approval: DisposalApproval {
                by: caller.current.account.id,
                at: caller.now,
                reason: reason.clone(),
            },
            name: caller.current.account.user_name.clone(),
        };
        let run = retain::decide(&*catalog, tenant, run.id, approve, said)?;
        let action = if approve { "disposal.approve" } else { "disposal.reject" };
        told(&*catalog, &caller, action, &run, &reason)?;
        Ok(Json(shown(&caller, run)))
    };
    state.blocking.read(work).await
}

pub fn find(
    catalog: &dyn Catalog,
    tenant: TenantId,
    id: &str,
) -> Result<catalog::DisposalRun, Problem> {
    let id = id.parse().map_err(|_| Problem::not_found())?;
    catalog.disposal_run(tenant, id)?.ok_or_else(Problem::not_found)
}

fn told(
    catalog: &dyn Catalog,
    caller: &Caller,
    action: &str,
    run: &catalog::DisposalRun,
    reason: &str,
) -> Result<(), Problem> {
    let detail = json!({
        "state": run.state,
        "ground": run.detail.ground,
        "classes": run.detail.classes,
        "mails": run.items,
    });
    let mut event = caller.event(action, run.id.to_string(), detail);
    event.reason = Some(reason.to_owned());
    Ok(catalog.audit(&[event])?)
}

fn shown(caller: &Caller, run: catalog::DisposalRun) -> dto::DisposalRun {
    let own = caller.current.account.id;
    let detail = run.detail;
    let reference = match &detail.ground {
        Ground::CourtOrder { reference, .. } | Ground::RightToErasure { reference, .. } => {
            Some(reference.clone())
        }
        Ground::PeriodOver => None,
    };
    let spoken =
        detail.proposed_by == own || detail.approvals.iter().any(|one| one.approval.by == own);
    dto::DisposalRun {
        id: run.id.to_string(),
        may_approve: run.state == DisposalState::Proposed
            && !spoken
            && caller.may(Permission::ApproveDisposal).is_ok(),
        state: name(&json!(run.state)),
        ground: detail.ground.name().to_owned(),
        reference,
        reason: detail.reason,
        classes: detail.classes,
        policy_version: detail.version,
        proposed_by: detail.proposer,
        proposed_at: written(detail.proposed_at),
        approvals_needed: u32::try_from(detail.ground.approvals()).unwrap_or(u32::MAX),
        approvals: detail.approvals.into_iter().map(word).collect(),
        refusal: detail.refusal.map(word),
        ended_at: detail.ended_at.map(written),
        mails: run.items,
        bytes: run.bytes,
        disposed: run.disposed,
        kept: run.kept,
        left_out_held: detail.left_out.held,
        left_out_suspended: detail.left_out.suspended,
        left_out_undetermined: detail.left_out.undetermined,
    }
}

fn word(said: NamedApproval) -> dto::DisposalWord {
    dto::DisposalWord { by: said.name, at: written(said.approval.at), reason: said.approval.reason }
}

fn item(item: catalog::DisposalItem) -> dto::DisposalItem {
    let verdict = item.verdict;
    dto::DisposalItem {
        record: item.record.to_string(),
        state: name(&json!(item.state)),
        kept_through: verdict.as_ref().and_then(|it| it.kept_through).map(|day| day.to_string()),
        gone_after: verdict.as_ref().and_then(|it| it.gone_after).map(|day| day.to_string()),
        class: verdict.as_ref().map(|it| it.class.clone()),
        policy: verdict.map(|it| it.policy),
        received_at: written(item.received_at),
        size_bytes: item.size_bytes,
        why_code: item.why.as_deref().and_then(NotDisposable::code_of),
        why: item.why,
        subject: None,
        from: None,
    }
}

/// The name that a state has in JSON.
fn name(json: &serde_json::Value) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

fn line(item: &dto::DisposalItem) -> String {
    let size = item.size_bytes.to_string();
    let cells = [
        item.record.as_str(),
        &item.state,
        item.class.as_deref().unwrap_or_default(),
        item.policy.as_deref().unwrap_or_default(),
        item.kept_through.as_deref().unwrap_or_default(),
        item.gone_after.as_deref().unwrap_or_default(),
        &item.received_at,
        &size,
        item.why.as_deref().unwrap_or_default(),
    ];
    let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
    cells.join(",") + "\r\n"
}

/// A cell of CSV (RFC 4180); what a spreadsheet would take for a formula begins with an apostrophe.
fn quoted(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = if formula { format!("'{cell}") } else { cell.to_owned() };
    match cell.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    }
}
