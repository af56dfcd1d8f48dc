use model::{TenantId, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::codes::{Json, int, json, uint};
use super::{Sqlite, ledger, tenant_row};
use crate::{
    CatalogError, CompletenessCounts, CompletenessRow, EvidenceBooks, NewLedgerEvent, ScrubState,
};

impl EvidenceBooks for Sqlite {
    fn scrub_state(&self, tenant: TenantId) -> Result<ScrubState, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let state = db
                .prepare_cached("SELECT state FROM scrub WHERE tenant = ?1")?
                .query_row([tenant], |row| row.get::<_, Json<ScrubState>>(0))
                .optional()?;
            Ok(state.map(|state| state.0).unwrap_or_default())
        })
    }

    fn save_scrub(&self, tenant: TenantId, state: &ScrubState) -> Result<(), CatalogError> {
        self.write(|db, _| {
            let tenant = tenant_row(db, tenant)?;
            db.prepare_cached(
                "INSERT INTO scrub (tenant, state, wanted) VALUES (?1, ?2, 0)
                 ON CONFLICT (tenant) DO UPDATE SET state = excluded.state",
            )?
            .execute((tenant, json(state)))?;
            Ok(())
        })
    }

    fn want_scrub(&self, tenant: TenantId, wanted: bool) -> Result<bool, CatalogError> {
        self.write(|db, _| {
            let tenant = tenant_row(db, tenant)?;
            let before: Option<bool> = db
                .prepare_cached("SELECT wanted FROM scrub WHERE tenant = ?1")?
                .query_row([tenant], |row| row.get(0))
                .optional()?;
            db.prepare_cached(
                "INSERT INTO scrub (tenant, state, wanted) VALUES (?1, ?2, ?3)
                 ON CONFLICT (tenant) DO UPDATE SET wanted = excluded.wanted",
            )?
            .execute((tenant, json(&ScrubState::default()), wanted))?;
            Ok(before.unwrap_or(false))
        })
    }

    fn scrub_wanted(&self, tenant: TenantId) -> Result<bool, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let sql = "SELECT 1 FROM scrub WHERE tenant = ?1 AND wanted = 1";
            Ok(db.prepare_cached(sql)?.exists([tenant])?)
        })
    }

    fn completeness(
        &self,
        tenant: TenantId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<CompletenessCounts, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let span = (tenant, from.as_micros(), until.as_micros());
            let events = db
                .prepare_cached(
                    "SELECT kind, count(*) FROM ledger_event
                     WHERE tenant = ?1 AND at >= ?2 AND at < ?3 GROUP BY kind",
                )?
                .query_map(span, |row| Ok((row.get(0)?, uint(row.get(1)?))))?
                .collect::<Result<_, _>>()?;
            let reports = db
                .prepare_cached(
                    "SELECT count(*) FROM ledger_event l
                     JOIN delivery d ON d.record = l.record AND d.seq = l.seq
                     WHERE l.tenant = ?1 AND l.at >= ?2 AND l.at < ?3 AND d.report IS NOT NULL",
                )?
                .query_row(span, |row| row.get(0).map(uint))?;
            let quarantine = |states: &str| {
                let sql = format!(
                    "SELECT count(*) FROM quarantine
                     WHERE tenant = ?1 AND received_at >= ?2 AND received_at < ?3 AND {states}"
                );
                db.prepare_cached(&sql)?.query_row(span, |row| row.get(0).map(uint))
            };
            Ok(CompletenessCounts {
                events,
                reports,
                quarantined: quarantine("1")?,
                released: quarantine("state IN ('released', 'retried')")?,
                discarded: quarantine("state = 'discarded'")?,
                waiting: quarantine("state = 'waiting'")?,
            })
        })
    }

    fn save_report(
        &self,
        tenant: TenantId,
        report: &CompletenessRow,
        event: &NewLedgerEvent,
    ) -> Result<bool, CatalogError> {
        self.write(|db, _| {
            let row = tenant_row(db, tenant)?;
            let there = db
                .prepare_cached(
                    "SELECT 1 FROM completeness_report WHERE tenant = ?1 AND month = ?2",
                )?
                .exists((row, &report.month))?;
            if there {
                return Ok(false);
            }
            let seq = ledger::append(db, tenant, std::slice::from_ref(event))?;
            db.prepare_cached(
                "INSERT INTO completeness_report (tenant, month, made_at, seq, report, seal)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                row,
                report.month,
                report.made_at.as_micros(),
                int(seq.first().copied().unwrap_or(0)),
                report.report,
                report.seal,
            ])?;
            Ok(true)
        })
    }

    fn reports(&self, tenant: TenantId) -> Result<Vec<CompletenessRow>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let rows = db
                .prepare_cached(
                    "SELECT month, made_at, seq, report, seal FROM completeness_report
                     WHERE tenant = ?1 ORDER BY month",
                )?
                .query_map([tenant], |row| {
                    Ok(CompletenessRow {
                        month: row.get(0)?,
                        made_at: Timestamp::from_micros(row.get(1)?),
                        seq: uint(row.get(2)?),
                        report: row.get(3)?,
                        seal: row.get(4)?,
                    })
                })?
                .collect::<Result<_, _>>()?;
            Ok(rows)
        })
    }
}
