//! What waits, in memory: places of entries and the state of their segments.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use model::Timestamp;

use crate::cipher::Cipher;
use crate::files;
use crate::frames::{Frame, settle_record};
use crate::spool::SpoolId;

/// One entry that is not settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub id: SpoolId,
    pub frame: Frame,
    /// About the octets of the mail.
    pub size_bytes: u64,
    /// Known only for what came in since the start.
    pub received_at: Option<Timestamp>,
}

#[derive(PartialEq, Eq)]
struct Delayed {
    due: Instant,
    waiting: Waiting,
}

impl Ord for Delayed {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.waiting.id).cmp(&(other.due, other.waiting.id))
    }
}

impl PartialOrd for Delayed {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

pub(crate) struct Segment {
    pub file: Arc<File>,
    pub cipher: Arc<Cipher>,
    pub entries: u64,
    pub settled: u64,
    /// Still written to by the committer.
    pub active: bool,
    /// Holds something that could not be read; never erased.
    pub damaged: bool,
    /// On disk, large files included.
    pub bytes: u64,
    pub large: Vec<u64>,
    pub settle_log: Option<File>,
}

impl Segment {
    fn done(&self) -> bool {
        !self.active && !self.damaged && self.settled >= self.entries
    }
}

/// A segment that nobody needs any more.
pub(crate) struct Retired {
    pub number: u64,
    pub large: Vec<u64>,
}

#[derive(Default)]
pub(crate) struct Queue {
    waiting: VecDeque<Waiting>,
    delayed: BinaryHeap<Reverse<Delayed>>,
    claimed: HashMap<SpoolId, Waiting>,
    pub segments: BTreeMap<u64, Segment>,
    pub bytes: u64,
    pub damaged: u64,
    pub closed: bool,
}

impl Queue {
    pub(crate) fn push(&mut self, waiting: Waiting) {
        self.waiting.push_back(waiting);
    }

    pub(crate) fn depth(&self) -> usize {
        self.waiting.len() + self.delayed.len() + self.claimed.len()
    }

    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        (self.waiting.len(), self.claimed.len(), self.delayed.len())
    }

    /// The entry that came in first.
    pub(crate) fn first(&self) -> Option<Waiting> {
        let delayed = self.delayed.iter().map(|Reverse(delayed)| &delayed.waiting);
        self.waiting
            .front()
            .into_iter()
            .chain(delayed)
            .chain(self.claimed.values())
            .min_by_key(|w| w.id)
            .copied()
    }

    /// Moves what is due from the delayed to the waiting; returns when the next one is due.
    pub(crate) fn wake(&mut self, now: Instant) -> Option<Instant> {
        while let Some(Reverse(delayed)) = self.delayed.peek() {
            if delayed.due > now {
                return Some(delayed.due);
            }
            if let Some(Reverse(delayed)) = self.delayed.pop() {
                self.waiting.push_front(delayed.waiting);
            }
        }
        None
    }

    /// Takes entries in their order up to both limits, at least one if there is one.
    pub(crate) fn take(&mut self, count_max: usize, bytes_max: u64) -> Vec<Waiting> {
        let mut taken = Vec::new();
        let mut bytes = 0u64;
        while let Some(next) = self.waiting.front() {
            bytes = bytes.saturating_add(next.size_bytes);
            if taken.len() >= count_max || (bytes > bytes_max && !taken.is_empty()) {
                break;
            }
            if let Some(next) = self.waiting.pop_front() {
                self.claimed.insert(next.id, next);
                taken.push(next);
            }
        }
        taken
    }

    /// A claimed entry comes again at `due`.
    pub(crate) fn delay(&mut self, id: SpoolId, due: Instant) {
        if let Some(waiting) = self.claimed.remove(&id) {
            self.delayed.push(Reverse(Delayed { due, waiting }));
        }
    }

    /// A claimed entry that cannot be read: reported, and its segment is kept.
    pub(crate) fn give_up(&mut self, id: SpoolId) {
        self.claimed.remove(&id);
        self.damaged += 1;
        if let Some(segment) = self.segments.get_mut(&id.segment) {
            segment.damaged = true;
        }
    }

    /// Settles claimed entries; returns the segments that are done with. Unknown ids are ignored.
    pub(crate) fn settle(&mut self, dir: &Path, ids: &[SpoolId]) -> Vec<Retired> {
        let mut records: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
        for id in ids {
            if self.claimed.remove(id).is_some() {
                let record = settle_record(id.segment, id.index);
                records.entry(id.segment).or_default().extend_from_slice(&record);
            }
        }
        for (number, records) in &records {
            if let Some(segment) = self.segments.get_mut(number) {
                segment.settled += (records.len() / 8) as u64;
                log_settled(dir, *number, segment, records);
            }
        }
        records.into_keys().filter_map(|number| self.retire(number)).collect()
    }

    /// Takes a segment out when nobody needs it any more.
    pub(crate) fn retire(&mut self, number: u64) -> Option<Retired> {
        self.segments.get(&number)?.done().then_some(())?;
        let segment = self.segments.remove(&number)?;
        self.bytes = self.bytes.saturating_sub(segment.bytes);
        Some(Retired { number, large: segment.large })
    }
}

fn log_settled(dir: &Path, number: u64, segment: &mut Segment, records: &[u8]) {
    let path = files::settle_path(dir, number);
    let log = match segment.settle_log.take() {
        Some(log) => Ok(log),
        None => std::fs::OpenOptions::new().create(true).append(true).open(&path),
    };
    let written = log.and_then(|mut log| {
        files::write_settled(&mut log, records)?;
        Ok(log)
    });
    match written {
        Ok(log) => segment.settle_log = Some(log),
        Err(error) => tracing::warn!(
            segment = number, %error,
            "what was archived could not be noted; after a restart it is archived again"
        ),
    }
}
