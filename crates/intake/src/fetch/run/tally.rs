use std::sync::{Mutex, MutexGuard, PoisonError};

use catalog::FetchCounts;

use super::outcome::Became;

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Live {
    pub counts: FetchCounts,
    /// Octets that were read.
    pub bytes: u64,
    /// Mails of the folders that were opened so far that are, or were, to be read.
    pub to_read: u64,
    pub mailboxes: u32,
    pub mailboxes_done: u32,
    pub mailboxes_failed: u32,
    /// What was opened last, one of the mailboxes.
    pub folder: String,
}

/// Counts of a run; all its mailboxes add to it.
#[derive(Debug, Default)]
pub struct Tally {
    live: Mutex<Live>,
}

impl Tally {
    pub fn live(&self) -> Live {
        self.locked().clone()
    }

    pub fn change(&self, change: impl FnOnce(&mut Live)) {
        change(&mut self.locked());
    }

    /// A mail that was seen, on its way into the archive.
    pub(super) fn seen(&self, bytes: u64) {
        self.change(|live| {
            live.counts.seen += 1;
            live.bytes += bytes;
        });
    }

    /// What became of a mail that was seen; what failed is told from what is left for good.
    pub(super) fn became(&self, became: &Became) {
        self.change(|live| {
            let counts = &mut live.counts;
            let count = match became {
                Became::Archived => &mut counts.archived,
                Became::Known => &mut counts.known,
                Became::Merged => &mut counts.merged,
                Became::NotSelected | Became::TooLarge => &mut counts.left,
                Became::Quarantined => &mut counts.quarantined,
                Became::Refused(_) => &mut counts.failed,
            };
            *count += 1;
        });
    }

    fn locked(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
