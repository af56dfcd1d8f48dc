//! How a record leaves the catalog: one transaction for many.

use fail::fail_point;
use model::{ContentId, Location, RecordId, TenantId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::{Value, json};

use super::codes::{Name, int};
use super::disposal::is_unused;
use super::fault::{Abort, Fault};
use super::intern::Interned;
use super::quarantine::location;
use super::{Sqlite, commit, ledger, matters, tenant_row};
use crate::{
    CatalogError, Disposal, Disposed, DisposedRow, ItemState, LedgerKind, NewLedgerEvent,
    PartHolder,
};

pub(super) fn dispose(
    engine: &Sqlite,
    tenant: TenantId,
    disposals: &[Disposal],
    at: Timestamp,
) -> Result<Vec<Disposed>, CatalogError> {
    let disposed = engine.write(|db, interned| {
        // What is remembered of addresses names rows that go.
        *interned = Interned::default();
        let row = tenant_row(db, tenant)?;
        let ids: Vec<RecordId> = disposals.iter().map(|it| it.order.record()).collect();
        let held = matters::on(db, row, &ids)?;
        let mut outcomes = Vec::with_capacity(disposals.len());
        for disposal in disposals {
            let record = disposal.order.record();
            if disposal.order.tenant() != tenant {
                return Err(CatalogError::Invalid("the order").into());
            }
            if held.iter().any(|(held, _)| *held == record) {
                outcomes.push(Disposed::Held);
                continue;
            }
            outcomes.push(take_out(db, (tenant, row), disposal, at)?);
        }
        fail_point!("catalog.dispose.before");
        Ok(outcomes)
    })?;
    fail_point!("catalog.dispose.after");
    Ok(disposed)
}

/// What is known of a record that goes.
struct Gone {
    row: i64,
    content: ContentId,
    received_at: Timestamp,
    size_bytes: i64,
    entries: Vec<Location>,
    reports: i64,
    raw_bytes: i64,
}

fn take_out(
    db: &Connection,
    (tenant, row): (TenantId, i64),
    disposal: &Disposal,
    at: Timestamp,
) -> Result<Disposed, Abort> {
    let record = disposal.order.record();
    let Some(gone) = find(db, row, record)? else { return Ok(Disposed::Unknown) };
    let mut erased = gone.entries.clone();
    let parts = remove_rows(db, row, record, &gone, &disposal.parts)?;
    erased.extend(&parts);
    let event = NewLedgerEvent {
        kept: disposal.kept.clone(),
        ..NewLedgerEvent::new(LedgerKind::Disposed, at, certificate(disposal, &gone, &erased))
    };
    let seq = ledger::append(db, tenant, &[event])?.first().copied().unwrap_or_default();
    let mut insert = db.prepare_cached(
        "INSERT INTO disposal_erasure (tenant, pack, slot, offset, length, record)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
    )?;
    for Location { pack, slot, offset, length_bytes } in erased {
        insert.execute((row, pack, slot, int(offset), int(length_bytes), record.as_bytes()))?;
    }
    let ground = disposal.order.ground().name().to_owned();
    leave(db, row, &DisposedRow { record, seq, at, ground, run: disposal.run })?;
    let run: Option<i64> = db
        .prepare_cached("SELECT row FROM disposal_run WHERE tenant = ?1 AND id = ?2")?
        .query_row((row, disposal.run.as_bytes()), |row| row.get(0))
        .optional()?;
    if let Some(run) = run {
        end_item(db, run, record, ItemState::Disposed, None)?;
    }
    Ok(Disposed::Gone { seq })
}

fn find(db: &Connection, tenant: i64, id: RecordId) -> Result<Option<Gone>, Fault> {
    let Some(row) = commit::find_record(db, tenant, id)? else { return Ok(None) };
    let mut gone = db
        .prepare_cached("SELECT content, received_at, size_bytes FROM record WHERE row = ?1")?
        .query_row([row], |found| {
            Ok(Gone {
                row,
                content: ContentId(model::Digest::from_bytes(found.get(0)?)),
                received_at: Timestamp::from_micros(found.get(1)?),
                size_bytes: found.get(2)?,
                entries: Vec::new(),
                reports: 0,
                raw_bytes: 0,
            })
        })?;
    let size = gone.size_bytes;
    let deliveries: Vec<(Location, Option<i64>)> = db
        .prepare_cached(
            "SELECT pack, slot, offset, length, report_size_bytes FROM delivery
             WHERE record = ?1 ORDER BY row",
        )?
        .query_map([row], |found: &Row<'_>| {
            Ok((location(found)?, found.get("report_size_bytes")?))
        })?
        .collect::<Result<_, _>>()?;
    for (entry, report) in deliveries {
        gone.entries.push(entry);
        gone.reports += i64::from(report.is_some());
        gone.raw_bytes += report.unwrap_or(size);
    }
    Ok(Some(gone))
}

