use std::collections::HashMap;
use std::fs::File;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use model::{Location, TenantId};

use crate::entry::{Entry, NewEntry, Sealed, Space};
use crate::master_key::MasterKey;
use crate::scan::Scan;
use crate::tenant::Tenant;
use crate::{Result, StoreError, files};

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
/// All calls may come from any number of threads; appends to one tenant follow each other.
pub struct Vault {
    dir: PathBuf,
    master: MasterKey,
    options: VaultOptions,
    tenants: RwLock<HashMap<TenantId, Arc<Tenant>>>,
    _lock: Option<File>,
}

impl Vault {
    /// Opens the vault in the folder `dir` (created if missing) and takes its lock. What an
    /// earlier run left unfinished at the end of a pack is cut; damage is logged and left as it is.
    ///
    /// # Errors
    /// `Locked`, `WrongKey` and `Damaged` for a tenant's key, `UnknownVersion`, `Io`.
    pub fn open(dir: &Path, master: &MasterKey, options: VaultOptions) -> Result<Self> {
        let lock = if options.read_only {
            None
        } else {
            files::create_dir(dir)?;
            Some(files::lock(&dir.join("vault.lock"))?)
        };
        let vault = Self {
            dir: dir.to_owned(),
            master: master.clone(),
            options,
            tenants: RwLock::default(),
            _lock: lock,
        };
        for id in files::tenants(dir)? {
            vault.open_tenant(id)?;
        }
        Ok(vault)
    }

    fn open_tenant(&self, id: TenantId) -> Result<()> {
        let options = (self.options.read_only, self.options.pack_bytes);
        let tenant = Tenant::open(&self.dir.join(id.to_string()), id, &self.master, options)?;
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        tenants.insert(id, Arc::new(tenant));
        Ok(())
    }

    /// Makes room for a tenant under a fresh key; durable on return. `info` is what a rebuild must
    /// know of it. If the tenant is there already, only `info` is replaced.
    pub fn create_tenant(&self, id: TenantId, info: &[u8]) -> Result<()> {
        if self.options.read_only {
            return Err(StoreError::ReadOnly);
        }
        if self.tenant(id).is_err() {
            Tenant::create(&self.dir.join(id.to_string()), id, &self.master)?;
            self.open_tenant(id)?;
        }
        self.set_tenant_info(id, info)
    }

    /// The tenants, in the order of their ids.
    pub fn tenants(&self) -> Vec<TenantId> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        let mut ids: Vec<TenantId> = tenants.keys().copied().collect();
        ids.sort();
        ids
    }

    /// What was given to [`Vault::create_tenant`] or [`Vault::set_tenant_info`]; `None` when a
    /// crash came between the tenant's key and its info.
    pub fn tenant_info(&self, id: TenantId) -> Result<Option<Vec<u8>>> {
        self.tenant(id)?.info()
    }

    /// Replaces a tenant's info; durable on return, after a crash the old or the new one is there.
    pub fn set_tenant_info(&self, id: TenantId, info: &[u8]) -> Result<()> {
        self.tenant(id)?.set_info(info)
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

    /// Bytes on disk of one tenant, or of all.
    pub fn space(&self, tenant: Option<TenantId>) -> Result<Space> {
        let tenants = tenant.map_or_else(|| self.tenants(), |tenant| vec![tenant]);
        tenants.into_iter().try_fold(Space::default(), |sum, id| {
            let space = self.tenant(id)?.space()?;
            Ok(Space {
                packs_bytes: sum.packs_bytes + space.packs_bytes,
                keys_bytes: sum.keys_bytes + space.keys_bytes,
                packs: sum.packs + space.packs,
            })
        })
    }

    fn tenant(&self, id: TenantId) -> Result<Arc<Tenant>> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        tenants.get(&id).cloned().ok_or(StoreError::UnknownTenant(id))
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("dir", &self.dir).finish_non_exhaustive()
    }
}
