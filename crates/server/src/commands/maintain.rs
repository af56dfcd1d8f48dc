//! `chancery rebuild` and `chancery verify`; both need the server to be stopped.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use catalog::Catalog;
use model::Clock;
use serde_json::{Value, json};

use super::order::show;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::house::House;

/// Damage and findings that are printed; the counts are complete.
const LINES_MAX: usize = 1_000;

#[derive(clap::Args)]
pub struct Arguments {
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// The files of one SQLite database.
const DATABASE_FILES: [&str; 3] = ["", "-wal", "-shm"];

/// Makes catalog and index anew. The old catalog is kept beside the new one.
///
/// # Errors
/// When the vault cannot be opened or the views cannot be written; the old catalog is back then.
pub fn rebuild(config: &Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let folder = config.data_folder();
    anyhow::ensure!(folder.join("vault").is_dir(), "there is no vault in {}", folder.display());
    let key = store::MasterKey::open(&folder.join("master.key"))?;
    // Takes the vault's lock: the server is stopped from here on.
    let vault = store::Vault::open(&folder.join("vault"), &key, store::VaultOptions::default())
        .context("cannot open the vault (is the server stopped?)")?;
    let file = House::catalog_file(&folder);
    let old = set_aside(&file)?;
    let house = House::open(config)?;
    let mut taken_over = None;
    if let Some(old) = &old {
        match house.catalog.carry_over(old) {
            Ok(()) => taken_over = Some(old.display().to_string()),
            Err(error) => {
                tracing::warn!(
                    error = pipeline::Error::chain(&error),
                    "the old catalog cannot be read: tenants come from the vault, accounts must be added anew"
                );
            }
        }
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let index = house.index()?;
    let rebuilt = lifecycle::rebuild(&Arc::new(vault), &house.catalog, &index, &clock)?;
    index.close()?;
    let value = json!({
        "takenOverFrom": taken_over, "tenants": rebuilt.tenants, "records": rebuilt.records,
        "deliveries": rebuilt.deliveries, "parts": rebuilt.parts,
        "quarantined": rebuilt.quarantined, "erased": rebuilt.erased, "damaged": rebuilt.damaged,
    });
    show(arguments.json, &value, || {
        let mut lines: Vec<String> = taken_over
            .iter()
            .map(|from| {
                format!("tenants, accounts, settings and the audit log are taken over from {from}")
            })
            .collect();
        let counts =
            ["tenants", "records", "deliveries", "parts", "quarantined", "erased", "damaged"];
        lines.extend(counts.map(|name| counted(&value, name, (13, 9))));
        lines.extend(rebuilt.damaged.iter().take(LINES_MAX).cloned());
        lines.join("\n")
    });
    Ok(if rebuilt.damaged.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One line of a summary: the number itself, or how many the list has.
fn counted(value: &Value, name: &str, (left, right): (usize, usize)) -> String {
    let count = value[name].as_array().map(|list| list.len() as u64);
    let count = count.or_else(|| value[name].as_u64()).unwrap_or_default();
    format!("{name:<left$}{count:>right$}")
}

/// Renames the old database; `None` when there is none.
fn set_aside(file: &Path) -> anyhow::Result<Option<PathBuf>> {
    if !file.exists() {
        return Ok(None);
    }
    let stamp = SystemClock.now().as_seconds();
    // Never over an older one, however quickly they follow each other.
    let names = (stamp..).map(|stamp| format!("catalog.before-rebuild-{stamp}.sqlite"));
    let mut free = names.map(|name| file.with_file_name(name)).filter(|path| !path.exists());
    let aside = free.next().context("there is no free name for the old catalog")?;
    for suffix in DATABASE_FILES {
        let with = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        if with(file).exists() {
            std::fs::rename(with(file), with(&aside))
                .context("cannot set the old catalog aside")?;
        }
    }
    Ok(Some(aside))
}

/// Reads everything again and names every difference; exit code 1 if there is one.
///
/// # Errors
/// When something cannot be opened at all.
pub fn verify(config: &Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let house = House::open(config)?;
    let key = store::MasterKey::open(&house.folder.join("master.key"))?;
    // Read-only: nothing is cut and nothing is repaired while it is looked at.
    let options = store::VaultOptions { read_only: true, ..store::VaultOptions::default() };
    let vault = store::Vault::open(&house.folder.join("vault"), &key, options)
        .context("cannot open the vault")?;
    let catalog: Arc<dyn Catalog> = Arc::clone(&house.catalog);
    let verified = lifecycle::verify(&Arc::new(vault), &catalog, &house.index()?)?;
    let findings: Vec<String> = verified.findings.iter().map(ToString::to_string).collect();
    let value = json!({
        "tenants": verified.tenants, "entries": verified.entries, "records": verified.records,
        "reports": verified.reports, "parts": verified.parts, "octets": verified.octets,
        "findings": findings,
    });
    show(arguments.json, &value, || {
        let counts = ["tenants", "entries", "records", "reports", "parts", "octets", "findings"];
        let mut lines: Vec<String> =
            counts.iter().map(|name| counted(&value, name, (10, 12))).collect();
        lines.extend(findings.iter().take(LINES_MAX).cloned());
        lines.join("\n")
    });
    Ok(if verified.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
