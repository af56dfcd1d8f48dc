//! Accounts as administrators manage them. Every change stands in the audit log, in the same
//! transaction.

use catalog::{Account, AccountChange, AccountKind, AuditEvent, CatalogError, Handover};
use model::{AccountId, EmailAddress, TenantId, Timestamp};
use policy::{AccountRole, OwnedAddress};
use serde_json::{Map, Value, json};

use crate::accounts::display_name;
use crate::by::change;
use crate::error::IdentityError;
use crate::grants::said;
use crate::password::{OneTimePassword, check_password};
use crate::{By, Identity};

/// Addresses that one account owns at a time, at most.
pub const ACCOUNT_ADDRESSES_MAX: usize = 2_000;

/// An account to be created, by a person.
#[derive(Clone, Debug)]
pub struct AccountDraft<'a> {
    /// `None` for operators.
    pub tenant: Option<TenantId>,
    pub user_name: &'a str,
    pub first_name: &'a str,
    pub last_name: &'a str,
    /// Empty: first and last name.
    pub display_name: &'a str,
    pub kind: AccountKind,
    pub role: AccountRole,
    pub language: Option<&'a str>,
    /// `None`: a one-time password is drawn, but for a shared mailbox.
    pub password: Option<&'a str>,
    pub addresses: Vec<EmailAddress>,
}

/// What is to change about an account; `None` leaves it as it is. The user name never changes.
#[derive(Clone, Debug, Default)]
pub struct AccountEdit {
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    /// Empty: first and last name.
    pub display_name: Option<String>,
    pub role: Option<AccountRole>,
    pub disabled: Option<bool>,
    pub archived: Option<bool>,
    /// Empty: that of the browser.
    pub language: Option<String>,
}

impl Identity {
    /// Creates an account with its addresses: all of it or nothing. Returns the one-time password
    /// if one was drawn.
    pub fn create_account(
        &self,
        draft: &AccountDraft<'_>,
        by: &By,
        now: Timestamp,
    ) -> Result<(Account, Option<OneTimePassword>), IdentityError> {
        let one_time = match (draft.kind, draft.password) {
            (AccountKind::Shared, Some(_)) => {
                return Err(CatalogError::Invalid("the password of a shared mailbox").into());
            }
            (AccountKind::Shared, None) => None,
            (AccountKind::Person, Some(password)) => {
                check_password(draft.user_name, password)?;
                None
            }
            (AccountKind::Person, None) => Some(OneTimePassword::draw(&*self.random)),
        };
        let password = one_time.as_ref().map(OneTimePassword::reveal).or(draft.password);
        let hash = password.map(|one| self.hasher.hash(one, &*self.random)).transpose()?;
        let id = AccountId::from_bytes(self.draw());
        let (first_name, last_name) = (draft.first_name.trim(), draft.last_name.trim());
        let account = Account {
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            display_name: display_name(draft.display_name, first_name, last_name),
            kind: draft.kind,
            must_change_password: one_time.is_some(),
            language: draft.language.map(str::to_owned),
            ..Account::new(id, draft.tenant, draft.user_name.trim(), draft.role, now)
        };
        let mut after = account_facts(&account);
        after.insert("addresses".to_owned(), json!(draft.addresses));
        let detail = change(Value::Null, after.into());
        let event = by.event(draft.tenant, "account.create", id.to_string(), detail, now);
        let created = AccountChange {
            account: account.clone(),
            new: true,
            password_hash: hash,
            end: Vec::new(),
            give: draft.addresses.iter().map(|one| (one.clone(), Handover::Rule)).collect(),
        };
        self.catalog.change_accounts(draft.tenant, &[created], &[event], now)?;
        Ok((account, one_time))
    }

    /// Changes an account of `tenant` (`None`: an operator). Nobody changes their own role or
    /// disables themselves ([`IdentityError::OwnAccount`]): so somebody is always left who
    /// administers. `None`: there is no such account.
    pub fn edit_account(
        &self,
        tenant: Option<TenantId>,
        id: AccountId,
        edit: &AccountEdit,
        by: &By,
        now: Timestamp,
    ) -> Result<Option<Account>, IdentityError> {
        let Some(before) = self.member(tenant, id)? else { return Ok(None) };
        let after = edited(&before, edit);
        let own = by.account == Some(id);
        if own && (after.role != before.role || after.disabled != before.disabled) {
            return Err(IdentityError::OwnAccount);
        }
        if after == before {
            return Ok(Some(after));
        }
        let action = match (before.disabled, after.disabled) {
            (false, true) => "account.disable",
            (true, false) => "account.enable",
            _ => "account.change",
        };
        let (old, new) = difference(&account_facts(&before), &account_facts(&after));
        let event = by.event(tenant, action, id.to_string(), change(old, new), now);
        self.catalog.change_accounts(tenant, &[kept(after.clone())], &[event], now)?;
        Ok(Some(after))
    }

