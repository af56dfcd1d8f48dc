//! Matters and legal holds: an officer's. Figures are for every officer; mail is listed within the
//! officer's own scope.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use catalog::{Catalog, HoldRow, Matter, MatterScope, MatterState};
use model::{HoldId, MatterId, RecordId, TenantId};
use policy::{Permission, Span};
use serde_json::json;

use super::grants::{shown_span, span};
use super::quarantine::reason_of;
use crate::body::{Body, Path, Query};
use crate::caller::{Caller, Ready};
use crate::dto;
use crate::problem::Problem;
use crate::routes::search::{mail_row, written};
use crate::state::AppState;

/// Mails of one page.
const PAGE_ROWS: u32 = 100;

/// All matters of the tenant.
#[utoipa::path(
    get,
    path = "/api/v1/matters",
    operation_id = "matters",
    responses(
        (status = 200, description = "the matters", body = dto::MattersAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account is no officer's", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn matters(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<dto::MattersAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageHolds)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let all = catalog.matters(tenant)?.into_iter();
        let matters = all.map(|matter| shown(&*catalog, tenant, matter));
        Ok(Json(dto::MattersAnswer { matters: matters.collect::<Result<_, _>>()? }))
    };
    state.blocking.read(work).await
}

/// Opens a matter; it holds nothing yet.
#[utoipa::path(
    post,
    path = "/api/v1/matters",
    operation_id = "openMatter",
    request_body = dto::MatterDraft,
    responses(
        (status = 201, description = "opened", body = dto::Matter),
        (status = 400, description = "the query or a custodian is not understood, or a reason is missing", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account is no officer's", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "the name is taken", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn open_matter(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(draft): Body<dto::MatterDraft>,
) -> Result<(StatusCode, Json<dto::Matter>), Problem> {
    let tenant = caller.tenant_for(Permission::ManageHolds)?;
    let reason = reason_of(&draft.reason)?;
    let blocking = state.blocking.clone();
    let work = move || {
        let by = &caller.current.account.user_name;
        let matter = state.matters.open(tenant, drafted(draft), by, caller.now)?;
        let detail = json!({ "after": audited(&matter) });
        note(&state, &caller, "matter.open", matter.id.to_string(), detail, &reason)?;
        Ok((StatusCode::CREATED, Json(shown(&*state.catalog, tenant, matter)?)))
    };
    blocking.read(work).await
}

/// How many mails a matter would be about.
#[utoipa::path(
    post,
    path = "/api/v1/matters/preview",
    operation_id = "previewMatter",
    request_body = dto::MatterPreview,
    responses(
        (status = 200, description = "the figure", body = dto::MatterPreviewAnswer),
        (status = 400, description = "the query or a custodian is not understood", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account is no officer's", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn preview_matter(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(asked): Body<dto::MatterPreview>,
) -> Result<Json<dto::MatterPreviewAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageHolds)?;
    let blocking = state.blocking.clone();
    let work = move || {
        let Span { from, until } = span(asked.span);
        let draft = discovery::MatterDraft {
            custodians: asked.custodians,
            query: asked.query,
            from,
            until,
            ..discovery::MatterDraft::default()
        };
        let scope = state.matters.scope(tenant, &draft)?;
        let figures = state.discovery.count_for_matter(tenant, &scope, caller.now)?;
        Ok(Json(dto::MatterPreviewAnswer {
            mails: figures.found,
            unsearchable: figures.unsearchable,
            addresses: scope.addresses,
        }))
    };
    blocking.read(work).await
}

/// One matter with its holds.
#[utoipa::path(
    get,
    path = "/api/v1/matters/{matter}",
    operation_id = "matter",
    params(("matter" = String, Path, description = "the matter's id")),
    responses(
        (status = 200, description = "the matter", body = dto::Matter),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such matter", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn matter(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<dto::Matter>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageHolds)?;
    let id = matter_id(&id)?;
    let blocking = state.blocking.clone();
    let work = move || {
        let matter = state.matters.matter(tenant, id)?;
        Ok(Json(shown(&*state.catalog, tenant, matter)?))
    };
    blocking.read(work).await
}

