//! The numbers and names that stand for enumerations in the database. Never change one.

use model::{JournalVariant, MailKind, Provenance, Role, Shape};
use rusqlite::types::{FromSqlError, FromSqlResult, ValueRef};

use crate::{
    AuditOutcome, FetchOutcome, JobState, LeftReason, MailJobKind, MailJobState, QuarantineState,
    RunOutcome, RunTrigger, Sighting, SignInMethod, SourceKind, SourceState, TenantState,
};

pub(super) trait Code: Copy + PartialEq + Sized + 'static {
    const CODES: &'static [(Self, i64)];

    fn code(self) -> i64 {
        // Proof: the tables name every variant; a test counts them.
        Self::CODES.iter().find(|(value, _)| *value == self).expect("every variant has a code").1
    }

    fn decode(code: i64) -> Option<Self> {
        Self::CODES.iter().find(|(_, known)| *known == code).map(|(value, _)| *value)
    }
}

impl Code for Role {
    const CODES: &'static [(Self, i64)] = &[
        (Self::Sender, 1),
        (Self::OnBehalfOf, 2),
        (Self::To, 3),
        (Self::Cc, 4),
        (Self::Bcc, 5),
        (Self::Recipient, 6),
        (Self::ForwardedFrom, 7),
        (Self::Mailbox, 8),
    ];
}

impl Code for Provenance {
    const CODES: &'static [(Self, i64)] = &[
        (Self::EnvelopeHeader, 1),
        (Self::Headers, 2),
        (Self::Import, 3),
        (Self::JournalReport, 4),
        (Self::SmtpEnvelope, 5),
        (Self::Fetched, 6),
    ];
}

impl Code for MailKind {
    const CODES: &'static [(Self, i64)] =
        &[(Self::Calendar, 1), (Self::Encrypted, 2), (Self::Mail, 3), (Self::Report, 4)];
}

impl Code for Shape {
    const CODES: &'static [(Self, i64)] =
        &[(Self::DamagedReport, 1), (Self::JournalReport, 2), (Self::PlainCopy, 3)];
}

impl Code for JournalVariant {
    const CODES: &'static [(Self, i64)] =
        &[(Self::Exchange2003, 1), (Self::Microsoft, 2), (Self::NdrWrapped, 3)];
}

pub(super) trait Name: Copy + PartialEq + Sized + 'static {
    const NAMES: &'static [(Self, &'static str)];

    fn name(self) -> &'static str {
        // Proof: the tables name every variant; a test counts them.
        Self::NAMES.iter().find(|(value, _)| *value == self).expect("every variant has a name").1
    }

    fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known)| *known == name).map(|(value, _)| *value)
    }
}

impl Name for TenantState {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Active, "active"),
        (Self::Removed, "removed"),
        (Self::Removing, "removing"),
        (Self::Suspended, "suspended"),
    ];
}

impl Name for JobState {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Cancelled, "cancelled"),
        (Self::Done, "done"),
        (Self::Failed, "failed"),
        (Self::Interrupted, "interrupted"),
        (Self::Running, "running"),
    ];
}

impl Name for MailJobKind {
    const NAMES: &'static [(Self, &'static str)] =
        &[(Self::Export, "export"), (Self::Restore, "restore")];
}

impl Name for MailJobState {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Cancelled, "cancelled"),
        (Self::Done, "done"),
        (Self::Failed, "failed"),
        (Self::Removed, "removed"),
        (Self::Running, "running"),
        (Self::Waiting, "waiting"),
    ];
}

impl Name for SignInMethod {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Directory, "directory"),
        (Self::Passkey, "passkey"),
        (Self::Password, "password"),
        (Self::Provider, "provider"),
    ];
}

impl Name for SourceKind {
    const NAMES: &'static [(Self, &'static str)] =
        &[(Self::Fetch, "fetch"), (Self::Import, "import"), (Self::Smtp, "smtp")];
}

impl Name for SourceState {
    const NAMES: &'static [(Self, &'static str)] =
        &[(Self::Active, "active"), (Self::Suspended, "suspended")];
}

impl Name for QuarantineState {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Discarded, "discarded"),
        (Self::Released, "released"),
        (Self::Retried, "retried"),
        (Self::Waiting, "waiting"),
    ];
}

impl Name for Sighting {
    const NAMES: &'static [(Self, &'static str)] =
        &[(Self::Report, "report"), (Self::Validation, "validation")];
}

impl Name for RunOutcome {
    const NAMES: &'static [(Self, &'static str)] =
        &[(Self::Applied, "applied"), (Self::Failed, "failed"), (Self::HeldBack, "held-back")];
}

impl Name for RunTrigger {
    const NAMES: &'static [(Self, &'static str)] =
        &[(Self::Person, "person"), (Self::Schedule, "schedule")];
}

impl Name for FetchOutcome {
    const NAMES: &'static [(Self, &'static str)] =
        &[(Self::Done, "done"), (Self::Failed, "failed"), (Self::Stopped, "stopped")];
}

impl Name for LeftReason {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Failed, "failed"),
        (Self::GivenUp, "given-up"),
        (Self::NotRemoved, "not-removed"),
        (Self::NotSelected, "not-selected"),
        (Self::TooLarge, "too-large"),
    ];
}

impl Name for AuditOutcome {
    const NAMES: &'static [(Self, &'static str)] =
        &[(Self::Denied, "denied"), (Self::Done, "done"), (Self::Failed, "failed")];
}

/// A column that holds a [`Code`].
pub(super) struct Coded<T>(pub T);

impl<T: Code> rusqlite::types::FromSql for Coded<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let code = value.as_i64()?;
        T::decode(code).map(Self).ok_or(FromSqlError::OutOfRange(code))
    }
}

/// A column that holds a [`Name`].
pub(super) struct Named<T>(pub T);

impl<T: Name> rusqlite::types::FromSql for Named<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        T::named(value.as_str()?).map(Self).ok_or(FromSqlError::InvalidType)
    }
}

/// A column that holds text which parses, such as an IP address or a role.
pub(super) struct Parsed<T>(pub T);

impl<T> rusqlite::types::FromSql for Parsed<T>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map(Self).map_err(FromSqlError::other)
    }
}

/// A column that holds JSON.
pub(super) struct Json<T>(pub T);

impl<T: serde::de::DeserializeOwned> rusqlite::types::FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map(Self).map_err(FromSqlError::other)
    }
}

/// `value` as JSON text.
pub(super) fn json<T: serde::Serialize>(value: &T) -> String {
    // Proof: the catalog's types have string keys only and no serializer of theirs fails.
    serde_json::to_string(value).expect("the catalog's types are valid JSON")
}

/// A count or size as the database keeps it; beyond 2^63 nothing is counted.
pub(super) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A count or size from the database, where none is negative.
pub(super) fn uint(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
