//! The engine on tantivy: one index per tenant in a folder of its own.

mod collect;
mod compile;
mod cursor;
mod document;
mod negation;
mod positional;
mod schema;
mod shown;
mod tenant;

use std::collections::HashMap;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{RecordId, TenantId};
use policy::Scope;
use tantivy::Executor;

use crate::{
    Hits, IndexChange, IndexedRecord, MatchRequest, Matching, Options, Result, SearchIndex,
    SearchRequest, State,
};
use schema::Fields;
use shown::Masks;
use tenant::Tenant;

pub(crate) struct TantivyIndex {
    shared: Arc<Shared>,
    tenants: Mutex<HashMap<TenantId, Arc<Tenant>>>,
}

/// What all tenants have in common.
struct Shared {
    root: PathBuf,
    options: Options,
    fields: Fields,
    masks: Arc<Masks>,
    /// Looks through the segments of an index side by side.
    searchers: Executor,
}

/// Threads that search, for all tenants together.
const SEARCHERS_MAX: usize = 8;

/// With one core, and when no threads can be had, a search runs on the thread that asks.
fn searchers() -> Executor {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    match cores {
        1 => Executor::single_thread(),
        _ => Executor::multi_thread(cores.min(SEARCHERS_MAX), "search-").unwrap_or_else(|error| {
            tracing::warn!(%error, "searches run on one thread each");
            Executor::single_thread()
        }),
    }
}

/// A poisoned lock only means that another call panicked: what it protects is checked on use.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TantivyIndex {
    pub(crate) fn new(root: PathBuf, options: Options) -> Self {
        let shared = Arc::new(Shared {
            root,
            options,
            fields: Fields::new(),
            masks: Arc::default(),
            searchers: searchers(),
        });
        Self { shared, tenants: Mutex::default() }
    }

    fn tenant(&self, id: TenantId) -> Arc<Tenant> {
        let mut tenants = lock(&self.tenants);
        let fresh = || Arc::new(Tenant::new(id, Arc::clone(&self.shared)));
        let tenant = Arc::clone(tenants.entry(id).or_insert_with(fresh));
        tenant.touch();
        tenant
    }

    /// For a look from outside, which does not count as use.
    fn known(&self, id: TenantId) -> Arc<Tenant> {
        let known = lock(&self.tenants).get(&id).cloned();
        known.unwrap_or_else(|| Arc::new(Tenant::new(id, Arc::clone(&self.shared))))
    }

    fn open_tenants(&self) -> Vec<Arc<Tenant>> {
        lock(&self.tenants).values().cloned().collect()
    }

    /// Before a tenant starts to write: closes the writer that was used longest ago when there are
    /// too many. Two tenants that start at once may go one over.
    fn make_room(&self, tenant: &Tenant) -> Result<()> {
        if tenant.is_writing() {
            return Ok(());
        }
        let mut writing: Vec<_> =
            self.open_tenants().into_iter().filter(|tenant| tenant.is_writing()).collect();
        writing.sort_by_key(|tenant| std::cmp::Reverse(tenant.last_used()));
        for idle in writing.iter().skip(self.shared.options.writers_max.max(1) - 1) {
            idle.close_writer()?;
        }
        Ok(())
    }
}

impl SearchIndex for TantivyIndex {
    fn apply(&self, tenant: TenantId, changes: Vec<IndexChange>, through_seq: u64) -> Result<()> {
        let tenant = self.tenant(tenant);
        self.make_room(&tenant)?;
        tenant.apply(changes, through_seq)
    }

    fn remove(&self, tenant: TenantId, records: &[RecordId]) -> Result<()> {
        let tenant = self.tenant(tenant);
        self.make_room(&tenant)?;
        tenant.remove(records)
    }

    fn purge(&self, tenant: TenantId) -> Result<()> {
        let tenant = self.tenant(tenant);
        self.make_room(&tenant)?;
        tenant.purge()
    }

    fn commit(&self, tenant: TenantId) -> Result<u64> {
        self.tenant(tenant).commit()
    }

    fn indexed_through(&self, tenant: TenantId) -> Result<u64> {
        self.known(tenant).indexed_through()
    }

    fn state(&self, tenant: TenantId) -> Result<State> {
        self.tenant(tenant).state()
    }

    fn search(&self, scope: &Scope, request: &SearchRequest<'_>) -> Result<Hits> {
        self.tenant(scope.tenant()).search(scope, request)
    }

    fn matching(&self, scope: &Scope, request: &MatchRequest<'_>) -> Result<Matching> {
        self.tenant(scope.tenant()).matching(scope, request)
    }

    fn count(&self, tenant: TenantId) -> Result<u64> {
        self.tenant(tenant).count()
    }

    fn records(&self, tenant: TenantId) -> Result<Vec<IndexedRecord>> {
        self.tenant(tenant).records()
    }

    fn drop_tenant(&self, tenant: TenantId) -> Result<()> {
        self.tenant(tenant).destroy()
    }

    fn space_bytes(&self, tenant: TenantId) -> Result<u64> {
        self.known(tenant).space_bytes()
    }

    fn damaged_files(&self, tenant: TenantId) -> Result<Vec<String>> {
        self.tenant(tenant).damaged_files()
    }

    fn release_idle(&self) -> Result<usize> {
        let mut open = 0;
        for tenant in self.open_tenants() {
            open += usize::from(tenant.release_idle()?);
        }
        // Whoever holds the tenant now goes on with it; nobody else can reach it twice.
        lock(&self.tenants).retain(|_, tenant| Arc::strong_count(tenant) > 1 || tenant.is_open());
        Ok(open)
    }

    fn close(&self) -> Result<()> {
        self.open_tenants().into_iter().try_for_each(|tenant| tenant.close())
    }
}
