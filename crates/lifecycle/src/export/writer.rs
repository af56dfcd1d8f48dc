//! Writes the files of an export and remembers their digests for the manifest.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use model::Digest;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::{Error, Result};

/// Files of a ZIP file that are longer need its 64-bit form.
const ZIP_FILE_BYTES_MAX: u64 = 1 << 31;

pub(super) struct Writer {
    /// The folder, or the ZIP file under its name while it is written.
    path: PathBuf,
    target: Target,
    manifest: BufWriter<File>,
    files: u64,
    bytes: u64,
}

enum Target {
    Folder {
        made: HashSet<PathBuf>,
    },
    /// One file of it is written at a time: lines are gathered beside it until they are complete.
    Zip {
        zip: Box<ZipWriter<BufWriter<File>>>,
        names: HashSet<String>,
        complete: PathBuf,
    },
}

/// A file of JSON lines that is being written.
pub(super) struct Lines {
    name: String,
    file: BufWriter<File>,
    digest: model::DigestWriter,
    bytes: u64,
    path: PathBuf,
}

impl Writer {
    pub(super) fn begin(target: &Path) -> Result<Self> {
        let failed = |source| Error::Export { path: target.to_owned(), source };
        if let Some(parent) = target.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(failed)?;
        }
        let is_zip = target.extension().is_some_and(|it| it.eq_ignore_ascii_case("zip"));
        let (path, kind) = match is_zip {
            true => begin_zip(target).map_err(failed)?,
            false => {
                fs::DirBuilder::new().mode(0o700).create(target).map_err(failed)?;
                (target.to_owned(), Target::Folder { made: HashSet::new() })
            }
        };
        let manifest = match &kind {
            Target::Folder { .. } => create(&path.join("manifest.part")),
            Target::Zip { .. } => beside(&path),
        };
        let manifest = BufWriter::new(manifest.map_err(failed)?);
        Ok(Self { path, target: kind, manifest, files: 0, bytes: 0 })
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::Export { path: self.path.clone(), source }
    }

    /// A second file of the same name is the same file: the same report came with two records.
    pub(super) fn file(&mut self, name: &str, octets: &[u8]) -> Result<()> {
        let written = match &mut self.target {
            Target::Folder { made } => write_file(&self.path.join(name), octets, made),
            Target::Zip { zip, names, .. } => match names.insert(name.to_owned()) {
                true => write_zipped(zip, name, octets.len() as u64, &mut &*octets).map(|()| true),
                false => Ok(false),
            },
        };
        match written {
            Ok(true) => self.note(name, octets.len() as u64, &Digest::of(octets)),
            Ok(false) => Ok(()),
            Err(source) => Err(Error::Export { path: self.path.join(name), source }),
        }
    }

    pub(super) fn lines(&mut self, name: &str, values: Vec<Value>) -> Result<()> {
        let mut lines = self.open(name)?;
        for value in values {
            lines.line(&value)?;
        }
        self.close(lines)
    }

    pub(super) fn open(&self, name: &str) -> Result<Lines> {
        let path = self.path.join(name);
        let file = match self.target {
            Target::Folder { .. } => create(&path),
            Target::Zip { .. } => beside(&self.path),
        };
        let file = file.map_err(|source| Error::Export { path: path.clone(), source })?;
        let (file, digest) = (BufWriter::new(file), model::DigestWriter::default());
        Ok(Lines { name: name.to_owned(), file, digest, bytes: 0, path })
    }

    pub(super) fn close(&mut self, mut lines: Lines) -> Result<()> {
        let failed = |source| Error::Export { path: lines.path.clone(), source };
        lines.file.flush().map_err(failed)?;
        if let Target::Zip { zip, .. } = &mut self.target {
            copy_into(zip, &lines.name, lines.bytes, lines.file).map_err(failed)?;
        }
        self.note(&lines.name, lines.bytes, &lines.digest.finish())
    }

    fn note(&mut self, name: &str, bytes: u64, digest: &Digest) -> Result<()> {
        self.files += 1;
        self.bytes += bytes;
        let line = json!({ "path": name, "bytes": bytes, "sha256": digest.to_hex() });
        let written = writeln!(self.manifest, "{line}");
        written.map_err(|source| self.failed(source))
    }

    /// Makes everything durable; the manifest, or the ZIP file, takes its name last. An export
    /// that is not complete leaves its folder without a manifest, or nothing. Returns files and
    /// bytes.
    pub(super) fn end(mut self, complete: bool) -> Result<(u64, u64)> {
        let (files, bytes, path) = (self.files, self.bytes, self.path.clone());
        let failed = |source| Error::Export { path: path.clone(), source };
        self.manifest.flush().map_err(failed)?;
        match self.target {
            Target::Folder { .. } if complete => name_manifest(&path).map_err(failed)?,
            Target::Zip { zip, complete: name, .. } if complete => {
                end_zip(*zip, self.manifest, &path, &name).map_err(failed)?;
            }
            Target::Folder { .. } => {}
            Target::Zip { .. } => fs::remove_file(&path).map_err(failed)?,
        }
        Ok((files, bytes))
    }
}

