//! The durable waiting room between "accepted" and the archive: an append-only segmented log.
//!
//! A [`Draft`] gathers the octets of one mail, [`Spool::accept`] makes it durable (all waiting
//! drafts share one `fdatasync`), [`Spool::claim`] hands submissions out in their order of
//! arrival, [`Spool::settle`] lets them go. What was accepted and not settled comes again after a
//! restart, so archiving must be idempotent. The format stands in `docs/format.md`.

mod cipher;
mod committer;
#[cfg(test)]
mod conformance;
mod draft;
mod entry;
mod error;
mod files;
mod frames;
pub mod fuzz;
mod hold;
mod large;
mod limits;
mod open;
mod queue;
mod spool;

pub use cipher::SpoolKey;
pub use draft::Draft;
pub use error::{Fullness, SpoolError};
pub use hold::Hold;
pub use limits::SpoolLimits;
pub use spool::{Claimed, Outcome, Spool, SpoolId, SpoolState};

pub type Result<T, E = SpoolError> = std::result::Result<T, E>;

/// The durable steps at which the crash suite ends the process (feature `failpoints`), in the
/// order of `docs/format.md`.
pub const CRASH_POINTS: &[&str] = &[
    "spool.create.before",
    "spool.create.after",
    "spool.large.write.before",
    "spool.large.write.after",
    "spool.large.fsync.before",
    "spool.large.fsync.after",
    "spool.write.before",
    "spool.write.after",
    "spool.fsync.before",
    "spool.fsync.after",
    "spool.settle.before",
    "spool.settle.after",
    "spool.erase.before",
    "spool.erase.after",
    "spool.unlink.before",
    "spool.unlink.after",
];

#[cfg(test)]
mod tests;
