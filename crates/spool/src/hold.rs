use std::sync::Arc;

use crate::queue::Retired;
use crate::spool::{Shared, locked};

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
