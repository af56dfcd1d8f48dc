use model::{ContentId, DisposalRunId, Location, RecordId, TenantId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};

use super::codes::{Json, Name, Named, int, json, uint};
use super::dispose::{self, part_key};
use super::fault::{Abort, Fault};
use super::quarantine::location;
use super::{Sqlite, tenant_row};
use crate::{
    CatalogError, Certificates, DISPOSED_AT_ONCE, Disposal, DisposalItem, DisposalRun,
    DisposalShare, DisposalState, Disposals, Disposed, DisposedRow, Erasure, ITEMS_AT_ONCE,
    ItemState, PartHolder, PartsUnknown,
};

const RUN: &str = "id, state, detail, items, bytes, disposed, kept";

impl Name for DisposalState {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Done, "done"),
        (Self::Proposed, "proposed"),
        (Self::Proposing, "proposing"),
        (Self::Rejected, "rejected"),
        (Self::Running, "running"),
        (Self::Withdrawn, "withdrawn"),
    ];
}

impl Name for ItemState {
    const NAMES: &'static [(Self, &'static str)] =
        &[(Self::Disposed, "disposed"), (Self::Kept, "kept"), (Self::Waiting, "waiting")];
}

impl Disposals for Sqlite {
    fn add_disposal_run(&self, tenant: TenantId, new: &DisposalRun) -> Result<(), CatalogError> {
        self.write(|db, _| {
            let tenant = tenant_row(db, tenant)?;
            db.prepare_cached(
                "INSERT INTO disposal_run (tenant, id, state, detail) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((
                tenant,
                new.id.as_bytes(),
                new.state.name(),
                json(&new.detail),
            ))?;
            Ok(())
        })
    }

    fn add_disposal_items(
        &self,
        tenant: TenantId,
        run: DisposalRunId,
        items: &[DisposalItem],
    ) -> Result<(), CatalogError> {
        if items.len() > ITEMS_AT_ONCE {
            return Err(CatalogError::Invalid("the list of items"));
        }
        self.write(|db, _| {
            let run = run_row(db, tenant_row(db, tenant)?, run)?;
            let mut insert = db.prepare_cached(
                "INSERT INTO disposal_item (run, record, state, verdict, received_at, size_bytes)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
            )?;
            let (mut count, mut bytes) = (0, 0);
            for item in items {
                let added = insert.execute((
                    run,
                    item.record.as_bytes(),
                    ItemState::Waiting.name(),
                    item.verdict.as_ref().map(json),
                    item.received_at.as_micros(),
                    int(item.size_bytes),
                ))?;
                count += added as i64;
                bytes += if added > 0 { int(item.size_bytes) } else { 0 };
            }
            db.prepare_cached(
                "UPDATE disposal_run SET items = items + ?2, bytes = bytes + ?3 WHERE row = ?1",
            )?
            .execute((run, count, bytes))?;
            Ok(())
        })
    }

    fn disposal_run(
        &self,
        tenant: TenantId,
        id: DisposalRunId,
    ) -> Result<Option<DisposalRun>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let found = db
                .prepare_cached(&format!(
                    "SELECT {RUN} FROM disposal_run WHERE tenant = ?1 AND id = ?2"
                ))?
                .query_row((tenant, id.as_bytes()), run)
                .optional()?;
            Ok(found)
        })
    }

    fn disposal_runs(
        &self,
        tenant: TenantId,
        limit: u32,
    ) -> Result<Vec<DisposalRun>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let runs = db
                .prepare_cached(&format!(
                    "SELECT {RUN} FROM disposal_run WHERE tenant = ?1 ORDER BY row DESC LIMIT ?2"
                ))?
                .query_map((tenant, limit), run)?
                .collect::<Result<_, _>>()?;
            Ok(runs)
        })
    }

    fn disposals_in(
        &self,
        state: DisposalState,
    ) -> Result<Vec<(TenantId, DisposalRunId)>, CatalogError> {
        self.read(|db| {
            let runs = db
                .prepare_cached(
                    "SELECT t.id, d.id FROM disposal_run d JOIN tenant t ON t.row = d.tenant
                     WHERE d.state = ?1 AND t.state IN ('active', 'suspended')
                     ORDER BY d.row",
                )?
                .query_map([state.name()], |row| {
                    let (tenant, id) = (row.get(0)?, row.get(1)?);
                    Ok((TenantId::from_bytes(tenant), DisposalRunId::from_bytes(id)))
                })?
                .collect::<Result<_, _>>()?;
            Ok(runs)
        })
    }

    fn change_disposal_run(
        &self,
        tenant: TenantId,
        from: DisposalState,
        seen: usize,
        run: &DisposalRun,
    ) -> Result<bool, CatalogError> {
        self.write(|db, _| {
            let tenant = tenant_row(db, tenant)?;
            let changed = db
                .prepare_cached(
                    "UPDATE disposal_run SET state = ?3, detail = ?4
                     WHERE tenant = ?1 AND id = ?2 AND state = ?5
                         AND json_array_length(detail, '$.approvals') = ?6",
                )?
                .execute((
                    tenant,
                    run.id.as_bytes(),
                    run.state.name(),
                    json(&run.detail),
                    from.name(),
                    seen as i64,
                ))?;
            Ok(changed > 0)
        })
    }

    fn disposal_items(
        &self,
        tenant: TenantId,
        run: DisposalRunId,
        state: Option<ItemState>,
        after: Option<RecordId>,
        limit: u32,
    ) -> Result<Vec<DisposalItem>, CatalogError> {
        self.read(|db| {
            let run = run_row(db, tenant_row(db, tenant)?, run)?;
            let after = after.map_or(Vec::new(), |id| id.as_bytes().to_vec());
            let sql = |state: &str| {
                format!(
                    "SELECT record, state, verdict, received_at, size_bytes, why
                     FROM disposal_item WHERE run = ?1 AND record > ?2 {state}
                     ORDER BY record LIMIT ?3"
                )
            };
            let sql = match state {
                None => sql(""),
                // Named as the index of those that wait names it.
                Some(state) => sql(&format!("AND state = '{}'", state.name())),
            };
            let items = db
                .prepare_cached(&sql)?
                .query_map((run, after, limit), item)?
                .collect::<Result<_, _>>()?;
            Ok(items)
        })
    }

    fn disposal_shares(
        &self,
        tenant: TenantId,
        run: DisposalRunId,
    ) -> Result<Vec<DisposalShare>, CatalogError> {
        self.read(|db| {
            let run = run_row(db, tenant_row(db, tenant)?, run)?;
            let shares = db
                .prepare_cached(
                    "SELECT verdict ->> '$.policy' AS policy, verdict ->> '$.class' AS class,
                         count(*) AS mails, sum(size_bytes) AS bytes,
                         sum(state = 'disposed') AS disposed, sum(state = 'kept') AS kept,
                         min(received_at) AS received_first, max(received_at) AS received_last
                     FROM disposal_item WHERE run = ?1 GROUP BY 1, 2 ORDER BY 3 DESC, 1",
                )?
                .query_map([run], share)?
                .collect::<Result<_, _>>()?;
            Ok(shares)
        })
    }

    fn certificates(
        &self,
        tenant: TenantId,
        run: DisposalRunId,
    ) -> Result<Option<Certificates>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let (count, first, last): (i64, Option<i64>, Option<i64>) = db
                .prepare_cached(
                    "SELECT count(*), min(seq), max(seq) FROM disposed
                     WHERE tenant = ?1 AND run = ?2",
                )?
                .query_row((tenant, run.as_bytes()), |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?;
            Ok(first.zip(last).map(|(first, last)| Certificates {
                count: uint(count),
                first_seq: uint(first),
                last_seq: uint(last),
            }))
        })
    }

    fn keep_disposal_items(
        &self,
        tenant: TenantId,
        run: DisposalRunId,
        why: &[(RecordId, String)],
    ) -> Result<(), CatalogError> {
        self.write(|db, _| {
            let run = run_row(db, tenant_row(db, tenant)?, run)?;
            for (record, why) in why {
                dispose::end_item(db, run, *record, ItemState::Kept, Some(why))?;
            }
            Ok(())
        })
    }

    fn dispose(
        &self,
        tenant: TenantId,
        disposals: &[Disposal],
        at: Timestamp,
    ) -> Result<Vec<Disposed>, CatalogError> {
        if disposals.len() > DISPOSED_AT_ONCE {
            return Err(CatalogError::Invalid("the list of mails"));
        }
        dispose::dispose(self, tenant, disposals, at)
    }

    fn erasing_tenants(&self) -> Result<Vec<TenantId>, CatalogError> {
        self.read(|db| {
            let tenants = db
                .prepare_cached(
                    "SELECT id FROM tenant WHERE state IN ('active', 'suspended')
                         AND EXISTS (SELECT 1 FROM disposal_erasure e WHERE e.tenant = tenant.row)",
                )?
                .query_map([], |row| row.get(0).map(TenantId::from_bytes))?
                .collect::<Result<_, _>>()?;
            Ok(tenants)
        })
    }

    fn pending_erasures(&self, tenant: TenantId, limit: u32) -> Result<Vec<Erasure>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let pending = db
                .prepare_cached(
                    "SELECT * FROM disposal_erasure WHERE tenant = ?1
                     ORDER BY pack, slot LIMIT ?2",
                )?
                .query_map((tenant, limit), |row| {
                    let record = RecordId::from_bytes(row.get("record")?);
                    Ok(Erasure { location: location(row)?, record })
                })?
                .collect::<Result<_, _>>()?;
            Ok(pending)
        })
    }

    fn settle_erasures(&self, tenant: TenantId, erased: &[Erasure]) -> Result<(), CatalogError> {
        self.write(|db, _| {
            let tenant = tenant_row(db, tenant)?;
            let mut delete = db.prepare_cached(
                "DELETE FROM disposal_erasure WHERE tenant = ?1 AND pack = ?2 AND slot = ?3",
            )?;
            for Erasure { location, .. } in erased {
                delete.execute((tenant, location.pack, location.slot))?;
            }
            Ok(())
        })
    }

    fn disposed(
        &self,
        tenant: TenantId,
        records: &[RecordId],
    ) -> Result<Vec<DisposedRow>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let mut select =
                db.prepare_cached("SELECT * FROM disposed WHERE tenant = ?1 AND record = ?2")?;
            let mut rows = Vec::new();
            for record in records {
                rows.extend(select.query_row((tenant, record.as_bytes()), gone).optional()?);
            }
            Ok(rows)
        })
    }

    fn disposed_count(&self, tenant: TenantId) -> Result<u64, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            Ok(db
                .prepare_cached("SELECT count(*) FROM disposed WHERE tenant = ?1")?
                .query_row([tenant], |row| row.get(0).map(uint))?)
        })
    }

    fn recover_disposed(&self, tenant: TenantId, row: &DisposedRow) -> Result<(), CatalogError> {
        self.write(|db, _| {
            let tenant = tenant_row(db, tenant)?;
            Ok(dispose::leave(db, tenant, row)?)
        })
    }

    fn parts_unknown(
        &self,
        tenant: TenantId,
        limit: u32,
    ) -> Result<Vec<PartsUnknown>, CatalogError> {
        self.read(|db| Ok(unknown(db, tenant_row(db, tenant)?, limit)?))
    }

    fn set_part_uses(
        &self,
        tenant: TenantId,
        uses: &[(PartHolder, Vec<ContentId>)],
    ) -> Result<(), CatalogError> {
        self.write(|db, _| {
            tenant_row(db, tenant)?;
            for (holder, parts) in uses {
                dispose::use_parts(db, *holder, parts)?;
                let (table, row) = match holder {
                    PartHolder::Quarantine(row) => ("quarantine", row),
                    PartHolder::Record(row) => ("record", row),
                };
                db.prepare_cached(&format!(
                    "DELETE FROM {table}_parts_unknown WHERE {table} = ?1"
                ))?
                .execute([row])?;
            }
            Ok(())
        })
    }

    fn forget_removed(&self) -> Result<bool, CatalogError> {
        let error = super::fault(&self.path);
        let guard = self.lock();
        let busy: i64 = guard
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
            .map_err(&error)?;
        Ok(busy == 0)
    }
}

