//! Documents for the index from the vault, for what the pipeline does not have in its hands.

use std::sync::Arc;

use catalog::{Catalog, StoredRecord};
use model::{IndexDocument, Participant, Source, TenantId};
use rayon::prelude::*;
use store::{Bundle, SectionKind, Vault, VaultParts};

use crate::document::{Known, document};
use crate::error::Result;
use crate::places::Places;
use crate::understand::view;

pub struct Reload {
    vault: Arc<Vault>,
    catalog: Arc<dyn Catalog>,
}

impl Reload {
    pub fn new(vault: Arc<Vault>, catalog: Arc<dyn Catalog>) -> Self {
        Self { vault, catalog }
    }

    /// Closes the files of tenants that were idle.
    pub fn release_idle(&self) {
        self.vault.release_idle();
    }

    /// The documents of these records, in their order. A record whose octets cannot be read gets
    /// a document without text and is named in the log: its facts stay searchable.
    ///
    /// # Errors
    /// None at present; kept so that an engine can fail as a whole.
    pub fn documents(
        &self,
        tenant: TenantId,
        records: &[StoredRecord],
    ) -> Result<Vec<IndexDocument>> {
        Ok(records.par_iter().map(|stored| self.document(tenant, stored)).collect())
    }

    /// The document of one record.
    pub fn document(&self, tenant: TenantId, stored: &StoredRecord) -> IndexDocument {
        let (mail, decrypted) = self.octets(tenant, stored).unwrap_or_else(|error| {
            let error = crate::Error::chain(&error);
            tracing::error!(record.id = %stored.list.record, error, "a mail cannot be read for the index");
            (Vec::new(), None)
        });
        let view = view(&mail, decrypted.as_deref());
        let participants: Vec<Participant> =
            stored.participants.iter().map(|row| row.participant.clone()).collect();
        let sources: Vec<Source> =
            stored.deliveries.iter().map(|delivery| delivery.source.clone()).collect();
        let known = Known {
            record: stored.list.record,
            row: stored.list.row,
            received_at: stored.list.received_at,
            sources: &sources,
            participants: &participants,
        };
        document(&view, &known)
    }

    fn octets(
        &self,
        tenant: TenantId,
        stored: &StoredRecord,
    ) -> Result<(Vec<u8>, Option<Vec<u8>>)> {
        let places = Places::in_catalog(&*self.catalog, tenant);
        let source = VaultParts { vault: &self.vault, tenant, map: &places };
        let entry = self.vault.read(tenant, stored.location)?;
        let bundle = Bundle::parse(&entry.octets)?;
        let mail = bundle.reassemble(SectionKind::Mail, &source)?.unwrap_or_default();
        let decrypted = bundle.reassemble(SectionKind::Decrypted, &source)?;
        Ok((mail, decrypted))
    }
}
