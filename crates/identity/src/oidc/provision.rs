//! From a person at a provider to an account here.

use catalog::{
    Account, AuditEvent, CatalogError, Conflict, Handover, Link, LinkBy, Provider,
    USER_NAME_CHARS_MAX,
};
use model::{AccountId, EmailAddress, Timestamp};
use policy::AccountRole;
use serde_json::json;

use super::Refusal;
use super::person::Person;
use super::rules::{Decision, decide};
use crate::Identity;
use crate::accounts::account_event;
use crate::error::IdentityError;

impl Identity {
    /// The account of the person: linked before, linked now, or made now, as the provider's
    /// settings say. Never one that may not sign in, never one without a role.
    pub(super) fn account_of(
        &self,
        provider: &Provider,
        person: &Person,
        now: Timestamp,
    ) -> Result<Account, IdentityError> {
        let account = match self.catalog.linked(provider.id, &person.subject)? {
            Some(link) => {
                let account = self.catalog.account(link.account)?;
                let account = account.ok_or(Refusal::UnknownAccount)?;
                if link.created {
                    self.with_role(provider, account, role(provider, person)?, now)?
                } else {
                    account
                }
            }
            None => match self.find(provider, person)? {
                Some(account) => self.linked_now(provider, person, account, now)?,
                None if provider.settings.create_accounts => self.create(provider, person, now)?,
                None => return Err(Refusal::UnknownAccount.into()),
            },
        };
        match account.tenant == provider.tenant && self.is_open(Some(&account))? {
            true => Ok(account),
            false => Err(Refusal::AccountDisabled.into()),
        }
    }

    /// An account that exists and is this person's, by the rule that the administrator chose.
    fn find(&self, provider: &Provider, person: &Person) -> Result<Option<Account>, IdentityError> {
        let settings = &provider.settings;
        let found = match settings.link {
            LinkBy::Never => None,
            LinkBy::UserName => match person.user_name() {
                Some(name) => self.catalog.account_named(name)?,
                None => None,
            },
            LinkBy::VerifiedEmail => {
                match (provider.tenant, person.verified_email(settings.kind)) {
                    (Some(tenant), Some(email)) => {
                        let key = EmailAddress::new(email).key();
                        let owner = self.catalog.address_owner(tenant, &key)?;
                        match owner.filter(|(_, span)| span.until.is_none()) {
                            Some((owner, _)) => self.catalog.account(owner)?,
                            None => None,
                        }
                    }
                    _ => None,
                }
            }
        };
        Ok(found.filter(|account| account.tenant == provider.tenant))
    }

    fn linked_now(
        &self,
        provider: &Provider,
        person: &Person,
        account: Account,
        now: Timestamp,
    ) -> Result<Account, IdentityError> {
        if !self.is_open(Some(&account))? {
            return Err(Refusal::AccountDisabled.into());
        }
        self.link(provider, person, account.id, false, now)?;
        let event = account_event("sign-in.link", &account, &account.user_name, now);
        let detail = json!({ "provider": provider.id, "by": provider.settings.link });
        self.catalog.audit(&[AuditEvent { detail, ..event }])?;
        Ok(account)
    }

    fn link(
        &self,
        provider: &Provider,
        person: &Person,
        account: AccountId,
        created: bool,
        now: Timestamp,
    ) -> Result<(), IdentityError> {
        let subject = person.subject.clone();
        let link = Link { provider: provider.id, subject, account, created, linked_at: now };
        match self.catalog.link(&link) {
            Err(CatalogError::Conflict(Conflict::Linked)) => Err(Refusal::AlreadyLinked.into()),
            other => Ok(other?),
        }
    }

    fn create(
        &self,
        provider: &Provider,
        person: &Person,
        now: Timestamp,
    ) -> Result<Account, IdentityError> {
        let role = role(provider, person)?;
        let name = person.user_name().ok_or(Refusal::MissingClaim)?;
        if name.chars().count() > USER_NAME_CHARS_MAX {
            return Err(Refusal::MissingClaim.into());
        }
        let id = AccountId::from_bytes(self.draw());
        let mut account = Account::new(id, provider.tenant, name, role, now);
        let part = |claim: &str| person.text(claim).unwrap_or_default().to_owned();
        account.first_name = part("given_name");
        account.last_name = part("family_name");
        account.display_name =
            crate::display_name(&part("name"), &account.first_name, &account.last_name);
        match self.catalog.add_account(&account, None) {
            Err(CatalogError::Conflict(Conflict::UserName)) => {
                return Err(Refusal::AlreadyLinked.into());
            }
            other => other?,
        }
        self.link(provider, person, id, true, now)?;
        let address = self.first_address(provider, person, &account, now)?;
        let event = account_event("account.create", &account, &account.user_name, now);
        let after = json!({
            "userName": account.user_name, "role": role, "provider": provider.id,
            "address": address,
        });
        self.catalog.audit(&[AuditEvent { detail: json!({ "after": after }), ..event }])?;
        Ok(account)
    }

    /// Gives a new account the address that the provider verified, if that is wanted, the address
    /// lies in the tenant's domains and is nobody's.
    fn first_address(
        &self,
        provider: &Provider,
        person: &Person,
        account: &Account,
        now: Timestamp,
    ) -> Result<Option<String>, IdentityError> {
        let settings = &provider.settings;
        let (true, Some(tenant)) = (settings.addresses_from_claims, provider.tenant) else {
            return Ok(None);
        };
        let Some(email) = person.verified_email(settings.kind) else { return Ok(None) };
        let address = EmailAddress::new(email);
        let domain = address.key().rsplit('@').next().unwrap_or_default().to_owned();
        let domains = self.catalog.domains(tenant)?;
        if !domains.iter().any(|own| own.name == domain) {
            return Ok(None);
        }
        match self.catalog.give_address(account.id, &address, Handover::Rule, now) {
            Ok(given) => Ok(Some(given.key)),
            Err(CatalogError::Conflict(Conflict::AddressOwned)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// An account that this provider made has the role that its rules give, at each sign-in.
    fn with_role(
        &self,
        provider: &Provider,
        account: Account,
        role: AccountRole,
        now: Timestamp,
    ) -> Result<Account, IdentityError> {
        if account.role == role {
            return Ok(account);
        }
        let before = account.role;
        let account = Account { role, ..account };
        self.catalog.update_account(&account)?;
        let event = account_event("account.role", &account, &account.user_name, now);
        let detail = json!({ "before": before, "after": role, "provider": provider.id });
        self.catalog.audit(&[AuditEvent { detail, ..event }])?;
        Ok(account)
    }
}

fn role(provider: &Provider, person: &Person) -> Result<AccountRole, Refusal> {
    match decide(&provider.settings.roles, person) {
        Decision::Role(role) => Ok(role),
        Decision::NoRole => Err(Refusal::NoRole),
        Decision::GroupsUnknown => Err(Refusal::GroupsUnknown),
    }
}
