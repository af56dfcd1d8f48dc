use std::fs;
use std::path::Path;

use anyhow::Context as _;
use store::MasterKey;

use super::check::{examine, master_key};
use super::{Checked, MASTER_KEY, Manifest, copy_file, make_folder};

/// Makes a data folder from a backup and examines it. `target` must be empty or not there.
///
/// The index is not in a backup: the server makes it anew when it starts, while the archive is in
/// service, and search answers say how many mails are missing until then.
///
/// # Errors
/// When the backup is damaged, the master key is missing, or the folder cannot be written.
pub fn restore(source: &Path, target: &Path, key: Option<&Path>) -> anyhow::Result<Checked> {
    let manifest = Manifest::read(source)?;
    let opened = master_key(source, &manifest, key)?.with_context(|| {
        format!(
            "the backup holds no master key; name its copy with --master-key (key id {})",
            manifest.master_key_id
        )
    })?;
    if target.exists() {
        let empty = fs::read_dir(target)?.next().is_none();
        anyhow::ensure!(empty, "{} is not empty", target.display());
    }
    make_folder(target).with_context(|| format!("cannot make {}", target.display()))?;
    for kept in &manifest.files {
        let (bytes, sha256) =
            copy_file(&source.join(&kept.stored), &target.join(&kept.path), None)?;
        anyhow::ensure!(
            (bytes, &sha256) == (kept.bytes, &kept.sha256),
            "{} is damaged in the backup",
            kept.stored
        );
    }
    let place = target.join(MASTER_KEY);
    if let Some(key) = key.filter(|_| !place.exists()) {
        copy_file(key, &place, None)?;
    }
    fs::File::open(target)?.sync_all()?;
    let mut checked = Checked {
        files: manifest.files.len() as u64,
        bytes: manifest.bytes(),
        ..Checked::default()
    };
    examine(target, &opened, &mut checked)?;
    // The next start reads it from its place.
    drop(MasterKey::open(&place)?);
    Ok(checked)
}