/// Removes the rows of a record; returns where parts lie that only it used.
fn remove_rows(
    db: &Connection,
    tenant: i64,
    id: RecordId,
    gone: &Gone,
    parts: &[ContentId],
) -> Result<Vec<Location>, Fault> {
    let row = gone.row;
    let addresses = addresses(db, row)?;
    for sql in [
        "DELETE FROM participant WHERE record = ?1",
        "DELETE FROM part_use WHERE record = ?1",
        "DELETE FROM record_parts_unknown WHERE record = ?1",
        "DELETE FROM delivery WHERE record = ?1",
    ] {
        db.prepare_cached(sql)?.execute([row])?;
    }
    db.prepare_cached("DELETE FROM record_label WHERE tenant = ?1 AND record = ?2")?
        .execute((tenant, id.as_bytes()))?;
    remove_quarantined(db, tenant, &gone.entries)?;
    db.prepare_cached(
        "INSERT INTO record_floor (only, row) VALUES (1, ?1)
         ON CONFLICT (only) DO UPDATE SET row = max(row, excluded.row)",
    )?
    .execute([row])?;
    db.prepare_cached("DELETE FROM record WHERE row = ?1")?.execute([row])?;
    forget_addresses(db, &addresses, gone.size_bytes)?;
    let unused = unused_parts(db, tenant, parts)?;
    db.prepare_cached(
        "UPDATE figures SET records = max(records - 1, 0), deliveries = max(deliveries - ?2, 0),
             reports = max(reports - ?3, 0), merged = max(merged - ?2 + 1, 0),
             raw_bytes = max(raw_bytes - ?4, 0), mail_bytes = max(mail_bytes - ?5, 0),
             parts = max(parts - ?6, 0)
         WHERE tenant = ?1",
    )?
    .execute((
        tenant,
        gone.entries.len() as i64,
        gone.reports,
        gone.raw_bytes,
        gone.size_bytes,
        unused.len() as i64,
    ))?;
    Ok(unused)
}

/// Rows of addresses that the record names, each once, and whether it names them as somebody who
/// took part.
fn addresses(db: &Connection, record: i64) -> Result<Vec<(i64, bool)>, Fault> {
    db.prepare_cached(
        "SELECT address, max(took_part) FROM (
             SELECT address, 1 AS took_part FROM participant WHERE record = ?1
             UNION ALL SELECT expanded, 0 FROM participant WHERE record = ?1 AND expanded <> 0
             UNION ALL SELECT forwarded, 0 FROM participant WHERE record = ?1 AND forwarded <> 0)
         GROUP BY address",
    )?
    .query_map([record], |row| Ok((row.get(0)?, row.get(1)?)))?
    .collect()
}

/// Counts the mail off, and removes addresses that no mail names any more.
fn forget_addresses(db: &Connection, named: &[(i64, bool)], bytes: i64) -> Result<(), Fault> {
    let mut count = db.prepare_cached(
        "UPDATE address SET mails = max(mails - 1, 0), bytes = max(bytes - ?2, 0) WHERE row = ?1",
    )?;
    let mut delete = db.prepare_cached(
        "DELETE FROM address WHERE row = ?1
             AND NOT EXISTS (SELECT 1 FROM participant WHERE address = ?1)
             AND NOT EXISTS (SELECT 1 FROM participant WHERE expanded = ?1 AND expanded <> 0)
             AND NOT EXISTS (SELECT 1 FROM participant WHERE forwarded = ?1 AND forwarded <> 0)",
    )?;
    for (address, took_part) in named {
        if *took_part {
            count.execute((address, bytes))?;
        }
        delete.execute([address])?;
    }
    Ok(())
}

