//! `chancery account`: who can sign in.

use std::io::Read as _;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use catalog::{Grantee, Handover};
use clap::Subcommand;
use identity::{By, Identity, NewAccount, NewGrant, SystemRandom};
use model::{Clock as _, EmailAddress};
use policy::{AccountRole, Grant, GrantKind, Opens, Span};

use super::print;
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
    },
    /// Give an account one more address
    Address {
        #[arg(long)]
        user: String,
        #[arg(long)]
        address: String,
    },
    /// List the accounts of a tenant, or the operators
    List {
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Give an account a new one-time password and end its sessions
    ResetPassword {
        #[arg(long)]
        user: String,
    },
}

pub fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let house = House::open(config)?;
    let identity = Identity::new(Arc::clone(&house.catalog), Arc::new(SystemRandom))?;
    let now = SystemClock.now();
    match command {
        Command::Add { tenant, user, name, role, addresses, whole_tenant, password_stdin } => {
            let tenant = tenant.map(|name| house.tenant_named(&name)).transpose()?;
            anyhow::ensure!(
                tenant.is_some() != (role == AccountRole::Operator),
                "an operator belongs to no tenant, every other account needs --tenant"
            );
            let password = password_stdin.then(read_password).transpose()?;
            let (account, one_time) = identity.add_account(
                &NewAccount {
                    tenant: tenant.map(|it| it.id),
                    user_name: &user,
                    first_name: "",
                    last_name: "",
                    display_name: name.as_deref().unwrap_or(&user),
                    role,
                    language: None,
                    password: password.as_deref(),
                },
                now,
            )?;
            for address in &addresses {
                let address = EmailAddress::new(address);
                house.catalog.give_address(account.id, &address, Handover::Rule, now)?;
            }
            if let (Some(reason), Some(tenant)) = (&whole_tenant, account.tenant) {
                let grant = Grant {
                    opens: Opens::Tenant,
                    kind: GrantKind::Audit,
                    valid: Span::ALWAYS,
                    mail: Span::ALWAYS,
                };
                let grantee = Grantee::Account(account.id);
                let new = NewGrant { grantee, grant, reason };
                identity.grant(tenant, &new, &By::server("command line"), now)?;
            }
            if let Some(one_time) = one_time {
                print(one_time.reveal());
            }
        }
        Command::Address { user, address } => {
            let account = house.catalog.account_named(&user)?;
            let account = account.with_context(|| format!("there is no account {user:?}"))?;
            let address = EmailAddress::new(&address);
            let span = house.catalog.give_address(account.id, &address, Handover::Rule, now)?;
            match span.from {
                None => print("all past mail"),
                Some(from) => print(&format!("mail received from {from} on")),
            }
        }
        Command::List { tenant } => {
            let tenant = tenant.map(|name| house.tenant_named(&name)).transpose()?;
            for account in house.catalog.accounts(tenant.map(|it| it.id))? {
                let owned = house.catalog.addresses(account.id)?;
                let keys: Vec<&str> = owned.iter().map(|span| span.key.as_str()).collect();
                print(&format!("{}  {}  {}", account.user_name, account.role, keys.join(" ")));
            }
        }
        Command::ResetPassword { user } => {
            let account = house.catalog.account_named(&user)?;
            let account = account.with_context(|| format!("there is no account {user:?}"))?;
            let one_time = identity.reset_password(account.id, &By::server("command line"), now)?;
            print(one_time.reveal());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One line; longer input than any password is refused by the identity's own limit.
fn read_password() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().take(16 * 1024).read_to_string(&mut text).context("no password on input")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
