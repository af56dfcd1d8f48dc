//! Packs written anew without what was erased. The number of a pack, the slots of its key table and
//! the places that everybody knows of its entries stay the same: nothing outside refers to
//! anything new, and replacing one file by another is all that happens.

use std::fs::File;
use std::path::Path;
use std::sync::Mutex;
use std::time::UNIX_EPOCH;

use model::{DigestWriter, Timestamp};

use crate::entry::{Compacted, Compaction, Damage, EntryKind, PackSpace};
use crate::key_table::{self, Slot};
use crate::layout::{Gap, Layout};
use crate::pack::PackFiles;
use crate::tenant::{Tenant, locked};
use crate::walk::{ENTRY_HEADER_BYTES, EntryHeader, Frame, Source, Step, step};
use crate::{Result, StoreError, files};

/// Octets that are written to a new pack in one go.
const GATHER_BYTES: usize = 1 << 20;

/// What a new pack will hold.
struct Plan {
    kept: Vec<Frame>,
    layout: Layout,
    /// Of the seal.
    batch: u32,
    dropped: u64,
}

impl Tenant {
    /// What of a pack could be given back. Reads the key table, and the headers of entries if one of
    /// them is erased; remembers it as long as nothing changes.
    pub(crate) fn pack_space(&self, number: u32) -> Result<PackSpace> {
        // Held all the while: what is erased meanwhile makes it forget afterwards.
        let mut measured = locked(&self.measured);
        if let Some(known) = measured.get(&number) {
            return Ok(*known);
        }
        let open = self.written();
        let files = self.files(number)?;
        let path = self.dir.join(files::pack_name(number));
        let io = |error| StoreError::io("read", &path, error);
        let metadata = files.pack.metadata().map_err(io)?;
        let slots = self.slots(number)?;
        let erased = slots.iter().filter(|slot| **slot == Slot::Erased).count() as u64;
        let layout = files.layout.clone().unwrap_or_default();
        let written = metadata.modified().map_err(io)?.duration_since(UNIX_EPOCH);
        let micros = written.map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(0));
        let mut space = PackSpace {
            pack: number,
            bytes: metadata.len(),
            reclaimed_bytes: layout.dropped_bytes(),
            written_at: Timestamp::from_micros(micros),
            ..PackSpace::default()
        };
        if erased > u64::from(layout.dropped) {
            let mut at = files.start();
            loop {
                match step(&files.pack, at, metadata.len()).map_err(io)? {
                    Step::End | Step::Torn(_) => break,
                    Step::Damaged(range) => at = range.end,
                    Step::Frame(frame) => {
                        at = frame.end().unwrap_or(metadata.len());
                        if slots.get(frame.header.slot as usize) == Some(&Slot::Erased) {
                            space.dead_bytes += frame.location(number).length_bytes;
                            space.dead_entries += 1;
                        }
                    }
                }
            }
        }
        if open.is_none_or(|open| open.number != number) {
            measured.insert(number, space);
        }
        Ok(space)
    }

    /// Writes a pack anew without its erased entries.
    pub(crate) fn compact(
        &self,
        number: u32,
        holders: &Mutex<usize>,
        pace: &mut dyn FnMut(u64),
    ) -> Result<Compaction> {
        if self.is_read_only() {
            return Err(StoreError::ReadOnly);
        }
        let _rewriting = locked(&self.rewriting);
        if *locked(holders) > 0 {
            return Ok(Compaction::Held);
        }
        if self.pack_space(number)?.dead_entries == 0 {
            return Ok(Compaction::Clean);
        }
        self.seal_if_open(number)?;
        let files = PackFiles::open(&self.dir, (self.id, number), false)?;
        self.rewrite(number, &files, holders, pace)
    }

    /// Writes a pack anew from `source`, this pack or a copy of it, without what is erased here.
    /// The caller holds [`Tenant::rewriting`].
    pub(crate) fn rewrite(
        &self,
        number: u32,
        source: &PackFiles,
        holders: &Mutex<usize>,
        pace: &mut dyn FnMut(u64),
    ) -> Result<Compaction> {
        let path = self.dir.join(files::pack_name(number));
        let bytes_before = path.metadata().map_or(0, |metadata| metadata.len());
        let mut slots = self.slots(number)?;
        let mut planned = plan(source, number, &slots, &path)?;
        if let Ok(plan) = &planned
            && plan.kept.iter().all(|frame| frame.header.kind == Some(EntryKind::Dictionary))
            && !plan.kept.is_empty()
        {
            // Nothing is left that needs it.
            let places: Vec<_> = plan.kept.iter().map(|frame| frame.location(number)).collect();
            match self.erase(&places) {
                // It is to be repaired: it stays, for now.
                Err(StoreError::Damaged { .. }) => {}
                erased => {
                    erased?;
                    slots = self.slots(number)?;
                    planned = self::plan(source, number, &slots, &path)?;
                }
            }
        }
        let plan = match planned {
            Ok(plan) => plan,
            Err(damage) => return Ok(Compaction::Damaged(damage)),
        };
        let draft = self.dir.join(files::draft_name(number));
        let written = self.write_draft((number, &draft), source, &plan, &slots, pace);
        let switched = match written {
            Ok(Ok(bytes_after)) => self.switch(number, &draft, holders).map(|done| match done {
                true => Compaction::Done(Compacted {
                    bytes_before,
                    bytes_after,
                    entries: plan.kept.len() as u64,
                    dropped: plan.dropped,
                }),
                false => Compaction::Held,
            }),
            Ok(Err(damage)) => Ok(Compaction::Damaged(damage)),
            Err(error) => Err(error),
        };
        if !matches!(switched, Ok(Compaction::Done(_))) {
            // What stays is removed by the next attempt or the next start.
            let _ = files::remove(&draft);
        }
        switched
    }

    /// All octets of the new pack, durable and read back; the inner error is damage of the source.
    fn write_draft(
        &self,
        (number, draft): (u32, &Path),
        source: &PackFiles,
        plan: &Plan,
        slots: &[Slot],
        pace: &mut dyn FnMut(u64),
    ) -> Result<Result<u64, Damage>> {
        let io = |error| StoreError::io("write", draft, error);
        files::remove(draft).map_err(io)?;
        let file = files::create_draft(draft).map_err(io)?;
        let mut writer = DraftWriter::new(&file);
        writer.push(&plan.layout.head(self.id, number)).map_err(io)?;
        let mut headers = DigestWriter::new();
        for frame in &plan.kept {
            let location = frame.location(number);
            let header = EntryHeader { first_offset: location.offset, ..frame.header };
            let mut body = vec![0; header.body_bytes as usize];
            let place = frame.offset + ENTRY_HEADER_BYTES as u64;
            source.pack.read_at(place, &mut body).map_err(io)?;
            headers.update(&header.bytes());
            writer.push(&header.bytes()).map_err(io)?;
            writer.push(&body).map_err(io)?;
            let slot = slots.get(header.slot as usize).unwrap_or(&Slot::Absent);
            if let Err(error) = self.decrypt(location, &header, &mut body, slot) {
                let why = match error {
                    StoreError::Damaged { why, .. } => why,
                    error => error.to_string(),
                };
                return Ok(Err(Damage {
                    location: Some(location),
                    content: Some(header.content),
                    ..damage_at(number, frame.offset, &why)
                }));
            }
            pace(location.length_bytes);
        }
        writer.push(&EntryHeader::seal(headers.finish(), plan.batch).bytes()).map_err(io)?;
        let (length, crc) = writer.finish().map_err(io)?;
        files::sync_draft(&file).map_err(io)?;
        if checksum(&file, length).map_err(io)? != crc {
            let other = std::io::Error::other("what was written is not what is read");
            return Err(StoreError::io("read back", draft, other));
        }
        Ok(Ok(length))
    }

    /// The moment at which the new pack counts; `false`: somebody copies the vault.
    fn switch(&self, number: u32, draft: &Path, holders: &Mutex<usize>) -> Result<bool> {
        let path = self.dir.join(files::pack_name(number));
        {
            let mut opened = locked(&self.opened);
            let holders = locked(holders);
            if *holders > 0 {
                return Ok(false);
            }
            files::switch(draft, &path).map_err(|error| StoreError::io("replace", &path, error))?;
            opened.remove(&number);
        }
        locked(&self.measured).remove(&number);
        files::sync_switch(&self.dir)
            .map_err(|error| StoreError::io("make durable", &self.dir, error))?;
        Ok(true)
    }

    /// What is remembered of a pack that was changed in its place.
    pub(crate) fn forget(&self, number: u32) {
        locked(&self.opened).remove(&number);
        locked(&self.measured).remove(&number);
    }

    /// The slots of a pack's key table.
    fn slots(&self, number: u32) -> Result<Vec<Slot>> {
        let path = self.dir.join(files::keys_name(number));
        let table = std::fs::read(&path).map_err(|error| StoreError::io("read", &path, error))?;
        Ok(key_table::parse_table(&table, self.id, number).1)
    }
}