impl Lines {
    pub(super) fn line(&mut self, value: &Value) -> Result<()> {
        let failed = |source| Error::Export { path: self.path.clone(), source };
        let mut text = value.to_string();
        text.push('\n');
        self.digest.update(text.as_bytes());
        self.bytes += text.len() as u64;
        self.file.write_all(text.as_bytes()).map_err(failed)
    }
}

/// `false`: it is there.
fn write_file(path: &Path, octets: &[u8], made: &mut HashSet<PathBuf>) -> io::Result<bool> {
    if let Some(parent) = path.parent()
        && made.insert(parent.to_owned())
    {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    match create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        file => file.and_then(|mut file| file.write_all(octets)).map(|()| true),
    }
}

fn name_manifest(folder: &Path) -> io::Result<()> {
    // One call for all files instead of one each.
    let open = File::open(folder)?;
    rustix::fs::syncfs(&open)?;
    fs::rename(folder.join("manifest.part"), folder.join("manifest.jsonl"))?;
    open.sync_all()
}

fn begin_zip(target: &Path) -> io::Result<(PathBuf, Target)> {
    if target.exists() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let part = target.with_extension("zip.part");
    // What an interrupted export left is nobody's.
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let zip = Box::new(ZipWriter::new(BufWriter::new(create(&part)?)));
    let target = Target::Zip { zip, names: HashSet::new(), complete: target.to_owned() };
    Ok((part, target))
}

fn write_zipped(
    zip: &mut ZipWriter<BufWriter<File>>,
    name: &str,
    bytes: u64,
    octets: &mut dyn io::Read,
) -> io::Result<()> {
    let options =
        SimpleFileOptions::default().unix_permissions(0o600).large_file(bytes > ZIP_FILE_BYTES_MAX);
    zip.start_file(name, options)?;
    io::copy(octets, zip).map(|_| ())
}

/// What was gathered beside the ZIP file.
fn copy_into(
    zip: &mut ZipWriter<BufWriter<File>>,
    name: &str,
    bytes: u64,
    gathered: BufWriter<File>,
) -> io::Result<()> {
    let mut file = gathered.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    write_zipped(zip, name, bytes, &mut file)
}

fn end_zip(
    mut zip: ZipWriter<BufWriter<File>>,
    manifest: BufWriter<File>,
    part: &Path,
    name: &Path,
) -> io::Result<()> {
    let bytes = manifest.get_ref().metadata()?.len();
    copy_into(&mut zip, "manifest.jsonl", bytes, manifest)?;
    let file = zip.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    // Not over a file that came meanwhile.
    fs::hard_link(part, name)?;
    fs::remove_file(part)?;
    match name.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// A file beside `path` that nobody else sees: it has no name, and ends with its handle.
fn beside(path: &Path) -> io::Result<File> {
    let gathered = path.with_extension("lines");
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create_new(true).mode(0o600).open(&gathered)?;
    fs::remove_file(&gathered)?;
    Ok(file)
}
