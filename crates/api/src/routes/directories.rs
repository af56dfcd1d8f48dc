use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use catalog::{Catalog, Conflict, DirectoryConfig, DirectoryKind, RunTrigger};
use identity::directory::{By, DirectoryDesk, Request, check, preset};
use model::{DirectoryId, TenantId};
use policy::Permission;
use serde_json::json;

use crate::body::{Body, Path, Query};
use crate::caller::{Caller, Ready};
use crate::dto;
use crate::problem::Problem;
use crate::routes::search::written;
use crate::state::AppState;

const PAGE_ROWS: u32 = 50;

/// Longer passwords are refused.
const PASSWORD_CHARS_MAX: usize = 1_000;

/// The tenant's directories, by name.
#[utoipa::path(
    get,
    path = "/api/v1/directories",
    operation_id = "directories",
    responses(
        (status = 200, description = "all of them", body = dto::DirectoriesAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn directories(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<dto::DirectoriesAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageDirectories)?;
    let (catalog, desk) = (state.catalog.clone(), state.directories.clone());
    let work = move || {
        let all = catalog.directories(Some(tenant))?;
        let rows = all.into_iter().map(|one| shown(&*catalog, &desk, one));
        Ok(dto::DirectoriesAnswer { rows: rows.collect::<Result<_, _>>()? })
    };
    Ok(Json(state.blocking.read(work).await?))
}

/// The usual configurations.
#[utoipa::path(
    get,
    path = "/api/v1/directories/presets",
    operation_id = "directoryPresets",
    responses(
        (status = 200, description = "one for each kind", body = dto::DirectoryPresets),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn directory_presets(
    Ready(caller): Ready,
) -> Result<Json<dto::DirectoryPresets>, Problem> {
    caller.tenant_for(Permission::ManageDirectories)?;
    let kinds = [DirectoryKind::ActiveDirectory, DirectoryKind::OpenLdap, DirectoryKind::Generic];
    Ok(Json(dto::DirectoryPresets { presets: kinds.map(preset).to_vec() }))
}

/// Connects a directory. It is read when its schedule says so, or when a person wants it.
#[utoipa::path(
    post,
    path = "/api/v1/directories",
    operation_id = "addDirectory",
    request_body = dto::DirectoryInput,
    responses(
        (status = 200, description = "the directory", body = dto::Directory),
        (status = 400, description = "the configuration does not work", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "a directory has this name", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn add_directory(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(input): Body<dto::DirectoryInput>,
) -> Result<Json<dto::Directory>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageDirectories)?;
    check_input(&input.config, input.password.as_deref())?;
    let (catalog, desk) = (state.catalog.clone(), state.directories.clone());
    let work = move || {
        let id = desk.new_id();
        let password = input.password.filter(|password| !password.is_empty());
        let directory = catalog::Directory {
            id,
            tenant,
            name: input.name.trim().to_owned(),
            config: input.config,
            password: password.map(|password| desk.seal(id, &password)).transpose()?,
            state: catalog::DirectoryState::default(),
            created_at: caller.now,
        };
        catalog.add_directory(&directory).map_err(refused)?;
        let detail = json!({ "after": redacted(&directory) });
        catalog.audit(&[caller.event("directory.add", id.to_string(), detail)])?;
        shown(&*catalog, &desk, directory)
    };
    Ok(Json(state.blocking.read(work).await?))
}

/// One directory.
#[utoipa::path(
    get,
    path = "/api/v1/directories/{id}",
    operation_id = "directory",
    params(("id" = String, Path, description = "the directory")),
    responses(
        (status = 200, description = "the directory", body = dto::Directory),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such directory", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn directory(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<dto::Directory>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageDirectories)?;
    let (catalog, desk) = (state.catalog.clone(), state.directories.clone());
    let work = move || shown(&*catalog, &desk, found(&*catalog, tenant, &id)?);
    Ok(Json(state.blocking.read(work).await?))
}

/// Changes name, configuration and password.
#[utoipa::path(
    put,
    path = "/api/v1/directories/{id}",
    operation_id = "changeDirectory",
    params(("id" = String, Path, description = "the directory")),
    request_body = dto::DirectoryInput,
    responses(
        (status = 200, description = "the directory", body = dto::Directory),
        (status = 400, description = "the configuration does not work, or the password must be given again", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such directory", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "a directory has this name", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn change_directory(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Body(input): Body<dto::DirectoryInput>,
) -> Result<Json<dto::Directory>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageDirectories)?;
    let (catalog, desk) = (state.catalog.clone(), state.directories.clone());
    let work = move || {
        let before = found(&*catalog, tenant, &id)?;
        check_input(&input.config, input.password.as_deref())?;
        let password = match input.password {
            None if before.password.is_some() && !same_way(&before.config, &input.config) => {
                return Err(password_needed());
            }
            None => before.password.clone(),
            Some(password) if password.is_empty() => None,
            Some(password) => Some(desk.seal(before.id, &password)?),
        };
        let after = catalog::Directory {
            name: input.name.trim().to_owned(),
            config: input.config,
            password,
            ..before.clone()
        };
        catalog.update_directory(&after).map_err(refused)?;
        let detail = json!({
            "before": redacted(&before),
            "after": redacted(&after),
            "passwordChanged": before.password != after.password,
        });
        catalog.audit(&[caller.event("directory.change", after.id.to_string(), detail)])?;
        shown(&*catalog, &desk, after)
    };
    Ok(Json(state.blocking.read(work).await?))
}

/// Disconnects a directory. Its accounts and groups stay: local, without a password.
#[utoipa::path(
    delete,
    path = "/api/v1/directories/{id}",
    operation_id = "removeDirectory",
    params(("id" = String, Path, description = "the directory")),
    responses(
        (status = 204, description = "disconnected"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such directory", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "a run is in progress", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn remove_directory(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let tenant = caller.tenant_for(Permission::ManageDirectories)?;
    let (catalog, desk) = (state.catalog.clone(), state.directories.clone());
    let work = move || {
        let before = found(&*catalog, tenant, &id)?;
        if desk.is_running(before.id) {
            return Err(identity::directory::DirectoryError::Running.into());
        }
        let detail = json!({ "before": redacted(&before) });
        let event = caller.event("directory.remove", before.id.to_string(), detail);
        match catalog.remove_directory(tenant, before.id, &[event])? {
            true => Ok(StatusCode::NO_CONTENT),
            false => Err(Problem::not_found()),
        }
    };
    state.blocking.read(work).await
}

/// Tries a configuration that need not be saved.
#[utoipa::path(
    post,
    path = "/api/v1/directories/test",
    operation_id = "testDirectory",
    request_body = dto::DirectoryTestInput,
    responses(
        (status = 200, description = "what was tried", body = dto::DirectoryTestAnswer),
        (status = 400, description = "the password must be given", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn test_directory(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(input): Body<dto::DirectoryTestInput>,
) -> Result<Json<dto::DirectoryTestAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageDirectories)?;
    check_password(input.password.as_deref())?;
    let (catalog, desk) = (state.catalog.clone(), state.directories.clone());
    let work = move || {
        let event = caller.event("directory.test", String::new(), json!({}));
        catalog.audit(&[event])?;
        let steps = match (input.password, input.id) {
            (Some(password), _) => desk.test(&input.config, &password),
            (None, None) => desk.test(&input.config, ""),
            (None, Some(id)) => {
                let saved = found(&*catalog, tenant, &id)?;
                if !same_way(&saved.config, &input.config) {
                    return Err(password_needed());
                }
                desk.test_saved(&catalog::Directory { config: input.config, ..saved })?
            }
        };
        Ok(dto::DirectoryTestAnswer::from(steps))
    };
    Ok(Json(state.blocking.outside(work).await?))
}

/// Tries a directory as it is saved.
#[utoipa::path(
    post,
    path = "/api/v1/directories/{id}/test",
    operation_id = "testSavedDirectory",
    params(("id" = String, Path, description = "the directory")),
    responses(
        (status = 200, description = "what was tried", body = dto::DirectoryTestAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such directory", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn test_saved_directory(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<dto::DirectoryTestAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageDirectories)?;
    let (catalog, desk) = (state.catalog.clone(), state.directories.clone());
    let work = move || {
        let saved = found(&*catalog, tenant, &id)?;
        catalog.audit(&[caller.event("directory.test", saved.id.to_string(), json!({}))])?;
        Ok(dto::DirectoryTestAnswer::from(desk.test_saved(&saved)?))
    };
    Ok(Json(state.blocking.outside(work).await?))
}

/// What a complete run would do now; nothing is changed.
#[utoipa::path(
    post,
    path = "/api/v1/directories/{id}/preview",
    operation_id = "previewDirectory",
    params(("id" = String, Path, description = "the directory")),
    responses(
        (status = 200, description = "the plan", body = dto::DirectoryPreview),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such directory", body = Problem, content_type = "application/problem+json"),
        (status = 502, description = "the directory cannot be read", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn preview_directory(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<dto::DirectoryPreview>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageDirectories)?;
    let (catalog, desk) = (state.catalog.clone(), state.directories.clone());
    let work = move || {
        let saved = found(&*catalog, tenant, &id)?;
        catalog.audit(&[caller.event("directory.preview", saved.id.to_string(), json!({}))])?;
        Ok(dto::DirectoryPreview::from(desk.preview(&saved)?))
    };
    Ok(Json(state.blocking.outside(work).await?))
}

/// Starts a complete run; its result appears among the runs.
#[utoipa::path(
    post,
    path = "/api/v1/directories/{id}/sync",
    operation_id = "syncDirectory",
    params(("id" = String, Path, description = "the directory")),
    request_body = dto::DirectorySyncInput,
    responses(
        (status = 202, description = "it runs, or waits for its turn"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such directory", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "a run is in progress", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn sync_directory(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Body(input): Body<dto::DirectorySyncInput>,
) -> Result<StatusCode, Problem> {
    let tenant = caller.tenant_for(Permission::ManageDirectories)?;
    let (catalog, desk) = (state.catalog.clone(), state.directories.clone());
    let work = move || {
        let directory = found(&*catalog, tenant, &id)?;
        let by = by(&caller);
        desk.request(Request { directory, by, confirmed: input.confirm })?;
        Ok(StatusCode::ACCEPTED)
    };
    state.blocking.read(work).await
}

/// The runs of a directory, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/directories/{id}/runs",
    operation_id = "directoryRuns",
    params(("id" = String, Path, description = "the directory"), dto::PageParams),
    responses(
        (status = 200, description = "one page", body = dto::DirectoryRunsAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such directory", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn directory_runs(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Query(params): Query<dto::PageParams>,
) -> Result<Json<dto::DirectoryRunsAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageDirectories)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let saved = found(&*catalog, tenant, &id)?;
        let before = params.cursor.map(|cursor| cursor.parse::<u64>()).transpose();
        let before = before.map_err(|_| Problem::bad_request("cursor", "no such page"))?;
        let runs = catalog.directory_runs(saved.id, before, PAGE_ROWS)?;
        let full = runs.len() == PAGE_ROWS as usize;
        let next = runs.last().filter(|_| full).map(|run| run.row.to_string());
        let rows = runs.into_iter().map(dto::DirectoryRun::from).collect();
        Ok(dto::DirectoryRunsAnswer { rows, next })
    };
    Ok(Json(state.blocking.read(work).await?))
}

fn found(catalog: &dyn Catalog, tenant: TenantId, id: &str) -> Result<catalog::Directory, Problem> {
    let id: DirectoryId = id.parse().map_err(|_| Problem::not_found())?;
    catalog.directory(tenant, id)?.ok_or_else(Problem::not_found)
}

fn shown(
    catalog: &dyn Catalog,
    desk: &DirectoryDesk,
    directory: catalog::Directory,
) -> Result<dto::Directory, Problem> {
    let last = catalog.directory_runs(directory.id, None, 1)?.pop();
    Ok(dto::Directory {
        id: directory.id.to_string(),
        name: directory.name,
        config: directory.config,
        has_password: directory.password.is_some(),
        created_at: written(directory.created_at),
        running: desk.is_running(directory.id),
        last_run: last.map(dto::DirectoryRun::from),
    })
}

fn by(caller: &Caller) -> By {
    By {
        account: Some(caller.current.account.id),
        who: caller.current.account.user_name.clone(),
        ip: caller.ip,
        trigger: RunTrigger::Person,
        full: true,
    }
}

/// Whether the password goes to the same place: otherwise a new host would learn the old password.
fn same_way(one: &DirectoryConfig, other: &DirectoryConfig) -> bool {
    let way = |config: &DirectoryConfig| {
        (
            config.hosts.clone(),
            config.security,
            config.allow_clear,
            config.ca_pem.clone(),
            config.pinned_sha256.clone(),
            config.bind_dn.clone(),
        )
    };
    way(one) == way(other)
}

fn password_needed() -> Problem {
    let detail = "the directory is reached in another way than before: give the password again";
    Problem::bad_request("password-needed", detail)
}

fn check_input(config: &DirectoryConfig, password: Option<&str>) -> Result<(), Problem> {
    check(config)?;
    check_password(password)
}

fn check_password(password: Option<&str>) -> Result<(), Problem> {
    match password {
        Some(password) if password.chars().count() > PASSWORD_CHARS_MAX => {
            Err(Problem::bad_request("password-too-long", "the password is too long"))
        }
        _ => Ok(()),
    }
}

fn redacted(directory: &catalog::Directory) -> serde_json::Value {
    json!({
        "name": directory.name,
        "config": directory.config,
        "hasPassword": directory.password.is_some(),
    })
}

fn refused(error: catalog::CatalogError) -> Problem {
    match error {
        catalog::CatalogError::Conflict(Conflict::DirectoryName) => {
            Problem::new(StatusCode::CONFLICT, Conflict::DirectoryName.code())
                .detail(error.to_string())
        }
        catalog::CatalogError::Invalid(what) => Problem::bad_request(
            "directory-config",
            format!("{what} is empty, too long or too many"),
        ),
        other => other.into(),
    }
}
