//! Grants: who may see the mail of whom, and why.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use catalog::{Catalog, GrantFilter, GrantRow, Grantee};
use model::{AccountId, GrantId, TenantId, Timestamp};
use policy::{GrantKind, Opens, Permission, Span};

use super::accounts::account_id;
use super::groups::{group_id, named};
use super::quarantine::reason_of;
use crate::body::{Body, Path, Query};
use crate::caller::Ready;
use crate::dto;
use crate::problem::Problem;
use crate::routes::search::written;
use crate::state::AppState;

const PAGE_ROWS: u32 = 100;

/// Grants, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/grants",
    operation_id = "grants",
    params(dto::GrantParams),
    responses(
        (status = 200, description = "one page", body = dto::GrantsAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn grants(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Query(params): Query<dto::GrantParams>,
) -> Result<Json<dto::GrantsAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageGrants)?;
    let filter = filter(&params, caller.now)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let rows = catalog.grants(tenant, &filter, PAGE_ROWS)?;
        let full = rows.len() == PAGE_ROWS as usize;
        let next = rows.last().filter(|_| full).map(|row| row.id.to_string());
        let mut names = Names::new(&*catalog);
        let grants = rows.into_iter().map(|row| shown(&mut names, tenant, row, caller.now));
        Ok(Json(dto::GrantsAnswer { grants: grants.collect::<Result<_, _>>()?, next }))
    };
    state.blocking.read(work).await
}

