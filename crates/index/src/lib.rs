//! Words to mails: the query language, the analysis of text, and the engine that answers.
//!
//! The index is a view. Whatever is lost here is made anew from vault and catalog; what it answers
//! is exact for one [`policy::Scope`], counts and facets included.

use model::{IndexDocument, RecordId, TenantId};
use policy::Scope;

mod analyzer;
mod ask;
pub mod conformance;
mod engine;
pub mod fuzz;
mod highlight;
pub mod query;
mod search;

pub use analyzer::ANALYZER_VERSION;
pub use highlight::{Highlighter, Piece, SNIPPET_CHARS, highlighter};
pub use query::{
    AddressPrefix, Calendar, Completion, CompletionKind, Note, Query, QueryError, Span, address_at,
    parse, suggest,
};
pub use search::{
    FACET_SENDERS, FacetCount, Facets, Hit, Hits, LIMIT_MAX, MATCH_RECORDS_MAX, MatchRequest,
    Matching, SearchRequest, SizeClass, Sort,
};

#[cfg(test)]
mod tests;

/// Where the crash suite may stop the process: once before and once after the durable step.
pub const CRASH_POINTS: &[&str] = &["index.commit.before", "index.commit.after"];

/// What can go wrong here. Nothing of it ever costs a mail.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The cursor is of another sort order, or no cursor at all. Start from the first page.
    #[error("the cursor does not belong to this search")]
    BadCursor,
    /// The engine failed on its files or threads. Retry; if it stays, rebuild this tenant's index.
    #[error("index of tenant {tenant}: {operation}")]
    Engine {
        tenant: TenantId,
        operation: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("index of tenant {tenant}: {operation}")]
    Io {
        tenant: TenantId,
        operation: &'static str,
        #[source]
        source: std::io::Error,
    },
    /// Another process writes this index. Stop it first.
    #[error("the index of tenant {tenant} is in use by another process")]
    Locked { tenant: TenantId },
    /// Made by another analyzer or schema, or damaged. [`SearchIndex::drop_tenant`], then apply
    /// everything again.
    #[error("the index of tenant {tenant} must be rebuilt: {reason}")]
    NeedsRebuild { tenant: TenantId, reason: String },
    #[error("no index engine for the address {url:?}: expected tantivy:<folder>")]
    UnknownEngine { url: String },
}

pub type Result<T> = std::result::Result<T, Error>;

/// One document on its way into the index.
#[derive(Clone, Debug)]
pub struct IndexChange {
    pub document: IndexDocument,
    /// The caller knows that the index has nothing of this record (the catalog said `New`):
    /// spares a deletion. When in doubt, `false`.
    pub new: bool,
}

/// How the index of one tenant stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing was ever committed; searches find nothing.
    Absent,
    /// Must be dropped and filled again; says why.
    NeedsRebuild(String),
    Ready,
}

/// One record as the index has it, for the comparison with the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndexedRecord {
    pub record: RecordId,
    pub row: u64,
    /// [`document_digest`] of the document as it was applied.
    pub digest: u64,
}

/// Settings of an engine.
#[derive(Clone, Debug)]
pub struct Options {
    /// Memory in which one writing tenant collects documents before a segment goes to disk;
    /// at least 16 MiB.
    pub writer_heap_bytes: usize,
    /// Threads that write segments, per writing tenant.
    pub writer_threads: usize,
    /// Tenants that write at the same time; one more commits and closes the one that was idle
    /// longest.
    pub writers_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { writer_heap_bytes: 96 << 20, writer_threads: 1, writers_max: 4 }
    }
}

/// The index of all tenants. Calls block on CPU and local disk; call from a blocking thread.
pub trait SearchIndex: Send + Sync {
    /// Takes documents, each in place of whatever the index had of the same record. `through_seq`
    /// is the ledger sequence up to which the index is complete once these are committed; it never
    /// goes back. Idempotent. Not durable and not searchable before [`Self::commit`].
    fn apply(&self, tenant: TenantId, changes: Vec<IndexChange>, through_seq: u64) -> Result<()>;

    /// Takes records out. Durable and visible with the next [`Self::commit`]; unknown ones are
    /// no error.
    fn remove(&self, tenant: TenantId, records: &[RecordId]) -> Result<()>;

    /// Writes all parts of the index anew that hold something of removed records, so that no word
    /// of theirs stays on the disk. Commits first. Waits for merges: seconds per gigabyte.
    fn purge(&self, tenant: TenantId) -> Result<()>;

    /// Makes everything applied so far durable and searchable at once (one fsync chain), and
    /// returns the sequence through which the index is now complete. Cheap when nothing is open.
    fn commit(&self, tenant: TenantId) -> Result<u64>;

    /// The sequence of the last commit; 0 for a tenant without an index.
    fn indexed_through(&self, tenant: TenantId) -> Result<u64>;

    fn state(&self, tenant: TenantId) -> Result<State>;

    /// Answers within the scope's tenant and rights from what is committed.
    fn search(&self, scope: &Scope, request: &SearchRequest<'_>) -> Result<Hits>;

    /// Which of the records fulfil a query, within the scope's tenant and rights, from what is
    /// committed.
    fn matching(&self, scope: &Scope, request: &MatchRequest<'_>) -> Result<Matching>;

    /// Mails committed for this tenant.
    fn count(&self, tenant: TenantId) -> Result<u64>;

    /// Every committed record in ascending order of its id, from one moment's snapshot.
    /// 32 bytes of memory per record.
    fn records(&self, tenant: TenantId) -> Result<Vec<IndexedRecord>>;

    /// Removes the tenant's index from the disk; the next `apply` starts anew. Idempotent.
    fn drop_tenant(&self, tenant: TenantId) -> Result<()>;

    /// Bytes on disk of the tenant's index.
    fn space_bytes(&self, tenant: TenantId) -> Result<u64>;

    /// Re-reads the index files of the tenant against their checksums and names the damaged ones.
    fn damaged_files(&self, tenant: TenantId) -> Result<Vec<String>>;

    /// Closes writers and readers that were not used since the previous call, after committing
    /// what they hold. Call it about once a minute. Returns how many tenants are still open.
    fn release_idle(&self) -> Result<usize>;

    /// Commits and closes everything; the last call before the process ends.
    fn close(&self) -> Result<()>;
}

/// Opens the engine that the address names: `tantivy:<folder>`. The folder is made when needed.
pub fn open(url: &str, options: Options) -> Result<Box<dyn SearchIndex>> {
    match url.strip_prefix("tantivy:") {
        Some(folder) if !folder.is_empty() => {
            Ok(Box::new(engine::TantivyIndex::new(std::path::PathBuf::from(folder), options)))
        }
        _ => Err(Error::UnknownEngine { url: url.to_owned() }),
    }
}

/// A digest of everything that is indexed of a document, with the analyzer version. Equal
/// documents have equal digests on every machine; not cryptographic.
pub fn document_digest(document: &IndexDocument) -> u64 {
    search::digest(document)
}
