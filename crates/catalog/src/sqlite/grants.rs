use model::{AccessRequestId, AccountId, GrantId, GroupId, TenantId, Timestamp};
use policy::{Approval, Grant, Opens, Span};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::accounts::{account_row, find};
use super::codes::Parsed;
use super::fault::{Abort, Fault, is_unique_violation};
use super::{Sqlite, access, tenant_row};
use crate::{
    AccessRequest, CatalogError, Concerned, Conflict, Decision, GrantFilter, GrantRow, Grantee,
    Grants, REASON_CHARS_MAX, RequestState,
};

pub(super) const COLUMNS: &str = "g.*, t.id AS tenant_id, a.id AS account_id, m.id AS mailbox_id
    FROM access_grant g JOIN tenant t ON t.row = g.tenant
    LEFT JOIN account a ON a.row = g.account LEFT JOIN account m ON m.row = g.mailbox";

impl Grants for Sqlite {
    fn add_grant(&self, grant: &GrantRow) -> Result<(), CatalogError> {
        self.write(|db, _| add_given(db, grant))
    }

    fn grant(&self, tenant: TenantId, id: GrantId) -> Result<Option<GrantRow>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let found = db
                .prepare_cached(&format!("SELECT {COLUMNS} WHERE g.id = ?1 AND g.tenant = ?2"))?
                .query_row((id.as_bytes(), tenant), grant_row)
                .optional()?;
            Ok(found)
        })
    }

    fn grants(
        &self,
        tenant: TenantId,
        filter: &GrantFilter,
        limit: u32,
    ) -> Result<Vec<GrantRow>, CatalogError> {
        self.read(|db| list(db, tenant_row(db, tenant)?, filter, limit))
    }

    fn revoke_grant(
        &self,
        tenant: TenantId,
        id: GrantId,
        by: &str,
        at: Timestamp,
    ) -> Result<bool, CatalogError> {
        self.write(|db, _| revoke(db, tenant, id, by, at))
    }

    fn grants_for(&self, account: AccountId) -> Result<Vec<Grant>, CatalogError> {
        self.read(|db| {
            let account = account_row(db, account)?;
            let all = db
                .prepare_cached(
                    "SELECT g.*, m.id AS mailbox_id
                     FROM access_grant g LEFT JOIN account m ON m.row = g.mailbox
                     WHERE g.revoked_at IS NULL AND g.row IN (
                         SELECT row FROM access_grant WHERE account = ?1
                         UNION ALL SELECT own.row FROM group_member member
                             CROSS JOIN account_group grp ON grp.row = member.grp
                             CROSS JOIN access_grant own ON own.grp = grp.id
                             WHERE member.account = ?1)
                     ORDER BY g.row",
                )?
                .query_map([account], grant)?
                .collect::<Result<_, _>>()?;
            Ok(all)
        })
    }

    fn add_access_request(&self, request: &AccessRequest) -> Result<(), CatalogError> {
        self.write(|db, _| access::add(db, request))
    }

    fn access_request(
        &self,
        tenant: TenantId,
        id: AccessRequestId,
    ) -> Result<Option<AccessRequest>, CatalogError> {
        access::one(self, tenant, id)
    }

    fn access_requests(
        &self,
        tenant: TenantId,
        requester: Option<AccountId>,
        before: Option<AccessRequestId>,
        limit: u32,
    ) -> Result<Vec<AccessRequest>, CatalogError> {
        access::list(self, tenant, requester, before, limit)
    }

    fn decide_access(
        &self,
        tenant: TenantId,
        id: AccessRequestId,
        from: RequestState,
        decision: &Decision,
        tell: bool,
    ) -> Result<bool, CatalogError> {
        self.write(|db, _| access::decide(db, tenant, id, from, decision, tell))
    }

    fn approvals(&self, account: AccountId) -> Result<Vec<Approval>, CatalogError> {
        access::approvals(self, account)
    }

    fn concerned(
        &self,
        tenant: TenantId,
        request: AccessRequestId,
    ) -> Result<Vec<Concerned>, CatalogError> {
        access::concerned(self, tenant, request)
    }

    fn to_be_told(&self, limit: u32) -> Result<Vec<Concerned>, CatalogError> {
        access::to_be_told(self, limit)
    }

    fn told(&self, concerned: &[Concerned], at: Timestamp) -> Result<(), CatalogError> {
        access::told(self, concerned, at)
    }
}

