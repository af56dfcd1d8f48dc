//! `chancery token`: by which programs use the API as an account.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use catalog::{Account, ApiToken};
use clap::Subcommand;
use identity::{API_TOKEN_DAYS_MAX, Identity, NewToken, SystemRandom};
use model::{ApiTokenId, Clock as _};
use policy::Permission;
use serde_json::{Value, json};

use super::print;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::house::House;

const BY: &str = "command line";

#[derive(Subcommand)]
pub enum Command {
    /// Create a token for an account, and print it: it is shown only now
    Create {
        #[arg(long)]
        user: String,
        /// What it is for
        #[arg(long)]
        name: String,
        /// A right of the account, such as read_status (docs/roles.md); may be given several times
        #[arg(long = "scope", required = true)]
        scopes: Vec<String>,
        /// Only what changes nothing
        #[arg(long)]
        read_only: bool,
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(i64).range(1..=API_TOKEN_DAYS_MAX))]
        days: i64,
        #[arg(long)]
        json: bool,
    },
    /// List the tokens of an account
    List {
        #[arg(long)]
        user: String,
        #[arg(long)]
        json: bool,
    },
    /// End a token
    Revoke {
        #[arg(long)]
        user: String,
        id: ApiTokenId,
        #[arg(long)]
        json: bool,
    },
}

pub fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let house = House::open(config)?;
    let identity = Identity::new(Arc::clone(&house.catalog), Arc::new(SystemRandom))?;
    let now = SystemClock.now();
    let account = |user: &str| -> anyhow::Result<Account> {
        let found = house.catalog.account_named(user)?;
        found.with_context(|| format!("there is no account {user:?}"))
    };
    match command {
        Command::Create { user, name, scopes, read_only, days, json } => {
            let scopes: Vec<Permission> =
                scopes.iter().map(|name| scope(name)).collect::<anyhow::Result<_>>()?;
            let expires_at = now.saturating_add_seconds(days * 24 * 60 * 60);
            let new = NewToken { name: &name, scopes: &scopes, read_only, expires_at };
            let (text, token) = identity.create_token(&account(&user)?, &new, BY, now)?;
            match json {
                true => print(&json!({ "token": text, "details": shown(&token) }).to_string()),
                false => print(&text),
            }
        }
        Command::List { user, json } => {
            let tokens = identity.tokens(account(&user)?.id, now)?;
            if json {
                print(&Value::from_iter(tokens.iter().map(shown)).to_string());
            } else {
                for token in tokens {
                    let used = token
                        .last_used_at
                        .map_or("never used".to_owned(), |at| format!("used {at}"));
                    print(&format!(
                        "{}  {}…  {}  ends {}  {used}",
                        token.id, token.prefix, token.name, token.expires_at
                    ));
                }
            }
        }
        Command::Revoke { user, id, json } => {
            let revoked = identity.revoke_token(&account(&user)?, id, BY, now)?;
            anyhow::ensure!(revoked, "{user:?} has no token {id}");
            if json {
                print(&json!({ "revoked": id }).to_string());
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn scope(name: &str) -> anyhow::Result<Permission> {
    let found = Permission::ALL.into_iter().find(|permission| permission.name() == name);
    found.with_context(|| format!("{name:?} is no right (docs/roles.md lists them)"))
}

fn shown(token: &ApiToken) -> Value {
    let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.name()).collect();
    json!({
        "id": token.id, "name": token.name, "prefix": token.prefix, "scopes": scopes,
        "readOnly": token.read_only, "createdAt": token.created_at,
        "expiresAt": token.expires_at, "lastUsedAt": token.last_used_at,
    })
}
