//! Journal addresses and what came in by them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use catalog::{Catalog, IMPORTS, SourceKind, SourceRow, SourceState};
use model::{HeaderRule, HeaderRules, SourceId, TenantId, Timestamp};
use policy::Permission;
use serde_json::json;

use crate::body::{Body, Path};
use crate::caller::Ready;
use crate::dto;
use crate::problem::Problem;
use crate::routes::search::written;
use crate::state::AppState;

/// What stands for all imports together.
pub const IMPORTS_ID: &str = "imports";

/// Further headers of one source; more are refused.
const HEADERS_MAX: usize = 20;

/// Ways in, with what they brought.
#[utoipa::path(
    get,
    path = "/api/v1/sources",
    operation_id = "sources",
    responses(
        (status = 200, description = "the sources", body = dto::SourcesAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn sources(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<dto::SourcesAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageSources)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let sources = all(&*catalog, tenant, caller.now)?;
        Ok(Json(dto::SourcesAnswer { sources }))
    };
    state.blocking.read(work).await
}

/// Creates a journal address.
#[utoipa::path(
    post,
    path = "/api/v1/sources",
    operation_id = "createSource",
    request_body = dto::NewSource,
    responses(
        (status = 201, description = "it takes mail at once", body = dto::Source),
        (status = 400, description = "the name or the domain is not valid", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn create_source(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(new): Body<dto::NewSource>,
) -> Result<(StatusCode, Json<dto::Source>), Problem> {
    let id = caller.tenant_for(Permission::ManageSources)?;
    let blocking = state.blocking.clone();
    let work = move || {
        let tenant = state.catalog.tenant(id)?.ok_or_else(Problem::not_found)?;
        let rules = header_rules(new.rules.unwrap_or_else(default_rules))?;
        let domain = new.archive_domain.map(|domain| domain.trim().to_lowercase());
        let source =
            state.identity.draw_source(&tenant, &new.name, domain.as_deref(), rules, caller.now)?;
        state.catalog.add_source(&source)?;
        state.tenants.changed(id)?;
        let detail = json!({ "name": source.name });
        state.catalog.audit(&[caller.event("source.create", source.id.to_string(), detail)])?;
        Ok((StatusCode::CREATED, Json(shown(&*state.catalog, id, source.id, caller.now)?)))
    };
    blocking.read(work).await
}

/// Renames, suspends or resumes a source, or changes how its envelope is read.
#[utoipa::path(
    patch,
    path = "/api/v1/sources/{source}",
    operation_id = "changeSource",
    params(("source" = String, Path, description = "the source's id")),
    request_body = dto::ChangeSource,
    responses(
        (status = 200, description = "as it is now", body = dto::Source),
        (status = 400, description = "the name is not valid", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such source", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn change_source(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(source): Path<String>,
    Body(change): Body<dto::ChangeSource>,
) -> Result<Json<dto::Source>, Problem> {
    let id = caller.tenant_for(Permission::ManageSources)?;
    let blocking = state.blocking.clone();
    let work = move || {
        let source = source.parse().map_err(|_| Problem::not_found())?;
        let before = state.catalog.source(id, source)?.ok_or_else(Problem::not_found)?;
        let mut after = before.clone();
        if let Some(name) = change.name {
            after.name = name.trim().to_owned();
        }
        if let Some(suspended) = change.suspended {
            after.state = if suspended { SourceState::Suspended } else { SourceState::Active };
        }
        if let Some(rules) = change.rules {
            // What the server set beyond these choices stays.
            let (own_domains, organisations) =
                (after.rules.own_domains.clone(), after.rules.organisations.clone());
            after.rules = HeaderRules { own_domains, organisations, ..header_rules(rules)? };
        }
        state.catalog.update_source(&after)?;
        state.tenants.changed(id)?;
        let detail_of = |source: &SourceRow| json!({ "name": source.name, "state": source.state, "rules": source.rules });
        let detail = json!({ "before": detail_of(&before), "after": detail_of(&after) });
        state.catalog.audit(&[caller.event("source.change", source.to_string(), detail)])?;
        Ok(Json(shown(&*state.catalog, id, source, caller.now)?))
    };
    blocking.read(work).await
}

/// Puts a fresh journal address in the place of this one, which goes on for a while.
#[utoipa::path(
    post,
    path = "/api/v1/sources/{source}/rotate",
    operation_id = "rotateSource",
    params(("source" = String, Path, description = "the source's id")),
    request_body = dto::RotateSource,
    responses(
        (status = 201, description = "the new source", body = dto::Source),
        (status = 400, description = "the tenant has no archive domain", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such source, or it was rotated already", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn rotate_source(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(source): Path<String>,
    Body(rotate): Body<dto::RotateSource>,
) -> Result<(StatusCode, Json<dto::Source>), Problem> {
    let id = caller.tenant_for(Permission::ManageSources)?;
    let blocking = state.blocking.clone();
    let work = move || {
        let source: SourceId = source.parse().map_err(|_| Problem::not_found())?;
        let tenant = state.catalog.tenant(id)?.ok_or_else(Problem::not_found)?;
        let grace = i64::from(rotate.grace_hours) * 3600;
        let successor = state.identity.rotate_source(&tenant, source, grace, caller.now)?;
        state.tenants.changed(id)?;
        let detail = json!({ "successor": successor.id, "graceHours": rotate.grace_hours });
        state.catalog.audit(&[caller.event("source.rotate", source.to_string(), detail)])?;
        Ok((StatusCode::CREATED, Json(shown(&*state.catalog, id, successor.id, caller.now)?)))
    };
    blocking.read(work).await
}

/// All sources of a tenant; imports at the end, if there were any.
pub fn all(
    catalog: &dyn Catalog,
    tenant: TenantId,
    now: Timestamp,
) -> Result<Vec<dto::Source>, Problem> {
    let figures = catalog.source_figures(tenant)?;
    let of = |id: SourceId| {
        let found = figures.iter().find(|one| one.source == id);
        found.map_or_else(dto::SourceFigures::default, |one| dto::SourceFigures {
            totals: dto::SourceTotals {
                mails: one.tally.mails,
                bytes: one.tally.bytes,
                reports: one.reports,
                quarantined: one.tally.quarantined,
                not_selected: one.tally.not_selected,
            },
            last_at: one.last_at.map(written),
            last_report_at: one.last_report_at.map(written),
        })
    };
    let sources = catalog.sources(tenant)?.into_iter();
    let mut all: Vec<dto::Source> = sources.map(|row| source(&row, of(row.id), now)).collect();
    let imports = of(IMPORTS);
    if imports.last_at.is_some() {
        all.push(dto::Source {
            id: IMPORTS_ID.to_owned(),
            name: String::new(),
            kind: "import".to_owned(),
            address: None,
            state: dto::SourceState::Active,
            ends_at: None,
            successor: None,
            created_at: None,
            figures: imports,
            rules: default_rules(),
        });
    }
    Ok(all)
}

fn shown(
    catalog: &dyn Catalog,
    tenant: TenantId,
    id: SourceId,
    now: Timestamp,
) -> Result<dto::Source, Problem> {
    let id = id.to_string();
    let found = all(catalog, tenant, now)?.into_iter().find(|source| source.id == id);
    found.ok_or_else(Problem::not_found)
}

fn source(row: &SourceRow, figures: dto::SourceFigures, now: Timestamp) -> dto::Source {
    let state = match (row.ends_at, row.state) {
        (Some(ends_at), _) if ends_at <= now => dto::SourceState::Ended,
        (_, SourceState::Suspended) => dto::SourceState::Suspended,
        (Some(_), SourceState::Active) => dto::SourceState::Ending,
        (None, SourceState::Active) => dto::SourceState::Active,
    };
    let kind = match row.kind {
        SourceKind::Fetch => "fetch",
        SourceKind::Import => "import",
        SourceKind::Smtp => "smtp",
    };
    dto::Source {
        id: row.id.to_string(),
        name: row.name.clone(),
        kind: kind.to_owned(),
        address: row.address.as_ref().map(ToString::to_string),
        state,
        ends_at: row.ends_at.map(written),
        successor: row.successor.map(|id| id.to_string()),
        created_at: Some(written(row.created_at)),
        figures,
        rules: shown_rules(&row.rules),
    }
}

pub fn shown_rules(rules: &HeaderRules) -> dto::SourceRules {
    let headers = rules.rules.iter().filter_map(|rule| match rule {
        HeaderRule::Custom(name) => Some(name.clone()),
        _ => None,
    });
    dto::SourceRules {
        journal_reports: rules.journal_reports,
        headers: headers.collect(),
        delivered_to: rules.rules.contains(&HeaderRule::DeliveredTo),
    }
}

fn default_rules() -> dto::SourceRules {
    dto::SourceRules { journal_reports: true, ..dto::SourceRules::default() }
}

pub fn header_rules(rules: dto::SourceRules) -> Result<HeaderRules, Problem> {
    let is_name = |name: &String| {
        (1..=100).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':')
    };
    if rules.headers.len() > HEADERS_MAX || !rules.headers.iter().all(is_name) {
        return Err(Problem::bad_request("headers", "at most 20 names of header fields"));
    }
    let mut made = HeaderRules { journal_reports: rules.journal_reports, ..HeaderRules::default() };
    made.rules.extend(rules.headers.into_iter().map(HeaderRule::Custom));
    if rules.delivered_to {
        made.rules.push(HeaderRule::DeliveredTo);
    }
    Ok(made)
}
