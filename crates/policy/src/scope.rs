use model::{TenantId, Timestamp};

use crate::{AccountRole, Actor, Denied, OwnedAddress, Permission, authorize};

/// The mail that one actor may see. Only [`authorize_read`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    tenant: TenantId,
    /// `None`: the whole tenant.
    addresses: Option<Vec<OwnedAddress>>,
}

/// What a scope shows, for those who turn it into a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View<'a> {
    /// Mail in which one of these addresses takes part, received within its span. No address, no
    /// mail.
    Addresses(&'a [OwnedAddress]),
    /// Everything of the tenant.
    Everything,
}

impl Scope {
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    pub fn view(&self) -> View<'_> {
        match &self.addresses {
            Some(addresses) => View::Addresses(addresses),
            None => View::Everything,
        }
    }

    /// Whether a mail received at `at` is visible through its participant `owner_key`
    /// ([`model::EmailAddress::key`]).
    pub fn sees(&self, owner_key: &str, at: Timestamp) -> bool {
        match &self.addresses {
            Some(owned) => owned.iter().any(|own| own.key == owner_key && own.covers(at)),
            None => true,
        }
    }

    /// Whether the blind-copy recipient `recipient_key` of a mail received at `at` may be named to
    /// the actor: to the recipient, to the mail's senders, and to who sees the whole tenant.
    pub fn sees_blind_copy<'k>(
        &self,
        recipient_key: &str,
        sender_keys: impl IntoIterator<Item = &'k str>,
        at: Timestamp,
    ) -> bool {
        self.sees(recipient_key, at) || sender_keys.into_iter().any(|key| self.sees(key, at))
    }
}

/// The mail that the actor may search and read. Administrators and operators are refused: they
/// configure, they do not read.
pub fn authorize_read(actor: &Actor) -> Result<Scope, Denied> {
    authorize(actor, Permission::ReadMail)?;
    let tenant = actor.tenant.ok_or(Denied)?;
    let addresses = match actor.role {
        AccountRole::Auditor => None,
        AccountRole::Officer | AccountRole::User => Some(actor.addresses.clone()),
        AccountRole::Administrator | AccountRole::Operator => return Err(Denied),
    };
    Ok(Scope { tenant, addresses })
}
