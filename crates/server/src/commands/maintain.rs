//! `chancery rebuild` and `chancery verify`; both need the server to be stopped.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use catalog::Catalog;
use model::Clock;

use super::print;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::house::House;

/// Damage and findings that are printed; the counts are complete.
const LINES_MAX: usize = 1_000;

/// The files of one SQLite database.
const DATABASE_FILES: [&str; 3] = ["", "-wal", "-shm"];

/// Makes catalog and index anew. The old catalog is kept beside the new one.
///
/// # Errors
/// When the vault cannot be opened or the views cannot be written; the old catalog is back then.
pub fn rebuild(config: &Config) -> anyhow::Result<ExitCode> {
    let folder = config.data_folder();
    anyhow::ensure!(folder.join("vault").is_dir(), "there is no vault in {}", folder.display());
    let key = store::MasterKey::open(&folder.join("master.key"))?;
    // Takes the vault's lock: the server is stopped from here on.
    let vault = store::Vault::open(&folder.join("vault"), &key, store::VaultOptions::default())
        .context("cannot open the vault (is the server stopped?)")?;
    let file = House::catalog_file(&folder);
    let old = set_aside(&file)?;
    let house = House::open(config)?;
    if let Some(old) = &old {
        match house.catalog.carry_over(old) {
            Ok(()) => print(&format!(
                "tenants, accounts, settings and the audit log are taken over from {}",
                old.display()
            )),
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
    print(&format!(
        "tenants      {:>9}\nrecords      {:>9}\ndeliveries   {:>9}\nparts        {:>9}\nquarantined  {:>9}\nerased       {:>9}\ndamaged      {:>9}",
        rebuilt.tenants,
        rebuilt.records,
        rebuilt.deliveries,
        rebuilt.parts,
        rebuilt.quarantined,
        rebuilt.erased,
        rebuilt.damaged.len()
    ));
    for line in rebuilt.damaged.iter().take(LINES_MAX) {
        print(line);
    }
    Ok(if rebuilt.damaged.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Renames the old database; `None` when there is none.
fn set_aside(file: &Path) -> anyhow::Result<Option<PathBuf>> {
    if !file.exists() {
        return Ok(None);
    }
    let stamp = SystemClock.now().as_seconds();
    let name = format!("catalog.before-rebuild-{stamp}.sqlite");
    let aside = file.with_file_name(name);
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
pub fn verify(config: &Config) -> anyhow::Result<ExitCode> {
    let house = House::open(config)?;
    let key = store::MasterKey::open(&house.folder.join("master.key"))?;
    // Read-only: nothing is cut and nothing is repaired while it is looked at.
    let options = store::VaultOptions { read_only: true, ..store::VaultOptions::default() };
    let vault = store::Vault::open(&house.folder.join("vault"), &key, options)
        .context("cannot open the vault")?;
    let catalog: Arc<dyn Catalog> = Arc::clone(&house.catalog);
    let verified = lifecycle::verify(&Arc::new(vault), &catalog, &house.index()?)?;
    print(&format!(
        "tenants   {:>12}\nentries   {:>12}\nrecords   {:>12}\nreports   {:>12}\nparts     {:>12}\noctets    {:>12}\nfindings  {:>12}",
        verified.tenants,
        verified.entries,
        verified.records,
        verified.reports,
        verified.parts,
        verified.octets,
        verified.findings.len()
    ));
    for finding in verified.findings.iter().take(LINES_MAX) {
        print(&finding.to_string());
    }
    Ok(if verified.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
