use model::{Digest, HoldId, MatterId, RecordId, TenantId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::codes::{Json, int, json, uint};
use super::fault::{Abort, Fault, is_unique_violation};
use super::grants::check_reason;
use super::{Sqlite, tenant_row};
use crate::{
    CUSTODIANS_MAX, CatalogError, Conflict, HoldFacts, HoldRelease, HoldRow, LedgerKind,
    MATTER_HOLDS_MAX, MATTER_NAME_CHARS_MAX, MATTER_NOTES_CHARS_MAX, MATTERS_MAX, Matter,
    MatterState, Matters, NewLedgerEvent, Unexamined,
};

const HOLD: &str = "SELECT h.through_seq, h.found, h.detail, t.id AS tenant_id
    FROM legal_hold h JOIN tenant t ON t.row = h.tenant";

impl Matters for Sqlite {
    fn add_matter(&self, tenant: TenantId, matter: &Matter) -> Result<(), CatalogError> {
        check(matter)?;
        self.write(|db, _| {
            let tenant = tenant_row(db, tenant)?;
            let count: u32 = db
                .prepare_cached("SELECT count(*) FROM matter WHERE tenant = ?1")?
                .query_row([tenant], |row| row.get(0))?;
            if count >= MATTERS_MAX {
                return Err(CatalogError::Invalid("the number of matters").into());
            }
            insert(db, tenant, matter)
        })
    }

    fn change_matter(&self, tenant: TenantId, matter: &Matter) -> Result<bool, CatalogError> {
        check(matter)?;
        self.write(|db, _| {
            let tenant = tenant_row(db, tenant)?;
            if matter.state == MatterState::Closed && has_active(db, tenant, Some(matter.id))? {
                return Ok(false);
            }
            update(db, tenant, matter)
        })
    }

    fn matter(&self, tenant: TenantId, id: MatterId) -> Result<Option<Matter>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let found = db
                .prepare_cached("SELECT detail FROM matter WHERE tenant = ?1 AND id = ?2")?
                .query_row((tenant, id.as_bytes()), |row| Ok(row.get::<_, Json<_>>(0)?.0))
                .optional()?;
            Ok(found)
        })
    }

    fn matters(&self, tenant: TenantId) -> Result<Vec<Matter>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let all = db
                .prepare_cached("SELECT detail FROM matter WHERE tenant = ?1 ORDER BY row DESC")?
                .query_map([tenant], |row| Ok(row.get::<_, Json<_>>(0)?.0))?
                .collect::<Result<_, _>>()?;
            Ok(all)
        })
    }

    fn place_hold(&self, tenant: TenantId, hold: &HoldFacts) -> Result<bool, CatalogError> {
        check_reason(&hold.reason)?;
        self.write(|db, _| {
            let (id, tenant) = (tenant, tenant_row(db, tenant)?);
            let Some((matter, Json(Matter { state, .. }))) = db
                .prepare_cached("SELECT row, detail FROM matter WHERE tenant = ?1 AND id = ?2")?
                .query_row((tenant, hold.matter.as_bytes()), |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?
            else {
                return Ok(false);
            };
            let count: u32 = db
                .prepare_cached("SELECT count(*) FROM legal_hold WHERE matter = ?1")?
                .query_row([matter], |row| row.get(0))?;
            if count >= MATTER_HOLDS_MAX {
                return Err(CatalogError::Invalid("the number of holds").into());
            }
            if state == MatterState::Closed {
                return Ok(false);
            }
            insert_hold(db, tenant, matter, hold)?;
            let facts = event(hold, &hold.placed_by, &hold.reason);
            let event = NewLedgerEvent::new(LedgerKind::HoldPlaced, hold.placed_at, facts);
            super::ledger::append(db, id, &[event])?;
            Ok(true)
        })
    }

    fn release_hold(
        &self,
        tenant: TenantId,
        id: HoldId,
        release: &HoldRelease,
    ) -> Result<bool, CatalogError> {
        check_reason(&release.reason)?;
        self.write(|db, _| {
            let Some(hold) = set_released(db, tenant_row(db, tenant)?, id, release)? else {
                return Ok(false);
            };
            let facts = event(&hold, &release.by, &release.reason);
            let event = NewLedgerEvent::new(LedgerKind::HoldReleased, release.at, facts);
            super::ledger::append(db, tenant, &[event])?;
            Ok(true)
        })
    }

    fn holds(
        &self,
        tenant: TenantId,
        matter: Option<MatterId>,
    ) -> Result<Vec<HoldRow>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let sql = format!(
                "{HOLD} WHERE h.tenant = ?1 AND (?2 IS NULL
                     OR h.matter = (SELECT row FROM matter WHERE id = ?2)) ORDER BY h.row DESC"
            );
            let all = db
                .prepare_cached(&sql)?
                .query_map((tenant, matter.as_ref().map(MatterId::as_bytes)), hold_row)?
                .collect::<Result<_, _>>()?;
            Ok(all)
        })
    }

    fn active_holds(&self) -> Result<Vec<(TenantId, HoldRow)>, CatalogError> {
        self.read(|db| {
            let sql = format!("{HOLD} WHERE h.released_at IS NULL ORDER BY h.row");
            let one =
                |row: &Row<'_>| Ok((TenantId::from_bytes(row.get("tenant_id")?), hold_row(row)?));
            Ok(db.prepare_cached(&sql)?.query_map([], one)?.collect::<Result<_, _>>()?)
        })
    }

    fn has_active_hold(&self, tenant: TenantId) -> Result<bool, CatalogError> {
        self.read(|db| Ok(has_active(db, tenant_row(db, tenant)?, None)?))
    }

    fn unexamined(
        &self,
        tenant: TenantId,
        after_seq: u64,
        limit: u32,
    ) -> Result<Unexamined, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let events: Vec<(i64, Option<[u8; 16]>)> = db
                .prepare_cached(
                    "SELECT l.seq, r.id FROM ledger_event l LEFT JOIN record r ON r.row = l.record
                     WHERE l.tenant = ?1 AND l.seq > ?2 ORDER BY l.seq LIMIT ?3",
                )?
                .query_map((tenant, int(after_seq), limit), |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            let through_seq = events.last().map_or(after_seq, |(seq, _)| uint(*seq));
            let mut records: Vec<RecordId> =
                events.into_iter().filter_map(|(_, id)| id).map(RecordId::from_bytes).collect();
            records.sort_unstable();
            records.dedup();
            Ok(Unexamined { records, through_seq })
        })
    }

    fn freeze(
        &self,
        tenant: TenantId,
        hold: HoldId,
        records: &[RecordId],
        through_seq: u64,
    ) -> Result<(), CatalogError> {
        self.write(|db, _| {
            let tenant = tenant_row(db, tenant)?;
            let row: i64 = db
                .prepare_cached("SELECT row FROM legal_hold WHERE tenant = ?1 AND id = ?2")?
                .query_row((tenant, hold.as_bytes()), |row| row.get(0))
                .optional()?
                .ok_or(CatalogError::NotFound("the hold"))?;
            let mut insert = db.prepare_cached(
                "INSERT INTO held_record (hold, record) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            )?;
            let mut added = 0;
            for record in records {
                added += insert.execute((row, record.as_bytes()))?;
            }
            db.prepare_cached(
                "UPDATE legal_hold SET through_seq = max(through_seq, ?2), found = found + ?3
                 WHERE row = ?1",
            )?
            .execute((row, int(through_seq), int(added as u64)))?;
            Ok(())
        })
    }

    fn holds_on(
        &self,
        tenant: TenantId,
        records: &[RecordId],
    ) -> Result<Vec<(RecordId, MatterId)>, CatalogError> {
        self.read(|db| Ok(on(db, tenant_row(db, tenant)?, records)?))
    }

    fn held_records(
        &self,
        tenant: TenantId,
        matter: MatterId,
        after: Option<RecordId>,
        limit: u32,
    ) -> Result<Vec<RecordId>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let after = after.as_ref().map_or(&[][..], |record| record.as_bytes());
            let all = db
                .prepare_cached(
                    "SELECT DISTINCT held.record FROM matter m
                     JOIN legal_hold h ON h.matter = m.row JOIN held_record held ON held.hold = h.row
                     WHERE m.tenant = ?1 AND m.id = ?2 AND held.record > ?3
                     ORDER BY held.record LIMIT ?4",
                )?
                .query_map((tenant, matter.as_bytes(), after, limit), |row| {
                    Ok(RecordId::from_bytes(row.get(0)?))
                })?
                .collect::<Result<_, _>>()?;
            Ok(all)
        })
    }

    fn held_count(&self, tenant: TenantId, matter: MatterId) -> Result<u64, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let count: i64 = db
                .prepare_cached(
                    "SELECT count(DISTINCT held.record) FROM matter m
                     JOIN legal_hold h ON h.matter = m.row JOIN held_record held ON held.hold = h.row
                     WHERE m.tenant = ?1 AND m.id = ?2",
                )?
                .query_row((tenant, matter.as_bytes()), |row| row.get(0))?;
            Ok(uint(count))
        })
    }

    fn recover_matter(
        &self,
        tenant: TenantId,
        matter: &Matter,
        holds: &[HoldFacts],
    ) -> Result<(), CatalogError> {
        self.write(|db, _| {
            let tenant = tenant_row(db, tenant)?;
            if !update(db, tenant, matter)? {
                insert(db, tenant, matter)?;
            }
            let row: i64 = db
                .prepare_cached("SELECT row FROM matter WHERE id = ?1")?
                .query_row([matter.id.as_bytes()], |row| row.get(0))?;
            for hold in holds {
                let known = db
                    .prepare_cached("SELECT 1 FROM legal_hold WHERE id = ?1")?
                    .exists([hold.id.as_bytes()])?;
                match &hold.released {
                    Some(release) if known => {
                        set_released(db, tenant, hold.id, release)?;
                    }
                    _ if known => {}
                    _ => insert_hold(db, tenant, row, hold)?,
                }
            }
            Ok(())
        })
    }
}

