use std::fmt;

use model::{ContentId, Location, Timestamp};

use crate::cipher::WRAPPED_BYTES;

/// What an entry of a pack holds. The numbers are part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// Decoded octets of an attachment, shared by all mails of the tenant.
    Part,
    /// The bundle of one mail: facts, mail, decrypted copy, journal report.
    Record,
    /// The bundle of a further report about a mail: facts, journal report.
    Report,
    /// The bundle of a submission that waits for a decision.
    Quarantine,
    /// A zstd dictionary; the vault's own.
    Dictionary,
    /// Opaque to the vault: evidence, dispositions.
    Note,
}

impl EntryKind {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Part => 1,
            Self::Record => 2,
            Self::Report => 3,
            Self::Quarantine => 4,
            Self::Dictionary => 5,
            Self::Note => 6,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Part,
            2 => Self::Record,
            3 => Self::Report,
            4 => Self::Quarantine,
            5 => Self::Dictionary,
            6 => Self::Note,
            _ => return None,
        })
    }
}

/// What is to be stored: one entry under a key of its own.
#[derive(Clone, Copy, Debug)]
pub struct NewEntry<'a> {
    pub kind: EntryKind,
    /// Of the octets (part, note) or of the mail that the bundle is about.
    pub content: ContentId,
    pub octets: &'a [u8],
}

/// An entry that is compressed and encrypted, ready to be appended. Holds no clear text and no
/// clear key.
#[derive(Clone)]
pub struct Sealed {
    pub(crate) kind: EntryKind,
    pub(crate) compression: u8,
    pub(crate) dictionary: u32,
    pub(crate) plain_bytes: u64,
    pub(crate) content: ContentId,
    pub(crate) wrapped: [u8; WRAPPED_BYTES],
    pub(crate) body: Vec<u8>,
}

impl Sealed {
    pub fn kind(&self) -> EntryKind {
        self.kind
    }

    pub fn content(&self) -> ContentId {
        self.content
    }

    /// Bytes on disk, header and key included.
    pub fn stored_bytes(&self) -> u64 {
        (self.body.len() + crate::walk::ENTRY_HEADER_BYTES + crate::key_table::SLOT_BYTES) as u64
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("kind", &self.kind).field("content", &self.content).finish()
    }
}

/// An entry as it was given to [`crate::Vault::seal`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub kind: EntryKind,
    pub content: ContentId,
    pub octets: Vec<u8>,
}

/// What a scan finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scanned {
    Damaged(Damage),
    /// Its slot is present and intact; the entry decrypted, and the digest of a part is right.
    Entry {
        location: Location,
        entry: Entry,
    },
    /// Its key was erased: the octets are gone for ever.
    Erased {
        location: Location,
        kind: EntryKind,
        content: ContentId,
    },
}

/// One place of the vault that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file below the tenant's folder.
    pub file: String,
    /// The entry concerned, if its header is readable.
    pub location: Option<Location>,
    pub content: Option<ContentId>,
    /// Where in the file, in bytes.
    pub offset: u64,
    pub why: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}: {}", self.file, self.offset, self.why)
    }
}

/// Bytes on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Space {
    pub packs_bytes: u64,
    pub keys_bytes: u64,
    pub packs: u32,
}

/// What of one pack could be given back to the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PackSpace {
    pub pack: u32,
    /// Of the pack; its key table is not counted and stays.
    pub bytes: u64,
    /// Of entries whose keys are erased and that are still in the pack.
    pub dead_bytes: u64,
    pub dead_entries: u64,
    /// Octets that were taken out of it, ever.
    pub reclaimed_bytes: u64,
    /// When the pack was written for the last time.
    pub written_at: Timestamp,
}

/// What became of a pack that was to be written anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compaction {
    /// Nothing in it is erased.
    Clean,
    /// Not everything in it is as it was written: the pack stays as it is, what is named must be
    /// repaired first.
    Damaged(Damage),
    Done(Compacted),
    /// Somebody copies the vault: nothing was done.
    Held,
}

/// A pack that was written anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    pub bytes_before: u64,
    pub bytes_after: u64,
    /// Entries that were kept.
    pub entries: u64,
    pub dropped: u64,
}
