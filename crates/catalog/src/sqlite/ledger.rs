use fail::fail_point;
use model::{Digest, Location, TenantId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::audit::audit_row;
use super::codes::{Name, int, json, uint};
use super::fault::{Abort, Fault};
use super::{Sqlite, tenant_row};
use crate::{
    AuditRow, CatalogError, ForecastRow, KeptLeaf, LEDGER_FACTS_BYTES_MAX, Ledger, LedgerEvent,
    LedgerKind, LedgerNote, NewLedgerEvent, READINGS, SealedBatchRow, WaitingNote,
};

const COLUMNS: &str = "number, first_seq, last_seq, sealed_at, stamped_at, valid_until, pack, slot,
    offset, length, digest, renewed_at, proof_pack, proof_slot, proof_offset, proof_length";

impl Ledger for Sqlite {
    fn append_ledger(
        &self,
        tenant: TenantId,
        events: &[NewLedgerEvent],
    ) -> Result<Vec<u64>, CatalogError> {
        let numbers = self.write(|db, _| append(db, tenant, events))?;
        fail_point!("catalog.ledger.after");
        Ok(numbers)
    }

    fn waiting_tenants(&self) -> Result<Vec<TenantId>, CatalogError> {
        self.read(|db| {
            let tenants = db
                .prepare_cached(
                    "SELECT id FROM tenant WHERE row IN
                         (SELECT tenant FROM ledger_note WHERE note IS NOT NULL)
                     ORDER BY id",
                )?
                .query_map([], |row| row.get(0).map(TenantId::from_bytes))?
                .collect::<Result<_, _>>()?;
            Ok(tenants)
        })
    }

    fn waiting_notes(
        &self,
        tenant: TenantId,
        limit: u32,
    ) -> Result<Vec<WaitingNote>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let waiting = db
                .prepare_cached(
                    "SELECT seq, note FROM ledger_note WHERE tenant = ?1 AND note IS NOT NULL
                     ORDER BY seq LIMIT ?2",
                )?
                .query_map((tenant, limit), |row| {
                    Ok(WaitingNote { seq: uint(row.get(0)?), note: row.get(1)? })
                })?
                .collect::<Result<_, _>>()?;
            Ok(waiting)
        })
    }

    fn settle_notes(
        &self,
        tenant: TenantId,
        places: &[(u64, Location)],
    ) -> Result<(), CatalogError> {
        self.write(|db, _| {
            let tenant = tenant_row(db, tenant)?;
            let mut settle = db.prepare_cached(
                "UPDATE ledger_note SET note = NULL, pack = ?3, slot = ?4, offset = ?5, length = ?6
                 WHERE tenant = ?1 AND seq = ?2",
            )?;
            for (seq, at) in places {
                let place = (at.pack, at.slot, int(at.offset), int(at.length_bytes));
                settle.execute((tenant, int(*seq), place.0, place.1, place.2, place.3))?;
            }
            Ok(())
        })
    }

    fn recover_event(
        &self,
        note: &LedgerNote,
        digest: Digest,
        location: Location,
    ) -> Result<(), CatalogError> {
        self.write(|db, _| recover(db, note, digest, location))
    }

    fn complete_ledger(&self, tenant: TenantId) -> Result<(), CatalogError> {
        self.write(|db, _| {
            let tenant = tenant_row(db, tenant)?;
            db.prepare_cached(
                "UPDATE figures SET seq = max(seq,
                     coalesce((SELECT max(seq) FROM ledger_event WHERE tenant = ?1), 0),
                     coalesce((SELECT max(last_seq) FROM sealed_batch WHERE tenant = ?1), 0))
                 WHERE tenant = ?1",
            )?
            .execute([tenant])?;
            Ok(())
        })
    }

    fn append_readings(&self, tenant: TenantId, limit: u32) -> Result<bool, CatalogError> {
        self.write(|db, _| read_audit_log(db, tenant, limit))
    }

    fn ledger_events(
        &self,
        tenant: TenantId,
        after_seq: u64,
        limit: u32,
    ) -> Result<Vec<LedgerEvent>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let events = db
                .prepare_cached(
                    "SELECT l.seq AS seq, l.kind AS kind, l.at AS at, l.digest AS digest,
                         k.leaf AS kept, n.note IS NOT NULL AS waiting,
                         coalesce(d.pack, n.pack) AS pack, coalesce(d.slot, n.slot) AS slot,
                         coalesce(d.offset, n.offset) AS offset,
                         coalesce(d.length, n.length) AS length, n.seq IS NULL AS mail
                     FROM ledger_event l
                     LEFT JOIN delivery d ON d.record = l.record AND d.seq = l.seq
                     LEFT JOIN ledger_note n ON n.tenant = l.tenant AND n.seq = l.seq
                     LEFT JOIN ledger_kept k ON k.tenant = l.tenant AND k.seq = l.seq
                     WHERE l.tenant = ?1 AND l.seq > ?2 ORDER BY l.seq LIMIT ?3",
                )?
                .query_map((tenant, int(after_seq), limit), event)?
                .collect::<Result<_, _>>()?;
            Ok(events)
        })
    }

    fn save_sealed_batch(
        &self,
        tenant: TenantId,
        batch: &SealedBatchRow,
    ) -> Result<(), CatalogError> {
        self.write(|db, _| {
            let tenant = tenant_row(db, tenant)?;
            let place = |at: Option<Location>| {
                at.map(|at| (at.pack, at.slot, int(at.offset), int(at.length_bytes)))
            };
            let proof = place(batch.proof);
            db.prepare_cached(&format!(
                "INSERT OR REPLACE INTO sealed_batch (tenant, {COLUMNS})
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,
                     ?17)"
            ))?
            .execute(params![
                tenant,
                int(batch.number),
                int(batch.first_seq),
                int(batch.last_seq),
                batch.sealed_at.as_micros(),
                batch.stamped_at.map(Timestamp::as_micros),
                batch.valid_until.map(Timestamp::as_micros),
                batch.location.pack,
                batch.location.slot,
                int(batch.location.offset),
                int(batch.location.length_bytes),
                batch.digest,
                batch.renewed_at.map(Timestamp::as_micros),
                proof.map(|it| it.0),
                proof.map(|it| it.1),
                proof.map(|it| it.2),
                proof.map(|it| it.3),
            ])?;
            Ok(())
        })
    }

    fn batches_due(
        &self,
        tenant: TenantId,
        after_number: u64,
        before: Timestamp,
        digests: &[&str],
        limit: u32,
    ) -> Result<Vec<SealedBatchRow>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let batches = db
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM sealed_batch
                     WHERE tenant = ?1 AND number > ?2 AND stamped_at IS NOT NULL
                         AND (valid_until < ?3
                             OR digest IN (SELECT value FROM json_each(?4)))
                     ORDER BY number LIMIT ?5"
                ))?
                .query_map(
                    (tenant, int(after_number), before.as_micros(), json(&digests), limit),
                    sealed,
                )?
                .collect::<Result<_, _>>()?;
            Ok(batches)
        })
    }

    fn forecast(&self, tenant: TenantId) -> Result<Vec<ForecastRow>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let rows = db
                .prepare_cached(
                    "SELECT min(valid_until) AS first, digest, count(*),
                         sum(last_seq - first_seq + 1)
                     FROM sealed_batch
                     WHERE tenant = ?1 AND stamped_at IS NOT NULL AND valid_until IS NOT NULL
                     GROUP BY valid_until / 86400000000, digest ORDER BY first, digest",
                )?
                .query_map([tenant], |row| {
                    Ok(ForecastRow {
                        valid_until: Timestamp::from_micros(row.get(0)?),
                        digest: row.get(1)?,
                        batches: uint(row.get(2)?),
                        events: uint(row.get(3)?),
                    })
                })?
                .collect::<Result<_, _>>()?;
            Ok(rows)
        })
    }

    fn sealed_batches(
        &self,
        tenant: TenantId,
        after_number: u64,
        limit: u32,
    ) -> Result<Vec<SealedBatchRow>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let batches = db
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM sealed_batch WHERE tenant = ?1 AND number > ?2
                     ORDER BY number LIMIT ?3"
                ))?
                .query_map((tenant, int(after_number), limit), sealed)?
                .collect::<Result<_, _>>()?;
            Ok(batches)
        })
    }

    fn sealed_batch_of(
        &self,
        tenant: TenantId,
        seq: u64,
    ) -> Result<Option<SealedBatchRow>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let found = db
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM sealed_batch WHERE tenant = ?1 AND first_seq <= ?2
                     ORDER BY first_seq DESC LIMIT 1"
                ))?
                .query_row((tenant, int(seq)), sealed)
                .optional()?;
            Ok(found.filter(|batch| seq == u64::MAX || batch.last_seq >= seq))
        })
    }
}

