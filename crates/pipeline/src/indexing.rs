//! The indexing thread: follows the ledger's events and keeps the index complete.
//!
//! Documents of fresh batches arrive through a channel, already read. Whatever is missing (after a
//! crash, after an index was dropped, after an error) is read again from the vault. The channel is
//! bounded, so a slow index slows the pipeline, that fills the spool, and that answers `452`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use catalog::Catalog;
use index::{IndexChange, SearchIndex, State};
use model::{Clock, TenantId, Timestamp};

use crate::error::{Error, Result};
use crate::heartbeat::{Heartbeat, Thread};
use crate::reload::Reload;

/// Batches that may wait for the index.
const WAITING_BATCHES_MAX: usize = 4;

/// What was applied becomes searchable after this time …
const COMMIT_EVERY: Duration = Duration::from_millis(700);

/// … or after this multiple of what the last commit took, whichever is longer: a slow disk must
/// not spend all its time on commits …
const COMMIT_SHARE: u32 = 3;

/// … but never later than this.
const COMMIT_EVERY_MAX: Duration = Duration::from_secs(8);

/// How long the thread sleeps when nothing happens.
const IDLE: Duration = Duration::from_millis(50);

/// How often tenants are looked at for events that no batch brought along.
const CATCH_UP_EVERY: Duration = Duration::from_secs(5);

/// How often writers that have nothing to do are closed.
const RELEASE_EVERY: Duration = Duration::from_secs(60);

/// Events that are caught up in one go.
const CATCH_UP_EVENTS: u32 = 500;

/// Documents of one batch on their way to the index.
pub struct Fresh {
    pub tenant: TenantId,
    /// The tenant's last event before the batch.
    pub after_seq: u64,
    pub through_seq: u64,
    pub changes: Vec<IndexChange>,
}

/// The end of the channel that the pipeline holds. Dropping all of them ends the thread.
#[derive(Clone)]
pub struct ToIndex(SyncSender<Fresh>);

impl ToIndex {
    /// Hands documents over; waits while the index has enough to do.
    pub fn send(&self, fresh: Fresh) {
        // The thread ends only after the last sender; should it have died, the next start catches
        // up from the catalog.
        let _ = self.0.send(fresh);
    }
}

/// What the status page shows of the index.
#[derive(Default)]
pub struct IndexFigures {
    last_commit: AtomicI64,
    /// Tenants whose index cannot be written, with the reason.
    pub troubles: Mutex<BTreeMap<TenantId, String>>,
    /// Up to which event each tenant's index is complete, as far as the thread has looked.
    through: Mutex<BTreeMap<TenantId, u64>>,
}

impl IndexFigures {
    fn see(&self, tenant: TenantId, through: u64) {
        self.through.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant, through);
    }

    /// Up to which event the tenant's index is complete; `None` before the thread has looked.
    pub fn through(&self, tenant: TenantId) -> Option<u64> {
        self.through.lock().unwrap_or_else(PoisonError::into_inner).get(&tenant).copied()
    }

    pub fn last_commit_at(&self) -> Option<Timestamp> {
        match self.last_commit.load(Ordering::Relaxed) {
            0 => None,
            micros => Some(Timestamp::from_micros(micros)),
        }
    }
}

pub struct Indexer {
    pub catalog: Arc<dyn Catalog>,
    pub index: Arc<dyn SearchIndex>,
    pub reload: Reload,
    pub clock: Arc<dyn Clock>,
    pub figures: Arc<IndexFigures>,
    pub heartbeat: Heartbeat,
}

/// A tenant's index while the thread runs.
struct Progress {
    applied: u64,
    /// When the oldest uncommitted document was applied.
    dirty_since: Option<Instant>,
}

pub fn channel() -> (ToIndex, Receiver<Fresh>) {
    let (sender, receiver) = sync_channel(WAITING_BATCHES_MAX);
    (ToIndex(sender), receiver)
}

impl Indexer {
    /// Runs until all [`ToIndex`] are gone; what was handed over is committed then.
    pub fn run(&self, fresh: &Receiver<Fresh>) {
        let mut tenants: BTreeMap<TenantId, Progress> = BTreeMap::new();
        let mut commit_took = Duration::ZERO;
        let mut caught_up: Option<Instant> = None;
        let mut released = Instant::now();
        let mut idle = true;
        loop {
            self.heartbeat.beat(Thread::Index);
            let ended = match fresh.recv_timeout(IDLE) {
                Ok(batch) => {
                    let (tenant, taken) = (batch.tenant, self.take(&mut tenants, batch));
                    self.note(&mut tenants, tenant, taken);
                    idle = false;
                    false
                }
                Err(RecvTimeoutError::Timeout) => {
                    idle = true;
                    false
                }
                Err(RecvTimeoutError::Disconnected) => true,
            };
            // While batches come in, each says where it begins: a gap is seen without asking.
            let look = idle && caught_up.is_none_or(|at| at.elapsed() > CATCH_UP_EVERY);
            if look && !ended {
                self.catch_up_all(&mut tenants);
                caught_up = Some(Instant::now());
            }
            let wait = (commit_took * COMMIT_SHARE).clamp(COMMIT_EVERY, COMMIT_EVERY_MAX);
            let due = |progress: &Progress| {
                progress.dirty_since.is_some_and(|since| ended || since.elapsed() >= wait)
            };
            let due: Vec<TenantId> =
                tenants.iter().filter(|(_, it)| due(it)).map(|(tenant, _)| *tenant).collect();
            for tenant in due {
                let begun = Instant::now();
                let committed = self.commit(&mut tenants, tenant);
                self.note(&mut tenants, tenant, committed);
                commit_took = begun.elapsed();
            }
            if ended {
                return;
            }
            if released.elapsed() > RELEASE_EVERY {
                self.reload.release_idle();
                if let Err(error) = self.index.release_idle() {
                    tracing::warn!(%error, "idle index writers stay open");
                }
                released = Instant::now();
            }
        }
    }

