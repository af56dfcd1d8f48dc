use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use evidence::export::is_path;

use crate::error::VerifyError;
use crate::shown;

/// The greatest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 2 << 30;
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
    let mut octets = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut octets).map_err(unreadable)?;
    match octets.len() as u64 > FILE_BYTES_MAX {
        true => Err(VerifyError::Unreadable(shown(path), "it is too great".into())),
        false => Ok(octets),
    }
}

impl Source {
    pub fn open(path: &Path) -> Result<Self, VerifyError> {
        if path.is_dir() {
            let mut files = Vec::new();
            list(path, "", 0, &mut files)?;
            files.sort();
            return Ok(Self::Folder { root: path.to_owned(), files });
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

    /// The octets of a file, or why they cannot be had.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        if !self.has(path) {
            return Err(format!("{path} is missing"));
        }
        match self {
            Self::Folder { root, .. } => {
                read_file(&root.join(path)).map_err(|error| error.to_string())
            }
            Self::Zip { archive, files } => {
                let index = files.get(path).copied().unwrap_or_default();
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

fn list(root: &Path, below: &str, depth: usize, into: &mut Vec<String>) -> Result<(), VerifyError> {
    let folder = root.join(below);
    let unreadable = |why: String| VerifyError::Unreadable(shown(&folder), why);
    if depth > DEPTH_MAX || into.len() > FILES_MAX {
        return Err(unreadable("it is nested too deep or has too many files".into()));
    }
    let entries = std::fs::read_dir(&folder).map_err(|error| unreadable(error.to_string()))?;
    for entry in entries {
        let entry = entry.map_err(|error| unreadable(error.to_string()))?;
        let kind = entry.file_type().map_err(|error| unreadable(error.to_string()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        if !is_path(&path) {
            return Err(unreadable(format!("{path:?} is no name of an export")));
        }
        if kind.is_dir() {
            list(root, &path, depth + 1, into)?;
        } else if kind.is_file() {
            into.push(path);
        } else {
            return Err(unreadable(format!("{path:?} is neither a file nor a folder")));
        }
    }
    Ok(())
}
