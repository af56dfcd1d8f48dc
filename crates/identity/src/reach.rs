//! From an account to the actor that `policy` decides about: its own addresses, and what grants
//! open to it at this moment.

use catalog::Account;
use model::{AccountId, TenantId, Timestamp};
use policy::{Actor, Opens, Permission};

use crate::Identity;
use crate::error::IdentityError;

impl Identity {
    /// Who `account` is at `now`, with everything that it may see: own addresses, those of
    /// mailboxes that grants open, and spans of the whole tenant. Reads the catalog; some
    /// milliseconds for hundreds of mailboxes.
    pub fn actor_of(&self, account: &Account, now: Timestamp) -> Result<Actor, IdentityError> {
        let mut actor = Actor {
            account: account.id,
            tenant: account.tenant,
            role: account.role,
            addresses: Vec::new(),
            everything: Vec::new(),
            limited_to: None,
        };
        // Who configures owns nothing here, whatever the directory says.
        if policy::authorize(&actor, Permission::ReadMail).is_err() {
            return Ok(actor);
        }
        actor.addresses = self.catalog.addresses(account.id)?;
        let grants = self.catalog.grants_for(account.id)?;
        if grants.is_empty() {
            return Ok(actor);
        }
        let approvals = match account.role.audits() && self.needs_four_eyes(account)? {
            true => Some(self.catalog.approvals(account.id)?),
            false => None,
        };
        let openings = policy::effective(account.role, &grants, approvals.as_deref(), now);
        let mut mailboxes: Vec<AccountId> = openings
            .iter()
            .filter_map(|opening| match opening.opens {
                Opens::Mailbox(mailbox) => Some(mailbox),
                Opens::Tenant => None,
            })
            .collect();
        mailboxes.sort_unstable();
        mailboxes.dedup();
        let owned = self.catalog.addresses_of(&mailboxes)?;
        let (addresses, everything) = policy::opened(&openings, &owned);
        actor.addresses.extend(addresses);
        actor.everything = everything;
        Ok(actor)
    }

    /// Whether the account's tenant lets auditors and officers use grants only with a second
    /// person's approval.
    fn needs_four_eyes(&self, account: &Account) -> Result<bool, IdentityError> {
        let Some(tenant) = account.tenant else { return Ok(false) };
        // A tenant that is not there needs whatever there is.
        Ok(self.catalog.tenant(tenant)?.is_none_or(|tenant| tenant.settings.four_eyes))
    }

    /// Whether the tenant wants those told whose mailbox an approval opens.
    pub(crate) fn tells_concerned(&self, tenant: TenantId) -> Result<bool, IdentityError> {
        Ok(self.catalog.tenant(tenant)?.is_some_and(|tenant| tenant.settings.tell_concerned))
    }
}
