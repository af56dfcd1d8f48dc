//! Backups: a folder with copies of all files, and a manifest that names them.
//!
//! Consistency: the running server stops archiving for a moment (mail is taken all the same),
//! names its files with their lengths, and goes on; the catalog is copied from a snapshot of that
//! moment. Packs, key tables and segments only grow, so their first octets are those of that
//! moment as well; settled segments are not erased until the copy is done. Every mail that was
//! acknowledged before is in the spool's copy or in the archive's.

mod check;
mod copy;
mod hold;
mod restore;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use anyhow::Context as _;
use model::{DigestWriter, Timestamp};
use serde::{Deserialize, Serialize};

pub use check::{Checked, check, open_vault};
pub use copy::{Options, make};
pub use hold::keep_still;
pub use restore::restore;

/// The name of the manifest in the folder of a backup.
const MANIFEST: &str = "manifest.json";

/// The version of the folder's format.
const FORMAT: u32 = 1;

/// The largest manifest that is read: a million files.
const MANIFEST_BYTES_MAX: u64 = 512 << 20;

/// Octets that are copied in one go.
const BUFFER_BYTES: usize = 1 << 20;

pub const CATALOG: &str = "catalog.sqlite";
pub const MASTER_KEY: &str = "master.key";

/// What a backup holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    pub format: u32,
    /// Of the program that made it.
    pub version: String,
    /// Grows with each run into the same folder.
    pub generation: u64,
    /// What was acknowledged before this moment is in it.
    pub begun_at: Timestamp,
    pub made_at: Timestamp,
    /// The key without which nothing can be read.
    pub master_key_id: String,
    pub has_master_key: bool,
    pub files: Vec<Kept>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// In the data folder.
    pub path: String,
    /// In the folder of the backup.
    pub stored: String,
    pub bytes: u64,
    pub sha256: String,
    /// When the original was last changed, in microseconds since 1970.
    pub modified: i64,
}

impl Manifest {
    /// # Errors
    /// When the folder holds no backup, or one of a newer program.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(MANIFEST);
        let file = File::open(&path)
            .with_context(|| format!("{} holds no backup: no {MANIFEST}", folder.display()))?;
        let mut text = String::new();
        file.take(MANIFEST_BYTES_MAX).read_to_string(&mut text)?;
        let manifest: Self = serde_json::from_str(&text)
            .with_context(|| format!("{} is damaged", path.display()))?;
        anyhow::ensure!(
            manifest.format == FORMAT,
            "the backup has format {}, this program knows {FORMAT}; update the program",
            manifest.format
        );
        for kept in &manifest.files {
            for path in [&kept.path, &kept.stored] {
                anyhow::ensure!(is_inside(path), "the manifest names {path:?}");
            }
        }
        Ok(manifest)
    }

    /// Replaces the manifest: from then on the folder is this backup.
    fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let draft = folder.join("manifest.json.new");
        let mut file = File::create(&draft)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        fs::rename(&draft, folder.join(MANIFEST))?;
        File::open(folder)?.sync_all()?;
        Ok(())
    }

    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|kept| kept.bytes).sum()
    }
}

/// A relative path without detours.
fn is_inside(path: &str) -> bool {
    !path.is_empty()
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// Copies at most `bytes` octets of `source` into a new file and makes it durable; its length and
/// digest. `None` copies everything.
fn copy_file(source: &Path, target: &Path, bytes: Option<u64>) -> anyhow::Result<(u64, String)> {
    let cannot = || format!("cannot copy {} to {}", source.display(), target.display());
    make_folder(target.parent().unwrap_or(Path::new("."))).with_context(cannot)?;
    let input = File::open(source).with_context(cannot)?;
    let mut options = File::options();
    let mut output =
        options.write(true).create_new(true).mode(0o600).open(target).with_context(cannot)?;
    let mut digest = DigestWriter::new();
    let mut input = input.take(bytes.unwrap_or(u64::MAX));
    let copied = pump(&mut input, |octets| {
        digest.update(octets);
        output.write_all(octets)
    })
    .with_context(cannot)?;
    output.sync_all().with_context(cannot)?;
    if let Some(bytes) = bytes {
        anyhow::ensure!(copied == bytes, "{} became shorter meanwhile", source.display());
    }
    Ok((copied, digest.finish().to_hex()))
}

/// Length and digest of a file.
fn digest_of(path: &Path) -> io::Result<(u64, String)> {
    let mut digest = DigestWriter::new();
    let bytes = pump(&mut File::open(path)?, |octets| {
        digest.update(octets);
        Ok(())
    })?;
    Ok((bytes, digest.finish().to_hex()))
}

fn pump(input: &mut impl Read, mut output: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<u64> {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut all = 0;
    loop {
        let count = input.read(&mut buffer)?;
        if count == 0 {
            return Ok(all);
        }
        output(&buffer[..count])?;
        all += count as u64;
    }
}

/// Readable by its owner only: a backup holds what the data folder holds.
fn make_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// All files below `folder`, relative to it.
fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(relative) = folders.pop() {
        for item in fs::read_dir(folder.join(&relative))? {
            let item = item?;
            let path = relative.join(item.file_name());
            let kind = item.file_type()?;
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
