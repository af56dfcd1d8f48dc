//! The vault: content-addressed, deduplicated, compressed, encrypted packs and their key tables.
//!
//! A mail becomes a bundle ([`compose_record`]): facts, and skeletons whose base64 parts are stored
//! once per tenant. [`Vault::seal`] compresses and encrypts (pure CPU work, from any number of
//! threads), [`Vault::append`] makes a batch durable, [`Vault::read`] and [`Vault::scan`] give it
//! back. Packs and key tables are the archive: everything else can be rebuilt from them. The
//! format stands in `docs/format.md`.

mod base64_body;
mod bundle;
mod cipher;
mod compact;
mod compose;
mod compression;
#[cfg(test)]
mod conformance;
mod dictionary;
mod entry;
mod error;
mod files;
pub mod fuzz;
mod key_table;
mod layout;
mod master_key;
mod pack;
mod parts;
mod repair;
mod scan;
mod tenant;
mod tenant_files;
mod vault;
mod walk;

pub use bundle::{Bundle, PartSource, SectionKind};
pub use compose::{
    Composed, Embedded, EmbeddedIn, NewPart, Octets, compose_delivery, compose_quarantine,
    compose_record, compose_report,
};
pub use entry::{
    Compacted, Compaction, Damage, Entry, EntryKind, NewEntry, PackSpace, Scanned, Sealed, Space,
};
pub use error::{LookupError, StoreError};
pub use master_key::{KeyId, MasterKey};
pub use parts::{PartMap, VaultParts, unknown_parts};
pub use repair::Repaired;
pub use scan::Scan;
pub use vault::{Vault, VaultHold, VaultOptions};

pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// The durable steps at which the crash suite ends the process (feature `failpoints`), in the
/// order of `docs/format.md`.
pub const CRASH_POINTS: &[&str] = &[
    "store.create.before",
    "store.create.after",
    "store.keys.write.before",
    "store.keys.write.after",
    "store.pack.write.before",
    "store.pack.write.after",
    "store.fsync.before",
    "store.fsync.after",
    "store.dictionary.before",
    "store.dictionary.after",
    "store.seal.before",
    "store.seal.after",
    "store.erase.before",
    "store.erase.after",
];

/// Those of [`Vault::compact`].
pub const COMPACTION_CRASH_POINTS: &[&str] = &[
    "store.compact.create.before",
    "store.compact.create.after",
    "store.compact.write.before",
    "store.compact.write.after",
    "store.compact.fsync.before",
    "store.compact.fsync.after",
    "store.compact.switch.before",
    "store.compact.switch.after",
    "store.compact.sync.after",
];

/// Those of [`Vault::remove_tenant`].
pub const REMOVAL_CRASH_POINTS: &[&str] =
    &["store.remove.before", "store.remove.key", "store.remove.after"];

#[cfg(test)]
mod tests;
