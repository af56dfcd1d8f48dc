//! Sets of UIDs (RFC 9051 §9, `sequence-set`), as spans that neither touch nor overlap.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

use crate::fetch::Limit;

/// Spans in one set; a server that names more is refused. UIDs with a gap after each are the worst
/// case: this many mails in one folder.
pub const SPANS: Limit = Limit::new("imap-number-spans", 2_000_000);

/// UIDs, ascending. Memory grows with the gaps, not with the UIDs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UidSet {
    spans: Vec<(u32, u32)>,
}

/// More spans than [`SPANS_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl UidSet {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// How many UIDs.
    pub fn len(&self) -> u64 {
        self.spans.iter().map(|(first, last)| u64::from(last - first) + 1).sum()
    }

    pub fn contains(&self, uid: u32) -> bool {
        let at = self.spans.partition_point(|(_, last)| *last < uid);
        self.spans.get(at).is_some_and(|(first, _)| *first <= uid)
    }

    pub fn first(&self) -> Option<u32> {
        self.spans.first().map(|(first, _)| *first)
    }

    pub fn last(&self) -> Option<u32> {
        self.spans.last().map(|(_, last)| *last)
    }

    /// Ascending; reversed: newest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = u32> + '_ {
        self.spans.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// What lies within `range`.
    pub fn within(&self, range: RangeInclusive<u32>) -> Self {
        let spans = self.spans.iter().filter_map(|(first, last)| {
            let (first, last) = ((*first).max(*range.start()), (*last).min(*range.end()));
            (first <= last).then_some((first, last))
        });
        Self { spans: spans.collect() }
    }

    /// Those for which `keep` says so.
    pub(in crate::fetch) fn filter(&self, keep: impl Fn(u32) -> bool) -> Self {
        let mut spans: Vec<(u32, u32)> = Vec::new();
        for uid in self.iter().filter(|uid| keep(*uid)) {
            match spans.last_mut() {
                Some(end) if uid == end.1 + 1 => end.1 = uid,
                _ => spans.push((uid, uid)),
            }
        }
        Self { spans }
    }

    /// What lies in either.
    pub fn and(&self, other: &Self) -> Self {
        let mut spans = self.spans.clone();
        spans.extend_from_slice(&other.spans);
        let mut both = Self { spans };
        both.tidy();
        both
    }

    /// The set in pieces of at most `count` UIDs whose text is at most `octets` long (at least one
    /// span each, so that it always ends).
    pub fn pieces(&self, count: u64, octets: usize) -> impl Iterator<Item = UidSet> + '_ {
        let (count, mut left) = (count.max(1), self.spans.iter().copied().peekable());
        std::iter::from_fn(move || {
            let mut spans: Vec<(u32, u32)> = Vec::new();
            let (mut room, mut length) = (count, 0);
            while let Some(&(first, last)) = left.peek() {
                length += text_length(first, last) + usize::from(!spans.is_empty());
                if room == 0 || (length > octets && !spans.is_empty()) {
                    break;
                }
                let size = u64::from(last - first) + 1;
                if size > room {
                    // `room` is smaller than a span of 32-bit numbers.
                    let cut = first + u32::try_from(room - 1).unwrap_or(0);
                    spans.push((first, cut));
                    if let Some(front) = left.peek_mut() {
                        front.0 = cut + 1;
                    }
                    break;
                }
                spans.push((first, last));
                room -= size;
                left.next();
            }
            (!spans.is_empty()).then_some(UidSet { spans })
        })
    }

    /// Adds a span in either order; zero is no UID and is left out.
    pub(super) fn add(&mut self, one: u32, other: u32) -> Result<(), TooMany> {
        let (first, last) = (one.min(other).max(1), one.max(other));
        if last == 0 {
            return Ok(());
        }
        // What servers send: ascending.
        if let Some(end) = self.spans.last_mut()
            && (end.0..=end.1.saturating_add(1)).contains(&first)
        {
            end.1 = end.1.max(last);
            return Ok(());
        }
        if self.spans.len() as u64 >= SPANS.max {
            return Err(TooMany);
        }
        self.spans.push((first, last));
        Ok(())
    }

    /// To be called after the last [`add`](Self::add), whose order is free.
    pub(super) fn tidy(&mut self) {
        if self.spans.is_sorted_by(|one, other| one.1 < other.0) {
            return;
        }
        self.spans.sort_unstable();
        let mut tidied: Vec<(u32, u32)> = Vec::with_capacity(self.spans.len());
        for &(first, last) in &self.spans {
            match tidied.last_mut() {
                Some(end) if first <= end.1.saturating_add(1) => end.1 = end.1.max(last),
                _ => tidied.push((first, last)),
            }
        }
        self.spans = tidied;
    }
}

/// At most [`SPANS`] are kept; a caller's own UIDs are never that many.
impl FromIterator<u32> for UidSet {
    fn from_iter<I: IntoIterator<Item = u32>>(uids: I) -> Self {
        let mut set = Self::new();
        for uid in uids {
            let _ = set.add(uid, uid);
        }
        set.tidy();
        set
    }
}

impl From<RangeInclusive<u32>> for UidSet {
    fn from(range: RangeInclusive<u32>) -> Self {
        let (first, last) = ((*range.start()).max(1), *range.end());
        Self { spans: if first <= last { vec![(first, last)] } else { Vec::new() } }
    }
}

/// As commands name it: `3,5:9`; empty when there is none.
impl std::fmt::Display for UidSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, (first, last)) in self.spans.iter().enumerate() {
            if at > 0 {
                f.write_char(',')?;
            }
            match first == last {
                true => write!(f, "{first}")?,
                false => write!(f, "{first}:{last}")?,
            }
        }
        Ok(())
    }
}

fn text_length(first: u32, last: u32) -> usize {
    let digits = |number: u32| number.checked_ilog10().unwrap_or(0) as usize + 1;
    if first == last { digits(first) } else { digits(first) + 1 + digits(last) }
}
