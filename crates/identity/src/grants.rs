//! Grants, and access requests where four eyes are required. Every change stands in the audit log.

use catalog::{
    AccessRequest, AuditEvent, AuditedChange, CatalogError, Decision, GrantRow, Grantee,
    RequestState,
};
use model::{AccessRequestId, AccountId, GrantId, TenantId, Timestamp};
use policy::{Grant, Opens, Span};
use serde_json::{Value, json};

use crate::by::change;
use crate::error::IdentityError;
use crate::{By, Identity};

/// Access is approved for so long at most; who needs it longer asks again.
pub const APPROVAL_DAYS_MAX: i64 = 366;

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// A grant to be given.
#[derive(Clone, Debug)]
pub struct NewGrant<'a> {
    pub grantee: Grantee,
    pub grant: Grant,
    pub reason: &'a str,
}

/// Access to be asked for.
#[derive(Clone, Debug)]
pub struct NewRequest<'a> {
    /// Mailboxes, or the tenant alone.
    pub opens: Vec<Opens>,
    pub mail: Span,
    pub reason: &'a str,
    pub until: Timestamp,
}

impl Identity {
    /// Opens a mailbox, or the whole tenant to an auditor or officer. An empty span, a missing
    /// reason and what belongs to another tenant are refused.
    pub fn grant(
        &self,
        tenant: TenantId,
        new: &NewGrant<'_>,
        by: &By,
        now: Timestamp,
    ) -> Result<GrantRow, IdentityError> {
        if new.grant.valid.is_empty() || new.grant.mail.is_empty() {
            return Err(CatalogError::Invalid("the span of time").into());
        }
        let row = GrantRow {
            id: GrantId::from_bytes(self.draw()),
            tenant,
            grantee: new.grantee,
            grant: new.grant,
            reason: new.reason.trim().to_owned(),
            granted_by: by.who.clone(),
            granted_at: now,
            revoked: None,
        };
        let detail = change(Value::Null, grant_facts(&row));
        let event = by.event(Some(tenant), "grant.give", row.id.to_string(), detail, now);
        let event = AuditEvent { reason: Some(row.reason.clone()), ..event };
        self.catalog.change_audited(AuditedChange::AddGrant(&row), &event)?;
        Ok(row)
    }

    /// Ends a grant; sessions that run lose it with their next request. `false`: there is none
    /// that stands.
    pub fn revoke_grant(
        &self,
        tenant: TenantId,
        id: GrantId,
        reason: &str,
        by: &By,
        now: Timestamp,
    ) -> Result<bool, IdentityError> {
        let Some(row) = self.catalog.grant(tenant, id)? else { return Ok(false) };
        let event = by.event(
            Some(tenant),
            "grant.revoke",
            id.to_string(),
            change(grant_facts(&row), Value::Null),
            now,
        );
        let revoke = AuditedChange::RevokeGrant { tenant, grant: id, by: &by.who, at: now };
        Ok(self.catalog.change_audited(revoke, &AuditEvent { reason: said(reason), ..event })?)
    }

    /// Asks for access in the name of `requester`, who must be an auditor or officer of the
    /// tenant. It opens nothing until somebody else approves it, and nothing beyond the
    /// requester's grants ever.
    pub fn request_access(
        &self,
        tenant: TenantId,
        requester: AccountId,
        new: &NewRequest<'_>,
        by: &By,
        now: Timestamp,
    ) -> Result<AccessRequest, IdentityError> {
        let latest = now.saturating_add_seconds(APPROVAL_DAYS_MAX * DAY_SECONDS);
        if new.mail.is_empty() || new.until <= now || new.until > latest {
            return Err(CatalogError::Invalid("the span of time").into());
        }
        let account = self.catalog.account(requester)?;
        if !account.is_some_and(|one| one.tenant == Some(tenant) && one.role.audits()) {
            return Err(CatalogError::NotFound("the account").into());
        }
        let request = AccessRequest {
            id: AccessRequestId::from_bytes(self.draw()),
            tenant,
            requester,
            opens: new.opens.clone(),
            mail: new.mail,
            reason: new.reason.trim().to_owned(),
            asked_at: now,
            until: new.until,
            state: RequestState::Asked,
            decisions: Vec::new(),
        };
        let facts = request_facts(&request);
        let event = by.event(Some(tenant), "access.request", request.id.to_string(), facts, now);
        let event = AuditEvent { reason: Some(request.reason.clone()), ..event };
        self.catalog.change_audited(AuditedChange::AddAccessRequest(&request), &event)?;
        Ok(request)
    }

    /// Approves, rejects or revokes a request. Approving and rejecting need another person than
    /// the requester ([`IdentityError::OwnRequest`]); revoking, which only takes away, does not.
    /// `None`: there is no such request, or it is not in a state that this follows.
    pub fn decide_access(
        &self,
        tenant: TenantId,
        id: AccessRequestId,
        decision: &Decision,
        by: &By,
    ) -> Result<Option<AccessRequest>, IdentityError> {
        let Some(request) = self.catalog.access_request(tenant, id)? else { return Ok(None) };
        let allowed = match decision.state {
            RequestState::Approved | RequestState::Rejected => {
                request.state == RequestState::Asked && decision.at < request.until
            }
            RequestState::Revoked => {
                matches!(request.state, RequestState::Asked | RequestState::Approved)
            }
            RequestState::Asked => false,
        };
        if !allowed {
            return Ok(None);
        }
        if decision.state != RequestState::Revoked && decision.by == request.requester {
            return Err(IdentityError::OwnRequest);
        }
        let tell = self.tells_concerned(tenant)?;
        let action = match decision.state {
            RequestState::Approved => "access.approve",
            RequestState::Rejected => "access.reject",
            RequestState::Asked | RequestState::Revoked => "access.revoke",
        };
        let mut after = request_facts(&request);
        after["state"] = json!(decision.state.name());
        let detail = change(request_facts(&request), after);
        let event = by.event(Some(tenant), action, id.to_string(), detail, decision.at);
        let event = AuditEvent { reason: said(&decision.reason), ..event };
        let from = request.state;
        let decide = AuditedChange::DecideAccess { tenant, request: id, from, decision, tell };
        if !self.catalog.change_audited(decide, &event)? {
            return Ok(None);
        }
        Ok(self.catalog.access_request(tenant, id)?)
    }
}

/// A reason that may be missing.
pub(crate) fn said(reason: &str) -> Option<String> {
    Some(reason.trim().to_owned()).filter(|reason| !reason.is_empty())
}

fn grant_facts(row: &GrantRow) -> Value {
    let (grantee_kind, grantee) = match row.grantee {
        Grantee::Account(id) => ("account", id.to_string()),
        Grantee::Group(id) => ("group", id.to_string()),
    };
    json!({
        grantee_kind: grantee,
        "opens": opens_fact(row.grant.opens),
        "kind": row.grant.kind.name(),
        "valid": row.grant.valid,
        "mail": row.grant.mail,
    })
}

fn request_facts(request: &AccessRequest) -> Value {
    let opens: Vec<Value> = request.opens.iter().copied().map(opens_fact).collect();
    json!({
        "requester": request.requester,
        "opens": opens,
        "mail": request.mail,
        "until": request.until,
        "state": request.state.name(),
    })
}

fn opens_fact(opens: Opens) -> Value {
    match opens {
        Opens::Mailbox(id) => json!(id),
        Opens::Tenant => json!("tenant"),
    }
}
