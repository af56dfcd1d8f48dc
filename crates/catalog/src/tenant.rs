use model::{EmailAddress, HeaderRules, SourceId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::CatalogError;

/// Whether a tenant or its mail flow is in service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantState {
    Active,
    /// Nothing of it is left but its name in the audit log.
    Removed,
    /// Does not exist any more for anybody; its data is being removed.
    Removing,
    /// Takes no mail; nobody of it signs in.
    Suspended,
}

/// What an administrator decides for a tenant. Kept as JSON; a key that is missing has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TenantSettings {
    /// Who searches foreign mail needs a second person's approval.
    pub four_eyes: bool,
    /// The people concerned are told of an approved access.
    pub tell_concerned: bool,
    /// Mail that concerns none of the selected accounts is not archived.
    pub archive_only_selected: bool,
    /// Addresses that get notifications.
    pub notifications: Vec<String>,
    /// The language of new accounts and of notifications, such as `de`.
    pub language: Option<String>,
    pub quota: Quota,
}

/// How much of the disk a tenant may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Quota {
    /// Of packs and key tables; `None`: no limit.
    pub bytes: Option<u64>,
    /// Above it mail is put off with `452` instead of only being warned of.
    pub hard: bool,
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
    pub settings: TenantSettings,
    pub created_at: Timestamp,
}

impl Tenant {
    /// An active tenant with the default settings, without organisations and archive domains.
    pub fn new(id: TenantId, name: &str, created_at: Timestamp) -> Self {
        Self {
            id,
            name: name.to_owned(),
            state: TenantState::Active,
            organisations: Vec::new(),
            archive_domains: Vec::new(),
            settings: TenantSettings::default(),
            created_at,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Read from a mail server: see [`FetchSource`](crate::FetchSource).
    Fetch,
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
    /// A rotated journal address takes no mail from this moment on.
    pub ends_at: Option<Timestamp>,
    /// The source that a rotation put in its place.
    pub successor: Option<SourceId>,
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
    /// The tenant's quota, if mail is put off above it.
    pub hard_quota_bytes: Option<u64>,
    /// From this moment on the address is nobody's.
    pub ends_at: Option<Timestamp>,
}

/// Tenants, their ways in, and the server's settings.
pub trait Tenants: Send + Sync {
    /// [`Conflict::Id`](crate::Conflict::Id) and
    /// [`Conflict::TenantName`](crate::Conflict::TenantName) are refused.
    fn add_tenant(&self, tenant: &Tenant) -> Result<(), CatalogError>;

    /// Replaces everything but `id` and `created_at`. A removed one is not found.
    fn update_tenant(&self, tenant: &Tenant) -> Result<(), CatalogError>;

    /// `None` also for one that was removed or is being.
    fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, CatalogError>;

    /// By name, without regard to case.
    fn tenant_named(&self, name: &str) -> Result<Option<Tenant>, CatalogError>;

    /// All that are in service or suspended, by name.
    fn tenants(&self) -> Result<Vec<Tenant>, CatalogError>;

    /// [`Conflict::JournalAddress`](crate::Conflict::JournalAddress) is refused.
    fn add_source(&self, source: &SourceRow) -> Result<(), CatalogError>;

    /// Replaces name, address, rules, state, end and successor.
    fn update_source(&self, source: &SourceRow) -> Result<(), CatalogError>;

    /// Puts `successor` in the place of the source `old` at once; `old` takes mail until `ends_at`.
    /// All or nothing.
    fn rotate_source(
        &self,
        old: SourceId,
        successor: &SourceRow,
        ends_at: Timestamp,
    ) -> Result<(), CatalogError>;

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