/// Appends events in the transaction that runs; see [`Ledger::append_ledger`].
pub(super) fn append(
    db: &Connection,
    tenant: TenantId,
    events: &[NewLedgerEvent],
) -> Result<Vec<u64>, Abort> {
    let row = tenant_row(db, tenant)?;
    let mut seq: i64 = db
        .prepare_cached("SELECT seq FROM figures WHERE tenant = ?1")?
        .query_row([row], |row| row.get(0))?;
    let mut numbers = Vec::with_capacity(events.len());
    for event in events {
        seq += 1;
        let note = json(&LedgerNote::new(tenant, uint(seq), event)).into_bytes();
        if note.len() > LEDGER_FACTS_BYTES_MAX {
            return Err(CatalogError::Invalid("the facts of an event of the ledger").into());
        }
        insert(db, row, seq, event.kind.name(), Digest::of(&note), event.at)?;
        db.prepare_cached("INSERT INTO ledger_note (tenant, seq, note) VALUES (?1, ?2, ?3)")?
            .execute((row, seq, note))?;
        keep(db, row, &event.kept)?;
        numbers.push(uint(seq));
    }
    db.prepare_cached("UPDATE figures SET seq = ?2 WHERE tenant = ?1")?.execute((row, seq))?;
    Ok(numbers)
}

