//! Groups that mailboxes are opened to.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use catalog::{Account, Catalog, Group};
use model::{AccountId, GroupId, TenantId};
use policy::Permission;

use super::accounts::account_id;
use crate::body::{Body, Path};
use crate::caller::Ready;
use crate::dto;
use crate::problem::Problem;
use crate::state::AppState;

/// Bodies with the members of a group, in bytes: some 50,000 ids.
pub const MEMBERS_BYTES_MAX: usize = 2 << 20;

/// The groups of the tenant.
#[utoipa::path(
    get,
    path = "/api/v1/groups",
    operation_id = "groups",
    responses(
        (status = 200, description = "the groups", body = dto::GroupsAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn groups(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<dto::GroupsAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageAccounts)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let groups = catalog.groups(tenant)?.into_iter().map(|row| dto::GroupEntry {
            id: row.group.id.to_string(),
            name: row.group.name,
            members: row.members,
            directory: row.group.origin.map(|origin| origin.directory.to_string()),
        });
        Ok(Json(dto::GroupsAnswer { groups: groups.collect() }))
    };
    state.blocking.read(work).await
}

/// Creates a group.
#[utoipa::path(
    post,
    path = "/api/v1/groups",
    operation_id = "createGroup",
    request_body = dto::NewGroup,
    responses(
        (status = 201, description = "created", body = dto::GroupDetail),
        (status = 400, description = "the name is empty or too long", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such account", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "the name is taken", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn create_group(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(new): Body<dto::NewGroup>,
) -> Result<(StatusCode, Json<dto::GroupDetail>), Problem> {
    let tenant = caller.tenant_for(Permission::ManageAccounts)?;
    let members = ids(&new.members)?;
    let blocking = state.blocking.clone();
    let work = move || {
        let group =
            state.identity.create_group(tenant, &new.name, &members, &caller.by(), caller.now)?;
        Ok((StatusCode::CREATED, Json(detail(&*state.catalog, tenant, group.id)?)))
    };
    blocking.read(work).await
}

/// A group with its members.
#[utoipa::path(
    get,
    path = "/api/v1/groups/{group}",
    operation_id = "group",
    params(("group" = String, Path, description = "the group's id")),
    responses(
        (status = 200, description = "the group", body = dto::GroupDetail),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such group", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn group(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<dto::GroupDetail>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageAccounts)?;
    let id = group_id(&id)?;
    let catalog = state.catalog.clone();
    let work = move || Ok(Json(detail(&*catalog, tenant, id)?));
    state.blocking.read(work).await
}

/// Renames a group or replaces its members. What a directory says about its groups is taken over
/// again with the next synchronisation.
#[utoipa::path(
    patch,
    path = "/api/v1/groups/{group}",
    operation_id = "changeGroup",
    params(("group" = String, Path, description = "the group's id")),
    request_body = dto::ChangeGroup,
    responses(
        (status = 200, description = "as it is now", body = dto::GroupDetail),
        (status = 400, description = "the name is empty or too long", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such group or account", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "the name is taken", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn change_group(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Body(change): Body<dto::ChangeGroup>,
) -> Result<Json<dto::GroupDetail>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageAccounts)?;
    let id = group_id(&id)?;
    let members = change.members.map(|members| ids(&members)).transpose()?;
    let blocking = state.blocking.clone();
    let work = move || {
        let (name, members) = (change.name.as_deref(), members.as_deref());
        let by = caller.by();
        match state.identity.change_group(tenant, id, name, members, &by, caller.now)? {
            true => Ok(Json(detail(&*state.catalog, tenant, id)?)),
            false => Err(Problem::not_found()),
        }
    };
    blocking.read(work).await
}

/// Removes a group; its grants end.
#[utoipa::path(
    delete,
    path = "/api/v1/groups/{group}",
    operation_id = "removeGroup",
    params(("group" = String, Path, description = "the group's id")),
    responses(
        (status = 204, description = "removed"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such group", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn remove_group(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let tenant = caller.tenant_for(Permission::ManageAccounts)?;
    let id = group_id(&id)?;
    let blocking = state.blocking.clone();
    let work = move || match state.identity.remove_group(tenant, id, &caller.by(), caller.now)? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::not_found()),
    };
    blocking.read(work).await
}

/// What does not parse does not exist.
pub fn group_id(text: &str) -> Result<GroupId, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}

fn ids(texts: &[String]) -> Result<Vec<AccountId>, Problem> {
    texts.iter().map(|text| account_id(text)).collect()
}

fn detail(
    catalog: &dyn Catalog,
    tenant: TenantId,
    id: GroupId,
) -> Result<dto::GroupDetail, Problem> {
    let Group { name, origin, .. } = catalog.group(tenant, id)?.ok_or_else(Problem::not_found)?;
    Ok(dto::GroupDetail {
        id: id.to_string(),
        name,
        directory: origin.map(|origin| origin.directory.to_string()),
        members: catalog.group_members(id)?.iter().map(named).collect(),
    })
}

/// An account as others are told of it.
pub fn named(account: &Account) -> dto::NamedAccount {
    dto::NamedAccount {
        id: account.id.to_string(),
        user_name: account.user_name.clone(),
        display_name: account.display_name.clone(),
    }
}
