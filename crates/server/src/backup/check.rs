use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use spool::{Spool, SpoolKey, SpoolLimits};
use store::{MasterKey, Vault, VaultOptions};

use super::{CATALOG, Manifest, copy_file, digest_of, make_folder};

/// What a check found.
#[derive(Clone, Debug, Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    pub files: u64,
    pub bytes: u64,
    /// `None` without a master key: then only the files are compared with the manifest.
    pub records: Option<u64>,
    /// Mails in the spool's copy; they are archived when a server starts on it.
    pub waiting: Option<u64>,
    pub findings: Vec<String>,
}

/// Reads a whole backup: files against the manifest, the catalog's integrity, every mail of the
/// vault against its digest, catalog against vault. Changes nothing.
///
/// # Errors
/// When the manifest cannot be read or there is no room for a copy of catalog and spool in the
/// folder for temporary files.
pub fn check(folder: &Path, key: Option<&Path>) -> anyhow::Result<Checked> {
    let manifest = Manifest::read(folder)?;
    let mut checked = Checked {
        files: manifest.files.len() as u64,
        bytes: manifest.bytes(),
        ..Checked::default()
    };
    for kept in &manifest.files {
        let wrong = match digest_of(&folder.join(&kept.stored)) {
            Err(error) => Some(error.to_string()),
            Ok((bytes, _)) if bytes != kept.bytes => Some("has another length".to_owned()),
            Ok((_, sha256)) if sha256 != kept.sha256 => Some("has other octets".to_owned()),
            Ok(_) => None,
        };
        checked.findings.extend(wrong.map(|wrong| format!("{}: {wrong}", kept.stored)));
    }
    let Some(key) = master_key(folder, &manifest, key)? else { return Ok(checked) };
    if !checked.findings.is_empty() {
        return Ok(checked);
    }
    let stage = tempfile::tempdir().context("no folder for temporary files")?;
    lay_out(folder, &manifest, stage.path())?;
    examine(stage.path(), &key, &mut checked)?;
    Ok(checked)
}

/// The key that is named, or the one in the backup.
pub(super) fn master_key(
    folder: &Path,
    manifest: &Manifest,
    named: Option<&Path>,
) -> anyhow::Result<Option<MasterKey>> {
    let inside = manifest.files.iter().find(|kept| kept.path == super::MASTER_KEY);
    let inside = inside.map(|kept| folder.join(&kept.stored));
    let Some(path) = named.map(Path::to_owned).or(inside) else { return Ok(None) };
    let key = MasterKey::open(&path).context("cannot open the master key")?;
    anyhow::ensure!(
        key.id().to_string() == manifest.master_key_id,
        "the backup needs the master key {}, {} is {}",
        manifest.master_key_id,
        path.display(),
        key.id()
    );
    Ok(Some(key))
}

/// The data folder as it was: what a look may change is copied, the rest is linked.
fn lay_out(folder: &Path, manifest: &Manifest, stage: &Path) -> anyhow::Result<()> {
    let folder = folder.canonicalize()?;
    for kept in &manifest.files {
        let target = stage.join(&kept.path);
        let original: PathBuf = folder.join(&kept.stored);
        if kept.path.starts_with("vault/") {
            make_folder(target.parent().unwrap_or(stage))?;
            std::os::unix::fs::symlink(&original, &target)?;
        } else if kept.path == CATALOG || kept.path.starts_with("spool/") {
            copy_file(&original, &target, None)?;
        }
    }
    Ok(())
}

/// The vault in a backup as it is now, for reading; the folder of links must outlive it.
///
/// # Errors
/// When the folder holds no backup, or one under another master key.
pub fn open_vault(folder: &Path, key: &MasterKey) -> anyhow::Result<(tempfile::TempDir, Vault)> {
    let mut manifest = Manifest::read(folder)?;
    manifest.files.retain(|kept| kept.path.starts_with("vault/"));
    let stage = tempfile::tempdir().context("no folder for temporary files")?;
    lay_out(folder, &manifest, stage.path())?;
    let options = VaultOptions { read_only: true, ..VaultOptions::default() };
    let vault = Vault::open(&stage.path().join("vault"), key, options)
        .context("cannot open the vault of the backup")?;
    Ok((stage, vault))
}

/// Opens a data folder that no server uses and compares everything but the index.
pub(super) fn examine(folder: &Path, key: &MasterKey, checked: &mut Checked) -> anyhow::Result<()> {
    let catalog = catalog::open(&format!("sqlite:{}", folder.join(CATALOG).display()))?;
    let options = VaultOptions { read_only: true, ..VaultOptions::default() };
    let vault =
        Vault::open(&folder.join("vault"), key, options).context("cannot open the vault")?;
    let verified = lifecycle::verify_archive(&Arc::new(vault), &catalog)?;
    checked.records = Some(verified.records);
    checked.findings.extend(verified.findings.iter().map(ToString::to_string));
    let (id, secret) = key.spool_secret();
    let limits = SpoolLimits::default();
    let spool = Spool::open(&folder.join("spool"), &SpoolKey::new(id, secret), limits)
        .context("cannot open the spool")?;
    let state = spool.state();
    checked.waiting = Some(state.waiting as u64);
    if state.damaged > 0 {
        checked.findings.push(format!("{} places of the spool are damaged", state.damaged));
    }
    Ok(())
}
