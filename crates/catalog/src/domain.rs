use model::{EmailAddress, TenantId, Timestamp};
use policy::{IntakeRules, Selection};

use crate::CatalogError;

/// Domains of one tenant; further ones are refused.
pub const DOMAINS_MAX: usize = 10_000;

/// A domain whose mail a tenant archives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainRow {
    /// As [`policy::domain_name`] gives it.
    pub name: String,
    /// Its sub-domains count as well.
    pub subdomains: bool,
    pub added_at: Timestamp,
}

/// Whose mail a tenant archives.
pub trait Domains: Send + Sync {
    /// Adds the domain, or replaces `subdomains` of one that is there. Returns whether it is new.
    /// A name that is no domain is refused. Tenants may share a domain: journal addresses decide
    /// whose a mail is.
    fn add_domain(&self, tenant: TenantId, domain: &DomainRow) -> Result<bool, CatalogError>;

    /// Whether there was one. What was archived for it stays.
    fn remove_domain(&self, tenant: TenantId, name: &str) -> Result<bool, CatalogError>;

    /// All of the tenant, by name.
    fn domains(&self, tenant: TenantId) -> Result<Vec<DomainRow>, CatalogError>;

    /// What the tenant says about the mail that it archives.
    fn intake_rules(&self, tenant: TenantId) -> Result<IntakeRules, CatalogError>;

    /// For each of the addresses that an account of the tenant owns: whether the account is
    /// selected for the archive. Past owners count as long as nobody else owns the address.
    fn selection(
        &self,
        tenant: TenantId,
        addresses: &[&EmailAddress],
    ) -> Result<Selection, CatalogError>;
}
