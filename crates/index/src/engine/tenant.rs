use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::{fs, io};

use model::{RecordId, TenantId};
use policy::Scope;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tantivy::directory::MmapDirectory;
use tantivy::{
    Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Searcher, TantivyError, Term,
};

use super::collect::{Collect, Collected};
use super::compile::Compiler;
use super::cursor::Cursor;
use super::document::engine_document;
use super::schema::{SCHEMA_VERSION, tokenizers};
use super::{Shared, lock};
use crate::{
    ANALYZER_VERSION, Error, Hits, IndexChange, IndexedRecord, LIMIT_MAX, MATCH_RECORDS_MAX,
    MatchRequest, Matching, Result, SearchRequest, Sort, State,
};

/// Least memory that a writing thread of the engine takes.
const HEAP_BYTES_MIN: usize = 16 << 20;

/// Documents analysed at a time, so that a large batch is never in memory twice.
const ANALYSED_AT_ONCE: usize = 256;

/// Uses of any tenant; orders them by time without a clock.
static USES: AtomicU64 = AtomicU64::new(1);

/// The index of one tenant: closed, open for reading, or writing too.
pub(super) struct Tenant {
    id: TenantId,
    shared: Arc<Shared>,
    folder: PathBuf,
    /// When it was used last, counted in uses.
    used: AtomicU64,
    /// `used` at the last look for idle tenants.
    seen: AtomicU64,
    /// Taken before `open`, never after it.
    writing: Mutex<Option<Writing>>,
    open: Mutex<Option<Open>>,
}

#[derive(Clone)]
struct Open {
    index: Index,
    reader: IndexReader,
    /// Complete up to here by the last commit.
    through: u64,
}

struct Writing {
    writer: IndexWriter,
    through: u64,
    /// Something was applied since the last commit.
    dirty: bool,
}

/// What a commit says about itself.
#[derive(Serialize, Deserialize)]
struct Payload {
    analyzer: u32,
    schema: u32,
    through_seq: u64,
}

/// What `meta.json` of the engine says, as far as it is needed here.
#[derive(Deserialize)]
struct LastCommit {
    segments: Vec<serde_json::Value>,
    payload: Option<String>,
}

impl Payload {
    fn text(through_seq: u64) -> String {
        // Three numbers: always writable.
        serde_json::to_string(&Self {
            analyzer: ANALYZER_VERSION,
            schema: SCHEMA_VERSION,
            through_seq,
        })
        .unwrap_or_default()
    }
}

impl Tenant {
    pub(super) fn new(id: TenantId, shared: Arc<Shared>) -> Self {
        let folder = shared.root.join(id.to_string());
        let (used, seen) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { id, shared, folder, used, seen, writing: Mutex::default(), open: Mutex::default() }
    }

