use model::{EmailAddress, HeaderRules, SourceId, TenantId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::codes::{Json, Name, Named, json};
use super::fault::{Abort, Fault, is_unique_violation};
use super::tenants;
use super::{Sqlite, tenant_row};
use crate::{CatalogError, Conflict, Routed, SourceRow, SourceState, Tenant, TenantState};

pub(super) fn add(engine: &Sqlite, source: &SourceRow) -> Result<(), CatalogError> {
    engine.write(|db, _| insert(db, source))
}

pub(super) fn insert(db: &Connection, source: &SourceRow) -> Result<(), Abort> {
    let tenant = tenant_row(db, source.tenant)?;
    db.prepare_cached(
        "INSERT INTO source (id, tenant, kind, name, address, address_key, rules, state, ends_at,
             successor, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        source.id.as_bytes(),
        tenant,
        source.kind.name(),
        source.name,
        source.address.as_ref().map(EmailAddress::as_str),
        source.address.as_ref().map(EmailAddress::key),
        json(&source.rules),
        source.state.name(),
        source.ends_at.map(Timestamp::as_micros),
        source.successor.as_ref().map(SourceId::as_bytes),
        source.created_at.as_micros(),
    ])
    .map_err(conflict)?;
    Ok(())
}

pub(super) fn rotate(
    engine: &Sqlite,
    old: SourceId,
    successor: &SourceRow,
    ends_at: Timestamp,
) -> Result<(), CatalogError> {
    engine.write(|db, _| {
        let tenant = tenant_row(db, successor.tenant)?;
        // A source that was rotated already has its successor.
        let changed = db
            .prepare_cached(
                "UPDATE source SET ends_at = ?3, successor = ?4
                 WHERE id = ?1 AND tenant = ?2 AND kind = 'smtp' AND successor IS NULL",
            )?
            .execute((old.as_bytes(), tenant, ends_at.as_micros(), successor.id.as_bytes()))?;
        if changed == 0 {
            return Err(CatalogError::NotFound("the source").into());
        }
        insert(db, successor)
    })
}

pub(super) fn update(engine: &Sqlite, source: &SourceRow) -> Result<(), CatalogError> {
    engine.write(|db, _| {
        let tenant = tenant_row(db, source.tenant)?;
        let changed = db
            .prepare_cached(
                "UPDATE source SET name = ?3, address = ?4, address_key = ?5, rules = ?6, state = ?7,
                     ends_at = ?8, successor = ?9
                 WHERE id = ?1 AND tenant = ?2",
            )?
            .execute(params![
                source.id.as_bytes(),
                tenant,
                source.name,
                source.address.as_ref().map(EmailAddress::as_str),
                source.address.as_ref().map(EmailAddress::key),
                json(&source.rules),
                source.state.name(),
                source.ends_at.map(Timestamp::as_micros),
                source.successor.as_ref().map(SourceId::as_bytes),
            ])
            .map_err(conflict)?;
        if changed == 0 { Err(CatalogError::NotFound("the source").into()) } else { Ok(()) }
    })
}

pub(super) fn one(
    engine: &Sqlite,
    tenant: TenantId,
    id: SourceId,
) -> Result<Option<SourceRow>, CatalogError> {
    engine.read(|db| {
        let row = tenant_row(db, tenant)?;
        Ok(find(db, tenant, row, id)?)
    })
}

pub(super) fn all(engine: &Sqlite, tenant: TenantId) -> Result<Vec<SourceRow>, CatalogError> {
    engine.read(|db| {
        let row = tenant_row(db, tenant)?;
        let all = db
            .prepare_cached("SELECT * FROM source WHERE tenant = ?1 ORDER BY created_at, id")?
            .query_map([row], |row| source(tenant, row))?
            .collect::<Result<_, _>>()?;
        Ok(all)
    })
}