fn insert(
    db: &Connection,
    tenant: i64,
    seq: i64,
    kind: &str,
    digest: Digest,
    at: Timestamp,
) -> Result<(), Fault> {
    db.prepare_cached(
        "INSERT INTO ledger_event (tenant, seq, kind, digest, at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO NOTHING",
    )?
    .execute((tenant, seq, kind, digest.as_bytes(), at.as_micros()))?;
    Ok(())
}

fn keep(db: &Connection, tenant: i64, kept: &[KeptLeaf]) -> Result<(), Fault> {
    let mut insert = db.prepare_cached(
        "INSERT INTO ledger_kept (tenant, seq, leaf) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?;
    for leaf in kept {
        insert.execute((tenant, int(leaf.seq), leaf.leaf.as_bytes()))?;
    }
    Ok(())
}

fn recover(db: &Connection, note: &LedgerNote, digest: Digest, at: Location) -> Result<(), Abort> {
    let tenant = tenant_row(db, note.tenant)?;
    insert(db, tenant, int(note.seq), note.kind.name(), digest, note.at)?;
    db.prepare_cached(
        "INSERT INTO ledger_note (tenant, seq, pack, slot, offset, length)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (tenant, seq) DO UPDATE SET note = NULL, pack = excluded.pack,
             slot = excluded.slot, offset = excluded.offset, length = excluded.length",
    )?
    .execute((
        tenant,
        int(note.seq),
        at.pack,
        at.slot,
        int(at.offset),
        int(at.length_bytes),
    ))?;
    for leaf in &note.kept {
        insert(db, tenant, int(leaf.seq), &leaf.kind, leaf.facts, leaf.at)?;
    }
    keep(db, tenant, &note.kept)?;
    Ok(())
}

fn read_audit_log(db: &Connection, tenant: TenantId, limit: u32) -> Result<bool, Abort> {
    let row = tenant_row(db, tenant)?;
    let after: i64 = db
        .prepare_cached("SELECT audit FROM ledger_reading WHERE tenant = ?1")?
        .query_row([row], |row| row.get(0))
        .optional()?
        .unwrap_or(0);
    let found: Vec<AuditRow> = db
        .prepare_cached("SELECT * FROM audit WHERE tenant = ?1 AND row > ?2 ORDER BY row LIMIT ?3")?
        .query_map((row, after, limit), |row| audit_row(Some(tenant), row))?
        .collect::<Result<_, _>>()?;
    let Some(last) = found.last() else { return Ok(false) };
    let events: Vec<NewLedgerEvent> = found
        .iter()
        .filter(|one| READINGS.contains(&one.event.action.as_str()))
        .map(reading)
        .collect();
    append(db, tenant, &events)?;
    db.prepare_cached(
        "INSERT INTO ledger_reading (tenant, audit) VALUES (?1, ?2)
         ON CONFLICT (tenant) DO UPDATE SET audit = excluded.audit",
    )?
    .execute((row, int(last.row)))?;
    Ok(found.len() == limit as usize)
}

/// The digest is over the event as the export of the audit log shows it, in JSON without blanks.
fn reading(row: &AuditRow) -> NewLedgerEvent {
    let event = &row.event;
    let outcome = event.outcome.name();
    let whole = serde_json::json!({
        "row": row.row,
        "at": event.at,
        "account": event.account,
        "who": event.who,
        "action": event.action,
        "object": event.object,
        "detail": event.detail,
        "reason": event.reason,
        "outcome": outcome,
        "ip": event.ip,
    });
    let facts = serde_json::json!({
        "audit": row.row,
        "account": event.account,
        "action": event.action,
        "object": event.object,
        "outcome": outcome,
        "digest": Digest::of(json(&whole).as_bytes()),
    });
    NewLedgerEvent::new(LedgerKind::Read, event.at, facts)
}

fn event(row: &Row<'_>) -> Result<LedgerEvent, Fault> {
    let pack: Option<u32> = row.get("pack")?;
    let location = match pack {
        Some(pack) => Some(Location {
            pack,
            slot: row.get("slot")?,
            offset: uint(row.get("offset")?),
            length_bytes: uint(row.get("length")?),
        }),
        None => None,
    };
    Ok(LedgerEvent {
        seq: uint(row.get("seq")?),
        kind: row.get("kind")?,
        at: Timestamp::from_micros(row.get("at")?),
        digest: Digest::from_bytes(row.get("digest")?),
        mail: row.get("mail")?,
        location,
        kept: row.get::<_, Option<[u8; 32]>>("kept")?.map(Digest::from_bytes),
        waiting: row.get("waiting")?,
    })
}

fn sealed(row: &Row<'_>) -> Result<SealedBatchRow, Fault> {
    let time = |at: Option<i64>| at.map(Timestamp::from_micros);
    let proof: Option<u32> = row.get(12)?;
    Ok(SealedBatchRow {
        number: uint(row.get(0)?),
        first_seq: uint(row.get(1)?),
        last_seq: uint(row.get(2)?),
        sealed_at: Timestamp::from_micros(row.get(3)?),
        stamped_at: time(row.get(4)?),
        valid_until: time(row.get(5)?),
        location: place(row, 6)?,
        digest: row.get(10)?,
        renewed_at: time(row.get(11)?),
        proof: proof.map(|_| place(row, 12)).transpose()?,
    })
}

/// From the columns pack, slot, offset, length, which begin at `first`.
fn place(row: &Row<'_>, first: usize) -> Result<Location, Fault> {
    Ok(Location {
        pack: row.get(first)?,
        slot: row.get(first + 1)?,
        offset: uint(row.get(first + 2)?),
        length_bytes: uint(row.get(first + 3)?),
    })
}
