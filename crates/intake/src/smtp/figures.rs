use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::Timestamp;
use serde::Serialize;

/// How many past minutes are remembered.
pub const MINUTES_KEPT: usize = 60;

/// What the listener counts, for the status page. Counters begin at zero with the process.
#[derive(Debug, Default)]
pub struct IntakeFigures {
    pub(crate) connections_open: AtomicU64,
    pub(crate) connections: AtomicU64,
    pub(crate) connections_tls: AtomicU64,
    pub(crate) connections_refused: AtomicU64,
    pub(crate) handshakes_failed: AtomicU64,
    pub(crate) mails_accepted: AtomicU64,
    pub(crate) octets_accepted: AtomicU64,
    pub(crate) recipients_refused: AtomicU64,
    pub(crate) mails_too_large: AtomicU64,
    pub(crate) mails_put_off: AtomicU64,
    pub(crate) commands_refused: AtomicU64,
    replies: [AtomicU64; REPLY_CODES.len()],
    acknowledged: Histogram,
    rates: Mutex<Rates>,
}

/// The codes of replies that refuse something (RFC 5321 §4.2.3); they are counted one by one.
pub const REPLY_CODES: [u16; 14] =
    [421, 451, 452, 454, 500, 501, 502, 503, 530, 550, 552, 553, 554, 555];

/// Upper ends of the classes of [`IntakeReading::acknowledged`], in seconds.
pub const ACKNOWLEDGED_SECONDS: [f64; 10] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

#[derive(Debug, Default)]
struct Histogram {
    /// One more than the bounds: the last counts what is slower.
    classes: [AtomicU64; ACKNOWLEDGED_SECONDS.len() + 1],
    micros: AtomicU64,
}

/// How long something took, by classes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct HistogramReading {
    /// For each bound, and at the end for what is above all of them: how many. Not cumulative.
    pub classes: Vec<u64>,
    pub sum_seconds: f64,
}

/// One reading of [`IntakeFigures`].
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct IntakeReading {
    pub connections_open: u64,
    /// Connections taken since the start.
    pub connections: u64,
    /// Of these, with a finished TLS handshake.
    pub connections_tls: u64,
    /// Turned away at connect: too many, or from a network that is not allowed.
    pub connections_refused: u64,
    pub handshakes_failed: u64,
    /// Mails answered with `250` at their end: durable.
    pub mails_accepted: u64,
    pub octets_accepted: u64,
    /// `RCPT` answered with `4yz` or `5yz`.
    pub recipients_refused: u64,
    /// `552`, at `MAIL` or at the end.
    pub mails_too_large: u64,
    /// `451` or `452`: the sender tries again.
    pub mails_put_off: u64,
    /// Commands that were not understood or came in the wrong order.
    pub commands_refused: u64,
    /// Replies that refused something, in the order of [`REPLY_CODES`].
    pub replies: Vec<u64>,
    /// From the last octet of a mail to its `250`: what the disk takes.
    pub acknowledged: HistogramReading,
    /// Accepted in the sixty seconds before the reading.
    pub last_minute: Rate,
    /// Accepted in each past minute, oldest first, the current one last; at most
    /// [`MINUTES_KEPT`].
    pub minutes: Vec<Rate>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rate {
    pub mails: u64,
    pub octets: u64,
}

impl IntakeFigures {
    /// A consistent enough reading at `now`; each counter by itself is exact.
    pub fn reading(&self, now: Timestamp) -> IntakeReading {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        rates.seconds.turn_to(now.as_seconds());
        rates.minutes.turn_to(now.as_seconds().div_euclid(60));
        IntakeReading {
            connections_open: load(&self.connections_open),
            connections: load(&self.connections),
            connections_tls: load(&self.connections_tls),
            connections_refused: load(&self.connections_refused),
            handshakes_failed: load(&self.handshakes_failed),
            mails_accepted: load(&self.mails_accepted),
            octets_accepted: load(&self.octets_accepted),
            recipients_refused: load(&self.recipients_refused),
            mails_too_large: load(&self.mails_too_large),
            mails_put_off: load(&self.mails_put_off),
            commands_refused: load(&self.commands_refused),
            replies: self.replies.iter().map(load).collect(),
            acknowledged: HistogramReading {
                classes: self.acknowledged.classes.iter().map(load).collect(),
                sum_seconds: load(&self.acknowledged.micros) as f64 / 1e6,
            },
            last_minute: rates.seconds.sum(),
            minutes: rates.minutes.oldest_first(),
        }
    }

    /// Counts a reply if it refuses something.
    pub(crate) fn replied(&self, text: &str) {
        let code = text.get(..3).and_then(|code| code.parse::<u16>().ok());
        let place = code.and_then(|code| REPLY_CODES.iter().position(|known| *known == code));
        if let Some(place) = place {
            count(&self.replies[place]);
        }
    }

    pub(crate) fn acknowledged(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let class = ACKNOWLEDGED_SECONDS.partition_point(|bound| *bound < seconds);
        count(&self.acknowledged.classes[class]);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.acknowledged.micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(crate) fn accepted(&self, now: Timestamp, octets: u64) {
        count(&self.mails_accepted);
        self.octets_accepted.fetch_add(octets, Ordering::Relaxed);
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        rates.seconds.add(now.as_seconds(), octets);
        rates.minutes.add(now.as_seconds().div_euclid(60), octets);
    }
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[derive(Debug, Default)]
struct Rates {
    seconds: Ring<60>,
    minutes: Ring<MINUTES_KEPT>,
}

/// The last `N` units of time, the newest at `newest`.
#[derive(Debug)]
struct Ring<const N: usize> {
    slots: [Rate; N],
    newest: i64,
}

impl<const N: usize> Default for Ring<N> {
    fn default() -> Self {
        Self { slots: [Rate::default(); N], newest: i64::MIN }
    }
}

impl<const N: usize> Ring<N> {
    fn add(&mut self, unit: i64, octets: u64) {
        self.turn_to(unit);
        let slot = &mut self.slots[self.newest.rem_euclid(N as i64) as usize];
        slot.mails += 1;
        slot.octets += octets;
    }

    /// Empties the slots of the units that began since; a clock set back changes nothing.
    fn turn_to(&mut self, unit: i64) {
        let passed = unit.saturating_sub(self.newest).clamp(0, N as i64);
        for back in 0..passed {
            self.slots[(unit - back).rem_euclid(N as i64) as usize] = Rate::default();
        }
        self.newest = self.newest.max(unit);
    }

    fn sum(&self) -> Rate {
        self.slots.iter().fold(Rate::default(), |sum, slot| Rate {
            mails: sum.mails + slot.mails,
            octets: sum.octets + slot.octets,
        })
    }

    fn oldest_first(&self) -> Vec<Rate> {
        let newest = self.newest;
        (1..=N as i64)
            .map(|i| self.slots[newest.wrapping_add(i).rem_euclid(N as i64) as usize])
            .collect()
    }
}
