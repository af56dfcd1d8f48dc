use model::{EmailAddress, HeaderRules, SourceId, TenantId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::codes::{Json, Name, Named, json};
use super::fault::{Abort, Fault, is_unique_violation};
use super::{Sqlite, sources};
use crate::{CatalogError, Conflict, Routed, SourceRow, Tenant, TenantState, Tenants};

/// Longer names of tenants and sources are refused.
const NAME_CHARS_MAX: usize = 200;

impl Tenants for Sqlite {
    fn add_tenant(&self, tenant: &Tenant) -> Result<(), CatalogError> {
        check(tenant)?;
        self.write(|db, _| {
            db.prepare_cached(
                "INSERT INTO tenant (id, name, name_key, state, organisations, archive_domains,
                     settings, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                tenant.id.as_bytes(),
                tenant.name,
                tenant.name.to_lowercase(),
                tenant.state.name(),
                json(&tenant.organisations),
                json(&lower(&tenant.archive_domains)),
                json(&tenant.settings),
                tenant.created_at.as_micros(),
            ])
            .map_err(conflict)?;
            db.prepare_cached("INSERT INTO figures (tenant) VALUES (?1)")?
                .execute([db.last_insert_rowid()])?;
            Ok(())
        })
    }

    fn update_tenant(&self, tenant: &Tenant) -> Result<(), CatalogError> {
        check(tenant)?;
        self.write(|db, _| {
            let changed = db
                .prepare_cached(
                    "UPDATE tenant SET name = ?2, name_key = ?3, state = ?4, organisations = ?5,
                         archive_domains = ?6, settings = ?7
                     WHERE id = ?1 AND state IN ('active', 'suspended')",
                )?
                .execute(params![
                    tenant.id.as_bytes(),
                    tenant.name,
                    tenant.name.to_lowercase(),
                    tenant.state.name(),
                    json(&tenant.organisations),
                    json(&lower(&tenant.archive_domains)),
                    json(&tenant.settings),
                ])
                .map_err(conflict)?;
            if changed == 0 { Err(CatalogError::NotFound("the tenant").into()) } else { Ok(()) }
        })
    }

    fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, CatalogError> {
        self.read(|db| {
            let found = db
                .prepare_cached(
                    "SELECT * FROM tenant WHERE id = ?1 AND state IN ('active', 'suspended')",
                )?
                .query_row([id.as_bytes()], tenant)
                .optional()?;
            Ok(found)
        })
    }

    fn tenant_named(&self, name: &str) -> Result<Option<Tenant>, CatalogError> {
        self.read(|db| {
            let found = db
                .prepare_cached(
                    "SELECT * FROM tenant WHERE name_key = ?1 AND state IN ('active', 'suspended')",
                )?
                .query_row([name.to_lowercase()], tenant)
                .optional()?;
            Ok(found)
        })
    }

    fn tenants(&self) -> Result<Vec<Tenant>, CatalogError> {
        self.read(|db| {
            let all = db
                .prepare_cached(
                    "SELECT * FROM tenant WHERE state IN ('active', 'suspended') ORDER BY name_key",
                )?
                .query_map([], tenant)?
                .collect::<Result<_, _>>()?;
            Ok(all)
        })
    }

    fn add_source(&self, source: &SourceRow) -> Result<(), CatalogError> {
        check_name(&source.name, "the source's name")?;
        sources::add(self, source)
    }

    fn update_source(&self, source: &SourceRow) -> Result<(), CatalogError> {
        check_name(&source.name, "the source's name")?;
        sources::update(self, source)
    }

    fn rotate_source(
        &self,
        old: SourceId,
        successor: &SourceRow,
        ends_at: Timestamp,
    ) -> Result<(), CatalogError> {
        check_name(&successor.name, "the source's name")?;
        sources::rotate(self, old, successor, ends_at)
    }

    fn source(&self, tenant: TenantId, id: SourceId) -> Result<Option<SourceRow>, CatalogError> {
        sources::one(self, tenant, id)
    }

    fn sources(&self, tenant: TenantId) -> Result<Vec<SourceRow>, CatalogError> {
        sources::all(self, tenant)
    }

    fn route(&self, address: &EmailAddress) -> Result<Option<Routed>, CatalogError> {
        sources::route(self, address)
    }

    fn rules(&self, tenant: TenantId, source: SourceId) -> Result<HeaderRules, CatalogError> {
        sources::rules(self, tenant, source)
    }

    fn setting(&self, key: &str) -> Result<Option<String>, CatalogError> {
        self.read(|db| {
            let found = db
                .prepare_cached("SELECT value FROM setting WHERE key = ?1")?
                .query_row([key], |row| row.get(0))
                .optional()?;
            Ok(found)
        })
    }

    fn set_setting(&self, key: &str, value: &str) -> Result<(), CatalogError> {
        self.write(|db, _| {
            db.prepare_cached(
                "INSERT INTO setting (key, value) VALUES (?1, ?2)
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            )?
            .execute((key, value))?;
            Ok(())
        })
    }
}

/// The tenant that owns the row `row`.
pub(super) fn tenant_id(db: &Connection, row: i64) -> Result<TenantId, Fault> {
    db.prepare_cached("SELECT id FROM tenant WHERE row = ?1")?
        .query_row([row], |row| row.get(0).map(TenantId::from_bytes))
}

pub(super) fn tenant(row: &Row<'_>) -> Result<Tenant, Fault> {
    Ok(Tenant {
        id: TenantId::from_bytes(row.get("id")?),
        name: row.get("name")?,
        state: row.get::<_, Named<_>>("state")?.0,
        organisations: row.get::<_, Json<_>>("organisations")?.0,
        archive_domains: row.get::<_, Json<_>>("archive_domains")?.0,
        settings: row.get::<_, Json<_>>("settings")?.0,
        created_at: Timestamp::from_micros(row.get("created_at")?),
    })
}

fn check(tenant: &Tenant) -> Result<(), CatalogError> {
    check_name(&tenant.name, "the tenant's name")?;
    match tenant.state {
        TenantState::Active | TenantState::Suspended => Ok(()),
        TenantState::Removed | TenantState::Removing => Err(CatalogError::Invalid("the state")),
    }
}

fn conflict(error: Fault) -> Abort {
    if is_unique_violation(&error, "tenant.name_key") {
        CatalogError::Conflict(Conflict::TenantName).into()
    } else if is_unique_violation(&error, "tenant.id") {
        CatalogError::Conflict(Conflict::Id).into()
    } else {
        error.into()
    }
}

fn lower(domains: &[String]) -> Vec<String> {
    domains.iter().map(|domain| domain.trim().to_lowercase()).collect()
}

fn check_name(name: &str, what: &'static str) -> Result<(), CatalogError> {
    let fits = !name.trim().is_empty() && name.chars().count() <= NAME_CHARS_MAX;
    if fits { Ok(()) } else { Err(CatalogError::Invalid(what)) }
}
