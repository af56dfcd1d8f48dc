//! Names and durable steps. Each step is one function with its crash points.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;

use fail::fail_point;
use model::TenantId;

use crate::entry::Space;
use crate::{Result, StoreError};

pub(crate) const TENANT_KEY: &str = "tenant.key";
pub(crate) const TENANT_INFO: &str = "tenant.info";

pub(crate) fn pack_name(number: u32) -> String {
    format!("{number:08}.pack")
}

pub(crate) fn keys_name(number: u32) -> String {
    format!("{number:08}.keys")
}

/// A pack that is being written anew.
pub(crate) fn draft_name(number: u32) -> String {
    format!("{number:08}.pack.new")
}

/// The number in `00000001.pack`.
pub(crate) fn pack_number(name: &str, extension: &str) -> Option<u32> {
    let (stem, found) = name.split_once('.')?;
    let digits = stem.len() >= 8 && stem.bytes().all(|byte| byte.is_ascii_digit());
    (digits && found == extension).then(|| stem.parse().ok()).flatten()
}

/// The tenants of a vault, in the order of their ids. No folder, no tenants.
pub(crate) fn tenants(vault: &Path) -> Result<Vec<TenantId>> {
    let io = |error| StoreError::io("list", vault, error);
    let items = match std::fs::read_dir(vault) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        items => items.map_err(io)?,
    };
    let mut tenants = Vec::new();
    for item in items {
        let path = item.map_err(io)?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(Ok(tenant)) = name.map(str::parse)
            && path.join(TENANT_KEY).exists()
        {
            tenants.push(tenant);
        }
    }
    tenants.sort();
    Ok(tenants)
}

/// The numbers of packs of which a pack or a key table is in the folder, in their order.
pub(crate) fn packs(dir: &Path) -> Result<Vec<u32>> {
    let io = |error| StoreError::io("list", dir, error);
    let mut numbers = Vec::new();
    for item in std::fs::read_dir(dir).map_err(io)? {
        let name = item.map_err(io)?.file_name();
        let name = name.to_str().unwrap_or_default();
        numbers.extend(pack_number(name, "pack").or(pack_number(name, "keys")));
    }
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

/// Removes packs that were being written anew when the process ended: the old ones count.
pub(crate) fn remove_drafts(dir: &Path) -> Result<()> {
    let io = |error| StoreError::io("list", dir, error);
    for item in std::fs::read_dir(dir).map_err(io)? {
        let path = item.map_err(io)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let stem = name.strip_suffix(".new").unwrap_or_default();
        if pack_number(stem, "pack").is_some() {
            remove(&path).map_err(|error| StoreError::io("remove", &path, error))?;
        }
    }
    Ok(())
}

/// Bytes of the packs and key tables in the folder; nothing is opened.
pub(crate) fn space(dir: &Path) -> Result<Space> {
    let mut space = Space::default();
    for number in packs(dir)? {
        let size = |name| dir.join(name).metadata().map_or(0, |metadata| metadata.len());
        space.packs += 1;
        space.packs_bytes += size(pack_name(number));
        space.keys_bytes += size(keys_name(number));
    }
    Ok(space)
}

/// Destroys a tenant's key, then removes its folder. Durable on return, may be repeated. A crash
/// after the key leaves octets that nobody can read, in a folder that is no tenant's.
pub(crate) fn destroy(dir: &Path) -> Result<()> {
    let io = |error| StoreError::io("remove", dir, error);
    fail_point!("store.remove.before", |kind| Err(io(crate::error::fault(kind))));
    let key = dir.join(TENANT_KEY);
    match open_write(&key) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        file => {
            let file = file.map_err(io)?;
            let length = file.metadata().map_err(io)?.len();
            file.write_all_at(&vec![0; usize::try_from(length).unwrap_or(0)], 0).map_err(io)?;
            file.sync_all().map_err(io)?;
            fail_point!("store.remove.key", |kind| Err(io(crate::error::fault(kind))));
            remove(&key).map_err(io)?;
            sync_dir(dir).map_err(io)?;
        }
    }
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
        _ => {}
    }
    if let Some(vault) = dir.parent().filter(|vault| vault.is_dir()) {
        sync_dir(vault).map_err(io)?;
    }
    fail_point!("store.remove.after", |kind| Err(io(crate::error::fault(kind))));
    Ok(())
}

pub(crate) fn has_tenants(vault: &Path) -> Result<bool> {
    Ok(!tenants(vault)?.is_empty())
}

pub(crate) fn create_dir(path: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(path).map_err(|e| StoreError::io("create", path, e))
}

/// Takes the lock of the vault; held until the file is dropped.
pub(crate) fn lock(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o600);
    let file = options.open(path).map_err(|error| StoreError::io("open", path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(StoreError::io("lock", path, error)),
    }
}

/// Puts a small file in place: after a crash there is the old one or the new one.
pub(crate) fn replace(dir: &Path, name: &str, octets: &[u8]) -> Result<()> {
    let path = dir.join(name);
    let draft = dir.join(format!("{name}.new"));
    let io = |error| StoreError::io("write", &path, error);
    remove(&draft).map_err(io)?;
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(&draft).map_err(io)?;
    file.write_all(octets).and_then(|()| file.sync_all()).map_err(io)?;
    std::fs::rename(&draft, &path).map_err(io)?;
    sync_dir(dir).map_err(io)
}

/// Removes a file; one that is not there is no error.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

pub(crate) fn open_read(path: &Path) -> io::Result<File> {
    File::open(path)
}

