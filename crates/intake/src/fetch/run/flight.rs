use std::collections::HashMap;

use super::outcome::Place;

/// Mails of one session between its server and the archive, and their octets: it reads on when
/// there are fewer.
const MAILS_MAX: usize = 2_000;
const BYTES_MAX: u64 = 64 << 20;

/// Mails that were read and have no outcome yet.
#[derive(Debug, Default)]
pub(super) struct Flight {
    mails: HashMap<Place, u64>,
    bytes: u64,
}

impl Flight {
    pub(super) fn is_full(&self) -> bool {
        self.mails.len() >= MAILS_MAX || self.bytes >= BYTES_MAX
    }

    pub(super) fn is_empty(&self) -> bool {
        self.mails.is_empty()
    }

    pub(super) fn begin(&mut self, place: Place, bytes: u64) {
        self.bytes += bytes;
        if let Some(before) = self.mails.insert(place, bytes) {
            self.bytes = self.bytes.saturating_sub(before);
        }
    }

    /// Whether the mail was on its way: an outcome of an earlier session is nobody's.
    pub(super) fn end(&mut self, place: &Place) -> bool {
        let Some(bytes) = self.mails.remove(place) else { return false };
        self.bytes = self.bytes.saturating_sub(bytes);
        true
    }

    /// Those that are on their way, which nobody waits for any more.
    pub(super) fn give_up(&mut self) -> Vec<Place> {
        self.bytes = 0;
        self.mails.drain().map(|(place, _)| place).collect()
    }
}
