//! The pack that is written to.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::{DigestWriter, Location, TenantId};

use crate::dictionary::Dictionary;
use crate::entry::Sealed;
use crate::key_table::{self, SLOT_BYTES, Slot};
use crate::layout::{Head, Layout};
use crate::walk::{
    ENTRY_HEADER_BYTES, EntryHeader, FILE_HEADER_BYTES, FileHeader, Frame, PACK_MAGIC, Source,
    Step, step,
};
use crate::{Result, StoreError, files};

/// A pack and its key table.
pub(crate) struct PackFiles {
    pub pack: File,
    pub keys: File,
    /// `None` when the head of the pack is damaged.
    pub layout: Option<Layout>,
}

impl PackFiles {
    pub(crate) fn open(dir: &Path, (tenant, number): (TenantId, u32), write: bool) -> Result<Self> {
        let open = |name: String| {
            let path = dir.join(name);
            let file = if write { files::open_write(&path) } else { files::open_read(&path) };
            file.map_err(|error| StoreError::io("open", &path, error))
        };
        let (pack, keys) = (open(files::pack_name(number))?, open(files::keys_name(number))?);
        let path = || dir.join(files::pack_name(number));
        let layout = match Layout::read(&pack, tenant, number) {
            Err(error) => return Err(StoreError::io("read", &path(), error)),
            Ok(Head::Unknown(version)) => {
                return Err(StoreError::UnknownVersion { path: path(), version });
            }
            Ok(Head::Damaged) => None,
            Ok(Head::Sound(layout)) => Some(layout),
        };
        Ok(Self { pack, keys, layout })
    }

    /// Where the first entry stands in the file.
    pub(crate) fn start(&self) -> u64 {
        self.layout.as_ref().map_or(FILE_HEADER_BYTES as u64, Layout::start)
    }

    /// Where an entry stands in the file; `None` when compaction left it out.
    pub(crate) fn place_of(&self, location: Location) -> std::io::Result<Option<u64>> {
        match &self.layout {
            Some(layout) => Ok(layout.place_of(location.offset)),
            None => self.search(location).map(|found| found.or(Some(location.offset))),
        }
    }

    /// Finds an entry without the head of the pack, which says where it is: each entry of a
    /// compacted pack names its place. As long as the pack; only for damaged ones.
    fn search(&self, location: Location) -> std::io::Result<Option<u64>> {
        let length = self.pack.length()?;
        let mut at = FILE_HEADER_BYTES as u64;
        loop {
            match step(&self.pack, at, length)? {
                Step::End | Step::Torn(_) => return Ok(None),
                Step::Damaged(range) => at = range.end,
                Step::Frame(frame) if frame.location(location.pack) == location => {
                    return Ok(Some(frame.offset));
                }
                Step::Frame(frame) => at = frame.end().unwrap_or(length),
            }
        }
    }
}

/// A pack that takes entries.
pub(crate) struct OpenPack {
    dir: PathBuf,
    tenant: TenantId,
    pub number: u32,
    pub files: Arc<PackFiles>,
    /// Durable bytes of the pack.
    pub length: u64,
    /// Slots in use.
    pub slots: u32,
    batch: u32,
    headers: DigestWriter,
    /// The id of the dictionary that is the first entry; 0 = none.
    pub dictionary: u32,
    /// The folder does not know the files durably yet.
    unnamed: bool,
}

impl OpenPack {
    /// Makes a pack without entries. Durable with the first append.
    pub(crate) fn create(dir: &Path, tenant: TenantId, number: u32) -> Result<Self> {
        let create = |name: String, magic: &[u8; 8]| {
            let path = dir.join(name);
            let header = FileHeader { magic: *magic, tenant, number }.bytes();
            files::create_with(&path, &header)
                .map_err(|error| StoreError::io("create", &path, error))
        };
        let keys = create(files::keys_name(number), key_table::MAGIC)?;
        let pack = create(files::pack_name(number), PACK_MAGIC)?;
        Ok(Self {
            dir: dir.to_owned(),
            tenant,
            number,
            files: Arc::new(PackFiles { pack, keys, layout: Some(Layout::default()) }),
            length: FILE_HEADER_BYTES as u64,
            slots: 0,
            batch: 0,
            headers: DigestWriter::new(),
            dictionary: 0,
            unnamed: true,
        })
    }

