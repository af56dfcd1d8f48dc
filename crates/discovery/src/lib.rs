//! Search and reading: what a person with a [`policy::Scope`] gets to see of the archive.
//!
//! Every call takes a scope and blocks on disk and CPU; async callers use `spawn_blocking`.

mod archive;
mod disclosure;
mod error;
pub mod html;
mod page;
mod search;

use std::sync::Arc;

use catalog::Catalog;
use index::SearchIndex;

pub use archive::{Archive, VaultArchive};
pub use mail::DisplayAttachment;
pub use index::{FacetCount, Facets, SizeClass};
pub use error::{Error, Result};
pub use page::{
    Download, EMBEDDED_BYTES_MAX, MailHtml, MailPage, PICTURES, PICTURES_MAX,
};
pub use search::{
    Fragment, PAGE_ROWS_MAX, Row, SNIPPET_MAIL_BYTES_MAX, SearchAnswer, SearchRequest, Suggestion,
    SuggestionKind,
};

/// Answers people's questions from catalog, index and vault.
pub struct Discovery {
    catalog: Arc<dyn Catalog>,
    index: Arc<dyn SearchIndex>,
    archive: Arc<dyn Archive>,
}

impl Discovery {
    pub fn new(
        catalog: Arc<dyn Catalog>,
        index: Arc<dyn SearchIndex>,
        archive: Arc<dyn Archive>,
    ) -> Self {
        Self { catalog, index, archive }
    }
}

#[cfg(test)]
mod tests;
