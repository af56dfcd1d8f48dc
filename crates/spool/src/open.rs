//! Opening: the lock, the segments of earlier runs, what a crash left behind.

use std::collections::HashSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cipher::{Cipher, SpoolKey, hex};
use crate::entry;
use crate::files;
use crate::frames::{
    ENTRY_HEADER_BYTES, EntryKind, Frame, SEGMENT_HEADER_BYTES, SegmentHeader,
    parse_segment_header, parse_settle_log, walk,
};
use crate::queue::{Queue, Retired, Segment, Waiting};
use crate::spool::SpoolId;
use crate::{Result, SpoolError};

/// What earlier runs left.
pub(crate) struct Opened {
    pub lock: File,
    pub queue: Queue,
    pub next_segment: u64,
    pub next_large: u64,
}

pub(crate) fn open(dir: &Path, key: &SpoolKey) -> Result<Opened> {
    for dir in [dir.to_owned(), files::large_dir(dir)] {
        let mut builder = std::fs::DirBuilder::new();
        builder
            .recursive(true)
            .mode(0o700)
            .create(&dir)
            .map_err(|e| SpoolError::io("create", &dir, e))?;
    }
    let lock = lock(&dir.join("spool.lock"))?;
    let mut queue = Queue::default();
    let mut retired = Vec::new();
    let mut next_segment = 1;
    for (number, path) in numbered(dir, "seg")? {
        next_segment = next_segment.max(number.saturating_add(1));
        retired.extend(open_segment(dir, (number, &path), key, &mut queue)?);
    }
    for retired in retired {
        finish_erasure(dir, &retired)?;
    }
    let next_large = remove_orphans(dir, &queue)?;
    Ok(Opened { lock, queue, next_segment, next_large })
}

