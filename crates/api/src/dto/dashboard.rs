use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::dto::{
    Certificate, IndexStatus, ReasonCount, SourceFigures, SpoolStatus, Storage, TenantFigures,
};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HistoryUnit {
    Day,
    #[default]
    Hour,
    Month,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DashboardParams {
    /// `hour` (default, the last 48), `day` (the last 31) or `month` (the last 13).
    #[serde(default)]
    #[param(inline)]
    pub unit: HistoryUnit,
}

/// An administrator's tenant, or everything for the operator.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Dashboard {
    /// Absent for the operator.
    pub tenant: Option<NamedTenant>,
    pub figures: TenantFigures,
    pub storage: Storage,
    /// Octets as received by octets of packs; absent while nothing is stored.
    pub reduction: Option<f64>,
    pub history: History,
    /// Of the tenant; empty for the operator.
    pub sources: Vec<DashboardSource>,
    pub spool: SpoolStatus,
    /// What waits in quarantine, by reason.
    pub waiting: Vec<ReasonCount>,
    pub index: IndexStatus,
    /// What does not work at present.
    pub failures: Vec<Failure>,
    /// The accounts with most mail; empty for the operator.
    pub mailboxes: Vec<LargeMailbox>,
    /// For the operator only.
    pub tenants: Option<TenantsSummary>,
    pub certificates: Vec<Certificate>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamedTenant {
    pub id: String,
    pub name: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct History {
    pub unit: HistoryUnit,
    #[schema(value_type = String, format = DateTime)]
    pub from: String,
    #[schema(value_type = String, format = DateTime)]
    pub until: String,
    /// By time, then source; times without mail are left out.
    pub points: Vec<HistoryPoint>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryPoint {
    /// When the hour, day or month begins (UTC).
    #[schema(value_type = String, format = DateTime)]
    pub at: String,
    /// The id of the source, `imports`, or absent for everything together.
    pub source: Option<String>,
    pub mails: u64,
    pub bytes: u64,
    pub quarantined: u64,
    pub not_selected: u64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DashboardSource {
    pub id: String,
    pub name: String,
    pub figures: SourceFigures,
}

/// Something that does not work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// `vault` (the tenant's archive is out of service) or `index` (indexing waits).
    pub code: String,
    pub tenant: Option<String>,
    /// What the log says.
    pub detail: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LargeMailbox {
    pub account: String,
    pub user_name: String,
    pub display_name: String,
    pub mails: u64,
    pub bytes: u64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantsSummary {
    pub total: u64,
    pub suspended: u64,
    /// Those with most octets.
    pub top: Vec<TopTenant>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopTenant {
    pub id: String,
    pub name: String,
    pub records: u64,
    pub raw_bytes: u64,
    pub quarantined: u64,
    /// Archived during the last 30 days.
    pub recent_mails: u64,
    pub recent_bytes: u64,
}
