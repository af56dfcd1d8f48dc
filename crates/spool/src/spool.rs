use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use model::{ContentId, Envelope, Source, Submission, TenantId, Timestamp};

use crate::cipher::SpoolKey;
use crate::committer::{self, Job, Pending};
use crate::draft::Draft;
use crate::entry::{self, Metadata};
use crate::files;
use crate::frames::ENTRY_HEADER_BYTES;
use crate::hold::Erasure;
use crate::limits::{DRAFTS_BYTES_MAX, READ_RETRY, SpoolLimits};
use crate::queue::{Queue, Retired, Waiting};
use crate::{Fullness, Result, SpoolError, large, open};

/// Names one accepted submission for as long as it is not settled. Grows with acceptance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpoolId {
    pub segment: u64,
    pub index: u64,
}

impl fmt::Display for SpoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}", self.segment, self.index)
    }
}

impl FromStr for SpoolId {
    type Err = model::ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (segment, index) = text.split_once('-').ok_or(model::ParseIdError)?;
        let number = |text| u64::from_str_radix(text, 16).map_err(|_| model::ParseIdError);
        Ok(Self { segment: number(segment)?, index: number(index)? })
    }
}

/// A submission that was handed out. Settle it, or it comes again after a restart.
#[derive(Clone, Debug)]
pub struct Claimed {
    pub id: SpoolId,
    pub submission: Submission,
    /// The digest of the octets, made when they came in.
    pub content: ContentId,
}

/// What became of claimed submissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The octets are in the vault and the catalog knows them.
    Archived,
    /// As archived, in the quarantine list.
    Quarantined,
    /// Nothing happened; it is handed out again after this time (at once after a restart).
    RetryAfter(Duration),
}

/// What the status page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpoolState {
    pub waiting: usize,
    pub claimed: usize,
    pub delayed: usize,
    /// Bytes on disk, large files included.
    pub bytes: u64,
    pub segments: usize,
    /// Places that could not be read; the log names them, their files are kept.
    pub damaged: u64,
    /// Why no mail is taken now, if so.
    pub full: Option<Fullness>,
}

/// The durable waiting room. Cheap to clone; the last clone that is dropped makes durable what
/// waits, ends the threads and releases the lock.
#[derive(Clone)]
pub struct Spool {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

pub(crate) struct Shared {
    pub dir: PathBuf,
    pub key: SpoolKey,
    limits: Mutex<SpoolLimits>,
    pub pending: Mutex<Pending>,
    pub pending_changed: Condvar,
    pub queue: Mutex<Queue>,
    pub queue_changed: Condvar,
    large_jobs: Mutex<Option<mpsc::Sender<Job>>>,
    /// Bytes on disk of drafts that are not durable yet: of large ones while they come in, of
    /// others from acceptance on.
    reserved: AtomicU64,
    /// Octets of drafts in memory.
    drafts_bytes: AtomicU64,
    drafts_bytes_max: u64,
    pub erasure: Mutex<Erasure>,
    next_segment: AtomicU64,
    next_large: AtomicU64,
    _lock: File,
}

impl Spool {
    /// Opens the spool in the folder `dir` (created if missing) and takes its lock. Submissions
    /// that were accepted and not settled wait again, in their order; a torn tail is cut, damage
    /// is logged, counted and kept.
    ///
    /// # Errors
    /// `Locked` when another server runs on this folder, `WrongKey`, `UnknownVersion`, `Io`.
    pub fn open(dir: &Path, key: &SpoolKey, limits: SpoolLimits) -> Result<Self> {
        let opened = open::open(dir, key)?;
        let (large_jobs, large_queue) = mpsc::channel();
        let shared = Arc::new(Shared {
            dir: dir.to_owned(),
            key: key.clone(),
            limits: Mutex::new(limits),
            pending: Mutex::default(),
            pending_changed: Condvar::new(),
            queue: Mutex::new(opened.queue),
            queue_changed: Condvar::new(),
            large_jobs: Mutex::new(Some(large_jobs)),
            reserved: AtomicU64::new(0),
            drafts_bytes: AtomicU64::new(0),
            drafts_bytes_max: DRAFTS_BYTES_MAX,
            erasure: Mutex::default(),
            next_segment: AtomicU64::new(opened.next_segment),
            next_large: AtomicU64::new(opened.next_large),
            _lock: opened.lock,
        });
        let handle = Handle { shared: Arc::clone(&shared), threads: Mutex::default() };
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(work)
                .map_err(|error| SpoolError::io("start a thread for", dir, error))
        };
        let large_shared = Arc::clone(&shared);
        let sync = move || committer::sync_large_files(&large_shared, &large_queue);
        let large = spawn("spool-large", Box::new(sync))?;
        locked(&handle.threads).push(large);
        let commit = spawn("spool-commit", Box::new(move || committer::commit_batches(&shared)))?;
        locked(&handle.threads).push(commit);
        Ok(Self { handle: Arc::new(handle) })
    }