/// What stays and what goes; the inner error is why the pack must stay as it is.
fn plan(
    source: &PackFiles,
    number: u32,
    slots: &[Slot],
    path: &Path,
) -> Result<Result<Plan, Damage>> {
    let io = |error| StoreError::io("read", path, error);
    let Some(layout) = &source.layout else {
        return Ok(Err(damage_at(number, 0, "the header of the pack is wrong")));
    };
    let length = source.pack.length().map_err(io)?;
    let (mut at, mut kept, mut gaps) = (layout.start(), Vec::new(), layout.gaps().to_vec());
    let mut headers = DigestWriter::new();
    let (mut dropped, mut seal) = (0u32, None);
    loop {
        let frame = match step(&source.pack, at, length).map_err(io)? {
            Step::End => break,
            Step::Torn(at) => return Ok(Err(damage_at(number, at, "an entry is cut short"))),
            Step::Damaged(range) => {
                let why = format!("{} bytes are no entry", range.end - range.start);
                return Ok(Err(damage_at(number, range.start, &why)));
            }
            Step::Frame(frame) => frame,
        };
        at = frame.end().unwrap_or(length);
        let (header, location) = (frame.header, frame.location(number));
        let damage = |why: &str| Ok(Err(damage_at(number, frame.offset, why)));
        if seal.is_some() {
            return damage("it goes on behind its seal");
        }
        if header.kind.is_none() {
            if headers.clone().finish() != header.content.0 {
                return damage("its seal does not fit its entries");
            }
            seal = Some(header.batch);
            continue;
        }
        headers.update(&header.bytes());
        if layout.place_of(location.offset) != Some(frame.offset) {
            return damage("an entry is out of place");
        }
        match slots.get(header.slot as usize) {
            Some(Slot::Key(_)) => kept.push(frame),
            Some(Slot::Erased) => {
                gaps.push(Gap { offset: location.offset, length: location.length_bytes });
                dropped = dropped.saturating_add(1);
            }
            Some(Slot::Damaged) => return damage("its key slot is damaged"),
            Some(Slot::Absent) | None => return damage("its key is missing"),
        }
    }
    let Some(batch) = seal else {
        return Ok(Err(damage_at(number, length, "it ends without its seal")));
    };
    let all = layout.dropped.saturating_add(dropped);
    let Some(layout) = Layout::new(joined(gaps), all) else {
        return Ok(Err(damage_at(number, 0, "its entries overlap")));
    };
    Ok(Ok(Plan { kept, layout, batch, dropped: u64::from(dropped) }))
}

