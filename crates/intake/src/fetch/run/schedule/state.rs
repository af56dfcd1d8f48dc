use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use catalog::{FetchSource, RunTrigger};
use model::{SourceId, Timestamp};

use super::{Compared, Purpose, Tally, Target};
use crate::fetch::FetchError;

/// What failed in a run that are remembered; the count is complete.
const TROUBLES_MAX: usize = 20;

#[derive(Default)]
pub(super) struct State {
    pub(super) slots: HashMap<SourceId, Slot>,
    pub(super) queue: VecDeque<Unit>,
    /// Sessions per server.
    pub(super) busy: HashMap<String, usize>,
    pub(super) workers: usize,
    pub(super) idle_workers: usize,
    pub(super) waiters: usize,
    pub(super) stopping: bool,
}

/// What is known of a source between its runs: no thread, no connection.
pub(super) struct Slot {
    pub(super) source: Arc<FetchSource>,
    pub(super) due_at: Timestamp,
    pub(super) run: Option<Arc<Run>>,
    /// What somebody asked for.
    pub(super) wanted: Option<Purpose>,
    /// Nothing begins.
    pub(super) held: bool,
    /// Mailboxes that failed: how often in a row, and when they are tried again.
    pub(super) resting: HashMap<String, (u32, Timestamp)>,
    pub(super) polled_at: Option<Timestamp>,
    /// Whether a thread waits for mail, and how to end it.
    pub(super) waiting: Option<Arc<AtomicBool>>,
    /// The server tells nothing by itself.
    pub(super) silent: bool,
    /// News came while a run was on its way: another one begins behind it.
    pub(super) news: bool,
    /// The folder's next number for which a run was begun because a wait came too late.
    pub(super) missed: Option<u32>,
}

/// One mailbox that is to be read.
pub(super) struct Unit {
    pub(super) run: Arc<Run>,
    pub(super) target: Target,
    pub(super) server: String,
}

pub(super) struct Run {
    pub(super) source: Arc<FetchSource>,
    pub(super) purpose: Purpose,
    pub(super) trigger: RunTrigger,
    pub(super) begun_at: Timestamp,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) tally: Tally,
    pub(super) compared: Compared,
    /// Mailboxes that are not done.
    pub(super) open: AtomicUsize,
    /// Nothing was to be done: it leaves no trace.
    pub(super) skip: AtomicBool,
    troubles: Mutex<Vec<Trouble>>,
}

/// Why a mailbox could not be read.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    pub(super) mailbox: String,
    pub(super) code: &'static str,
    pub(super) text: String,
    pub(super) retry_after: Option<Duration>,
}

impl Slot {
    pub(super) fn new(source: FetchSource, now: Timestamp) -> Self {
        Self {
            due_at: source.state.next_at.map_or(now, |at| at.max(now)),
            source: Arc::new(source),
            run: None,
            wanted: None,
            held: false,
            resting: HashMap::new(),
            polled_at: None,
            waiting: None,
            silent: false,
            news: false,
            missed: None,
        }
    }

    pub(super) fn stop(&self) {
        if let Some(run) = &self.run {
            run.stop.store(true, Ordering::SeqCst);
        }
        if let Some(waiting) = &self.waiting {
            waiting.store(true, Ordering::SeqCst);
        }
    }

    pub(super) fn is_due_by_itself(&self) -> bool {
        self.source.config.enabled && !self.source.state.paused
    }

    fn is_to_compare(&self, now: Timestamp) -> bool {
        let Some(hours) = self.source.config.reconcile_every_hours else { return false };
        let last = self.source.state.reconciled_at.unwrap_or(self.source.source.created_at);
        now >= last.saturating_add_seconds(i64::from(hours) * 3600)
    }
}

impl State {
    /// Runs whose time has come; they stand in their slots.
    pub(super) fn begin_due(&mut self, now: Timestamp) -> Vec<Arc<Run>> {
        let mut begun = Vec::new();
        for slot in self.slots.values_mut().filter(|slot| slot.run.is_none() && !slot.held) {
            let due = slot.is_due_by_itself() && slot.due_at <= now;
            let (purpose, trigger) = match slot.wanted.take() {
                Some(purpose) => (purpose, RunTrigger::Person),
                None if due && slot.is_to_compare(now) && slot.polled_at.is_some() => {
                    let by = "schedule".to_owned();
                    (Purpose::Reconcile { by }, RunTrigger::Schedule)
                }
                None if due => (Purpose::Poll, RunTrigger::Schedule),
                None => continue,
            };
            let run = Arc::new(Run {
                source: Arc::clone(&slot.source),
                purpose,
                trigger,
                begun_at: now,
                stop: Arc::default(),
                tally: Tally::default(),
                compared: Compared::default(),
                open: AtomicUsize::new(1),
                skip: AtomicBool::new(false),
                troubles: Mutex::default(),
            });
            slot.run = Some(Arc::clone(&run));
            begun.push(run);
        }
        begun
    }

    /// When the next run is due.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let due = |slot: &&Slot| slot.run.is_none() && !slot.held && slot.is_due_by_itself();
        self.slots.values().filter(due).map(|slot| slot.due_at).min()
    }
}

impl Run {
    pub(super) fn trouble(&self, mailbox: &str, error: &FetchError) {
        let retry_after = match error {
            FetchError::ServerBusy { retry_after, .. } => *retry_after,
            _ => None,
        };
        let trouble = Trouble {
            mailbox: mailbox.to_owned(),
            code: error.kind().code(),
            text: error.to_string(),
            retry_after,
        };
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        if troubles.len() < TROUBLES_MAX {
            troubles.push(trouble);
        }
    }

    pub(super) fn troubles(&self) -> Vec<Trouble> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
