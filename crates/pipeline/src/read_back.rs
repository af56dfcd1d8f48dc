//! Before the spool lets go: is what the vault gives back what came in?

use model::TenantId;
use rayon::prelude::*;
use store::{Bundle, Composed, SectionKind, VaultParts};

use crate::LineParts;
use crate::error::{Error, Result};
use crate::places::Places;

const SECTIONS: [SectionKind; 3] = [SectionKind::Mail, SectionKind::Decrypted, SectionKind::Report];

/// Reads every new entry from the packs, puts mail, decrypted copy and report together from their
/// parts, and compares the digests with those of the octets that came in.
pub fn read_back(
    parts: &LineParts,
    tenant: TenantId,
    composed: &[Option<Composed>],
    places: &Places<'_>,
) -> Result<()> {
    let entries: Vec<_> = places.entries().collect();
    composed.par_iter().zip(entries).try_for_each(|(composed, location)| {
        let (Some(composed), Some(location)) = (composed, location) else { return Ok(()) };
        let entry = parts.vault.read(tenant, location)?;
        if entry.octets != composed.bundle || entry.content != composed.content {
            return Err(Error::ReadBack { content: composed.content });
        }
        let source = VaultParts { vault: &parts.vault, tenant, map: places };
        let bundle = Bundle::parse(&entry.octets)?;
        for kind in SECTIONS {
            // Checks the SHA-256 that was made when the octets came in.
            bundle.reassemble(kind, &source)?;
        }
        Ok(())
    })
}
