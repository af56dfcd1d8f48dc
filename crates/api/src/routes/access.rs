//! Four eyes: who reads foreign mail for an audit asks first, and another person decides.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use catalog::{AccessRequest, AccountFilter, Catalog, Decision, RequestState};
use model::{AccessRequestId, AccountId, TenantId};
use policy::{Opens, Permission, Span};

use super::accounts::account_id;
use super::grants::{Names, shown_span, span};
use super::groups::named;
use super::quarantine::reason_of;
use crate::body::{Body, Path, Query};
use crate::caller::{Caller, Ready};
use crate::dto;
use crate::problem::Problem;
use crate::routes::search::written;
use crate::state::AppState;

const PAGE_ROWS: u32 = 50;

/// Mailboxes of one page.
const MAILBOX_ROWS: u32 = 200;

/// People of one request who are named to be told; all of them are told.
const CONCERNED_SHOWN_MAX: usize = 200;

/// Requests: officers see all of the tenant, auditors their own.
#[utoipa::path(
    get,
    path = "/api/v1/access-requests",
    operation_id = "accessRequests",
    params(dto::PageParams),
    responses(
        (status = 200, description = "one page", body = dto::AccessRequestsAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account has nothing to do with access", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn access_requests(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Query(params): Query<dto::PageParams>,
) -> Result<Json<dto::AccessRequestsAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::RequestAccess)?;
    let before = params.cursor.as_deref().map(str::parse::<AccessRequestId>).transpose();
    let before = before.map_err(|_| Problem::bad_request("cursor", "no such page"))?;
    let catalog = state.catalog.clone();
    let work = move || {
        let rows = catalog.access_requests(tenant, requester(&caller), before, PAGE_ROWS)?;
        let full = rows.len() == PAGE_ROWS as usize;
        let next = rows.last().filter(|_| full).map(|row| row.id.to_string());
        let mut names = Names::new(&*catalog);
        let shown = rows.into_iter().map(|row| shown(&*catalog, &mut names, row, &caller));
        Ok(Json(dto::AccessRequestsAnswer { requests: shown.collect::<Result<_, _>>()?, next }))
    };
    state.blocking.read(work).await
}

/// Asks for access, with a reason. It opens nothing until another person approves it.
#[utoipa::path(
    post,
    path = "/api/v1/access-requests",
    operation_id = "requestAccess",
    request_body = dto::NewAccessRequest,
    responses(
        (status = 201, description = "waits for another person", body = dto::AccessRequest),
        (status = 400, description = "a reason is missing, the span is empty or too long, or it names no mailbox", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such mailbox", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn request_access(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(new): Body<dto::NewAccessRequest>,
) -> Result<(StatusCode, Json<dto::AccessRequest>), Problem> {
    let tenant = caller.tenant_for(Permission::RequestAccess)?;
    let reason = reason_of(&new.reason)?;
    let mut opens: Vec<Opens> = Vec::with_capacity(new.mailboxes.len());
    for mailbox in &new.mailboxes {
        opens.push(Opens::Mailbox(account_id(mailbox)?));
    }
    if new.whole_tenant {
        opens.push(Opens::Tenant);
    }
    let blocking = state.blocking.clone();
    let work = move || {
        let asked =
            identity::NewRequest { opens, mail: span(new.mail), reason: &reason, until: new.until };
        let me = caller.current.account.id;
        let request =
            state.identity.request_access(tenant, me, &asked, &caller.by(), caller.now)?;
        let mut names = Names::new(&*state.catalog);
        let shown = shown(&*state.catalog, &mut names, request, &caller)?;
        Ok((StatusCode::CREATED, Json(shown)))
    };
    blocking.read(work).await
}

/// One request.
#[utoipa::path(
    get,
    path = "/api/v1/access-requests/{request}",
    operation_id = "accessRequest",
    params(("request" = String, Path, description = "the request's id")),
    responses(
        (status = 200, description = "the request", body = dto::AccessRequest),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such request", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn access_request(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<dto::AccessRequest>, Problem> {
    let tenant = caller.tenant_for(Permission::RequestAccess)?;
    let id = request_id(&id)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let request = visible(&*catalog, tenant, id, &caller)?;
        Ok(Json(shown(&*catalog, &mut Names::new(&*catalog), request, &caller)?))
    };
    state.blocking.read(work).await
}