fn lock(path: &Path) -> Result<File> {
    let io = |error| SpoolError::io("open", path, error);
    let mut options = OpenOptions::new();
    let file =
        options.create(true).truncate(false).write(true).mode(0o600).open(path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SpoolError::Locked { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(SpoolError::io("lock", path, error)),
    }
}

/// The files of a folder that are named by a number, in its order.
fn numbered(dir: &Path, extension: &str) -> Result<Vec<(u64, PathBuf)>> {
    let io = |error| SpoolError::io("list", dir, error);
    let mut found = Vec::new();
    for item in std::fs::read_dir(dir).map_err(io)? {
        let path = item.map_err(io)?.path();
        if let Some(number) = files::number_of(&path, extension) {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found)
}

/// Takes over one segment; returns it when nobody needs it any more.
fn open_segment(
    dir: &Path,
    (number, path): (u64, &Path),
    key: &SpoolKey,
    queue: &mut Queue,
) -> Result<Option<Retired>> {
    let io = |error| SpoolError::io("read", path, error);
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    let none_left = Retired { number, large: Vec::new() };
    if length < SEGMENT_HEADER_BYTES as u64 {
        // The process ended while it created the file: no entry can be in it.
        return Ok(Some(none_left));
    }
    let mut header = [0; SEGMENT_HEADER_BYTES];
    file.read_exact_at(&mut header, 0).map_err(io)?;
    let wrapped = match parse_segment_header(&header) {
        SegmentHeader::Erased => return Ok(Some(none_left)),
        SegmentHeader::UnknownVersion(version) => {
            return Err(SpoolError::UnknownVersion { path: path.to_owned(), version });
        }
        SegmentHeader::Valid { number: named, key_id, wrapped } if named == number => {
            if key_id != key.id() {
                let (wanted, given) = (hex(&key_id), hex(&key.id()));
                return Err(SpoolError::WrongKey { path: path.to_owned(), wanted, given });
            }
            Some(wrapped)
        }
        SegmentHeader::Valid { .. } | SegmentHeader::Damaged => None,
    };
    let Some(secret) = wrapped.and_then(|wrapped| key.unwrap(&wrapped)) else {
        tracing::error!(path = %path.display(), "the header of a spool segment is damaged; its mails cannot be read, the file is kept");
        queue.damaged += 1;
        queue.bytes += length;
        return Ok(None);
    };
    let cipher = Arc::new(Cipher::new(&secret)?);
    let segment = Segment {
        file: Arc::new(file),
        cipher,
        entries: 0,
        settled: 0,
        active: false,
        damaged: false,
        bytes: length,
        large: Vec::new(),
        settle_log: None,
    };
    fill(dir, (number, path), segment, queue)?;
    Ok(queue.retire(number))
}

/// Walks a segment, cuts its torn tail and queues what is not settled.
fn fill(
    dir: &Path,
    (number, path): (u64, &Path),
    mut segment: Segment,
    queue: &mut Queue,
) -> Result<()> {
    let io = |error| SpoolError::io("read", path, error);
    let walk = walk(&*segment.file).map_err(io)?;
    if let Some(at) = walk.torn_at {
        tracing::warn!(path = %path.display(), at, bytes = segment.bytes - at, "the torn tail of a spool segment is cut; no sender was told that it was accepted");
        segment.file.set_len(at).map_err(|error| SpoolError::io("cut", path, error))?;
        segment.bytes = at;
    }
    for range in &walk.damaged {
        tracing::error!(path = %path.display(), from = range.start, to = range.end, "a spool segment is damaged; the entries around the damage are read, the file is kept");
        segment.damaged = true;
        queue.damaged += 1;
    }
    let log = std::fs::read(files::settle_path(dir, number)).unwrap_or_default();
    let settled: HashSet<u64> = parse_settle_log(number, &log).into_iter().collect();
    for frame in walk.frames {
        segment.entries += 1;
        let mut size_bytes = frame.body_bytes;
        if frame.kind == EntryKind::Large
            && let Some((large, size)) = large_of(&segment, &frame)
        {
            segment.large.push(large);
            size_bytes = size;
            segment.bytes += crate::large::file_bytes(size);
        }
        if settled.contains(&frame.index) {
            segment.settled += 1;
            continue;
        }
        let id = SpoolId { segment: number, index: frame.index };
        queue.push(Waiting { id, frame, size_bytes, received_at: None });
    }
    queue.bytes += segment.bytes;
    queue.segments.insert(number, segment);
    Ok(())
}

/// The number and the size of the large file that an entry names; `None` when it is damaged.
fn large_of(segment: &Segment, frame: &Frame) -> Option<(u64, u64)> {
    let mut body = vec![0; usize::try_from(frame.body_bytes).ok()?];
    segment.file.read_exact_at(&mut body, frame.offset + ENTRY_HEADER_BYTES as u64).ok()?;
    let (metadata, _) = entry::open(&segment.cipher, frame, &mut body)?;
    Some((metadata.large?.number, metadata.size_bytes))
}

fn finish_erasure(dir: &Path, retired: &Retired) -> Result<()> {
    let path = files::segment_path(dir, retired.number);
    files::erase_segment(&path).map_err(|error| SpoolError::io("erase", &path, error))?;
    files::unlink_segment(dir, retired.number, &retired.large)
        .map_err(|error| SpoolError::io("remove", &path, error))
}

/// Removes large files and settle logs that no segment names; returns the next free number.
fn remove_orphans(dir: &Path, queue: &Queue) -> Result<u64> {
    let named: HashSet<u64> =
        queue.segments.values().flat_map(|s| s.large.iter().copied()).collect();
    let mut next = 1;
    for (number, path) in numbered(&files::large_dir(dir), "mail")? {
        next = next.max(number.saturating_add(1));
        // A damaged segment may be the one that names it.
        if !named.contains(&number) && queue.damaged == 0 {
            files::remove(&path).map_err(|error| SpoolError::io("remove", &path, error))?;
        }
    }
    for (number, path) in numbered(dir, "done")? {
        if !files::segment_path(dir, number).exists() {
            files::remove(&path).map_err(|error| SpoolError::io("remove", &path, error))?;
        }
    }
    Ok(next)
}
