use fail::fail_point;
use model::{AccountId, JobId, RecordId, TenantId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::audit::append_all;
use super::codes::{Json, Name, Named, int, json, uint};
use super::fault::Fault;
use super::{Sqlite, ledger, tenant_row};
use crate::{
    AuditEvent, CatalogError, MAIL_JOBS_KEPT, MailJobKind, MailJobRow, MailJobState, MailJobs,
    NewLedgerEvent, OPEN_MAIL_JOBS_MAX,
};

const JOB: &str = "SELECT j.*, t.id AS tenant_id FROM mail_job j JOIN tenant t ON t.row = j.tenant";

impl MailJobs for Sqlite {
    fn add_mail_job(&self, job: &MailJobRow) -> Result<(), CatalogError> {
        self.write(|db, _| {
            let tenant = tenant_row(db, job.tenant)?;
            let open: u32 = db
                .prepare_cached(
                    "SELECT count(*) FROM mail_job
                     WHERE tenant = ?1 AND state IN ('running', 'waiting')",
                )?
                .query_row([tenant], |row| row.get(0))?;
            if open >= OPEN_MAIL_JOBS_MAX {
                return Err(CatalogError::Invalid("the number of jobs that wait").into());
            }
            db.prepare_cached(
                "INSERT INTO mail_job (tenant, id, kind, account, by, state, created_at, ended_at,
                     expires_at, done, total, request, result, secret)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            )?
            .execute(params![
                tenant,
                job.id.as_bytes(),
                job.kind.name(),
                job.account.as_ref().map(AccountId::as_bytes),
                job.by,
                job.state.name(),
                job.created_at.as_micros(),
                job.ended_at.map(Timestamp::as_micros),
                job.expires_at.map(Timestamp::as_micros),
                int(job.done),
                int(job.total),
                json(&job.request),
                json(&job.result),
                job.secret,
            ])?;
            let old = "SELECT row FROM mail_job WHERE row <= (SELECT max(row) FROM mail_job) - ?1
                       AND state NOT IN ('done', 'running', 'waiting')";
            db.prepare_cached(&format!("DELETE FROM mail_job_record WHERE job IN ({old})"))?
                .execute([MAIL_JOBS_KEPT])?;
            db.prepare_cached(&format!("DELETE FROM mail_job WHERE row IN ({old})"))?
                .execute([MAIL_JOBS_KEPT])?;
            Ok(())
        })
    }

    fn save_mail_job(&self, job: &MailJobRow) -> Result<bool, CatalogError> {
        self.write(|db, _| Ok(save(db, job, "state NOT IN ('cancelled', 'removed')")?))
    }

    fn finish_mail_job(
        &self,
        job: &MailJobRow,
        event: Option<&NewLedgerEvent>,
        audit: &AuditEvent,
    ) -> Result<bool, CatalogError> {
        fail_point!("catalog.job.before");
        let audits = std::slice::from_ref(audit);
        let finished = self.write(|db, _| {
            if !save(db, job, "state IN ('running', 'waiting')")? {
                return Ok(false);
            }
            if let Some(event) = event {
                ledger::append(db, job.tenant, std::slice::from_ref(event))?;
            }
            append_all(db, audits)?;
            Ok(true)
        });
        fail_point!("catalog.job.after");
        match finished {
            Ok(true) => self.audited.count(audits, &Ok(())),
            Ok(false) => return Ok(false),
            Err(error) => {
                let failed = Err(error);
                self.audited.count(audits, &failed);
                return failed.map(|()| false);
            }
        }
        Ok(true)
    }

    fn end_mail_job(
        &self,
        id: JobId,
        from: &[MailJobState],
        to: MailJobState,
        at: Timestamp,
    ) -> Result<bool, CatalogError> {
        self.write(|db, _| {
            let from: Vec<&str> = from.iter().map(|state| state.name()).collect();
            let changed = db
                .prepare_cached(
                    "UPDATE mail_job SET state = ?2, ended_at = coalesce(ended_at, ?3),
                         secret = NULL
                     WHERE id = ?1 AND state IN (SELECT value FROM json_each(?4))",
                )?
                .execute((id.as_bytes(), to.name(), at.as_micros(), json(&from)))?;
            Ok(changed > 0)
        })
    }

    fn mail_job(&self, id: JobId) -> Result<Option<MailJobRow>, CatalogError> {
        self.read(|db| {
            let found = db
                .prepare_cached(&format!("{JOB} WHERE j.id = ?1"))?
                .query_row([id.as_bytes()], job)
                .optional()?;
            Ok(found)
        })
    }

    fn mail_jobs(
        &self,
        tenant: TenantId,
        kind: MailJobKind,
        account: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<MailJobRow>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let sql = format!(
                "{JOB} WHERE j.tenant = ?1 AND j.kind = ?2 AND (?3 IS NULL OR j.account = ?3)
                 ORDER BY j.row DESC LIMIT ?4"
            );
            let account = account.as_ref().map(AccountId::as_bytes);
            let all = db
                .prepare_cached(&sql)?
                .query_map((tenant, kind.name(), account, limit), job)?
                .collect::<Result<_, _>>()?;
            Ok(all)
        })
    }

    fn open_mail_jobs(&self, kind: MailJobKind) -> Result<Vec<MailJobRow>, CatalogError> {
        self.read(|db| {
            let sql = format!(
                "{JOB} WHERE j.kind = ?1 AND j.state IN ('running', 'waiting') ORDER BY j.row"
            );
            let mut find = db.prepare_cached(&sql)?;
            let all = find.query_map([kind.name()], job)?.collect::<Result<_, _>>()?;
            Ok(all)
        })
    }

    fn expired_mail_jobs(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<MailJobRow>, CatalogError> {
        self.read(|db| {
            let sql = format!(
                "{JOB} WHERE j.state = 'done' AND j.expires_at <= ?1 ORDER BY j.row LIMIT ?2"
            );
            let mut find = db.prepare_cached(&sql)?;
            let all = find.query_map((now.as_micros(), limit), job)?.collect::<Result<_, _>>()?;
            Ok(all)
        })
    }

    fn outdated_mail_jobs(&self, limit: u32) -> Result<Vec<JobId>, CatalogError> {
        self.read(|db| {
            let sql = "SELECT j.id FROM mail_job j WHERE j.state = 'done' AND j.kind = 'export'
                       AND EXISTS (SELECT 1 FROM mail_job_record mine
                           LEFT JOIN record r ON r.tenant = j.tenant AND r.id = mine.record
                           WHERE mine.job = j.row AND r.row IS NULL) LIMIT ?1";
            let mut find = db.prepare_cached(sql)?;
            let all = find.query_map([limit], |row| Ok(JobId::from_bytes(row.get(0)?)))?;
            let all = all.collect::<Result<_, _>>()?;
            Ok(all)
        })
    }

    fn mails_done(&self, job: JobId, records: &[RecordId]) -> Result<(), CatalogError> {
        self.write(|db, _| {
            let mut insert = db.prepare_cached(
                "INSERT INTO mail_job_record (job, record)
                 SELECT row, ?2 FROM mail_job WHERE id = ?1 ON CONFLICT DO NOTHING",
            )?;
            for record in records {
                insert.execute((job.as_bytes(), record.as_bytes()))?;
            }
            Ok(())
        })
    }

    fn is_mail_done(&self, job: JobId, record: RecordId) -> Result<bool, CatalogError> {
        self.read(|db| {
            let sql = "SELECT 1 FROM mail_job j JOIN mail_job_record r ON r.job = j.row
                       WHERE j.id = ?1 AND r.record = ?2";
            Ok(db.prepare_cached(sql)?.exists((job.as_bytes(), record.as_bytes()))?)
        })
    }
}