    pub(super) fn touch(&self) {
        self.used.store(USES.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
    }

    pub(super) fn last_used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Never waits: a tenant whose lock is held is at work.
    pub(super) fn is_writing(&self) -> bool {
        self.writing.try_lock().map_or(true, |writing| writing.is_some())
    }

    pub(super) fn is_open(&self) -> bool {
        self.is_writing() || lock(&self.open).is_some()
    }

    fn engine(&self, operation: &'static str) -> impl Fn(TantivyError) -> Error {
        let tenant = self.id;
        move |error| match error {
            TantivyError::LockFailure(..) => Error::Locked { tenant },
            TantivyError::DataCorruption(_)
            | TantivyError::IncompatibleIndex(_)
            | TantivyError::OpenReadError(_)
            | TantivyError::SchemaError(_) => {
                Error::NeedsRebuild { tenant, reason: error.to_string() }
            }
            _ => Error::Engine { tenant, operation, source: Box::new(error) },
        }
    }

    fn io(&self, operation: &'static str) -> impl Fn(io::Error) -> Error {
        let tenant = self.id;
        move |source| Error::Io { tenant, operation, source }
    }

    /// The index as it lies on disk; `None` when there is none.
    fn open(&self) -> Result<Option<Open>> {
        let mut open = lock(&self.open);
        if open.is_none() && self.folder.join("meta.json").exists() {
            *open = Some(self.open_existing()?);
        }
        Ok(open.clone())
    }

    fn open_existing(&self) -> Result<Open> {
        let rebuild = |reason: String| Error::NeedsRebuild { tenant: self.id, reason };
        let mut index = Index::open_in_dir(&self.folder).map_err(self.engine("open"))?;
        let meta = index.load_metas().map_err(self.engine("open"))?;
        let payload = meta.payload.as_deref().map(serde_json::from_str::<Payload>);
        let through = match payload {
            Some(Ok(payload)) => {
                self.check(&payload)?;
                payload.through_seq
            }
            // Made, but stopped before the first commit: empty.
            None if meta.segments.is_empty() => 0,
            _ => return Err(rebuild("its last commit does not say what made it".into())),
        };
        if meta.schema != self.shared.fields.schema {
            return Err(rebuild("it has other fields".into()));
        }
        self.prepare(&mut index);
        self.with_reader(index, through)
    }

    fn with_reader(&self, index: Index, through: u64) -> Result<Open> {
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into();
        Ok(Open { reader: reader.map_err(self.engine("open for reading"))?, index, through })
    }

    fn create(&self) -> Result<Open> {
        fs::create_dir_all(&self.folder).map_err(self.io("make its folder"))?;
        let directory = MmapDirectory::open(&self.folder)
            .map_err(|error| self.engine("open its folder")(error.into()))?;
        let index =
            Index::create(directory, self.shared.fields.schema.clone(), IndexSettings::default());
        let mut index = index.map_err(self.engine("create"))?;
        self.prepare(&mut index);
        self.with_reader(index, 0)
    }

    fn prepare(&self, index: &mut Index) {
        index.set_tokenizers(tokenizers());
        index.set_executor(self.shared.searchers.clone());
    }

    fn open_writer(&self) -> Result<Writing> {
        let open = match self.open()? {
            Some(open) => open,
            None => {
                let created = self.create()?;
                lock(&self.open).insert(created).clone()
            }
        };
        let options = &self.shared.options;
        let threads = options.writer_threads.max(1);
        let heap = options.writer_heap_bytes.max(threads * HEAP_BYTES_MIN);
        let writer = open.index.writer_with_num_threads(threads, heap);
        let writer = writer.map_err(self.engine("open for writing"))?;
        Ok(Writing { writer, through: open.through, dirty: false })
    }

    /// Runs `act` on the writer, opening it first when needed.
    fn with_writer<T>(&self, act: impl FnOnce(&mut Writing) -> Result<T>) -> Result<T> {
        let mut writing = lock(&self.writing);
        let open = match &mut *writing {
            Some(open) => open,
            closed => closed.insert(self.open_writer()?),
        };
        let result = act(open);
        if result.is_err() {
            // A writer that failed once takes nothing more; the next call opens another, and what
            // was not committed is applied again from `indexed_through`.
            *writing = None;
        }
        result
    }

    pub(super) fn apply(&self, changes: Vec<IndexChange>, through_seq: u64) -> Result<()> {
        self.with_writer(|writing| {
            for batch in changes.chunks(ANALYSED_AT_ONCE) {
                let documents: Vec<_> = batch
                    .par_iter()
                    .map(|change| engine_document(&self.shared.fields, &change.document))
                    .collect();
                for (change, document) in batch.iter().zip(documents) {
                    if !change.new {
                        writing.writer.delete_term(self.record_term(change.document.record));
                    }
                    writing.writer.add_document(document).map_err(self.engine("add a document"))?;
                }
            }
            writing.through = writing.through.max(through_seq);
            writing.dirty = true;
            Ok(())
        })
    }

    pub(super) fn remove(&self, records: &[RecordId]) -> Result<()> {
        if self.open()?.is_none() && lock(&self.writing).is_none() {
            return Ok(());
        }
        self.with_writer(|writing| {
            for record in records {
                writing.writer.delete_term(self.record_term(*record));
            }
            writing.dirty = true;
            Ok(())
        })
    }

    pub(super) fn purge(&self) -> Result<()> {
        if self.open()?.is_none() && lock(&self.writing).is_none() {
            return Ok(());
        }
        self.commit()?;
        // Merges that run already take what was removed into their new segment.
        self.close_writer()?;
        self.with_writer(|writing| {
            let index = writing.writer.index().clone();
            let metas = index.searchable_segment_metas().map_err(self.engine("list segments"))?;
            for meta in metas.iter().filter(|meta| meta.has_deletes()) {
                let merged = writing.writer.merge(&[meta.id()]).wait();
                merged.map_err(self.engine("write a segment anew"))?;
            }
            let removed = writing.writer.garbage_collect_files().wait();
            removed.map_err(self.engine("remove old segments")).map(drop)
        })?;
        if let Some(open) = lock(&self.open).as_ref() {
            open.reader.reload().map_err(self.engine("show a merge"))?;
        }
        // Files that the former reader held open go now.
        self.with_writer(|writing| {
            let removed = writing.writer.garbage_collect_files().wait();
            removed.map_err(self.engine("remove old segments")).map(drop)
        })
    }

    fn record_term(&self, record: RecordId) -> Term {
        Term::from_field_bytes(self.shared.fields.id, record.as_bytes())
    }

    pub(super) fn commit(&self) -> Result<u64> {
        let mut writing = lock(&self.writing);
        let Some(writer) = writing.as_mut() else { return self.indexed_through() };
        if !writer.dirty {
            return Ok(writer.through);
        }
        let result = self.commit_writer(writer);
        if result.is_err() {
            *writing = None;
        }
        result
    }

    fn commit_writer(&self, writing: &mut Writing) -> Result<u64> {
        fail::fail_point!("index.commit.before", |_| self.injected());
        let mut prepared =
            writing.writer.prepare_commit().map_err(self.engine("prepare a commit"))?;
        prepared.set_payload(&Payload::text(writing.through));
        // A crash before this returns leaves the former commit: what came since is applied again
        // from its sequence.
        prepared.commit().map_err(self.engine("commit"))?;
        fail::fail_point!("index.commit.after", |_| self.injected());
        writing.dirty = false;
        let mut open = lock(&self.open);
        if let Some(open) = open.as_mut() {
            open.reader.reload().map_err(self.engine("show a commit"))?;
            open.through = writing.through;
        }
        Ok(writing.through)
    }

    /// Called by fail points only, which any crate of a build can switch on for all.
    #[allow(dead_code)]
    fn injected(&self) -> Result<u64> {
        Err(self.io("commit")(io::Error::other("injected")))
    }

    /// Of a closed index only the small file of its last commit is read: nothing is opened.
    pub(super) fn indexed_through(&self) -> Result<u64> {
        if let Some(open) = lock(&self.open).as_ref() {
            return Ok(open.through);
        }
        let meta = match fs::read(self.folder.join("meta.json")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            meta => meta.map_err(self.io("read its last commit"))?,
        };
        let rebuild = |why: &str| Error::NeedsRebuild { tenant: self.id, reason: why.to_owned() };
        let meta: LastCommit =
            serde_json::from_slice(&meta).map_err(|_| rebuild("its last commit is damaged"))?;
        match meta.payload.as_deref().map(serde_json::from_str::<Payload>) {
            Some(Ok(payload)) => {
                self.check(&payload)?;
                Ok(payload.through_seq)
            }
            // Made, but stopped before the first commit: empty.
            None if meta.segments.is_empty() => Ok(0),
            _ => Err(rebuild("its last commit does not say what made it")),
        }
    }

    /// Whether this release can work with what that commit wrote.
    fn check(&self, payload: &Payload) -> Result<()> {
        let rebuild = |reason: String| Error::NeedsRebuild { tenant: self.id, reason };
        if payload.analyzer != ANALYZER_VERSION {
            let (is, must) = (payload.analyzer, ANALYZER_VERSION);
            return Err(rebuild(format!("made by analyzer version {is}, this is version {must}")));
        }
        if payload.schema != SCHEMA_VERSION {
            let (is, must) = (payload.schema, SCHEMA_VERSION);
            return Err(rebuild(format!("made with schema version {is}, this is version {must}")));
        }
        Ok(())
    }

    pub(super) fn state(&self) -> Result<State> {
        match self.open() {
            Err(Error::NeedsRebuild { reason, .. }) => Ok(State::NeedsRebuild(reason)),
            Err(error) => Err(error),
            Ok(None) => Ok(State::Absent),
            Ok(Some(_)) => Ok(State::Ready),
        }
    }

    pub(super) fn search(&self, scope: &Scope, request: &SearchRequest<'_>) -> Result<Hits> {
        let decode = |text| Cursor::decode(text, request.sort).ok_or(Error::BadCursor);
        let cursor = request.cursor.map(decode).transpose()?;
        let empty = Hits { facets: request.facets.then(Default::default), ..Hits::default() };
        let Some(open) = self.open()? else { return Ok(empty) };
        let limit = request.limit.min(LIMIT_MAX);
        let keep = if limit == 0 { 0 } else { limit + 1 };
        let collect = Collect { sort: request.sort, cursor, keep, facets: request.facets };
        let compiler =
            Compiler::new(&self.shared.fields, request.calendar, &self.shared.masks, scope);
        let query = match tantivy::collector::Collector::requires_scoring(&collect) {
            true => compiler.scored(&request.query.root),
            false => compiler.query(&request.query.root),
        };
        let found =
            open.reader.searcher().search(&query, &collect).map_err(self.engine("search"))?;
        Ok(page(found, request, limit, open.through))
    }

    pub(super) fn matching(&self, scope: &Scope, request: &MatchRequest<'_>) -> Result<Matching> {
        let Some(open) = self.open()? else { return Ok(Matching::default()) };
        let records =
            request.records.map(|records| &records[..records.len().min(MATCH_RECORDS_MAX)]);
        let compiler =
            Compiler::new(&self.shared.fields, request.calendar, &self.shared.masks, scope);
        let query = compiler.matching(&MatchRequest { records, ..request.clone() });
        let keep = records.map_or(0, <[RecordId]>::len);
        let collect = Collect { sort: Sort::default(), cursor: None, keep, facets: false };
        let found =
            open.reader.searcher().search(&query, &collect).map_err(self.engine("match"))?;
        let records = found.rows.into_iter().map(|row| row.hit.record).collect();
        Ok(Matching { records, total: found.total, indexed_through: open.through })
    }

    fn searcher(&self) -> Result<Option<Searcher>> {
        Ok(self.open()?.map(|open| open.reader.searcher()))
    }

    pub(super) fn count(&self) -> Result<u64> {
        Ok(self.searcher()?.map_or(0, |searcher| searcher.num_docs()))
    }

    pub(super) fn records(&self) -> Result<Vec<IndexedRecord>> {
        let Some(searcher) = self.searcher()? else { return Ok(Vec::new()) };
        let mut records = Vec::with_capacity(searcher.num_docs() as usize);
        for segment in searcher.segment_readers() {
            let column = |name: &str| {
                let column = segment.fast_fields().column_first_or_default::<u64>(name);
                column.map_err(self.engine("list records"))
            };
            let (high, low) = (column("id_high")?, column("id_low")?);
            let (row, digest) = (column("row")?, column("digest")?);
            records.extend(segment.doc_ids_alive().map(|doc| {
                let id = u128::from(high.get_val(doc)) << 64 | u128::from(low.get_val(doc));
                IndexedRecord {
                    record: RecordId::from_bytes(id.to_be_bytes()),
                    row: row.get_val(doc),
                    digest: digest.get_val(doc),
                }
            }));
        }
        records.sort_unstable();
        Ok(records)
    }

    pub(super) fn destroy(&self) -> Result<()> {
        let mut writing = lock(&self.writing);
        *writing = None;
        *lock(&self.open) = None;
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result.map_err(self.io("remove its folder")),
        }
    }

