//! The OpenID providers of a tenant; operators' own.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use catalog::{Catalog, CatalogError, Conflict, Link};
use identity::Identity;
use identity::oidc::Draft;
use model::{AccountId, ProviderId, TenantId};
use policy::Permission;

use crate::body::{Body, Path};
use crate::caller::{Caller, Person, Ready};
use crate::dto;
use crate::problem::Problem;
use crate::routes::search::written;
use crate::state::AppState;

/// Longer subjects are refused.
const SUBJECT_CHARS_MAX: usize = 600;

/// The providers of the caller's tenant; an operator's answer is about operators.
#[utoipa::path(
    get,
    path = "/api/v1/sign-in/providers",
    operation_id = "providers",
    responses(
        (status = 200, description = "oldest first", body = [dto::Provider]),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn providers(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<Vec<dto::Provider>>, Problem> {
    caller.may(Permission::ManageSignIn)?;
    let (identity, catalog) = (state.identity.clone(), state.catalog.clone());
    let work = move || {
        let providers = catalog.providers(caller.current.actor.tenant)?.into_iter();
        Ok(providers.map(|provider| described(&identity, provider)).collect())
    };
    Ok(Json(state.blocking.read(work).await?))
}

/// Adds a provider. Its `redirectUri` is to be registered there.
#[utoipa::path(
    post,
    path = "/api/v1/sign-in/providers",
    operation_id = "addProvider",
    request_body = dto::ProviderDraft,
    responses(
        (status = 201, description = "added", body = dto::Provider),
        (status = 400, description = "it cannot work so; `detail` says why", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn add_provider(
    State(state): State<AppState>,
    Person(caller): Person,
    Body(draft): Body<dto::ProviderDraft>,
) -> Result<(StatusCode, Json<dto::Provider>), Problem> {
    caller.may(Permission::ManageSignIn)?;
    let identity = state.identity.clone();
    let work = move || {
        let by = caller.event("sign-in.provider.add", String::new(), serde_json::Value::Null);
        let tenant = caller.current.actor.tenant;
        let provider = identity.add_provider(tenant, &drafted(draft), &by, caller.now)?;
        Ok(described(&identity, provider))
    };
    Ok((StatusCode::CREATED, Json(state.blocking.read(work).await?)))
}

/// One provider.
#[utoipa::path(
    get,
    path = "/api/v1/sign-in/providers/{id}",
    operation_id = "provider",
    params(("id" = String, Path, description = "the provider")),
    responses(
        (status = 200, description = "the provider", body = dto::Provider),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such provider to administer", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn provider(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<dto::Provider>, Problem> {
    caller.may(Permission::ManageSignIn)?;
    let (identity, catalog) = (state.identity.clone(), state.catalog.clone());
    let work = move || Ok(described(&identity, managed(&*catalog, &caller, &id)?));
    Ok(Json(state.blocking.read(work).await?))
}

/// Changes a provider. Sessions go on.
#[utoipa::path(
    put,
    path = "/api/v1/sign-in/providers/{id}",
    operation_id = "changeProvider",
    params(("id" = String, Path, description = "the provider")),
    request_body = dto::ProviderDraft,
    responses(
        (status = 200, description = "as it is now", body = dto::Provider),
        (status = 400, description = "it cannot work so; `detail` says why", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such provider to administer", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn change_provider(
    State(state): State<AppState>,
    Person(caller): Person,
    Path(id): Path<String>,
    Body(draft): Body<dto::ProviderDraft>,
) -> Result<Json<dto::Provider>, Problem> {
    caller.may(Permission::ManageSignIn)?;
    let (identity, catalog) = (state.identity.clone(), state.catalog.clone());
    let work = move || {
        let before = managed(&*catalog, &caller, &id)?;
        let by = caller.event("sign-in.provider.change", String::new(), serde_json::Value::Null);
        let after = identity.change_provider(&before, &drafted(draft), &by)?;
        Ok(described(&identity, after))
    };
    Ok(Json(state.blocking.read(work).await?))
}

/// Removes a provider: who came through it has no way in until another is given.
#[utoipa::path(
    delete,
    path = "/api/v1/sign-in/providers/{id}",
    operation_id = "removeProvider",
    params(("id" = String, Path, description = "the provider")),
    responses(
        (status = 204, description = "gone"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such provider to administer", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn remove_provider(
    State(state): State<AppState>,
    Person(caller): Person,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.may(Permission::ManageSignIn)?;
    let (identity, catalog) = (state.identity.clone(), state.catalog.clone());
    let work = move || {
        let provider = managed(&*catalog, &caller, &id)?;
        let by = caller.event("sign-in.provider.remove", String::new(), serde_json::Value::Null);
        identity.remove_provider(&provider, &by)?;
        Ok(StatusCode::NO_CONTENT)
    };
    state.blocking.read(work).await
}

/// Looks at a provider, without a person: reachable, metadata, issuer, keys.
#[utoipa::path(
    post,
    path = "/api/v1/sign-in/providers/{id}/test",
    operation_id = "testProvider",
    params(("id" = String, Path, description = "the provider")),
    responses(
        (status = 200, description = "what was found", body = dto::ProviderTest),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such provider to administer", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn test_provider(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<dto::ProviderTest>, Problem> {
    caller.may(Permission::ManageSignIn)?;
    let (identity, catalog) = (state.identity.clone(), state.catalog.clone());
    let work = move || {
        let tested = identity.test_provider(&managed(&*catalog, &caller, &id)?, caller.now)?;
        Ok(dto::ProviderTest {
            ok: tested.refusal.is_none(),
            code: tested.refusal.map(|refusal| refusal.code().to_owned()),
            detail: tested.refusal.map(|refusal| refusal.to_string()),
            issuer: tested.issuer,
            keys: tested.keys,
            signs_out: tested.signs_out,
        })
    };
    Ok(Json(state.blocking.ask_others(work).await?))
}

/// Who an account is at the providers of its tenant.
#[utoipa::path(
    get,
    path = "/api/v1/accounts/{id}/links",
    operation_id = "accountLinks",
    params(("id" = String, Path, description = "the account")),
    responses(
        (status = 200, description = "the links", body = [dto::AccountLink]),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such account to administer", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn account_links(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<Vec<dto::AccountLink>>, Problem> {
    caller.may(Permission::ManageSignIn)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let account = account_of(&*catalog, caller.current.actor.tenant, &id)?;
        let mut links = Vec::new();
        for link in catalog.links(account)? {
            let Some(provider) = catalog.provider(link.provider)? else { continue };
            links.push(dto::AccountLink {
                provider: provider.id.to_string(),
                provider_name: provider.name,
                subject: link.subject,
                created: link.created,
                linked_at: written(link.linked_at),
            });
        }
        Ok(Json(links))
    };
    state.blocking.read(work).await
}

/// Says who an account is at a provider: then it may sign in there.
#[utoipa::path(
    put,
    path = "/api/v1/sign-in/providers/{id}/accounts/{account}",
    operation_id = "linkAccount",
    params(
        ("id" = String, Path, description = "the provider"),
        ("account" = String, Path, description = "the account"),
    ),
    request_body = dto::ProviderLink,
    responses(
        (status = 204, description = "linked"),
        (status = 400, description = "the subject is empty or too long", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such provider or account to administer", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "one of them is linked otherwise (`linked`)", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn link_account(
    State(state): State<AppState>,
    Person(caller): Person,
    Path((id, account)): Path<(String, String)>,
    Body(new): Body<dto::ProviderLink>,
) -> Result<StatusCode, Problem> {
    caller.may(Permission::ManageSignIn)?;
    let subject = new.subject.trim().to_owned();
    if subject.is_empty() || subject.chars().count() > SUBJECT_CHARS_MAX {
        return Err(Problem::bad_request("subject", "the subject is empty or too long"));
    }
    let catalog = state.catalog.clone();
    let work = move || {
        let (provider, account) = both(&*catalog, &caller, &id, &account)?;
        let (created, linked_at) = (false, caller.now);
        let link = Link { provider, subject: subject.clone(), account, created, linked_at };
        match catalog.link(&link) {
            Err(CatalogError::Conflict(Conflict::Linked)) => {
                return Err(Problem::new(StatusCode::CONFLICT, "linked"));
            }
            other => other?,
        }
        let detail = serde_json::json!({ "provider": provider, "subject": subject });
        catalog.audit(&[caller.event("sign-in.link", account.to_string(), detail)])?;
        Ok(StatusCode::NO_CONTENT)
    };
    state.blocking.read(work).await
}

/// The account no longer signs in at the provider.
#[utoipa::path(
    delete,
    path = "/api/v1/sign-in/providers/{id}/accounts/{account}",
    operation_id = "unlinkAccount",
    params(
        ("id" = String, Path, description = "the provider"),
        ("account" = String, Path, description = "the account"),
    ),
    responses(
        (status = 204, description = "no longer linked"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such link to administer", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn unlink_account(
    State(state): State<AppState>,
    Person(caller): Person,
    Path((id, account)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    caller.may(Permission::ManageSignIn)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let (provider, account) = both(&*catalog, &caller, &id, &account)?;
        if !catalog.unlink(provider, account)? {
            return Err(Problem::not_found());
        }
        let detail = serde_json::json!({ "provider": provider });
        catalog.audit(&[caller.event("sign-in.unlink", account.to_string(), detail)])?;
        Ok(StatusCode::NO_CONTENT)
    };
    state.blocking.read(work).await
}

fn drafted(draft: dto::ProviderDraft) -> Draft {
    let dto::ProviderDraft { name, enabled, secret, settings } = draft;
    Draft { name, enabled, secret, settings: settings.into() }
}

fn described(identity: &Identity, provider: catalog::Provider) -> dto::Provider {
    dto::Provider {
        id: provider.id.to_string(),
        has_secret: provider.secret.is_some(),
        redirect_uri: identity.redirect_uri(provider.id).ok(),
        name: provider.name,
        enabled: provider.enabled,
        settings: provider.settings.into(),
        created_at: written(provider.created_at),
    }
}

/// A provider of the caller's tenant; for operators, one of theirs.
fn managed(catalog: &dyn Catalog, caller: &Caller, id: &str) -> Result<catalog::Provider, Problem> {
    let id: ProviderId = id.parse().map_err(|_| Problem::not_found())?;
    let provider = catalog.provider(id)?;
    let tenant = caller.current.actor.tenant;
    provider.filter(|provider| provider.tenant == tenant).ok_or_else(Problem::not_found)
}

/// A provider and an account of the caller's tenant.
fn both(
    catalog: &dyn Catalog,
    caller: &Caller,
    id: &str,
    account: &str,
) -> Result<(ProviderId, AccountId), Problem> {
    let provider = managed(catalog, caller, id)?;
    Ok((provider.id, account_of(catalog, provider.tenant, account)?))
}

/// An account of the tenant; without one, an operator's.
fn account_of(
    catalog: &dyn Catalog,
    tenant: Option<TenantId>,
    account: &str,
) -> Result<AccountId, Problem> {
    let account = account.parse().map_err(|_| Problem::not_found())?;
    let account = catalog.account(account)?.filter(|account| account.tenant == tenant);
    Ok(account.ok_or_else(Problem::not_found)?.id)
}
