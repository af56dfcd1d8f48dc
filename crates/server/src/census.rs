//! What tenants take on disk and how far their indexes are, remembered: with a thousand tenants
//! nobody waits for a look at all their folders.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use api::dto::StoredBytes;
use model::TenantId;
use pipeline::{IndexFigures, LineParts};

/// How long the figures of one tenant are believed.
const BELIEVED: Duration = Duration::from_secs(1);

/// How long the sum over all tenants is believed; an older one is still answered while it is made
/// anew.
const SUM_BELIEVED: Duration = Duration::from_secs(30);

/// Tenants whose figures are remembered; beyond, all are forgotten.
const REMEMBERED_MAX: usize = 10_000;

pub struct Census {
    parts: LineParts,
    index_figures: Arc<IndexFigures>,
    tenants: Mutex<HashMap<TenantId, (Instant, StoredBytes)>>,
    sum: Mutex<Option<(Instant, StoredBytes)>>,
    summing: AtomicBool,
}

impl Census {
    pub fn new(parts: LineParts, index_figures: Arc<IndexFigures>) -> Arc<Self> {
        let (tenants, sum, summing) = (Mutex::default(), Mutex::default(), AtomicBool::new(false));
        Arc::new(Self { parts, index_figures, tenants, sum, summing })
    }

    /// Bytes on disk of one tenant, at most a second old; the catalog's are not its own. A tenant
    /// of which nothing lies on disk takes none.
    pub fn space(&self, tenant: TenantId) -> StoredBytes {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, known)) = tenants.get(&tenant)
            && at.elapsed() < BELIEVED
        {
            return *known;
        }
        let space = self.measure(tenant);
        if tenants.len() >= REMEMBERED_MAX {
            tenants.clear();
        }
        tenants.insert(tenant, (Instant::now(), space));
        space
    }

    fn measure(&self, tenant: TenantId) -> StoredBytes {
        let vault = self.parts.vault.space(Some(tenant)).unwrap_or_default();
        let index = self.parts.index.space_bytes(tenant).unwrap_or_default();
        let known = lifecycle::compaction_state(&*self.parts.catalog, tenant).unwrap_or_default();
        StoredBytes {
            packs: vault.packs_bytes,
            keys: vault.keys_bytes,
            catalog: 0,
            index,
            reclaimable: known.space.reclaimable_bytes,
            reclaimed: known.space.reclaimed_bytes,
        }
    }

    /// Bytes on disk of all tenants, usually at most half a minute old.
    pub fn sum(self: &Arc<Self>) -> StoredBytes {
        let known = *self.sum.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((at, known)) = known else { return self.add_up() };
        if at.elapsed() >= SUM_BELIEVED && !self.summing.swap(true, Ordering::SeqCst) {
            let census = Arc::clone(self);
            let again = move || {
                census.add_up();
                census.summing.store(false, Ordering::SeqCst);
            };
            if std::thread::Builder::new().name("census".to_owned()).spawn(again).is_err() {
                self.summing.store(false, Ordering::SeqCst);
            }
        }
        known
    }

    fn add_up(&self) -> StoredBytes {
        let mut sum = StoredBytes::default();
        for tenant in self.parts.vault.tenants() {
            let space = self.measure(tenant);
            sum.packs += space.packs;
            sum.keys += space.keys;
            sum.index += space.index;
            sum.reclaimable += space.reclaimable;
            sum.reclaimed += space.reclaimed;
        }
        let mut known = self.sum.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some((Instant::now(), sum));
        sum
    }

    /// Archived mails that are not searchable yet: of one tenant, or of all.
    pub fn lag(&self, tenant: Option<TenantId>) -> anyhow::Result<u64> {
        let catalog = &self.parts.catalog;
        let events = match tenant {
            Some(tenant) => vec![(tenant, catalog.max_seq(tenant)?)],
            None => catalog.last_events()?,
        };
        let mut lag = 0;
        for (tenant, seq) in events {
            let through = match self.index_figures.through(tenant) {
                Some(through) => through,
                // Nothing was ever archived, so nothing lags.
                None if seq == 0 => continue,
                None => self.parts.index.indexed_through(tenant)?,
            };
            if through < seq {
                lag += catalog.records_after(tenant, through)?;
            }
        }
        Ok(lag)
    }
}