/// Opens a mailbox to an account or a group, or the whole tenant to an auditor or officer.
#[utoipa::path(
    post,
    path = "/api/v1/grants",
    operation_id = "giveGrant",
    request_body = dto::NewGrant,
    responses(
        (status = 201, description = "it works from now on, or from its first moment on", body = dto::Grant),
        (status = 400, description = "a reason is missing, a span is empty, or it does not say whom and what", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such account, group or mailbox", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn give_grant(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(new): Body<dto::NewGrant>,
) -> Result<(StatusCode, Json<dto::Grant>), Problem> {
    let tenant = caller.tenant_for(Permission::ManageGrants)?;
    let reason = reason_of(&new.reason)?;
    let grantee = match (&new.account, &new.group) {
        (Some(id), None) => Grantee::Account(account_id(id)?),
        (None, Some(id)) => Grantee::Group(group_id(id)?),
        _ => return Err(Problem::bad_request("invalid", "name an account or a group")),
    };
    let opens = match (&new.mailbox, new.whole_tenant) {
        (Some(id), false) => Opens::Mailbox(account_id(id)?),
        (None, true) => Opens::Tenant,
        _ => return Err(Problem::bad_request("invalid", "name a mailbox or the whole tenant")),
    };
    let (valid, mail) = (span(new.valid), span(new.mail));
    let grant = policy::Grant { opens, kind: new.kind.into(), valid, mail };
    let blocking = state.blocking.clone();
    let work = move || {
        let new = identity::NewGrant { grantee, grant, reason: &reason };
        let row = state.identity.grant(tenant, &new, &caller.by(), caller.now)?;
        let mut names = Names::new(&*state.catalog);
        Ok((StatusCode::CREATED, Json(shown(&mut names, tenant, row, caller.now)?)))
    };
    blocking.read(work).await
}

/// Ends a grant at once.
#[utoipa::path(
    post,
    path = "/api/v1/grants/{grant}/revoke",
    operation_id = "revokeGrant",
    params(("grant" = String, Path, description = "the grant's id")),
    request_body = dto::GivenReason,
    responses(
        (status = 204, description = "ended"),
        (status = 400, description = "a reason is missing", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such grant stands", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn revoke_grant(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Body(given): Body<dto::GivenReason>,
) -> Result<StatusCode, Problem> {
    let tenant = caller.tenant_for(Permission::ManageGrants)?;
    let id: GrantId = id.parse().map_err(|_| Problem::not_found())?;
    let reason = reason_of(&given.reason)?;
    let blocking = state.blocking.clone();
    let work =
        move || match state.identity.revoke_grant(tenant, id, &reason, &caller.by(), caller.now)? {
            true => Ok(StatusCode::NO_CONTENT),
            false => Err(Problem::not_found()),
        };
    blocking.read(work).await
}

fn filter(params: &dto::GrantParams, now: Timestamp) -> Result<GrantFilter, Problem> {
    let parameter = |what: &str| Problem::bad_request("parameter", format!("no such {what}"));
    let grantee = match (&params.account, &params.group) {
        (Some(id), _) => Some(Grantee::Account(id.parse().map_err(|_| parameter("account"))?)),
        (None, Some(id)) => Some(Grantee::Group(id.parse().map_err(|_| parameter("group"))?)),
        (None, None) => None,
    };
    let opens = match params.mailbox.as_deref() {
        None => None,
        Some("tenant") => Some(Opens::Tenant),
        Some(id) => Some(Opens::Mailbox(id.parse().map_err(|_| parameter("mailbox"))?)),
    };
    let before = params.cursor.as_deref().map(str::parse).transpose();
    Ok(GrantFilter {
        grantee,
        opens,
        standing_at: params.standing.then_some(now),
        before: before.map_err(|_| Problem::bad_request("cursor", "no such page"))?,
    })
}

/// Looks each account up once.
pub struct Names<'c> {
    catalog: &'c dyn Catalog,
    known: HashMap<AccountId, dto::NamedAccount>,
}

impl<'c> Names<'c> {
    pub fn new(catalog: &'c dyn Catalog) -> Self {
        Self { catalog, known: HashMap::new() }
    }

    pub fn of(&mut self, id: AccountId) -> Result<dto::NamedAccount, Problem> {
        if let Some(known) = self.known.get(&id) {
            return Ok(known.clone());
        }
        let account = self.catalog.account(id)?.ok_or_else(Problem::not_found)?;
        let name = named(&account);
        self.known.insert(id, name.clone());
        Ok(name)
    }
}

fn shown(
    names: &mut Names<'_>,
    tenant: TenantId,
    row: GrantRow,
    now: Timestamp,
) -> Result<dto::Grant, Problem> {
    let (account, group) = match row.grantee {
        Grantee::Account(id) => (Some(names.of(id)?), None),
        Grantee::Group(id) => {
            let name = names.catalog.group(tenant, id)?.map(|group| group.name);
            let name = name.unwrap_or_default();
            (None, Some(dto::NamedGroup { id: id.to_string(), name }))
        }
    };
    let mailbox = match row.grant.opens {
        Opens::Mailbox(id) => Some(names.of(id)?),
        Opens::Tenant => None,
    };
    let active = row.revoked.is_none() && row.grant.valid.covers(now);
    let (revoked_at, revoked_by) = row.revoked.unzip();
    Ok(dto::Grant {
        id: row.id.to_string(),
        account,
        group,
        mailbox,
        kind: row.grant.kind.into(),
        valid: shown_span(row.grant.valid),
        mail: shown_span(row.grant.mail),
        reason: row.reason,
        granted_by: row.granted_by,
        granted_at: written(row.granted_at),
        revoked_at: revoked_at.map(written),
        revoked_by,
        active,
    })
}

pub fn span(span: dto::TimeSpan) -> Span {
    Span { from: span.from, until: span.until }
}

pub fn shown_span(span: Span) -> dto::ShownSpan {
    dto::ShownSpan { from: span.from.map(written), until: span.until.map(written) }
}

impl From<dto::GrantKind> for GrantKind {
    fn from(kind: dto::GrantKind) -> Self {
        match kind {
            dto::GrantKind::Audit => Self::Audit,
            dto::GrantKind::Deputy => Self::Deputy,
            dto::GrantKind::Leaver => Self::Leaver,
            dto::GrantKind::Shared => Self::Shared,
        }
    }
}

impl From<GrantKind> for dto::GrantKind {
    fn from(kind: GrantKind) -> Self {
        match kind {
            GrantKind::Audit => Self::Audit,
            GrantKind::Deputy => Self::Deputy,
            GrantKind::Leaver => Self::Leaver,
            GrantKind::Shared => Self::Shared,
        }
    }
}
