use model::{EmailAddress, HeaderRules, SourceId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::CatalogError;

/// Whether a tenant or its mail flow is in service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantState {
    Active,
    /// Takes no mail; nobody of it signs in.
    Suspended,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    pub id: TenantId,
    /// Unique without regard to case.
    pub name: String,
    pub state: TenantState,
    /// The values of `X-OriginatorOrg` that are the tenant's; empty accepts every organisation.
    pub organisations: Vec<String>,
    /// The domains of its journal addresses, in lower case: never taken for a recipient.
    pub archive_domains: Vec<String>,
    pub created_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    Import,
    Smtp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    Active,
    Suspended,
}

/// One way by which mail comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRow {
    pub id: SourceId,
    pub tenant: TenantId,
    pub kind: SourceKind,
    /// For people; need not be unique.
    pub name: String,
    /// The secret journal address of an SMTP source; unique in the whole catalog.
    pub address: Option<EmailAddress>,
    /// As configured for this source. [`Tenants::rules`] adds what the tenant says.
    pub rules: HeaderRules,
    pub state: SourceState,
    pub created_at: Timestamp,
}

/// Where mail for an address goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routed {
    pub tenant: TenantId,
    pub source: SourceId,
    /// Complete, as [`Tenants::rules`] gives them.
    pub rules: HeaderRules,
    /// Whether tenant and source are both active.
    pub active: bool,
}

/// Tenants, their ways in, and the server's settings.
pub trait Tenants: Send + Sync {
    /// [`Conflict::Id`](crate::Conflict::Id) and
    /// [`Conflict::TenantName`](crate::Conflict::TenantName) are refused.
    fn add_tenant(&self, tenant: &Tenant) -> Result<(), CatalogError>;

    /// Replaces everything but `id` and `created_at`.
    fn update_tenant(&self, tenant: &Tenant) -> Result<(), CatalogError>;

    fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, CatalogError>;

    /// By name, without regard to case.
    fn tenant_named(&self, name: &str) -> Result<Option<Tenant>, CatalogError>;

    /// All, by name.
    fn tenants(&self) -> Result<Vec<Tenant>, CatalogError>;

    /// [`Conflict::JournalAddress`](crate::Conflict::JournalAddress) is refused.
    fn add_source(&self, source: &SourceRow) -> Result<(), CatalogError>;

    /// Replaces name, address, rules and state.
    fn update_source(&self, source: &SourceRow) -> Result<(), CatalogError>;

    fn source(&self, tenant: TenantId, id: SourceId) -> Result<Option<SourceRow>, CatalogError>;

    /// All of the tenant, oldest first.
    fn sources(&self, tenant: TenantId) -> Result<Vec<SourceRow>, CatalogError>;

    /// The source whose journal address is `address`, with or without a sub-address
    /// (`archive+anything@…`), in whatever case. `None`: nobody's (`550 5.1.1`).
    fn route(&self, address: &EmailAddress) -> Result<Option<Routed>, CatalogError>;

    /// How mail of this source is read: the source's rules with the tenant's organisations and
    /// archive domains added. A source that is not registered reads with the default rules.
    fn rules(&self, tenant: TenantId, source: SourceId) -> Result<HeaderRules, CatalogError>;

    /// A setting of the server, as it was written with [`Tenants::set_setting`].
    fn setting(&self, key: &str) -> Result<Option<String>, CatalogError>;

    fn set_setting(&self, key: &str, value: &str) -> Result<(), CatalogError>;
}
