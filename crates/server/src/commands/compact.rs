//! `chancery compact`: packs written anew without what was erased.

use std::process::ExitCode;
use std::sync::Arc;

use catalog::{AuditEvent, AuditOutcome, Tenant};
use lifecycle::{
    CompactionState, CompactionWish, Compactor, compaction_state, compaction_wish, reclaimable,
    want_compaction,
};
use model::Clock as _;
use serde_json::{Value, json};
use store::{StoreError, Vault, VaultOptions};

use super::order::{COMMAND_LINE, show};
use crate::clock::SystemClock;
use crate::compacting::rules;
use crate::config::Config;
use crate::house::House;

#[derive(clap::Args)]
pub struct Arguments {
    /// Only this tenant
    #[arg(long)]
    tenant: Option<String>,
    /// Say what could be given back, and how the last run went; change nothing
    #[arg(long)]
    dry_run: bool,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// Writes every pack anew that holds anything erased; while a server runs, it does so.
///
/// # Errors
/// When the vault cannot be opened or written.
pub fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let house = House::open(config)?;
    let tenants = match &arguments.tenant {
        Some(name) => vec![house.tenant_named(name)?],
        None => house.catalog.tenants()?,
    };
    let (mut values, mut lines, mut damaged) = (Vec::new(), Vec::new(), 0);
    let vault = open(&house, arguments.dry_run)?;
    for tenant in &tenants {
        let (asked, state) = match &vault {
            Some(vault) if arguments.dry_run => (false, look(&house, vault, tenant)?),
            Some(vault) => (true, compact(config, &house, vault, tenant)?),
            // The running server does it.
            None => {
                want_compaction(
                    &*house.catalog,
                    tenant.id,
                    CompactionWish::All,
                    SystemClock.now(),
                )?;
                audit(&house, tenant)?;
                (true, compaction_state(&*house.catalog, tenant.id)?)
            }
        };
        damaged += state.damaged;
        let waits = compaction_wish(&*house.catalog, tenant.id)?.is_some();
        lines.extend(told(tenant, &state, asked && vault.is_none()));
        values.push(json!({
            "tenant": tenant.id, "name": tenant.name, "wanted": waits, "state": state,
        }));
    }
    show(arguments.json, &Value::Array(values), || lines.join("\n"));
    Ok(if damaged == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `None` when a server runs and the vault is to be written.
fn open(house: &House, read_only: bool) -> anyhow::Result<Option<Arc<Vault>>> {
    let key = house.master_key()?;
    let options = VaultOptions { read_only, ..VaultOptions::default() };
    match Vault::open(&house.folder.join("vault"), &key, options) {
        Ok(vault) => Ok(Some(Arc::new(vault))),
        Err(StoreError::Locked { .. }) => Ok(None),
        Err(error) => Err(anyhow::Error::from(error).context("cannot open the vault")),
    }
}

fn look(house: &House, vault: &Vault, tenant: &Tenant) -> anyhow::Result<CompactionState> {
    let known = compaction_state(&*house.catalog, tenant.id)?;
    let space = match vault.has_tenant(tenant.id) {
        true => reclaimable(vault, tenant.id)?,
        false => known.space,
    };
    Ok(CompactionState { at: Some(SystemClock.now()), space, ..known })
}

fn compact(
    config: &Config,
    house: &House,
    vault: &Arc<Vault>,
    tenant: &Tenant,
) -> anyhow::Result<CompactionState> {
    if !vault.has_tenant(tenant.id) {
        return look(house, vault, tenant);
    }
    want_compaction(&*house.catalog, tenant.id, CompactionWish::All, SystemClock.now())?;
    audit(house, tenant)?;
    // Nobody waits for the disk but who asked.
    let rules = lifecycle::CompactionRules { run_bytes_max: u64::MAX, ..rules(&config.storage) };
    let compactor = Compactor {
        vault: Arc::clone(vault),
        catalog: Arc::clone(&house.catalog),
        clock: Arc::new(SystemClock),
        rules,
    };
    Ok(compactor.run(tenant.id, &mut |_| {}, &|| false)?)
}

fn audit(house: &House, tenant: &Tenant) -> anyhow::Result<()> {
    Ok(house.catalog.audit(&[AuditEvent {
        at: SystemClock.now(),
        tenant: Some(tenant.id),
        account: None,
        who: COMMAND_LINE.to_owned(),
        action: "storage.compact".to_owned(),
        object: String::new(),
        detail: Value::Null,
        reason: None,
        outcome: AuditOutcome::Done,
        ip: None,
    }])?)
}

fn told(tenant: &Tenant, state: &CompactionState, by_server: bool) -> Vec<String> {
    let space = &state.space;
    let mut lines = vec![format!(
        "{}\n  packs           {:>15}\n  of these octets {:>15}\n  with erased     {:>15}\n  \
         reclaimable     {:>15}\n  reclaimed ever  {:>15}",
        tenant.name,
        space.packs,
        space.packs_bytes,
        space.packs_with_erased,
        space.reclaimable_bytes,
        space.reclaimed_bytes
    )];
    if let Some(run) = state.last_run {
        lines.push(format!(
            "  last run        {}: {} packs, {} octets given back",
            run.ended_at, run.packs, run.freed_bytes
        ));
    }
    if state.waiting > 0 {
        lines.push(format!("  waiting         {:>15}", state.waiting));
    }
    for finding in &state.findings {
        let (file, offset, why) = (&finding.file, finding.offset, &finding.why);
        lines.push(format!("  {file} at byte {offset}: {why}; it stays until it is repaired"));
    }
    if by_server {
        lines.push("  the running server begins within seconds".to_owned());
    }
    lines
}
