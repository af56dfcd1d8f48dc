//! Where entries lie: what a batch has just written, and before that what the catalog knows.

use std::collections::HashMap;

use catalog::{Catalog, NewPart as CatalogPart, SourceState, TenantSettings, TenantState};
use model::{ContentId, Location, RecordId, TenantId};
use serde::{Deserialize, Serialize};
use store::{Composed, EntryKind, LookupError, NewPart, PartMap, Vault};

use crate::error::Result;

/// The places of one tenant's entries.
pub struct Places<'a> {
    catalog: &'a dyn Catalog,
    tenant: TenantId,
    parts: HashMap<ContentId, Location>,
    records: HashMap<ContentId, Location>,
    /// For each submission of the batch the entry that was written for it.
    entries: Vec<Option<Location>>,
}

impl<'a> Places<'a> {
    /// Only what the catalog knows.
    pub fn in_catalog(catalog: &'a dyn Catalog, tenant: TenantId) -> Self {
        Self {
            catalog,
            tenant,
            parts: HashMap::new(),
            records: HashMap::new(),
            entries: Vec::new(),
        }
    }

    /// Adds what was appended: first the parts, then an entry for each composed submission.
    pub(crate) fn with_batch(
        mut self,
        composed: &[Option<Composed>],
        parts: &[&NewPart],
        locations: &[Location],
    ) -> Self {
        let mut locations = locations.iter().copied();
        for part in parts {
            if let Some(location) = locations.next() {
                self.parts.insert(part.content, location);
            }
        }
        for composed in composed {
            let location = composed.as_ref().and_then(|_| locations.next());
            if let (Some(composed), Some(location)) = (composed, location)
                && composed.kind == EntryKind::Record
            {
                self.records.insert(composed.content, location);
            }
            self.entries.push(location);
        }
        self
    }

    pub(crate) fn new_parts(&self) -> Vec<CatalogPart> {
        let part = |(content, location): (&ContentId, &Location)| CatalogPart {
            content: *content,
            location: *location,
        };
        self.parts.iter().map(part).collect()
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = Option<Location>> + '_ {
        self.entries.iter().copied()
    }
}

impl PartMap for Places<'_> {
    fn locate(&self, ids: &[ContentId]) -> Result<Vec<Option<Location>>, LookupError> {
        let unknown: Vec<ContentId> =
            ids.iter().filter(|id| !self.parts.contains_key(id)).copied().collect();
        let mut known = self.catalog.locate(self.tenant, &unknown)?.into_iter();
        let place = |id| match self.parts.get(id) {
            Some(location) => Some(*location),
            None => known.next().flatten(),
        };
        Ok(ids.iter().map(place).collect())
    }

    fn locate_record(&self, mail: ContentId) -> Result<Option<Location>, LookupError> {
        if let Some(location) = self.records.get(&mail) {
            return Ok(Some(*location));
        }
        let record = RecordId::of(self.tenant, mail);
        let stored = self.catalog.stored(self.tenant, &[record])?;
        Ok(stored.first().map(|stored| stored.location))
    }
}

/// What the vault knows of a tenant, so that a rebuild finds it without the catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantInfo {
    pub name: String,
    pub organisations: Vec<String>,
    pub archive_domains: Vec<String>,
    pub created_at: model::Timestamp,
    #[serde(default)]
    pub suspended: bool,
    pub journal_addresses: Vec<JournalAddress>,
    #[serde(default)]
    pub domains: Vec<OwnDomain>,
    #[serde(default)]
    pub settings: TenantSettings,
}

/// A domain whose mail the tenant archives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnDomain {
    pub name: String,
    pub subdomains: bool,
    pub added_at: model::Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalAddress {
    pub id: model::SourceId,
    pub name: String,
    pub address: model::EmailAddress,
    pub rules: model::HeaderRules,
    pub created_at: model::Timestamp,
    #[serde(default)]
    pub suspended: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<model::Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<model::SourceId>,
}

/// Makes the tenant's place in the vault if there is none.
pub(crate) fn ensure_tenant(vault: &Vault, catalog: &dyn Catalog, tenant: TenantId) -> Result<()> {
    if vault.has_tenant(tenant) {
        return Ok(());
    }
    write_info(vault, catalog, tenant)
}

/// Writes what the catalog says of the tenant into the vault. Durable on return.
///
/// # Errors
/// Of the catalog or the vault.
pub fn write_info(vault: &Vault, catalog: &dyn Catalog, tenant: TenantId) -> Result<()> {
    let Some(row) = catalog.tenant(tenant)? else { return Ok(()) };
    let sources = catalog.sources(tenant)?;
    let journal_addresses = sources
        .into_iter()
        .filter_map(|source| {
            Some(JournalAddress {
                id: source.id,
                name: source.name,
                address: source.address?,
                rules: source.rules,
                created_at: source.created_at,
                suspended: source.state == SourceState::Suspended,
                ends_at: source.ends_at,
                successor: source.successor,
            })
        })
        .collect();
    let own = |row: catalog::DomainRow| OwnDomain {
        name: row.name,
        subdomains: row.subdomains,
        added_at: row.added_at,
    };
    let info = TenantInfo {
        suspended: row.state == TenantState::Suspended,
        domains: catalog.domains(tenant)?.into_iter().map(own).collect(),
        settings: row.settings,
        name: row.name,
        organisations: row.organisations,
        archive_domains: row.archive_domains,
        created_at: row.created_at,
        journal_addresses,
    };
    let json = serde_json::to_vec(&info).unwrap_or_default();
    // Each start asks for this; most tenants have not changed.
    let there = vault.has_tenant(tenant);
    if there && matches!(vault.tenant_info(tenant), Ok(Some(known)) if known == json) {
        return Ok(());
    }
    vault.create_tenant(tenant, &json)?;
    Ok(())
}
