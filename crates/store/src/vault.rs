use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use model::{Location, TenantId};

use crate::dictionary::Samples;
use crate::entry::{Compaction, Entry, NewEntry, PackSpace, Sealed, Space};
use crate::master_key::MasterKey;
use crate::scan::Scan;
use crate::tenant::{Tenant, locked};
use crate::{Result, StoreError, files, tenant_files};

/// How a vault is opened.
#[derive(Clone, Copy, Debug)]
pub struct VaultOptions {
    /// No lock, nothing is cut, nothing can be stored.
    pub read_only: bool,
    /// A pack that is larger is sealed.
    pub pack_bytes: u64,
}

impl Default for VaultOptions {
    fn default() -> Self {
        Self { read_only: false, pack_bytes: 128 << 20 }
    }
}

/// The archive's octets: all tenants' packs and key tables.
///
/// All calls may come from any number of threads; appends to one tenant follow each other. A
/// tenant's packs are opened when they are needed and closed when they are idle, so that many
/// tenants cost little.
pub struct Vault {
    dir: PathBuf,
    master: MasterKey,
    options: VaultOptions,
    tenants: RwLock<HashMap<TenantId, Arc<Slot>>>,
    /// Who copies the vault: meanwhile no file is replaced.
    holders: Arc<Mutex<usize>>,
    _lock: Option<File>,
}

/// One tenant, open or not.
#[derive(Default)]
struct Slot {
    state: Mutex<SlotState>,
    /// Outlives closing: a tenant with little mail gathers samples for a long time.
    samples: Arc<Mutex<Samples>>,
}

#[derive(Default)]
struct SlotState {
    open: Option<Arc<Tenant>>,
    /// It was used since the last look for idle tenants.
    used: bool,
    /// Why it could not be opened.
    trouble: Option<String>,
}

impl Vault {
    /// Opens the vault in the folder `dir` (created if missing) and takes its lock. Tenants whose
    /// key cannot be read are out of service, named in the log and by [`Vault::troubles`]; the
    /// others work. What an earlier run left unfinished at the end of a pack is cut when the
    /// tenant is used; damage is logged and left as it is.
    ///
    /// # Errors
    /// `Locked`, `Io`; `WrongKey` when no tenant's key is wrapped by this master key.
    pub fn open(dir: &Path, master: &MasterKey, options: VaultOptions) -> Result<Self> {
        let lock = if options.read_only {
            None
        } else {
            files::create_dir(dir)?;
            Some(files::lock(&dir.join("vault.lock"))?)
        };
        let (mut tenants, mut readable, mut wrong) = (HashMap::new(), false, None);
        for id in files::tenants(dir)? {
            let slot = Slot::default();
            match tenant_files::read_key(&dir.join(id.to_string()), id, master) {
                Ok(_) => readable = true,
                Err(error) => {
                    locked(&slot.state).fail(id, &error);
                    if matches!(error, StoreError::WrongKey { .. }) {
                        wrong = Some(error);
                    }
                }
            }
            tenants.insert(id, Arc::new(slot));
        }
        if let Some(error) = wrong.filter(|_| !readable) {
            return Err(error);
        }
        let (dir, master, holders) = (dir.to_owned(), master.clone(), Arc::default());
        Ok(Self { dir, master, options, tenants: RwLock::new(tenants), holders, _lock: lock })
    }

    /// Makes room for a tenant under a fresh key; durable on return. `info` is what a rebuild must
    /// know of it. If the tenant is there already, only `info` is replaced.
    pub fn create_tenant(&self, id: TenantId, info: &[u8]) -> Result<()> {
        if self.options.read_only {
            return Err(StoreError::ReadOnly);
        }
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        if let std::collections::hash_map::Entry::Vacant(vacant) = tenants.entry(id) {
            Tenant::create(&self.folder(id), id, &self.master)?;
            vacant.insert(Arc::default());
        }
        drop(tenants);
        self.set_tenant_info(id, info)
    }

