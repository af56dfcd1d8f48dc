//! Sources that are fetched.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use catalog::{
    Catalog, FetchConfig, FetchSecrets, FetchSource, FetchState, SourceKind, SourceRow, SourceState,
};
use model::{SourceId, TenantId};
use policy::Permission;
use serde_json::json;

use crate::body::{Body, Path};
use crate::caller::{Caller, Ready};
use crate::dto;
use crate::fetching::{FetchDesk, TypedSecrets};
use crate::problem::Problem;
use crate::routes::fetch_answers::shown;
use crate::routes::sources::header_rules;
use crate::state::AppState;

/// Longer secrets are refused; a private key in PEM is shorter.
const SECRET_CHARS_MAX: usize = 20_000;

/// The tenant's sources that are fetched.
#[utoipa::path(
    get,
    path = "/api/v1/fetch-sources",
    operation_id = "fetchSources",
    responses(
        (status = 200, description = "all of them", body = dto::FetchSourcesAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn fetch_sources(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<dto::FetchSourcesAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageSources)?;
    let (catalog, desk) = (state.catalog.clone(), state.fetching.clone());
    let work = move || {
        let all = catalog.fetch_sources(Some(tenant))?;
        let sources = all.into_iter().map(|one| shown(&*desk, one)).collect();
        Ok(Json(dto::FetchSourcesAnswer { sources }))
    };
    state.blocking.read(work).await
}

/// Adds a source. It is read at once, if it is enabled.
#[utoipa::path(
    post,
    path = "/api/v1/fetch-sources",
    operation_id = "addFetchSource",
    request_body = dto::FetchSourceInput,
    responses(
        (status = 200, description = "the source", body = dto::FetchSource),
        (status = 400, description = "the configuration does not work", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn add_fetch_source(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(input): Body<dto::FetchSourceInput>,
) -> Result<Json<dto::FetchSource>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageSources)?;
    let (catalog, desk) = (state.catalog.clone(), state.fetching.clone());
    let work = move || {
        let id = desk.new_id()?;
        let rules = input.rules.clone().map(header_rules).transpose()?.unwrap_or_default();
        let source = FetchSource {
            source: SourceRow {
                id,
                tenant,
                kind: SourceKind::Fetch,
                name: input.name.trim().to_owned(),
                address: None,
                rules,
                state: SourceState::Active,
                ends_at: None,
                successor: None,
                created_at: caller.now,
            },
            config: input.config.clone(),
            secrets: sealed(&*desk, id, &FetchSecrets::default(), &input)?,
            state: FetchState::default(),
        };
        let detail = json!({ "after": redacted(&source) });
        let event = caller.event("fetch.add", id.to_string(), detail);
        catalog.add_fetch_source(&source, &[event])?;
        desk.changed(tenant, id)?;
        Ok(Json(shown(&*desk, source)))
    };
    state.blocking.read(work).await
}

/// One source.
#[utoipa::path(
    get,
    path = "/api/v1/fetch-sources/{id}",
    operation_id = "fetchSource",
    params(("id" = String, Path, description = "the source")),
    responses(
        (status = 200, description = "the source", body = dto::FetchSource),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such source", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn fetch_source(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<dto::FetchSource>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageSources)?;
    let (catalog, desk) = (state.catalog.clone(), state.fetching.clone());
    let work = move || Ok(Json(shown(&*desk, found(&*catalog, tenant, &id)?)));
    state.blocking.read(work).await
}

/// Changes name, configuration, header rules and secrets; a run under the old ones ends.
#[utoipa::path(
    put,
    path = "/api/v1/fetch-sources/{id}",
    operation_id = "changeFetchSource",
    params(("id" = String, Path, description = "the source")),
    request_body = dto::FetchSourceInput,
    responses(
        (status = 200, description = "the source", body = dto::FetchSource),
        (status = 400, description = "the configuration does not work, or the secret must be given again", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such source", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn change_fetch_source(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Body(input): Body<dto::FetchSourceInput>,
) -> Result<Json<dto::FetchSource>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageSources)?;
    let (catalog, desk) = (state.catalog.clone(), state.fetching.clone());
    let work = move || {
        let before = found(&*catalog, tenant, &id)?;
        let mut after = before.clone();
        after.source.name = input.name.trim().to_owned();
        after.config = input.config.clone();
        if let Some(rules) = input.rules.clone() {
            after.source.rules = header_rules(rules)?;
        }
        if !same_way(&before.config, &after.config) && keeps_secret(&before.secrets, &input) {
            return Err(secret_needed());
        }
        after.secrets = sealed(&*desk, before.source.id, &before.secrets, &input)?;
        let detail = json!({
            "before": redacted(&before),
            "after": redacted(&after),
            "secretsChanged": before.secrets != after.secrets,
        });
        let event = caller.event("fetch.change", after.source.id.to_string(), detail);
        catalog.update_fetch_source(&after, &[event])?;
        desk.changed(tenant, after.source.id)?;
        Ok(Json(shown(&*desk, after)))
    };
    state.blocking.read(work).await
}

