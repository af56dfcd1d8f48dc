use model::Timestamp;
use serde::{Deserialize, Serialize};

/// A span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    /// The first moment that belongs to it; `None`: from the beginning of time.
    pub from: Option<Timestamp>,
    /// The first moment that no longer belongs to it; `None`: without end.
    pub until: Option<Timestamp>,
}

impl Span {
    pub const ALWAYS: Self = Self { from: None, until: None };

    pub fn covers(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }

    pub fn is_always(&self) -> bool {
        *self == Self::ALWAYS
    }

    /// Whether no moment belongs to it.
    pub fn is_empty(&self) -> bool {
        matches!((self.from, self.until), (Some(from), Some(until)) if until <= from)
    }

    /// What belongs to both; `None` when nothing does.
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        // `None` as a beginning is the least, which is how options compare.
        let from = self.from.max(other.from);
        let until = match (self.until, other.until) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        Some(Self { from, until }).filter(|span| !span.is_empty())
    }

    /// Whether every moment of `other` belongs to it.
    pub fn contains(&self, other: &Self) -> bool {
        other.is_empty() || self.intersect(other) == Some(*other)
    }

    /// The same moments in as few spans as can be, without empty ones, by time.
    pub fn united(mut spans: Vec<Self>) -> Vec<Self> {
        spans.retain(|span| !span.is_empty());
        spans.sort_unstable_by_key(|span| span.from);
        let mut united: Vec<Self> = Vec::with_capacity(spans.len());
        for span in spans {
            match united.last_mut() {
                Some(last) if last.touches(&span) => {
                    last.until = last.until.zip(span.until).map(|(one, two)| one.max(two));
                }
                _ => united.push(span),
            }
        }
        united
    }

    /// Whether `later`, which begins no earlier, overlaps it or follows without a gap.
    fn touches(&self, later: &Self) -> bool {
        match (self.until, later.from) {
            (Some(until), Some(from)) => from <= until,
            _ => true,
        }
    }
}