    /// Whether a mail of `bytes` would be taken now. Ask before the sender sends its octets.
    ///
    /// # Errors
    /// `Full` or `TooLarge` if not, `Io` if the disk does not answer.
    pub fn admit(&self, bytes: u64) -> Result<()> {
        let limit_bytes = self.shared().limits().mail_bytes_max;
        if bytes > limit_bytes {
            return Err(SpoolError::TooLarge { limit_bytes });
        }
        self.shared().admit(bytes)
    }

    /// Begins a mail. Writes nothing yet.
    pub fn draft(
        &self,
        tenant: TenantId,
        source: Source,
        envelope: Option<Envelope>,
        received_at: Timestamp,
    ) -> Draft {
        Draft::new(Arc::clone(self.shared()), (tenant, source), envelope, received_at)
    }

    /// Calls `on_durable` once: with the id when a power cut cannot lose the mail any more, or
    /// with why it was not taken. Drafts that wait at the same time share one `fdatasync`.
    ///
    /// Returns at once, except that the last chunk of a large draft is written here. The callback
    /// runs on the spool's thread (or, for an early refusal, on the caller's): it must be short.
    pub fn accept(&self, draft: Draft, on_durable: impl FnOnce(Result<SpoolId>) + Send + 'static) {
        let shared = self.shared();
        let finished = match draft.finish() {
            Ok(finished) => finished,
            Err(error) => return on_durable(Err(error)),
        };
        let is_large = finished.large.is_some();
        // The bytes of a large mail were reserved as they came.
        let wanted = if is_large { 0 } else { finished.disk_bytes() };
        if let Err(error) = shared.admit(wanted) {
            return on_durable(Err(error));
        }
        let mut finished = finished;
        finished.reserved.disk(wanted);
        let job = Job { finished, on_durable: Box::new(on_durable) };
        if !is_large {
            return shared.pend(job);
        }
        let sent = match &*locked(&shared.large_jobs) {
            Some(large_jobs) => large_jobs.send(job).map_err(|error| error.0),
            None => Err(job),
        };
        if let Err(job) = sent {
            (job.on_durable)(Err(SpoolError::Closed));
        }
    }

