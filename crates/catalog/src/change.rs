use model::{AccessRequestId, AccountId, GrantId, GroupId, TenantId, Timestamp};

use crate::{AccessRequest, AuditEvent, CatalogError, Decision, GrantRow, Group, RequestState};

/// What may happen to groups, grants and requests for access.
#[derive(Clone, Copy, Debug)]
pub enum AuditedChange<'a> {
    AddAccessRequest(&'a AccessRequest),
    AddGrant(&'a GrantRow),
    AddGroup {
        group: &'a Group,
        members: &'a [AccountId],
    },
    /// What is not given stays.
    ChangeGroup {
        group: GroupId,
        name: Option<&'a str>,
        members: Option<&'a [AccountId]>,
    },
    DecideAccess {
        tenant: TenantId,
        request: AccessRequestId,
        from: RequestState,
        decision: &'a Decision,
        tell: bool,
    },
    RemoveGroup {
        tenant: TenantId,
        group: GroupId,
        by: &'a str,
        at: Timestamp,
    },
    RevokeGrant {
        tenant: TenantId,
        grant: GrantId,
        by: &'a str,
        at: Timestamp,
    },
}

/// Changes that stand in the audit log or did not happen.
pub trait AuditedChanges: Send + Sync {
    /// Carries out the change and appends the event in one transaction. `false`: there was nothing
    /// to change, and nothing was written. Refusals are those of [`Grants`](crate::Grants) and
    /// [`People`](crate::People).
    fn change_audited(
        &self,
        change: AuditedChange<'_>,
        event: &AuditEvent,
    ) -> Result<bool, CatalogError>;
}
