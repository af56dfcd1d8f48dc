use std::sync::Arc;

use catalog::{Catalog, Delivery, StoredRecord};
use model::{ContentId, Location, RecordId, TenantId};
use store::{Bundle, LookupError, PartMap, SectionKind, Vault, VaultParts};

use crate::{Error, Result};

/// Gives archived octets back, byte for byte as they were received. Each answer has been compared
/// with its SHA-256; octets that do not match are an error, never an answer.
///
/// No scope is asked for here: [`crate::Discovery`] has checked it before.
pub trait Archive: Send + Sync {
    /// The mail of a record.
    fn mail(&self, tenant: TenantId, record: &StoredRecord) -> Result<Vec<u8>>;

    /// The decrypted copy that came beside a rights-protected mail; `None` when there is none.
    fn decrypted(&self, tenant: TenantId, record: &StoredRecord) -> Result<Option<Vec<u8>>>;

    /// The journal report of a delivery; `None` for a plain copy.
    fn report(
        &self,
        tenant: TenantId,
        record: &StoredRecord,
        delivery: &Delivery,
    ) -> Result<Option<Vec<u8>>>;
}

/// The vault, with the catalog's word where things lie.
pub struct VaultArchive {
    pub vault: Arc<Vault>,
    pub catalog: Arc<dyn Catalog>,
}

impl VaultArchive {
    fn section(
        &self,
        tenant: TenantId,
        record: &StoredRecord,
        location: Location,
        kind: SectionKind,
    ) -> Result<Option<Vec<u8>>> {
        let map = CatalogMap { tenant, catalog: &*self.catalog };
        let parts = VaultParts { vault: &self.vault, tenant, map: &map };
        let read = || -> store::Result<Option<Vec<u8>>> {
            let entry = self.vault.read(tenant, location)?;
            Bundle::parse(&entry.octets)?.reassemble(kind, &parts)
        };
        read()
            .map_err(|source| Error::Archive { record: record.list.record, source: source.into() })
    }
}

impl Archive for VaultArchive {
    fn mail(&self, tenant: TenantId, record: &StoredRecord) -> Result<Vec<u8>> {
        let octets = self.section(tenant, record, record.location, SectionKind::Mail)?;
        octets.ok_or_else(|| Error::Archive {
            record: record.list.record,
            source: "its entry holds no mail".into(),
        })
    }

    fn decrypted(&self, tenant: TenantId, record: &StoredRecord) -> Result<Option<Vec<u8>>> {
        if record.decrypted.is_none() {
            return Ok(None);
        }
        self.section(tenant, record, record.location, SectionKind::Decrypted)
    }

    fn report(
        &self,
        tenant: TenantId,
        record: &StoredRecord,
        delivery: &Delivery,
    ) -> Result<Option<Vec<u8>>> {
        self.section(tenant, record, delivery.location, SectionKind::Report)
    }
}

/// Finds the entries of one tenant.
struct CatalogMap<'a> {
    tenant: TenantId,
    catalog: &'a dyn Catalog,
}

impl PartMap for CatalogMap<'_> {
    fn locate(&self, ids: &[ContentId]) -> std::result::Result<Vec<Option<Location>>, LookupError> {
        Ok(self.catalog.locate(self.tenant, ids)?)
    }

    fn locate_record(&self, mail: ContentId) -> std::result::Result<Option<Location>, LookupError> {
        let id = RecordId::of(self.tenant, mail);
        Ok(self.catalog.stored(self.tenant, &[id])?.first().map(|record| record.location))
    }
}
