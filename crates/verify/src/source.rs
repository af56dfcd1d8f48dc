use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use evidence::export::is_path;

use crate::cores::on_all_cores;
use crate::error::VerifyError;
use crate::shown;

/// The greatest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 2 << 30;
/// How much of a file is read with the first call, in bytes.
const AT_ONCE: usize = 16 << 10;
/// The most files that an export may have.
const FILES_MAX: usize = 10_000_000;
/// How deep folders may be nested; an export has three levels.
const DEPTH_MAX: usize = 8;

/// Where an export lies. Reads one file at a time into memory.
pub enum Source {
    Folder { root: PathBuf, files: Vec<String> },
    Zip { archive: Mutex<zip::ZipArchive<File>>, files: BTreeMap<String, usize> },
}

/// Reads a file that is no greater than 2 GiB.
pub fn read_file(path: &Path) -> Result<Vec<u8>, VerifyError> {
    let unreadable =
        |error: std::io::Error| VerifyError::Unreadable(shown(path), error.to_string());
    match read_limited(path).map_err(unreadable)? {
        Some(octets) => Ok(octets),
        None => Err(VerifyError::Unreadable(shown(path), "it is too great".into())),
    }
}

/// `None`: it is greater than that.
fn read_limited(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    let mut file = File::open(path)?;
    // Most files of an export are read at once and fit; a second read sees the end.
    let mut octets = vec![0; AT_ONCE];
    let mut length = 0;
    loop {
        if length == octets.len() {
            break;
        }
        match file.read(&mut octets[length..]) {
            Ok(0) => {
                octets.truncate(length);
                return Ok(Some(octets));
            }
            Ok(count) => length += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let size = file.metadata()?.len().min(FILE_BYTES_MAX);
    octets.reserve_exact((size as usize).saturating_sub(length) + 1);
    file.take(FILE_BYTES_MAX + 1 - length as u64).read_to_end(&mut octets)?;
    Ok(Some(octets).filter(|octets| octets.len() as u64 <= FILE_BYTES_MAX))
}

impl Source {
    pub fn open(path: &Path) -> Result<Self, VerifyError> {
        if path.is_dir() {
            return Ok(Self::Folder { root: path.to_owned(), files: list(path)? });
        }
        let unreadable = |error: String| VerifyError::Unreadable(shown(path), error);
        let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
        let mut archive = zip::ZipArchive::new(file).map_err(|error| {
            unreadable(format!("it is neither a folder nor a zip file: {error}"))
        })?;
        let mut files = BTreeMap::new();
        for index in 0..archive.len().min(FILES_MAX + 1) {
            let entry =
                archive.by_index_raw(index).map_err(|error| unreadable(error.to_string()))?;
            if entry.is_dir() {
                continue;
            }
            let name = entry.name().map_err(|error| unreadable(error.to_string()))?.into_owned();
            if !is_path(&name) || files.insert(name.clone(), index).is_some() {
                return Err(unreadable(format!(
                    "{name:?} is no name of an export, or is there twice"
                )));
            }
        }
        if files.len() > FILES_MAX {
            return Err(unreadable("it has too many files".into()));
        }
        Ok(Self::Zip { archive: Mutex::new(archive), files })
    }

    /// All files, sorted.
    pub fn files(&self) -> Vec<&str> {
        match self {
            Self::Folder { files, .. } => files.iter().map(String::as_str).collect(),
            Self::Zip { files, .. } => files.keys().map(String::as_str).collect(),
        }
    }

    pub fn has(&self, path: &str) -> bool {
        match self {
            Self::Folder { files, .. } => {
                files.binary_search_by(|it| it.as_str().cmp(path)).is_ok()
            }
            Self::Zip { files, .. } => files.contains_key(path),
        }
    }

    pub fn count(&self) -> usize {
        match self {
            Self::Folder { files, .. } => files.len(),
            Self::Zip { files, .. } => files.len(),
        }
    }

    /// The octets of a file, or why they cannot be had.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        match self {
            Self::Folder { root, .. } => match read_limited(&root.join(path)) {
                Ok(Some(octets)) => Ok(octets),
                Ok(None) => Err(format!("{path} is too great")),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    Err(format!("{path} is missing"))
                }
                Err(error) => Err(format!("cannot read {path}: {error}")),
            },
            Self::Zip { archive, files } => {
                let Some(index) = files.get(path).copied() else {
                    return Err(format!("{path} is missing"));
                };
                let mut archive = archive.lock().unwrap_or_else(|error| error.into_inner());
                let entry = archive.by_index(index).map_err(|error| format!("{path}: {error}"))?;
                let mut octets = Vec::new();
                let mut limited = entry.take(FILE_BYTES_MAX + 1);
                limited.read_to_end(&mut octets).map_err(|error| format!("{path}: {error}"))?;
                match octets.len() as u64 > FILE_BYTES_MAX {
                    true => Err(format!("{path} is too great")),
                    false => Ok(octets),
                }
            }
        }
    }
}

/// All files below `root`, sorted; one level of folders after the other, on all cores.
fn list(root: &Path) -> Result<Vec<String>, VerifyError> {
    let unreadable = |why: &str| VerifyError::Unreadable(shown(root), why.to_owned());
    let mut files = Vec::new();
    let mut level = vec![String::new()];
    for _ in 0..=DEPTH_MAX {
        let read = on_all_cores(level.len(), |at| read_folder(root, &level[at]));
        let mut below = Vec::new();
        for folder in read {
            let (inner_files, inner_folders) = folder?;
            files.extend(inner_files);
            below.extend(inner_folders);
        }
        if files.len() > FILES_MAX || below.len() > FILES_MAX {
            return Err(unreadable("it has too many files"));
        }
        if below.is_empty() {
            files.sort();
            return Ok(files);
        }
        below.sort();
        level = below;
    }
    Err(unreadable("it is nested too deep"))
}

/// The files and the folders of one folder below `root`, by their paths, sorted.
fn read_folder(root: &Path, below: &str) -> Result<(Vec<String>, Vec<String>), VerifyError> {
    let folder = root.join(below);
    let unreadable = |why: String| VerifyError::Unreadable(shown(&folder), why);
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    let entries = std::fs::read_dir(&folder).map_err(|error| unreadable(error.to_string()))?;
    for entry in entries {
        let entry = entry.map_err(|error| unreadable(error.to_string()))?;
        let kind = entry.file_type().map_err(|error| unreadable(error.to_string()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        if !is_path(&path) {
            return Err(unreadable(format!("{path:?} is no name of an export")));
        }
        if files.len() + folders.len() > FILES_MAX {
            return Err(unreadable("it has too many files".into()));
        }
        if kind.is_dir() {
            folders.push(path);
        } else if kind.is_file() {
            files.push(path);
        } else {
            return Err(unreadable(format!("{path:?} is neither a file nor a folder")));
        }
    }
    files.sort();
    Ok((files, folders))
}