/// [`Matters::holds_on`] within a transaction.
pub(super) fn on(
    db: &Connection,
    tenant: i64,
    records: &[RecordId],
) -> Result<Vec<(RecordId, MatterId)>, Fault> {
    if !has_active(db, tenant, None)? {
        return Ok(Vec::new());
    }
    let mut find = db.prepare_cached(
        "SELECT m.id FROM held_record held JOIN legal_hold h ON h.row = held.hold
         JOIN matter m ON m.row = h.matter
         WHERE held.record = ?2 AND h.tenant = ?1 AND h.released_at IS NULL
         UNION
         SELECT m.id FROM legal_hold h JOIN matter m ON m.row = h.matter
         WHERE h.tenant = ?1 AND h.released_at IS NULL AND h.through_seq < (
             SELECT max(d.seq) FROM record r JOIN delivery d ON d.record = r.row
             WHERE r.tenant = ?1 AND r.id = ?2)",
    )?;
    let mut found = Vec::new();
    for record in records {
        let mut rows = find.query((tenant, record.as_bytes()))?;
        while let Some(row) = rows.next()? {
            found.push((*record, MatterId::from_bytes(row.get(0)?)));
        }
    }
    Ok(found)
}

/// Of the tenant, or of one of its matters.
pub(super) fn has_active(
    db: &Connection,
    tenant: i64,
    matter: Option<MatterId>,
) -> Result<bool, Fault> {
    db.prepare_cached(
        "SELECT 1 FROM legal_hold WHERE tenant = ?1 AND released_at IS NULL
             AND (?2 IS NULL OR matter = (SELECT row FROM matter WHERE id = ?2)) LIMIT 1",
    )?
    .exists((tenant, matter.as_ref().map(MatterId::as_bytes)))
}