/// Approves a request of another person: their grants count as far as it goes.
#[utoipa::path(
    post,
    path = "/api/v1/access-requests/{request}/approve",
    operation_id = "approveAccess",
    params(("request" = String, Path, description = "the request's id")),
    request_body = dto::GivenReason,
    responses(
        (status = 200, description = "approved", body = dto::AccessRequest),
        (status = 400, description = "a reason is missing", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such request waits", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "one's own request", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn approve_access(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Body(given): Body<dto::GivenReason>,
) -> Result<Json<dto::AccessRequest>, Problem> {
    caller.may(Permission::ApproveAccess)?;
    decide(state, caller, &id, RequestState::Approved, &given.reason).await
}

/// Rejects a request of another person.
#[utoipa::path(
    post,
    path = "/api/v1/access-requests/{request}/reject",
    operation_id = "rejectAccess",
    params(("request" = String, Path, description = "the request's id")),
    request_body = dto::GivenReason,
    responses(
        (status = 200, description = "rejected", body = dto::AccessRequest),
        (status = 400, description = "a reason is missing", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such request waits", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "one's own request", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn reject_access(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Body(given): Body<dto::GivenReason>,
) -> Result<Json<dto::AccessRequest>, Problem> {
    caller.may(Permission::ApproveAccess)?;
    decide(state, caller, &id, RequestState::Rejected, &given.reason).await
}

/// Ends an approved access at once, or withdraws one's own request.
#[utoipa::path(
    post,
    path = "/api/v1/access-requests/{request}/revoke",
    operation_id = "revokeAccess",
    params(("request" = String, Path, description = "the request's id")),
    request_body = dto::GivenReason,
    responses(
        (status = 200, description = "ended", body = dto::AccessRequest),
        (status = 400, description = "a reason is missing", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such request stands", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn revoke_access(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Body(given): Body<dto::GivenReason>,
) -> Result<Json<dto::AccessRequest>, Problem> {
    decide(state, caller, &id, RequestState::Revoked, &given.reason).await
}

/// Mailboxes of others that grants open to the caller, or would open once access is approved.
#[utoipa::path(
    get,
    path = "/api/v1/mailboxes",
    operation_id = "mailboxes",
    params(dto::MailboxParams),
    responses(
        (status = 200, description = "one page", body = dto::MailboxesAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account reads no mail", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn mailboxes(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Query(params): Query<dto::MailboxParams>,
) -> Result<Json<dto::MailboxesAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::ReadMail)?;
    let blocking = state.blocking.clone();
    let work = move || Ok(Json(granted(&state, tenant, &caller, &params)?));
    blocking.read(work).await
}

async fn decide(
    state: AppState,
    caller: Caller,
    id: &str,
    to: RequestState,
    reason: &str,
) -> Result<Json<dto::AccessRequest>, Problem> {
    let tenant = caller.tenant_for(Permission::RequestAccess)?;
    let id = request_id(id)?;
    let reason = reason_of(reason)?;
    let blocking = state.blocking.clone();
    let work = move || {
        visible(&*state.catalog, tenant, id, &caller)?;
        let decision = Decision {
            state: to,
            at: caller.now,
            by: caller.current.account.id,
            who: caller.current.account.user_name.clone(),
            reason,
        };
        let decided = state.identity.decide_access(tenant, id, &decision, &caller.by())?;
        let request = decided.ok_or_else(Problem::not_found)?;
        let mut names = Names::new(&*state.catalog);
        Ok(Json(shown(&*state.catalog, &mut names, request, &caller)?))
    };
    blocking.read(work).await
}

/// Whose requests the caller sees; `None`: everybody's.
fn requester(caller: &Caller) -> Option<AccountId> {
    let own = caller.may(Permission::ApproveAccess).is_err();
    own.then_some(caller.current.account.id)
}

fn request_id(text: &str) -> Result<AccessRequestId, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}

fn visible(
    catalog: &dyn Catalog,
    tenant: TenantId,
    id: AccessRequestId,
    caller: &Caller,
) -> Result<AccessRequest, Problem> {
    let request = catalog.access_request(tenant, id)?.ok_or_else(Problem::not_found)?;
    match requester(caller) {
        Some(own) if own != request.requester => Err(Problem::not_found()),
        _ => Ok(request),
    }
}

fn shown(
    catalog: &dyn Catalog,
    names: &mut Names<'_>,
    request: AccessRequest,
    caller: &Caller,
) -> Result<dto::AccessRequest, Problem> {
    let me = caller.current.account.id;
    let mut mailboxes = Vec::new();
    for opens in &request.opens {
        if let Opens::Mailbox(id) = opens {
            mailboxes.push(names.of(*id)?);
        }
    }
    let mut concerned = Vec::new();
    for one in catalog.concerned(request.tenant, request.id)?.iter().take(CONCERNED_SHOWN_MAX) {
        let told_at = one.told_at.map(written);
        concerned.push(dto::ConcernedPerson { account: names.of(one.account)?, told_at });
    }
    let approves = caller.may(Permission::ApproveAccess).is_ok();
    let decisions = request.decisions.iter().map(|decision| dto::AccessDecision {
        state: decision.state.name().to_owned(),
        who: decision.who.clone(),
        reason: decision.reason.clone(),
        at: written(decision.at),
    });
    Ok(dto::AccessRequest {
        id: request.id.to_string(),
        requester: names.of(request.requester)?,
        mailboxes,
        whole_tenant: request.opens.contains(&Opens::Tenant),
        mail: shown_span(request.mail),
        reason: request.reason.clone(),
        asked_at: written(request.asked_at),
        until: written(request.until),
        state: request.state.name().to_owned(),
        active: request.approval().is_some_and(|approval| approval.valid.covers(caller.now)),
        decisions: decisions.collect(),
        decidable: approves
            && request.requester != me
            && request.state == RequestState::Asked
            && caller.now < request.until,
        concerned,
    })
}

fn granted(
    state: &AppState,
    tenant: TenantId,
    caller: &Caller,
    params: &dto::MailboxParams,
) -> Result<dto::MailboxesAnswer, Problem> {
    let catalog = &state.catalog;
    let account = &caller.current.account;
    let grants = catalog.grants_for(account.id)?;
    let openings = policy::effective(account.role, &grants, None, caller.now);
    let whole = openings.iter().any(|opening| opening.opens == Opens::Tenant);
    let mut granted: Vec<AccountId> = openings
        .iter()
        .filter_map(|opening| match opening.opens {
            Opens::Mailbox(id) => Some(id),
            Opens::Tenant => None,
        })
        .collect();
    granted.sort_unstable();
    let scope = caller.scope()?;
    let everything = scope.view().everything.iter().copied();
    let filter = AccountFilter { text: params.q.clone(), ..AccountFilter::default() };
    let mut answer = dto::MailboxesAnswer {
        mailboxes: Vec::new(),
        next: None,
        everything: everything.clone().map(shown_span).collect(),
        four_eyes: account.role.audits()
            && catalog.tenant(tenant)?.is_some_and(|tenant| tenant.settings.four_eyes),
    };
    let mut after = params.cursor.clone();
    while answer.mailboxes.len() < MAILBOX_ROWS as usize {
        let page = catalog.account_page(Some(tenant), &filter, after.as_deref(), MAILBOX_ROWS)?;
        let Some(last) = page.rows.last() else { return Ok(answer) };
        after = Some(last.account.user_name.clone());
        let ended = page.rows.len() < MAILBOX_ROWS as usize;
        for row in page.rows {
            let id = row.account.id;
            if id == account.id || !(whole || granted.binary_search(&id).is_ok()) {
                continue;
            }
            let mut addresses: Vec<String> =
                row.addresses.iter().map(|own| own.key.clone()).collect();
            addresses.dedup();
            let open = row.addresses.iter().any(|own| {
                let seen = scope.view().addresses.iter().filter(|seen| seen.key == own.key);
                let spans = seen.map(|seen| seen.span()).chain(everything.clone());
                spans.into_iter().any(|span: Span| span.intersect(&own.span()).is_some())
            });
            answer.mailboxes.push(dto::GrantedMailbox {
                account: named(&row.account),
                kind: row.account.kind.into(),
                addresses,
                open,
            });
        }
        if ended {
            return Ok(answer);
        }
    }
    answer.next = after;
    Ok(answer)
}
