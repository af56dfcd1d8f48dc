//! Accounts, groups, grants and the audit log of a tenant as JSON, without secrets.

use catalog::{AuditQuery, Catalog, CatalogError, GrantFilter, GrantRow, Grantee};
use model::{TenantId, Timestamp};
use policy::{Opens, Span};
use serde_json::{Value, json};

/// Rows that are read at a time.
const PAGE: u32 = 1_000;

pub fn accounts(catalog: &dyn Catalog, tenant: TenantId) -> Result<Vec<Value>, CatalogError> {
    let mut all = Vec::new();
    for account in catalog.accounts(Some(tenant))? {
        let addresses = catalog.addresses(account.id)?;
        all.push(json!({
            "id": account.id,
            "userName": account.user_name,
            "firstName": account.first_name,
            "lastName": account.last_name,
            "displayName": account.display_name,
            "kind": account.kind.name(),
            "role": account.role,
            "archived": account.archived,
            "disabled": account.disabled,
            "language": account.language,
            "createdAt": account.created_at.to_string(),
            "addresses": addresses.iter().map(|owned| json!({
                "address": owned.key,
                "from": owned.span().from.map(moment),
                "until": owned.span().until.map(moment),
            })).collect::<Vec<_>>(),
        }));
    }
    Ok(all)
}

pub fn groups(catalog: &dyn Catalog, tenant: TenantId) -> Result<Vec<Value>, CatalogError> {
    let mut all = Vec::new();
    for row in catalog.groups(tenant)? {
        let members = catalog.group_members(row.group.id)?;
        all.push(json!({
            "id": row.group.id,
            "name": row.group.name,
            "members": members.iter().map(|account| account.id).collect::<Vec<_>>(),
        }));
    }
    Ok(all)
}

pub fn grants(catalog: &dyn Catalog, tenant: TenantId) -> Result<Vec<Value>, CatalogError> {
    let mut all = Vec::new();
    let mut filter = GrantFilter::default();
    loop {
        let page = catalog.grants(tenant, &filter, PAGE)?;
        let Some(last) = page.last() else { return Ok(all) };
        filter.before = Some(last.id);
        all.extend(page.iter().map(grant));
    }
}

fn grant(row: &GrantRow) -> Value {
    let (account, group) = match row.grantee {
        Grantee::Account(id) => (Some(id), None),
        Grantee::Group(id) => (None, Some(id)),
    };
    let mailbox = match row.grant.opens {
        Opens::Mailbox(id) => Some(id),
        Opens::Tenant => None,
    };
    json!({
        "id": row.id,
        "account": account,
        "group": group,
        "mailbox": mailbox,
        "kind": row.grant.kind.name(),
        "valid": span(&row.grant.valid),
        "mail": span(&row.grant.mail),
        "reason": row.reason,
        "grantedBy": row.granted_by,
        "grantedAt": moment(row.granted_at),
        "revokedAt": row.revoked.as_ref().map(|revoked| moment(revoked.0)),
    })
}

/// A page of the audit log, newest first, and where the next one begins.
pub fn audit(
    catalog: &dyn Catalog,
    tenant: TenantId,
    before: Option<u64>,
) -> Result<(Vec<Value>, Option<u64>), CatalogError> {
    let query = AuditQuery { before, ..AuditQuery::default() };
    let page = catalog.audit_log(Some(tenant), &query, PAGE)?;
    let next = page.last().map(|row| row.row);
    let line = |row: &catalog::AuditRow| {
        let event = &row.event;
        json!({
            "at": moment(event.at),
            "who": event.who,
            "account": event.account,
            "action": event.action,
            "object": event.object,
            "detail": event.detail,
            "reason": event.reason,
            "outcome": event.outcome,
            "ip": event.ip,
        })
    };
    Ok((page.iter().map(line).collect(), next))
}

fn span(span: &Span) -> Value {
    json!({ "from": span.from.map(moment), "until": span.until.map(moment) })
}

fn moment(at: Timestamp) -> String {
    at.to_string()
}
