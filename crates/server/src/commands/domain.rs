//! `chancery domain`: whose mail a tenant archives.

use std::process::ExitCode;

use catalog::DomainRow;
use clap::Subcommand;
use model::Clock as _;
use pipeline::Bulk;
use serde_json::json;

use super::order::{COMMAND_LINE, changed, note, order, show};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::control::{Answer, Decide, Frame};
use crate::house::House;

#[derive(Subcommand)]
pub enum Command {
    /// Archive mail of this domain; the first one ends "everything is archived"
    Add {
        #[arg(long)]
        tenant: String,
        domain: String,
        /// Its sub-domains count as well
        #[arg(long)]
        subdomains: bool,
        /// Send what waits as not-ours through the rules again
        #[arg(long)]
        rerun: bool,
        #[arg(long)]
        json: bool,
    },
    /// List the domains of a tenant
    List {
        #[arg(long)]
        tenant: String,
        #[arg(long)]
        json: bool,
    },
    /// Archive no more mail of this domain; what was archived stays
    Remove {
        #[arg(long)]
        tenant: String,
        domain: String,
        #[arg(long)]
        json: bool,
    },
}

pub fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let house = House::open(config)?;
    match command {
        Command::Add { tenant, domain, subdomains, rerun, json } => {
            let tenant = house.tenant_named(&tenant)?.id;
            let name = policy::domain_name(&domain)?;
            let row = DomainRow { name: name.clone(), subdomains, added_at: SystemClock.now() };
            let new = house.catalog.add_domain(tenant, &row)?;
            let detail = json!({ "subdomains": subdomains, "new": new, "rerun": rerun });
            note(&house, Some(tenant), "domain.add", name.clone(), detail, None)?;
            let mut let_in = None;
            if rerun {
                let order_ = Frame::Decide(Decide {
                    tenant,
                    bulk: Bulk::Retry,
                    id: None,
                    for_reason: Some("not-ours".to_owned()),
                    by: COMMAND_LINE.to_owned(),
                    reason: "a domain was added".to_owned(),
                });
                if let Answer::Decided(done) = order(config, House::open(config)?, &order_)? {
                    let_in = Some(done.decided);
                }
            }
            changed(&house, tenant);
            show(json, &json!({ "name": name, "new": new, "letIn": let_in }), || {
                let_in.map_or_else(|| name.clone(), |count| format!("{name}\n{count} mails let in"))
            });
        }
        Command::List { tenant, json } => {
            let tenant = house.tenant_named(&tenant)?.id;
            let domains = house.catalog.domains(tenant)?;
            let rows: Vec<_> = domains
                .iter()
                .map(|row| json!({ "name": row.name, "subdomains": row.subdomains, "addedAt": row.added_at.to_string() }))
                .collect();
            show(json, &json!(rows), || {
                let star = |row: &DomainRow| if row.subdomains { "  and sub-domains" } else { "" };
                let lines = domains.iter().map(|row| format!("{}{}\n", row.name, star(row)));
                lines.collect()
            });
        }
        Command::Remove { tenant, domain, json } => {
            let tenant = house.tenant_named(&tenant)?.id;
            let removed = house.catalog.remove_domain(tenant, &domain)?;
            anyhow::ensure!(removed, "the tenant has no domain {domain:?}");
            let name = policy::domain_name(&domain)?;
            note(&house, Some(tenant), "domain.remove", name.clone(), json!({}), None)?;
            changed(&house, tenant);
            show(json, &json!({ "name": name, "removed": true }), String::new);
        }
    }
    Ok(ExitCode::SUCCESS)
}
