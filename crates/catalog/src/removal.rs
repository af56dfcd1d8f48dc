use model::{TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::CatalogError;

/// A tenant that is being removed, or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    pub tenant: TenantId,
    pub name: String,
    pub facts: RemovalFacts,
}

/// Who removed a tenant, and what it held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovalFacts {
    pub by: String,
    pub reason: String,
    pub begun_at: Timestamp,
    /// `None`: not complete yet.
    pub ended_at: Option<Timestamp>,
    pub records: u64,
    pub mail_bytes: u64,
}

/// The end of a tenant. Its audit log stays.
pub trait Removals: Send + Sync {
    /// From here on the tenant does not exist for anybody, its rows can be removed and nothing is
    /// committed for it any more. Only a suspended tenant; `Invalid` otherwise. Repeating it
    /// changes nothing.
    fn begin_removal(
        &self,
        tenant: TenantId,
        by: &str,
        reason: &str,
        at: Timestamp,
    ) -> Result<Removal, CatalogError>;

    /// Removes some thousand rows of the tenant; `false`: there are no more.
    fn remove_rows(&self, tenant: TenantId) -> Result<bool, CatalogError>;

    /// Writes down that nothing of the tenant is left; its name is free again.
    fn end_removal(&self, tenant: TenantId, at: Timestamp) -> Result<(), CatalogError>;

    /// Begun and ended ones, newest first.
    fn removals(&self) -> Result<Vec<Removal>, CatalogError>;

    /// Whether the tenant was removed, or is being. Its mail is let go.
    fn is_removed(&self, tenant: TenantId) -> Result<bool, CatalogError>;
}
