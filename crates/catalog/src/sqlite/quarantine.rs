use model::{ContentId, Location, QuarantineId, TenantId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::codes::{Json, Name, Named, int, json, uint};
use super::fault::{Abort, Fault};
use super::{Sqlite, tenant_row};
use crate::{CatalogError, NewQuarantine, QuarantineList, QuarantineRow, QuarantineState};

const COLUMNS: &str = "row, id, content, reason_code, reason_detail, originator_org, received_at,
    size_bytes, source, envelope, pack, slot, offset, length, state, decided_at, decided_by,
    decided_reason";

/// Adds an entry, or lets a retried one wait again. Returns how many more wait: 0 or 1.
pub(super) fn add(db: &Connection, tenant: i64, entry: &NewQuarantine) -> Result<i64, Fault> {
    let changed = db
        .prepare_cached(
            "INSERT INTO quarantine (tenant, id, content, reason_code, reason_detail,
                 originator_org, received_at, size_bytes, source, envelope, pack, slot, offset,
                 length, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 'waiting')
             ON CONFLICT (tenant, id) DO UPDATE SET state = 'waiting',
                 reason_code = excluded.reason_code, reason_detail = excluded.reason_detail
             WHERE state = 'retried'",
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
    Ok(changed as i64)
}

pub(super) fn list(
    engine: &Sqlite,
    tenant: TenantId,
    before: Option<u64>,
    limit: u32,
) -> Result<QuarantineList, CatalogError> {
    engine.read(|db| {
        let tenant = tenant_row(db, tenant)?;
        let total: i64 = db
            .prepare_cached("SELECT quarantined FROM figures WHERE tenant = ?1")?
            .query_row([tenant], |row| row.get(0))?;
        let rows = db
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM quarantine
                 WHERE tenant = ?1 AND state = 'waiting' AND row < ?2 ORDER BY row DESC LIMIT ?3"
            ))?
            .query_map((tenant, before.map_or(i64::MAX, int), limit), entry)?
            .collect::<Result<_, _>>()?;
        Ok(QuarantineList { total: uint(total), rows })
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
        db.prepare_cached("UPDATE figures SET quarantined = quarantined - ?2 WHERE tenant = ?1")?
            .execute((tenant, changed as i64))?;
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
