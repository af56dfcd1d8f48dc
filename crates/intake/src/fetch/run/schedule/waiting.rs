//! Connections that wait for mail (RFC 2177), for sources that want it. The interval goes on: what
//! a server does not tell is found by the next poll.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use catalog::FetchMode;

use super::state::State;
use super::{Shared, Target};
use crate::fetch::run::Awaited;

/// Connections that wait at the same time; further sources are polled only.
const WAITING_MAX: usize = 64;

/// A wait is begun anew after so long.
const WAIT: Duration = Duration::from_secs(28 * 60);

/// Makes a thread that waits, unless there is one.
pub(super) fn begin(shared: &Arc<Shared>, state: &mut State, target: &Target) {
    let config = &target.source.config;
    let folder = match &config.mode {
        FetchMode::Journal { folder } => folder.clone(),
        FetchMode::Mailbox { .. } => "INBOX".to_owned(),
        FetchMode::Mailboxes { .. } => return,
    };
    if !config.idle || state.stopping || state.waiters >= WAITING_MAX {
        return;
    }
    let Some(slot) = state.slots.get_mut(&target.source.source.id) else { return };
    if slot.waiting.is_some() || slot.silent {
        return;
    }
    let stop: Arc<AtomicBool> = Arc::default();
    let target = Target { stop: Arc::clone(&stop), ..target.clone() };
    let shared = Arc::clone(shared);
    let work = move || shared.wait_for_mail(&target, &folder);
    if std::thread::Builder::new().name("fetch-idle".to_owned()).spawn(work).is_ok() {
        slot.waiting = Some(stop);
        state.waiters += 1;
    }
}

impl Shared {
    fn wait_for_mail(self: Arc<Self>, target: &Target, folder: &str) {
        let id = target.source.source.id;
        let mut seen = self.seen(target, folder);
        let awaited = loop {
            let until = Instant::now() + WAIT;
            match self.parts.opener.wait_for_mail(target, folder, seen, until) {
                Ok(Awaited::Nothing) if !target.stop.load(Ordering::SeqCst) => {}
                // A run for it was made, and found nothing to do with it.
                Ok(Awaited::Missed(next)) if self.missed_before(target, next) => seen = Some(next),
                Ok(awaited) => break awaited,
                Err(error) => {
                    // The next poll says what is wrong, and begins another wait.
                    let error = error.kind().code();
                    tracing::debug!(source.id = %id, error, "waiting for mail ended");
                    break Awaited::Nothing;
                }
            }
        };
        let now = self.parts.clock.now();
        let mut state = self.locked();
        state.waiters -= 1;
        // The slot may have another wait by now: this one was ended for it.
        if let Some(slot) = state.slots.get_mut(&id)
            && slot.waiting.as_ref().is_some_and(|stop| Arc::ptr_eq(stop, &target.stop))
        {
            slot.waiting = None;
            slot.silent = awaited == Awaited::NotOffered;
            if let Awaited::Missed(next) = awaited {
                slot.missed = Some(next);
            }
            let is_new = matches!(awaited, Awaited::Missed(_) | Awaited::News);
            if is_new && slot.source.state.failures == 0 {
                slot.due_at = now;
                slot.news = slot.run.is_some();
            }
        }
        drop(state);
        self.changed.notify_all();
    }

    /// The folder's next number when it was read last. What came between that and the wait is new as
    /// well.
    fn seen(&self, target: &Target, folder: &str) -> Option<u32> {
        let id = target.source.source.id;
        // Unknown: then the next poll finds what came in between.
        let folders = self.parts.catalog.fetch_folders(id, &target.mailbox).unwrap_or_default();
        folders.iter().find(|one| one.folder == folder).and_then(|one| one.uid_next)
    }

    fn missed_before(&self, target: &Target, next: u32) -> bool {
        let state = self.locked();
        let slot = state.slots.get(&target.source.source.id);
        slot.is_some_and(|slot| slot.missed == Some(next))
    }
}