    /// [`Spool::accept`] that returns when the mail is durable.
    pub fn accept_wait(&self, draft: Draft) -> Result<SpoolId> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.accept(draft, move |result| {
            let _ = sender.send(result);
        });
        receiver.recv().unwrap_or(Err(SpoolError::Closed))
    }

    /// Hands out submissions in their order, at most `count_max` and about `bytes_max` octets (at
    /// least one). Waits up to `wait` for the first; empty when none came or the spool is closed.
    /// What is handed out is not handed out again before it is settled or the process restarts.
    pub fn claim(&self, count_max: usize, bytes_max: u64, wait: Duration) -> Vec<Claimed> {
        let shared = self.shared();
        let end = Instant::now() + wait;
        loop {
            let taken = self.take(count_max, bytes_max, end);
            if taken.is_empty() {
                return Vec::new();
            }
            let claimed: Vec<Claimed> =
                taken.iter().filter_map(|waiting| shared.read_claimed(waiting)).collect();
            if !claimed.is_empty() {
                return claimed;
            }
        }
    }

    fn take(&self, count_max: usize, bytes_max: u64, end: Instant) -> Vec<Waiting> {
        let shared = self.shared();
        let mut queue = locked(&shared.queue);
        loop {
            let now = Instant::now();
            let due = queue.wake(now);
            let taken = queue.take(count_max, bytes_max);
            if !taken.is_empty() || queue.closed || now >= end {
                return taken;
            }
            let pause = due.map_or(end, |due| due.min(end)).saturating_duration_since(now);
            let waited = shared.queue_changed.wait_timeout(queue, pause);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Ends the claim of `ids`. Repeating it changes nothing. Settled submissions do not come
    /// again, except after a crash; a segment whose submissions are all settled is erased.
    pub fn settle(&self, ids: &[SpoolId], outcome: Outcome) {
        let shared = self.shared();
        let retired = {
            let mut queue = locked(&shared.queue);
            match outcome {
                Outcome::Archived | Outcome::Quarantined => queue.settle(&shared.dir, ids),
                Outcome::RetryAfter(delay) => {
                    let due = Instant::now() + delay;
                    ids.iter().for_each(|id| queue.delay(*id, due));
                    Vec::new()
                }
            }
        };
        if matches!(outcome, Outcome::RetryAfter(_)) {
            shared.queue_changed.notify_all();
        }
        shared.erase(retired);
    }

    /// Submissions that are not settled, handed out or not.
    pub fn depth(&self) -> usize {
        locked(&self.shared().queue).depth()
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        locked(&self.shared().queue).bytes
    }

    /// When the oldest unsettled submission was received. May read one entry from the disk.
    pub fn oldest(&self) -> Option<Timestamp> {
        let first = locked(&self.shared().queue).first()?;
        match first.received_at {
            Some(received_at) => Some(received_at),
            None => self.shared().read(&first).ok()??.0.received_at.into(),
        }
    }

    pub fn state(&self) -> SpoolState {
        let full = match self.shared().admit(0) {
            Err(SpoolError::Full(full)) => Some(full),
            _ => None,
        };
        let queue = locked(&self.shared().queue);
        let (waiting, claimed, delayed) = queue.counts();
        let (bytes, segments, damaged) = (queue.bytes, queue.segments.len(), queue.damaged);
        SpoolState { waiting, claimed, delayed, bytes, segments, damaged, full }
    }

    /// Changes the limits; mails that are on their way in are measured by the new ones.
    pub fn set_limits(&self, limits: SpoolLimits) {
        *locked(&self.shared().limits) = limits;
    }

    pub fn limits(&self) -> SpoolLimits {
        self.shared().limits()
    }

    /// Octets of mails on their way in that are in memory.
    pub fn drafts_bytes(&self) -> u64 {
        self.shared().drafts_bytes.load(Ordering::Relaxed)
    }

    /// Makes durable what waits, then takes no more; blocked claims return. May be repeated.
    pub fn close(&self) {
        self.handle.close();
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }
}

impl fmt::Debug for Spool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spool").field("dir", &self.shared().dir).finish_non_exhaustive()
    }
}

impl Handle {
    fn close(&self) {
        let shared = &self.shared;
        locked(&shared.queue).closed = true;
        shared.queue_changed.notify_all();
        drop(locked(&shared.large_jobs).take());
        let mut threads = locked(&self.threads);
        for (number, thread) in threads.drain(..).enumerate() {
            // The first thread feeds the second, so it ends first.
            if number == 1 {
                locked(&shared.pending).closed = true;
                shared.pending_changed.notify_all();
            }
            let _ = thread.join();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    pub(crate) fn admit(&self, bytes: u64) -> Result<()> {
        let used_bytes = locked(&self.queue).bytes + self.reserved.load(Ordering::Relaxed);
        let limits = self.limits();
        let limit_bytes = limits.bytes_max;
        if used_bytes.saturating_add(bytes) > limit_bytes {
            return Err(SpoolError::Full(Fullness::Spool { used_bytes, limit_bytes }));
        }
        let free_bytes = files::free_bytes(&self.dir)
            .map_err(|error| SpoolError::io("ask for the free space of", &self.dir, error))?;
        let reserve_bytes = limits.reserve_free_bytes;
        if free_bytes < reserve_bytes.saturating_add(bytes) {
            return Err(SpoolError::Full(Fullness::Disk { free_bytes, reserve_bytes }));
        }
        Ok(())
    }

    pub(crate) fn limits(&self) -> SpoolLimits {
        *locked(&self.limits)
    }

    /// Counts octets of a draft in memory; `false` (and not counted) when there are too many.
    pub(crate) fn remember(&self, bytes: u64) -> bool {
        let taken = self.drafts_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
            now.checked_add(bytes).filter(|sum| *sum <= self.drafts_bytes_max)
        });
        taken.is_ok()
    }

