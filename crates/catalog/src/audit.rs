use std::net::IpAddr;

use model::{AccountId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::CatalogError;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditOutcome {
    Denied,
    Done,
    Failed,
}

/// Who did what, when, from where, why, to what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    pub at: Timestamp,
    /// Whose log it stands in; `None` is the operator's.
    pub tenant: Option<TenantId>,
    pub account: Option<AccountId>,
    /// The user name, as it was or as it was claimed.
    pub who: String,
    /// A dotted verb such as `sign-in`, `mail.search`, `mail.view`, `mail.download`.
    pub action: String,
    /// The id of what it was done to; empty for none.
    pub object: String,
    /// Further facts such as the query; no secrets, no mail content.
    pub detail: serde_json::Value,
    pub reason: Option<String>,
    pub outcome: AuditOutcome,
    pub ip: Option<IpAddr>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Grows with time; the cursor for the next page.
    pub row: u64,
    pub event: AuditEvent,
}

/// Which events to list; `None` leaves a condition out.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    pub account: Option<AccountId>,
    /// The user name at that time, without regard to ASCII case.
    pub who: Option<String>,
    /// An action, or the beginning of one up to a dot, such as `mail`.
    pub action: Option<String>,
    /// The id of what it was done to.
    pub object: Option<String>,
    /// Occurs in user name, object, reason or detail, without regard to ASCII case.
    pub text: Option<String>,
    pub outcome: Option<AuditOutcome>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Only rows below this one: the last row of the page before.
    pub before: Option<u64>,
}

/// A page of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditPage {
    /// Newest first.
    pub rows: Vec<AuditRow>,
    /// [`AuditQuery::before`] of the next page; `None`: there is nothing more.
    pub next: Option<u64>,
}

/// Events that are looked at for one page: a page of rare events ends early and says where to go
/// on.
pub const AUDIT_SCANNED_MAX: u32 = 100_000;

/// The log of what people did; append-only, the engine refuses change and removal.
pub trait AuditLog: Send + Sync {
    /// Appends all events, in order, in one transaction.
    fn audit(&self, events: &[AuditEvent]) -> Result<(), CatalogError>;

    /// A tenant's events (`None`: the operator's), newest first, at most `limit`, of the
    /// [`AUDIT_SCANNED_MAX`] events before the query's `before`.
    fn audit_page(
        &self,
        tenant: Option<TenantId>,
        query: &AuditQuery,
        limit: u32,
    ) -> Result<AuditPage, CatalogError>;

    /// The first page alone.
    fn audit_log(
        &self,
        tenant: Option<TenantId>,
        query: &AuditQuery,
        limit: u32,
    ) -> Result<Vec<AuditRow>, CatalogError>;
}
