//! One tenant's folder: its key, its packs, its dictionary.

use std::collections::BTreeMap;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use model::{ContentId, Location, TenantId};

use crate::cipher::{self, NONCE_BYTES, Secret, TAG_BYTES};
use crate::compression;
use crate::dictionary::{Dictionary, Samples};
use crate::entry::{Entry, EntryKind, NewEntry, PackSpace, Sealed};
use crate::key_table::{self, Slot};
use crate::master_key::MasterKey;
use crate::pack::{OpenPack, PackFiles};
use crate::tenant_files;
use crate::walk::{ENTRY_HEADER_BYTES, EntryHeader, FILE_HEADER_BYTES, Frame, Step, step};
use crate::{Result, StoreError, files};

const FIRST_DICTIONARY: u32 = 1;
/// Packs whose files are held open for reading.
const OPEN_PACKS_MAX: usize = 64;

pub(crate) struct Tenant {
    pub id: TenantId,
    pub dir: PathBuf,
    key: Secret,
    pack_bytes: u64,
    writer: Mutex<Writer>,
    pub opened: Mutex<BTreeMap<u32, Arc<PackFiles>>>,
    /// Held while a pack is written anew: one at a time.
    pub rewriting: Mutex<()>,
    /// What was found about packs that are not written to; forgotten when it changes.
    pub measured: Mutex<BTreeMap<u32, PackSpace>>,
    dictionary: RwLock<Option<Arc<Dictionary>>>,
    samples: Arc<Mutex<Samples>>,
    /// A write or sync failed: the pack that was written to must not be taken up again before the
    /// process ended, so the tenant stays open.
    tainted: AtomicBool,
}

struct Writer {
    current: Option<OpenPack>,
    next_number: u32,
    read_only: bool,
}

/// The durable end of the pack that is written to.
pub(crate) struct Written {
    pub number: u32,
    pub length: u64,
    pub slots: u32,
}

impl Tenant {
    /// Makes the folder and the key of a tenant; durable on return.
    pub(crate) fn create(dir: &Path, id: TenantId, master: &MasterKey) -> Result<()> {
        files::create_dir(dir)?;
        let octets = tenant_files::new_key(id, master)?;
        files::replace(dir, files::TENANT_KEY, &octets)?;
        let vault = dir.parent().unwrap_or(dir);
        files::sync_dir(vault).map_err(|error| StoreError::io("make durable", vault, error))
    }

    pub(crate) fn open(
        dir: &Path,
        id: TenantId,
        master: &MasterKey,
        (read_only, pack_bytes): (bool, u64),
        samples: Arc<Mutex<Samples>>,
    ) -> Result<Self> {
        let tenant = Self {
            id,
            dir: dir.to_owned(),
            key: tenant_files::read_key(dir, id, master)?,
            pack_bytes,
            writer: Mutex::new(Writer { current: None, next_number: 1, read_only }),
            opened: Mutex::default(),
            rewriting: Mutex::default(),
            measured: Mutex::default(),
            dictionary: RwLock::new(None),
            samples,
            tainted: AtomicBool::new(false),
        };
        tenant.resume()?;
        Ok(tenant)
    }

    /// Takes over the last pack and its dictionary.
    fn resume(&self) -> Result<()> {
        let mut writer = locked(&self.writer);
        if !writer.read_only {
            files::remove_drafts(&self.dir)?;
        }
        let last = self.remove_unused(writer.read_only)?;
        writer.next_number = last.saturating_add(1);
        if last == 0 {
            return Ok(());
        }
        if !writer.read_only && self.dir.join(files::pack_name(last)).exists() {
            writer.current = OpenPack::resume(&self.dir, self.id, last)?;
        }
        drop(writer);
        match self.first_dictionary(last) {
            Ok(dictionary) => {
                *self.dictionary.write().unwrap_or_else(PoisonError::into_inner) = dictionary
            }
            Err(error) => {
                tracing::error!(tenant.id = %self.id, pack = last, %error, "the dictionary of the last pack cannot be read; a new one is trained")
            }
        }
        Ok(())
    }

    /// Removes files that a crash left before they had an entry; returns the last number in use.
    fn remove_unused(&self, read_only: bool) -> Result<u32> {
        let last = self.packs()?.last().copied().unwrap_or(0);
        let size = |name| self.dir.join(name).metadata().map(|metadata| metadata.len()).ok();
        let (pack, keys) = (size(files::pack_name(last)), size(files::keys_name(last)));
        let header = Some(FILE_HEADER_BYTES as u64);
        // A pack is created after its key table, and entries are written after both.
        if last == 0 || read_only || pack >= header || keys > header {
            return Ok(last);
        }
        for name in [files::pack_name(last), files::keys_name(last)] {
            let path = self.dir.join(name);
            files::remove(&path).map_err(|error| StoreError::io("remove", &path, error))?;
        }
        Ok(last - 1)
    }

