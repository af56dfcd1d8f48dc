use model::{JobId, TenantId, Timestamp};
use rusqlite::{OptionalExtension, Row};

use super::Sqlite;
use super::codes::{Json, Name, Named, int, json, uint};
use super::fault::Fault;
use crate::{CatalogError, JobRow, Jobs};

/// Ended jobs that are kept; older ones stand in the audit log only.
const JOBS_KEPT: i64 = 10_000;

impl Jobs for Sqlite {
    fn save_job(&self, job: &JobRow) -> Result<(), CatalogError> {
        self.write(|db, _| {
            db.prepare_cached(
                "INSERT INTO job (id, tenant, kind, by, begun_at, ended_at, state, done, total,
                     detail)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                 ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at,
                     state = excluded.state, done = excluded.done, total = excluded.total,
                     detail = excluded.detail",
            )?
            .execute((
                job.id.as_bytes(),
                job.tenant.as_ref().map(TenantId::as_bytes),
                &job.kind,
                &job.by,
                job.begun_at.as_micros(),
                job.ended_at.map(Timestamp::as_micros),
                job.state.name(),
                int(job.done),
                int(job.total),
                json(&job.detail),
            ))?;
            db.prepare_cached(
                "DELETE FROM job WHERE row <= (SELECT max(row) FROM job) - ?1
                     AND state <> 'running'",
            )?
            .execute([JOBS_KEPT])?;
            Ok(())
        })
    }

    fn job(&self, id: JobId) -> Result<Option<JobRow>, CatalogError> {
        self.read(|db| {
            let found = db
                .prepare_cached("SELECT * FROM job WHERE id = ?1")?
                .query_row([id.as_bytes()], job)
                .optional()?;
            Ok(found)
        })
    }

    fn jobs(&self, tenant: Option<TenantId>, limit: u32) -> Result<Vec<JobRow>, CatalogError> {
        self.read(|db| {
            let all = db
                .prepare_cached(
                    "SELECT * FROM job WHERE ?1 IS NULL OR tenant = ?1
                     ORDER BY row DESC LIMIT ?2",
                )?
                .query_map((tenant.as_ref().map(TenantId::as_bytes), limit), job)?
                .collect::<Result<_, _>>()?;
            Ok(all)
        })
    }

    fn interrupt_jobs(&self, at: Timestamp) -> Result<u64, CatalogError> {
        self.write(|db, _| {
            let changed = db
                .prepare_cached(
                    "UPDATE job SET state = 'interrupted', ended_at = ?1 WHERE state = 'running'",
                )?
                .execute([at.as_micros()])?;
            Ok(changed as u64)
        })
    }
}

fn job(row: &Row<'_>) -> Result<JobRow, Fault> {
    let tenant: Option<[u8; 16]> = row.get("tenant")?;
    Ok(JobRow {
        id: JobId::from_bytes(row.get("id")?),
        tenant: tenant.map(TenantId::from_bytes),
        kind: row.get("kind")?,
        by: row.get("by")?,
        begun_at: Timestamp::from_micros(row.get("begun_at")?),
        ended_at: row.get::<_, Option<_>>("ended_at")?.map(Timestamp::from_micros),
        state: row.get::<_, Named<_>>("state")?.0,
        done: uint(row.get("done")?),
        total: uint(row.get("total")?),
        detail: row.get::<_, Json<_>>("detail")?.0,
    })
}
