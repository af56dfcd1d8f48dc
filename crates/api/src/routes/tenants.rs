//! The operator's tenants.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use catalog::{AuditEvent, Catalog, Figures, Quota, Removal, Tenant, TenantState};
use model::TenantId;
use policy::{Permission, domain_name};
use serde_json::json;

use crate::body::{Body, Path};
use crate::caller::{Caller, Ready};
use crate::dto;
use crate::problem::Problem;
use crate::routes::quarantine::reason_of;
use crate::routes::search::written;
use crate::routes::tenant::{domains, settings, trimmed};
use crate::state::{AppState, TenantDesk};

/// Organisations and archive domains of a tenant; more are refused.
pub const LIST_MAX: usize = 1_000;

/// All tenants with their figures.
#[utoipa::path(
    get,
    path = "/api/v1/tenants",
    operation_id = "tenants",
    responses(
        (status = 200, description = "the tenants", body = dto::TenantsAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account manages no tenants", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn tenants(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<dto::TenantsAnswer>, Problem> {
    caller.may(Permission::ManageTenants)?;
    let (catalog, desk) = (state.catalog.clone(), state.tenants.clone());
    let now = caller.now;
    let work = move || {
        let figures = catalog.tenant_figures(now)?.into_iter();
        let figures: HashMap<TenantId, Figures> =
            figures.map(|one| (one.tenant, one.figures)).collect();
        let troubles = vault_troubles(&*desk, None);
        let of = |tenant: &Tenant| {
            let figures = figures.get(&tenant.id).copied().unwrap_or_default();
            row(&*desk, tenant, figures, &troubles)
        };
        let tenants = catalog.tenants()?.iter().map(of).collect();
        let removals = catalog.removals()?.into_iter().map(removal).collect();
        Ok(Json(dto::TenantsAnswer { tenants, removals }))
    };
    state.blocking.read(work).await
}

/// Creates a tenant with its first journal address and administrator.
#[utoipa::path(
    post,
    path = "/api/v1/tenants",
    operation_id = "createTenant",
    request_body = dto::NewTenant,
    responses(
        (status = 201, description = "the one-time password is shown only here", body = dto::CreatedTenant),
        (status = 400, description = "a name or domain is not valid", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account manages no tenants", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "the name or the user name is taken", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn create_tenant(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(new): Body<dto::NewTenant>,
) -> Result<(StatusCode, Json<dto::CreatedTenant>), Problem> {
    caller.may(Permission::ManageTenants)?;
    let (catalog, desk) = (state.catalog.clone(), state.tenants.clone());
    let identity = state.identity.clone();
    let work = move || {
        let mut tenant =
            identity.draw_tenant(&new.name, &named_domain(&new.archive_domain)?, caller.now);
        tenant.organisations = list(new.organisations, "organisations")?;
        tenant.settings.language = new.language.filter(|language| !language.is_empty());
        let names: Vec<String> =
            new.domains.iter().map(|name| named_domain(name)).collect::<Result<_, _>>()?;
        if catalog.tenant_named(&tenant.name)?.is_some() {
            return Err(catalog::CatalogError::Conflict(catalog::Conflict::TenantName).into());
        }
        let first = identity.add_tenant(tenant, &new.administrator, caller.now)?;
        let id = first.tenant.id;
        for name in names {
            let added_at = caller.now;
            catalog.add_domain(id, &catalog::DomainRow { name, subdomains: false, added_at })?;
        }
        desk.changed(id)?;
        let detail = json!({ "name": first.tenant.name, "administrator": new.administrator });
        catalog.audit(&[caller.event("tenant.create", id.to_string(), detail)])?;
        let created = dto::CreatedTenant {
            id: id.to_string(),
            journal_address: first.source.address.map_or_else(String::new, |it| it.to_string()),
            administrator: new.administrator.trim().to_owned(),
            one_time_password: first.one_time.reveal().to_owned(),
        };
        Ok((StatusCode::CREATED, Json(created)))
    };
    // A password is hashed.
    state.blocking.check_password(work).await
}

/// One tenant with its domains and settings.
#[utoipa::path(
    get,
    path = "/api/v1/tenants/{tenant}",
    operation_id = "tenantDetail",
    params(("tenant" = String, Path, description = "the tenant's id")),
    responses(
        (status = 200, description = "the tenant", body = dto::TenantDetail),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such tenant", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn tenant_detail(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<dto::TenantDetail>, Problem> {
    caller.may(Permission::ManageTenants)?;
    let (catalog, desk) = (state.catalog.clone(), state.tenants.clone());
    state.blocking.read(move || Ok(Json(detail(&*catalog, &*desk, &id)?))).await
}

/// Changes name, organisations, archive domains or quota.
#[utoipa::path(
    patch,
    path = "/api/v1/tenants/{tenant}",
    operation_id = "changeTenant",
    params(("tenant" = String, Path, description = "the tenant's id")),
    request_body = dto::ChangeTenant,
    responses(
        (status = 200, description = "as it is now", body = dto::TenantDetail),
        (status = 400, description = "a name or domain is not valid", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such tenant", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "the name is taken", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn change_tenant(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Body(change): Body<dto::ChangeTenant>,
) -> Result<Json<dto::TenantDetail>, Problem> {
    caller.may(Permission::ManageTenants)?;
    let (catalog, desk) = (state.catalog.clone(), state.tenants.clone());
    let work = move || {
        let before = find(&*catalog, &id)?;
        let mut after = before.clone();
        if let Some(name) = change.name {
            after.name = name.trim().to_owned();
        }
        if let Some(organisations) = change.organisations {
            after.organisations = list(organisations, "organisations")?;
        }
        if let Some(domains) = change.archive_domains {
            let domains = domains.iter().map(|name| named_domain(name));
            after.archive_domains = list(domains.collect::<Result<_, _>>()?, "archiveDomains")?;
        }
        if let Some(dto::Quota { bytes, hard }) = change.quota {
            after.settings.quota = Quota { bytes, hard };
        }
        catalog.update_tenant(&after)?;
        desk.changed(after.id)?;
        let detail_of = |tenant: &Tenant| {
            json!({
                "name": tenant.name, "organisations": tenant.organisations,
                "archiveDomains": tenant.archive_domains, "quota": tenant.settings.quota,
            })
        };
        let change = json!({ "before": detail_of(&before), "after": detail_of(&after) });
        catalog.audit(&[caller.event("tenant.change", after.id.to_string(), change)])?;
        Ok(Json(detail(&*catalog, &*desk, &id)?))
    };
    state.blocking.read(work).await
}

/// Puts a tenant out of service: its mail is put off with `451`, nobody of it signs in.
#[utoipa::path(
    post,
    path = "/api/v1/tenants/{tenant}/suspend",
    operation_id = "suspendTenant",
    params(("tenant" = String, Path, description = "the tenant's id")),
    request_body = dto::GivenReason,
    responses(
        (status = 204, description = "suspended"),
        (status = 400, description = "a reason is missing", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such tenant", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn suspend_tenant(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Body(given): Body<dto::GivenReason>,
) -> Result<StatusCode, Problem> {
    set_state(state, caller, id, given.reason, TenantState::Suspended).await
}

/// Puts a suspended tenant into service again.
#[utoipa::path(
    post,
    path = "/api/v1/tenants/{tenant}/resume",
    operation_id = "resumeTenant",
    params(("tenant" = String, Path, description = "the tenant's id")),
    request_body = dto::GivenReason,
    responses(
        (status = 204, description = "in service"),
        (status = 400, description = "a reason is missing", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such tenant", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn resume_tenant(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Body(given): Body<dto::GivenReason>,
) -> Result<StatusCode, Problem> {
    set_state(state, caller, id, given.reason, TenantState::Active).await
}

/// Writes everything of a tenant into a folder on the server.
#[utoipa::path(
    post,
    path = "/api/v1/tenants/{tenant}/export",
    operation_id = "exportTenant",
    params(("tenant" = String, Path, description = "the tenant's id")),
    request_body = dto::ExportTenant,
    responses(
        (status = 202, description = "begun", body = dto::Job),
        (status = 400, description = "the folder is there already, or its name is none", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such tenant", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn export_tenant(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Body(export): Body<dto::ExportTenant>,
) -> Result<(StatusCode, Json<dto::Job>), Problem> {
    caller.may(Permission::ManageTenants)?;
    let reason = reason_of(&export.reason)?;
    let (catalog, desk) = (state.catalog.clone(), state.tenants.clone());
    let work = move || {
        let tenant = find(&*catalog, &id)?;
        let job = desk.export(tenant.id, &export.folder, &caller.current.account.user_name)?;
        let detail = json!({ "name": tenant.name, "folder": export.folder, "job": job.id });
        let event = caller.event("tenant.export", id, detail);
        catalog.audit(&[AuditEvent { reason: Some(reason), ..event }])?;
        Ok((StatusCode::ACCEPTED, Json(job.into())))
    };
    state.blocking.read(work).await
}

/// Removes a suspended tenant for good: its keys, its mail, its accounts.
#[utoipa::path(
    post,
    path = "/api/v1/tenants/{tenant}/remove",
    operation_id = "removeTenant",
    params(("tenant" = String, Path, description = "the tenant's id")),
    request_body = dto::RemoveTenant,
    responses(
        (status = 202, description = "begun; it cannot be undone", body = dto::Job),
        (status = 400, description = "the name is another one, a reason is missing, or the tenant is in service", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such tenant", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn remove_tenant(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Body(remove): Body<dto::RemoveTenant>,
) -> Result<(StatusCode, Json<dto::Job>), Problem> {
    caller.may(Permission::ManageTenants)?;
    let reason = reason_of(&remove.reason)?;
    let (catalog, desk) = (state.catalog.clone(), state.tenants.clone());
    let work = move || {
        let tenant = find(&*catalog, &id)?;
        if remove.name.trim() != tenant.name {
            return Err(Problem::bad_request("name", "type the tenant's name as it is"));
        }
        if tenant.state != TenantState::Suspended {
            return Err(Problem::bad_request("in-service", "suspend the tenant first"));
        }
        let figures = catalog.figures(tenant.id)?;
        let detail = json!({
            "name": tenant.name, "records": figures.records, "mailBytes": figures.mail_bytes,
        });
        // Noted before it begins: afterwards there is nothing left to note.
        let event = caller.event("tenant.remove", id, detail);
        catalog.audit(&[AuditEvent { reason: Some(reason.clone()), ..event }])?;
        let job = desk.remove(tenant.id, &caller.current.account.user_name, &reason)?;
        Ok((StatusCode::ACCEPTED, Json(job.into())))
    };
    state.blocking.read(work).await
}

async fn set_state(
    state: AppState,
    caller: Caller,
    id: String,
    reason: String,
    wanted: TenantState,
) -> Result<StatusCode, Problem> {
    caller.may(Permission::ManageTenants)?;
    let reason = reason_of(&reason)?;
    let (catalog, desk) = (state.catalog.clone(), state.tenants.clone());
    let work = move || {
        let tenant = find(&*catalog, &id)?;
        let action = match wanted {
            TenantState::Suspended => "tenant.suspend",
            _ => "tenant.resume",
        };
        let detail = json!({ "name": tenant.name, "before": tenant.state, "after": wanted });
        let event = caller.event(action, id, detail);
        catalog.update_tenant(&Tenant { state: wanted, ..tenant.clone() })?;
        desk.changed(tenant.id)?;
        catalog.audit(&[AuditEvent { reason: Some(reason), ..event }])?;
        Ok(StatusCode::NO_CONTENT)
    };
    state.blocking.read(work).await
}

fn find(catalog: &dyn Catalog, id: &str) -> Result<Tenant, Problem> {
    let id: TenantId = id.parse().map_err(|_| Problem::not_found())?;
    catalog.tenant(id)?.ok_or_else(Problem::not_found)
}

fn detail(
    catalog: &dyn Catalog,
    desk: &dyn TenantDesk,
    id: &str,
) -> Result<dto::TenantDetail, Problem> {
    let tenant = find(catalog, id)?;
    let figures = catalog.figures(tenant.id)?;
    Ok(dto::TenantDetail {
        row: row(desk, &tenant, figures, &vault_troubles(desk, Some(tenant.id))),
        domains: domains(catalog, tenant.id)?,
        accounts: catalog.accounts(Some(tenant.id))?.len() as u64,
        settings: settings(&tenant.settings),
        organisations: tenant.organisations,
        archive_domains: tenant.archive_domains,
    })
}

/// Why archives are out of service, by tenant.
fn vault_troubles(desk: &dyn TenantDesk, tenant: Option<TenantId>) -> HashMap<String, String> {
    let of_vault = desk.failures(tenant).into_iter().filter(|it| it.code == "vault");
    of_vault.filter_map(|it| Some((it.tenant?, it.detail))).collect()
}

fn row(
    desk: &dyn TenantDesk,
    tenant: &Tenant,
    figures: Figures,
    troubles: &HashMap<String, String>,
) -> dto::TenantRow {
    let space = desk.space(tenant.id).ok();
    dto::TenantRow {
        id: tenant.id.to_string(),
        name: tenant.name.clone(),
        state: match tenant.state {
            TenantState::Active => "active".to_owned(),
            _ => "suspended".to_owned(),
        },
        created_at: written(tenant.created_at),
        figures: figures.into(),
        storage: storage(space, tenant.settings.quota),
        trouble: troubles.get(&tenant.id.to_string()).cloned(),
    }
}

/// What a tenant takes on disk, measured against its quota.
pub fn storage(space: Option<dto::StoredBytes>, quota: Quota) -> dto::Storage {
    let space = space.unwrap_or_default();
    let used = u128::from(space.packs + space.keys);
    let quota_state = match quota.bytes.map(u128::from) {
        None => dto::QuotaState::Fine,
        Some(bytes) if used > bytes => dto::QuotaState::Over,
        Some(bytes) if used * 100 >= bytes * 95 => dto::QuotaState::Critical,
        Some(bytes) if used * 100 >= bytes * 80 => dto::QuotaState::Warning,
        Some(_) => dto::QuotaState::Fine,
    };
    dto::Storage {
        packs: space.packs,
        keys: space.keys,
        index: space.index,
        quota_bytes: quota.bytes,
        quota_state,
    }
}

fn removal(removal: Removal) -> dto::RemovalRow {
    dto::RemovalRow {
        id: removal.tenant.to_string(),
        name: removal.name,
        by: removal.facts.by,
        reason: removal.facts.reason,
        begun_at: written(removal.facts.begun_at),
        ended_at: removal.facts.ended_at.map(written),
        records: removal.facts.records,
        mail_bytes: removal.facts.mail_bytes,
    }
}

fn named_domain(text: &str) -> Result<String, Problem> {
    domain_name(text).map_err(|error| Problem::bad_request("domain", error.to_string()))
}

/// A list of names: trimmed, in lower case, without empty ones.
pub fn list(names: Vec<String>, what: &'static str) -> Result<Vec<String>, Problem> {
    let names = trimmed(names, |name| name.to_lowercase());
    if names.len() > LIST_MAX {
        return Err(Problem::bad_request("too-many", format!("{what} has more than {LIST_MAX}")));
    }
    Ok(names)
}

impl From<Figures> for dto::TenantFigures {
    fn from(figures: Figures) -> Self {
        Self {
            records: figures.records,
            reports: figures.reports,
            merged: figures.merged,
            quarantined: figures.quarantined,
            not_selected: figures.not_selected,
            raw_bytes: figures.raw_bytes,
            mail_bytes: figures.mail_bytes,
            parts: figures.parts,
        }
    }
}
