use model::{AccountId, SourceId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{CatalogError, Figures};

/// How long hours are kept; days are kept for good.
pub const HOURS_KEPT_DAYS: i64 = 400;

/// The source under which all imports are counted together.
pub const IMPORTS: SourceId = SourceId::from_bytes([0; 16]);

/// What came in during some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Submissions, whatever became of them.
    pub mails: u64,
    /// Their octets as received, reports included.
    pub bytes: u64,
    pub quarantined: u64,
    /// Left out because none of their accounts is selected.
    pub not_selected: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, more: Self) {
        self.mails += more.mails;
        self.bytes += more.bytes;
        self.quarantined += more.quarantined;
        self.not_selected += more.not_selected;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    Day,
    Hour,
}

impl Period {
    pub const fn seconds(self) -> i64 {
        match self {
            Self::Day => 24 * 60 * 60,
            Self::Hour => 60 * 60,
        }
    }

    /// Which hour or day since 1970 (UTC) the moment lies in.
    pub fn of(self, at: Timestamp) -> i64 {
        at.as_seconds().div_euclid(self.seconds())
    }
}

/// What one source brought in one hour or day; times without mail are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryPoint {
    /// When the hour or day begins.
    pub at: Timestamp,
    /// A journal address, [`IMPORTS`], or `None` for everything together.
    pub source: Option<SourceId>,
    pub tally: Tally,
}

/// What a source brought since it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceFigures {
    /// [`IMPORTS`] for all imports together.
    pub source: SourceId,
    pub tally: Tally,
    /// Journal reports among them.
    pub reports: u64,
    pub last_at: Option<Timestamp>,
    pub last_report_at: Option<Timestamp>,
}

/// An account with much mail. A mail that names two of its addresses counts twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxFigures {
    pub account: AccountId,
    pub user_name: String,
    pub display_name: String,
    pub mails: u64,
    pub bytes: u64,
}

/// Counters of all tenants in service together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub tenants: u64,
    pub suspended: u64,
    pub figures: Figures,
}

/// A tenant with its counters and what came in since a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantFigures {
    pub tenant: TenantId,
    pub figures: Figures,
    pub recent: Tally,
}

/// Figures over time and by source, written with each commit.
pub trait History: Send + Sync {
    /// What came in from `from` to before `until`, by time, then source. Of all tenants together
    /// (`None`) without sources. At most a row per hour or day and source.
    fn history(
        &self,
        tenant: Option<TenantId>,
        period: Period,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<HistoryPoint>, CatalogError>;

    /// Of all sources that brought something.
    fn source_figures(&self, tenant: TenantId) -> Result<Vec<SourceFigures>, CatalogError>;

    /// The accounts whose addresses occur in most octets, largest first. Cost grows with the
    /// accounts of the tenant, not with its mail.
    fn largest_mailboxes(
        &self,
        tenant: TenantId,
        limit: u32,
    ) -> Result<Vec<MailboxFigures>, CatalogError>;

    /// Waiting submissions by reason, without those of which none waits.
    fn waiting(&self, tenant: Option<TenantId>) -> Result<Vec<(String, u64)>, CatalogError>;

    fn totals(&self) -> Result<Totals, CatalogError>;

    /// All tenants in service with their counters and what came in on the day of `since` and
    /// later, most octets first.
    fn tenant_figures(&self, since: Timestamp) -> Result<Vec<TenantFigures>, CatalogError>;

    /// The last ledger event of each tenant in service.
    fn last_events(&self) -> Result<Vec<(TenantId, u64)>, CatalogError>;

    /// Whether the tenant has history already: a rebuild must not count again.
    fn has_history(&self, tenant: TenantId) -> Result<bool, CatalogError>;

    /// Removes hours that are older than [`HOURS_KEPT_DAYS`]; returns how many rows.
    fn prune_history(&self, now: Timestamp) -> Result<u64, CatalogError>;
}