fn run_row(db: &Connection, tenant: i64, id: DisposalRunId) -> Result<i64, Abort> {
    let found = db
        .prepare_cached("SELECT row FROM disposal_run WHERE tenant = ?1 AND id = ?2")?
        .query_row((tenant, id.as_bytes()), |row| row.get(0))
        .optional()?;
    Ok(found.ok_or(CatalogError::NotFound("the disposal run"))?)
}

fn run(row: &Row<'_>) -> Result<DisposalRun, Fault> {
    let (Named(state), Json(detail)) = (row.get("state")?, row.get("detail")?);
    Ok(DisposalRun {
        id: DisposalRunId::from_bytes(row.get("id")?),
        state,
        detail,
        items: uint(row.get("items")?),
        bytes: uint(row.get("bytes")?),
        disposed: uint(row.get("disposed")?),
        kept: uint(row.get("kept")?),
    })
}

fn item(row: &Row<'_>) -> Result<DisposalItem, Fault> {
    let Named(state) = row.get("state")?;
    Ok(DisposalItem {
        record: RecordId::from_bytes(row.get("record")?),
        state,
        verdict: row.get::<_, Option<Json<_>>>("verdict")?.map(|json| json.0),
        received_at: Timestamp::from_micros(row.get("received_at")?),
        size_bytes: uint(row.get("size_bytes")?),
        why: row.get("why")?,
    })
}

