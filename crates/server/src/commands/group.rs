//! `chancery group`: accounts that mailboxes are opened to together.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use catalog::Group;
use clap::Subcommand;
use identity::{By, Identity, SystemRandom};
use model::{AccountId, Clock as _, TenantId};
use serde_json::json;

use super::order::{COMMAND_LINE, show};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::house::House;

#[derive(Subcommand)]
pub enum Command {
    /// Create a group
    Add {
        #[arg(long)]
        tenant: String,
        name: String,
        /// The user name of a member; may be given several times
        #[arg(long = "member", value_name = "USER")]
        members: Vec<String>,
        #[arg(long)]
        json: bool,
    },
    /// List groups
    List {
        #[arg(long)]
        tenant: String,
        #[arg(long)]
        json: bool,
    },
    /// List the members of a group, or replace them
    Members {
        #[arg(long)]
        tenant: String,
        name: String,
        /// The user name of a member; may be given several times; without one, they are listed
        #[arg(long = "member", value_name = "USER")]
        members: Vec<String>,
        #[arg(long)]
        json: bool,
    },
    /// Remove a group; its grants end
    Remove {
        #[arg(long)]
        tenant: String,
        name: String,
        #[arg(long)]
        json: bool,
    },
}

pub fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let house = House::open(config)?;
    let identity = Identity::new(Arc::clone(&house.catalog), Arc::new(SystemRandom))?;
    let (now, by) = (SystemClock.now(), By::server(COMMAND_LINE));
    match command {
        Command::Add { tenant, name, members, json } => {
            let tenant = house.tenant_named(&tenant)?.id;
            let members = accounts(&house, tenant, &members)?;
            let group = identity.create_group(tenant, &name, &members, &by, now)?;
            show(json, &json!({ "id": group.id, "name": group.name }), || group.id.to_string());
        }
        Command::List { tenant, json } => {
            let groups = house.catalog.groups(house.tenant_named(&tenant)?.id)?;
            let rows: Vec<_> = groups
                .iter()
                .map(|row| json!({ "id": row.group.id, "name": row.group.name, "members": row.members }))
                .collect();
            show(json, &json!(rows), || {
                let line =
                    |row: &catalog::GroupRow| format!("{:>6}  {}\n", row.members, row.group.name);
                groups.iter().map(line).collect()
            });
        }
        Command::Members { tenant, name, members, json } => {
            let tenant = house.tenant_named(&tenant)?.id;
            let group = named(&house, tenant, &name)?;
            if !members.is_empty() {
                let members = accounts(&house, tenant, &members)?;
                identity.change_group(tenant, group.id, None, Some(&members), &by, now)?;
            }
            let members = house.catalog.group_members(group.id)?;
            let names: Vec<&str> = members.iter().map(|one| one.user_name.as_str()).collect();
            show(json, &json!(names), || names.join("\n"));
        }
        Command::Remove { tenant, name, json } => {
            let tenant = house.tenant_named(&tenant)?.id;
            let group = named(&house, tenant, &name)?;
            identity.remove_group(tenant, group.id, &by, now)?;
            show(json, &json!({ "id": group.id, "name": group.name }), String::new);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The group of this name, in any case.
pub fn named(house: &House, tenant: TenantId, name: &str) -> anyhow::Result<Group> {
    let groups = house.catalog.groups(tenant)?.into_iter().map(|row| row.group);
    let mut named = groups.filter(|group| group.name.to_lowercase() == name.trim().to_lowercase());
    let group = named.next().with_context(|| format!("there is no group {name:?}"))?;
    anyhow::ensure!(named.next().is_none(), "several groups are called {name:?}");
    Ok(group)
}

/// An account of the tenant by user name.
pub fn account(house: &House, tenant: TenantId, user: &str) -> anyhow::Result<AccountId> {
    let account = house.catalog.account_named(user)?;
    let account = account.filter(|account| account.tenant == Some(tenant));
    Ok(account.with_context(|| format!("the tenant has no account {user:?}"))?.id)
}

fn accounts(house: &House, tenant: TenantId, users: &[String]) -> anyhow::Result<Vec<AccountId>> {
    users.iter().map(|user| account(house, tenant, user)).collect()
}
