//! `chancery tenant`: customers with an archive of their own.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use catalog::{Figures, Tenant, TenantState};
use clap::Subcommand;
use identity::{Identity, SystemRandom};
use indicatif::ProgressBar;
use model::{Clock as _, HeaderRule, HeaderRules, TenantId};
use serde_json::{Value, json};

use super::order::{COMMAND_LINE, changed, note, order, show};
use super::source;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::control::Frame;
use crate::house::House;

/// How often a removal that the running server completes is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

#[derive(Subcommand)]
pub enum Command {
    /// Create a tenant with its first journal address, and print that
    Add {
        #[command(flatten)]
        new: New,
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
        #[arg(long)]
        json: bool,
    },
    /// Change name, organisations, archive domains or quota of a tenant; what is not named stays
    Change(Change),
    /// Create a tenant with its first journal address and administrator; print both, and the
    /// administrator's one-time password
    Create {
        #[command(flatten)]
        new: New,
        /// The user name of the first administrator
        #[arg(long)]
        administrator: String,
    },
    /// Write everything of a tenant into a new folder or ZIP file: mails, reports, accounts, settings
    Export {
        name: String,
        /// Must not exist yet; one that ends in .zip becomes one file
        folder: PathBuf,
        #[arg(long)]
        json: bool,
    },
    /// List tenants and their journal addresses
    List {
        #[arg(long)]
        json: bool,
    },
    /// Remove a suspended tenant for good: its keys, its mail, its accounts
    Remove {
        name: String,
        /// The name once more: this cannot be undone
        #[arg(long, value_name = "NAME")]
        confirm: String,
        /// Stands in the audit log
        #[arg(long)]
        reason: String,
        #[arg(long)]
        json: bool,
    },
    /// Put a suspended tenant into service again
    Resume {
        name: String,
        /// Stands in the audit log
        #[arg(long)]
        reason: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Show one tenant with its figures, domains and settings
    Show {
        name: String,
        #[arg(long)]
        json: bool,
    },
    /// Put a tenant out of service: its mail is put off, nobody of it signs in
    Suspend {
        name: String,
        /// Stands in the audit log
        #[arg(long)]
        reason: Option<String>,
        #[arg(long)]
        json: bool,
    },
}

#[derive(clap::Args)]
pub struct New {
    /// Such as the company's name
    name: String,
    /// The domain of journal addresses; its MX must lead here
    #[arg(long, value_name = "DOMAIN")]
    archive_domain: String,
    /// A value of X-OriginatorOrg that is the tenant's, such as contoso.onmicrosoft.com; may be
    /// given several times; without one, reports of every organisation are archived
    #[arg(long = "organisation", value_name = "DOMAIN")]
    organisations: Vec<String>,
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub struct Change {
    /// The present name
    name: String,
    #[arg(long, value_name = "NAME")]
    rename: Option<String>,
    /// All values of X-OriginatorOrg that are the tenant's from now on; may be given several times
    #[arg(long = "organisation", value_name = "DOMAIN", conflicts_with = "any_organisation")]
    organisations: Vec<String>,
    /// Archive reports of every organisation
    #[arg(long)]
    any_organisation: bool,
    /// All domains of its journal addresses from now on; may be given several times
    #[arg(long = "archive-domain", value_name = "DOMAIN")]
    archive_domains: Vec<String>,
    /// What packs and keys may take, in bytes
    #[arg(long, value_name = "BYTES", conflicts_with = "no_quota")]
    quota: Option<u64>,
    #[arg(long)]
    no_quota: bool,
    /// Whether mail beyond the quota is put off; otherwise the quota only warns
    #[arg(long)]
    hard_quota: Option<bool>,
    #[arg(long)]
    json: bool,
}

pub fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let house = House::open(config)?;
    match command {
        Command::Add { new } => add(&house, new)?,
        Command::AddAddress { tenant, name, no_journal_reports, headers, delivered_to, json } => {
            let tenant = house.tenant_named(&tenant)?;
            let mut rules =
                HeaderRules { journal_reports: !no_journal_reports, ..HeaderRules::default() };
            rules.rules.extend(headers.into_iter().map(HeaderRule::Custom));
            if delivered_to {
                rules.rules.push(HeaderRule::DeliveredTo);
            }
            source::add(&house, &tenant, &name, None, rules, json)?;
        }
        Command::Change(change) => self::change(&house, change)?,
        Command::Create { new, administrator } => create(house, new, &administrator)?,
        Command::Export { name, folder, json } => return export(&house, &name, &folder, json),
        Command::List { json } => list(&house, json)?,
        Command::Remove { name, confirm, reason, json } => {
            remove(config, house, &name, &confirm, &reason, json)?;
        }
        Command::Resume { name, reason, json } => {
            set_state(&house, &name, TenantState::Active, reason, json)?;
        }
        Command::Show { name, json } => show_one(&house, &name, json)?,
        Command::Suspend { name, reason, json } => {
            set_state(&house, &name, TenantState::Suspended, reason, json)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn identity(house: &House) -> anyhow::Result<Identity> {
    Ok(Identity::new(Arc::clone(&house.catalog), Arc::new(SystemRandom))?)
}

fn drawn(identity: &Identity, new: &New) -> anyhow::Result<Tenant> {
    let domain = policy::domain_name(&new.archive_domain)
        .with_context(|| format!("{:?} is no domain", new.archive_domain))?;
    let mut tenant = identity.draw_tenant(&new.name, &domain, SystemClock.now());
    tenant.organisations = new.organisations.iter().map(|it| it.trim().to_lowercase()).collect();
    Ok(tenant)
}

fn add(house: &House, new: New) -> anyhow::Result<()> {
    let tenant = drawn(&identity(house)?, &new)?;
    house.catalog.add_tenant(&tenant)?;
    created(house, &tenant, None)?;
    source::add(house, &tenant, "Journal", None, HeaderRules::default(), new.json)
}

fn create(house: House, new: New, administrator: &str) -> anyhow::Result<()> {
    let identity = identity(&house)?;
    let tenant = drawn(&identity, &new)?;
    let taken = house.catalog.tenant_named(&tenant.name)?.is_some();
    anyhow::ensure!(!taken, "there is a tenant {:?} already", tenant.name);
    let first = identity.add_tenant(tenant, administrator, SystemClock.now())?;
    created(&house, &first.tenant, Some(administrator))?;
    let address = first.source.address.map_or_else(String::new, |it| it.to_string());
    let password = first.one_time.reveal();
    let value = json!({
        "id": first.tenant.id, "name": first.tenant.name, "journalAddress": address,
        "administrator": administrator, "oneTimePassword": password,
    });
    show(new.json, &value, || {
        format!(
            "journal address   {address}\nadministrator     {administrator}\none-time password {password}"
        )
    });
    Ok(())
}

fn created(house: &House, tenant: &Tenant, administrator: Option<&str>) -> anyhow::Result<()> {
    let detail = json!({ "name": tenant.name, "administrator": administrator });
    note(house, None, "tenant.create", tenant.id.to_string(), detail, None)
}

fn list(house: &House, as_json: bool) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    let mut text = String::new();
    for tenant in house.catalog.tenants()? {
        let suspended = if tenant.state == TenantState::Suspended { "  suspended" } else { "" };
        text.push_str(&format!("{}  {}{suspended}\n", tenant.id, tenant.name));
        for source in house.catalog.sources(tenant.id)? {
            if let Some(address) = source.address {
                text.push_str(&format!("    {}  {address}\n", source.name));
            }
        }
        if as_json {
            rows.push(described(house, &tenant)?);
        }
    }
    for removal in house.catalog.removals()? {
        let ended = removal.facts.ended_at;
        let what =
            ended.map_or_else(|| "is being removed".to_owned(), |at| format!("removed {at}"));
        text.push_str(&format!("{}  {}  {what}\n", removal.tenant, removal.name));
    }
    show(as_json, &json!(rows), || text);
    Ok(())
}

fn described(house: &House, tenant: &Tenant) -> anyhow::Result<Value> {
    let Figures { records, reports, quarantined, mail_bytes, raw_bytes, not_selected, .. } =
        house.catalog.figures(tenant.id)?;
    Ok(json!({
        "id": tenant.id, "name": tenant.name, "state": tenant.state,
        "createdAt": tenant.created_at.to_string(), "organisations": tenant.organisations,
        "archiveDomains": tenant.archive_domains, "settings": tenant.settings,
        "records": records, "reports": reports, "quarantined": quarantined,
        "mailBytes": mail_bytes, "rawBytes": raw_bytes, "notSelected": not_selected,
        "domains": house.catalog.domains(tenant.id)?.into_iter().map(|it| it.name).collect::<Vec<_>>(),
    }))
}

fn show_one(house: &House, name: &str, as_json: bool) -> anyhow::Result<()> {
    let tenant = house.tenant_named(name)?;
    let value = described(house, &tenant)?;
    show(as_json, &value, || serde_json::to_string_pretty(&value).unwrap_or_default());
    Ok(())
}

fn change(house: &House, change: Change) -> anyhow::Result<()> {
    let before = house.tenant_named(&change.name)?;
    let mut after = before.clone();
    if let Some(name) = change.rename {
        after.name = name.trim().to_owned();
    }
    let names = |all: &[String]| -> Vec<String> {
        let mut names: Vec<String> = all.iter().map(|it| it.trim().to_lowercase()).collect();
        names.sort();
        names.dedup();
        names
    };
    if change.any_organisation || !change.organisations.is_empty() {
        after.organisations = names(&change.organisations);
    }
    if !change.archive_domains.is_empty() {
        let domain = |text: &String| {
            policy::domain_name(text).with_context(|| format!("{text:?} is no domain"))
        };
        let domains: Vec<String> =
            change.archive_domains.iter().map(domain).collect::<Result<_, _>>()?;
        after.archive_domains = names(&domains);
    }
    if change.no_quota || change.quota.is_some() {
        after.settings.quota.bytes = change.quota;
    }
    if let Some(hard) = change.hard_quota {
        after.settings.quota.hard = hard;
    }
    house.catalog.update_tenant(&after)?;
    let facts = |tenant: &Tenant| {
        json!({
            "name": tenant.name, "organisations": tenant.organisations,
            "archiveDomains": tenant.archive_domains, "quota": tenant.settings.quota,
        })
    };
    let detail = json!({ "before": facts(&before), "after": facts(&after) });
    note(house, None, "tenant.change", after.id.to_string(), detail, None)?;
    changed(house, after.id);
    show(change.json, &described(house, &after)?, String::new);
    Ok(())
}

fn set_state(
    house: &House,
    name: &str,
    state: TenantState,
    reason: Option<String>,
    as_json: bool,
) -> anyhow::Result<()> {
    let before = house.tenant_named(name)?;
    let id = before.id;
    let detail = json!({ "name": before.name, "before": before.state, "after": state });
    house.catalog.update_tenant(&Tenant { state, ..before })?;
    let action = if state == TenantState::Suspended { "tenant.suspend" } else { "tenant.resume" };
    note(house, None, action, id.to_string(), detail, reason)?;
    changed(house, id);
    show(as_json, &json!({ "id": id, "state": state }), String::new);
    Ok(())
}

fn export(
    house: &House,
    name: &str,
    folder: &std::path::Path,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let tenant = house.tenant_named(name)?;
    let key = store::MasterKey::open(&house.folder.join("master.key"))?;
    // Beside a running server: nothing is locked and nothing is written.
    let options = store::VaultOptions { read_only: true, ..store::VaultOptions::default() };
    let vault = store::Vault::open(&house.folder.join("vault"), &key, options)?;
    let detail = json!({ "name": tenant.name, "folder": folder.display().to_string() });
    note(house, None, "tenant.export", tenant.id.to_string(), detail, None)?;
    let bar = Bar(ProgressBar::new(0));
    let done = lifecycle::export(&vault, &*house.catalog, tenant.id, folder, &bar)?;
    bar.0.finish_and_clear();
    show(as_json, &json!(done), || {
        format!(
            "mails       {:>9}\nreports     {:>9}\nquarantined {:>9}\nfiles       {:>9}\nbytes       {:>9}\ndamaged     {:>9}\n{}",
            done.mails,
            done.reports,
            done.quarantined,
            done.files,
            done.bytes,
            done.damaged.len(),
            done.damaged.join("\n")
        )
    });
    Ok(if done.damaged.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Progress on standard error.
struct Bar(ProgressBar);

impl pipeline::Progress for Bar {
    fn total(&self, total: u64) {
        self.0.set_length(total);
    }

    fn done(&self, done: u64) {
        self.0.set_position(done);
    }

    fn is_cancelled(&self) -> bool {
        false
    }
}

fn remove(
    config: &Config,
    house: House,
    name: &str,
    confirm: &str,
    reason: &str,
    as_json: bool,
) -> anyhow::Result<()> {
    let tenant = house.tenant_named(name)?;
    anyhow::ensure!(confirm == tenant.name, "--confirm must repeat the tenant's name as it is");
    anyhow::ensure!(!reason.trim().is_empty(), "give a reason");
    anyhow::ensure!(
        tenant.state == TenantState::Suspended,
        "suspend the tenant first (chancery tenant suspend)"
    );
    let figures = house.catalog.figures(tenant.id)?;
    let detail = json!({ "name": tenant.name, "records": figures.records });
    let given = Some(reason.trim().to_owned());
    note(&house, None, "tenant.remove", tenant.id.to_string(), detail, given)?;
    house.catalog.begin_removal(tenant.id, COMMAND_LINE, reason.trim(), SystemClock.now())?;
    fail::fail_point!("lifecycle.remove.begun");
    let again = House::open(config)?;
    match std::os::unix::net::UnixStream::connect(house.control_socket()) {
        Ok(_) => {
            let by = COMMAND_LINE.to_owned();
            order(config, house, &Frame::Remove { tenant: tenant.id, by })?;
            wait_for(&again, tenant.id);
        }
        Err(_) => {
            let key = house.master_key()?;
            lifecycle::resume_removals(&lifecycle::RemovalParts {
                vault: house.vault(&key)?,
                index: house.index()?,
                catalog: Arc::clone(&house.catalog),
                clock: Arc::new(SystemClock),
            })?;
        }
    }
    show(as_json, &json!({ "id": tenant.id, "removed": true }), String::new);
    Ok(())
}

/// Until the server has completed the removal.
fn wait_for(house: &House, tenant: TenantId) {
    loop {
        let removals = house.catalog.removals().unwrap_or_default();
        let removal = removals.iter().find(|it| it.tenant == tenant);
        if removal.is_none_or(|removal| removal.facts.ended_at.is_some()) {
            return;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
