use std::collections::HashSet;
use std::sync::Arc;

use model::{ContentId, Location, TenantId};

use crate::bundle::{Bundle, PartSource, SectionKind};
use crate::compose::NewPart;
use crate::error::LookupError;
use crate::vault::Vault;
use crate::{Result, StoreError};

/// Knows where the entries of one tenant lie; the catalog, or a rebuild's own table.
pub trait PartMap {
    /// The places of parts, in the order of `ids`; `None` for one that is not stored or erased.
    fn locate(&self, ids: &[ContentId]) -> Result<Vec<Option<Location>>, LookupError>;

    /// The record entry of a mail.
    fn locate_record(&self, mail: ContentId) -> Result<Option<Location>, LookupError>;
}

/// The parts of a batch that must be stored: each once, and none that `map` knows.
///
/// # Errors
/// `Lookup`.
pub fn unknown_parts<'a>(
    parts: impl IntoIterator<Item = &'a NewPart>,
    map: &dyn PartMap,
) -> Result<Vec<&'a NewPart>> {
    let mut seen = HashSet::new();
    let mut unknown: Vec<&NewPart> =
        parts.into_iter().filter(|part| seen.insert(part.content)).collect();
    let ids: Vec<ContentId> = unknown.iter().map(|part| part.content).collect();
    let mut known = map.locate(&ids).map_err(StoreError::Lookup)?.into_iter();
    unknown.retain(|_| known.next().flatten().is_none());
    Ok(unknown)
}

/// Reads parts of one tenant out of the vault, where a [`PartMap`] says that they are.
pub struct VaultParts<'a> {
    pub vault: &'a Vault,
    pub tenant: TenantId,
    pub map: &'a dyn PartMap,
}

impl PartSource for VaultParts<'_> {
    fn part(&self, content: ContentId) -> Result<Arc<Vec<u8>>> {
        let found = self.map.locate(&[content]).map_err(StoreError::Lookup)?;
        let location = found.first().copied().flatten().ok_or(StoreError::PartMissing(content))?;
        Ok(Arc::new(self.vault.read(self.tenant, location)?.octets))
    }

    fn record_mail(&self, content: ContentId) -> Result<Arc<Vec<u8>>> {
        let found = self.map.locate_record(content).map_err(StoreError::Lookup)?;
        let location = found.ok_or(StoreError::PartMissing(content))?;
        let entry = self.vault.read(self.tenant, location)?;
        let mail = Bundle::parse(&entry.octets)?.reassemble(SectionKind::Mail, self)?;
        Ok(Arc::new(mail.ok_or(StoreError::PartMissing(content))?))
    }
}

impl std::fmt::Debug for VaultParts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VaultParts").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}
