use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What stands in the way of taking more mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fullness {
    /// The disk has less than the reserve left.
    Disk { free_bytes: u64, reserve_bytes: u64 },
    /// The spool holds as much as it may.
    Spool { used_bytes: u64, limit_bytes: u64 },
}

impl fmt::Display for Fullness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk { free_bytes, reserve_bytes } => {
                write!(
                    f,
                    "{free_bytes} bytes free on the disk, {reserve_bytes} are held in reserve"
                )
            }
            Self::Spool { used_bytes, limit_bytes } => {
                write!(f, "{used_bytes} of {limit_bytes} bytes in use")
            }
        }
    }
}

/// Why the spool did not do what it was asked for. `Full` and `Io` pass: the sender tries again.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SpoolError {
    #[error("the spool is closed")]
    Closed,
    #[error("encryption failed")]
    Encryption,
    /// Nothing was taken; the sender is told to come back (SMTP `452`).
    #[error("the spool is full: {0}")]
    Full(Fullness),
    /// Nothing was taken; the sender is told to come back (SMTP `451`).
    #[error("cannot {operation} {}", path.display())]
    Io { operation: &'static str, path: PathBuf, source: Arc<io::Error> },
    #[error("another server already uses this data folder: {} is locked", path.display())]
    Locked { path: PathBuf },
    #[error("the mail is larger than {limit_bytes} bytes")]
    TooLarge { limit_bytes: u64 },
    #[error("{} has format version {version}, which this release does not know", path.display())]
    UnknownVersion { path: PathBuf, version: u16 },
    #[error("{} was written under key {wanted}, but the key given is {given}: start with the master key that this data folder was made with", path.display())]
    WrongKey { path: PathBuf, wanted: String, given: String },
}

impl SpoolError {
    /// An I/O error; a full disk becomes [`SpoolError::Full`].
    pub(crate) fn io(operation: &'static str, path: &Path, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Full(Fullness::Disk { free_bytes: 0, reserve_bytes: 0 })
            }
            _ => Self::Io { operation, path: path.to_owned(), source: Arc::new(error) },
        }
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
