//! `chancery source`: journal addresses.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use catalog::{SourceRow, SourceState, Tenant};
use clap::Subcommand;
use identity::{Identity, SystemRandom};
use model::{Clock as _, HeaderRule, HeaderRules, SourceId};
use serde_json::{Value, json};

use super::order::{changed, note, show};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::house::House;

#[derive(Subcommand)]
pub enum Command {
    /// Create a journal address, and print it
    Add {
        #[arg(long)]
        tenant: String,
        /// For people, such as "Exchange on premises"
        #[arg(long, default_value = "Journal")]
        name: String,
        /// One of the tenant's archive domains [default: the first]
        #[arg(long, value_name = "DOMAIN")]
        archive_domain: Option<String>,
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
        #[arg(long)]
        json: bool,
    },
    /// List journal addresses with what they brought
    List {
        #[arg(long)]
        tenant: String,
        #[arg(long)]
        json: bool,
    },
    /// Take mail again
    Resume {
        #[arg(long)]
        tenant: String,
        /// Its id or its address
        source: String,
        #[arg(long)]
        json: bool,
    },
    /// Put a fresh address in the place of this one, and print it
    Rotate {
        #[arg(long)]
        tenant: String,
        /// Its id or its address
        source: String,
        /// How long the old address goes on taking mail
        #[arg(long, value_name = "HOURS", default_value_t = 24 * 14)]
        grace_hours: u32,
        #[arg(long)]
        json: bool,
    },
    /// Put senders off (451) until it is resumed
    Suspend {
        #[arg(long)]
        tenant: String,
        /// Its id or its address
        source: String,
        #[arg(long)]
        json: bool,
    },
}

pub fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let house = House::open(config)?;
    match command {
        Command::Add {
            tenant,
            name,
            archive_domain,
            no_journal_reports,
            headers,
            delivered_to,
            json,
        } => {
            let tenant = house.tenant_named(&tenant)?;
            let mut rules =
                HeaderRules { journal_reports: !no_journal_reports, ..HeaderRules::default() };
            rules.rules.extend(headers.into_iter().map(HeaderRule::Custom));
            if delivered_to {
                rules.rules.push(HeaderRule::DeliveredTo);
            }
            add(&house, &tenant, &name, archive_domain.as_deref(), rules, json)?;
        }
        Command::List { tenant, json } => list(&house, &tenant, json)?,
        Command::Resume { tenant, source, json } => {
            set_state(&house, &tenant, &source, SourceState::Active, json)?;
        }
        Command::Rotate { tenant, source, grace_hours, json } => {
            let tenant = house.tenant_named(&tenant)?;
            let old = find(&house, &tenant, &source)?;
            let grace = i64::from(grace_hours) * 3600;
            let successor =
                identity(&house)?.rotate_source(&tenant, old.id, grace, SystemClock.now())?;
            let detail = json!({ "successor": successor.id, "graceHours": grace_hours });
            note(&house, Some(tenant.id), "source.rotate", old.id.to_string(), detail, None)?;
            changed(&house, tenant.id);
            show(json, &described(&successor, None), || address(&successor));
        }
        Command::Suspend { tenant, source, json } => {
            set_state(&house, &tenant, &source, SourceState::Suspended, json)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Adds a journal address and prints it.
pub fn add(
    house: &House,
    tenant: &Tenant,
    name: &str,
    archive_domain: Option<&str>,
    rules: HeaderRules,
    as_json: bool,
) -> anyhow::Result<()> {
    let domain = archive_domain.map(|domain| domain.trim().to_lowercase());
    let identity = identity(house)?;
    let source = identity
        .draw_source(tenant, name, domain.as_deref(), rules, SystemClock.now())
        .context("the tenant needs an archive domain")?;
    house.catalog.add_source(&source)?;
    let detail = json!({ "name": source.name });
    note(house, Some(tenant.id), "source.create", source.id.to_string(), detail, None)?;
    changed(house, tenant.id);
    show(as_json, &described(&source, None), || address(&source));
    Ok(())
}

fn identity(house: &House) -> anyhow::Result<Identity> {
    Ok(Identity::new(Arc::clone(&house.catalog), Arc::new(SystemRandom))?)
}

fn list(house: &House, tenant: &str, as_json: bool) -> anyhow::Result<()> {
    let tenant = house.tenant_named(tenant)?;
    let figures = house.catalog.source_figures(tenant.id)?;
    let of = |id: SourceId| figures.iter().find(|one| one.source == id);
    let sources = house.catalog.sources(tenant.id)?;
    let rows: Vec<Value> = sources.iter().map(|source| described(source, of(source.id))).collect();
    show(as_json, &json!(rows), || {
        let line = |source: &SourceRow| {
            let (mails, last) = of(source.id).map_or((0, None), |it| (it.tally.mails, it.last_at));
            let mut text = format!("{}  {}  {}", source.id, source.name, address(source));
            if source.state == SourceState::Suspended {
                text.push_str("  suspended");
            }
            if let Some(ends_at) = source.ends_at {
                text.push_str(&format!("  ends {ends_at}"));
            }
            let last = last.map_or_else(|| "never".to_owned(), |at| at.to_string());
            format!("{text}  {mails} mails, last {last}\n")
        };
        sources.iter().map(line).collect()
    });
    Ok(())
}

fn set_state(
    house: &House,
    tenant: &str,
    source: &str,
    state: SourceState,
    as_json: bool,
) -> anyhow::Result<()> {
    let tenant = house.tenant_named(tenant)?;
    let before = find(house, &tenant, source)?;
    let after = SourceRow { state, ..before.clone() };
    house.catalog.update_source(&after)?;
    let detail = json!({ "before": before.state, "after": after.state });
    note(house, Some(tenant.id), "source.change", after.id.to_string(), detail, None)?;
    changed(house, tenant.id);
    show(as_json, &described(&after, None), String::new);
    Ok(())
}

/// By id or by address.
fn find(house: &House, tenant: &Tenant, text: &str) -> anyhow::Result<SourceRow> {
    let key = model::EmailAddress::new(text).key();
    let sources = house.catalog.sources(tenant.id)?;
    let is_it = |source: &SourceRow| {
        source.id.to_string() == text || source.address.as_ref().is_some_and(|it| it.key() == key)
    };
    sources.into_iter().find(is_it).with_context(|| format!("the tenant has no source {text:?}"))
}

fn address(source: &SourceRow) -> String {
    source.address.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn described(source: &SourceRow, figures: Option<&catalog::SourceFigures>) -> Value {
    json!({
        "id": source.id,
        "name": source.name,
        "kind": source.kind,
        "address": source.address,
        "state": source.state,
        "endsAt": source.ends_at.map(|at| at.to_string()),
        "successor": source.successor,
        "mails": figures.map_or(0, |it| it.tally.mails),
        "bytes": figures.map_or(0, |it| it.tally.bytes),
        "lastAt": figures.and_then(|it| it.last_at).map(|at| at.to_string()),
        "lastReportAt": figures.and_then(|it| it.last_report_at).map(|at| at.to_string()),
    })
}