/// Changes what is said of an open matter. Holds that were placed keep what they hold; a wider
/// scope needs a further hold.
#[utoipa::path(
    put,
    path = "/api/v1/matters/{matter}",
    operation_id = "changeMatter",
    params(("matter" = String, Path, description = "the matter's id")),
    request_body = dto::MatterDraft,
    responses(
        (status = 200, description = "changed", body = dto::Matter),
        (status = 400, description = "the query or a custodian is not understood, or a reason is missing", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such matter", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "it is closed, or the name is taken", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn change_matter(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Body(draft): Body<dto::MatterDraft>,
) -> Result<Json<dto::Matter>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageHolds)?;
    let (id, reason) = (matter_id(&id)?, reason_of(&draft.reason)?);
    let blocking = state.blocking.clone();
    let work = move || {
        let (before, after) = state.matters.change(tenant, id, drafted(draft))?;
        let detail = json!({ "before": audited(&before), "after": audited(&after) });
        note(&state, &caller, "matter.change", id.to_string(), detail, &reason)?;
        Ok(Json(shown(&*state.catalog, tenant, after)?))
    };
    blocking.read(work).await
}

/// Closes a matter whose holds are all released.
#[utoipa::path(
    post,
    path = "/api/v1/matters/{matter}/close",
    operation_id = "closeMatter",
    params(("matter" = String, Path, description = "the matter's id")),
    request_body = dto::GivenReason,
    responses(
        (status = 200, description = "closed", body = dto::Matter),
        (status = 400, description = "a reason is missing", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such matter", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "it still has a hold, or is closed", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn close_matter(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Body(given): Body<dto::GivenReason>,
) -> Result<Json<dto::Matter>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageHolds)?;
    let (id, reason) = (matter_id(&id)?, reason_of(&given.reason)?);
    let blocking = state.blocking.clone();
    let work = move || {
        let by = &caller.current.account.user_name;
        let matter = state.matters.close(tenant, id, by, &reason, caller.now)?;
        let detail = json!({ "name": matter.name });
        note(&state, &caller, "matter.close", id.to_string(), detail, &reason)?;
        Ok(Json(shown(&*state.catalog, tenant, matter)?))
    };
    blocking.read(work).await
}

/// What the matter's holds froze: its number, and those mails that the officer may read.
#[utoipa::path(
    get,
    path = "/api/v1/matters/{matter}/records",
    operation_id = "matterRecords",
    params(("matter" = String, Path, description = "the matter's id"), dto::HeldMailsParams),
    responses(
        (status = 200, description = "one page", body = dto::HeldMailsAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such matter", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn matter_records(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Query(params): Query<dto::HeldMailsParams>,
) -> Result<Json<dto::HeldMailsAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageHolds)?;
    let scope = caller.scope()?;
    let id = matter_id(&id)?;
    let after = params.cursor.as_deref().map(str::parse::<RecordId>).transpose();
    let after = after.map_err(|_| Problem::bad_request("cursor", "no such page"))?;
    let blocking = state.blocking.clone();
    let work = move || {
        state.matters.matter(tenant, id)?;
        let catalog = &state.catalog;
        let ids = catalog.held_records(tenant, id, after, PAGE_ROWS)?;
        let rows = catalog.rows(&scope, &ids)?;
        let full = ids.len() == PAGE_ROWS as usize;
        Ok(Json(dto::HeldMailsAnswer {
            total: catalog.held_count(tenant, id)?,
            withheld: (ids.len() - rows.len()) as u64,
            rows: rows.into_iter().map(mail_row).collect(),
            next: ids.last().filter(|_| full).map(ToString::to_string),
        }))
    };
    blocking.read(work).await
}

