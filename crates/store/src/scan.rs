//! Reading everything again: for a rebuild, for verification.

use std::collections::{HashSet, VecDeque};
use std::ops::RangeInclusive;
use std::sync::Arc;

use model::{ContentId, DigestWriter};

use crate::entry::{Damage, EntryKind, Scanned};
use crate::files;
use crate::key_table::{self, Slot};
use crate::layout::{Head, Layout};
use crate::pack::PackFiles;
use crate::tenant::Tenant;
use crate::walk::{ENTRY_HEADER_BYTES, FILE_HEADER_BYTES, Frame, Source, Step, step};
use crate::{Result, StoreError};

/// All entries of a range of packs in the order in which they were appended, with everything that is not as it was
/// written. Holds one key table and one entry in memory.
pub struct Scan {
    tenant: Arc<Tenant>,
    packs: VecDeque<u32>,
    last: u32,
    current: Option<PackScan>,
    found: VecDeque<Scanned>,
    only: Option<EntryKind>,
}

struct PackScan {
    only: Option<EntryKind>,
    number: u32,
    files: PackFiles,
    at: u64,
    length: u64,
    slots: Vec<Slot>,
    used: HashSet<u32>,
    headers: DigestWriter,
    sealed: bool,
    damaged: bool,
    /// Still written to: no seal is expected.
    open: bool,
}

impl Scan {
    pub(crate) fn new(tenant: Arc<Tenant>, range: RangeInclusive<u32>) -> Result<Self> {
        let there = tenant.packs()?;
        let last = there.last().copied().unwrap_or(0);
        // A number that is missing in between is a pack that was lost.
        let packs = (*range.start()).max(1)..=(*range.end()).min(last);
        let found = VecDeque::new();
        Ok(Self { tenant, packs: packs.collect(), last, current: None, found, only: None })
    }

    /// Reads the bodies of entries of one kind alone and passes over the others: damage of those
    /// stays unknown.
    #[must_use]
    pub fn only(mut self, kind: EntryKind) -> Self {
        self.only = Some(kind);
        self
    }

    fn begin(&mut self, number: u32) {
        let written = self.tenant.written().filter(|written| written.number == number);
        let mut damage = |file: String, offset: u64, why: &str| {
            let why = why.to_owned();
            self.found.push_back(Scanned::Damaged(Damage {
                file,
                location: None,
                content: None,
                offset,
                why,
            }));
        };
        let (pack_name, keys_name) = (files::pack_name(number), files::keys_name(number));
        let open = |name: &str| files::open_read(&self.tenant.dir.join(name));
        let table = std::fs::read(self.tenant.dir.join(&keys_name));
        let table = table
            .inspect_err(|_| damage(keys_name.clone(), 0, "the key table is missing"))
            .unwrap_or_default();
        let (pack, keys) = match (open(&pack_name), open(&keys_name)) {
            (Ok(pack), Ok(keys)) => (pack, keys),
            // Without its key table a pack is named entry by entry all the same.
            (Ok(pack), Err(_)) => match pack.try_clone() {
                Ok(keys) => (pack, keys),
                Err(error) => return damage(pack_name, 0, &error.to_string()),
            },
            (Err(_), _) => return damage(pack_name, 0, "the pack is missing"),
        };
        let (id, length) = (self.tenant.id, pack.length().unwrap_or(0));
        let layout = match Layout::read(&pack, id, number) {
            Ok(Head::Sound(layout)) => Some(layout),
            Ok(Head::Damaged | Head::Unknown(_)) | Err(_) => {
                damage(pack_name, 0, "the header of the pack is wrong");
                None
            }
        };
        let (sound, mut slots) = key_table::parse_table(&table, id, number);
        if !sound && !table.is_empty() {
            damage(keys_name, 0, "the header of the key table is wrong");
        }
        if let Some(written) = &written {
            slots.truncate(written.slots as usize);
        }
        self.current = Some(PackScan {
            only: self.only,
            number,
            at: layout.as_ref().map_or(FILE_HEADER_BYTES as u64, Layout::start),
            files: PackFiles { pack, keys, layout },
            length: written.as_ref().map_or(length, |written| written.length),
            slots,
            used: HashSet::new(),
            headers: DigestWriter::new(),
            sealed: false,
            damaged: false,
            open: written.is_some() || number == self.last,
        });
    }
}

impl Iterator for Scan {
    type Item = Scanned;

    fn next(&mut self) -> Option<Scanned> {
        loop {
            if let Some(found) = self.found.pop_front() {
                return Some(found);
            }
            match &mut self.current {
                Some(pack) => {
                    if !pack.advance(&self.tenant, &mut self.found) {
                        self.current = None;
                    }
                }
                None => {
                    let number = self.packs.pop_front()?;
                    self.begin(number);
                }
            }
        }
    }
}