/// Removes a source with all that is remembered of it. Its mail stays in the archive.
#[utoipa::path(
    delete,
    path = "/api/v1/fetch-sources/{id}",
    operation_id = "removeFetchSource",
    params(("id" = String, Path, description = "the source")),
    responses(
        (status = 204, description = "removed"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such source", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn remove_fetch_source(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let tenant = caller.tenant_for(Permission::ManageSources)?;
    let (catalog, desk) = (state.catalog.clone(), state.fetching.clone());
    let work = move || {
        let before = found(&*catalog, tenant, &id)?;
        let id = before.source.id;
        let detail = json!({ "before": redacted(&before) });
        let event = caller.event("fetch.remove", id.to_string(), detail);
        if !catalog.remove_fetch_source(tenant, id, &[event])? {
            return Err(Problem::not_found());
        }
        desk.changed(tenant, id)?;
        Ok(StatusCode::NO_CONTENT)
    };
    state.blocking.read(work).await
}

/// Tries a configuration that need not be saved, step by step.
#[utoipa::path(
    post,
    path = "/api/v1/fetch-sources/test",
    operation_id = "testFetchSource",
    request_body = dto::FetchTestInput,
    responses(
        (status = 200, description = "what was tried", body = dto::FetchTest),
        (status = 400, description = "the secret must be given", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn test_fetch_source(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(input): Body<dto::FetchTestInput>,
) -> Result<Json<dto::FetchTest>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageSources)?;
    let (catalog, desk) = (state.catalog.clone(), state.fetching.clone());
    let work = move || {
        let saved = match &input.id {
            Some(id) => Some(found(&*catalog, tenant, id)?),
            None => None,
        };
        let typed = [&input.password, &input.client_secret, &input.client_key];
        if let Some(saved) = &saved
            && typed.iter().all(|secret| secret.is_none())
            && !same_way(&saved.config, &input.config)
        {
            return Err(secret_needed());
        }
        let object = saved.as_ref().map_or_else(String::new, |it| it.source.id.to_string());
        catalog.audit(&[caller.event("fetch.test", object, json!({}))])?;
        let secrets = TypedSecrets {
            password: input.password.as_deref(),
            client_secret: input.client_secret.as_deref(),
            client_key: input.client_key.as_deref(),
            saved: saved.as_ref().map(|it| (it.source.id, &it.secrets)),
        };
        Ok(Json(desk.test(&input.config, &secrets)))
    };
    state.blocking.outside(work).await
}

/// Reads a source now.
#[utoipa::path(
    post,
    path = "/api/v1/fetch-sources/{id}/poll",
    operation_id = "pollFetchSource",
    params(("id" = String, Path, description = "the source")),
    responses(
        (status = 204, description = "it runs, or runs next"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such source", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn poll_fetch_source(
    state: State<AppState>,
    caller: Ready,
    id: Path<String>,
) -> Result<StatusCode, Problem> {
    order(state, caller, id, "fetch.poll", |desk, id, _| Ok(desk.poll(id)?)).await
}

/// Leaves a source alone until it is resumed.
#[utoipa::path(
    post,
    path = "/api/v1/fetch-sources/{id}/pause",
    operation_id = "pauseFetchSource",
    params(("id" = String, Path, description = "the source")),
    responses(
        (status = 204, description = "a run ends soon"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such source", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn pause_fetch_source(
    state: State<AppState>,
    caller: Ready,
    id: Path<String>,
) -> Result<StatusCode, Problem> {
    order(state, caller, id, "fetch.pause", |desk, id, _| Ok(desk.pause(id, true)?)).await
}

/// Reads a source again.
#[utoipa::path(
    post,
    path = "/api/v1/fetch-sources/{id}/resume",
    operation_id = "resumeFetchSource",
    params(("id" = String, Path, description = "the source")),
    responses(
        (status = 204, description = "it is read at once"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such source", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn resume_fetch_source(
    state: State<AppState>,
    caller: Ready,
    id: Path<String>,
) -> Result<StatusCode, Problem> {
    order(state, caller, id, "fetch.resume", |desk, id, _| Ok(desk.pause(id, false)?)).await
}

/// Forgets how far a source is read: everything is read again, and known by content.
#[utoipa::path(
    post,
    path = "/api/v1/fetch-sources/{id}/reset",
    operation_id = "resetFetchSource",
    params(("id" = String, Path, description = "the source")),
    responses(
        (status = 204, description = "forgotten"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such source", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn reset_fetch_source(
    state: State<AppState>,
    caller: Ready,
    id: Path<String>,
) -> Result<StatusCode, Problem> {
    order(state, caller, id, "fetch.reset", |desk, id, _| Ok(desk.reset(id, &[])?)).await
}

/// Compares the server's list with the archive and reads what is missing; leaves a report.
#[utoipa::path(
    post,
    path = "/api/v1/fetch-sources/{id}/reconcile",
    operation_id = "reconcileFetchSource",
    params(("id" = String, Path, description = "the source")),
    responses(
        (status = 204, description = "it runs, or runs next"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such source", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn reconcile_fetch_source(
    state: State<AppState>,
    caller: Ready,
    id: Path<String>,
) -> Result<StatusCode, Problem> {
    let ask = |desk: &dyn FetchDesk, id, by: &str| Ok(desk.reconcile(id, by)?);
    order(state, caller, id, "fetch.reconcile", ask).await
}

/// Tries all left mails again with the next run, which begins now.
#[utoipa::path(
    post,
    path = "/api/v1/fetch-sources/{id}/left/retry",
    operation_id = "retryLeftMails",
    params(("id" = String, Path, description = "the source")),
    responses(
        (status = 204, description = "they are due"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such source", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn retry_left_mails(
    state: State<AppState>,
    caller: Ready,
    id: Path<String>,
) -> Result<StatusCode, Problem> {
    let catalog = state.catalog.clone();
    order(state, caller, id, "fetch.retry-left", move |desk, id, _| {
        catalog.retry_left(id, &[])?;
        Ok(desk.poll(id)?)
    })
    .await
}

/// Orders something of the desk for a source of the caller's tenant.
async fn order(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    action: &'static str,
    work: impl FnOnce(&dyn FetchDesk, SourceId, &str) -> Result<(), Problem> + Send + 'static,
) -> Result<StatusCode, Problem> {
    let tenant = caller.tenant_for(Permission::ManageSources)?;
    let (catalog, desk) = (state.catalog.clone(), state.fetching.clone());
    let work = move || {
        let id = found(&*catalog, tenant, &id)?.source.id;
        catalog.audit(&[caller.event(action, id.to_string(), json!({}))])?;
        work(&*desk, id, who(&caller))?;
        Ok(StatusCode::NO_CONTENT)
    };
    state.blocking.outside(work).await
}

fn who(caller: &Caller) -> &str {
    &caller.current.account.user_name
}

pub fn found(catalog: &dyn Catalog, tenant: TenantId, id: &str) -> Result<FetchSource, Problem> {
    let id: SourceId = id.parse().map_err(|_| Problem::not_found())?;
    catalog.fetch_source(tenant, id)?.ok_or_else(Problem::not_found)
}

fn sealed(
    desk: &dyn FetchDesk,
    id: SourceId,
    before: &FetchSecrets,
    input: &dto::FetchSourceInput,
) -> Result<FetchSecrets, Problem> {
    let one = |which: &str, before: &Option<String>, typed: &Option<String>| match typed {
        None => Ok(before.clone()),
        Some(typed) if typed.is_empty() => Ok(None),
        Some(typed) if typed.chars().count() > SECRET_CHARS_MAX => {
            Err(Problem::bad_request("secret-too-long", "the secret is too long"))
        }
        Some(typed) => Ok(Some(desk.seal(id, which, typed)?)),
    };
    Ok(FetchSecrets {
        password: one("password", &before.password, &input.password)?,
        client_secret: one("clientSecret", &before.client_secret, &input.client_secret)?,
        client_key: one("clientKey", &before.client_key, &input.client_key)?,
    })
}

/// Whether a saved secret would be used on.
fn keeps_secret(before: &FetchSecrets, input: &dto::FetchSourceInput) -> bool {
    before.password.is_some() && input.password.is_none()
        || before.client_secret.is_some() && input.client_secret.is_none()
        || before.client_key.is_some() && input.client_key.is_none()
}

/// Whether secrets go to the same place: otherwise a new host would learn the old password.
fn same_way(one: &FetchConfig, other: &FetchConfig) -> bool {
    let way = |config: &FetchConfig| {
        let config = config.clone();
        (
            (config.server.to_lowercase(), config.port, config.protocol, config.security),
            (config.ca_pem, config.pinned_sha256, config.sign_in),
            (config.oauth.authority, config.oauth.tenant, config.oauth.token_url),
        )
    };
    way(one) == way(other)
}

fn secret_needed() -> Problem {
    let detail = "the server is reached in another way than before: give the secret again";
    Problem::bad_request("password-needed", detail)
}

fn redacted(source: &FetchSource) -> serde_json::Value {
    json!({
        "name": source.source.name,
        "rules": source.source.rules,
        "config": source.config,
        "hasPassword": source.secrets.password.is_some(),
        "hasClientSecret": source.secrets.client_secret.is_some(),
        "hasClientKey": source.secrets.client_key.is_some(),
    })
}
