use model::{AccountId, TenantId, Timestamp};
use rusqlite::{Connection, Row, params};

use super::codes::{Json, Name, Named, Parsed, int, json, uint};
use super::fault::{Abort, Fault};
use super::{Sqlite, tenant_row};
use crate::{AuditEvent, AuditLog, AuditQuery, AuditRow, CatalogError};

impl AuditLog for Sqlite {
    fn audit(&self, events: &[AuditEvent]) -> Result<(), CatalogError> {
        if events.is_empty() {
            return Ok(());
        }
        let result = self.write(|db, _| append_all(db, events));
        self.audited.count(events, &result);
        result
    }

    fn audit_log(
        &self,
        tenant: Option<TenantId>,
        query: &AuditQuery,
        limit: u32,
    ) -> Result<Vec<AuditRow>, CatalogError> {
        let micros = |moment: Option<Timestamp>| moment.map(Timestamp::as_micros);
        self.read(|db| {
            let row = tenant.map(|tenant| tenant_row(db, tenant)).transpose()?;
            let rows = db
                .prepare_cached(
                    "SELECT * FROM audit WHERE tenant IS ?1 AND row < ?2
                         AND (?3 IS NULL OR account = ?3)
                         AND (?4 IS NULL OR action = ?4 OR substr(action, 1, length(?4) + 1) = ?4 || '.')
                         AND (?5 IS NULL OR at >= ?5) AND (?6 IS NULL OR at < ?6)
                     ORDER BY row DESC LIMIT ?7",
                )?
                .query_map(
                    params![
                        row,
                        query.before.map_or(i64::MAX, int),
                        query.account.as_ref().map(AccountId::as_bytes),
                        query.action,
                        micros(query.since),
                        micros(query.until),
                        limit,
                    ],
                    |row| audit_row(tenant, row),
                )?
                .collect::<Result<_, _>>()?;
            Ok(rows)
        })
    }
}

/// Appends the events in the transaction that runs.
pub(super) fn append_all(db: &Connection, events: &[AuditEvent]) -> Result<(), Abort> {
    for event in events {
        let tenant = event.tenant.map(|tenant| tenant_row(db, tenant)).transpose()?;
        append(db, tenant, event)?;
    }
    Ok(())
}

fn append(db: &Connection, tenant: Option<i64>, event: &AuditEvent) -> Result<(), Fault> {
    db.prepare_cached(
        "INSERT INTO audit (at, tenant, account, who, action, object, detail, reason, outcome, ip)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        event.at.as_micros(),
        tenant,
        event.account.as_ref().map(AccountId::as_bytes),
        event.who,
        event.action,
        event.object,
        json(&event.detail),
        event.reason,
        event.outcome.name(),
        event.ip.map(|ip| ip.to_string()),
    ])?;
    Ok(())
}

fn audit_row(tenant: Option<TenantId>, row: &Row<'_>) -> Result<AuditRow, Fault> {
    let event = AuditEvent {
        at: Timestamp::from_micros(row.get("at")?),
        tenant,
        account: row.get::<_, Option<_>>("account")?.map(AccountId::from_bytes),
        who: row.get("who")?,
        action: row.get("action")?,
        object: row.get("object")?,
        detail: row.get::<_, Json<_>>("detail")?.0,
        reason: row.get("reason")?,
        outcome: row.get::<_, Named<_>>("outcome")?.0,
        ip: row.get::<_, Option<Parsed<_>>>("ip")?.map(|ip| ip.0),
    };
    Ok(AuditRow { row: uint(row.get("row")?), event })
}
