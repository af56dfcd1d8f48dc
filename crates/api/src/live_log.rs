use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use crate::dto::{LogEntry, Severity};

/// Entries that are remembered for who begins to listen.
pub const LOG_ENTRIES_KEPT: usize = 2_000;

/// Who may listen at the same time.
pub const LOG_LISTENERS_MAX: usize = 32;

/// Entries that may wait for one listener (a power of two); who is slower is cut off.
pub const LOG_WAITING_MAX: usize = 1_024;

/// The last entries of the log and those who follow it. Nothing here blocks on a listener.
#[derive(Debug)]
pub struct LiveLog {
    ring: Mutex<Ring>,
    listeners: AtomicUsize,
    dropped: AtomicU64,
}

#[derive(Debug)]
struct Ring {
    entries: VecDeque<Arc<LogEntry>>,
    next: u64,
    /// `None` once closed.
    sender: Option<broadcast::Sender<Arc<LogEntry>>>,
}

/// Which entries one wants; `None` leaves a condition out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// A tenant's id as text.
    pub tenant: Option<String>,
    pub source: Option<String>,
    /// This severity and worse.
    pub severity: Option<Severity>,
    /// Only entries with a higher id. An id from before a restart is higher than all: then all
    /// entries are wanted.
    pub after: Option<u64>,
}

impl LogFilter {
    pub fn wants(&self, entry: &LogEntry) -> bool {
        let same =
            |wanted: &Option<String>, given: &Option<String>| wanted.is_none() || wanted == given;
        same(&self.tenant, &entry.tenant)
            && same(&self.source, &entry.source)
            && self.severity.is_none_or(|least| entry.severity >= least)
    }
}

impl Default for LiveLog {
    fn default() -> Self {
        let (sender, _) = broadcast::channel(LOG_WAITING_MAX);
        let ring = Ring { entries: VecDeque::new(), next: 1, sender: Some(sender) };
        Self { ring: Mutex::new(ring), listeners: AtomicUsize::new(0), dropped: AtomicU64::new(0) }
    }
}

impl LiveLog {
    /// Takes an entry (its id is given here) and passes it on. Never waits; must not log.
    pub fn note(&self, mut entry: LogEntry) {
        let mut ring = self.lock();
        entry.id = ring.next;
        ring.next += 1;
        let entry = Arc::new(entry);
        if ring.entries.len() >= LOG_ENTRIES_KEPT {
            ring.entries.pop_front();
        }
        ring.entries.push_back(Arc::clone(&entry));
        if let Some(sender) = &ring.sender {
            // Nobody listens: that is no error.
            let _ = sender.send(entry);
        }
    }

    /// What is remembered, oldest first.
    pub fn recent(&self, filter: &LogFilter) -> Vec<Arc<LogEntry>> {
        Self::select(&self.lock(), filter)
    }

    /// What is remembered, then what comes, without a gap. `None` when too many listen or the
    /// server stops.
    pub fn listen(self: &Arc<Self>, filter: LogFilter) -> Option<LogListener> {
        let place = Place::take(self)?;
        let ring = self.lock();
        let receiver = ring.sender.as_ref()?.subscribe();
        let past = Self::select(&ring, &filter).into();
        Some(LogListener { past, receiver, filter, place })
    }

    /// Ends all listeners and lets no new ones in.
    pub fn close(&self) {
        self.lock().sender = None;
    }

    /// Listeners that were cut off because they were too slow, since the start.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub fn listeners(&self) -> usize {
        self.listeners.load(Ordering::Relaxed)
    }

    fn select(ring: &Ring, filter: &LogFilter) -> Vec<Arc<LogEntry>> {
        let after = filter.after.filter(|after| *after < ring.next).unwrap_or(0);
        let wanted = |entry: &&Arc<LogEntry>| entry.id > after && filter.wants(entry);
        ring.entries.iter().filter(wanted).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        // The ring is whole between any two statements.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the places for listeners.
#[derive(Debug)]
struct Place(Arc<LiveLog>);

impl Place {
    fn take(log: &Arc<LiveLog>) -> Option<Self> {
        let taken = log.listeners.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
            (now < LOG_LISTENERS_MAX).then_some(now + 1)
        });
        taken.is_ok().then(|| Self(Arc::clone(log)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.listeners.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Somebody who follows the log. Dropping it gives the place back.
#[derive(Debug)]
pub struct LogListener {
    past: VecDeque<Arc<LogEntry>>,
    receiver: broadcast::Receiver<Arc<LogEntry>>,
    filter: LogFilter,
    place: Place,
}

/// What a listener gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogItem {
    Entry(Arc<LogEntry>),
    /// The last item: the listener was too slow and missed so many entries of all tenants.
    TooSlow(u64),
}

/// What [`LogListener::poll`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Polled {
    /// The server stops.
    Ended,
    Item(LogItem),
    Nothing,
}

impl LogListener {
    /// What is there now, without waiting: for a thread of its own, which looks again.
    pub fn poll(&mut self) -> Polled {
        if let Some(entry) = self.past.pop_front() {
            return Polled::Item(LogItem::Entry(entry));
        }
        loop {
            match self.receiver.try_recv() {
                Ok(entry) if self.filter.wants(&entry) => {
                    return Polled::Item(LogItem::Entry(entry));
                }
                Ok(_) => {}
                Err(TryRecvError::Closed) => return Polled::Ended,
                Err(TryRecvError::Empty) => return Polled::Nothing,
                Err(TryRecvError::Lagged(missed)) => return Polled::Item(self.too_slow(missed)),
            }
        }
    }

    fn too_slow(&self, missed: u64) -> LogItem {
        self.place.0.dropped.fetch_add(1, Ordering::Relaxed);
        LogItem::TooSlow(missed)
    }

    /// The next entry that the filter wants; `None` when the server stops. Safe to cancel.
    pub async fn next(&mut self) -> Option<LogItem> {
        if let Some(entry) = self.past.pop_front() {
            return Some(LogItem::Entry(entry));
        }
        loop {
            match self.receiver.recv().await {
                Ok(entry) if self.filter.wants(&entry) => return Some(LogItem::Entry(entry)),
                Ok(_) => {}
                Err(RecvError::Lagged(missed)) => return Some(self.too_slow(missed)),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}
