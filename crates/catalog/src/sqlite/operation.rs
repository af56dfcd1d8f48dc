use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use model::{SourceId, TenantId, Timestamp};
use rusqlite::backup::Backup;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::codes::{Json, Name, int, json, uint};
use super::fault::{Fault, fault};
use super::pool::{self, open_writer};
use super::{Sqlite, refused};
use crate::{
    AuditEvent, AuditFigures, AuditOutcome, CatalogError, ConditionRow, Notice, NoticeRow,
    Operations, Sighting, Snapshot,
};

impl Operations for Sqlite {
    fn conditions(&self) -> Result<Vec<ConditionRow>, CatalogError> {
        self.read(|db| {
            let all = db
                .prepare_cached("SELECT * FROM condition ORDER BY since, code, tenant, object")?
                .query_map([], condition)?
                .collect::<Result<_, _>>()?;
            Ok(all)
        })
    }

    fn put_condition(
        &self,
        condition: &ConditionRow,
        notices: &[Notice],
        now: Timestamp,
    ) -> Result<(), CatalogError> {
        self.write(|db, _| {
            db.prepare_cached(
                "INSERT INTO condition (code, tenant, object, level, since, told, facts)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (code, tenant, object) DO UPDATE SET level = excluded.level,
                     told = excluded.told, facts = excluded.facts",
            )?
            .execute(params![
                condition.code,
                tenant_blob(condition),
                condition.object,
                condition.level,
                condition.since.as_micros(),
                condition.told,
                json(&condition.facts),
            ])?;
            Ok(enqueue(db, notices, now)?)
        })
    }

    fn end_condition(
        &self,
        condition: &ConditionRow,
        notices: &[Notice],
        now: Timestamp,
    ) -> Result<(), CatalogError> {
        self.write(|db, _| {
            db.prepare_cached(
                "DELETE FROM condition WHERE code = ?1 AND tenant = ?2 AND object = ?3",
            )?
            .execute(params![
                condition.code,
                tenant_blob(condition),
                condition.object
            ])?;
            Ok(enqueue(db, notices, now)?)
        })
    }

    fn enqueue_notices(&self, notices: &[Notice], now: Timestamp) -> Result<(), CatalogError> {
        self.write(|db, _| Ok(enqueue(db, notices, now)?))
    }

    fn due_notices(&self, now: Timestamp, limit: u32) -> Result<Vec<NoticeRow>, CatalogError> {
        self.read(|db| {
            let due = db
                .prepare_cached("SELECT * FROM notice WHERE next_at <= ?1 ORDER BY row LIMIT ?2")?
                .query_map(params![now.as_micros(), limit], notice)?
                .collect::<Result<_, _>>()?;
            Ok(due)
        })
    }

    fn waiting_notices(&self) -> Result<(u64, Option<String>), CatalogError> {
        self.read(|db| {
            let count: i64 = db.query_row("SELECT count(*) FROM notice", [], |row| row.get(0))?;
            let error = db
                .query_row("SELECT error FROM notice ORDER BY row LIMIT 1", [], |row| row.get(0))
                .optional()?;
            Ok((uint(count), error.flatten()))
        })
    }

    fn remove_notice(&self, row: u64) -> Result<(), CatalogError> {
        self.write(|db, _| {
            db.prepare_cached("DELETE FROM notice WHERE row = ?1")?.execute([int(row)])?;
            Ok(())
        })
    }

    fn defer_notice(&self, row: u64, error: &str, next_at: Timestamp) -> Result<(), CatalogError> {
        self.write(|db, _| {
            db.prepare_cached(
                "UPDATE notice SET attempts = attempts + 1, error = ?2, next_at = ?3
                 WHERE row = ?1",
            )?
            .execute(params![int(row), error, next_at.as_micros()])?;
            Ok(())
        })
    }

    fn sight(
        &self,
        source: SourceId,
        sighting: Sighting,
        at: Timestamp,
    ) -> Result<(), CatalogError> {
        self.write(|db, _| {
            db.prepare_cached(
                "INSERT INTO sighting (source, kind, last_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (source, kind) DO UPDATE SET last_at = max(last_at, excluded.last_at)",
            )?
            .execute(params![source.as_bytes(), sighting.name(), at.as_micros()])?;
            Ok(())
        })
    }

    fn sighted(
        &self,
        source: SourceId,
        sighting: Sighting,
    ) -> Result<Option<Timestamp>, CatalogError> {
        self.read(|db| {
            let found = db
                .prepare_cached("SELECT last_at FROM sighting WHERE source = ?1 AND kind = ?2")?
                .query_row(params![source.as_bytes(), sighting.name()], |row| row.get(0))
                .optional()?;
            Ok(found.map(Timestamp::from_micros))
        })
    }

