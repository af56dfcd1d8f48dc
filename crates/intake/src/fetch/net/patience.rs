use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::fetch::FetchError;

/// How long a blocked thread may need until it sees that it is to stop.
pub(super) const STOP_WITHIN: Duration = Duration::from_millis(250);

/// How long something may take.
#[derive(Clone, Debug)]
pub struct Patience {
    /// For TCP with one address, and for the TLS handshake.
    pub connect: Duration,
    /// For one line of an answer, and for each piece of a mail
    /// ([`super::connection::PROGRESS_OCTETS_MIN`]): servers need minutes to open large mailboxes.
    pub answer: Duration,
    /// When this turns true, whatever waits ends with [`FetchError::Stopped`].
    pub stop: Arc<AtomicBool>,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(20),
            answer: Duration::from_secs(120),
            stop: Arc::new(AtomicBool::new(false)),
        }
    }
}

impl Patience {
    /// # Errors
    /// [`FetchError::Stopped`] when it is to stop.
    pub fn go_on(&self) -> Result<(), FetchError> {
        if self.stop.load(Ordering::Relaxed) { Err(FetchError::Stopped) } else { Ok(()) }
    }
}

/// The end of one operation.
#[derive(Clone, Copy, Debug)]
pub(in crate::fetch) struct Deadline {
    until: Instant,
    whole: Duration,
}

impl Deadline {
    pub(in crate::fetch) fn within(whole: Duration) -> Self {
        // A duration beyond the clock's end is a mistake of the caller; a year is for ever here.
        let whole = whole.min(Duration::from_secs(365 * 86_400));
        Self { until: Instant::now() + whole, whole }
    }

    /// # Errors
    /// When the time is over.
    pub(super) fn left(&self) -> Result<Duration, FetchError> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(FetchError::timeout(self.whole)) } else { Ok(left) }
    }
}
