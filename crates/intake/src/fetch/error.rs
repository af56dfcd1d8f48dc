use std::io;
use std::time::Duration;

use serde::Serialize;

use super::net::CertificateReport;
use super::oauth::Remedy;

/// A hint of a server to come back later is obeyed up to this.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);

/// A bound on what a server may send, with the name by which it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limit {
    /// Stable, such as `reply-line-octets`.
    pub name: &'static str,
    pub max: u64,
}

impl Limit {
    pub const fn new(name: &'static str, max: u64) -> Self {
        Self { name, max }
    }
}

/// What keeps mail from being fetched. Messages are for administrators: they name hosts and what
/// servers say, never passwords or tokens.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The settings cannot work, whatever the server does.
    #[error("the settings do not work: {0}")]
    Config(String),
    /// One mail that the server cannot deliver; the session goes on.
    #[error("the server cannot deliver this mail: {0}")]
    CorruptMail(String),
    /// The server sends more than is taken. The session is over.
    #[error("the server sends more than is taken ({}: {})", .0.name, .0.max)]
    LimitExceeded(Limit),
    /// No connection, or none any more. What was not confirmed did not happen.
    #[error("{text}")]
    NoConnection { reason: ConnectionFailure, text: String },
    /// The server says what the protocol does not allow. The session is over.
    #[error("the server does not keep to the protocol: {0}")]
    Protocol(String),
    /// The server refuses a command; the session goes on.
    #[error("the server refuses {command}: {text}")]
    Refused { command: &'static str, text: String },
    /// Nothing is wrong but the moment.
    #[error("the server is busy: {text}")]
    ServerBusy {
        /// What the server asks for, at most [`RETRY_AFTER_MAX`].
        retry_after: Option<Duration>,
        text: String,
    },
    #[error("the sign-in is refused: {text}{}", remedy_text(*.remedy))]
    SignInRefused {
        /// What the administrator must do, where that can be told.
        remedy: Option<Remedy>,
        text: String,
    },
    /// What takes the mail refuses it. The session is over.
    #[error("the mail cannot be written here")]
    Spool(#[source] io::Error),
    /// This server ends, or the run was cancelled.
    #[error("the run was stopped")]
    Stopped,
    /// The server's certificate is not believed, or TLS cannot be agreed on.
    #[error("{text}")]
    TlsMismatch { text: String, certificate: Option<Box<CertificateReport>> },
}

fn remedy_text(remedy: Option<Remedy>) -> String {
    remedy.map(|it| format!("; {}", it.advice())).unwrap_or_default()
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionFailure {
    /// The server closed it before its answer was complete.
    Closed,
    /// Another fault of the network.
    Io,
    /// The name has no address.
    Name,
    /// Nothing listens there.
    Refused,
    /// The server did not answer, or went on too slowly.
    Timeout,
}

/// What an error is to those who are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FetchErrorKind {
    Config,
    CorruptMail,
    LimitExceeded,
    NoConnection,
    Protocol,
    Refused,
    ServerBusy,
    SignInRefused,
    Spool,
    Stopped,
    TlsMismatch,
}

impl FetchErrorKind {
    /// Stable, for programs and translations.
    pub fn code(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::CorruptMail => "corrupt-mail",
            Self::LimitExceeded => "limit-exceeded",
            Self::NoConnection => "no-connection",
            Self::Protocol => "protocol",
            Self::Refused => "refused",
            Self::ServerBusy => "server-busy",
            Self::SignInRefused => "sign-in-refused",
            Self::Spool => "spool",
            Self::Stopped => "stopped",
            Self::TlsMismatch => "tls-mismatch",
        }
    }
}

impl FetchError {
    pub fn kind(&self) -> FetchErrorKind {
        match self {
            Self::Config(_) => FetchErrorKind::Config,
            Self::CorruptMail(_) => FetchErrorKind::CorruptMail,
            Self::LimitExceeded(_) => FetchErrorKind::LimitExceeded,
            Self::NoConnection { .. } => FetchErrorKind::NoConnection,
            Self::Protocol(_) => FetchErrorKind::Protocol,
            Self::Refused { .. } => FetchErrorKind::Refused,
            Self::ServerBusy { .. } => FetchErrorKind::ServerBusy,
            Self::SignInRefused { .. } => FetchErrorKind::SignInRefused,
            Self::Spool(_) => FetchErrorKind::Spool,
            Self::Stopped => FetchErrorKind::Stopped,
            Self::TlsMismatch { .. } => FetchErrorKind::TlsMismatch,
        }
    }

    /// What the administrator must do, where that can be told.
    pub fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::SignInRefused { remedy, .. } => *remedy,
            _ => None,
        }
    }

    /// Whether the session can go on with other commands.
    pub fn leaves_session_usable(&self) -> bool {
        matches!(self, Self::CorruptMail(_) | Self::Refused { .. })
    }

    pub(crate) fn closed() -> Self {
        let text = "the server closed the connection before its answer was complete".to_owned();
        Self::NoConnection { reason: ConnectionFailure::Closed, text }
    }

    pub(crate) fn timeout(after: Duration) -> Self {
        let text = format!("the server did not answer in time ({} s)", after.as_secs());
        Self::NoConnection { reason: ConnectionFailure::Timeout, text }
    }
}

/// How long a server asks to be left alone, from words such as
/// `Suggested Backoff Time: 299961 milliseconds` (Exchange Online) or `try again in 30 seconds`.
pub fn retry_after(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 7] = [
        ("millisecond", 1),
        ("ms", 1),
        ("second", 1_000),
        ("sec", 1_000),
        ("minute", 60_000),
        ("min", 60_000),
        ("hour", 3_600_000),
    ];
    let lower = text.to_ascii_lowercase();
    let asks = ["backoff", "retry", "try again", "wait"].iter().any(|word| lower.contains(word));
    if !asks {
        return None;
    }
    let words: Vec<&str> = lower.split([' ', '\t', ':', ',', '(', ')', '[', ']']).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words.windows(2).find_map(|pair| {
        let number: u64 = pair[0].parse().ok()?;
        let (_, millis) = UNITS.iter().find(|(unit, _)| pair[1].starts_with(unit))?;
        Some(Duration::from_millis(number.saturating_mul(*millis)).min(RETRY_AFTER_MAX))
    })
}
