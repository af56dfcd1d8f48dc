use std::io;
use std::path::{Path, PathBuf};

use model::{ContentId, Location, TenantId};

/// What a [`crate::PartMap`] failed with.
pub type LookupError = Box<dyn std::error::Error + Send + Sync>;

/// Why the vault did not do what it was asked for.
///
/// `Full` and `Io` pass: nothing was stored, the caller tries again. `Damaged` and `Erased` are
/// about one entry and stay. The others stop the server.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The octets of an entry, or of a section put together from parts, are not what was stored.
    #[error("{what} is damaged: {why}")]
    Damaged { what: String, why: String },
    #[error("encryption failed")]
    Encryption,
    #[error("entry {} of pack {} is erased", .0.slot, .0.pack)]
    Erased(Location),
    #[error("the disk is full: cannot {operation} {}", path.display())]
    Full { operation: &'static str, path: PathBuf },
    #[error("cannot {operation} {}", path.display())]
    Io { operation: &'static str, path: PathBuf, source: io::Error },
    #[error("another process already uses this vault: {} is locked", path.display())]
    Locked { path: PathBuf },
    #[error("the places of parts could not be looked up")]
    Lookup(#[source] LookupError),
    #[error("no master key at {}, but the vault holds tenants: put the key file back", path.display())]
    MasterKeyMissing { path: PathBuf },
    #[error("{} is not a master key file: {why}", path.display())]
    MasterKeyUnreadable { path: PathBuf, why: &'static str },
    #[error("part {0} is in no pack")]
    PartMissing(ContentId),
    #[error("the vault is opened for reading only")]
    ReadOnly,
    #[error("tenant {0} is not in the vault")]
    UnknownTenant(TenantId),
    #[error("{} has format version {version}, which this release does not know", path.display())]
    UnknownVersion { path: PathBuf, version: u16 },
    #[error("{} was written under master key {wanted}, but the key given is {given}: start with the master key that this data folder was made with", path.display())]
    WrongKey { path: PathBuf, wanted: String, given: String },
}

impl StoreError {
    pub(crate) fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Full { operation, path }
            }
            _ => Self::Io { operation, path, source },
        }
    }

    pub(crate) fn damaged(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Damaged { what: what.into(), why: why.into() }
    }

    /// Whether trying again later may help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::Io { .. } | Self::Lookup(_))
    }
}

/// The error that an injected fault stands for (crash points only).
#[allow(dead_code)]
pub(crate) fn fault(kind: Option<String>) -> io::Error {
    match kind.as_deref() {
        Some("full") => io::Error::from(io::ErrorKind::StorageFull),
        _ => io::Error::other("injected fault"),
    }
}
