use catalog::{Account, AccountChange, AccountKind, Handover};
use model::{AccountId, Digest, DigestWriter, TenantId, Timestamp};
use policy::AccountRole;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::parse::{Line, finding, parse};
use super::{Finding, ImportPlan, LineEffect, PlannedLine};
use crate::Identity;
use crate::accounts::display_name;
use crate::error::IdentityError;
use crate::manage::{account_facts, difference, kept, renamed};
use crate::password::check_password;

/// One account that an import creates or changes.
pub struct Step {
    pub change: AccountChange,
    pub password: Option<Zeroizing<String>>,
    /// For the audit log.
    pub before: Value,
    pub after: Value,
}

impl Identity {
    /// What an import of `octets` would do. Writes nothing, hashes nothing; reads the catalog once
    /// or twice per line.
    pub fn plan_import(
        &self,
        tenant: TenantId,
        octets: &[u8],
        now: Timestamp,
    ) -> Result<ImportPlan, IdentityError> {
        let sheet = parse(octets);
        let mut lines = Vec::with_capacity(sheet.lines.len());
        let mut steps = Vec::new();
        for line in sheet.lines {
            let (planned, step) = self.plan_line(tenant, line, now)?;
            lines.push(planned);
            steps.extend(step);
        }
        let digest = digest(tenant, octets, &lines);
        Ok(ImportPlan { lines, notes: sheet.notes, digest, steps })
    }

    fn plan_line(
        &self,
        tenant: TenantId,
        line: Line,
        now: Timestamp,
    ) -> Result<(PlannedLine, Option<Step>), IdentityError> {
        let mut planned = PlannedLine {
            line: line.number,
            user_name: line.user_name.clone(),
            effect: LineEffect::Refused,
            changes: Vec::new(),
            addresses: Vec::new(),
            notes: Vec::new(),
            errors: line.errors.clone(),
        };
        if line.user_name.is_empty() {
            return Ok((planned, None));
        }
        let known = self.catalog.account_named(&line.user_name)?;
        if known.as_ref().is_some_and(|account| account.tenant != Some(tenant)) {
            planned.errors.push(finding("user-name-taken", "the user name is taken"));
            return Ok((planned, None));
        }
        if !line.password.is_empty()
            && let Err(weak) = check_password(&line.user_name, &line.password)
        {
            planned.errors.push(finding("weak-password", weak.to_string()));
        }
        let mut change = match &known {
            Some(account) => kept(changed(account, &line)),
            None => AccountChange { new: true, ..kept(self.created(tenant, &line, now)) },
        };
        self.plan_addresses(tenant, &line, known.as_ref(), &mut change, &mut planned)?;
        if let Some(account) = &known {
            planned.errors.extend(refused(account, &change.account, &line));
        }
        planned.changes = changes(known.as_ref(), &change, &line);
        if !planned.errors.is_empty() {
            return Ok((planned, None));
        }
        planned.effect = match (&known, planned.changes.is_empty()) {
            (None, _) => LineEffect::Create,
            (Some(_), false) => LineEffect::Change,
            (Some(_), true) => LineEffect::Unchanged,
        };
        if planned.effect == LineEffect::Unchanged {
            return Ok((planned, None));
        }
        let password = (!line.password.is_empty()).then_some(line.password);
        if known.is_none() && password.is_none() {
            let detail = "without a password the account cannot sign in until it is given one";
            planned.notes.push(finding("no-password", detail));
        }
        // Somebody else chose it.
        change.account.must_change_password |= password.is_some();
        let step = step(known.as_ref(), change, password);
        Ok((planned, Some(step)))
    }

    /// Addresses that the account does not own yet; those of others are refused.
    fn plan_addresses(
        &self,
        tenant: TenantId,
        line: &Line,
        known: Option<&Account>,
        change: &mut AccountChange,
        planned: &mut PlannedLine,
    ) -> Result<(), IdentityError> {
        for address in &line.addresses {
            let owner = self.catalog.address_owner(tenant, &address.key())?;
            let owner = owner.filter(|(_, span)| span.until.is_none());
            match owner {
                Some((owner, _)) if known.is_some_and(|known| known.id == owner) => {}
                Some((owner, _)) => {
                    let name = self.catalog.account(owner)?.map(|owner| owner.user_name);
                    let detail = format!("{address} belongs to {}", name.unwrap_or_default());
                    planned.errors.push(finding("address-owned", detail));
                }
                None => {
                    planned.addresses.push(address.to_string());
                    change.give.push((address.clone(), Handover::Rule));
                }
            }
        }
        Ok(())
    }

    fn created(&self, tenant: TenantId, line: &Line, now: Timestamp) -> Account {
        let id = AccountId::from_bytes(self.draw());
        Account {
            first_name: line.first_name.clone(),
            last_name: line.last_name.clone(),
            display_name: display_name("", &line.first_name, &line.last_name),
            ..Account::new(id, Some(tenant), &line.user_name, AccountRole::User, now)
        }
    }
}

fn changed(account: &Account, line: &Line) -> Account {
    Account {
        first_name: line.first_name.clone(),
        last_name: line.last_name.clone(),
        display_name: renamed(account, &line.first_name, &line.last_name),
        ..account.clone()
    }
}

/// What an import may not do to an account that is there.
fn refused(account: &Account, after: &Account, line: &Line) -> Vec<Finding> {
    let mut errors = Vec::new();
    if account.kind == AccountKind::Shared && !line.password.is_empty() {
        errors.push(finding("shared-mailbox", "a shared mailbox has no password"));
    }
    if account.origin.is_some() && (account != after || !line.password.is_empty()) {
        let detail = "the account comes from a directory: its names and password are changed there";
        errors.push(finding("directory-account", detail));
    }
    errors
}

fn changes(known: Option<&Account>, change: &AccountChange, line: &Line) -> Vec<&'static str> {
    let Some(before) = known else { return Vec::new() };
    let after = &change.account;
    [
        ("firstName", before.first_name != after.first_name),
        ("lastName", before.last_name != after.last_name),
        ("password", !line.password.is_empty()),
        ("addresses", !change.give.is_empty()),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect()
}

fn step(
    known: Option<&Account>,
    change: AccountChange,
    password: Option<Zeroizing<String>>,
) -> Step {
    let mut after = account_facts(&change.account);
    if !change.give.is_empty() {
        let given: Vec<String> = change.give.iter().map(|(one, _)| one.to_string()).collect();
        after.insert("addresses".to_owned(), json!(given));
    }
    if password.is_some() {
        after.insert("password".to_owned(), json!("set"));
    }
    let (before, after) = match known {
        None => (Value::Null, Value::Object(after)),
        Some(known) => difference(&account_facts(known), &after),
    };
    Step { change, password, before, after }
}

/// Of the file and of what it does now: whoever changes an account meanwhile changes it.
fn digest(tenant: TenantId, octets: &[u8], lines: &[PlannedLine]) -> Digest {
    let mut digest = DigestWriter::new();
    digest.update(tenant.as_bytes());
    digest.update(&(octets.len() as u64).to_be_bytes());
    digest.update(octets);
    for line in lines {
        digest.update(&line.line.to_be_bytes());
        digest.update(line.effect.name().as_bytes());
        for text in line.changes.iter().copied().chain(line.addresses.iter().map(String::as_str)) {
            digest.update(b"\0");
            digest.update(text.as_bytes());
        }
    }
    digest.finish()
}
