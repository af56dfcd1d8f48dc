//! Four eyes: requests for access to foreign mail, decisions, and who is to be told.

use model::{AccessRequestId, AccountId, TenantId, Timestamp};
use policy::{Approval, Opens};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::accounts::account_row;
use super::codes::{Json, Name, Named, json};
use super::fault::{Abort, Fault, is_unique_violation};
use super::grants::{check_reason, member, span};
use super::{Sqlite, tenant_row};
use crate::{
    AccessRequest, CatalogError, Concerned, Conflict, Decision, REQUEST_MAILBOXES_MAX, RequestState,
};

const COLUMNS: &str = "r.*, t.id AS tenant_id, a.id AS requester_id
    FROM access_request r JOIN tenant t ON t.row = r.tenant
    JOIN account a ON a.row = r.requester";

impl Name for RequestState {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Approved, Self::Approved.name()),
        (Self::Asked, Self::Asked.name()),
        (Self::Rejected, Self::Rejected.name()),
        (Self::Revoked, Self::Revoked.name()),
    ];
}

pub(super) fn add(db: &Connection, request: &AccessRequest) -> Result<(), Abort> {
    check_reason(&request.reason)?;
    let whole = request.opens.contains(&Opens::Tenant);
    let mut mailboxes: Vec<AccountId> = request
        .opens
        .iter()
        .filter_map(|opens| match opens {
            Opens::Mailbox(id) => Some(*id),
            Opens::Tenant => None,
        })
        .collect();
    mailboxes.sort_unstable();
    mailboxes.dedup();
    if whole != mailboxes.is_empty() || mailboxes.len() > REQUEST_MAILBOXES_MAX {
        return Err(CatalogError::Invalid("the list of mailboxes").into());
    }
    let tenant = tenant_row(db, request.tenant)?;
    let requester = member(db, request.tenant, request.requester, "the account")?;
    for mailbox in &mailboxes {
        member(db, request.tenant, *mailbox, "the mailbox")?;
    }
    db.prepare_cached(
        "INSERT INTO access_request (id, tenant, requester, mailboxes, mail_from, mail_until,
             reason, asked_at, until, state, decisions)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, '[]')",
    )?
    .execute(params![
        request.id.as_bytes(),
        tenant,
        requester,
        (!whole).then(|| json(&mailboxes)),
        request.mail.from.map(Timestamp::as_micros),
        request.mail.until.map(Timestamp::as_micros),
        request.reason.trim(),
        request.asked_at.as_micros(),
        request.until.as_micros(),
        RequestState::Asked.name(),
    ])
    .map_err(|error| match is_unique_violation(&error, "access_request.id") {
        true => CatalogError::Conflict(Conflict::Id).into(),
        false => Abort::from(error),
    })?;
    Ok(())
}

pub(super) fn one(
    engine: &Sqlite,
    tenant: TenantId,
    id: AccessRequestId,
) -> Result<Option<AccessRequest>, CatalogError> {
    engine.read(|db| {
        let tenant = tenant_row(db, tenant)?;
        let found = db
            .prepare_cached(&format!("SELECT {COLUMNS} WHERE r.id = ?1 AND r.tenant = ?2"))?
            .query_row((id.as_bytes(), tenant), request)
            .optional()?;
        Ok(found)
    })
}

pub(super) fn list(
    engine: &Sqlite,
    tenant: TenantId,
    requester: Option<AccountId>,
    before: Option<AccessRequestId>,
    limit: u32,
) -> Result<Vec<AccessRequest>, CatalogError> {
    let sql = format!(
        "SELECT {COLUMNS} WHERE r.tenant = ?1 AND (?2 IS NULL OR a.id = ?2)
             AND (?3 IS NULL OR r.row < (SELECT row FROM access_request WHERE id = ?3))
         ORDER BY r.row DESC LIMIT ?4"
    );
    engine.read(|db| {
        let tenant = tenant_row(db, tenant)?;
        let requester = requester.as_ref().map(AccountId::as_bytes);
        let before = before.as_ref().map(AccessRequestId::as_bytes);
        let rows = db
            .prepare_cached(&sql)?
            .query_map((tenant, requester, before, limit), request)?
            .collect::<Result<_, _>>()?;
        Ok(rows)
    })
}