    fn audit_figures(&self) -> AuditFigures {
        self.audited.reading()
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, CatalogError> {
        let error = fault(&self.path);
        let connection = open_writer(&self.path)?;
        // The first read fixes what the transaction sees.
        connection.execute_batch("BEGIN DEFERRED").map_err(&error)?;
        connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
            .map_err(&error)?;
        Ok(Box::new(Held { connection, path: self.path.clone() }))
    }
}

/// A connection in a read transaction.
struct Held {
    connection: Connection,
    path: PathBuf,
}

impl Snapshot for Held {
    fn write_to(self: Box<Self>, target: &Path) -> Result<(), CatalogError> {
        drop(pool::create(target).map_err(refused(target))?);
        let error = fault(target);
        let mut copy = Connection::open(target).map_err(&error)?;
        // All pages in one step, within the transaction that holds the snapshot.
        let backup = Backup::new(&self.connection, &mut copy).map_err(fault(&self.path))?;
        backup.step(-1).map_err(&error)?;
        drop(backup);
        // The copy stands for itself: no log beside it.
        copy.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(())).map_err(&error)?;
        copy.close().map_err(|(_, fault)| error(fault))?;
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        let synced = fs::File::open(target).and_then(|file| file.sync_all());
        let synced =
            synced.and_then(|()| fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all());
        synced.map_err(refused(target))
    }
}

/// Counts what [`crate::AuditLog::audit`] did.
#[derive(Default)]
pub(super) struct Audited {
    written: AtomicU64,
    failures: AtomicU64,
    sign_ins_done: AtomicU64,
    sign_ins_failed: AtomicU64,
    sign_ins_denied: AtomicU64,
}

/// The action of every attempt to sign in; further words may follow behind a dot.
const SIGN_IN: &str = "sign-in";

impl Audited {
    /// Counts, and writes a line for the log: neither who nor to what.
    pub(super) fn count(&self, events: &[AuditEvent], result: &Result<(), CatalogError>) {
        let add = |counter: &AtomicU64, by: usize| counter.fetch_add(by as u64, Ordering::Relaxed);
        if result.is_err() {
            add(&self.failures, 1);
            return;
        }
        add(&self.written, events.len());
        for event in events {
            if event.action == SIGN_IN || event.action.starts_with("sign-in.") {
                match event.outcome {
                    AuditOutcome::Denied => add(&self.sign_ins_denied, 1),
                    AuditOutcome::Done => add(&self.sign_ins_done, 1),
                    AuditOutcome::Failed => add(&self.sign_ins_failed, 1),
                };
            }
            let tenant = event.tenant.map(|tenant| tenant.to_string()).unwrap_or_default();
            let outcome = event.outcome.name();
            if event.outcome == AuditOutcome::Done {
                tracing::info!(
                    target: "audit",
                    { tenant.id = tenant, outcome },
                    "{}",
                    event.action
                );
            } else {
                tracing::warn!(
                    target: "audit",
                    { tenant.id = tenant, outcome },
                    "{}",
                    event.action
                );
            }
        }
    }

    fn reading(&self) -> AuditFigures {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        AuditFigures {
            written: load(&self.written),
            failures: load(&self.failures),
            sign_ins_done: load(&self.sign_ins_done),
            sign_ins_failed: load(&self.sign_ins_failed),
            sign_ins_denied: load(&self.sign_ins_denied),
        }
    }
}

fn enqueue(db: &Connection, notices: &[Notice], now: Timestamp) -> Result<(), Fault> {
    let mut insert = db.prepare_cached(
        "INSERT INTO notice (recipient, subject, body, created_at, attempts, next_at)
         VALUES (?1, ?2, ?3, ?4, 0, ?4)",
    )?;
    for notice in notices {
        insert.execute(params![notice.recipient, notice.subject, notice.body, now.as_micros()])?;
    }
    Ok(())
}

fn tenant_blob(condition: &ConditionRow) -> Vec<u8> {
    condition.tenant.map(|tenant| tenant.as_bytes().to_vec()).unwrap_or_default()
}

fn condition(row: &Row<'_>) -> Result<ConditionRow, Fault> {
    let tenant: Vec<u8> = row.get("tenant")?;
    Ok(ConditionRow {
        code: row.get("code")?,
        tenant: <[u8; 16]>::try_from(tenant).ok().map(TenantId::from_bytes),
        object: row.get("object")?,
        level: row.get("level")?,
        since: Timestamp::from_micros(row.get("since")?),
        told: row.get("told")?,
        facts: row.get::<_, Json<_>>("facts")?.0,
    })
}

fn notice(row: &Row<'_>) -> Result<NoticeRow, Fault> {
    Ok(NoticeRow {
        row: uint(row.get("row")?),
        notice: Notice {
            recipient: row.get("recipient")?,
            subject: row.get("subject")?,
            body: row.get("body")?,
        },
        created_at: Timestamp::from_micros(row.get("created_at")?),
        attempts: row.get("attempts")?,
        error: row.get("error")?,
    })
}
