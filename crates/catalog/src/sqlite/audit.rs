use model::{AccountId, TenantId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::codes::{Json, Name, Named, Parsed, int, json, uint};
use super::fault::{Abort, Fault};
use super::{Sqlite, tenant_row};
use crate::{
    AUDIT_SCANNED_MAX, AuditEvent, AuditLog, AuditPage, AuditQuery, AuditRow, CatalogError,
};

impl AuditLog for Sqlite {
    fn audit(&self, events: &[AuditEvent]) -> Result<(), CatalogError> {
        if events.is_empty() {
            return Ok(());
        }
        let result = self.write(|db, _| append_all(db, events));
        self.audited.count(events, &result);
        result
    }

    fn audit_page(
        &self,
        tenant: Option<TenantId>,
        query: &AuditQuery,
        limit: u32,
    ) -> Result<AuditPage, CatalogError> {
        self.read(|db| {
            let row = tenant.map(|tenant| tenant_row(db, tenant)).transpose()?;
            Ok(page(db, tenant, row, query, limit)?)
        })
    }

    fn audit_log(
        &self,
        tenant: Option<TenantId>,
        query: &AuditQuery,
        limit: u32,
    ) -> Result<Vec<AuditRow>, CatalogError> {
        Ok(self.audit_page(tenant, query, limit)?.rows)
    }
}

fn page(
    db: &Connection,
    tenant: Option<TenantId>,
    row: Option<i64>,
    query: &AuditQuery,
    limit: u32,
) -> Result<AuditPage, Fault> {
    let micros = |moment: Option<Timestamp>| moment.map(Timestamp::as_micros);
    let before = query.before.map_or(i64::MAX, int);
    // The index alone answers: no event is read for it.
    let floor: Option<i64> = db
        .prepare_cached(
            "SELECT row FROM audit WHERE tenant IS ?1 AND row < ?2 ORDER BY row DESC
             LIMIT 1 OFFSET ?3",
        )?
        .query_row((row, before, AUDIT_SCANNED_MAX - 1), |row| row.get(0))
        .optional()?;
    let rows: Vec<AuditRow> = db
        .prepare_cached(
            "SELECT * FROM audit WHERE tenant IS ?1 AND row < ?2 AND row >= ?3
                 AND (?4 IS NULL OR account = ?4)
                 AND (?5 IS NULL OR action = ?5 OR substr(action, 1, length(?5) + 1) = ?5 || '.')
                 AND (?6 IS NULL OR at >= ?6) AND (?7 IS NULL OR at < ?7)
                 AND (?8 IS NULL OR lower(who) = lower(?8))
                 AND (?9 IS NULL OR object = ?9) AND (?10 IS NULL OR outcome = ?10)
                 AND (?11 IS NULL OR instr(lower(who || ' ' || object || ' ' || detail || ' '
                     || coalesce(reason, '')), lower(?11)) > 0)
             ORDER BY row DESC LIMIT ?12",
        )?
        .query_map(
            params![
                row,
                before,
                floor.unwrap_or(i64::MIN),
                query.account.as_ref().map(AccountId::as_bytes),
                query.action,
                micros(query.since),
                micros(query.until),
                query.who.as_deref().map(str::trim),
                query.object,
                query.outcome.map(Name::name),
                query.text,
                limit,
            ],
            |row| audit_row(tenant, row),
        )?
        .collect::<Result<_, _>>()?;
    let last = rows.last().filter(|_| rows.len() == limit as usize).map(|last| last.row);
    Ok(AuditPage { next: last.or(floor.map(uint)), rows })
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

pub(super) fn audit_row(tenant: Option<TenantId>, row: &Row<'_>) -> Result<AuditRow, Fault> {
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