pub(super) fn check_reason(reason: &str) -> Result<(), CatalogError> {
    let fits = !reason.trim().is_empty() && reason.chars().count() <= REASON_CHARS_MAX;
    if fits { Ok(()) } else { Err(CatalogError::Invalid("the reason")) }
}

/// A grant that a person gave: with a reason.
pub(super) fn add_given(db: &Connection, new: &GrantRow) -> Result<(), Abort> {
    check_reason(&new.reason)?;
    add(db, new)
}

pub(super) fn revoke(
    db: &Connection,
    tenant: TenantId,
    id: GrantId,
    by: &str,
    at: Timestamp,
) -> Result<bool, Abort> {
    let tenant = tenant_row(db, tenant)?;
    let changed = db
        .prepare_cached(
            "UPDATE access_grant SET revoked_at = ?3, revoked_by = ?4
             WHERE id = ?1 AND tenant = ?2 AND revoked_at IS NULL",
        )?
        .execute((id.as_bytes(), tenant, at.as_micros(), by))?;
    Ok(changed > 0)
}

pub(super) fn add(db: &Connection, new: &GrantRow) -> Result<(), Abort> {
    let tenant = tenant_row(db, new.tenant)?;
    let (account, group) = match new.grantee {
        Grantee::Account(id) => (Some(id), None),
        Grantee::Group(id) => (None, Some(id)),
    };
    let account = account.map(|id| member(db, new.tenant, id, "the account")).transpose()?;
    if let Some(group) = group {
        let known = db
            .prepare_cached("SELECT 1 FROM account_group WHERE id = ?1 AND tenant = ?2")?
            .exists((group.as_bytes(), tenant))?;
        if !known {
            return Err(CatalogError::NotFound("the group").into());
        }
    }
    let mailbox = match new.grant.opens {
        Opens::Mailbox(id) => Some(member(db, new.tenant, id, "the mailbox")?),
        Opens::Tenant => None,
    };
    if mailbox.is_some() && mailbox == account {
        return Err(CatalogError::Invalid("a grant on one's own mailbox").into());
    }
    if new.grant.opens == Opens::Tenant {
        let whole = match new.grantee {
            Grantee::Account(id) => find(db, id)?.is_some_and(|(_, one)| one.role.audits()),
            Grantee::Group(_) => false,
        };
        if !whole || new.grant.kind != policy::GrantKind::Audit {
            return Err(CatalogError::Invalid("who is granted the whole tenant").into());
        }
    }
    let micros = |moment: Option<Timestamp>| moment.map(Timestamp::as_micros);
    db.prepare_cached(
        "INSERT INTO access_grant (id, tenant, account, grp, mailbox, kind, valid_from,
             valid_until, mail_from, mail_until, reason, granted_by, granted_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?
    .execute(params![
        new.id.as_bytes(),
        tenant,
        account,
        group.as_ref().map(GroupId::as_bytes),
        mailbox,
        new.grant.kind.name(),
        micros(new.grant.valid.from),
        micros(new.grant.valid.until),
        micros(new.grant.mail.from),
        micros(new.grant.mail.until),
        new.reason.trim(),
        new.granted_by,
        new.granted_at.as_micros(),
    ])
    .map_err(|error| match is_unique_violation(&error, "access_grant.id") {
        true => CatalogError::Conflict(Conflict::Id).into(),
        false => Abort::from(error),
    })?;
    Ok(())
}

/// The row of an account of the tenant.
pub(super) fn member(
    db: &Connection,
    tenant: TenantId,
    id: AccountId,
    what: &'static str,
) -> Result<i64, Abort> {
    match find(db, id)? {
        Some((row, account)) if account.tenant == Some(tenant) => Ok(row),
        _ => Err(CatalogError::NotFound(what).into()),
    }
}

fn list(
    db: &Connection,
    tenant: i64,
    filter: &GrantFilter,
    limit: u32,
) -> Result<Vec<GrantRow>, Abort> {
    let (account, group) = match filter.grantee {
        Some(Grantee::Account(id)) => (Some(id), None),
        Some(Grantee::Group(id)) => (None, Some(id)),
        None => (None, None),
    };
    let mailbox = match filter.opens {
        Some(Opens::Mailbox(id)) => Some(id),
        _ => None,
    };
    let sql = format!(
        "SELECT {COLUMNS} WHERE g.tenant = ?1
             AND (?2 IS NULL OR a.id = ?2) AND (?3 IS NULL OR g.grp = ?3)
             AND (?4 IS NULL OR m.id = ?4) AND (NOT ?5 OR g.mailbox IS NULL)
             AND (?6 IS NULL OR (g.revoked_at IS NULL AND coalesce(g.valid_until > ?6, TRUE)))
             AND (?7 IS NULL OR g.row < (SELECT row FROM access_grant WHERE id = ?7))
         ORDER BY g.row DESC LIMIT ?8"
    );
    let rows = db
        .prepare_cached(&sql)?
        .query_map(
            params![
                tenant,
                account.as_ref().map(AccountId::as_bytes),
                group.as_ref().map(GroupId::as_bytes),
                mailbox.as_ref().map(AccountId::as_bytes),
                filter.opens == Some(Opens::Tenant),
                filter.standing_at.map(Timestamp::as_micros),
                filter.before.as_ref().map(GrantId::as_bytes),
                limit,
            ],
            grant_row,
        )?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}

pub(super) fn grant_row(row: &Row<'_>) -> Result<GrantRow, Fault> {
    let account: Option<[u8; 16]> = row.get("account_id")?;
    let group: Option<[u8; 16]> = row.get("grp")?;
    let grantee = match (account, group) {
        (Some(account), _) => Grantee::Account(AccountId::from_bytes(account)),
        (None, Some(group)) => Grantee::Group(GroupId::from_bytes(group)),
        (None, None) => return Err(Fault::InvalidQuery),
    };
    let revoked_at: Option<i64> = row.get("revoked_at")?;
    let revoked_by: Option<String> = row.get("revoked_by")?;
    Ok(GrantRow {
        id: GrantId::from_bytes(row.get("id")?),
        tenant: TenantId::from_bytes(row.get("tenant_id")?),
        grantee,
        grant: grant(row)?,
        reason: row.get("reason")?,
        granted_by: row.get("granted_by")?,
        granted_at: Timestamp::from_micros(row.get("granted_at")?),
        revoked: revoked_at.map(Timestamp::from_micros).zip(revoked_by),
    })
}

fn grant(row: &Row<'_>) -> Result<Grant, Fault> {
    let mailbox: Option<[u8; 16]> = row.get("mailbox_id")?;
    Ok(Grant {
        opens: mailbox.map_or(Opens::Tenant, |id| Opens::Mailbox(AccountId::from_bytes(id))),
        kind: row.get::<_, Parsed<_>>("kind")?.0,
        valid: span(row, "valid_from", "valid_until")?,
        mail: span(row, "mail_from", "mail_until")?,
    })
}

pub(super) fn span(row: &Row<'_>, from: &str, until: &str) -> Result<Span, Fault> {
    Ok(Span {
        from: row.get::<_, Option<_>>(from)?.map(Timestamp::from_micros),
        until: row.get::<_, Option<_>>(until)?.map(Timestamp::from_micros),
    })
}