/// Gaps in their order, those that touch as one.
fn joined(mut gaps: Vec<Gap>) -> Vec<Gap> {
    gaps.sort_by_key(|gap| gap.offset);
    let mut all: Vec<Gap> = Vec::with_capacity(gaps.len());
    for gap in gaps {
        match all.last_mut() {
            Some(last) if last.offset.checked_add(last.length) == Some(gap.offset) => {
                last.length = last.length.saturating_add(gap.length);
            }
            _ => all.push(gap),
        }
    }
    all
}

fn damage_at(number: u32, offset: u64, why: &str) -> Damage {
    let (file, why) = (files::pack_name(number), why.to_owned());
    Damage { file, location: None, content: None, offset, why }
}

/// Gathers what is written, and its checksum.
struct DraftWriter<'a> {
    file: &'a File,
    gathered: Vec<u8>,
    at: u64,
    crc: u32,
}

impl<'a> DraftWriter<'a> {
    fn new(file: &'a File) -> Self {
        Self { file, gathered: Vec::with_capacity(GATHER_BYTES), at: 0, crc: 0 }
    }

    fn push(&mut self, octets: &[u8]) -> std::io::Result<()> {
        for piece in octets.chunks(GATHER_BYTES) {
            if self.gathered.len() + piece.len() > GATHER_BYTES {
                self.flush()?;
            }
            self.gathered.extend_from_slice(piece);
        }
        Ok(())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        files::write_draft(self.file, &self.gathered, self.at)?;
        self.crc = crc32c::crc32c_append(self.crc, &self.gathered);
        self.at += self.gathered.len() as u64;
        self.gathered.clear();
        Ok(())
    }

    /// Length and checksum.
    fn finish(mut self) -> std::io::Result<(u64, u32)> {
        self.flush()?;
        Ok((self.at, self.crc))
    }
}

fn checksum(file: &File, length: u64) -> std::io::Result<u32> {
    let mut buffer = vec![0; GATHER_BYTES];
    let (mut at, mut crc) = (0, 0);
    while at < length {
        let count = usize::try_from(length - at).unwrap_or(GATHER_BYTES).min(GATHER_BYTES);
        file.read_at(at, &mut buffer[..count])?;
        crc = crc32c::crc32c_append(crc, &buffer[..count]);
        at += count as u64;
    }
    Ok(crc)
}
