use std::fmt;
use std::str::FromStr;

use model::{AccountId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

/// What an account is for. `model::Role` is something else: a part in a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountRole {
    /// Configures one tenant; sees no mail.
    Administrator,
    /// Reads the whole archive of one tenant; changes nothing.
    Auditor,
    /// Runs the server and its tenants; sees no mail and belongs to no tenant.
    Operator,
    /// Reads the mail of their own addresses.
    User,
}

impl AccountRole {
    pub const ALL: [Self; 4] = [Self::Administrator, Self::Auditor, Self::Operator, Self::User];

    /// The name in the database, in the API and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Auditor => "auditor",
            Self::Operator => "operator",
            Self::User => "user",
        }
    }
}

impl fmt::Display for AccountRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a role: expected administrator, auditor, operator or user")]
pub struct ParseRoleError;

impl FromStr for AccountRole {
    type Err = ParseRoleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.name() == text).ok_or(ParseRoleError)
    }
}

/// One thing that an account may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Create, change and disable accounts of the tenant; see their addresses.
    ManageAccounts,
    /// See the quarantine list without content; retry and release.
    ManageQuarantine,
    /// Journal addresses and other ways in.
    ManageSources,
    /// Create, suspend and remove tenants.
    ManageTenants,
    ReadAuditLog,
    /// Open and download mail within the scope.
    ReadMail,
    /// Rates, depths, sizes, certificates: figures without content.
    ReadStatus,
    SearchMail,
}

impl Permission {
    pub const ALL: [Self; 8] = [
        Self::ManageAccounts,
        Self::ManageQuarantine,
        Self::ManageSources,
        Self::ManageTenants,
        Self::ReadAuditLog,
        Self::ReadMail,
        Self::ReadStatus,
        Self::SearchMail,
    ];
}

/// The one table of rights. The documentation's table is generated from it.
pub const ROLES: [(AccountRole, &[Permission]); 4] = [
    (
        AccountRole::Administrator,
        &[
            Permission::ManageAccounts,
            Permission::ManageQuarantine,
            Permission::ManageSources,
            Permission::ReadStatus,
        ],
    ),
    (
        AccountRole::Auditor,
        &[Permission::ReadAuditLog, Permission::ReadMail, Permission::SearchMail],
    ),
    (AccountRole::Operator, &[Permission::ManageTenants, Permission::ReadStatus]),
    (AccountRole::User, &[Permission::ReadMail, Permission::SearchMail]),
];

/// What `role` may do.
pub fn permissions(role: AccountRole) -> &'static [Permission] {
    ROLES.iter().find(|(named, _)| *named == role).map_or(&[], |(_, permissions)| permissions)
}

/// An address, owned for a span of time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OwnedAddress {
    /// [`model::EmailAddress::key`].
    pub key: String,
    /// The first moment that belongs to the span; `None`: from the beginning of time.
    pub from: Option<Timestamp>,
    /// The first moment that no longer belongs to the span; `None`: without end.
    pub until: Option<Timestamp>,
}

impl OwnedAddress {
    /// Whether the span covers the moment `at`.
    pub fn covers(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }
}

/// Who asks: an account that has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub account: AccountId,
    /// `None` for operators, who belong to no tenant.
    pub tenant: Option<TenantId>,
    pub role: AccountRole,
    pub addresses: Vec<OwnedAddress>,
}

/// The account may not do this. Towards the account, what it may not see does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the role of this account does not allow this")]
pub struct Denied;

/// Whether the actor may do what `permission` names, within its own tenant.
pub fn authorize(actor: &Actor, permission: Permission) -> Result<(), Denied> {
    let belongs = actor.tenant.is_some() != (actor.role == AccountRole::Operator);
    if belongs && permissions(actor.role).contains(&permission) { Ok(()) } else { Err(Denied) }
}