/// Freezes what the matter is about, now and what arrives later, until the hold is released.
#[utoipa::path(
    post,
    path = "/api/v1/matters/{matter}/holds",
    operation_id = "placeHold",
    params(("matter" = String, Path, description = "the matter's id")),
    request_body = dto::GivenReason,
    responses(
        (status = 201, description = "it holds", body = dto::Hold),
        (status = 400, description = "a reason is missing", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such matter", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "the matter is closed", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn place_hold(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Body(given): Body<dto::GivenReason>,
) -> Result<(StatusCode, Json<dto::Hold>), Problem> {
    let tenant = caller.tenant_for(Permission::ManageHolds)?;
    let (id, reason) = (matter_id(&id)?, reason_of(&given.reason)?);
    let blocking = state.blocking.clone();
    let work = move || {
        let by = &caller.current.account.user_name;
        let hold = state.matters.place(tenant, id, by, &reason, caller.now)?;
        let detail = json!({ "matter": id, "after": hold.facts.scope });
        note(&state, &caller, "hold.place", hold.facts.id.to_string(), detail, &reason)?;
        Ok((StatusCode::CREATED, Json(shown_hold(&*state.catalog, tenant, hold)?)))
    };
    blocking.read(work).await
}

/// All holds of the tenant.
#[utoipa::path(
    get,
    path = "/api/v1/holds",
    operation_id = "holds",
    responses(
        (status = 200, description = "the holds", body = dto::HoldsAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account is no officer's", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn holds(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<dto::HoldsAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageHolds)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let all = catalog.holds(tenant, None)?.into_iter();
        let holds = all.map(|hold| shown_hold(&*catalog, tenant, hold));
        Ok(Json(dto::HoldsAnswer { holds: holds.collect::<Result<_, _>>()? }))
    };
    state.blocking.read(work).await
}

/// Releases one hold; others go on holding.
#[utoipa::path(
    post,
    path = "/api/v1/holds/{hold}/release",
    operation_id = "releaseHold",
    params(("hold" = String, Path, description = "the hold's id")),
    request_body = dto::GivenReason,
    responses(
        (status = 200, description = "released", body = dto::Hold),
        (status = 400, description = "a reason is missing", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such hold, or it is released", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn release_hold(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Body(given): Body<dto::GivenReason>,
) -> Result<Json<dto::Hold>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageHolds)?;
    let id: HoldId = id.parse().map_err(|_| Problem::not_found())?;
    let reason = reason_of(&given.reason)?;
    let blocking = state.blocking.clone();
    let work = move || {
        let by = &caller.current.account.user_name;
        let hold = state.matters.release(tenant, id, by, &reason, caller.now)?;
        let detail = json!({ "matter": hold.facts.matter, "before": hold.facts.scope });
        note(&state, &caller, "hold.release", id.to_string(), detail, &reason)?;
        Ok(Json(shown_hold(&*state.catalog, tenant, hold)?))
    };
    blocking.read(work).await
}

fn note(
    state: &AppState,
    caller: &Caller,
    action: &str,
    object: String,
    detail: serde_json::Value,
    reason: &str,
) -> Result<(), Problem> {
    let event = caller.event(action, object, detail);
    let event = catalog::AuditEvent { reason: Some(reason.to_owned()), ..event };
    Ok(state.catalog.audit(&[event])?)
}

fn matter_id(text: &str) -> Result<MatterId, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}

fn drafted(draft: dto::MatterDraft) -> discovery::MatterDraft {
    let Span { from, until } = span(draft.span);
    discovery::MatterDraft {
        name: draft.name,
        custodians: draft.custodians,
        query: draft.query,
        from,
        until,
        unsearchable: Some(draft.unsearchable),
        notes: draft.notes,
        reason: draft.reason,
    }
}

fn audited(matter: &Matter) -> serde_json::Value {
    let Matter { name, custodians, scope, notes, .. } = matter;
    json!({ "name": name, "custodians": custodians, "scope": scope, "notes": notes })
}

fn shown(catalog: &dyn Catalog, tenant: TenantId, matter: Matter) -> Result<dto::Matter, Problem> {
    let holds = catalog.holds(tenant, Some(matter.id))?.into_iter();
    let holds = holds.map(|hold| shown_hold(catalog, tenant, hold)).collect::<Result<_, _>>()?;
    let span = shown_span(matter.scope.span());
    let MatterScope { addresses, query, unsearchable, .. } = matter.scope;
    Ok(dto::Matter {
        id: matter.id.to_string(),
        name: matter.name,
        custodians: matter.custodians,
        addresses,
        query,
        span,
        unsearchable,
        notes: matter.notes,
        state: match matter.state {
            MatterState::Closed => "closed",
            MatterState::Open => "open",
        },
        opened_by: matter.opened_by,
        opened_at: written(matter.opened_at),
        reason: matter.reason,
        closed: matter.closed.map(release),
        holds,
        held_mails: catalog.held_count(tenant, matter.id)?,
    })
}

fn shown_hold(
    catalog: &dyn Catalog,
    tenant: TenantId,
    hold: HoldRow,
) -> Result<dto::Hold, Problem> {
    let not_examined_yet = match hold.facts.released {
        Some(_) => 0,
        None => catalog.records_after(tenant, hold.through_seq)?,
    };
    let span = shown_span(hold.facts.scope.span());
    let MatterScope { addresses, query, unsearchable, .. } = hold.facts.scope;
    Ok(dto::Hold {
        id: hold.facts.id.to_string(),
        matter: hold.facts.matter.to_string(),
        addresses,
        query,
        span,
        unsearchable,
        placed_at: written(hold.facts.placed_at),
        placed_by: hold.facts.placed_by,
        reason: hold.facts.reason,
        released: hold.facts.released.map(release),
        mails: hold.found,
        not_examined_yet,
    })
}

fn release(release: catalog::HoldRelease) -> dto::HoldEnd {
    dto::HoldEnd { at: written(release.at), by: release.by, reason: release.reason }
}
