//! A damaged pack repaired from a copy of the vault.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use model::TenantId;

use crate::entry::{Compaction, Scanned};
use crate::key_table::{self, SLOT_BYTES, Slot};
use crate::pack::PackFiles;
use crate::tenant::locked;
use crate::vault::Vault;
use crate::walk::{FILE_HEADER_BYTES, Frame, Source, Step, step};
use crate::{Result, StoreError, files};

/// Octets that are compared and written at once.
const BLOCK_BYTES: usize = 64 << 10;

/// What a repair wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Blocks of the pack that differed.
    pub blocks: u64,
    /// Slots of the key table that were not readable.
    pub slots: u64,
}

impl Vault {
    /// Writes over one pack what `copy`, an older copy of the vault such as a backup, has of it, where they
    /// differ; a pack is never changed after it was written, so the copy's octets are the right ones. Slots of
    /// the key table only where ours are not readable: what was erased stays erased. Durable on return, may be
    /// repeated; a crash in between leaves a pack with less damage. A pack that was compacted since, here or in
    /// the copy, is written anew from the copy's entries without what is erased here.
    ///
    /// Returns `None` and changes nothing when the copy does not have the pack or is damaged itself.
    ///
    /// # Errors
    /// `ReadOnly`, `Io`.
    pub fn repair(&self, tenant: TenantId, pack: u32, copy: &Self) -> Result<Option<Repaired>> {
        if self.is_read_only() {
            return Err(StoreError::ReadOnly);
        }
        if !copy.has_tenant(tenant) || !copy.packs(tenant)?.contains(&pack) {
            return Ok(None);
        }
        let sound = |scanned| !matches!(scanned, Scanned::Damaged(_));
        // Whoever holds the key of a tenant cannot be mistaken for another: entries authenticate themselves.
        if !copy.scan(tenant, pack..=pack)?.all(sound) {
            return Ok(None);
        }
        let opened = self.tenant(tenant)?;
        let _rewriting = locked(&opened.rewriting);
        let (ours, theirs) = (self.folder(tenant), copy.folder(tenant));
        let path = ours.join(files::pack_name(pack));
        let io = |error| StoreError::io("repair", &path, error);
        let theirs = PackFiles::open(&theirs, (tenant, pack), false)?;
        let ours = PackFiles::open(&ours, (tenant, pack), true)?;
        let slots = copy_slots(&theirs.keys, &ours.keys).map_err(io)?;
        erase_again(&theirs, &ours, pack).map_err(io)?;
        ours.keys.sync_data().map_err(io)?;
        let blocks = if is_compacted(&ours).map_err(io)? || is_compacted(&theirs).map_err(io)? {
            if !has_all(&theirs, &ours, pack).map_err(io)? {
                return Ok(None);
            }
            match opened.rewrite(pack, &theirs, self.holders(), &mut |_| {})? {
                Compaction::Done(done) => done.bytes_after.div_ceil(BLOCK_BYTES as u64),
                Compaction::Clean | Compaction::Damaged(_) | Compaction::Held => return Ok(None),
            }
        } else {
            let blocks = copy_blocks(&theirs.pack, &ours.pack).map_err(io)?;
            ours.pack.sync_data().map_err(io)?;
            blocks
        };
        opened.forget(pack);
        Ok(Some(Repaired { blocks, slots }))
    }
}

/// What compaction left out here was erased: a slot that came from the copy is so again.
fn erase_again(copy: &PackFiles, ours: &PackFiles, pack: u32) -> io::Result<()> {
    let Some(layout) = ours.layout.as_ref().filter(|layout| layout.is_compacted()) else {
        return Ok(());
    };
    for frame in frames(copy)? {
        let slot = frame.header.slot;
        if layout.place_of(frame.location(pack).offset).is_none()
            && key_table::read(&ours.keys, slot)? != Slot::Erased
        {
            ours.keys.write_all_at(&key_table::erased_slot(slot), key_table::offset_of(slot))?;
        }
    }
    Ok(())
}

/// Whether entries do not stand where they were first written. Each of them knows it, so that a
/// damaged head does not matter.
fn is_compacted(files: &PackFiles) -> io::Result<bool> {
    if let Some(layout) = &files.layout {
        return Ok(layout.is_compacted());
    }
    Ok(frames(files)?.first().is_some_and(|frame| frame.header.first_offset != 0))
}

/// Whether the copy has every entry that can be told here and is not erased.
fn has_all(copy: &PackFiles, ours: &PackFiles, pack: u32) -> io::Result<bool> {
    let there: HashSet<_> = frames(copy)?
        .into_iter()
        .map(|frame| (frame.location(pack), frame.header.content))
        .collect();
    for frame in frames(ours)? {
        let known = there.contains(&(frame.location(pack), frame.header.content));
        if !known && key_table::read(&ours.keys, frame.header.slot)? != Slot::Erased {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The entries of a pack that can be told.
fn frames(files: &PackFiles) -> io::Result<Vec<Frame>> {
    let length = files.pack.length()?;
    let (mut at, mut found) = (files.start(), Vec::new());
    loop {
        match step(&files.pack, at, length)? {
            Step::End | Step::Torn(_) => return Ok(found),
            Step::Damaged(range) => at = range.end,
            Step::Frame(frame) => {
                at = frame.end().unwrap_or(length);
                if frame.header.kind.is_some() {
                    found.push(frame);
                }
            }
        }
    }
}

fn copy_blocks(from: &File, to: &File) -> io::Result<u64> {
    // The copy may end within an entry that was being written then: its scan cut that off, and so
    // did every start since. What both have is compared.
    let length = from.metadata()?.len().min(to.metadata()?.len());
    let (mut at, mut written) = (0, 0);
    let (mut theirs, mut ours) = (vec![0; BLOCK_BYTES], vec![0; BLOCK_BYTES]);
    while at < length {
        let count = usize::try_from(length - at).unwrap_or(BLOCK_BYTES).min(BLOCK_BYTES);
        from.read_exact_at(&mut theirs[..count], at)?;
        to.read_exact_at(&mut ours[..count], at)?;
        if theirs[..count] != ours[..count] {
            to.write_all_at(&theirs[..count], at)?;
            written += 1;
        }
        at += count as u64;
    }
    Ok(written)
}

fn copy_slots(from: &File, to: &File) -> io::Result<u64> {
    let mut header = [0; FILE_HEADER_BYTES];
    from.read_exact_at(&mut header, 0)?;
    let mut own = [0; FILE_HEADER_BYTES];
    let mut written = 0;
    if to.read_exact_at(&mut own, 0).is_err() || own != header {
        to.write_all_at(&header, 0)?;
        written += 1;
    }
    for slot in 0u32.. {
        let offset = key_table::offset_of(slot);
        let mut octets = [0; SLOT_BYTES];
        match from.read_exact_at(&mut octets, offset) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        }
        let readable = matches!(key_table::parse(&octets, slot), Slot::Key(_) | Slot::Erased);
        if readable && matches!(key_table::read(to, slot)?, Slot::Damaged | Slot::Absent) {
            to.write_all_at(&octets, offset)?;
            written += 1;
        }
    }
    Ok(written)
}
