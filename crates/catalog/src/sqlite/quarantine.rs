use model::{ContentId, Location, QuarantineId, TenantId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::codes::{Json, Name, Named, int, json, uint};
use super::fault::{Abort, Fault};
use super::{Sqlite, tenant_row};
use crate::{
    CatalogError, NewQuarantine, QuarantineFilter, QuarantineList, QuarantineRow, QuarantineState,
};

const COLUMNS: &str = "row, id, content, reason_code, reason_detail, originator_org, received_at,
    size_bytes, source, envelope, pack, slot, offset, length, state, decided_at, decided_by,
    decided_reason";

/// What an entry changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// It waits again, after a retry or because a discarded submission came once more.
    Again,
    /// It was seen for the first time.
    New,
    /// It waits already, or an administrator let it in.
    Nothing,
}

/// Adds an entry, or lets a retried or discarded one wait again.
pub(super) fn add(db: &Connection, tenant: i64, entry: &NewQuarantine) -> Result<Added, Fault> {
    let found: Option<(i64, Named<QuarantineState>)> = db
        .prepare_cached("SELECT row, state FROM quarantine WHERE tenant = ?1 AND id = ?2")?
        .query_row((tenant, entry.id.as_bytes()), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let added = match found {
        None => {
            insert(db, tenant, entry)?;
            Added::New
        }
        Some((row, Named(QuarantineState::Discarded | QuarantineState::Retried))) => {
            wait_again(db, row, entry)?;
            Added::Again
        }
        Some(_) => return Ok(Added::Nothing),
    };
    count(db, tenant, &entry.reason_code, 1)?;
    Ok(added)
}

fn insert(db: &Connection, tenant: i64, entry: &NewQuarantine) -> Result<(), Fault> {
    db.prepare_cached(
        "INSERT INTO quarantine (tenant, id, content, reason_code, reason_detail,
             originator_org, received_at, size_bytes, source, envelope, pack, slot, offset,
             length, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 'waiting')",
    )?
    .execute(params![
        tenant,
        entry.id.as_bytes(),
        entry.content.as_bytes(),
        entry.reason_code,
        entry.reason_detail,
        entry.originator_org,
        entry.received_at.as_micros(),
        int(entry.size_bytes),
        json(&entry.source),
        entry.envelope.as_ref().map(json),
        entry.location.pack,
        entry.location.slot,
        int(entry.location.offset),
        int(entry.location.length_bytes),
    ])?;
    Ok(())
}

fn wait_again(db: &Connection, row: i64, entry: &NewQuarantine) -> Result<(), Fault> {
    db.prepare_cached(
        "UPDATE quarantine SET state = 'waiting', reason_code = ?2, reason_detail = ?3,
             originator_org = ?4, pack = ?5, slot = ?6, offset = ?7, length = ?8
         WHERE row = ?1",
    )?
    .execute(params![
        row,
        entry.reason_code,
        entry.reason_detail,
        entry.originator_org,
        entry.location.pack,
        entry.location.slot,
        int(entry.location.offset),
        int(entry.location.length_bytes),
    ])?;
    Ok(())
}

/// The row of an entry.
pub(super) fn find(db: &Connection, tenant: i64, id: QuarantineId) -> Result<Option<i64>, Fault> {
    db.prepare_cached("SELECT row FROM quarantine WHERE tenant = ?1 AND id = ?2")?
        .query_row((tenant, id.as_bytes()), |row| row.get(0))
        .optional()
}

/// How many more (or fewer) wait for this reason.
pub(super) fn count(
    db: &Connection,
    tenant: i64,
    reason_code: &str,
    more: i64,
) -> Result<(), Fault> {
    db.prepare_cached(
        "INSERT INTO quarantine_count (tenant, reason_code, waiting) VALUES (?1, ?2, ?3)
         ON CONFLICT (tenant, reason_code) DO UPDATE SET waiting = waiting + excluded.waiting",
    )?
    .execute((tenant, reason_code, more))?;
    db.prepare_cached("UPDATE figures SET quarantined = quarantined + ?2 WHERE tenant = ?1")?
        .execute((tenant, more))?;
    Ok(())
}

pub(super) fn list(
    engine: &Sqlite,
    tenant: TenantId,
    filter: &QuarantineFilter,
    before: Option<u64>,
    limit: u32,
) -> Result<QuarantineList, CatalogError> {
    let state = filter.state.unwrap_or(QuarantineState::Waiting);
    let reason = filter.reason.as_deref();
    engine.read(|db| {
        let tenant = tenant_row(db, tenant)?;
        let rows = db
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM quarantine
                 WHERE tenant = ?1 AND state = ?2 AND (?3 IS NULL OR reason_code = ?3)
                     AND row < ?4
                 ORDER BY row DESC LIMIT ?5"
            ))?
            .query_map((tenant, state.name(), reason, before.map_or(i64::MAX, int), limit), entry)?
            .collect::<Result<_, _>>()?;
        let total = match state {
            QuarantineState::Waiting => waiting_count(db, tenant, reason)?,
            _ => db
                .prepare_cached(
                    "SELECT count(*) FROM quarantine
                     WHERE tenant = ?1 AND state = ?2 AND (?3 IS NULL OR reason_code = ?3)",
                )?
                .query_row((tenant, state.name(), reason), |row| row.get(0))?,
        };
        Ok(QuarantineList { total: uint(total), rows })
    })
}

