use catalog::CatalogError;
use model::Timestamp;

use crate::password::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN};

#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// No such account, wrong password, disabled account or suspended tenant: never says which.
    #[error("user name or password is wrong")]
    BadCredentials,
    #[error("the accounts cannot be read or written")]
    Catalog(#[from] CatalogError),
    /// A stored hash that is none, or no memory to compute one.
    #[error("the password cannot be hashed")]
    Hash,
    #[error("the session has ended; sign in again")]
    NoSession,
    /// Nobody decides about their own request for access.
    #[error("a request for access is decided by another person")]
    OwnRequest,
    /// Too many attempts.
    #[error("too many attempts; wait until {until}")]
    Throttled { until: Timestamp },
    #[error(transparent)]
    WeakPassword(#[from] WeakPassword),
}

impl IdentityError {
    /// For `Retry-After`: the seconds from `now` until the next attempt, at least one.
    pub fn retry_after_seconds(&self, now: Timestamp) -> Option<u64> {
        match self {
            Self::Throttled { until } => {
                let micros = until.as_micros().saturating_sub(now.as_micros());
                Some(u64::try_from(micros).unwrap_or(0).div_ceil(1_000_000).max(1))
            }
            _ => None,
        }
    }
}

/// Which rule a new password breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    #[error("the password is the user name")]
    IsUserName,
    #[error("the password repeats one character")]
    Monotonous,
    #[error("the new password is the old one")]
    Same,
    #[error("the password is longer than {PASSWORD_CHARS_MAX} characters")]
    TooLong,
    #[error("the password is shorter than {PASSWORD_CHARS_MIN} characters")]
    TooShort,
}
