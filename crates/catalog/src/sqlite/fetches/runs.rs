use model::{SourceId, Timestamp};
use rusqlite::{Connection, params};

use crate::sqlite::codes::{Json, Name, Named, int, json, uint};
use crate::sqlite::fault::Fault;
use crate::{FETCH_RUNS_KEPT, FetchRun, RECONCILIATIONS_KEPT, Reconciliation};

pub(super) fn add(db: &Connection, row: i64, run: FetchRun) -> Result<FetchRun, Fault> {
    db.prepare_cached(
        "INSERT INTO fetch_run (fetch, begun_at, ended_at, \"trigger\", outcome, counts, bytes,
             mailboxes_failed, error, detail)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        row,
        run.begun_at.as_micros(),
        run.ended_at.as_micros(),
        run.trigger.name(),
        run.outcome.name(),
        json(&run.counts),
        int(run.bytes),
        run.mailboxes_failed,
        run.error,
        run.detail,
    ])?;
    let added = uint(db.last_insert_rowid());
    prune(db, "fetch_run", row, FETCH_RUNS_KEPT)?;
    Ok(FetchRun { row: added, ..run })
}

/// Keeps the newest rows of a source.
fn prune(db: &Connection, table: &str, row: i64, kept: u32) -> Result<(), Fault> {
    db.prepare_cached(&format!(
        "DELETE FROM {table} WHERE fetch = ?1 AND row <= (
             SELECT row FROM {table} WHERE fetch = ?1 ORDER BY row DESC LIMIT 1 OFFSET ?2)"
    ))?
    .execute((row, kept))?;
    Ok(())
}

pub(super) fn runs(
    db: &Connection,
    row: i64,
    id: SourceId,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<FetchRun>, Fault> {
    db.prepare_cached(
        "SELECT * FROM fetch_run WHERE fetch = ?1 AND row < ?2 ORDER BY row DESC LIMIT ?3",
    )?
    .query_map((row, before.map_or(i64::MAX, int), limit), |row| {
        Ok(FetchRun {
            row: uint(row.get("row")?),
            source: id,
            begun_at: Timestamp::from_micros(row.get("begun_at")?),
            ended_at: Timestamp::from_micros(row.get("ended_at")?),
            trigger: row.get::<_, Named<_>>("trigger")?.0,
            outcome: row.get::<_, Named<_>>("outcome")?.0,
            counts: row.get::<_, Json<_>>("counts")?.0,
            bytes: uint(row.get("bytes")?),
            mailboxes_failed: row.get("mailboxes_failed")?,
            error: row.get("error")?,
            detail: row.get("detail")?,
        })
    })?
    .collect()
}

pub(super) fn add_reconciliation(
    db: &Connection,
    row: i64,
    report: Reconciliation,
) -> Result<Reconciliation, Fault> {
    db.prepare_cached(
        "INSERT INTO fetch_reconciliation (fetch, begun_at, ended_at, by, listed, present, missing,
             counts, named, detail, ledger_seq)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        row,
        report.begun_at.as_micros(),
        report.ended_at.as_micros(),
        report.by,
        int(report.listed),
        int(report.present),
        int(report.missing),
        json(&report.counts),
        json(&report.named),
        report.detail,
        report.ledger_seq.map(int),
    ])?;
    let added = uint(db.last_insert_rowid());
    prune(db, "fetch_reconciliation", row, RECONCILIATIONS_KEPT)?;
    Ok(Reconciliation { row: added, ..report })
}

pub(super) fn reconciliations(
    db: &Connection,
    row: i64,
    id: SourceId,
    limit: u32,
) -> Result<Vec<Reconciliation>, Fault> {
    db.prepare_cached(
        "SELECT * FROM fetch_reconciliation WHERE fetch = ?1 ORDER BY row DESC LIMIT ?2",
    )?
    .query_map((row, limit), |row| {
        Ok(Reconciliation {
            row: uint(row.get("row")?),
            source: id,
            begun_at: Timestamp::from_micros(row.get("begun_at")?),
            ended_at: Timestamp::from_micros(row.get("ended_at")?),
            by: row.get("by")?,
            listed: uint(row.get("listed")?),
            present: uint(row.get("present")?),
            missing: uint(row.get("missing")?),
            counts: row.get::<_, Json<_>>("counts")?.0,
            named: row.get::<_, Json<_>>("named")?.0,
            detail: row.get("detail")?,
            ledger_seq: row.get::<_, Option<i64>>("ledger_seq")?.map(uint),
        })
    })?
    .collect()
}