    /// The tenants, in the order of their ids; also those that are out of service.
    pub fn tenants(&self) -> Vec<TenantId> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        let mut ids: Vec<TenantId> = tenants.keys().copied().collect();
        ids.sort();
        ids
    }

    pub fn has_tenant(&self, id: TenantId) -> bool {
        self.tenants.read().unwrap_or_else(PoisonError::into_inner).contains_key(&id)
    }

    /// The tenants that are out of service, and why. A tenant is tried again whenever it is used.
    pub fn troubles(&self) -> BTreeMap<TenantId, String> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        let trouble =
            |(id, slot): (&TenantId, &Arc<Slot>)| Some((*id, locked(&slot.state).trouble.clone()?));
        tenants.iter().filter_map(trouble).collect()
    }

    /// What was given to [`Vault::create_tenant`] or [`Vault::set_tenant_info`]; `None` when a
    /// crash came between the tenant's key and its info.
    pub fn tenant_info(&self, id: TenantId) -> Result<Option<Vec<u8>>> {
        self.slot(id)?;
        let folder = self.folder(id);
        let key = tenant_files::read_key(&folder, id, &self.master)?;
        tenant_files::read_info(&folder, id, &key)
    }

    /// Replaces a tenant's info; durable on return, after a crash the old or the new one is there.
    pub fn set_tenant_info(&self, id: TenantId, info: &[u8]) -> Result<()> {
        if self.options.read_only {
            return Err(StoreError::ReadOnly);
        }
        let slot = self.slot(id)?;
        // One at a time: both would write the same draft.
        let _state = locked(&slot.state);
        let folder = self.folder(id);
        let key = tenant_files::read_key(&folder, id, &self.master)?;
        tenant_files::write_info(&folder, id, &key, info)
    }

    /// Destroys the tenant's key and removes everything of it; durable on return, may be repeated.
    /// Afterwards nobody can read its packs, whatever they have of them, unless they kept a copy of
    /// the key. A crash in between leaves a folder that is no tenant's: repeat it.
    pub fn remove_tenant(&self, id: TenantId) -> Result<()> {
        if self.options.read_only {
            return Err(StoreError::ReadOnly);
        }
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        tenants.remove(&id);
        files::destroy(&self.folder(id))
    }

    /// Compresses and encrypts an entry under a fresh key. Pure CPU work (no I/O); the first
    /// hundreds of records of a tenant are also kept in memory to train its dictionary.
    pub fn seal(&self, tenant: TenantId, entry: &NewEntry<'_>) -> Result<Sealed> {
        self.tenant(tenant)?.seal(entry)
    }

    /// Stores a batch, in its order; durable on return. Repeating it stores it again: the caller
    /// knows what is there. An empty batch writes nothing. May train a dictionary (about a second,
    /// once in a tenant's life) or begin a new pack.
    ///
    /// # Errors
    /// `Full`, `Io`: nothing is acknowledged, and the next append goes to a new pack.
    pub fn append(&self, tenant: TenantId, batch: &[Sealed]) -> Result<Vec<Location>> {
        if batch.is_empty() && !self.options.read_only && self.has_tenant(tenant) {
            return Ok(Vec::new());
        }
        self.tenant(tenant)?.append(batch)
    }

    /// Reads one entry: decrypted, authenticated, decompressed.
    ///
    /// # Errors
    /// `Damaged` when one bit of it, its header or its key differs; `Erased`; `Io`.
    pub fn read(&self, tenant: TenantId, location: Location) -> Result<Entry> {
        self.tenant(tenant)?.read(location)
    }

    /// Overwrites the keys of entries; durable on return, may be repeated. Afterwards nobody can
    /// read them, whatever they have of the pack. Parts are shared: the caller erases a part only
    /// when no record needs it.
    pub fn erase(&self, tenant: TenantId, locations: &[Location]) -> Result<()> {
        self.tenant(tenant)?.erase(locations)
    }

    /// Reads all entries of a range of packs (`1..=u32::MAX` is everything), in the order in which
    /// they were appended. What is appended meanwhile may or may not be included.
    pub fn scan(&self, tenant: TenantId, packs: RangeInclusive<u32>) -> Result<Scan> {
        Scan::new(self.tenant(tenant)?, packs)
    }

    /// The numbers of a tenant's packs, to scan them in parallel.
    pub fn packs(&self, tenant: TenantId) -> Result<Vec<u32>> {
        self.tenant(tenant)?.packs()
    }

    /// What of one pack could be given back to the disk. Reads its key table; memory is that table.
    ///
    /// # Errors
    /// `Io` when pack or key table cannot be read.
    pub fn pack_space(&self, tenant: TenantId, pack: u32) -> Result<PackSpace> {
        self.tenant(tenant)?.pack_space(pack)
    }

    /// Writes a pack anew without the entries whose keys are erased, and puts it in the place of the old one;
    /// durable on return, may be repeated, one pack of a tenant at a time. Entries keep their [`Location`]s and
    /// whoever reads goes on. Every entry that stays is decrypted and authenticated on the way; if one is not as
    /// it was written, the pack stays as it is. A pack that is written to is sealed before.
    ///
    /// Needs as much room on the disk as the new pack. `pace` is called with the bytes of each entry and may
    /// wait. A crash at any moment leaves the old pack or the new one.
    ///
    /// # Errors
    /// `ReadOnly`, `Full`, `Io`: the old pack is there.
    pub fn compact(
        &self,
        tenant: TenantId,
        pack: u32,
        pace: &mut dyn FnMut(u64),
    ) -> Result<Compaction> {
        self.tenant(tenant)?.compact(pack, &self.holders, pace)
    }

    /// While it lives, no pack is replaced by another file: for who copies the folder.
    pub fn hold(&self) -> VaultHold {
        *locked(&self.holders) += 1;
        VaultHold(Arc::clone(&self.holders))
    }

    /// Bytes on disk of one tenant, or of all; looks at the folders, opens nothing.
    pub fn space(&self, tenant: Option<TenantId>) -> Result<Space> {
        let tenants = tenant.map_or_else(|| self.tenants(), |tenant| vec![tenant]);
        tenants.into_iter().try_fold(Space::default(), |sum, id| {
            self.slot(id)?;
            let space = files::space(&self.folder(id))?;
            Ok(Space {
                packs_bytes: sum.packs_bytes + space.packs_bytes,
                keys_bytes: sum.keys_bytes + space.keys_bytes,
                packs: sum.packs + space.packs,
            })
        })
    }

    /// Closes the files of tenants that were not used since the previous call. Call it about once
    /// a minute. Returns how many tenants are still open.
    pub fn release_idle(&self) -> usize {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        tenants.values().filter(|slot| locked(&slot.state).release_idle()).count()
    }

    pub(crate) fn holders(&self) -> &Mutex<usize> {
        &self.holders
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.options.read_only
    }

    pub(crate) fn folder(&self, id: TenantId) -> PathBuf {
        self.dir.join(id.to_string())
    }

    fn slot(&self, id: TenantId) -> Result<Arc<Slot>> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        tenants.get(&id).cloned().ok_or(StoreError::UnknownTenant(id))
    }

    /// The tenant with its packs open. The lock is held across opening, so that nobody opens it twice.
    pub(crate) fn tenant(&self, id: TenantId) -> Result<Arc<Tenant>> {
        let slot = self.slot(id)?;
        let mut state = locked(&slot.state);
        state.used = true;
        if let Some(open) = &state.open {
            return Ok(Arc::clone(open));
        }
        let options = (self.options.read_only, self.options.pack_bytes);
        let samples = Arc::clone(&slot.samples);
        match Tenant::open(&self.folder(id), id, &self.master, options, samples) {
            Ok(tenant) => {
                let tenant = Arc::new(tenant);
                (state.open, state.trouble) = (Some(Arc::clone(&tenant)), None);
                Ok(tenant)
            }
            Err(error) => {
                state.fail(id, &error);
                Err(error)
            }
        }
    }
}

/// See [`Vault::hold`].
#[derive(Debug)]
pub struct VaultHold(Arc<Mutex<usize>>);

impl Drop for VaultHold {
    fn drop(&mut self) {
        *locked(&self.0) -= 1;
    }
}

impl SlotState {
    /// Named once, not at every use.
    fn fail(&mut self, id: TenantId, error: &StoreError) {
        let why = match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        if self.trouble.as_ref() != Some(&why) {
            tracing::error!(tenant.id = %id, error = why, "the archive of a tenant is out of service");
            self.trouble = Some(why);
        }
    }

    /// Says whether the tenant is open. Whoever reads or writes now holds on to it.
    fn release_idle(&mut self) -> bool {
        let idle = !std::mem::take(&mut self.used);
        self.open.take_if(|it| idle && Arc::strong_count(it) == 1 && it.may_close());
        self.open.is_some()
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("dir", &self.dir).finish_non_exhaustive()
    }
}