    /// Gives an address from now on. By the rule, one that had an owner before opens only mail
    /// from the hand-over on; with a reason in `everything` all its past mail too. `None`: there
    /// is no such account.
    pub fn hand_over(
        &self,
        tenant: TenantId,
        id: AccountId,
        address: &EmailAddress,
        everything: Option<&str>,
        by: &By,
        now: Timestamp,
    ) -> Result<Option<OwnedAddress>, IdentityError> {
        let Some(account) = self.member(Some(tenant), id)? else { return Ok(None) };
        let reason = everything.map(said);
        if reason == Some(None) {
            return Err(CatalogError::Invalid("the reason").into());
        }
        let present = |own: &&OwnedAddress| own.until.is_none();
        let owned = self.catalog.addresses(id)?;
        let before = owned.iter().find(|own| own.key == address.key() && present(own));
        if let Some(own) = before {
            return Ok(Some(own.clone()));
        }
        if owned.iter().filter(present).count() >= ACCOUNT_ADDRESSES_MAX {
            return Err(CatalogError::Invalid("the number of addresses").into());
        }
        let handover = if reason.is_some() { Handover::Everything } else { Handover::Rule };
        let previous = self.catalog.address_owner(tenant, &address.key())?;
        let detail = change(
            previous.map_or(Value::Null, |(owner, span)| json!({ "owner": owner, "span": span })),
            json!({ "owner": id, "address": address, "everything": reason.is_some() }),
        );
        let event = by.event(Some(tenant), "address.give", id.to_string(), detail, now);
        let event = AuditEvent { reason: reason.flatten(), ..event };
        let given = AccountChange { give: vec![(address.clone(), handover)], ..kept(account) };
        self.catalog.change_accounts(Some(tenant), &[given], &[event], now)?;
        let owned = self.catalog.addresses(id)?;
        Ok(owned.into_iter().find(|own| own.key == address.key() && present(&own)))
    }

    /// Ends the ownership of an address; mail received before stays visible. `false`: the account
    /// does not own it, or there is none.
    pub fn take_address(
        &self,
        tenant: TenantId,
        id: AccountId,
        address: &EmailAddress,
        by: &By,
        now: Timestamp,
    ) -> Result<bool, IdentityError> {
        let Some(account) = self.member(Some(tenant), id)? else { return Ok(false) };
        let owned = self.catalog.addresses(id)?;
        let present = |own: &&OwnedAddress| own.until.is_none() && own.key == address.key();
        let Some(span) = owned.iter().find(present) else { return Ok(false) };
        let ended = json!({ "address": address, "until": now });
        let detail = change(json!({ "address": address, "from": span.from }), ended);
        let event = by.event(Some(tenant), "address.end", id.to_string(), detail, now);
        let taken = AccountChange { end: vec![address.clone()], ..kept(account) };
        self.catalog.change_accounts(Some(tenant), &[taken], &[event], now)?;
        Ok(true)
    }

    /// Marks accounts for "archive only selected accounts" (`None`: all); returns how many changed.
    pub fn select_accounts(
        &self,
        tenant: TenantId,
        accounts: Option<&[AccountId]>,
        archived: bool,
        by: &By,
        now: Timestamp,
    ) -> Result<u64, IdentityError> {
        let changed = self.catalog.set_archived(tenant, accounts, archived)?;
        let selection = accounts.map_or(json!("all"), |ids| json!(ids));
        let detail = json!({ "accounts": selection, "archived": archived, "changed": changed });
        let event = by.event(Some(tenant), "account.select", String::new(), detail, now);
        self.catalog.audit(&[event])?;
        Ok(changed)
    }

    /// The account, if it belongs to `tenant`.
    fn member(
        &self,
        tenant: Option<TenantId>,
        id: AccountId,
    ) -> Result<Option<Account>, IdentityError> {
        Ok(self.catalog.account(id)?.filter(|account| account.tenant == tenant))
    }
}

/// A change that leaves password and addresses alone.
pub(crate) fn kept(account: Account) -> AccountChange {
    AccountChange { account, new: false, password_hash: None, end: Vec::new(), give: Vec::new() }
}

fn edited(before: &Account, edit: &AccountEdit) -> Account {
    let mut after = before.clone();
    let set = |field: &mut String, value: &Option<String>| {
        if let Some(value) = value {
            *field = value.trim().to_owned();
        }
    };
    set(&mut after.first_name, &edit.first_name);
    set(&mut after.last_name, &edit.last_name);
    after.display_name = match &edit.display_name {
        Some(name) => display_name(name, &after.first_name, &after.last_name),
        None => renamed(before, &after.first_name, &after.last_name),
    };
    after.role = edit.role.unwrap_or(before.role);
    after.disabled = edit.disabled.unwrap_or(before.disabled);
    after.archived = edit.archived.unwrap_or(before.archived);
    if let Some(language) = &edit.language {
        after.language = said(language);
    }
    after
}

/// The name to show after first and last name changed: one that was made of them follows.
pub(crate) fn renamed(before: &Account, first_name: &str, last_name: &str) -> String {
    let made = display_name("", &before.first_name, &before.last_name);
    if before.display_name.is_empty() || before.display_name == made {
        display_name("", first_name, last_name)
    } else {
        before.display_name.clone()
    }
}

/// What the audit log says about an account; no secrets.
pub(crate) fn account_facts(account: &Account) -> Map<String, Value> {
    let facts = json!({
        "userName": account.user_name,
        "firstName": account.first_name,
        "lastName": account.last_name,
        "displayName": account.display_name,
        "kind": account.kind.name(),
        "role": account.role,
        "archived": account.archived,
        "directory": account.origin.as_ref().map(|origin| origin.directory),
        "disabled": account.disabled,
        "language": account.language,
    });
    match facts {
        Value::Object(facts) => facts,
        _ => Map::new(),
    }
}

/// Only what differs, before and after.
pub(crate) fn difference(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> (Value, Value) {
    let part = |one: &Map<String, Value>, other: &Map<String, Value>| -> Value {
        let differs = one.iter().filter(|(name, value)| other.get(*name) != Some(value));
        Value::Object(differs.map(|(name, value)| (name.clone(), value.clone())).collect())
    };
    (part(before, after), part(after, before))
}
