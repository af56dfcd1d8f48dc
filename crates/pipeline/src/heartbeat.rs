use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Whether the threads of the line still turn round. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Heartbeat(Arc<Beats>);

#[derive(Debug)]
struct Beats {
    begun: Instant,
    /// The last beat of each thread, in milliseconds since the beginning.
    last: [AtomicU64; 2],
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Thread {
    Archive,
    Index,
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self(Arc::new(Beats { begun: Instant::now(), last: Default::default() }))
    }
}

impl Heartbeat {
    pub(crate) fn beat(&self, thread: Thread) {
        let now = u64::try_from(self.0.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.last[thread as usize].store(now, Ordering::Relaxed);
    }

    /// How long the slower of the threads has been at one piece of work.
    pub fn stalled(&self) -> Duration {
        let now = self.0.begun.elapsed();
        let oldest = self.0.last.iter().map(|last| last.load(Ordering::Relaxed)).min();
        now.saturating_sub(Duration::from_millis(oldest.unwrap_or(0)))
    }
}

/// Lets somebody look at vault and catalog while no batch is between them.
#[derive(Clone, Debug, Default)]
pub struct Pause(Arc<(Mutex<Turns>, Condvar)>);

#[derive(Debug, Default)]
struct Turns {
    wanted: usize,
    at_work: bool,
}

/// While it lives, no batch is archived. Mail is taken all the same and waits in the spool.
#[derive(Debug)]
pub struct Paused(Pause);

impl Pause {
    /// Waits for the batch in progress to end.
    pub fn pause(&self) -> Paused {
        let (turns, changed) = &*self.0;
        let mut turns = turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.wanted += 1;
        while turns.at_work {
            turns = changed.wait(turns).unwrap_or_else(PoisonError::into_inner);
        }
        Paused(self.clone())
    }

    /// Runs `batch`, unless somebody wants a pause: then waits for its end first.
    pub(crate) fn work<T>(&self, batch: impl FnOnce() -> T) -> T {
        let (turns, changed) = &*self.0;
        let mut waiting = turns.lock().unwrap_or_else(PoisonError::into_inner);
        while waiting.wanted > 0 {
            waiting = changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.at_work = true;
        drop(waiting);
        // The batch catches its own panics.
        let done = batch();
        turns.lock().unwrap_or_else(PoisonError::into_inner).at_work = false;
        changed.notify_all();
        done
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        let (turns, changed) = &*self.0.0;
        turns.lock().unwrap_or_else(PoisonError::into_inner).wanted -= 1;
        changed.notify_all();
    }
}