/// A damaged report stands in the quarantine's list with the entry of its record.
fn remove_quarantined(db: &Connection, tenant: i64, entries: &[Location]) -> Result<(), Fault> {
    for Location { pack, slot, .. } in entries {
        let rows: Vec<(i64, bool)> = db
            .prepare_cached(
                "SELECT row, state = 'waiting' FROM quarantine
                 WHERE tenant = ?1 AND reason_code = 'damaged-report' AND pack = ?2 AND slot = ?3",
            )?
            .query_map((tenant, pack, slot), |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        for (row, waits) in rows {
            for table in ["quarantine_part_use", "quarantine_parts_unknown"] {
                db.prepare_cached(&format!("DELETE FROM {table} WHERE quarantine = ?1"))?
                    .execute([row])?;
            }
            db.prepare_cached("DELETE FROM quarantine WHERE row = ?1")?.execute([row])?;
            if waits {
                super::quarantine::count(db, tenant, "damaged-report", -1)?;
            }
        }
    }
    Ok(())
}

fn unused_parts(db: &Connection, tenant: i64, parts: &[ContentId]) -> Result<Vec<Location>, Fault> {
    let mut places = Vec::new();
    for part in parts {
        if !is_unused(db, tenant, *part)? {
            continue;
        }
        let found = db
            .prepare_cached(
                "DELETE FROM part WHERE tenant = ?1 AND content = ?2
                 RETURNING pack, slot, offset, length",
            )?
            .query_map((tenant, part.as_bytes()), location)?
            .collect::<Result<Vec<_>, _>>()?;
        places.extend(found);
    }
    Ok(places)
}

/// What remains of the record: no subject, no address, no word of it.
fn certificate(disposal: &Disposal, gone: &Gone, erased: &[Location]) -> Value {
    let order = &disposal.order;
    let verdict = order.verdict();
    let erased: Vec<(u32, u32)> = erased.iter().map(|at| (at.pack, at.slot)).collect();
    json!({
        "record": order.record(),
        "content": gone.content,
        "receivedAt": gone.received_at,
        "run": disposal.run,
        "ground": order.ground(),
        "class": verdict.map(|it| &it.class),
        "policy": verdict.map(|it| &it.policy),
        "version": verdict.map(|it| it.version),
        "keptThrough": verdict.and_then(|it| it.kept_through),
        "proposedBy": order.proposed_by(),
        "approvals": order.approvals(),
        "erased": erased,
    })
}

pub(super) fn leave(db: &Connection, tenant: i64, row: &DisposedRow) -> Result<(), Fault> {
    db.prepare_cached(
        "INSERT INTO disposed (tenant, record, seq, at, ground, run)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (tenant, record) DO UPDATE SET seq = excluded.seq, at = excluded.at,
             ground = excluded.ground, run = excluded.run WHERE excluded.seq >= seq",
    )?
    .execute((
        tenant,
        row.record.as_bytes(),
        int(row.seq),
        row.at.as_micros(),
        &row.ground,
        row.run.as_bytes(),
    ))?;
    Ok(())
}

/// Decides an item that waits.
pub(super) fn end_item(
    db: &Connection,
    run: i64,
    record: RecordId,
    state: ItemState,
    why: Option<&str>,
) -> Result<(), Fault> {
    let ended = db
        .prepare_cached(
            "UPDATE disposal_item SET state = ?3, why = ?4
             WHERE run = ?1 AND record = ?2 AND state = 'waiting'",
        )?
        .execute((run, record.as_bytes(), state.name(), why))? as i64;
    let column = if state == ItemState::Disposed { "disposed" } else { "kept" };
    db.prepare_cached(&format!("UPDATE disposal_run SET {column} = {column} + ?2 WHERE row = ?1"))?
        .execute((run, ended))?;
    Ok(())
}

/// Writes down that a record or a quarantined submission needs parts. May be repeated.
pub(super) fn use_parts(
    db: &Connection,
    holder: PartHolder,
    parts: &[ContentId],
) -> Result<(), Fault> {
    let (sql, row) = match holder {
        PartHolder::Quarantine(row) => (
            "INSERT INTO quarantine_part_use (quarantine, part) VALUES (?1, ?2)
             ON CONFLICT DO NOTHING",
            row,
        ),
        PartHolder::Record(row) => {
            ("INSERT INTO part_use (record, part) VALUES (?1, ?2) ON CONFLICT DO NOTHING", row)
        }
    };
    let mut insert = db.prepare_cached(sql)?;
    for part in parts {
        insert.execute((row, part_key(*part)))?;
    }
    Ok(())
}

/// The first eight bytes of a content id.
pub(super) fn part_key(part: ContentId) -> i64 {
    let mut first = [0; 8];
    first.copy_from_slice(&part.as_bytes()[..8]);
    i64::from_be_bytes(first)
}
