//! The threads that make drafts durable: one gathers batches, one syncs large files.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::time::Instant;

use crate::cipher::{Cipher, fresh_key};
use crate::draft::Finished;
use crate::entry;
use crate::files;
use crate::frames::{Frame, SEGMENT_HEADER_BYTES, segment_header};
use crate::limits::{BATCH_BYTES_MAX, BATCH_COUNT_MAX, IDLE_SEGMENT_AGE, SEGMENT_AGE};
use crate::queue::{Segment, Waiting};
use crate::spool::{Shared, SpoolId, locked};
use crate::{Result, SpoolError};

pub(crate) type OnDurable = Box<dyn FnOnce(Result<SpoolId>) + Send>;

/// A finished draft and who waits for it.
pub(crate) struct Job {
    pub finished: Finished,
    pub on_durable: OnDurable,
}

#[derive(Default)]
pub(crate) struct Pending {
    pub jobs: std::collections::VecDeque<Job>,
    /// Who waits for the active segment to take no more entries.
    pub rotations: Vec<mpsc::SyncSender<()>>,
    pub closed: bool,
}

/// The segment that is written to.
struct Active {
    number: u64,
    file: Arc<std::fs::File>,
    cipher: Arc<Cipher>,
    /// Bytes that are durable.
    length: u64,
    next_index: u64,
    /// Large files included.
    charged: u64,
    begun: Instant,
    /// The folder does not know the file durably yet.
    unnamed: bool,
}

/// Syncs large files one after the other, then passes their drafts on.
pub(crate) fn sync_large_files(shared: &Shared, jobs: &mpsc::Receiver<Job>) {
    for job in jobs {
        let synced = job.finished.large.as_ref().map_or(Ok(()), |large| large.sync(&shared.dir));
        match synced {
            Ok(()) => shared.pend(job),
            Err(error) => call(job.on_durable, Err(error)),
        }
    }
}

/// Makes batches durable until the spool is closed and nobody waits.
pub(crate) fn commit_batches(shared: &Shared) {
    let mut active = None;
    let mut buffer = Vec::new();
    while let Some((batch, rotations)) = next_batch(shared) {
        if !rotations.is_empty() {
            if let Some(active) = active.take() {
                deactivate(shared, &active);
            }
            // Who does not wait any more is not told.
            rotations.iter().for_each(|told| _ = told.try_send(()));
        }
        if batch.is_empty() {
            retire_idle(shared, &mut active);
            continue;
        }
        commit(shared, &mut active, &mut buffer, batch);
        buffer.shrink_to(2 * BATCH_BYTES_MAX);
    }
    if let Some(active) = active {
        deactivate(shared, &active);
    }
}

/// All drafts that wait, within the limits, and who wants a new segment for them; empty when nobody came for
/// a while, `None` at the end.
fn next_batch(shared: &Shared) -> Option<(Vec<Job>, Vec<mpsc::SyncSender<()>>)> {
    let mut pending = locked(&shared.pending);
    if pending.jobs.is_empty() && pending.rotations.is_empty() {
        if pending.closed {
            return None;
        }
        let idle = |pending: &mut Pending| {
            pending.jobs.is_empty() && pending.rotations.is_empty() && !pending.closed
        };
        let waited = shared.pending_changed.wait_timeout_while(pending, IDLE_SEGMENT_AGE, idle);
        pending = waited.unwrap_or_else(std::sync::PoisonError::into_inner).0;
        if pending.jobs.is_empty() && pending.rotations.is_empty() && pending.closed {
            return None;
        }
    }
    let rotations = std::mem::take(&mut pending.rotations);
    let mut batch = Vec::new();
    let mut bytes = 0;
    while let Some(next) = pending.jobs.front() {
        bytes += next.finished.octets.len();
        if batch.len() >= BATCH_COUNT_MAX || (bytes > BATCH_BYTES_MAX && !batch.is_empty()) {
            break;
        }
        batch.extend(pending.jobs.pop_front());
    }
    Some((batch, rotations))
}

fn commit(shared: &Shared, active: &mut Option<Active>, buffer: &mut Vec<u8>, batch: Vec<Job>) {
    let result = write_durably(shared, active, buffer, &batch);
    match result {
        Ok(frames) => acknowledge(shared, active, batch, &frames),
        Err(error) => {
            tracing::error!(%error, submissions = batch.len(), "the spool could not be written; the senders are told to come back");
            // What a failed sync left behind is unknown: this file is never written again.
            if let Some(failed) = active.take() {
                abandon(shared, &failed);
            }
            for job in batch {
                // An entry may have reached the disk all the same: its file stays until the next start.
                if let Some(large) = job.finished.large {
                    large.keep();
                }
                call(job.on_durable, Err(error.clone()));
            }
        }
    }
}