    /// The numbers of packs of which a pack or a key table is there, in their order.
    pub(crate) fn packs(&self) -> Result<Vec<u32>> {
        files::packs(&self.dir)
    }

    pub(crate) fn seal(&self, new: &NewEntry<'_>) -> Result<Sealed> {
        let bundle =
            matches!(new.kind, EntryKind::Record | EntryKind::Report | EntryKind::Quarantine);
        let dictionary = self.dictionary.read().unwrap_or_else(PoisonError::into_inner).clone();
        if new.kind == EntryKind::Record && dictionary.is_none() {
            locked(&self.samples).add(new.content, new.octets);
        }
        self.seal_with(new, dictionary.as_deref().filter(|_| bundle))
    }

    fn seal_with(&self, new: &NewEntry<'_>, dictionary: Option<&Dictionary>) -> Result<Sealed> {
        let compressed = compression::compress(new.octets, dictionary.map(|d| &d.encoder));
        match (compressed, dictionary) {
            (None, _) => self.encrypt(new, (compression::NONE, 0), new.octets.to_vec()),
            (Some(body), None) => self.encrypt(new, (compression::ZSTD, 0), body),
            (Some(body), Some(dictionary)) => {
                self.encrypt(new, (compression::ZSTD_DICTIONARY, dictionary.id), body)
            }
        }
    }

    /// Encrypts a compressed body under a fresh key.
    fn encrypt(
        &self,
        new: &NewEntry<'_>,
        (compression, dictionary): (u8, u32),
        mut body: Vec<u8>,
    ) -> Result<Sealed> {
        let key = cipher::fresh_key()?;
        let mut sealed = Sealed {
            kind: new.kind,
            compression,
            dictionary,
            plain_bytes: new.octets.len() as u64,
            content: new.content,
            wrapped: cipher::wrap(&self.key, &key)?,
            body: Vec::new(),
        };
        let aad = sealed.header_for((body.len() + TAG_BYTES) as u64, 0, 0).bound_to(self.id);
        cipher::encrypt(&key, [0; NONCE_BYTES], &aad, &mut body)?;
        sealed.body = body;
        Ok(sealed)
    }

    pub(crate) fn append(&self, batch: &[Sealed]) -> Result<Vec<Location>> {
        let mut writer = locked(&self.writer);
        if writer.read_only {
            return Err(StoreError::ReadOnly);
        }
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        self.train_if_ready();
        let needed = batch.iter().map(|sealed| sealed.dictionary).max().unwrap_or(0);
        self.make_room(&mut writer, needed)?;
        let Some(pack) = &mut writer.current else { return Err(StoreError::ReadOnly) };
        let appended = pack.append(batch);
        if appended.is_err()
            && let Some(pack) = writer.current.take()
        {
            // What a failed sync left behind is unknown: this pack is never written again.
            self.tainted.store(true, Ordering::Relaxed);
            pack.abandon();
        }
        appended
    }

    /// Afterwards the current pack takes entries that need the dictionary `needed` (0 = none).
    fn make_room(&self, writer: &mut Writer, needed: u32) -> Result<()> {
        let trained = self.dictionary.read().unwrap_or_else(PoisonError::into_inner).clone();
        let wanted = trained.as_ref().map_or(0, |dictionary| dictionary.id);
        if needed != 0 && needed != wanted {
            return Err(StoreError::damaged(
                "an entry",
                "it was compressed with another dictionary",
            ));
        }
        let unfit =
            |pack: &mut OpenPack| pack.length >= self.pack_bytes || pack.dictionary != wanted;
        if let Some(full) = writer.current.take_if(unfit) {
            full.seal()?;
        }
        if writer.current.is_some() {
            return Ok(());
        }
        let mut pack =
            OpenPack::create(&self.dir, self.id, writer.next_number).inspect_err(|_| {
                // Half a file may be there: its number is not used again.
                writer.next_number += 1;
            })?;
        writer.next_number += 1;
        if let Some(dictionary) = &trained {
            let plain = dictionary.plain();
            let content = ContentId::of(&plain);
            let new = NewEntry { kind: EntryKind::Dictionary, content, octets: &plain };
            let sealed = self.encrypt(&new, (compression::NONE, dictionary.id), plain.clone())?;
            if let Err(error) = pack.begin_with(dictionary, sealed) {
                pack.abandon();
                return Err(error);
            }
        }
        writer.current = Some(pack);
        Ok(())
    }

    fn train_if_ready(&self) {
        let mut samples = locked(&self.samples);
        if !samples.is_enough() {
            return;
        }
        let trained = samples.train(FIRST_DICTIONARY).map(Arc::new);
        *samples = Samples::default();
        if let Some(trained) = trained {
            tracing::info!(tenant.id = %self.id, "a compression dictionary is in use now");
            *self.dictionary.write().unwrap_or_else(PoisonError::into_inner) = Some(trained);
        }
    }