fn share(row: &Row<'_>) -> Result<DisposalShare, Fault> {
    Ok(DisposalShare {
        policy: row.get("policy")?,
        class: row.get("class")?,
        mails: uint(row.get("mails")?),
        bytes: uint(row.get("bytes")?),
        disposed: uint(row.get("disposed")?),
        kept: uint(row.get("kept")?),
        received_first: Timestamp::from_micros(row.get("received_first")?),
        received_last: Timestamp::from_micros(row.get("received_last")?),
    })
}

fn gone(row: &Row<'_>) -> Result<DisposedRow, Fault> {
    Ok(DisposedRow {
        record: RecordId::from_bytes(row.get("record")?),
        seq: uint(row.get("seq")?),
        at: Timestamp::from_micros(row.get("at")?),
        ground: row.get("ground")?,
        run: DisposalRunId::from_bytes(row.get("run")?),
    })
}

fn unknown(db: &Connection, tenant: i64, limit: u32) -> Result<Vec<PartsUnknown>, Fault> {
    let mut all = Vec::new();
    let records: Vec<i64> = db
        .prepare_cached(
            "SELECT u.record FROM record_parts_unknown u JOIN record r ON r.row = u.record
             WHERE r.tenant = ?1 ORDER BY u.record LIMIT ?2",
        )?
        .query_map((tenant, limit), |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut entries =
        db.prepare_cached("SELECT pack, slot, offset, length FROM delivery WHERE record = ?1")?;
    for record in records {
        let entries: Vec<Location> =
            entries.query_map([record], location)?.collect::<Result<_, _>>()?;
        all.push(PartsUnknown { holder: PartHolder::Record(record), entries });
    }
    let left = limit.saturating_sub(u32::try_from(all.len()).unwrap_or(u32::MAX));
    let mut quarantined = db.prepare_cached(
        "SELECT q.row AS row, pack, slot, offset, length
         FROM quarantine_parts_unknown u JOIN quarantine q ON q.row = u.quarantine
         WHERE q.tenant = ?1 ORDER BY q.row LIMIT ?2",
    )?;
    let found = quarantined.query_map((tenant, left), |row| {
        let holder = PartHolder::Quarantine(row.get("row")?);
        Ok(PartsUnknown { holder, entries: vec![location(row)?] })
    })?;
    for one in found {
        all.push(one?);
    }
    Ok(all)
}

/// Whether nothing of the tenant needs the part any more.
pub(super) fn is_unused(db: &Connection, tenant: i64, part: ContentId) -> Result<bool, Fault> {
    let used = db
        .prepare_cached(
            "SELECT 1 FROM part_use u JOIN record r ON r.row = u.record
             WHERE u.part = ?2 AND r.tenant = ?1
             UNION ALL
             SELECT 1 FROM quarantine_part_use u JOIN quarantine q ON q.row = u.quarantine
             WHERE u.part = ?2 AND q.tenant = ?1 AND q.state <> 'discarded' LIMIT 1",
        )?
        .exists((tenant, part_key(part)))?;
    Ok(!used)
}
