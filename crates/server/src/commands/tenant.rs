//! `chancery tenant`: customers and their journal addresses.

use std::process::ExitCode;

use anyhow::Context as _;
use catalog::{SourceKind, SourceRow, SourceState, Tenant};
use clap::Subcommand;
use model::{Clock as _, EmailAddress, HeaderRule, HeaderRules, SourceId, TenantId};

use super::print;
use crate::clock::{SystemClock, random};
use crate::config::Config;
use crate::house::House;

#[derive(Subcommand)]
pub enum Command {
    /// Create a tenant with its first journal address, and print that
    Add {
        /// Such as the company's name
        name: String,
        /// The domain of journal addresses; its MX must lead here
        #[arg(long, value_name = "DOMAIN")]
        archive_domain: String,
        /// A value of X-OriginatorOrg that is the tenant's, such as contoso.onmicrosoft.com; may
        /// be given several times; without one, reports of every organisation are archived
        #[arg(long = "organisation", value_name = "DOMAIN")]
        organisations: Vec<String>,
    },
    /// Create a further journal address for a tenant, and print it
    AddAddress {
        #[arg(long)]
        tenant: String,
        /// For people, such as "Exchange on premises"
        #[arg(long, default_value = "Journal")]
        name: String,
        /// Take every mail as it is: journal reports are not unwrapped
        #[arg(long)]
        no_journal_reports: bool,
        /// A header that names envelope recipients, besides the usual ones; may be given several
        /// times
        #[arg(long = "header", value_name = "NAME")]
        headers: Vec<String>,
        /// Believe Delivered-To
        #[arg(long)]
        delivered_to: bool,
    },
    /// List tenants and their journal addresses
    List,
}

pub fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let house = House::open(config)?;
    match command {
        Command::Add { name, archive_domain, organisations } => {
            let tenant = Tenant {
                organisations: organisations.iter().map(|it| it.trim().to_lowercase()).collect(),
                archive_domains: vec![domain(&archive_domain)?],
                ..Tenant::new(TenantId::from_bytes(random()?), &name, SystemClock.now())
            };
            house.catalog.add_tenant(&tenant)?;
            let source = journal_source(&tenant, "Journal".to_owned(), HeaderRules::default())?;
            house.catalog.add_source(&source)?;
            announce(&source);
        }
        Command::AddAddress { tenant, name, no_journal_reports, headers, delivered_to } => {
            let tenant = house.tenant_named(&tenant)?;
            let mut rules =
                HeaderRules { journal_reports: !no_journal_reports, ..HeaderRules::default() };
            rules.rules.extend(headers.into_iter().map(HeaderRule::Custom));
            if delivered_to {
                rules.rules.push(HeaderRule::DeliveredTo);
            }
            let source = journal_source(&tenant, name, rules)?;
            house.catalog.add_source(&source)?;
            announce(&source);
        }
        Command::List => {
            for tenant in house.catalog.tenants()? {
                print(&format!("{}  {}", tenant.id, tenant.name));
                for source in house.catalog.sources(tenant.id)? {
                    if let Some(address) = source.address {
                        print(&format!("    {}  {address}", source.name));
                    }
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn announce(source: &SourceRow) {
    if let Some(address) = &source.address {
        print(&address.to_string());
    }
}

/// An address that nobody can guess: 80 random bits.
///
/// # Errors
/// When the tenant has no archive domain.
pub fn journal_address(tenant: &Tenant) -> anyhow::Result<EmailAddress> {
    let domain = tenant.archive_domains.first().context("the tenant has no archive domain")?;
    let secret: String = random::<16>()?.iter().map(|byte| letter(*byte)).collect();
    Ok(EmailAddress::new(&format!("journal-{secret}@{domain}")))
}

fn journal_source(tenant: &Tenant, name: String, rules: HeaderRules) -> anyhow::Result<SourceRow> {
    Ok(SourceRow {
        id: SourceId::from_bytes(random()?),
        tenant: tenant.id,
        kind: SourceKind::Smtp,
        name,
        address: Some(journal_address(tenant)?),
        rules,
        state: SourceState::Active,
        ends_at: None,
        successor: None,
        created_at: SystemClock.now(),
    })
}

/// Five bits of `byte` as a letter or digit that is not mistaken for another.
fn letter(byte: u8) -> char {
    char::from(b"abcdefghijkmnpqrstuvwxyz23456789"[usize::from(byte & 31)])
}

fn domain(text: &str) -> anyhow::Result<String> {
    let domain = text.trim().trim_end_matches('.').to_lowercase();
    let valid = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.chars().all(|it| it.is_alphanumeric() || it == '-')
    };
    anyhow::ensure!(
        domain.len() <= 253 && domain.split('.').all(valid),
        "{text:?} is not a domain name"
    );
    Ok(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_lower_cased_and_checked() {
        assert_eq!(domain(" Archive.Example. ").unwrap(), "archive.example");
        for bad in ["", "a b", "a..b", "a@b"] {
            assert!(domain(bad).is_err(), "{bad}");
        }
    }
}
