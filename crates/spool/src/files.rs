//! Names and durable steps. Each step is one function with its crash points.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use fail::fail_point;

use crate::frames::SEGMENT_HEADER_BYTES;

pub(crate) fn segment_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:016x}.seg"))
}

pub(crate) fn settle_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:016x}.done"))
}

pub(crate) fn large_dir(dir: &Path) -> PathBuf {
    dir.join("large")
}

pub(crate) fn large_path(dir: &Path, number: u64) -> PathBuf {
    large_dir(dir).join(format!("{number:016x}.mail"))
}

/// The number in a file name of 16 hexadecimal digits and `extension`.
pub(crate) fn number_of(path: &Path, extension: &str) -> Option<u64> {
    if path.extension()?.to_str()? != extension {
        return None;
    }
    let stem = path.file_stem()?.to_str()?;
    (stem.len() == 16).then(|| u64::from_str_radix(stem, 16).ok()).flatten()
}

/// Creates a file that must not exist yet, readable by its owner only.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// A crash after this leaves a segment without entries, which the next start removes.
pub(crate) fn create_segment(path: &Path, header: &[u8; SEGMENT_HEADER_BYTES]) -> io::Result<File> {
    fail_point!("spool.create.before", |kind| Err(crate::error::fault(kind)));
    let file = create_new(path)?;
    file.write_all_at(header, 0)?;
    fail_point!("spool.create.after", |kind| Err(crate::error::fault(kind)));
    Ok(file)
}

/// A crash after this leaves entries that no sender was told about.
pub(crate) fn write_batch(file: &File, batch: &[u8], offset: u64) -> io::Result<()> {
    fail_point!("spool.write.before", |kind| Err(crate::error::fault(kind)));
    file.write_all_at(batch, offset)?;
    fail_point!("spool.write.after", |kind| Err(crate::error::fault(kind)));
    Ok(())
}

/// A crash after this leaves accepted mail whose sender may not know it and sends it again.
pub(crate) fn sync_batch(file: &File, new_in: Option<&Path>) -> io::Result<()> {
    fail_point!("spool.fsync.before", |kind| Err(crate::error::fault(kind)));
    file.sync_data()?;
    if let Some(dir) = new_in {
        sync_dir(dir)?;
    }
    fail_point!("spool.fsync.after", |kind| Err(crate::error::fault(kind)));
    Ok(())
}

pub(crate) fn write_large(file: &mut File, octets: &[u8]) -> io::Result<()> {
    fail_point!("spool.large.write.before", |kind| Err(crate::error::fault(kind)));
    file.write_all(octets)?;
    fail_point!("spool.large.write.after", |kind| Err(crate::error::fault(kind)));
    Ok(())
}

pub(crate) fn sync_large(file: &File, dir: &Path) -> io::Result<()> {
    fail_point!("spool.large.fsync.before", |kind| Err(crate::error::fault(kind)));
    file.sync_data()?;
    sync_dir(&large_dir(dir))?;
    fail_point!("spool.large.fsync.after", |kind| Err(crate::error::fault(kind)));
    Ok(())
}

/// Not synced: a lost record means that the submission is archived again.
pub(crate) fn write_settled(file: &mut File, records: &[u8]) -> io::Result<()> {
    fail_point!("spool.settle.before", |kind| Err(crate::error::fault(kind)));
    file.write_all(records)?;
    fail_point!("spool.settle.after", |kind| Err(crate::error::fault(kind)));
    Ok(())
}

/// After this no entry of the segment can be read by anybody.
pub(crate) fn erase_segment(path: &Path) -> io::Result<()> {
    fail_point!("spool.erase.before", |kind| Err(crate::error::fault(kind)));
    let file = OpenOptions::new().write(true).open(path)?;
    file.write_all_at(&[0; SEGMENT_HEADER_BYTES], 0)?;
    file.sync_data()?;
    fail_point!("spool.erase.after", |kind| Err(crate::error::fault(kind)));
    Ok(())
}

/// Removes what an erased segment leaves; may be repeated.
pub(crate) fn unlink_segment(dir: &Path, number: u64, large: &[u64]) -> io::Result<()> {
    fail_point!("spool.unlink.before", |kind| Err(crate::error::fault(kind)));
    for large in large {
        remove(&large_path(dir, *large))?;
    }
    remove(&settle_path(dir, number))?;
    remove(&segment_path(dir, number))?;
    fail_point!("spool.unlink.after", |kind| Err(crate::error::fault(kind)));
    Ok(())
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

/// Bytes that an unprivileged process may still write.
pub(crate) fn free_bytes(dir: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(dir)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}