pub(super) fn route(
    engine: &Sqlite,
    address: &EmailAddress,
) -> Result<Option<Routed>, CatalogError> {
    engine.read(|db| {
        let key = address.key();
        let found = match by_address(db, &key)? {
            Some(found) => Some(found),
            None => match without_subaddress(&key) {
                Some(bare) => by_address(db, &bare)?,
                None => None,
            },
        };
        let Some((tenant, source)) = found else { return Ok(None) };
        let active = tenant.state == TenantState::Active && source.state == SourceState::Active;
        let rules = complete(source.rules, &tenant);
        // Whose journal address it was is nobody's business any more.
        if matches!(tenant.state, TenantState::Removed | TenantState::Removing) {
            return Ok(None);
        }
        let ends_at = source.ends_at;
        let quota = tenant.settings.quota;
        Ok(Some(Routed {
            tenant: tenant.id,
            source: source.id,
            rules,
            active,
            hard_quota_bytes: quota.bytes.filter(|_| quota.hard),
            ends_at,
        }))
    })
}

pub(super) fn rules(
    engine: &Sqlite,
    id: TenantId,
    source: SourceId,
) -> Result<HeaderRules, CatalogError> {
    engine.read(|db| {
        let row = tenant_row(db, id)?;
        let own = find(db, id, row, source)?.map(|source| source.rules).unwrap_or_default();
        Ok(complete(own, &tenant_in(db, row)?))
    })
}

fn by_address(db: &Connection, key: &str) -> Result<Option<(Tenant, SourceRow)>, Abort> {
    let found: Option<(i64, SourceId)> = db
        .prepare_cached("SELECT tenant, id FROM source WHERE address_key = ?1")?
        .query_row([key], |row| Ok((row.get(0)?, SourceId::from_bytes(row.get(1)?))))
        .optional()?;
    let Some((row, id)) = found else { return Ok(None) };
    let tenant = tenant_in(db, row)?;
    Ok(find(db, tenant.id, row, id)?.map(|source| (tenant, source)))
}

/// `archive+anna=x.example@y.example` without its sub-address; `None` when it has none.
fn without_subaddress(key: &str) -> Option<String> {
    let (local, domain) = key.rsplit_once('@')?;
    let (bare, _) = local.split_once('+')?;
    Some(format!("{bare}@{domain}"))
}

/// The source's rules with what the tenant says, each value once.
fn complete(mut rules: HeaderRules, tenant: &Tenant) -> HeaderRules {
    let add = |list: &mut Vec<String>, more: &[String]| {
        for value in more {
            if !list.contains(value) {
                list.push(value.clone());
            }
        }
    };
    add(&mut rules.own_domains, &tenant.archive_domains);
    add(&mut rules.organisations, &tenant.organisations);
    rules
}

fn tenant_in(db: &Connection, row: i64) -> Result<Tenant, Fault> {
    db.prepare_cached("SELECT * FROM tenant WHERE row = ?1")?.query_row([row], tenants::tenant)
}

pub(super) fn find(
    db: &Connection,
    tenant: TenantId,
    row: i64,
    id: SourceId,
) -> Result<Option<SourceRow>, Fault> {
    db.prepare_cached("SELECT * FROM source WHERE id = ?1 AND tenant = ?2")?
        .query_row((id.as_bytes(), row), |row| source(tenant, row))
        .optional()
}

fn source(tenant: TenantId, row: &Row<'_>) -> Result<SourceRow, Fault> {
    Ok(SourceRow {
        id: SourceId::from_bytes(row.get("id")?),
        tenant,
        kind: row.get::<_, Named<_>>("kind")?.0,
        name: row.get("name")?,
        address: row.get::<_, Option<String>>("address")?.map(|text| EmailAddress::new(&text)),
        rules: row.get::<_, Json<_>>("rules")?.0,
        state: row.get::<_, Named<_>>("state")?.0,
        ends_at: row.get::<_, Option<_>>("ends_at")?.map(Timestamp::from_micros),
        successor: row.get::<_, Option<_>>("successor")?.map(SourceId::from_bytes),
        created_at: Timestamp::from_micros(row.get("created_at")?),
    })
}

fn conflict(error: Fault) -> Abort {
    if is_unique_violation(&error, "source.address_key") {
        CatalogError::Conflict(Conflict::JournalAddress).into()
    } else if is_unique_violation(&error, "source.id") {
        CatalogError::Conflict(Conflict::Id).into()
    } else {
        error.into()
    }
}
