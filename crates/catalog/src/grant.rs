use model::{AccessRequestId, AccountId, GrantId, GroupId, TenantId, Timestamp};
use policy::{Approval, Grant, Opens, Span};
use serde::{Deserialize, Serialize};

use crate::CatalogError;

/// Longer reasons are refused.
pub const REASON_CHARS_MAX: usize = 1_000;

/// Mailboxes that one access request names at most.
pub const REQUEST_MAILBOXES_MAX: usize = 1_000;

/// Whom a grant was given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Grantee {
    Account(AccountId),
    Group(GroupId),
}

/// Who may see whose mail, and why. Rows stay when the grant has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRow {
    pub id: GrantId,
    pub tenant: TenantId,
    pub grantee: Grantee,
    pub grant: Grant,
    pub reason: String,
    /// The user name of who gave it.
    pub granted_by: String,
    pub granted_at: Timestamp,
    /// When it was taken back, and by whom.
    pub revoked: Option<(Timestamp, String)>,
}

/// Which grants to list; `None` leaves a condition out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GrantFilter {
    pub grantee: Option<Grantee>,
    pub opens: Option<Opens>,
    /// Only those that were neither revoked nor over at this moment.
    pub standing_at: Option<Timestamp>,
    /// Only grants given before this row: the last row of the page before.
    pub before: Option<GrantId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    Approved,
    /// Waits for a second person.
    Asked,
    Rejected,
    /// Ended by a person after it was approved, or withdrawn.
    Revoked,
}

impl RequestState {
    pub const ALL: [Self; 4] = [Self::Approved, Self::Asked, Self::Rejected, Self::Revoked];

    /// The name in the database, in the API and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Asked => "asked",
            Self::Rejected => "rejected",
            Self::Revoked => "revoked",
        }
    }
}

/// An auditor or officer asks for access to foreign mail, where four eyes are required.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRequest {
    pub id: AccessRequestId,
    pub tenant: TenantId,
    pub requester: AccountId,
    /// Mailboxes, or the tenant alone.
    pub opens: Vec<Opens>,
    /// Which mail: that received within this span.
    pub mail: Span,
    pub reason: String,
    pub asked_at: Timestamp,
    /// Until when the access is asked for.
    pub until: Timestamp,
    pub state: RequestState,
    /// Every decision so far, oldest first.
    pub decisions: Vec<Decision>,
}

/// What a person decided about an access request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub state: RequestState,
    pub at: Timestamp,
    pub by: AccountId,
    /// The user name at that time.
    pub who: String,
    pub reason: String,
}

impl AccessRequest {
    /// What the request opens while it is approved.
    pub fn approval(&self) -> Option<Approval> {
        let approved = self.decisions.iter().find(|one| one.state == RequestState::Approved)?;
        (self.state == RequestState::Approved).then(|| Approval {
            opens: self.opens.clone(),
            valid: Span { from: Some(approved.at), until: Some(self.until) },
            mail: self.mail,
        })
    }
}

/// Somebody whose mail was opened to another person and who is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concerned {
    pub request: AccessRequestId,
    pub tenant: TenantId,
    pub account: AccountId,
    /// `None`: not yet.
    pub told_at: Option<Timestamp>,
}

/// Who may see the mail of whom.
pub trait Grants: Send + Sync {
    /// Adds a grant. Grantee and mailbox must belong to the tenant ([`CatalogError::NotFound`]);
    /// a reason is required; the whole tenant is for one auditor or officer.
    fn add_grant(&self, grant: &GrantRow) -> Result<(), CatalogError>;

    fn grant(&self, tenant: TenantId, id: GrantId) -> Result<Option<GrantRow>, CatalogError>;

    /// Newest first, at most `limit`.
    fn grants(
        &self,
        tenant: TenantId,
        filter: &GrantFilter,
        limit: u32,
    ) -> Result<Vec<GrantRow>, CatalogError>;

    /// Ends a grant; `false`: there is none, or it was revoked before.
    fn revoke_grant(
        &self,
        tenant: TenantId,
        id: GrantId,
        by: &str,
        at: Timestamp,
    ) -> Result<bool, CatalogError>;

    /// Every grant that was given to the account or to a group of it and was not revoked,
    /// whatever its spans say.
    fn grants_for(&self, account: AccountId) -> Result<Vec<Grant>, CatalogError>;

    /// Adds a request in state [`RequestState::Asked`].
    fn add_access_request(&self, request: &AccessRequest) -> Result<(), CatalogError>;

    fn access_request(
        &self,
        tenant: TenantId,
        id: AccessRequestId,
    ) -> Result<Option<AccessRequest>, CatalogError>;

    /// Newest first, those below `before`, of one requester or of all, at most `limit`.
    fn access_requests(
        &self,
        tenant: TenantId,
        requester: Option<AccountId>,
        before: Option<AccessRequestId>,
        limit: u32,
    ) -> Result<Vec<AccessRequest>, CatalogError>;

    /// Writes down a decision, if the request is in state `from`; whether it was. With `tell`,
    /// everybody whose mailbox an approval opens is noted as to be told.
    fn decide_access(
        &self,
        tenant: TenantId,
        id: AccessRequestId,
        from: RequestState,
        decision: &Decision,
        tell: bool,
    ) -> Result<bool, CatalogError>;

    /// The approved requests of the account, whatever their spans say.
    fn approvals(&self, account: AccountId) -> Result<Vec<Approval>, CatalogError>;

    /// Who is to be told of a request, and who was.
    fn concerned(
        &self,
        tenant: TenantId,
        request: AccessRequestId,
    ) -> Result<Vec<Concerned>, CatalogError>;

    /// Those of all tenants who wait to be told, oldest first, at most `limit`.
    fn to_be_told(&self, limit: u32) -> Result<Vec<Concerned>, CatalogError>;

    /// Notes that they were told.
    fn told(&self, concerned: &[Concerned], at: Timestamp) -> Result<(), CatalogError>;
}
