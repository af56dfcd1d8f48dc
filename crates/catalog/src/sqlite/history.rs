use model::{AccountId, SourceId, TenantId, Timestamp};
use rusqlite::{Connection, Row};

use super::codes::uint;
use super::fault::Fault;
use super::reads::figures_of;
use super::{Sqlite, tenant_row};
use crate::{
    CatalogError, Figures, HOURS_KEPT_DAYS, History, HistoryPoint, MailboxFigures, Period,
    SourceFigures, Tally, TenantFigures, Totals,
};

impl History for Sqlite {
    fn history(
        &self,
        tenant: Option<TenantId>,
        period: Period,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<HistoryPoint>, CatalogError> {
        // The first hour or day that begins at or after `until` is left out.
        let last =
            until.as_seconds().saturating_add(period.seconds() - 1).div_euclid(period.seconds());
        let (first, table) = match period {
            Period::Day => (period.of(from), "day"),
            Period::Hour => (period.of(from), "hour"),
        };
        let point = |row: &Row<'_>, source: Option<SourceId>| {
            let at = Timestamp::from_seconds(row.get::<_, i64>("at")? * period.seconds());
            Ok(HistoryPoint { at, source, tally: tally(row)? })
        };
        self.read(|db| {
            let Some(tenant) = tenant else {
                let sql =
                    format!("SELECT * FROM total_{table} WHERE at >= ?1 AND at < ?2 ORDER BY at");
                let mut statement = db.prepare_cached(&sql)?;
                let rows = statement.query_map((first, last), |row| point(row, None))?;
                return Ok(rows.collect::<Result<_, Fault>>()?);
            };
            let tenant = tenant_row(db, tenant)?;
            let sql = format!(
                "SELECT * FROM history_{table} WHERE tenant = ?1 AND at >= ?2 AND at < ?3
                 ORDER BY at, source"
            );
            let mut statement = db.prepare_cached(&sql)?;
            let rows = statement.query_map((tenant, first, last), |row| {
                point(row, Some(SourceId::from_bytes(row.get("source")?)))
            })?;
            Ok(rows.collect::<Result<_, Fault>>()?)
        })
    }

