//! Packs are written anew while the server runs, slowly, when enough of them is erased.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lifecycle::{CompactionRules, Compactor, compaction_wish};
use model::TenantId;
use pipeline::LineParts;
use tokio::sync::watch;

use crate::config::Storage;
use crate::scrubbing::Pace;

/// How often is looked whether a run is wanted.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often the packs of a tenant are looked at although nobody asked.
const RUN_EVERY: Duration = Duration::from_secs(6 * 3600);
/// When a run that could not come to its end goes on.
const RETRY_AFTER: Duration = Duration::from_secs(60);

const DAY: i64 = 86_400;

/// What the configuration says of compaction.
pub fn rules(settings: &Storage) -> CompactionRules {
    CompactionRules {
        live_share_min: settings.compact_live_share,
        erased_seconds_max: i64::from(settings.compact_days) * DAY,
        run_bytes_max: settings.compact_bytes_per_run_max,
    }
}

/// Compacts the tenants' packs, one after the other.
pub struct Compacting {
    compactor: Compactor,
    /// Octets per second at most; 0: no limit.
    rate_max: u64,
    /// When a tenant is looked at again, wanted or not.
    next: HashMap<TenantId, Next>,
}

struct Next {
    /// Without being asked.
    run: Instant,
    /// Not before, whoever asks.
    retry: Option<Instant>,
}

impl Compacting {
    pub fn of(settings: &Storage, parts: &LineParts) -> Self {
        let compactor = Compactor {
            vault: Arc::clone(&parts.vault),
            catalog: Arc::clone(&parts.catalog),
            clock: Arc::clone(&parts.clock),
            rules: rules(settings),
        };
        let rate_max = settings.compact_bytes_per_second_max;
        Self { compactor, rate_max, next: HashMap::new() }
    }

    /// One look over all tenants; what fails is logged and tried again.
    fn look(&mut self, stopping: &dyn Fn() -> bool) {
        let Ok(tenants) = self.compactor.catalog.tenants() else { return };
        let known: std::collections::HashSet<TenantId> = tenants.iter().map(|it| it.id).collect();
        self.next.retain(|tenant, _| known.contains(tenant));
        for tenant in tenants {
            if stopping() {
                return;
            }
            if let Err(error) = self.tenant(tenant.id, stopping) {
                let error = pipeline::Error::chain(&error);
                tracing::warn!(tenant.id = %tenant.id, error, "compaction waits");
            }
        }
    }

    fn tenant(&mut self, tenant: TenantId, stopping: &dyn Fn() -> bool) -> lifecycle::Result<()> {
        let now = Instant::now();
        let first = || Next { run: now + RUN_EVERY, retry: None };
        let next = self.next.entry(tenant).or_insert_with(first);
        if next.retry.is_some_and(|retry| now < retry) {
            return Ok(());
        }
        let wished = compaction_wish(&*self.compactor.catalog, tenant)?.is_some();
        if (!wished && now < next.run && next.retry.is_none())
            || !self.compactor.vault.has_tenant(tenant)
        {
            return Ok(());
        }
        *next = Next { run: now + RUN_EVERY, retry: Some(now + RETRY_AFTER) };
        let mut pace = Pace::new(self.rate_max);
        let state =
            self.compactor.run(tenant, &mut |bytes| pace.wait(bytes, stopping), stopping)?;
        if state.waiting == 0
            && let Some(next) = self.next.get_mut(&tenant)
        {
            next.retry = None;
        }
        Ok(())
    }
}

/// Compacts until `shutdown`; the pack in hand is written to its end.
pub async fn watch(compacting: Compacting, mut shutdown: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut compacting = compacting;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = async { drop(shutdown.wait_for(|stop| *stop).await) } => return,
        }
        let stop = shutdown.clone();
        let look = move || {
            compacting.look(&|| *stop.borrow());
            compacting
        };
        match tokio::task::spawn_blocking(look).await {
            Ok(looked) => compacting = looked,
            // The runtime is shutting down.
            Err(_) => return,
        }
    }
}