/// `false`: the job is in another state than `only`.
fn save(db: &Connection, job: &MailJobRow, only: &str) -> Result<bool, Fault> {
    let secret = job.secret.as_ref().filter(|_| job.state.is_open());
    let changed = db
        .prepare_cached(&format!(
            "UPDATE mail_job SET state = ?2, ended_at = ?3, expires_at = ?4, done = ?5, total = ?6,
                 result = ?7, secret = ?8
             WHERE id = ?1 AND {only}"
        ))?
        .execute(params![
            job.id.as_bytes(),
            job.state.name(),
            job.ended_at.map(Timestamp::as_micros),
            job.expires_at.map(Timestamp::as_micros),
            int(job.done),
            int(job.total),
            json(&job.result),
            secret,
        ])?;
    Ok(changed > 0)
}

fn job(row: &Row<'_>) -> Result<MailJobRow, Fault> {
    let account: Option<[u8; 16]> = row.get("account")?;
    let time = |at: Option<i64>| at.map(Timestamp::from_micros);
    Ok(MailJobRow {
        id: JobId::from_bytes(row.get("id")?),
        tenant: TenantId::from_bytes(row.get("tenant_id")?),
        kind: row.get::<_, Named<_>>("kind")?.0,
        account: account.map(AccountId::from_bytes),
        by: row.get("by")?,
        state: row.get::<_, Named<_>>("state")?.0,
        created_at: Timestamp::from_micros(row.get("created_at")?),
        ended_at: time(row.get("ended_at")?),
        expires_at: time(row.get("expires_at")?),
        done: uint(row.get("done")?),
        total: uint(row.get("total")?),
        request: row.get::<_, Json<_>>("request")?.0,
        result: row.get::<_, Json<_>>("result")?.0,
        secret: row.get("secret")?,
    })
}