fn insert(db: &Connection, tenant: i64, matter: &Matter) -> Result<(), Abort> {
    db.prepare_cached(
        "INSERT INTO matter (tenant, id, name, name_key, detail) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        tenant,
        matter.id.as_bytes(),
        matter.name,
        matter.name.to_lowercase(),
        json(matter)
    ])
    .map_err(taken)?;
    Ok(())
}

/// `false`: there is none.
fn update(db: &Connection, tenant: i64, matter: &Matter) -> Result<bool, Abort> {
    let changed = db
        .prepare_cached(
            "UPDATE matter SET name = ?3, name_key = ?4, detail = ?5
             WHERE tenant = ?1 AND id = ?2",
        )?
        .execute(params![
            tenant,
            matter.id.as_bytes(),
            matter.name,
            matter.name.to_lowercase(),
            json(matter)
        ])
        .map_err(taken)?;
    Ok(changed > 0)
}

fn insert_hold(db: &Connection, tenant: i64, matter: i64, hold: &HoldFacts) -> Result<(), Fault> {
    db.prepare_cached(
        "INSERT INTO legal_hold (tenant, matter, id, released_at, detail)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        tenant,
        matter,
        hold.id.as_bytes(),
        hold.released.as_ref().map(|release| release.at.as_micros()),
        json(hold)
    ])?;
    Ok(())
}

