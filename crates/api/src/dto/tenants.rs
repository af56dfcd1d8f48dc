use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantsAnswer {
    /// By name.
    pub tenants: Vec<TenantRow>,
    /// Tenants that were removed or are being, newest first.
    pub removals: Vec<RemovalRow>,
}

/// A tenant as the operator sees it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantRow {
    pub id: String,
    pub name: String,
    /// `active` or `suspended`.
    pub state: String,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
    pub figures: TenantFigures,
    pub storage: Storage,
    /// Why the tenant's archive is out of service, if it is.
    pub trouble: Option<String>,
}

/// A tenant with everything that the operator may change.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantDetail {
    #[serde(flatten)]
    pub row: TenantRow,
    /// Accepted values of `X-OriginatorOrg`; empty accepts every organisation.
    pub organisations: Vec<String>,
    /// The domains of its journal addresses.
    pub archive_domains: Vec<String>,
    pub domains: Vec<Domain>,
    pub settings: TenantSettings,
    pub accounts: u64,
}

#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantFigures {
    pub records: u64,
    /// Journal reports among what was archived.
    pub reports: u64,
    pub merged: u64,
    /// Waiting for a decision.
    pub quarantined: u64,
    /// Left out because none of their accounts is selected.
    pub not_selected: u64,
    /// Octets as received, reports included.
    pub raw_bytes: u64,
    /// Octets of the mails alone.
    pub mail_bytes: u64,
    /// Distinct attachments.
    pub parts: u64,
}

#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Storage {
    pub packs: u64,
    pub keys: u64,
    pub index: u64,
    /// Of packs and keys.
    #[schema(required)]
    pub quota_bytes: Option<u64>,
    pub quota_state: QuotaState,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuotaState {
    /// No quota, or below 80 %.
    #[default]
    Fine,
    /// 80 % and more.
    Warning,
    /// 95 % and more.
    Critical,
    /// Above the quota.
    Over,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RemovalRow {
    pub id: String,
    pub name: String,
    pub by: String,
    pub reason: String,
    #[schema(value_type = String, format = DateTime)]
    pub begun_at: String,
    /// Absent while it is going on.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<String>,
    pub records: u64,
    pub mail_bytes: u64,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewTenant {
    pub name: String,
    /// The domain of journal addresses; its MX must lead here.
    pub archive_domain: String,
    #[serde(default)]
    pub organisations: Vec<String>,
    /// The user name of the first administrator.
    pub administrator: String,
    /// E-mail domains whose mail is archived; none archives everything.
    #[serde(default)]
    pub domains: Vec<String>,
    #[serde(default)]
    pub language: Option<String>,
}

/// Shown once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedTenant {
    pub id: String,
    pub journal_address: String,
    pub administrator: String,
    pub one_time_password: String,
}

/// What is absent stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeTenant {
    pub name: Option<String>,
    pub organisations: Option<Vec<String>>,
    pub archive_domains: Option<Vec<String>>,
    pub quota: Option<Quota>,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Quota {
    /// Of packs and key tables; absent: no limit.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// Above it mail is put off with `452`; without it there is only a warning.
    #[serde(default)]
    pub hard: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GivenReason {
    /// Stands in the audit log.
    pub reason: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RemoveTenant {
    /// The tenant's name, typed.
    pub name: String,
    pub reason: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportTenant {
    /// The name of a new folder below the server's folder for exports; one that ends in `.zip` becomes
    /// one file.
    pub folder: String,
    pub reason: String,
}

/// The administrator's own tenant.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnTenant {
    pub id: String,
    pub name: String,
    pub organisations: Vec<String>,
    pub archive_domains: Vec<String>,
    pub domains: Vec<Domain>,
    pub settings: TenantSettings,
    pub storage: Storage,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantSettings {
    pub four_eyes: bool,
    pub tell_concerned: bool,
    pub archive_only_selected: bool,
    pub notifications: Vec<String>,
    #[schema(required)]
    pub language: Option<String>,
    /// The operator's decision.
    pub quota: Quota,
}

/// What is absent stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeSettings {
    pub organisations: Option<Vec<String>>,
    pub four_eyes: Option<bool>,
    pub tell_concerned: Option<bool>,
    pub archive_only_selected: Option<bool>,
    pub notifications: Option<Vec<String>>,
    /// An empty text takes the language away.
    pub language: Option<String>,
    /// Needed to archive only selected accounts and to switch four eyes off.
    #[serde(default)]
    pub reason: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DomainsAnswer {
    /// By name; none archives everything.
    pub domains: Vec<Domain>,
    /// Submissions that wait because they lie in none of them.
    pub not_ours: u64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Domain {
    /// In ASCII (A-labels), lower case.
    pub name: String,
    /// Its sub-domains count as well.
    pub subdomains: bool,
    #[schema(value_type = String, format = DateTime)]
    pub added_at: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewDomain {
    /// In any case, with or without umlauts.
    pub name: String,
    #[serde(default)]
    pub subdomains: bool,
    /// Send what waits as `not-ours` through the rules again.
    #[serde(default)]
    pub rerun: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddedDomain {
    pub domain: Domain,
    /// Sends through the rules again what waits as `not-ours`, if that was asked for.
    pub job: Option<crate::dto::Job>,
}