pub(crate) fn open_write(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

/// A crash after this leaves a file without entries, which the next start uses or removes.
pub(crate) fn create_with(path: &Path, header: &[u8]) -> io::Result<File> {
    fail_point!("store.create.before", |kind| Err(crate::error::fault(kind)));
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all_at(header, 0)?;
    fail_point!("store.create.after", |kind| Err(crate::error::fault(kind)));
    Ok(file)
}

/// A crash after this leaves slots that no entry uses.
pub(crate) fn write_keys(file: &File, slots: &[u8], offset: u64) -> io::Result<()> {
    fail_point!("store.keys.write.before", |kind| Err(crate::error::fault(kind)));
    file.write_all_at(slots, offset)?;
    fail_point!("store.keys.write.after", |kind| Err(crate::error::fault(kind)));
    Ok(())
}

/// A crash after this leaves entries that nothing refers to.
pub(crate) fn write_pack<'a>(
    file: &File,
    pieces: impl Iterator<Item = ([u8; 80], &'a [u8])>,
    mut offset: u64,
) -> io::Result<()> {
    const GATHER_BYTES: usize = 1 << 20;
    fail_point!("store.pack.write.before", |kind| Err(crate::error::fault(kind)));
    let mut gathered = Vec::with_capacity(GATHER_BYTES);
    for (header, body) in pieces {
        gathered.extend_from_slice(&header);
        if gathered.len() + body.len() > GATHER_BYTES {
            file.write_all_at(&gathered, offset)?;
            offset += gathered.len() as u64;
            gathered.clear();
        }
        if body.len() > GATHER_BYTES / 4 {
            file.write_all_at(&gathered, offset)?;
            offset += gathered.len() as u64;
            gathered.clear();
            file.write_all_at(body, offset)?;
            offset += body.len() as u64;
        } else {
            gathered.extend_from_slice(body);
        }
    }
    file.write_all_at(&gathered, offset)?;
    fail_point!("store.pack.write.after", |kind| Err(crate::error::fault(kind)));
    Ok(())
}

/// Both files at the same time. A crash after this leaves a batch that only the spool or a
/// rebuild tells the catalog of.
pub(crate) fn sync_both(keys: &File, pack: &File, new_in: Option<&Path>) -> io::Result<()> {
    fail_point!("store.fsync.before", |kind| Err(crate::error::fault(kind)));
    std::thread::scope(|scope| {
        let keys = scope.spawn(|| keys.sync_data());
        let pack = pack.sync_data();
        let keys =
            keys.join().unwrap_or_else(|_| Err(io::Error::other("the syncing thread panicked")));
        keys.and(pack)
    })?;
    if let Some(dir) = new_in {
        sync_dir(dir)?;
    }
    fail_point!("store.fsync.after", |kind| Err(crate::error::fault(kind)));
    Ok(())
}

/// After this the pack is never changed again.
pub(crate) fn write_seal(file: &File, seal: &[u8], offset: u64) -> io::Result<()> {
    fail_point!("store.seal.before", |kind| Err(crate::error::fault(kind)));
    file.write_all_at(seal, offset)?;
    file.sync_data()?;
    fail_point!("store.seal.after", |kind| Err(crate::error::fault(kind)));
    Ok(())
}

/// After this the entries of these slots can be read by nobody.
pub(crate) fn write_erased(file: &File, slots: &[(u64, [u8; 64])]) -> io::Result<()> {
    fail_point!("store.erase.before", |kind| Err(crate::error::fault(kind)));
    for (offset, slot) in slots {
        file.write_all_at(slot, *offset)?;
    }
    file.sync_data()?;
    fail_point!("store.erase.after", |kind| Err(crate::error::fault(kind)));
    Ok(())
}

/// A crash after this leaves a draft, which the next start removes.
pub(crate) fn create_draft(path: &Path) -> io::Result<File> {
    fail_point!("store.compact.create.before", |kind| Err(crate::error::fault(kind)));
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create_new(true).mode(0o600).open(path)?;
    fail_point!("store.compact.create.after", |kind| Err(crate::error::fault(kind)));
    Ok(file)
}

pub(crate) fn write_draft(file: &File, octets: &[u8], offset: u64) -> io::Result<()> {
    fail_point!("store.compact.write.before", |kind| Err(crate::error::fault(kind)));
    file.write_all_at(octets, offset)?;
    fail_point!("store.compact.write.after", |kind| Err(crate::error::fault(kind)));
    Ok(())
}

pub(crate) fn sync_draft(file: &File) -> io::Result<()> {
    fail_point!("store.compact.fsync.before", |kind| Err(crate::error::fault(kind)));
    file.sync_all()?;
    fail_point!("store.compact.fsync.after", |kind| Err(crate::error::fault(kind)));
    Ok(())
}

/// After this the draft is the pack; a crash before the folder is durable leaves either of them.
pub(crate) fn switch(draft: &Path, path: &Path) -> io::Result<()> {
    fail_point!("store.compact.switch.before", |kind| Err(crate::error::fault(kind)));
    std::fs::rename(draft, path)
}

/// After this the old pack is gone for ever.
pub(crate) fn sync_switch(dir: &Path) -> io::Result<()> {
    fail_point!("store.compact.switch.after", |kind| Err(crate::error::fault(kind)));
    sync_dir(dir)?;
    fail_point!("store.compact.sync.after", |kind| Err(crate::error::fault(kind)));
    Ok(())
}