    /// Takes over the last pack of an earlier run and cuts what it left unfinished; `None` when
    /// the pack is sealed or damaged and a new one is to be begun.
    pub(crate) fn resume(dir: &Path, tenant: TenantId, number: u32) -> Result<Option<Self>> {
        let path = dir.join(files::pack_name(number));
        let io = |error| StoreError::io("read", &path, error);
        let files = PackFiles::open(dir, (tenant, number), true)?;
        if files.layout.as_ref().is_some_and(Layout::is_compacted) {
            // It was sealed before.
            return Ok(None);
        }
        let mut header = [0; FILE_HEADER_BYTES];
        let read = Source::read_at(&files.keys, 0, &mut header);
        if let Some(version) = crate::walk::foreign_version(&header) {
            return Err(StoreError::UnknownVersion { path, version });
        }
        let wanted = FileHeader { magic: *key_table::MAGIC, tenant, number }.bytes();
        if files.layout.is_none() || read.is_err() || header != wanted {
            tracing::error!(path = %path.display(), "the header of a pack or key table is damaged; a new pack is begun");
            return Ok(None);
        }
        let length = files.pack.length().map_err(io)?;
        let mut at = FILE_HEADER_BYTES as u64;
        let mut frames = Vec::new();
        loop {
            match step(&files.pack, at, length).map_err(io)? {
                Step::End => break,
                Step::Frame(frame) if frame.header.kind.is_none() => return Ok(None),
                Step::Frame(frame) => {
                    at = frame.end().unwrap_or(length);
                    frames.push(frame);
                }
                Step::Torn(_) => break,
                Step::Damaged(range) => {
                    tracing::error!(path = %path.display(), from = range.start, to = range.end, "a pack is damaged; a new one is begun");
                    return Ok(None);
                }
            }
        }
        let keep = complete(&files, &frames).map_err(io)?;
        frames.truncate(keep);
        let end = frames.last().and_then(Frame::end).unwrap_or(FILE_HEADER_BYTES as u64);
        Self::cut(&files, &path, end, length)?;
        Self::taken_over(dir, (tenant, number), files, &frames).map(Some)
    }

    fn cut(files: &PackFiles, path: &Path, end: u64, length: u64) -> Result<()> {
        let io = |error| StoreError::io("cut", path, error);
        if end < length {
            tracing::warn!(path = %path.display(), at = end, bytes = length - end, "unfinished entries at the end of a pack are cut; nothing refers to them");
            files.pack.set_len(end).and_then(|()| files.pack.sync_data()).map_err(io)?;
        }
        let keys = files.keys.length().map_err(io)?;
        let torn = (keys - FILE_HEADER_BYTES as u64) % SLOT_BYTES as u64;
        if torn != 0 {
            files.keys.set_len(keys - torn).map_err(io)?;
        }
        Ok(())
    }

    fn taken_over(
        dir: &Path,
        (tenant, number): (TenantId, u32),
        files: PackFiles,
        frames: &[Frame],
    ) -> Result<Self> {
        let keys = files.keys.length().map_err(|error| StoreError::io("read", dir, error))?;
        let slots = (keys - FILE_HEADER_BYTES as u64) / SLOT_BYTES as u64;
        let mut headers = DigestWriter::new();
        frames.iter().for_each(|frame| headers.update(&frame.header.bytes()));
        let first = frames.first().map(|frame| frame.header);
        let is_dictionary =
            |header: &EntryHeader| header.kind == Some(crate::EntryKind::Dictionary);
        Ok(Self {
            dir: dir.to_owned(),
            tenant,
            number,
            files: Arc::new(files),
            length: frames.last().and_then(Frame::end).unwrap_or(FILE_HEADER_BYTES as u64),
            slots: u32::try_from(slots).unwrap_or(u32::MAX),
            batch: frames.last().map_or(0, |frame| frame.header.batch + 1),
            headers,
            dictionary: first.filter(is_dictionary).map_or(0, |header| header.dictionary),
            // Unknown after a crash; syncing the folder once more does no harm.
            unnamed: true,
        })
    }