    pub(super) fn space_bytes(&self) -> Result<u64> {
        folder_bytes(&self.folder).map_err(self.io("measure its folder"))
    }

    pub(super) fn damaged_files(&self) -> Result<Vec<String>> {
        // Merges remove files while this reads: hold the writer still and look at its last commit.
        let _writing = lock(&self.writing);
        let Some(open) = self.open()? else { return Ok(Vec::new()) };
        let damaged = open.index.validate_checksum().map_err(self.engine("read again"))?;
        let mut names: Vec<_> = damaged.iter().map(|path| path.display().to_string()).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Commits and closes the writer; merges that run are waited for.
    pub(super) fn close_writer(&self) -> Result<()> {
        let mut writing = lock(&self.writing);
        let Some(mut open) = writing.take() else { return Ok(()) };
        if open.dirty {
            self.commit_writer(&mut open)?;
        }
        open.writer.wait_merging_threads().map_err(self.engine("finish merging"))?;
        if let Some(open) = lock(&self.open).as_ref() {
            open.reader.reload().map_err(self.engine("show a merge"))?;
        }
        Ok(())
    }

    pub(super) fn close(&self) -> Result<()> {
        self.close_writer()?;
        *lock(&self.open) = None;
        Ok(())
    }

    /// Closes what was not used since the last call; says whether anything is still open.
    pub(super) fn release_idle(&self) -> Result<bool> {
        let used = self.last_used();
        if self.seen.swap(used, Ordering::Relaxed) == used {
            self.close()?;
        }
        Ok(self.is_open())
    }
}

fn page(found: Collected, request: &SearchRequest<'_>, limit: usize, through: u64) -> Hits {
    let more = found.rows.len() > limit;
    let mut rows = found.rows;
    rows.truncate(limit);
    let last = rows.last().filter(|_| more);
    let next =
        last.map(|last| Cursor { key: last.key.clone(), row: last.hit.row }.encode(request.sort));
    Hits {
        total: found.total,
        rows: rows.into_iter().map(|row| row.hit).collect(),
        next,
        facets: found.facets,
        indexed_through: through,
    }
}

/// Files may vanish while this looks, as merges end.
fn folder_bytes(folder: &Path) -> io::Result<u64> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut bytes = 0;
    for entry in entries {
        match entry?.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            metadata => bytes += metadata?.len(),
        }
    }
    Ok(bytes)
}
