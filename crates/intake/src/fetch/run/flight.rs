use std::collections::HashMap;

use super::outcome::Place;

/// Mails of one session between its server and the archive, and their octets: it reads on when
/// there are fewer.
const MAILS_MAX: usize = 2_000;
const BYTES_MAX: u64 = 64 << 20;

/// Mails that were read and have no outcome yet.
#[derive(Debug, Default)]
pub(super) struct Flight {
    /// How often and with how many octets: one that was read again on another connection comes
    /// twice.
    mails: HashMap<Place, (usize, u64)>,
    count: usize,
    bytes: u64,
}

impl Flight {
    pub(super) fn is_full(&self) -> bool {
        self.count >= MAILS_MAX || self.bytes >= BYTES_MAX
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn begin(&mut self, place: Place, bytes: u64) {
        let (count, all) = self.mails.entry(place).or_default();
        *count += 1;
        *all += bytes;
        self.count += 1;
        self.bytes += bytes;
    }

    /// Whether the mail was on its way: an outcome of an earlier session is nobody's.
    pub(super) fn end(&mut self, place: &Place) -> bool {
        let Some((count, bytes)) = self.mails.get_mut(place) else { return false };
        let one = *bytes / *count as u64;
        *count -= 1;
        *bytes -= one;
        if *count == 0 {
            self.mails.remove(place);
        }
        self.count -= 1;
        self.bytes = self.bytes.saturating_sub(one);
        true
    }

    /// Nobody waits any more for those that are on their way; how many they are.
    pub(super) fn give_up(&mut self) -> usize {
        self.mails.clear();
        self.bytes = 0;
        std::mem::take(&mut self.count)
    }
}