    /// Brings every tenant's index up to its catalog, without the channel: for a rebuild.
    ///
    /// # Errors
    /// Of the first tenant whose index cannot be written.
    pub fn complete(&self) -> Result<()> {
        let mut tenants = BTreeMap::new();
        for tenant in self.catalog.tenants()? {
            self.catch_up(&mut tenants, tenant.id)?;
            self.commit(&mut tenants, tenant.id)?;
        }
        Ok(())
    }

    fn take(&self, tenants: &mut BTreeMap<TenantId, Progress>, batch: Fresh) -> Result<()> {
        let tenant = batch.tenant;
        if self.progress(tenants, tenant)?.applied < batch.after_seq {
            self.catch_up(tenants, tenant)?;
        }
        let progress = self.progress(tenants, tenant)?;
        // A catch-up reads to the last event and may have been faster than the channel.
        if progress.applied < batch.through_seq {
            self.index.apply(tenant, batch.changes, batch.through_seq)?;
            progress.applied = batch.through_seq;
            progress.dirty_since.get_or_insert_with(Instant::now);
        }
        Ok(())
    }

    fn catch_up_all(&self, tenants: &mut BTreeMap<TenantId, Progress>) {
        match self.catalog.last_events() {
            Ok(all) => {
                for (tenant, seq) in all {
                    self.heartbeat.beat(Thread::Index);
                    // Nothing happened since the last look.
                    if tenants.get(&tenant).is_some_and(|known| known.applied >= seq) {
                        continue;
                    }
                    let caught_up = self.catch_up(tenants, tenant);
                    self.note(tenants, tenant, caught_up);
                }
            }
            Err(error) => tracing::warn!(%error, "the index waits for the catalog"),
        }
    }

    /// Applies everything that the catalog has and the index has not.
    fn catch_up(&self, tenants: &mut BTreeMap<TenantId, Progress>, tenant: TenantId) -> Result<()> {
        let progress = self.progress(tenants, tenant)?;
        // The pipeline may be about to hand over what is newer than this.
        let target = self.catalog.max_seq(tenant)?;
        while progress.applied < target {
            self.heartbeat.beat(Thread::Index);
            let changes = self.catalog.changes(tenant, progress.applied, CATCH_UP_EVENTS)?;
            if changes.through_seq <= progress.applied {
                break;
            }
            let documents = self.reload.documents(tenant, &changes.records)?;
            let changes_of = |document| IndexChange { document, new: false };
            self.index.apply(
                tenant,
                documents.into_iter().map(changes_of).collect(),
                changes.through_seq,
            )?;
            progress.applied = changes.through_seq;
            progress.dirty_since.get_or_insert_with(Instant::now);
        }
        Ok(())
    }

    fn commit(&self, tenants: &mut BTreeMap<TenantId, Progress>, tenant: TenantId) -> Result<()> {
        if let Some(progress) = tenants.get_mut(&tenant) {
            // An error leaves the documents uncommitted; they are read again from the vault.
            progress.dirty_since = None;
            let through = self.index.commit(tenant)?;
            self.figures.see(tenant, through);
            tracing::info!(target: "mail", { tenant.id = %tenant }, "index committed");
            self.figures.last_commit.store(self.clock.now().as_micros(), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Where the tenant's index stands; an index of another analyzer is dropped and made anew.
    fn progress<'t>(
        &self,
        tenants: &'t mut BTreeMap<TenantId, Progress>,
        tenant: TenantId,
    ) -> Result<&'t mut Progress> {
        match tenants.entry(tenant) {
            std::collections::btree_map::Entry::Occupied(known) => Ok(known.into_mut()),
            std::collections::btree_map::Entry::Vacant(vacant) => {
                // An index is opened when there is something to do: a thousand idle ones cost
                // a look at a small file each.
                let applied = match self.index.indexed_through(tenant) {
                    Err(index::Error::NeedsRebuild { reason, .. }) => {
                        self.make_anew(tenant, &reason)?;
                        0
                    }
                    applied => applied?,
                };
                let behind = applied < self.catalog.max_seq(tenant)?;
                let applied = match behind.then(|| self.index.state(tenant)).transpose()? {
                    Some(State::NeedsRebuild(reason)) => {
                        self.make_anew(tenant, &reason)?;
                        0
                    }
                    _ => applied,
                };
                self.figures.see(tenant, applied);
                Ok(vacant.insert(Progress { applied, dirty_since: None }))
            }
        }
    }

    fn make_anew(&self, tenant: TenantId, reason: &str) -> Result<()> {
        tracing::warn!(tenant.id = %tenant, reason, "the index is made anew");
        Ok(self.index.drop_tenant(tenant)?)
    }

    fn note(
        &self,
        tenants: &mut BTreeMap<TenantId, Progress>,
        tenant: TenantId,
        result: Result<()>,
    ) {
        if result.is_err() {
            // The index has dropped what was not committed: begin again behind its last commit.
            tenants.remove(&tenant);
        }
        let Ok(mut troubles) = self.figures.troubles.lock() else { return };
        match result {
            Ok(()) => {
                troubles.remove(&tenant);
            }
            Err(error) => {
                let text = Error::chain(&error);
                if troubles.insert(tenant, text.clone()).as_ref() != Some(&text) {
                    tracing::error!(tenant.id = %tenant, error = text, "indexing waits");
                }
            }
        }
    }
}
