//! When segments go: not while somebody copies the folder, and early when something must be gone.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use crate::queue::Retired;
use crate::spool::{Shared, Spool, locked};

impl Spool {
    /// Keeps settled segments and their large files on disk for as long as the hold lives: for who
    /// copies the folder. Afterwards they are erased.
    pub fn hold(&self) -> Hold {
        Hold::new(Arc::clone(self.shared()))
    }

    /// Lets the segment that is written to take no more entries, so that it is erased as soon as all of them are
    /// settled (or when the last [`Hold`] ends). `false` when that took longer than `wait`; it happens all the
    /// same. Call it when something left the archive that may still be here.
    pub fn rotate(&self, wait: Duration) -> bool {
        let (told, heard) = mpsc::sync_channel(1);
        let mut pending = locked(&self.shared().pending);
        if pending.closed {
            return true;
        }
        pending.rotations.push(told);
        drop(pending);
        self.shared().pending_changed.notify_one();
        heard.recv_timeout(wait).is_ok()
    }
}

/// Segments whose erasure waits, while anybody holds the spool.
#[derive(Default)]
pub(crate) struct Erasure {
    holders: usize,
    waiting: Vec<Retired>,
}

impl Erasure {
    /// What may be erased now.
    pub(crate) fn admit(&mut self, retired: impl IntoIterator<Item = Retired>) -> Vec<Retired> {
        self.waiting.extend(retired);
        if self.holders > 0 { Vec::new() } else { std::mem::take(&mut self.waiting) }
    }
}

/// While it lives, no segment of the spool is erased. A crash before its end leaves settled
/// segments, which the next start erases.
pub struct Hold {
    shared: Arc<Shared>,
}

impl Hold {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        locked(&shared.erasure).holders += 1;
        Self { shared }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        locked(&self.shared.erasure).holders -= 1;
        self.shared.erase([]);
    }
}

impl std::fmt::Debug for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hold")
    }
}
