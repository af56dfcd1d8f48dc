//! The administrator's own tenant: settings and domains.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use catalog::{AuditEvent, Catalog, DomainRow, Tenant, TenantSettings};
use model::TenantId;
use policy::{Permission, domain_name};
use serde_json::json;

use crate::body::{Body, Path};
use crate::caller::Ready;
use crate::dto;
use crate::problem::Problem;
use crate::routes::quarantine::reason_of;
use crate::routes::search::written;
use crate::routes::tenants::{list, storage};
use crate::state::AppState;

/// The reason of submissions that lie in none of the tenant's domains.
const NOT_OURS: &str = "not-ours";

/// The administrator's own tenant.
#[utoipa::path(
    get,
    path = "/api/v1/tenant",
    operation_id = "ownTenant",
    responses(
        (status = 200, description = "the tenant", body = dto::OwnTenant),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn own_tenant(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<dto::OwnTenant>, Problem> {
    let id = caller.tenant_for(Permission::ManageSettings)?;
    let blocking = state.blocking.clone();
    blocking.read(move || own(&state, id).map(Json)).await
}

/// Changes settings of the administrator's own tenant.
#[utoipa::path(
    patch,
    path = "/api/v1/tenant/settings",
    operation_id = "changeTenantSettings",
    request_body = dto::ChangeSettings,
    responses(
        (status = 200, description = "as it is now", body = dto::OwnTenant),
        (status = 400, description = "a value is not valid, or a reason is missing", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn change_settings(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(change): Body<dto::ChangeSettings>,
) -> Result<Json<dto::OwnTenant>, Problem> {
    let id = caller.tenant_for(Permission::ManageSettings)?;
    let blocking = state.blocking.clone();
    let work = move || {
        let before = state.catalog.tenant(id)?.ok_or_else(Problem::not_found)?;
        let reason = change.reason.clone();
        let after = changed(&before, change)?;
        let reason = match needs_reason(&before.settings, &after.settings) {
            true => Some(reason_of(&reason)?),
            false => Some(reason.trim().to_owned()).filter(|reason| !reason.is_empty()),
        };
        state.catalog.update_tenant(&after)?;
        state.tenants.changed(id)?;
        let detail_of = |tenant: &Tenant| json!({ "organisations": tenant.organisations, "settings": tenant.settings });
        let detail = json!({ "before": detail_of(&before), "after": detail_of(&after) });
        let event = caller.event("settings.change", id.to_string(), detail);
        state.catalog.audit(&[AuditEvent { reason, ..event }])?;
        own(&state, id).map(Json)
    };
    blocking.read(work).await
}

/// The domains whose mail is archived.
#[utoipa::path(
    get,
    path = "/api/v1/domains",
    operation_id = "domains",
    responses(
        (status = 200, description = "the domains", body = dto::DomainsAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn domains_list(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<dto::DomainsAnswer>, Problem> {
    let id = caller.tenant_for(Permission::ManageDomains)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let waiting = catalog.waiting(Some(id))?;
        let not_ours = waiting.iter().find(|(code, _)| code == NOT_OURS).map_or(0, |it| it.1);
        Ok(Json(dto::DomainsAnswer { domains: domains(&*catalog, id)?, not_ours }))
    };
    state.blocking.read(work).await
}

/// Adds a domain, or changes whether its sub-domains count.
#[utoipa::path(
    post,
    path = "/api/v1/domains",
    operation_id = "addDomain",
    request_body = dto::NewDomain,
    responses(
        (status = 200, description = "it is there now", body = dto::AddedDomain),
        (status = 400, description = "that is no domain", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn add_domain(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(new): Body<dto::NewDomain>,
) -> Result<Json<dto::AddedDomain>, Problem> {
    let id = caller.tenant_for(Permission::ManageDomains)?;
    let blocking = state.blocking.clone();
    let work = move || {
        let name = domain_name(&new.name)
            .map_err(|error| Problem::bad_request("domain", error.to_string()))?;
        let row = DomainRow { name, subdomains: new.subdomains, added_at: caller.now };
        let fresh = state.catalog.add_domain(id, &row)?;
        state.tenants.changed(id)?;
        let detail = json!({ "subdomains": row.subdomains, "new": fresh, "rerun": new.rerun });
        let action = if fresh { "domain.add" } else { "domain.change" };
        state.catalog.audit(&[caller.event(action, row.name.clone(), detail)])?;
        let by = &caller.current.account.user_name;
        let retry = dto::BulkAction::Retry;
        let rerun = || state.tenants.bulk(id, retry, Some(NOT_OURS), by, "a domain was added");
        let job = new.rerun.then(rerun).transpose()?;
        Ok(Json(dto::AddedDomain { domain: domain(row), job: job.map(dto::Job::from) }))
    };
    blocking.read(work).await
}

/// Removes a domain. What was archived for it stays.
#[utoipa::path(
    delete,
    path = "/api/v1/domains/{domain}",
    operation_id = "removeDomain",
    params(("domain" = String, Path, description = "the domain's name")),
    responses(
        (status = 204, description = "removed"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such domain", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn remove_domain(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    let id = caller.tenant_for(Permission::ManageDomains)?;
    let blocking = state.blocking.clone();
    let work = move || {
        if !state.catalog.remove_domain(id, &name)? {
            return Err(Problem::not_found());
        }
        state.tenants.changed(id)?;
        let name = domain_name(&name).unwrap_or(name);
        state.catalog.audit(&[caller.event("domain.remove", name, json!({}))])?;
        Ok(StatusCode::NO_CONTENT)
    };
    blocking.read(work).await
}

fn own(state: &AppState, id: TenantId) -> Result<dto::OwnTenant, Problem> {
    let tenant = state.catalog.tenant(id)?.ok_or_else(Problem::not_found)?;
    Ok(dto::OwnTenant {
        id: id.to_string(),
        domains: domains(&*state.catalog, id)?,
        settings: settings(&tenant.settings),
        storage: storage(state.tenants.space(id).ok(), tenant.settings.quota),
        name: tenant.name,
        organisations: tenant.organisations,
        archive_domains: tenant.archive_domains,
    })
}

/// The domains of a tenant, by name.
pub fn domains(catalog: &dyn Catalog, tenant: TenantId) -> Result<Vec<dto::Domain>, Problem> {
    Ok(catalog.domains(tenant)?.into_iter().map(domain).collect())
}

fn domain(row: DomainRow) -> dto::Domain {
    let added_at = written(row.added_at);
    dto::Domain { name: row.name, subdomains: row.subdomains, added_at }
}

pub fn settings(settings: &TenantSettings) -> dto::TenantSettings {
    dto::TenantSettings {
        four_eyes: settings.four_eyes,
        tell_concerned: settings.tell_concerned,
        archive_only_selected: settings.archive_only_selected,
        notifications: settings.notifications.clone(),
        language: settings.language.clone(),
        quota: dto::Quota { bytes: settings.quota.bytes, hard: settings.quota.hard },
    }
}

/// Each once, as `form` makes them, without empty ones.
pub fn trimmed(values: Vec<String>, form: impl Fn(&str) -> String) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for value in values {
        let value = form(value.trim());
        if !value.is_empty() && !kept.contains(&value) {
            kept.push(value);
        }
    }
    kept
}

fn changed(before: &Tenant, change: dto::ChangeSettings) -> Result<Tenant, Problem> {
    let mut after = before.clone();
    if let Some(organisations) = change.organisations {
        after.organisations = list(organisations, "organisations")?;
    }
    let settings = &mut after.settings;
    for (target, wanted) in [
        (&mut settings.four_eyes, change.four_eyes),
        (&mut settings.tell_concerned, change.tell_concerned),
        (&mut settings.archive_only_selected, change.archive_only_selected),
    ] {
        *target = wanted.unwrap_or(*target);
    }
    if let Some(addresses) = change.notifications {
        let addresses = trimmed(addresses, str::to_owned);
        let is_address =
            |it: &String| it.len() <= 254 && it.split('@').all(|part| !part.is_empty());
        if addresses.len() > 100 || !addresses.iter().all(|it| it.contains('@') && is_address(it)) {
            return Err(Problem::bad_request("notifications", "at most 100 mail addresses"));
        }
        settings.notifications = addresses;
    }
    if let Some(language) = change.language {
        if language.len() > 35
            || !language.chars().all(|it| it.is_ascii_alphanumeric() || it == '-')
        {
            return Err(Problem::bad_request("language", "that is no language tag"));
        }
        settings.language = Some(language).filter(|language| !language.is_empty());
    }
    Ok(after)
}

/// To leave mail out, and to lower a guard, somebody must say why.
fn needs_reason(before: &TenantSettings, after: &TenantSettings) -> bool {
    before.archive_only_selected != after.archive_only_selected
        || (before.four_eyes && !after.four_eyes)
}