impl PackScan {
    /// Looks at one place; `false` at the end.
    fn advance(&mut self, tenant: &Tenant, found: &mut VecDeque<Scanned>) -> bool {
        let damage = |offset, why: String| damage_at(self.number, offset, why);
        match step(&self.files.pack, self.at, self.length) {
            Err(error) => {
                found.push_back(damage(self.at, format!("it cannot be read: {error}")));
                self.damaged = true;
                self.finish(found);
                return false;
            }
            Ok(Step::End) => {
                self.finish(found);
                return false;
            }
            Ok(Step::Torn(at)) => {
                // Entries after the seal, or a tail that the next start cuts.
                if !self.open || self.sealed {
                    found.push_back(damage(at, "an entry is cut short".to_owned()));
                }
                self.damaged = true;
                self.finish(found);
                return false;
            }
            Ok(Step::Damaged(range)) => {
                let why = format!("{} bytes are no entry", range.end - range.start);
                found.push_back(damage(range.start, why));
                self.damaged = true;
                self.at = range.end;
            }
            Ok(Step::Frame(frame)) => {
                self.at = frame.end().unwrap_or(self.length);
                match self.sealed {
                    true => found
                        .push_back(damage(frame.offset, "it goes on behind its seal".to_owned())),
                    false => found.extend(self.entry(tenant, &frame)),
                }
            }
        }
        true
    }

    fn entry(&mut self, tenant: &Tenant, frame: &Frame) -> Option<Scanned> {
        let header = &frame.header;
        let Some(kind) = header.kind else {
            self.sealed = true;
            let right = self.headers.clone().finish() == header.content.0;
            let why = "its seal does not fit its entries".to_owned();
            return (!right && !self.damaged).then(|| damage_at(self.number, frame.offset, why));
        };
        self.headers.update(&header.bytes());
        self.used.insert(header.slot);
        if self.only.is_some_and(|only| only != kind) {
            return None;
        }
        let location = frame.location(self.number);
        let places = self.files.layout.as_ref();
        if places.is_some_and(|it| it.place_of(location.offset) != Some(frame.offset)) {
            return Some(damage_at(self.number, frame.offset, "an entry is out of place".into()));
        }
        let slot = self.slots.get(header.slot as usize).unwrap_or(&Slot::Absent);
        if *slot == Slot::Erased {
            return Some(Scanned::Erased { location, kind, content: header.content });
        }
        let damaged = |why: String| {
            let (file, content) = (files::pack_name(self.number), Some(header.content));
            Damage { file, location: Some(location), content, offset: frame.offset, why }
        };
        let mut body = vec![0; header.body_bytes as usize];
        let place = frame.offset + ENTRY_HEADER_BYTES as u64;
        if let Err(error) = Source::read_at(&self.files.pack, place, &mut body) {
            return Some(Scanned::Damaged(damaged(format!("it cannot be read: {error}"))));
        }
        let entry = match tenant.decode(location, header, body, slot, &self.files) {
            Ok(entry) => entry,
            Err(StoreError::Damaged { why, .. }) => return Some(Scanned::Damaged(damaged(why))),
            Err(error) => return Some(Scanned::Damaged(damaged(error.to_string()))),
        };
        let hashed = matches!(kind, EntryKind::Part | EntryKind::Dictionary | EntryKind::Note);
        if hashed && ContentId::of(&entry.octets) != entry.content {
            return Some(Scanned::Damaged(damaged("its octets have another digest".to_owned())));
        }
        Some(Scanned::Entry { location, entry })
    }

    /// What is left to say at the end of a pack: its seal, and slots that no entry named.
    fn finish(&mut self, found: &mut VecDeque<Scanned>) {
        if !self.sealed && !self.open && !self.damaged {
            found.push_back(damage_at(
                self.number,
                self.length,
                "it ends without its seal".to_owned(),
            ));
        }
        for (number, slot) in (0u32..).zip(&self.slots) {
            if *slot == Slot::Damaged && !self.used.contains(&number) {
                found.push_back(Scanned::Damaged(Damage {
                    file: files::keys_name(self.number),
                    location: None,
                    content: None,
                    offset: key_table::offset_of(number),
                    why: format!("slot {number} is damaged; no entry uses it"),
                }));
            }
        }
    }
}

fn damage_at(number: u32, offset: u64, why: String) -> Scanned {
    let file = files::pack_name(number);
    Scanned::Damaged(Damage { file, location: None, content: None, offset, why })
}

impl std::fmt::Debug for Scan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scan").field("packs", &self.packs).finish_non_exhaustive()
    }
}