    /// Writes a batch; durable on return. After an error the pack must not be used again.
    pub(crate) fn append(&mut self, batch: &[Sealed]) -> Result<Vec<Location>> {
        let path = self.dir.join(files::pack_name(self.number));
        let mut slots = Vec::with_capacity(batch.len() * SLOT_BYTES);
        let mut headers = Vec::with_capacity(batch.len());
        let mut locations = Vec::with_capacity(batch.len());
        let mut offset = self.length;
        let mut digest = self.headers.clone();
        for (slot, sealed) in (self.slots..).zip(batch) {
            slots.extend_from_slice(&key_table::key_slot(slot, &sealed.wrapped));
            let header = sealed.header(slot, self.batch).bytes();
            digest.update(&header);
            headers.push(header);
            let length_bytes = (ENTRY_HEADER_BYTES + sealed.body.len()) as u64;
            locations.push(Location { pack: self.number, slot, offset, length_bytes });
            offset += length_bytes;
        }
        files::write_keys(&self.files.keys, &slots, key_table::offset_of(self.slots))
            .map_err(|error| StoreError::io("write the keys of", &path, error))?;
        let pieces = headers.iter().zip(batch).map(|(header, sealed)| (*header, &sealed.body[..]));
        files::write_pack(&self.files.pack, pieces, self.length)
            .map_err(|error| StoreError::io("write", &path, error))?;
        let new_in = self.unnamed.then_some(self.dir.as_path());
        files::sync_both(&self.files.keys, &self.files.pack, new_in)
            .map_err(|error| StoreError::io("make durable", &path, error))?;
        self.unnamed = false;
        self.length = offset;
        self.slots += batch.len() as u32;
        self.batch += 1;
        self.headers = digest;
        Ok(locations)
    }

    /// Makes a dictionary the first entry of this empty pack; durable on return.
    pub(crate) fn begin_with(&mut self, dictionary: &Dictionary, sealed: Sealed) -> Result<()> {
        let path = self.dir.join(files::pack_name(self.number));
        let io = |error| StoreError::io("begin", &path, error);
        before_dictionary().map_err(io)?;
        self.append(&[sealed])?;
        after_dictionary().map_err(io)?;
        self.dictionary = dictionary.id;
        Ok(())
    }

    /// Ends the pack for ever; durable on return.
    pub(crate) fn seal(self) -> Result<()> {
        let path = self.dir.join(files::pack_name(self.number));
        let seal = EntryHeader::seal(self.headers.finish(), self.batch);
        files::write_seal(&self.files.pack, &seal.bytes(), self.length)
            .map_err(|error| StoreError::io("seal", &path, error))
    }

    /// Gives the pack up after an error: what the failed batch left is taken back and the pack is
    /// sealed, as far as the disk allows. The entries before stay readable.
    pub(crate) fn abandon(self) {
        let (number, tenant) = (self.number, self.tenant);
        let cut = self.files.pack.set_len(self.length);
        let cut = cut.map_err(|error| StoreError::io("cut", &self.dir, error));
        if let Err(error) = cut.and_then(|()| self.seal()) {
            tracing::error!(tenant.id = %tenant, pack = number, %error, "a pack could not be written and not be sealed; a new one is begun");
        }
    }
}

/// How many of the entries were finished: those of the last batch count up to the first one whose
/// slot was never written.
fn complete(files: &PackFiles, frames: &[Frame]) -> std::io::Result<usize> {
    let Some(last) = frames.last() else { return Ok(0) };
    let begin = frames.partition_point(|frame| frame.header.batch < last.header.batch);
    if begin > 0 {
        let before = key_table::read(&files.keys, frames[begin - 1].header.slot)?;
        if before == Slot::Absent {
            // The key table itself is damaged; nothing may be cut on its word.
            return Ok(frames.len());
        }
    }
    for (index, frame) in frames.iter().enumerate().skip(begin) {
        if key_table::read(&files.keys, frame.header.slot)? == Slot::Absent {
            return Ok(index);
        }
    }
    Ok(frames.len())
}

fn before_dictionary() -> std::io::Result<()> {
    fail::fail_point!("store.dictionary.before", |kind| Err(crate::error::fault(kind)));
    Ok(())
}

fn after_dictionary() -> std::io::Result<()> {
    fail::fail_point!("store.dictionary.after", |kind| Err(crate::error::fault(kind)));
    Ok(())
}