    pub(crate) fn read(&self, location: Location) -> Result<Entry> {
        let files = self.files(location.pack)?;
        let (header, body) = self.read_raw(&files, location)?;
        let slot = self.slot(&files, location)?;
        self.decode(location, &header, body, &slot, &files)
    }

    fn slot(&self, files: &PackFiles, location: Location) -> Result<Slot> {
        key_table::read(&files.keys, location.slot).map_err(|error| {
            StoreError::io("read", &self.dir.join(files::keys_name(location.pack)), error)
        })
    }

    fn read_raw(&self, files: &PackFiles, location: Location) -> Result<(EntryHeader, Vec<u8>)> {
        let path = self.dir.join(files::pack_name(location.pack));
        let damaged = |why: &str| StoreError::damaged(entry_name(location), why);
        let mut header = [0; ENTRY_HEADER_BYTES];
        let io = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => damaged("it lies beyond the end of the pack"),
            _ => StoreError::io("read", &path, error),
        };
        let Some(place) = files.place_of(location).map_err(io)? else {
            return Err(match self.slot(files, location)? {
                Slot::Erased => StoreError::Erased(location),
                _ => damaged("it was left out, and its key is not erased"),
            });
        };
        files.pack.read_exact_at(&mut header, place).map_err(io)?;
        let header = EntryHeader::parse(&header).ok_or_else(|| damaged("its header is wrong"))?;
        let found = Frame { offset: place, header }.location(location.pack);
        if found != location {
            return Err(damaged("another entry is in its place"));
        }
        let length = files.pack.metadata().map_err(io)?.len();
        if place.saturating_add(location.length_bytes) > length {
            return Err(damaged("it lies beyond the end of the pack"));
        }
        let mut body = vec![0; header.body_bytes as usize];
        files.pack.read_exact_at(&mut body, place + ENTRY_HEADER_BYTES as u64).map_err(io)?;
        Ok((header, body))
    }

    /// Decrypts and decompresses an entry.
    pub(crate) fn decode(
        &self,
        location: Location,
        header: &EntryHeader,
        mut body: Vec<u8>,
        slot: &Slot,
        files: &PackFiles,
    ) -> Result<Entry> {
        let damaged = |why: &str| StoreError::damaged(entry_name(location), why);
        let kind = header.kind.ok_or_else(|| damaged("it is the seal of the pack"))?;
        self.decrypt(location, header, &mut body, slot)?;
        let length = usize::try_from(header.plain_bytes).map_err(|_| damaged("it is too long"))?;
        let octets = match header.compression {
            compression::NONE => (body.len() == length).then_some(body),
            compression::ZSTD => compression::decompress(&body, length, None),
            compression::ZSTD_DICTIONARY => {
                let dictionary = self.dictionary_of(header.dictionary, location.pack, files)?;
                compression::decompress(&body, length, Some(&dictionary.decoder))
            }
            _ => None,
        };
        let octets = octets.ok_or_else(|| damaged("it does not decompress"))?;
        Ok(Entry { kind, content: header.content, octets })
    }

    /// Decrypts and authenticates the body of an entry in place.
    pub(crate) fn decrypt(
        &self,
        location: Location,
        header: &EntryHeader,
        body: &mut Vec<u8>,
        slot: &Slot,
    ) -> Result<()> {
        let damaged = |why: &str| StoreError::damaged(entry_name(location), why);
        let wrapped = match slot {
            Slot::Key(wrapped) => wrapped,
            Slot::Erased => return Err(StoreError::Erased(location)),
            Slot::Damaged => return Err(damaged("its key slot is damaged")),
            Slot::Absent => return Err(damaged("its key is missing")),
        };
        let key =
            cipher::unwrap(&self.key, wrapped).ok_or_else(|| damaged("its key does not unwrap"))?;
        cipher::decrypt(&key, [0; NONCE_BYTES], &header.bound_to(self.id), body)
            .ok_or_else(|| damaged("it does not decrypt"))
    }

    /// The dictionary `id`, which is the first entry of every pack that uses it.
    fn dictionary_of(&self, id: u32, number: u32, files: &PackFiles) -> Result<Arc<Dictionary>> {
        let known = self.dictionary.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|known| known.id == id) {
            return Ok(known);
        }
        let damaged = || StoreError::damaged(format!("pack {number}"), "its dictionary is missing");
        let read = self.read_dictionary(number, files)?.filter(|dictionary| dictionary.id == id);
        let read = read.ok_or_else(damaged)?;
        let mut cached = self.dictionary.write().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(cached.get_or_insert(read)))
    }

    fn first_dictionary(&self, number: u32) -> Result<Option<Arc<Dictionary>>> {
        if !self.dir.join(files::pack_name(number)).exists() {
            return Ok(None);
        }
        let files = self.files(number)?;
        self.read_dictionary(number, &files)
    }

    fn read_dictionary(&self, number: u32, files: &PackFiles) -> Result<Option<Arc<Dictionary>>> {
        let path = self.dir.join(files::pack_name(number));
        let io = |error| StoreError::io("read", &path, error);
        let length = files.pack.metadata().map_err(io)?.len();
        let mut at = files.start();
        let first = loop {
            match step(&files.pack, at, length).map_err(io)? {
                // What stands before the first entry when the head is damaged.
                Step::Damaged(range) if files.layout.is_none() => at = range.end,
                Step::Frame(frame) if frame.header.kind == Some(EntryKind::Dictionary) => {
                    break frame;
                }
                _ => return Ok(None),
            }
        };
        let entry = match self.read(first.location(number)) {
            // The last entry that needed it was erased.
            Err(StoreError::Erased(_)) => return Ok(None),
            entry => entry?,
        };
        if ContentId::of(&entry.octets) != entry.content {
            return Err(StoreError::damaged(path.display().to_string(), "its dictionary is wrong"));
        }
        Ok(Dictionary::parse(&entry.octets).map(Arc::new))
    }

    pub(crate) fn erase(&self, locations: &[Location]) -> Result<()> {
        if locked(&self.writer).read_only {
            return Err(StoreError::ReadOnly);
        }
        let mut by_pack: BTreeMap<u32, Vec<Location>> = BTreeMap::new();
        locations
            .iter()
            .for_each(|location| by_pack.entry(location.pack).or_default().push(*location));
        for (number, locations) in by_pack {
            let files = PackFiles::open(&self.dir, (self.id, number), true)?;
            let path = self.dir.join(files::keys_name(number));
            let io = |error| StoreError::io("erase a key in", &path, error);
            let mut slots = Vec::new();
            for location in locations {
                // The header must name the slot: a wrong location must not erase another entry.
                match self.read_raw(&files, location) {
                    // Compaction left it out.
                    Err(StoreError::Erased(_)) => continue,
                    read => read?,
                };
                if key_table::read(&files.keys, location.slot).map_err(io)? != Slot::Erased {
                    slots.push((
                        key_table::offset_of(location.slot),
                        key_table::erased_slot(location.slot),
                    ));
                }
            }
            let erased = files::write_erased(&files.keys, &slots).map_err(io);
            locked(&self.measured).remove(&number);
            erased?;
        }
        Ok(())
    }

    pub(crate) fn files(&self, number: u32) -> Result<Arc<PackFiles>> {
        // Held while opening: what compaction replaces meanwhile must not stay open for ever.
        let mut opened = locked(&self.opened);
        if let Some(files) = opened.get(&number) {
            return Ok(Arc::clone(files));
        }
        let files = Arc::new(PackFiles::open(&self.dir, (self.id, number), false)?);
        while opened.len() >= OPEN_PACKS_MAX {
            opened.pop_first();
        }
        opened.insert(number, Arc::clone(&files));
        Ok(files)
    }

    /// Whether it can be closed and opened again.
    pub(crate) fn may_close(&self) -> bool {
        !self.tainted.load(Ordering::Relaxed)
    }

    pub(crate) fn is_read_only(&self) -> bool {
        locked(&self.writer).read_only
    }

    /// Seals a pack if it is the one that is written to; the next append begins a new one.
    pub(crate) fn seal_if_open(&self, number: u32) -> Result<()> {
        let current = locked(&self.writer).current.take_if(|current| current.number == number);
        current.map_or(Ok(()), OpenPack::seal)
    }

    /// Where the pack that is written to ends durably.
    pub(crate) fn written(&self) -> Option<Written> {
        let writer = locked(&self.writer);
        let current = writer.current.as_ref()?;
        Some(Written { number: current.number, length: current.length, slots: current.slots })
    }
}

impl Sealed {
    pub(crate) fn header(&self, slot: u32, batch: u32) -> EntryHeader {
        self.header_for(self.body.len() as u64, slot, batch)
    }

    fn header_for(&self, body_bytes: u64, slot: u32, batch: u32) -> EntryHeader {
        EntryHeader {
            kind: Some(self.kind),
            compression: self.compression,
            dictionary: self.dictionary,
            plain_bytes: self.plain_bytes,
            body_bytes,
            content: self.content,
            slot,
            batch,
            first_offset: 0,
        }
    }
}

pub(crate) fn entry_name(location: Location) -> String {
    format!("entry {} of pack {}", location.slot, location.pack)
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while the lock was held leaves the durable state as it was.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
