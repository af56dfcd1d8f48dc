//! The scrub while the server runs: all octets are read again within a configured span.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use catalog::{SCRUB_FINDINGS_MAX, ScrubFindingRow, ScrubState};
use lifecycle::{OpenCopy, Scrub, ScrubFinding, VaultCopy};
use model::{Clock as _, TenantId, Timestamp};
use pipeline::LineParts;
use store::{MasterKey, Vault};
use tokio::sync::watch;

use crate::backup;
use crate::clock::SystemClock;
use crate::config::Evidence;

/// How often is looked whether a pass is due, or wanted.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The longest wait in one go, so that an end of the server is seen.
const STEP: Duration = Duration::from_millis(200);
const DAY: i64 = 86_400;

/// Reads the tenants' archives again, one pack after the other.
pub struct Scrubber {
    scrub: Scrub,
    /// A pass over everything takes so long; 0: only when a person asks.
    days: u32,
    /// Octets per second at most; 0: no limit.
    rate_max: u64,
}

impl Scrubber {
    pub fn of(settings: &Evidence, key: &MasterKey, parts: &LineParts) -> Self {
        let copy = settings.repair_from.clone().map(|folder| -> OpenCopy {
            let key = key.clone();
            Box::new(move || backup(&folder, &key))
        });
        let (vault, catalog) = (Arc::clone(&parts.vault), Arc::clone(&parts.catalog));
        let scrub = Scrub { vault, catalog, copy };
        let rate_max = settings.scrub_bytes_per_second_max;
        Self { scrub, days: settings.scrub_days, rate_max }
    }

    /// One look over all tenants; what fails is logged and looked at again.
    fn look(&self, stopping: &dyn Fn() -> bool) {
        let Ok(tenants) = self.scrub.catalog.tenants() else { return };
        for tenant in tenants {
            if let Err(error) = self.tenant(tenant.id, stopping) {
                let error = pipeline::Error::chain(&error);
                tracing::warn!(tenant.id = %tenant.id, error, "the scrub waits");
            }
        }
    }

    /// Goes on with the pass of a tenant if one runs, is due or is wanted.
    fn tenant(&self, tenant: TenantId, stopping: &dyn Fn() -> bool) -> lifecycle::Result<()> {
        let catalog = &self.scrub.catalog;
        let wanted = catalog.scrub_wanted(tenant)?;
        let mut state = catalog.scrub_state(tenant)?;
        let now = SystemClock.now();
        let span = i64::from(self.days) * DAY;
        let due = |at: Timestamp| at.saturating_add_seconds(span) <= now;
        let is_due = self.days > 0 && state.completed_at.is_none_or(due);
        if !wanted && state.begun_at.is_none() && !is_due {
            return Ok(());
        }
        if !self.scrub.vault.has_tenant(tenant) {
            return Ok(catalog.want_scrub(tenant, false).map(drop)?);
        }
        let began = match (state.begun_at, wanted) {
            (Some(began), false) => began,
            // What a person asks for begins anew and is not slowed down.
            _ => {
                let kept = state.findings.len().saturating_sub(SCRUB_FINDINGS_MAX);
                state = ScrubState {
                    begun_at: Some(now),
                    pack: 0,
                    entries: 0,
                    bytes: 0,
                    findings: state.findings.split_off(kept),
                    ..state
                };
                catalog.save_scrub(tenant, &state)?;
                now
            }
        };
        let total = self.scrub.vault.space(Some(tenant))?.packs_bytes;
        let mut pace = Pace::new(if wanted { 0 } else { self.rate(total) });
        for pack in self.scrub.vault.packs(tenant)? {
            if pack <= state.pack {
                continue;
            }
            let read = self.scrub.pack(tenant, pack, SystemClock.now(), &mut |bytes| {
                pace.wait(bytes, stopping);
            })?;
            if stopping() {
                return Ok(());
            }
            state.pack = pack;
            state.entries += read.entries;
            state.bytes += read.bytes;
            state.findings.extend(read.findings.into_iter().map(row));
            let over = state.findings.len().saturating_sub(SCRUB_FINDINGS_MAX);
            state.findings.drain(..over);
            catalog.save_scrub(tenant, &state)?;
        }
        // Findings of earlier passes that did not come up again are over.
        state.findings.retain(|finding| finding.at >= began);
        let (entries, bytes, findings) = (state.entries, state.bytes, state.findings.len());
        tracing::info!(tenant.id = %tenant, entries, bytes, findings, "all octets were read again");
        state.completed_bytes = bytes;
        state.completed_at = Some(SystemClock.now());
        state.begun_at = None;
        state.pack = 0;
        catalog.save_scrub(tenant, &state)?;
        if wanted {
            catalog.want_scrub(tenant, false)?;
        }
        Ok(())
    }

    /// So that a pass takes half the span at most.
    fn rate(&self, total_bytes: u64) -> u64 {
        let seconds = (u64::from(self.days) * 43_200).max(1);
        let needed = (total_bytes / seconds).max(1 << 20);
        if self.rate_max > 0 { needed.min(self.rate_max) } else { needed }
    }
}

/// The vault in a backup folder, and the folder of links to it.
struct Backup {
    vault: Vault,
    _links: tempfile::TempDir,
}

impl VaultCopy for Backup {
    fn vault(&self) -> &Vault {
        &self.vault
    }
}

/// Without a backup nothing is repaired, and the log says why.
fn backup(folder: &Path, key: &MasterKey) -> Option<Box<dyn VaultCopy>> {
    match backup::open_vault(folder, key) {
        Ok((links, vault)) => Some(Box::new(Backup { vault, _links: links })),
        Err(error) => {
            let error = format!("{error:#}");
            tracing::error!(error, "evidence.repair_from is no backup of this archive");
            None
        }
    }
}

fn row(finding: ScrubFinding) -> ScrubFindingRow {
    let ScrubFinding { file, offset, why, records, at, repaired, .. } = finding;
    ScrubFindingRow { at, file, offset, why, records, repaired }
}

/// Holds reading to so many octets per second.
pub struct Pace {
    rate: u64,
    begun: Instant,
    bytes: u64,
}

impl Pace {
    pub fn new(rate: u64) -> Self {
        Self { rate, begun: Instant::now(), bytes: 0 }
    }

    pub fn wait(&mut self, bytes: u64, stopping: &dyn Fn() -> bool) {
        self.bytes += bytes;
        if self.rate == 0 {
            return;
        }
        let due = Duration::from_secs_f64(self.bytes as f64 / self.rate as f64);
        while let Some(left) = due.checked_sub(self.begun.elapsed()).filter(|it| !it.is_zero()) {
            if stopping() {
                return;
            }
            std::thread::sleep(left.min(STEP));
        }
    }
}

/// Scrubs until `shutdown`; the entry in hand is read to its end.
pub async fn watch(scrubber: Scrubber, mut shutdown: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let scrubber = Arc::new(scrubber);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = async { drop(shutdown.wait_for(|stop| *stop).await) } => return,
        }
        let (scrubber, stop) = (Arc::clone(&scrubber), shutdown.clone());
        let look = move || scrubber.look(&|| *stop.borrow());
        if tokio::task::spawn_blocking(look).await.is_err() {
            return;
        }
    }
}