/// One write, one `fdatasync` for the whole batch.
fn write_durably(
    shared: &Shared,
    active: &mut Option<Active>,
    buffer: &mut Vec<u8>,
    batch: &[Job],
) -> Result<Vec<Frame>> {
    let segment_bytes = shared.limits().segment_bytes;
    let full = |active: &mut Active| {
        active.charged >= segment_bytes || active.begun.elapsed() >= SEGMENT_AGE
    };
    if let Some(full) = active.take_if(full) {
        deactivate(shared, &full);
    }
    if active.is_none() {
        *active = Some(create(shared)?);
    }
    let Some(active) = active else { return Err(SpoolError::Closed) };
    let path = files::segment_path(&shared.dir, active.number);
    buffer.clear();
    let mut frames = Vec::with_capacity(batch.len());
    for job in batch {
        let place = (active.next_index + frames.len() as u64, active.length + buffer.len() as u64);
        let Finished { metadata, octets, .. } = &job.finished;
        frames.push(entry::append(buffer, &active.cipher, place, metadata, octets)?);
    }
    files::write_batch(&active.file, buffer, active.length)
        .map_err(|error| SpoolError::io("write", &path, error))?;
    let new_in = active.unnamed.then_some(shared.dir.as_path());
    files::sync_batch(&active.file, new_in)
        .map_err(|error| SpoolError::io("make durable", &path, error))?;
    active.unnamed = false;
    active.length += buffer.len() as u64;
    active.next_index += frames.len() as u64;
    Ok(frames)
}

/// The batch is durable: it may be claimed, and its senders may be told.
fn acknowledge(shared: &Shared, active: &mut Option<Active>, batch: Vec<Job>, frames: &[Frame]) {
    let Some(active) = active else { return };
    let mut calls = Vec::with_capacity(batch.len());
    {
        let mut queue = locked(&shared.queue);
        for (job, frame) in batch.into_iter().zip(frames) {
            // From here on the queue counts the bytes.
            let Finished { metadata, large, .. } = job.finished;
            let id = SpoolId { segment: active.number, index: frame.index };
            let mut bytes = frame.end().unwrap_or(frame.offset) - frame.offset;
            if let Some(large) = large {
                bytes += crate::large::file_bytes(metadata.size_bytes);
                if let Some(segment) = queue.segments.get_mut(&active.number) {
                    segment.large.push(large.reference.number);
                }
                large.keep();
            }
            if let Some(segment) = queue.segments.get_mut(&active.number) {
                segment.entries += 1;
                segment.bytes += bytes;
            }
            queue.bytes += bytes;
            active.charged += bytes;
            let received_at = Some(metadata.received_at);
            queue.push(Waiting { id, frame: *frame, size_bytes: metadata.size_bytes, received_at });
            calls.push((job.on_durable, id));
        }
    }
    shared.queue_changed.notify_all();
    for (on_durable, id) in calls {
        call(on_durable, Ok(id));
    }
}

fn create(shared: &Shared) -> Result<Active> {
    let number = shared.next_segment();
    let path = files::segment_path(&shared.dir, number);
    let key = fresh_key()?;
    let wrapped = shared.key.wrap(&key)?;
    let cipher = Arc::new(Cipher::new(&key)?);
    let header = segment_header(number, shared.key.id(), &wrapped);
    let file = files::create_segment(&path, &header).map_err(|error| {
        // Half a header is of no use to anybody.
        let _ = files::remove(&path);
        SpoolError::io("create", &path, error)
    })?;
    let file = Arc::new(file);
    let length = SEGMENT_HEADER_BYTES as u64;
    let segment = Segment {
        file: Arc::clone(&file),
        cipher: Arc::clone(&cipher),
        entries: 0,
        settled: 0,
        active: true,
        damaged: false,
        bytes: length,
        large: Vec::new(),
        settle_log: None,
    };
    let mut queue = locked(&shared.queue);
    queue.segments.insert(number, segment);
    queue.bytes += length;
    let (charged, begun) = (length, Instant::now());
    Ok(Active { number, file, cipher, length, next_index: 0, charged, begun, unnamed: true })
}

/// No more entries come into this segment; it is erased when all of them are settled.
fn deactivate(shared: &Shared, active: &Active) {
    let retired = {
        let mut queue = locked(&shared.queue);
        if let Some(segment) = queue.segments.get_mut(&active.number) {
            segment.active = false;
        }
        queue.retire(active.number)
    };
    shared.erase(retired);
}

/// Takes back what was written of a batch that failed; entries before it stay readable.
fn abandon(shared: &Shared, failed: &Active) {
    if let Err(error) = failed.file.set_len(failed.length) {
        tracing::warn!(segment = failed.number, %error, "a failed batch stays in the segment; after a restart it is archived");
    }
    deactivate(shared, failed);
}

/// Erases the active segment when all its entries are settled and no new ones come.
fn retire_idle(shared: &Shared, active: &mut Option<Active>) {
    let idle = active.take_if(|active| {
        let queue = locked(&shared.queue);
        let segment = queue.segments.get(&active.number);
        segment.is_some_and(|segment| segment.entries > 0 && segment.settled >= segment.entries)
    });
    if let Some(idle) = idle {
        deactivate(shared, &idle);
    }
}

/// A callback that panics must not stop the others' mail.
fn call(on_durable: OnDurable, result: Result<SpoolId>) {
    if catch_unwind(AssertUnwindSafe(|| on_durable(result))).is_err() {
        tracing::error!("a waiter of the spool panicked");
    }
}
