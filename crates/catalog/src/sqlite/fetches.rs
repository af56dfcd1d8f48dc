//! Sources that are fetched: their settings and state. How far they are read stands in
//! [`progress`], what was done in [`runs`].

mod progress;
mod runs;

use std::collections::HashMap;

use model::{SourceId, TenantId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::codes::{Json, int, json, uint};
use super::fault::{Abort, Fault};
use super::{Sqlite, audit, sources, tenant_row};
use crate::{
    AuditEvent, CatalogError, Claimed, FETCH_SOURCES_MAX, FetchProgress, FetchRun, FetchSource,
    FetchState, Fetches, FolderState, LeftMail, Reconciliation, SourceRow,
};

/// Longer names of sources are refused.
const NAME_CHARS_MAX: usize = 200;

impl Fetches for Sqlite {
    fn add_fetch_source(
        &self,
        new: &FetchSource,
        events: &[AuditEvent],
    ) -> Result<(), CatalogError> {
        checked(new)?;
        self.write(|db, _| {
            let tenant = tenant_row(db, new.source.tenant)?;
            let count: i64 = db
                .prepare_cached("SELECT count(*) FROM fetch_source WHERE tenant = ?1")?
                .query_row([tenant], |row| row.get(0))?;
            if uint(count) >= FETCH_SOURCES_MAX as u64 {
                return Err(CatalogError::Invalid("the number of sources").into());
            }
            sources::insert(db, &new.source)?;
            db.prepare_cached(
                "INSERT INTO fetch_source (id, tenant, config, secrets, state)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                new.source.id.as_bytes(),
                tenant,
                json(&new.config),
                json(&new.secrets),
                json(&new.state),
            ])?;
            audit::append_all(db, events)
        })
    }

    fn update_fetch_source(
        &self,
        changed: &FetchSource,
        events: &[AuditEvent],
    ) -> Result<(), CatalogError> {
        checked(changed)?;
        self.write(|db, _| {
            let row = required(db, changed.source.id)?;
            db.prepare_cached("UPDATE fetch_source SET config = ?2, secrets = ?3 WHERE row = ?1")?
                .execute((row, json(&changed.config), json(&changed.secrets)))?;
            // What was not to be read may be now: every folder is looked at once.
            db.prepare_cached(
                "UPDATE fetch_folder SET uid_next = NULL, modseq = NULL WHERE fetch = ?1",
            )?
            .execute([row])?;
            db.prepare_cached("UPDATE source SET name = ?2, rules = ?3 WHERE id = ?1")?.execute(
                (changed.source.id.as_bytes(), &changed.source.name, json(&changed.source.rules)),
            )?;
            audit::append_all(db, events)
        })
    }

    fn remove_fetch_source(
        &self,
        tenant: TenantId,
        id: SourceId,
        events: &[AuditEvent],
    ) -> Result<bool, CatalogError> {
        self.write(|db, _| {
            let tenant = tenant_row(db, tenant)?;
            let row: Option<i64> = db
                .prepare_cached("SELECT row FROM fetch_source WHERE id = ?1 AND tenant = ?2")?
                .query_row((id.as_bytes(), tenant), |row| row.get(0))
                .optional()?;
            let Some(row) = row else { return Ok(false) };
            forget(db, row)?;
            for table in ["fetch_run", "fetch_reconciliation"] {
                db.execute(&format!("DELETE FROM {table} WHERE fetch = ?1"), [row])?;
            }
            db.execute("DELETE FROM fetch_source WHERE row = ?1", [row])?;
            db.execute("DELETE FROM source WHERE id = ?1", [id.as_bytes()])?;
            audit::append_all(db, events)?;
            Ok(true)
        })
    }

    fn fetch_source(
        &self,
        tenant: TenantId,
        id: SourceId,
    ) -> Result<Option<FetchSource>, CatalogError> {
        self.read(|db| {
            let row = tenant_row(db, tenant)?;
            let Some(source) = sources::find(db, tenant, row, id)? else { return Ok(None) };
            let found = db
                .prepare_cached("SELECT * FROM fetch_source WHERE id = ?1")?
                .query_row([id.as_bytes()], |row| fetched(source, row))
                .optional()?;
            Ok(found)
        })
    }

    fn fetch_sources(&self, tenant: Option<TenantId>) -> Result<Vec<FetchSource>, CatalogError> {
        self.read(|db| {
            let only = tenant.map(|tenant| tenant_row(db, tenant)).transpose()?;
            let tenants: Vec<(i64, TenantId)> = db
                .prepare_cached(
                    "SELECT row, id FROM tenant WHERE state IN ('active', 'suspended')
                         AND (?1 IS NULL OR row = ?1)",
                )?
                .query_map([only], |row| Ok((row.get(0)?, TenantId::from_bytes(row.get(1)?))))?
                .collect::<Result<_, _>>()?;
            let mut all = Vec::new();
            for (row, tenant) in tenants {
                let mut statement =
                    db.prepare_cached("SELECT * FROM fetch_source WHERE tenant = ?1 ORDER BY row")?;
                let mut rows = statement.query([row])?;
                while let Some(found) = rows.next()? {
                    let id = SourceId::from_bytes(found.get("id")?);
                    if let Some(source) = sources::find(db, tenant, row, id)? {
                        all.push(fetched(source, found)?);
                    }
                }
            }
            Ok(all)
        })
    }

    fn put_fetch_state(&self, id: SourceId, state: &FetchState) -> Result<(), CatalogError> {
        self.write(|db, _| {
            db.prepare_cached("UPDATE fetch_source SET state = ?2 WHERE id = ?1")?
                .execute((id.as_bytes(), json(state)))?;
            Ok(())
        })
    }

    fn fetch_folders(&self, id: SourceId, mailbox: &str) -> Result<Vec<FolderState>, CatalogError> {
        self.read(|db| Ok(progress::folders(db, required(db, id)?, mailbox)?))
    }

    fn fetch_uidls(
        &self,
        id: SourceId,
        mailbox: &str,
    ) -> Result<HashMap<String, u64>, CatalogError> {
        self.read(|db| Ok(progress::uidls(db, required(db, id)?, mailbox)?))
    }

    fn put_fetch_progress(
        &self,
        id: SourceId,
        mailbox: &str,
        progress: &FetchProgress,
    ) -> Result<(), CatalogError> {
        self.write(|db, _| Ok(progress::put(db, required(db, id)?, mailbox, progress)?))
    }

    fn reset_fetch(&self, id: SourceId, events: &[AuditEvent]) -> Result<(), CatalogError> {
        self.write(|db, _| {
            forget(db, required(db, id)?)?;
            audit::append_all(db, events)
        })
    }

    fn left_mails(
        &self,
        id: SourceId,
        mailbox: Option<&str>,
        after_row: u64,
        limit: u32,
    ) -> Result<Vec<LeftMail>, CatalogError> {
        self.read(|db| {
            let row = required(db, id)?;
            Ok(progress::left(db, row, mailbox, int(after_row), limit)?)
        })
    }

    fn count_left(&self, id: SourceId) -> Result<(u64, u64), CatalogError> {
        self.read(|db| {
            let row = required(db, id)?;
            let counts = db
                .prepare_cached(
                    "SELECT count(*), coalesce(sum(reason IN ('failed', 'given-up')), 0)
                     FROM fetch_left WHERE fetch = ?1",
                )?
                .query_row([row], |row| Ok((uint(row.get(0)?), uint(row.get(1)?))))?;
            Ok(counts)
        })
    }

    fn retry_left(&self, id: SourceId, events: &[AuditEvent]) -> Result<u64, CatalogError> {
        self.write(|db, _| {
            let row = required(db, id)?;
            let due = db
                .prepare_cached(
                    "UPDATE fetch_left SET next_at = 0, tries = 0,
                         reason = iif(reason = 'not-removed', reason, 'failed')
                     WHERE fetch = ?1",
                )?
                .execute([row])?;
            audit::append_all(db, events)?;
            Ok(due as u64)
        })
    }

    fn add_fetch_run(&self, run: FetchRun) -> Result<FetchRun, CatalogError> {
        self.write(|db, _| Ok(runs::add(db, required(db, run.source)?, run)?))
    }

    fn fetch_runs(
        &self,
        id: SourceId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<FetchRun>, CatalogError> {
        self.read(|db| Ok(runs::runs(db, required(db, id)?, id, before, limit)?))
    }

    fn add_reconciliation(
        &self,
        report: Reconciliation,
        events: &[AuditEvent],
    ) -> Result<Reconciliation, CatalogError> {
        self.write(|db, _| {
            let added = runs::add_reconciliation(db, required(db, report.source)?, report)?;
            audit::append_all(db, events)?;
            Ok(added)
        })
    }

    fn reconciliations(
        &self,
        id: SourceId,
        limit: u32,
    ) -> Result<Vec<Reconciliation>, CatalogError> {
        self.read(|db| Ok(runs::reconciliations(db, required(db, id)?, id, limit)?))
    }

    fn has_fetched(
        &self,
        tenant: TenantId,
        id: SourceId,
        claimed: &[Claimed],
    ) -> Result<Vec<bool>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            claimed.iter().map(|one| Ok(progress::has(db, tenant, id, one)?)).collect()
        })
    }
}

fn checked(source: &FetchSource) -> Result<(), CatalogError> {
    if !(1..=NAME_CHARS_MAX).contains(&source.source.name.chars().count()) {
        return Err(CatalogError::Invalid("the name"));
    }
    source.config.check()
}

fn required(db: &Connection, id: SourceId) -> Result<i64, Abort> {
    let row = db
        .prepare_cached("SELECT row FROM fetch_source WHERE id = ?1")?
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(row.ok_or(CatalogError::NotFound("the source"))?)
}

/// How far everything was read, and what was left.
fn forget(db: &Connection, row: i64) -> Result<(), Fault> {
    for table in ["fetch_folder", "fetch_uidl", "fetch_left"] {
        db.execute(&format!("DELETE FROM {table} WHERE fetch = ?1"), [row])?;
    }
    Ok(())
}

fn fetched(source: SourceRow, row: &Row<'_>) -> Result<FetchSource, Fault> {
    Ok(FetchSource {
        source,
        config: row.get::<_, Json<_>>("config")?.0,
        secrets: row.get::<_, Json<_>>("secrets")?.0,
        state: row.get::<_, Json<_>>("state")?.0,
    })
}
