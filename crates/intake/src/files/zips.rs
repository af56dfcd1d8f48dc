//! Zip archives, entry by entry; nothing is unpacked to disk.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;
use std::path::Path;

use zip::ZipArchive;

use super::tree::{Place, Tree, head};
use super::{Reason, Total, names};

/// How often its packed size an entry may unpack to. Deflate cannot do more than 1,032; entries
/// that overlap or claim sizes that are not theirs can.
pub const ZIP_EXPANSION_MAX: u64 = 1100;
/// What an archive may unpack to altogether beyond a hundred times its own size, in bytes.
pub const ZIP_OVERHEAD_BYTES_MAX: u64 = 64 << 30;

type Archive = ZipArchive<BufReader<File>>;

pub(super) fn visit(tree: &mut Tree<'_>, path: &Path, place: &Place<'_>) -> ControlFlow<()> {
    let mut archive = match open(path) {
        Ok(archive) => archive,
        Err(reason) => return tree.unread(place.name(), reason),
    };
    let entries = entries(&archive);
    let maildirs: HashSet<&str> =
        entries.iter().filter_map(|entry| maildir_of(&entry.name)).collect();
    let size_bytes = path.metadata().map_or(0, |meta| meta.len());
    let mut budget = size_bytes.saturating_mul(100).saturating_add(ZIP_OVERHEAD_BYTES_MAX);
    for entry in &entries {
        let mut parts: Vec<&str> = place.folders.to_vec();
        parts.push(place.file_name);
        parts.extend(entry.name.split('/').filter(|part| !part.is_empty()));
        let Some(file_name) = parts.pop() else { continue };
        if parts.iter().any(|part| names::keeps_house(part)) || names::keeps_house(file_name) {
            continue;
        }
        let within = entry.name.rsplit_once('/').map_or("", |(folder, _)| folder);
        let (above, last) = within.rsplit_once('/').unwrap_or(("", within));
        if last == "tmp" && maildirs.contains(above) {
            continue;
        }
        let place =
            Place { folders: &parts, file_name, maildir: maildir_of(&entry.name).is_some() };
        one(tree, &mut archive, entry, &place, &mut budget)?;
    }
    ControlFlow::Continue(())
}

fn one(
    tree: &mut Tree<'_>,
    archive: &mut Archive,
    entry: &Entry,
    place: &Place<'_>,
    budget: &mut u64,
) -> ControlFlow<()> {
    if entry.encrypted {
        return tree.unread(place.name(), Reason::Encrypted);
    }
    if entry.link {
        return tree.unread(place.name(), Reason::Link);
    }
    let file = match archive.by_index(entry.index) {
        Ok(file) => file,
        Err(error) => return tree.unread(place.name(), Reason::Zip(error.to_string())),
    };
    let packed = file.compressed_size();
    let honest = packed.saturating_mul(ZIP_EXPANSION_MAX).saturating_add(4096);
    let mut reader =
        Bounded { reader: file, left: honest.min(*budget), limit: honest.min(*budget) };
    let end = tree.read_bytes + entry.size_bytes;
    match head(&mut reader) {
        Ok(head) => tree.octets(&head, &mut reader, place)?,
        Err(error) => tree.unread(place.name(), Reason::Read(error))?,
    }
    tree.read_bytes = end;
    *budget -= reader.limit - reader.left;
    ControlFlow::Continue(())
}

pub(super) fn count(path: &Path) -> Option<Total> {
    let archive = open(path).ok()?;
    let entries = entries(&archive);
    Some(Total {
        files: entries.len() as u64,
        bytes: entries.iter().fold(0, |sum, entry| sum.saturating_add(entry.size_bytes)),
    })
}

fn open(path: &Path) -> Result<Archive, Reason> {
    let file = File::open(path)?;
    ZipArchive::new(BufReader::new(file)).map_err(|error| Reason::Zip(error.to_string()))
}

struct Entry {
    index: usize,
    name: String,
    size_bytes: u64,
    encrypted: bool,
    link: bool,
}

/// Files by name.
fn entries(archive: &Archive) -> Vec<Entry> {
    let mut entries: Vec<_> = (0..archive.len())
        .filter_map(|index| {
            let data = archive.by_index_data(index).ok()?;
            let name = match data.name() {
                Ok(name) => name.into_owned(),
                Err(_) => String::from_utf8_lossy(data.name_raw()).into_owned(),
            };
            Some(Entry {
                index,
                name,
                size_bytes: data.size(),
                encrypted: data.encrypted(),
                link: data.is_symlink(),
            })
        })
        .filter(|entry| !entry.name.ends_with('/'))
        .collect();
    entries.sort_by(|a, b| a.name.cmp(&b.name).then(a.index.cmp(&b.index)));
    entries
}

/// The path of the maildir whose `cur` or `new` holds this entry.
fn maildir_of(name: &str) -> Option<&str> {
    let (folder, _) = name.rsplit_once('/')?;
    match folder.rsplit_once('/') {
        Some((above, "cur" | "new")) => Some(above),
        None if matches!(folder, "cur" | "new") => Some(""),
        _ => None,
    }
}

/// Ends with an error instead of unpacking for ever.
struct Bounded<R> {
    reader: R,
    left: u64,
    limit: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => {
                self.left = left;
                Ok(count)
            }
            None => Err(io::Error::other(Reason::ExpandsTooFar { limit_bytes: self.limit })),
        }
    }
}
