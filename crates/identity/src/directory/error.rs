use std::fmt;

use catalog::{CatalogError, SecretError};

use super::ber::Malformed;
use super::filter::BadFilter;

/// What keeps a directory from being read. Messages are for administrators: they name hosts, never
/// passwords.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    #[error("the directory refuses the sign-in: {0}")]
    Bind(BindFailure),
    #[error("the accounts cannot be read or written")]
    Catalog(#[from] CatalogError),
    #[error("the directory closed the connection before its answer was complete")]
    Closed,
    #[error("the configuration does not work: {0}")]
    Config(String),
    #[error(transparent)]
    Filter(#[from] BadFilter),
    #[error("the connection to the directory broke: {0}")]
    Io(std::io::Error),
    #[error("the directory answers what is not LDAP")]
    Malformed,
    #[error("the directory is being read already; wait until that run has ended")]
    Running,
    #[error("the bind password cannot be read; give it again")]
    Secret(#[from] SecretError),
    /// StartTLS was refused or broke: nothing else was sent.
    #[error("the directory does not start TLS: {0}")]
    StartTls(String),
    #[error("the directory did not answer in time ({seconds} s)")]
    Timeout { seconds: u64 },
    #[error("{0}")]
    Tls(String),
    /// A limit: entries, pages, octets.
    #[error("the directory answers more than {limit} {what}; narrow the base or the filter")]
    TooMuch { limit: u64, what: &'static str },
    /// Every host failed; each with its reason.
    #[error("no host of the directory can be reached: {0}")]
    Unreachable(String),
    /// A result code other than success (RFC 4511 §4.1.9).
    #[error("the directory refuses {operation}: {} ({code}) {text}", code_name(*.code))]
    Refused { operation: &'static str, code: i32, text: String },
}

impl From<Malformed> for DirectoryError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl DirectoryError {
    /// Whether the connection is at fault, so that another host may do better.
    pub(super) fn is_broken(&self) -> bool {
        matches!(self, Self::Closed | Self::Io(_) | Self::Timeout { .. })
    }

    /// Stable, for programs and translations.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Bind(failure) => failure.code(),
            Self::Catalog(_) => "catalog",
            Self::Closed => "closed",
            Self::Config(_) => "config",
            Self::Filter(_) => "filter",
            Self::Io(_) => "connection",
            Self::Malformed => "malformed",
            Self::Refused { .. } => "refused",
            Self::Running => "running",
            Self::Secret(_) => "secret",
            Self::StartTls(_) => "start-tls",
            Self::Timeout { .. } => "timeout",
            Self::Tls(_) => "tls",
            Self::TooMuch { .. } => "too-much",
            Self::Unreachable(_) => "unreachable",
        }
    }
}

/// Why a bind was refused. Active Directory says so in the diagnostic message
/// (<https://ldapwiki.com/wiki/Wiki.jsp?page=Common%20Active%20Directory%20Bind%20Errors>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindFailure {
    /// RFC 4511 §4.1.9.
    pub result: i32,
    /// The hexadecimal digits behind `data`, such as `52e`.
    pub data: Option<String>,
}

impl BindFailure {
    pub(super) fn new(result: i32, text: &str) -> Self {
        let data = text.split("data ").nth(1).map(|rest| {
            rest.chars().take_while(char::is_ascii_hexdigit).collect::<String>().to_lowercase()
        });
        Self { result, data: data.filter(|data| !data.is_empty()) }
    }

    fn meaning(&self) -> (&'static str, &'static str) {
        match (self.data.as_deref(), self.result) {
            (Some("525"), _) => ("bind-user-unknown", "there is no such user"),
            (Some("52e"), _) => ("bind-credentials", "user name or password is wrong"),
            (Some("52f"), _) => ("bind-restricted", "the account is restricted"),
            (Some("530"), _) => ("bind-hours", "the account may not sign in at this time"),
            (Some("531"), _) => ("bind-workstation", "the account may not sign in from here"),
            (Some("532"), _) => ("bind-password-expired", "the password has expired"),
            (Some("533"), _) => ("bind-disabled", "the account is disabled"),
            (Some("568"), _) => ("bind-restricted", "the account is in too many groups"),
            (Some("701"), _) => ("bind-expired", "the account has expired"),
            (Some("773"), _) => ("bind-must-change", "the password must be changed first"),
            (Some("775"), _) => ("bind-locked", "the account is locked"),
            (_, 8) => ("bind-stronger", "the directory wants an encrypted connection"),
            (_, 13) => ("bind-confidentiality", "the directory wants an encrypted connection"),
            (_, 32 | 34) => ("bind-user-unknown", "there is no such user"),
            (_, 48) => ("bind-anonymous", "the directory wants a user name and a password"),
            (_, 49) => ("bind-credentials", "user name or password is wrong"),
            (_, 53) => ("bind-unwilling", "the directory is unwilling; is the password empty?"),
            _ => ("bind-refused", "the directory gives no reason"),
        }
    }

    /// Stable, for programs and translations.
    pub fn code(&self) -> &'static str {
        self.meaning().0
    }

    /// Whether the directory may say otherwise later, whatever the password: busy (51),
    /// unavailable (52), other (80).
    pub fn is_passing(&self) -> bool {
        self.data.is_none() && matches!(self.result, 51 | 52 | 80)
    }
}

impl fmt::Display for BindFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.meaning().1, self.result)?;
        if let Some(data) = &self.data {
            write!(f, ", {data}")?;
        }
        f.write_str(")")
    }
}

/// RFC 4511 §4.1.9, those that administrators meet.
fn code_name(code: i32) -> &'static str {
    match code {
        1 => "operations error; sign in first",
        3 => "time limit exceeded",
        4 => "size limit exceeded",
        8 => "stronger authentication required",
        10 => "referral to another server",
        11 => "administrative limit exceeded",
        12 => "a needed extension is missing",
        13 => "confidentiality required",
        16 => "no such attribute",
        18 => "inappropriate matching",
        32 => "no such object",
        34 => "not a distinguished name",
        49 => "invalid credentials",
        50 => "insufficient access rights",
        51 => "busy",
        52 => "unavailable",
        53 => "unwilling to perform",
        _ => "error",
    }
}