    /// Whether a draft may take so many more octets of memory now.
    pub(crate) fn has_memory(&self, bytes: u64) -> bool {
        self.drafts_bytes.load(Ordering::Relaxed).saturating_add(bytes) <= self.drafts_bytes_max
    }

    pub(crate) fn forget(&self, bytes: u64) {
        self.drafts_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(crate) fn reserve(&self, bytes: u64) {
        self.reserved.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn unreserve(&self, bytes: u64) {
        self.reserved.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(crate) fn next_segment(&self) -> u64 {
        self.next_segment.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn next_large(&self) -> u64 {
        self.next_large.fetch_add(1, Ordering::Relaxed)
    }

    /// Queues a draft for the committer.
    pub(crate) fn pend(&self, job: Job) {
        let mut pending = locked(&self.pending);
        if pending.closed {
            drop(pending);
            return (job.on_durable)(Err(SpoolError::Closed));
        }
        pending.jobs.push_back(job);
        drop(pending);
        self.pending_changed.notify_one();
    }

    /// Erases, then removes. A failure leaves files that the next start removes.
    pub(crate) fn erase(&self, retired: impl IntoIterator<Item = Retired>) {
        let retired = locked(&self.erasure).admit(retired);
        for Retired { number, large } in retired {
            let path = files::segment_path(&self.dir, number);
            let erased = files::erase_segment(&path)
                .and_then(|()| files::unlink_segment(&self.dir, number, &large));
            if let Err(error) = erased {
                tracing::warn!(segment = number, %error, "a settled segment could not be erased; the next start does it");
            }
        }
    }

    fn read_claimed(&self, waiting: &Waiting) -> Option<Claimed> {
        match self.read(waiting) {
            Ok(Some((metadata, octets))) => {
                let content = metadata.content;
                Some(Claimed {
                    id: waiting.id,
                    submission: metadata.into_submission(octets),
                    content,
                })
            }
            Ok(None) => {
                tracing::error!(spool.id = %waiting.id, "a mail in the spool is damaged and cannot be read; its segment is kept");
                locked(&self.queue).give_up(waiting.id);
                None
            }
            Err(error) => {
                tracing::error!(spool.id = %waiting.id, %error, "a mail in the spool cannot be read now; it is tried again");
                locked(&self.queue).delay(waiting.id, Instant::now() + READ_RETRY);
                None
            }
        }
    }

    /// Reads an entry with its octets; `Ok(None)` when it is damaged.
    fn read(&self, waiting: &Waiting) -> std::io::Result<Option<(Metadata, Vec<u8>)>> {
        let segment = {
            let queue = locked(&self.queue);
            let segment = queue.segments.get(&waiting.id.segment);
            segment.map(|segment| (Arc::clone(&segment.file), Arc::clone(&segment.cipher)))
        };
        let Some((file, cipher)) = segment else { return Ok(None) };
        let Ok(length) = usize::try_from(waiting.frame.body_bytes) else { return Ok(None) };
        let mut body = vec![0; length];
        file.read_exact_at(&mut body, waiting.frame.offset + ENTRY_HEADER_BYTES as u64)?;
        let Some((metadata, octets)) = entry::open(&cipher, &waiting.frame, &mut body) else {
            return Ok(None);
        };
        let octets = match &metadata.large {
            Some(reference) => large::read(&self.dir, reference, metadata.size_bytes)?,
            None => (octets.len() as u64 == metadata.size_bytes).then_some(octets),
        };
        Ok(octets.map(|octets| (metadata, octets)))
    }
}

/// A lock whose holder panicked is taken all the same: the data behind it is kept consistent by
/// construction (each change is a single step).
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