fn set_released(
    db: &Connection,
    tenant: i64,
    id: HoldId,
    release: &HoldRelease,
) -> Result<Option<HoldFacts>, Fault> {
    let sql = "SELECT detail FROM legal_hold
               WHERE tenant = ?1 AND id = ?2 AND released_at IS NULL";
    let placed: Option<Json<HoldFacts>> =
        db.prepare_cached(sql)?.query_row((tenant, id.as_bytes()), |row| row.get(0)).optional()?;
    let Some(Json(facts)) = placed else { return Ok(None) };
    let facts = HoldFacts { released: Some(release.clone()), ..facts };
    db.prepare_cached("UPDATE legal_hold SET released_at = ?2, detail = ?3 WHERE id = ?1")?
        .execute((id.as_bytes(), release.at.as_micros(), json(&facts)))?;
    Ok(Some(facts))
}

/// What the ledger says of it: no words that were searched for, which could not be erased.
fn event(hold: &HoldFacts, by: &str, reason: &str) -> serde_json::Value {
    let scope = Digest::of(json(&hold.scope).as_bytes());
    let (hold, matter) = (hold.id, hold.matter);
    serde_json::json!({
        "hold": hold, "matter": matter, "by": by, "reason": reason, "scopeSha256": scope.to_hex(),
    })
}

fn hold_row(row: &Row<'_>) -> Result<HoldRow, Fault> {
    Ok(HoldRow {
        facts: row.get::<_, Json<_>>("detail")?.0,
        through_seq: uint(row.get("through_seq")?),
        found: uint(row.get("found")?),
    })
}

fn check(matter: &Matter) -> Result<(), CatalogError> {
    check_reason(&matter.reason)?;
    let name = matter.name.trim();
    if name.is_empty() || name.chars().count() > MATTER_NAME_CHARS_MAX {
        return Err(CatalogError::Invalid("the name"));
    }
    if matter.notes.chars().count() > MATTER_NOTES_CHARS_MAX {
        return Err(CatalogError::Invalid("the notes"));
    }
    if matter.custodians.len() > CUSTODIANS_MAX {
        return Err(CatalogError::Invalid("the number of custodians"));
    }
    if matter.scope.span().is_empty() {
        return Err(CatalogError::Invalid("the span of time"));
    }
    Ok(())
}

fn taken(error: Fault) -> Abort {
    match is_unique_violation(&error, "matter.name_key") {
        true => CatalogError::Conflict(Conflict::MatterName).into(),
        false => error.into(),
    }
}
