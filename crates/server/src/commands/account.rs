//! `chancery account`: who can sign in.

use std::io::Read as _;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use catalog::{Account, AccountFilter, AccountKind, AccountRow, AuditEvent, Grantee};
use clap::Subcommand;
use identity::{AccountDraft, By, Identity, NewGrant, SystemRandom};
use model::{Clock as _, EmailAddress, TenantId};
use policy::{AccountRole, Grant, GrantKind, Opens, Span};
use serde_json::json;

use super::order::{COMMAND_LINE, show};
use super::{people, print};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::house::House;

#[derive(Subcommand)]
pub enum Command {
    /// Create an account, and print its one-time password unless a password is given
    Add {
        /// The tenant's name; an operator has none
        #[arg(long)]
        tenant: Option<String>,
        /// The name to sign in with
        #[arg(long)]
        user: String,
        /// The person's name
        #[arg(long)]
        name: Option<String>,
        /// administrator, auditor, officer, operator or user
        #[arg(long, default_value = "user")]
        role: AccountRole,
        /// An address whose mail the account may see; may be given several times
        #[arg(long = "address")]
        addresses: Vec<String>,
        /// Open all mail of the tenant to this auditor or officer, for this reason
        #[arg(long, value_name = "REASON")]
        whole_tenant: Option<String>,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
        #[arg(long)]
        json: bool,
    },
    /// Give an account one more address
    Address {
        #[arg(long)]
        user: String,
        #[arg(long)]
        address: String,
        /// Open all its past mail, also of an earlier owner's time, for this reason
        #[arg(long, value_name = "REASON")]
        everything: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// List the accounts of a tenant, or the operators
    List {
        #[arg(long)]
        tenant: Option<String>,
        /// Words that all occur in user name, names or a present address
        #[arg(long)]
        filter: Option<String>,
        #[arg(long)]
        json: bool,
    },
    #[command(flatten)]
    More(people::Command),
    /// End all sessions of an account
    EndSessions {
        #[arg(long)]
        user: String,
        #[arg(long)]
        json: bool,
    },
    /// Take all second factors of an account away and end its sessions
    ResetSecondFactor {
        #[arg(long)]
        user: String,
        #[arg(long)]
        reason: String,
        #[arg(long)]
        json: bool,
    },
    /// Give an account a new one-time password and end its sessions
    ResetPassword {
        #[arg(long)]
        user: String,
        #[arg(long)]
        json: bool,
    },
}

pub fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    if let Command::More(command) = command {
        return people::run(config, command);
    }
    let house = House::open(config)?;
    let identity = Identity::new(Arc::clone(&house.catalog), Arc::new(SystemRandom))?;
    let (now, by) = (SystemClock.now(), By::server(COMMAND_LINE));
    match command {
        Command::Add {
            tenant,
            user,
            name,
            role,
            addresses,
            whole_tenant,
            password_stdin,
            json,
        } => {
            let tenant = tenant.map(|name| house.tenant_named(&name)).transpose()?;
            anyhow::ensure!(
                tenant.is_some() != (role == AccountRole::Operator),
                "an operator belongs to no tenant, every other account needs --tenant"
            );
            let password = password_stdin.then(read_password).transpose()?;
            let draft = AccountDraft {
                tenant: tenant.map(|it| it.id),
                user_name: &user,
                first_name: "",
                last_name: "",
                display_name: name.as_deref().unwrap_or(&user),
                kind: AccountKind::Person,
                role,
                language: None,
                password: password.as_deref(),
                addresses: addresses.iter().map(|one| EmailAddress::new(one)).collect(),
            };
            let (account, one_time) = identity.create_account(&draft, &by, now)?;
            if let (Some(reason), Some(tenant)) = (&whole_tenant, account.tenant) {
                let grant = Grant {
                    opens: Opens::Tenant,
                    kind: GrantKind::Audit,
                    valid: Span::ALWAYS,
                    mail: Span::ALWAYS,
                };
                let grantee = Grantee::Account(account.id);
                let new = NewGrant { grantee, grant, reason };
                identity.grant(tenant, &new, &by, now)?;
            }
            let one_time = one_time.as_ref().map(|it| it.reveal());
            let mut facts = people::facts(&account);
            facts["oneTimePassword"] = json!(one_time);
            show(json, &facts, || one_time.unwrap_or_default().to_owned());
        }
        Command::Address { user, address, everything, json } => {
            let account = people::named(&house, &user)?;
            let tenant = account.tenant.context("an operator owns no address")?;
            let address = EmailAddress::new(&address);
            let everything = everything.as_deref();
            let span = identity.hand_over(tenant, account.id, &address, everything, &by, now)?;
            let span = span.context("the account is gone")?;
            show(json, &json!(span), || match span.from {
                None => "all past mail".to_owned(),
                Some(from) => format!("mail received from {from} on"),
            });
        }
        Command::List { tenant, filter, json } => {
            let tenant = tenant.map(|name| house.tenant_named(&name)).transpose()?;
            list(&house, tenant.map(|it| it.id), filter, json)?;
        }
        // Handled above.
        Command::More(_) => {}
        Command::EndSessions { user, json } => {
            let account = named(&house, &user)?;
            let ended = house.catalog.end_sessions(account.id)?;
            let detail = json!({ "ended": ended });
            let object = account.id.to_string();
            house.catalog.audit(&[by.event(account.tenant, "session.end", object, detail, now)])?;
            if json {
                print(&json!({ "ended": ended }).to_string());
            }
        }
        Command::ResetSecondFactor { user, reason, json } => {
            let account = named(&house, &user)?;
            anyhow::ensure!(!reason.trim().is_empty(), "give a reason");
            let (object, detail) = (account.id.to_string(), serde_json::Value::Null);
            let event = by.event(account.tenant, "second-factor.reset", object, detail, now);
            let event = AuditEvent { reason: Some(reason), ..event };
            let reset = identity.reset_second_factors(&account, &event)?;
            if json {
                print(&json!({ "reset": reset }).to_string());
            }
        }
        Command::ResetPassword { user, json } => {
            let account = named(&house, &user)?;
            let one_time = identity.reset_password(account.id, &by, now)?;
            let value = json!({ "id": account.id, "oneTimePassword": one_time.reveal() });
            show(json, &value, || one_time.reveal().to_owned());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// All pages of the list.
fn list(
    house: &House,
    tenant: Option<TenantId>,
    text: Option<String>,
    as_json: bool,
) -> anyhow::Result<()> {
    let filter = AccountFilter { text, ..AccountFilter::default() };
    let (mut rows, mut text) = (Vec::new(), String::new());
    let mut after: Option<String> = None;
    loop {
        let limit = catalog::ACCOUNT_PAGE_ROWS_MAX;
        let page = house.catalog.account_page(tenant, &filter, after.as_deref(), limit)?;
        let Some(last) = page.rows.last() else { break };
        after = Some(last.account.user_name.clone());
        for AccountRow { account, addresses, .. } in &page.rows {
            let keys: Vec<&str> = addresses.iter().map(|span| span.key.as_str()).collect();
            let (user, role) = (&account.user_name, account.role);
            text.push_str(&format!("{user}  {role}  {}\n", keys.join(" ")));
            let mut facts = people::facts(account);
            facts["addresses"] = json!(addresses);
            rows.push(facts);
        }
    }
    show(as_json, &json!(rows), || text);
    Ok(())
}

fn named(house: &House, user: &str) -> anyhow::Result<Account> {
    let account = house.catalog.account_named(user)?;
    account.with_context(|| format!("there is no account {user:?}"))
}

/// One line; longer input than any password is refused by the identity's own limit.
fn read_password() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().take(16 * 1024).read_to_string(&mut text).context("no password on input")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