fn waiting_count(db: &Connection, tenant: i64, reason: Option<&str>) -> Result<i64, Fault> {
    db.prepare_cached(
        "SELECT coalesce(sum(waiting), 0) FROM quarantine_count
         WHERE tenant = ?1 AND (?2 IS NULL OR reason_code = ?2)",
    )?
    .query_row((tenant, reason), |row| row.get(0))
}

pub(super) fn decided_since(
    engine: &Sqlite,
    tenant: TenantId,
    since: Timestamp,
    after_row: u64,
    limit: u32,
) -> Result<Vec<QuarantineRow>, CatalogError> {
    engine.read(|db| {
        let tenant = tenant_row(db, tenant)?;
        let rows = db
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM quarantine
                 WHERE tenant = ?1 AND decided_at >= ?2 AND state <> 'waiting' AND row > ?3
                 ORDER BY row LIMIT ?4"
            ))?
            .query_map((tenant, since.as_micros(), int(after_row), limit), entry)?
            .collect::<Result<_, _>>()?;
        Ok(rows)
    })
}

pub(super) fn one(
    engine: &Sqlite,
    tenant: TenantId,
    id: QuarantineId,
) -> Result<Option<QuarantineRow>, CatalogError> {
    engine.read(|db| {
        let tenant = tenant_row(db, tenant)?;
        let sql = format!("SELECT {COLUMNS} FROM quarantine WHERE tenant = ?1 AND id = ?2");
        let found = db.prepare_cached(&sql)?.query_row((tenant, id.as_bytes()), entry);
        Ok(found.optional()?)
    })
}

pub(super) fn all(
    engine: &Sqlite,
    tenant: TenantId,
    after_row: u64,
    limit: u32,
) -> Result<Vec<QuarantineRow>, CatalogError> {
    engine.read(|db| {
        let tenant = tenant_row(db, tenant)?;
        let rows = db
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM quarantine
                 WHERE tenant = ?1 AND row > ?2 ORDER BY row LIMIT ?3"
            ))?
            .query_map((tenant, int(after_row), limit), entry)?
            .collect::<Result<_, _>>()?;
        Ok(rows)
    })
}

/// One decision about one entry.
pub(super) struct Decision<'a> {
    pub state: QuarantineState,
    pub by: &'a str,
    pub reason: &'a str,
    pub at: Timestamp,
}

pub(super) fn decide(
    engine: &Sqlite,
    tenant: TenantId,
    id: QuarantineId,
    decision: &Decision<'_>,
) -> Result<bool, CatalogError> {
    if decision.state == QuarantineState::Waiting {
        return Err(CatalogError::Invalid("the decision"));
    }
    engine.write(|db, _| {
        let tenant = tenant_row(db, tenant)?;
        let changed = db
            .prepare_cached(
                "UPDATE quarantine SET state = ?3, decided_at = ?4, decided_by = ?5,
                     decided_reason = ?6
                 WHERE tenant = ?1 AND id = ?2 AND state = 'waiting'",
            )?
            .execute((
                tenant,
                id.as_bytes(),
                decision.state.name(),
                decision.at.as_micros(),
                decision.by,
                decision.reason,
            ))?;
        if changed > 0 {
            let reason: String = db
                .prepare_cached("SELECT reason_code FROM quarantine WHERE tenant = ?1 AND id = ?2")?
                .query_row((tenant, id.as_bytes()), |row| row.get(0))?;
            count(db, tenant, &reason, -1)?;
        }
        Ok::<_, Abort>(changed > 0)
    })
}

fn entry(row: &Row<'_>) -> Result<QuarantineRow, Fault> {
    let entry = NewQuarantine {
        id: QuarantineId::from_bytes(row.get("id")?),
        content: ContentId(model::Digest::from_bytes(row.get("content")?)),
        reason_code: row.get("reason_code")?,
        reason_detail: row.get("reason_detail")?,
        originator_org: row.get("originator_org")?,
        received_at: Timestamp::from_micros(row.get("received_at")?),
        size_bytes: uint(row.get("size_bytes")?),
        source: row.get::<_, Json<_>>("source")?.0,
        envelope: row.get::<_, Option<Json<_>>>("envelope")?.map(|json| json.0),
        location: location(row)?,
    };
    Ok(QuarantineRow {
        row: uint(row.get("row")?),
        entry,
        state: row.get::<_, Named<_>>("state")?.0,
        decided_at: row.get::<_, Option<_>>("decided_at")?.map(Timestamp::from_micros),
        decided_by: row.get("decided_by")?,
        decided_reason: row.get("decided_reason")?,
    })
}

/// The columns `pack`, `slot`, `offset`, `length`.
pub(super) fn location(row: &Row<'_>) -> Result<Location, Fault> {
    Ok(Location {
        pack: row.get("pack")?,
        slot: row.get("slot")?,
        offset: uint(row.get("offset")?),
        length_bytes: uint(row.get("length")?),
    })
}