    fn source_figures(&self, tenant: TenantId) -> Result<Vec<SourceFigures>, CatalogError> {
        let moment = |micros: Option<i64>| micros.map(Timestamp::from_micros);
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let all = db
                .prepare_cached("SELECT * FROM source_figures WHERE tenant = ?1 ORDER BY source")?
                .query_map([tenant], |row| {
                    Ok(SourceFigures {
                        source: SourceId::from_bytes(row.get("source")?),
                        tally: tally(row)?,
                        reports: uint(row.get("reports")?),
                        last_at: moment(row.get("last_at")?),
                        last_report_at: moment(row.get("last_report_at")?),
                    })
                })?
                .collect::<Result<_, _>>()?;
            Ok(all)
        })
    }

    fn largest_mailboxes(
        &self,
        tenant: TenantId,
        limit: u32,
    ) -> Result<Vec<MailboxFigures>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let all = db
                .prepare_cached(
                    "SELECT account.id, account.user_name, account.display_name,
                         sum(address.mails) AS mails, sum(address.bytes) AS bytes
                     FROM (SELECT DISTINCT account, key FROM account_address WHERE tenant = ?1)
                         AS owned
                     JOIN account ON account.row = owned.account
                     JOIN address ON address.tenant = ?1 AND address.key = owned.key
                     GROUP BY account.row HAVING sum(address.mails) > 0
                     ORDER BY bytes DESC, account.row LIMIT ?2",
                )?
                .query_map((tenant, limit), |row| {
                    Ok(MailboxFigures {
                        account: AccountId::from_bytes(row.get("id")?),
                        user_name: row.get("user_name")?,
                        display_name: row.get("display_name")?,
                        mails: uint(row.get("mails")?),
                        bytes: uint(row.get("bytes")?),
                    })
                })?
                .collect::<Result<_, _>>()?;
            Ok(all)
        })
    }

    fn waiting(&self, tenant: Option<TenantId>) -> Result<Vec<(String, u64)>, CatalogError> {
        self.read(|db| {
            let tenant = tenant.map(|tenant| tenant_row(db, tenant)).transpose()?;
            let all = db
                .prepare_cached(
                    "SELECT reason_code, sum(waiting) FROM quarantine_count
                     WHERE ?1 IS NULL OR tenant = ?1
                     GROUP BY reason_code HAVING sum(waiting) > 0 ORDER BY reason_code",
                )?
                .query_map([tenant], |row| Ok((row.get(0)?, uint(row.get(1)?))))?
                .collect::<Result<_, _>>()?;
            Ok(all)
        })
    }

    fn totals(&self) -> Result<Totals, CatalogError> {
        self.read(|db| {
            let totals = db
                .prepare_cached(
                    "SELECT count(*) AS tenants, sum(tenant.state = 'suspended') AS suspended,
                         coalesce(sum(records), 0) AS records,
                         coalesce(sum(deliveries), 0) AS deliveries,
                         coalesce(sum(reports), 0) AS reports, coalesce(sum(merged), 0) AS merged,
                         coalesce(sum(quarantined), 0) AS quarantined,
                         coalesce(sum(raw_bytes), 0) AS raw_bytes,
                         coalesce(sum(mail_bytes), 0) AS mail_bytes,
                         coalesce(sum(parts), 0) AS parts,
                         coalesce(sum(not_selected), 0) AS not_selected
                     FROM tenant JOIN figures ON figures.tenant = tenant.row
                     WHERE state IN ('active', 'suspended')",
                )?
                .query_row([], |row| {
                    let suspended: Option<i64> = row.get("suspended")?;
                    Ok(Totals {
                        tenants: uint(row.get("tenants")?),
                        suspended: uint(suspended.unwrap_or(0)),
                        figures: figures_of(row)?,
                    })
                })?;
            Ok(totals)
        })
    }

    fn tenant_figures(&self, since: Timestamp) -> Result<Vec<TenantFigures>, CatalogError> {
        self.read(|db| {
            let mut all: Vec<TenantFigures> = Vec::new();
            let mut recent = db.prepare_cached(
                "SELECT coalesce(sum(mails), 0) AS mails, coalesce(sum(bytes), 0) AS bytes,
                     coalesce(sum(quarantined), 0) AS quarantined,
                     coalesce(sum(not_selected), 0) AS not_selected
                 FROM history_day WHERE tenant = ?1 AND at >= ?2",
            )?;
            for (row, tenant, figures) in in_service(db)? {
                let recent = recent.query_row((row, Period::Day.of(since)), tally)?;
                all.push(TenantFigures { tenant, figures, recent });
            }
            all.sort_by_key(|one| std::cmp::Reverse(one.figures.raw_bytes));
            Ok(all)
        })
    }

    fn last_events(&self) -> Result<Vec<(TenantId, u64)>, CatalogError> {
        self.read(|db| {
            let all = db
                .prepare_cached(
                    "SELECT tenant.id, figures.seq FROM tenant
                     JOIN figures ON figures.tenant = tenant.row
                     WHERE state IN ('active', 'suspended')",
                )?
                .query_map([], |row| Ok((TenantId::from_bytes(row.get(0)?), uint(row.get(1)?))))?
                .collect::<Result<_, _>>()?;
            Ok(all)
        })
    }

    fn has_history(&self, tenant: TenantId) -> Result<bool, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let sql = "SELECT 1 FROM source_figures WHERE tenant = ?1";
            Ok(db.prepare_cached(sql)?.exists([tenant])?)
        })
    }

    fn prune_history(&self, now: Timestamp) -> Result<u64, CatalogError> {
        let before = Period::Hour.of(now) - HOURS_KEPT_DAYS * 24;
        self.write(|db, _| {
            let totals = db.execute("DELETE FROM total_hour WHERE at < ?1", [before])?;
            let mut removed = totals as u64;
            for (row, _, _) in in_service(db)? {
                let sql = "DELETE FROM history_hour WHERE tenant = ?1 AND at < ?2";
                removed += db.prepare_cached(sql)?.execute((row, before))? as u64;
            }
            Ok(removed)
        })
    }
}

/// The tenants that are active or suspended: row, id, counters.
fn in_service(db: &Connection) -> Result<Vec<(i64, TenantId, Figures)>, Fault> {
    db.prepare_cached(
        "SELECT tenant.row AS row, tenant.id AS id, figures.* FROM tenant
         JOIN figures ON figures.tenant = tenant.row WHERE state IN ('active', 'suspended')",
    )?
    .query_map([], |row| {
        Ok((row.get("row")?, TenantId::from_bytes(row.get("id")?), figures_of(row)?))
    })?
    .collect()
}

fn tally(row: &Row<'_>) -> Result<Tally, Fault> {
    Ok(Tally {
        mails: uint(row.get("mails")?),
        bytes: uint(row.get("bytes")?),
        quarantined: uint(row.get("quarantined")?),
        not_selected: uint(row.get("not_selected")?),
    })
}
