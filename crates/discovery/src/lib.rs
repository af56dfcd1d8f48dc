//! Search and reading: what a person with a [`policy::Scope`] gets to see of the archive.
//!
//! Every call takes a scope and blocks on disk and CPU; async callers use `spawn_blocking`.

mod archive;
mod disclosure;
mod error;
mod holds;
pub mod html;
mod matters;
mod page;
mod search;
mod takeout;
mod texts;

use std::sync::Arc;

use catalog::Catalog;
use index::SearchIndex;
use model::{RecordId, TenantId};

pub use archive::{Archive, VaultArchive};
pub use error::{Error, Result};
pub use holds::{EXAMINED_MAX, Examined, MatterFigures};
pub use index::{FacetCount, Facets, SizeClass};
pub use ledger::{StampStanding, Standing};
pub use mail::DisplayAttachment;
pub use matters::{Draw, MatterDesk, MatterDraft};
pub use page::{Download, EMBEDDED_BYTES_MAX, MailHtml, MailPage, PICTURES, PICTURES_MAX};
pub use search::{
    Fragment, PAGE_BYTES_MAX, PAGE_ROWS_MAX, Row, SearchAnswer, SearchRequest, Suggestion,
    SuggestionKind,
};

pub use takeout::{
    Asker, DamagedMail, EXPORT_KEPT_DAYS, ExportFormat, ExportRequest, Exporter, ImapSecurity,
    MailEvidence, ProvenDelivery, RestoreRequest, RestoreTarget, TAKEOUT_MAILS_MAX,
    TAKEOUT_NAMED_MAX, TakenOut, Takeout, Which, zip_folder,
};

/// Answers people's questions from catalog, index and vault.
pub struct Discovery {
    catalog: Arc<dyn Catalog>,
    index: Arc<dyn SearchIndex>,
    archive: Arc<dyn Archive>,
    texts: texts::Texts,
}

impl Discovery {
    pub fn new(
        catalog: Arc<dyn Catalog>,
        index: Arc<dyn SearchIndex>,
        archive: Arc<dyn Archive>,
    ) -> Self {
        Self { catalog, index, archive, texts: texts::Texts::default() }
    }

    /// Lets go of what is remembered of mails that are erased: nothing of them is shown any more.
    /// Idempotent.
    pub fn forget(&self, tenant: TenantId, records: &[RecordId]) {
        self.texts.forget(tenant, records);
    }
}

#[cfg(test)]
mod tests;
