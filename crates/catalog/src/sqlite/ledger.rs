use model::{Location, TenantId, Timestamp};
use rusqlite::{OptionalExtension, Row};

use super::codes::{int, uint};
use super::fault::Fault;
use super::{Sqlite, tenant_row};
use crate::{CatalogError, Ledger, LedgerEvent, SealedBatchRow};

const COLUMNS: &str =
    "number, first_seq, last_seq, sealed_at, stamped_at, valid_until, pack, slot, offset, length";

impl Ledger for Sqlite {
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
                    "SELECT l.seq, l.kind, l.at, d.pack, d.slot, d.offset, d.length
                     FROM ledger_event l
                     LEFT JOIN delivery d ON d.record = l.record AND d.seq = l.seq
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
            db.prepare_cached(
                "INSERT INTO sealed_batch (tenant, number, first_seq, last_seq, sealed_at,
                     stamped_at, valid_until, pack, slot, offset, length)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
                 ON CONFLICT (tenant, number) DO UPDATE SET sealed_at = excluded.sealed_at,
                     stamped_at = excluded.stamped_at, valid_until = excluded.valid_until,
                     pack = excluded.pack, slot = excluded.slot, offset = excluded.offset,
                     length = excluded.length",
            )?
            .execute((
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
            ))?;
            Ok(())
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

fn event(row: &Row<'_>) -> Result<LedgerEvent, Fault> {
    let pack: Option<u32> = row.get(3)?;
    let location = match pack {
        Some(pack) => Some(Location {
            pack,
            slot: row.get(4)?,
            offset: uint(row.get(5)?),
            length_bytes: uint(row.get(6)?),
        }),
        None => None,
    };
    Ok(LedgerEvent {
        seq: uint(row.get(0)?),
        kind: row.get(1)?,
        at: Timestamp::from_micros(row.get(2)?),
        location,
    })
}

fn sealed(row: &Row<'_>) -> Result<SealedBatchRow, Fault> {
    let time = |at: Option<i64>| at.map(Timestamp::from_micros);
    Ok(SealedBatchRow {
        number: uint(row.get(0)?),
        first_seq: uint(row.get(1)?),
        last_seq: uint(row.get(2)?),
        sealed_at: Timestamp::from_micros(row.get(3)?),
        stamped_at: time(row.get(4)?),
        valid_until: time(row.get(5)?),
        location: Location {
            pack: row.get(6)?,
            slot: row.get(7)?,
            offset: uint(row.get(8)?),
            length_bytes: uint(row.get(9)?),
        },
    })
}
