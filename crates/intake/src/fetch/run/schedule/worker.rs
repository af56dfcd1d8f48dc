//! Threads that read mailboxes. They are made when there is work, and end when there is none.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::state::{State, Unit};
use super::{PER_SERVER_MAX, Purpose, Run, Shared, WORKERS_MAX};
use crate::fetch::FetchError;
use crate::fetch::run::reading::read_mailbox;
use crate::fetch::run::reconcile::reconcile_mailbox;

/// How long a thread waits for more work.
const IDLE: Duration = Duration::from_secs(30);

/// Makes threads for what waits.
pub(super) fn enough(shared: &Arc<Shared>, state: &mut State) {
    let wanted = state.queue.len().saturating_sub(state.idle_workers);
    for _ in 0..wanted.min(WORKERS_MAX.saturating_sub(state.workers)) {
        let shared = Arc::clone(shared);
        let work = move || shared.work();
        match std::thread::Builder::new().name("fetch-worker".to_owned()).spawn(work) {
            Ok(_) => state.workers += 1,
            Err(error) => {
                tracing::warn!(%error, "no thread to fetch mail");
                return;
            }
        }
    }
}

impl Shared {
    fn work(self: Arc<Self>) {
        let mut state = self.locked();
        loop {
            if let Some(unit) = next(&mut state) {
                *state.busy.entry(unit.server.clone()).or_default() += 1;
                drop(state);
                self.read(&unit);
                state = self.locked();
                if let Some(busy) = state.busy.get_mut(&unit.server) {
                    *busy -= 1;
                    if *busy == 0 {
                        state.busy.remove(&unit.server);
                    }
                }
                self.changed.notify_all();
                continue;
            }
            if state.stopping {
                break;
            }
            state.idle_workers += 1;
            let (waited, result) = match self.changed.wait_timeout(state, IDLE) {
                Ok(both) => both,
                Err(poisoned) => poisoned.into_inner(),
            };
            state = waited;
            state.idle_workers -= 1;
            if result.timed_out() && state.queue.is_empty() {
                break;
            }
        }
        state.workers -= 1;
        self.changed.notify_all();
    }

    fn read(self: &Arc<Self>, unit: &Unit) {
        let Unit { run, target, .. } = unit;
        // A flaw must not keep the thread's place and the run for ever.
        let work = std::panic::AssertUnwindSafe(|| match &run.purpose {
            Purpose::Poll => read_mailbox(&self.parts, target, &run.tally),
            Purpose::Reconcile { .. } => {
                reconcile_mailbox(&self.parts, target, &run.tally, &run.compared)
            }
        });
        let done = match target.go_on() {
            Ok(()) => std::panic::catch_unwind(work)
                .unwrap_or_else(|_| Err(FetchError::Protocol("reading it failed here".to_owned()))),
            Err(stopped) => Err(stopped),
        };
        self.mailbox_done(unit, &done);
        self.unit_done(run);
    }

    /// Ends the run with its last mailbox.
    pub(super) fn unit_done(self: &Arc<Self>, run: &Arc<Run>) {
        if run.open.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.end(run);
        }
    }
}

/// The first that waits for a server that has room.
fn next(state: &mut State) -> Option<Unit> {
    let has_room =
        |unit: &Unit| state.busy.get(&unit.server).copied().unwrap_or(0) < PER_SERVER_MAX;
    let place = state.queue.iter().position(has_room)?;
    state.queue.remove(place)
}
