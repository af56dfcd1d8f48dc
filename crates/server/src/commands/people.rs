//! What `chancery account` does besides adding and listing: changes, shared mailboxes, sheets.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use catalog::{Account, AccountKind};
use clap::Subcommand;
use identity::{
    AccountDraft, AccountEdit, By, Finding, Identity, ImportPlan, LineEffect, PlannedLine,
    SHEET_BYTES_MAX, SystemRandom,
};
use model::{AccountId, Clock as _, EmailAddress};
use policy::AccountRole;
use serde_json::{Value, json};

use super::group;
use super::order::{COMMAND_LINE, show};
use super::print;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::house::House;

#[derive(Subcommand)]
pub enum Command {
    /// Change names, role, language or flags of an account; what is not named stays
    Change {
        #[arg(long)]
        user: String,
        #[arg(long)]
        first_name: Option<String>,
        #[arg(long)]
        last_name: Option<String>,
        #[arg(long)]
        display_name: Option<String>,
        #[arg(long)]
        role: Option<AccountRole>,
        /// Sign-in is refused while it is true; mail stays
        #[arg(long)]
        disabled: Option<bool>,
        /// Selected for "archive only selected accounts"
        #[arg(long)]
        archived: Option<bool>,
        #[arg(long)]
        language: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// End the ownership of an address; mail received before stays visible
    EndAddress {
        #[arg(long)]
        user: String,
        #[arg(long)]
        address: String,
        #[arg(long)]
        json: bool,
    },
    /// Print all people of a tenant as CSV, with an empty password column
    Export {
        #[arg(long)]
        tenant: String,
    },
    /// Import accounts from CSV: user, password, first name, last name, e-mail, further e-mail…
    Import {
        #[arg(long)]
        tenant: String,
        /// The file; `-` is standard input
        file: PathBuf,
        /// Import it; without this, only what it would do is printed
        #[arg(long)]
        apply: bool,
        #[arg(long)]
        json: bool,
    },
    /// Select accounts for "archive only selected accounts", or take them out
    Select {
        #[arg(long)]
        tenant: String,
        /// A user name; may be given several times; without one, all accounts
        #[arg(long = "user", value_name = "USER")]
        users: Vec<String>,
        #[arg(long)]
        archived: bool,
        #[arg(long)]
        json: bool,
    },
    /// Create a shared mailbox, which owns addresses and never signs in
    Share {
        #[arg(long)]
        tenant: String,
        #[arg(long)]
        user: String,
        #[arg(long, default_value = "")]
        name: String,
        #[arg(long = "address")]
        addresses: Vec<String>,
        #[arg(long)]
        json: bool,
    },
}

pub fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let house = House::open(config)?;
    let identity = Identity::new(Arc::clone(&house.catalog), Arc::new(SystemRandom))?;
    let (now, by) = (SystemClock.now(), By::server(COMMAND_LINE));
    match command {
        Command::Change {
            user,
            first_name,
            last_name,
            display_name,
            role,
            disabled,
            archived,
            language,
            json,
        } => {
            let account = named(&house, &user)?;
            let edit = AccountEdit {
                first_name,
                last_name,
                display_name,
                role,
                disabled,
                archived,
                language,
            };
            let changed = identity.edit_account(account.tenant, account.id, &edit, &by, now)?;
            let changed = changed.context("the account is gone")?;
            show(json, &facts(&changed), String::new);
        }
        Command::EndAddress { user, address, json } => {
            let account = named(&house, &user)?;
            let tenant = account.tenant.context("an operator owns no address")?;
            let address = EmailAddress::new(&address);
            let ended = identity.take_address(tenant, account.id, &address, &by, now)?;
            anyhow::ensure!(ended, "{user} does not own this address");
            let value = json!({ "id": account.id, "address": address.key(), "endedAt": now });
            show(json, &value, String::new);
        }
        Command::Export { tenant } => {
            let tenant = house.tenant_named(&tenant)?.id;
            let text = identity.export_accounts(tenant)?;
            super::order::note(
                &house,
                Some(tenant),
                "account.export",
                String::new(),
                Value::Null,
                None,
            )?;
            print(text.trim_end());
        }
        Command::Import { tenant, file, apply, json } => {
            let tenant = house.tenant_named(&tenant)?.id;
            let octets = octets_of(&file)?;
            let plan = identity.plan_import(tenant, &octets, now)?;
            report(&plan, json);
            if !plan.is_sound() {
                anyhow::bail!("lines have errors; nothing is imported");
            }
            if apply {
                identity.import_accounts(tenant, &octets, plan.digest, &by, now)?;
            }
        }
        Command::Select { tenant, users, archived, json } => {
            let tenant = house.tenant_named(&tenant)?.id;
            let mut ids: Vec<AccountId> = Vec::with_capacity(users.len());
            for user in &users {
                ids.push(group::account(&house, tenant, user)?);
            }
            let ids = (!ids.is_empty()).then_some(&*ids);
            let changed = identity.select_accounts(tenant, ids, archived, &by, now)?;
            show(json, &json!({ "changed": changed }), || changed.to_string());
        }
        Command::Share { tenant, user, name, addresses, json } => {
            let draft = AccountDraft {
                tenant: Some(house.tenant_named(&tenant)?.id),
                user_name: &user,
                first_name: "",
                last_name: "",
                display_name: &name,
                kind: AccountKind::Shared,
                role: AccountRole::User,
                language: None,
                password: None,
                addresses: addresses.iter().map(|one| EmailAddress::new(one)).collect(),
            };
            let (account, _) = identity.create_account(&draft, &by, now)?;
            show(json, &facts(&account), || account.id.to_string());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The account of this name.
pub fn named(house: &House, user: &str) -> anyhow::Result<Account> {
    let account = house.catalog.account_named(user)?;
    account.with_context(|| format!("there is no account {user:?}"))
}

/// An account for programs.
pub fn facts(account: &Account) -> Value {
    json!({
        "id": account.id,
        "userName": account.user_name,
        "firstName": account.first_name,
        "lastName": account.last_name,
        "displayName": account.display_name,
        "kind": account.kind.name(),
        "role": account.role,
        "disabled": account.disabled,
        "archived": account.archived,
        "directory": account.origin.as_ref().map(|origin| origin.directory),
        "language": account.language,
        "createdAt": account.created_at,
    })
}

fn octets_of(file: &PathBuf) -> anyhow::Result<Vec<u8>> {
    let mut octets = Vec::new();
    // One octet more shows that it is too long.
    let limit = SHEET_BYTES_MAX as u64 + 1;
    let read = match file.as_os_str() == "-" {
        true => std::io::stdin().take(limit).read_to_end(&mut octets),
        false => {
            let file = std::fs::File::open(file)
                .with_context(|| format!("cannot open {}", file.display()))?;
            file.take(limit).read_to_end(&mut octets)
        }
    };
    read.context("cannot read the file")?;
    Ok(octets)
}

fn report(plan: &ImportPlan, as_json: bool) {
    let findings = |findings: &[Finding]| -> Vec<Value> {
        let shown = findings.iter().map(|one| json!({ "code": one.code, "detail": one.detail }));
        shown.collect()
    };
    let line = |line: &PlannedLine| {
        json!({
            "line": line.line,
            "userName": line.user_name,
            "effect": line.effect.name(),
            "changes": line.changes,
            "addresses": line.addresses,
            "notes": findings(&line.notes),
            "errors": findings(&line.errors),
        })
    };
    let lines: Vec<Value> = plan.lines.iter().map(line).collect();
    let value = json!({
        "created": plan.count(LineEffect::Create),
        "changed": plan.count(LineEffect::Change),
        "unchanged": plan.count(LineEffect::Unchanged),
        "refused": plan.count(LineEffect::Refused),
        "notes": findings(&plan.notes),
        "lines": lines,
    });
    show(as_json, &value, || {
        let mut text = String::new();
        for line in &plan.lines {
            let said = line.errors.iter().chain(&line.notes);
            let said: Vec<&str> = said.map(|one| one.detail.as_str()).collect();
            let effect = line.effect.name();
            let (number, user) = (line.line, &line.user_name);
            let changes = line.changes.join(", ");
            text.push_str(&format!(
                "{number:>6}  {effect:<9}  {user}  {changes}  {}\n",
                said.join("; ")
            ));
        }
        text
    });
}
