use model::{AccountId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{AccountRole, Permission, Span, permissions};

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
        self.span().covers(at)
    }

    pub fn span(&self) -> Span {
        Span { from: self.from, until: self.until }
    }
}

/// Who asks: an account that has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub account: AccountId,
    /// `None` for operators, who belong to no tenant.
    pub tenant: Option<TenantId>,
    pub role: AccountRole,
    /// Own ones, now and before, and those of mailboxes that grants open; see [`crate::opened`].
    pub addresses: Vec<OwnedAddress>,
    /// When mail was received of which grants open everything.
    pub everything: Vec<Span>,
    /// A program acts with less than the account's rights: only these. `None`: with all of them.
    pub limited_to: Option<Vec<Permission>>,
}

/// The account may not do this. Towards the account, what it may not see does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the role of this account does not allow this")]
pub struct Denied;

/// Whether the actor may do what `permission` names, within its own tenant.
pub fn authorize(actor: &Actor, permission: Permission) -> Result<(), Denied> {
    let belongs = actor.tenant.is_some() != (actor.role == AccountRole::Operator);
    let granted = actor.limited_to.as_ref().is_none_or(|limits| limits.contains(&permission));
    let allowed = belongs && granted && permissions(actor.role).contains(&permission);
    if allowed { Ok(()) } else { Err(Denied) }
}
