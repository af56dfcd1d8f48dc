use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Instant, UNIX_EPOCH};

use anyhow::Context as _;
use api::dto::BackupSummary;
use model::Clock as _;

use super::hold::{self, Held, Source};
use super::{CATALOG, FORMAT, Kept, MASTER_KEY, Manifest, copy_file, files_below, make_folder};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::house::House;

/// What is copied beside the data.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    pub with_master_key: bool,
}

/// A backup that was made.
#[derive(Clone, Debug)]
pub struct Copied {
    pub manifest: Manifest,
    pub summary: BackupSummary,
}

/// Makes a backup in `target`, or brings the one there up to date: files that did not change are
/// not copied again. Durable on return; until then the folder is the backup before.
///
/// # Errors
/// When something cannot be read or written; the backup before stays.
pub fn make(
    config: &Config,
    config_file: Option<&Path>,
    target: &Path,
    options: Options,
) -> anyhow::Result<Copied> {
    let house = House::open(config)?;
    let key_id = house.master_key()?.id().to_string();
    let begun = (Instant::now(), SystemClock.now());
    let held = Held::take(config, &house)?;
    let by_server = held.by_server();
    let made = make_held(&house, held, config, config_file, target, options, (begun, key_id));
    if let (Err(_), false) = (&made, by_server) {
        hold::note(&*house.catalog, &hold::failed(begun.1))?;
    }
    made
}

fn make_held(
    house: &House,
    mut held: Held,
    config: &Config,
    config_file: Option<&Path>,
    target: &Path,
    options: Options,
    ((begun, begun_at), master_key_id): ((Instant, model::Timestamp), String),
) -> anyhow::Result<Copied> {
    make_folder(target).with_context(|| format!("cannot make {}", target.display()))?;
    let old = if target.join(super::MANIFEST).exists() {
        Some(Manifest::read(target)?)
    } else {
        let empty = fs::read_dir(target)?.next().is_none();
        anyhow::ensure!(empty, "{} is neither empty nor a backup", target.display());
        None
    };
    if let Some(old) = &old {
        anyhow::ensure!(
            old.master_key_id == master_key_id,
            "{} is the backup of another archive",
            target.display()
        );
    }
    let generation = old.as_ref().map_or(1, |old| old.generation + 1);
    let known: HashMap<String, Kept> =
        old.into_iter().flat_map(|old| old.files).map(|kept| (kept.path.clone(), kept)).collect();
    let mut copier = Copier { target, generation, known, files: Vec::new(), bytes_copied: 0 };
    copier.catalog(held.snapshot.take().context("the snapshot was taken already")?)?;
    for source in &held.files {
        copier.file(&house.folder.join(&source.path), source)?;
    }
    copier.extras(house, config, config_file, options)?;
    let Copier { files, bytes_copied, .. } = copier;
    let manifest = Manifest {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        generation,
        begun_at,
        made_at: SystemClock.now(),
        master_key_id,
        has_master_key: options.with_master_key,
        files,
    };
    manifest.write(target)?;
    remove_others(target, &manifest)?;
    let summary = BackupSummary {
        at: begun_at,
        outcome: "done".to_owned(),
        files: manifest.files.len() as u64,
        bytes: manifest.bytes(),
        bytes_copied,
        seconds: begun.elapsed().as_secs(),
    };
    if held.by_server() {
        held.end(&summary)?;
    } else {
        hold::note(&*house.catalog, &summary)?;
    }
    Ok(Copied { manifest, summary })
}

struct Copier<'a> {
    target: &'a Path,
    generation: u64,
    known: HashMap<String, Kept>,
    files: Vec<Kept>,
    bytes_copied: u64,
}

impl Copier<'_> {
    fn file(&mut self, original: &Path, source: &Source) -> anyhow::Result<()> {
        let metadata = fs::metadata(original)
            .with_context(|| format!("{} is gone; begin again", original.display()))?;
        let modified = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        let modified = i64::try_from(modified.as_micros()).unwrap_or(i64::MAX);
        let bytes = source.bytes.unwrap_or(metadata.len());
        if let Some(known) = self.known.get(&source.path)
            && (known.bytes, known.modified) == (bytes, modified)
            && fs::metadata(self.target.join(&known.stored)).is_ok_and(|it| it.len() == bytes)
        {
            self.files.push(known.clone());
            return Ok(());
        }
        let stored = self.fresh_name(&source.path);
        let (bytes, sha256) = copy_file(original, &self.target.join(&stored), source.bytes)?;
        self.bytes_copied += bytes;
        self.files.push(Kept { path: source.path.clone(), stored, bytes, sha256, modified });
        Ok(())
    }

    /// A name that nothing has yet: what the old manifest names is never overwritten.
    fn fresh_name(&self, path: &str) -> String {
        if !self.target.join(path).exists() {
            return path.to_owned();
        }
        let mut stored = format!("{path}~{}", self.generation);
        while self.target.join(&stored).exists() {
            // Left from a run that was interrupted.
            stored.push('~');
        }
        stored
    }

    fn catalog(&mut self, snapshot: Box<dyn catalog::Snapshot>) -> anyhow::Result<()> {
        let stored = self.fresh_name(CATALOG);
        let path = self.target.join(&stored);
        snapshot.write_to(&path).context("cannot copy the catalog")?;
        let (bytes, sha256) = super::digest_of(&path)?;
        self.bytes_copied += bytes;
        self.files.push(Kept { path: CATALOG.to_owned(), stored, bytes, sha256, modified: 0 });
        Ok(())
    }

    /// The configuration and what it names, and the master key if it is wanted.
    fn extras(
        &mut self,
        house: &House,
        config: &Config,
        config_file: Option<&Path>,
        options: Options,
    ) -> anyhow::Result<()> {
        let mut extras: Vec<(PathBuf, &str)> = Vec::new();
        extras.extend(config_file.map(|file| (file.to_owned(), "configuration/chancery.toml")));
        let dto = crate::settings::SettingsDesk::open(config, house.catalog.clone(), None)?;
        if let Some(files) = crate::settings::tls_files(&dto.current()) {
            extras.push((files.cert, "configuration/certificate.pem"));
            extras.push((files.key, "configuration/key.pem"));
        }
        if options.with_master_key {
            extras.push((house.folder.join(MASTER_KEY), MASTER_KEY));
        }
        for (original, path) in extras {
            self.file(&original, &Source { path: path.to_owned(), bytes: None })?;
        }
        Ok(())
    }
}

/// Removes what the manifest does not name.
fn remove_others(target: &Path, manifest: &Manifest) -> anyhow::Result<()> {
    let named: HashSet<&str> = manifest.files.iter().map(|kept| kept.stored.as_str()).collect();
    for file in files_below(target)? {
        let text = file.to_str().unwrap_or_default();
        if text != super::MANIFEST && !named.contains(text) {
            fs::remove_file(target.join(&file))?;
        }
    }
    Ok(())
}
