use catalog::{Account, AuditEvent, AuditOutcome};
use model::{AccountId, TenantId, Timestamp};
use policy::AccountRole;
use serde_json::Value;

use crate::error::IdentityError;
use crate::password::{OneTimePassword, check_password};
use crate::signin::Guess;
use crate::{By, Identity, error::WeakPassword};

/// An account to be added.
#[derive(Clone, Debug)]
pub struct NewAccount<'a> {
    /// `None` for operators.
    pub tenant: Option<TenantId>,
    pub user_name: &'a str,
    pub first_name: &'a str,
    pub last_name: &'a str,
    /// Empty: first and last name.
    pub display_name: &'a str,
    pub role: AccountRole,
    pub language: Option<&'a str>,
    /// `None`: a one-time password is drawn.
    pub password: Option<&'a str>,
}

impl Identity {
    /// Adds an account; the user name must be free. Returns the one-time password if none was given.
    pub fn add_account(
        &self,
        new: &NewAccount<'_>,
        now: Timestamp,
    ) -> Result<(Account, Option<OneTimePassword>), IdentityError> {
        let one_time = match new.password {
            Some(password) => {
                check_password(new.user_name, password)?;
                None
            }
            None => Some(OneTimePassword::draw(&*self.random)),
        };
        let id = AccountId::from_bytes(self.draw());
        let (first_name, last_name) = (new.first_name.trim(), new.last_name.trim());
        let account = Account {
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            display_name: display_name(new.display_name, first_name, last_name),
            must_change_password: one_time.is_some(),
            language: new.language.map(str::to_owned),
            ..Account::new(id, new.tenant, new.user_name.trim(), new.role, now)
        };
        let password = one_time.as_ref().map(OneTimePassword::reveal).or(new.password);
        let hash = self.hasher.hash(password.unwrap_or_default(), &*self.random)?;
        self.catalog.add_account(&account, Some(&hash))?;
        Ok((account, one_time))
    }

    /// Gives `tenant` its first administrator, with a one-time password; `None` when it has one
    /// already. Idempotent, but the password is shown by the first call only.
    pub fn ensure_first_administrator(
        &self,
        tenant: TenantId,
        user_name: &str,
        now: Timestamp,
    ) -> Result<Option<OneTimePassword>, IdentityError> {
        let accounts = self.catalog.accounts(Some(tenant))?;
        if accounts.iter().any(|account| account.role == AccountRole::Administrator) {
            return Ok(None);
        }
        let new = NewAccount {
            tenant: Some(tenant),
            user_name,
            first_name: "",
            last_name: "",
            display_name: "",
            role: AccountRole::Administrator,
            language: None,
            password: None,
        };
        Ok(self.add_account(&new, now)?.1)
    }

    /// Gives the account a one-time password and ends its sessions. A shared mailbox has none.
    pub fn reset_password(
        &self,
        id: AccountId,
        by: &By,
        now: Timestamp,
    ) -> Result<OneTimePassword, IdentityError> {
        let account = self.catalog.account(id)?;
        let account = account.ok_or(catalog::CatalogError::NotFound("the account"))?;
        let password = OneTimePassword::draw(&*self.random);
        let hash = self.hasher.hash(password.reveal(), &*self.random)?;
        self.catalog.set_password(id, &hash, true, None)?;
        let object = account.id.to_string();
        let event = by.event(account.tenant, "password.reset", object, Value::Null, now);
        self.catalog.audit(&[event])?;
        Ok(password)
    }

    /// Sets a new password after checking the present one, ends the account's other sessions, and
    /// takes away the duty to change it. Wrong guesses are slowed as at sign-in.
    pub fn change_password(
        &self,
        token: &str,
        present: &str,
        new: &str,
        now: Timestamp,
    ) -> Result<(), IdentityError> {
        let current = self.current(token, now)?.ok_or(IdentityError::NoSession)?;
        let account = &current.account;
        let session = current.session().ok_or(IdentityError::NoSession)?;
        let guess = Guess::password(&account.user_name, session.ip, None);
        self.try_once(&guess, now, || {
            let hash = self.catalog.password_hash(account.id)?;
            Ok(self.hasher.verify(present, hash.as_deref())?.then_some(()))
        })?;
        check_password(&account.user_name, new)?;
        if new == present {
            return Err(WeakPassword::Same.into());
        }
        let hash = self.hasher.hash(new, &*self.random)?;
        self.catalog.set_password(account.id, &hash, false, Some(session.token_hash))?;
        let event = account_event("password.change", account, &account.user_name, now);
        self.catalog.audit(&[AuditEvent { ip: session.ip, ..event }])?;
        Ok(())
    }
}

/// The name that is shown: the one that was given, or first and last name.
pub fn display_name(given: &str, first_name: &str, last_name: &str) -> String {
    let given = given.trim();
    if given.is_empty() {
        format!("{} {}", first_name.trim(), last_name.trim()).trim().to_owned()
    } else {
        given.to_owned()
    }
}

pub(crate) fn account_event(
    action: &str,
    account: &Account,
    by: &str,
    now: Timestamp,
) -> AuditEvent {
    AuditEvent {
        at: now,
        tenant: account.tenant,
        account: Some(account.id),
        who: by.to_owned(),
        action: action.to_owned(),
        object: account.id.to_string(),
        detail: Default::default(),
        reason: None,
        outcome: AuditOutcome::Done,
        ip: None,
    }
}