pub(super) fn decide(
    db: &Connection,
    tenant: TenantId,
    id: AccessRequestId,
    from: RequestState,
    decision: &Decision,
    tell: bool,
) -> Result<bool, Abort> {
    let tenant = tenant_row(db, tenant)?;
    let found: Option<(i64, Json<Vec<Decision>>)> = db
        .prepare_cached(
            "SELECT row, decisions FROM access_request
             WHERE id = ?1 AND tenant = ?2 AND state = ?3",
        )?
        .query_row((id.as_bytes(), tenant, from.name()), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((row, Json(mut decisions))) = found else { return Ok(false) };
    decisions.push(decision.clone());
    db.prepare_cached("UPDATE access_request SET state = ?2, decisions = ?3 WHERE row = ?1")?
        .execute((row, decision.state.name(), json(&decisions)))?;
    if tell && decision.state == RequestState::Approved {
        note_concerned(db, row)?;
    }
    Ok(true)
}

/// Everybody who signs in and whose mailbox the request opens, but for the requester.
fn note_concerned(db: &Connection, request: i64) -> Result<(), Fault> {
    db.prepare_cached(
        "INSERT OR IGNORE INTO access_concerned (request, account)
         SELECT r.row, a.row FROM access_request r CROSS JOIN account a ON a.tenant = r.tenant
         WHERE r.row = ?1 AND a.row <> r.requester AND a.kind = 'person' AND NOT a.disabled
             AND (r.mailboxes IS NULL
                 OR a.id IN (SELECT unhex(value) FROM json_each(r.mailboxes)))
             AND EXISTS (SELECT 1 FROM account_address own WHERE own.account = a.row)",
    )?
    .execute([request])?;
    Ok(())
}

pub(super) fn approvals(
    engine: &Sqlite,
    account: AccountId,
) -> Result<Vec<Approval>, CatalogError> {
    let sql = format!("SELECT {COLUMNS} WHERE r.requester = ?1 AND r.state = 'approved'");
    engine.read(|db| {
        let requests = db
            .prepare_cached(&sql)?
            .query_map([account_row(db, account)?], request)?
            .collect::<Result<Vec<_>, _>>()?;
        Ok(requests.iter().filter_map(AccessRequest::approval).collect())
    })
}

const CONCERNED: &str =
    "SELECT r.id AS request_id, t.id AS tenant_id, a.id AS account_id, c.told_at
    FROM access_concerned c CROSS JOIN access_request r ON r.row = c.request
    CROSS JOIN tenant t ON t.row = r.tenant CROSS JOIN account a ON a.row = c.account";

pub(super) fn concerned(
    engine: &Sqlite,
    tenant: TenantId,
    id: AccessRequestId,
) -> Result<Vec<Concerned>, CatalogError> {
    engine.read(|db| {
        let rows = db
            .prepare_cached(&format!("{CONCERNED} WHERE r.id = ?1 AND t.id = ?2 ORDER BY a.row"))?
            .query_map((id.as_bytes(), tenant.as_bytes()), concerned_row)?
            .collect::<Result<_, _>>()?;
        Ok(rows)
    })
}

pub(super) fn to_be_told(engine: &Sqlite, limit: u32) -> Result<Vec<Concerned>, CatalogError> {
    engine.read(|db| {
        let rows = db
            .prepare_cached(&format!(
                "{CONCERNED} WHERE c.told_at IS NULL ORDER BY c.request LIMIT ?1"
            ))?
            .query_map([limit], concerned_row)?
            .collect::<Result<_, _>>()?;
        Ok(rows)
    })
}

pub(super) fn told(
    engine: &Sqlite,
    concerned: &[Concerned],
    at: Timestamp,
) -> Result<(), CatalogError> {
    engine.write(|db, _| {
        for one in concerned {
            db.prepare_cached(
                "UPDATE access_concerned SET told_at = ?3
                 WHERE request = (SELECT row FROM access_request WHERE id = ?1)
                     AND account = (SELECT row FROM account WHERE id = ?2) AND told_at IS NULL",
            )?
            .execute((
                one.request.as_bytes(),
                one.account.as_bytes(),
                at.as_micros(),
            ))?;
        }
        Ok(())
    })
}

fn request(row: &Row<'_>) -> Result<AccessRequest, Fault> {
    let mailboxes: Option<Json<Vec<AccountId>>> = row.get("mailboxes")?;
    let opens = match mailboxes {
        None => vec![Opens::Tenant],
        Some(Json(ids)) => ids.into_iter().map(Opens::Mailbox).collect(),
    };
    Ok(AccessRequest {
        id: AccessRequestId::from_bytes(row.get("id")?),
        tenant: TenantId::from_bytes(row.get("tenant_id")?),
        requester: AccountId::from_bytes(row.get("requester_id")?),
        opens,
        mail: span(row, "mail_from", "mail_until")?,
        reason: row.get("reason")?,
        asked_at: Timestamp::from_micros(row.get("asked_at")?),
        until: Timestamp::from_micros(row.get("until")?),
        state: row.get::<_, Named<_>>("state")?.0,
        decisions: row.get::<_, Json<_>>("decisions")?.0,
    })
}

fn concerned_row(row: &Row<'_>) -> Result<Concerned, Fault> {
    Ok(Concerned {
        request: AccessRequestId::from_bytes(row.get("request_id")?),
        tenant: TenantId::from_bytes(row.get("tenant_id")?),
        account: AccountId::from_bytes(row.get("account_id")?),
        told_at: row.get::<_, Option<_>>("told_at")?.map(Timestamp::from_micros),
    })
}
