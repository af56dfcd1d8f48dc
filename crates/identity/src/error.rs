use catalog::{CatalogError, SecretError};
use model::Timestamp;

use crate::oidc::Refusal;
use crate::password::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN};

#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Wrong or used one-time password, unknown passkey: never says which.
    #[error("the code is wrong, or was used before")]
    BadCode,
    /// No such account, wrong password, disabled account or suspended tenant: never says which.
    #[error("user name or password is wrong")]
    BadCredentials,
    /// What an administrator says about a provider cannot work.
    #[error("{0}")]
    BadProvider(&'static str),
    #[error("{0}")]
    BadToken(&'static str),
    #[error("the accounts cannot be read or written")]
    Catalog(#[from] CatalogError),
    /// The directory that knows the password does not answer.
    #[error("the directory does not answer; try again later")]
    DirectoryUnreachable,
    /// The step before is too long ago, was used, or was never done.
    #[error("this took too long, or was done already; begin again")]
    Expired,
    /// A stored hash that is none, or no memory to compute one.
    #[error("the password cannot be hashed")]
    Hash,
    /// The password is right, but not the way in.
    #[error("passwords are for administrators here; sign in through the provider")]
    LocalSignInOff,
    #[error("the session has ended; sign in again")]
    NoSession,
    /// The accounts, or the file, are not what they were when the plan was made.
    #[error("the accounts or the file changed since the preview; look at a new one")]
    PlanChanged,
    /// A line has errors: nothing is imported.
    #[error("lines have errors; nothing is imported")]
    PlanRefused,
    /// Nobody changes their own role or disables themselves.
    #[error("one's own role is changed, and one's own account disabled, by somebody else")]
    OwnAccount,
    /// Nobody decides about their own request for access.
    #[error("a request for access is decided by another person")]
    OwnRequest,
    #[error("the address of the server is not configured (http.public_url)")]
    NoSite,
    /// The session is too old for a change of this weight.
    #[error("sign in again to change this")]
    NotFresh,
    #[error("the passkey was not accepted")]
    PasskeyRefused,
    /// The answer of an OpenID provider opens no session.
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("a stored secret cannot be opened")]
    Secret(#[from] SecretError),
    /// Too many attempts.
    #[error("too many attempts; wait until {until}")]
    Throttled { until: Timestamp },
    /// A value of ours that has no JSON form.
    #[error("a ticket cannot be written")]
    Ticket,
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
