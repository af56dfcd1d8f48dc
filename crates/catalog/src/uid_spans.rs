use std::fmt;
use std::str::FromStr;

/// Spans of a [`UidSpans`]; a set that would have more forgets the highest ones, which are read
/// again and known by content.
const SPANS_MAX: usize = 50_000;

/// Numbers of mails in a folder, as spans.
///
/// Written and read as in IMAP: `1:4,7,9:12`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UidSpans {
    /// Ascending, apart from each other by at least one.
    spans: Vec<(u32, u32)>,
}

/// The text is no ascending list of spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a list of spans of numbers")]
pub struct ParseUidSpansError;

impl UidSpans {
    /// The numbers of `listed` (ascending) for which `is_done`; what lies between two of them and is
    /// not listed belongs to them, as numbers are never used again. Spans stay few.
    pub fn among(listed: impl IntoIterator<Item = u32>, is_done: impl Fn(u32) -> bool) -> Self {
        let mut spans: Vec<(u32, u32)> = Vec::new();
        let mut open = false;
        for uid in listed {
            if !is_done(uid) {
                open = false;
            } else if open {
                // Proof: a span is open, so there is a last one.
                spans.last_mut().expect("a span is open").1 = uid;
            } else {
                spans.push((uid, uid));
                open = true;
            }
        }
        spans.truncate(SPANS_MAX);
        Self { spans }
    }

    pub fn contains(&self, uid: u32) -> bool {
        let after = self.spans.partition_point(|(first, _)| *first <= uid);
        after > 0 && self.spans[after - 1].1 >= uid
    }

    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The highest number.
    pub fn last(&self) -> Option<u32> {
        self.spans.last().map(|(_, last)| *last)
    }
}

impl fmt::Display for UidSpans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (first, last)) in self.spans.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            if first == last {
                write!(f, "{comma}{first}")?;
            } else {
                write!(f, "{comma}{first}:{last}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for UidSpans {
    type Err = ParseUidSpansError;

    fn from_str(text: &str) -> Result<Self, ParseUidSpansError> {
        let mut spans: Vec<(u32, u32)> = Vec::new();
        for span in text.split(',').filter(|span| !span.is_empty()) {
            let (first, last) = span.split_once(':').unwrap_or((span, span));
            let number = |text: &str| text.parse::<u32>().map_err(|_| ParseUidSpansError);
            let (first, last) = (number(first)?, number(last)?);
            if first > last || spans.last().is_some_and(|(_, before)| *before >= first) {
                return Err(ParseUidSpansError);
            }
            spans.push((first, last));
        }
        Ok(Self { spans })
    }
}
