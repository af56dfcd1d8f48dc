//! Packs written anew, so that what was erased gives its space back. It changes no facts: neither
//! catalog nor ledger learn of it, only the log and the figures.

use std::cmp::Reverse;
use std::sync::Arc;

use catalog::Catalog;
use model::{Clock, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Compaction, PackSpace, Vault};

use crate::{Error, Result};

/// Packs that stay because they are damaged and that are named; the others are counted.
const NAMED_MAX: usize = 20;

const ALL: &str = "all";
const DUE: &str = "due";

/// Which packs are worth the work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CompactionRules {
    /// A pack of whose octets less than this share is live is written anew.
    pub live_share_min: f64,
    /// And one that holds anything erased and was not written for so long; 0: never for that.
    pub erased_seconds_max: i64,
    /// Octets of packs that one run takes on at most; at least one pack.
    pub run_bytes_max: u64,
}

impl CompactionRules {
    /// Whether a pack is to be written anew; a person who asks wants all that hold anything erased.
    pub fn is_due(&self, space: &PackSpace, asked: bool, now: Timestamp) -> bool {
        if space.dead_entries == 0 {
            return false;
        }
        let live = space.bytes.saturating_sub(space.dead_bytes) as f64 / space.bytes.max(1) as f64;
        let old = self.erased_seconds_max > 0
            && space.written_at.saturating_add_seconds(self.erased_seconds_max) <= now;
        asked || live < self.live_share_min || old
    }
}

/// What of a tenant's packs could be given back to the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reclaimable {
    pub packs: u64,
    pub packs_bytes: u64,
    /// Packs that hold anything erased.
    pub packs_with_erased: u64,
    /// Octets of what is erased and still in a pack: nobody can read them.
    pub reclaimable_bytes: u64,
    /// Octets that compaction gave back, ever.
    pub reclaimed_bytes: u64,
}

impl Reclaimable {
    fn add(&mut self, space: &PackSpace) {
        self.packs += 1;
        self.packs_bytes += space.bytes;
        self.packs_with_erased += u64::from(space.dead_entries > 0);
        self.reclaimable_bytes += space.dead_bytes;
        self.reclaimed_bytes += space.reclaimed_bytes;
    }
}

/// How compaction stands for a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CompactionState {
    /// When the figures were taken.
    pub at: Option<Timestamp>,
    #[serde(flatten)]
    pub space: Reclaimable,
    /// The last run that wrote anything.
    pub last_run: Option<CompactionRun>,
    /// Packs that are due and stay because they are damaged.
    pub damaged: u64,
    /// Some of them.
    pub findings: Vec<CompactionFinding>,
    /// Packs that are due and come with the next run.
    pub waiting: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CompactionRun {
    pub begun_at: Timestamp,
    pub ended_at: Timestamp,
    pub packs: u64,
    /// Octets that were given back.
    pub freed_bytes: u64,
}

/// A pack that is not written anew before it is repaired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CompactionFinding {
    /// The file below the tenant's folder.
    pub file: String,
    /// Where in the file, in bytes.
    pub offset: u64,
    pub why: String,
}

/// What wants a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompactionWish {
    /// A person: everything that holds anything erased.
    All,
    /// Something was erased: what is due by the rules.
    Due,
}

fn state_key(tenant: TenantId) -> String {
    format!("compaction.state.{tenant}")
}

fn wish_key(tenant: TenantId) -> String {
    format!("compaction.wish.{tenant}")
}

/// How compaction stood when it was last looked at.
///
/// # Errors
/// Of the catalog.
pub fn compaction_state(catalog: &dyn Catalog, tenant: TenantId) -> Result<CompactionState> {
    let known = catalog.setting(&state_key(tenant))?;
    Ok(known.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default())
}

/// Asks the running server for a run within seconds.
///
/// # Errors
/// Of the catalog.
pub fn want_compaction(
    catalog: &dyn Catalog,
    tenant: TenantId,
    wish: CompactionWish,
    now: Timestamp,
) -> Result<()> {
    let kind = match wish {
        CompactionWish::All => ALL,
        // What a person asked for stays.
        CompactionWish::Due if compaction_wish(catalog, tenant)? == Some(CompactionWish::All) => {
            ALL
        }
        CompactionWish::Due => DUE,
    };
    // With its moment: what is wished while a run goes on is not taken for done.
    Ok(catalog.set_setting(&wish_key(tenant), &format!("{kind} {}", now.as_micros()))?)
}

/// What was asked for and is not done yet.
///
/// # Errors
/// Of the catalog.
pub fn compaction_wish(catalog: &dyn Catalog, tenant: TenantId) -> Result<Option<CompactionWish>> {
    Ok(catalog.setting(&wish_key(tenant))?.as_deref().and_then(wish_of))
}

fn wish_of(text: &str) -> Option<CompactionWish> {
    match text.split_once(' ')?.0 {
        ALL => Some(CompactionWish::All),
        DUE => Some(CompactionWish::Due),
        _ => None,
    }
}

/// Looks at all packs of a tenant; changes nothing. Reads the key tables that changed.
///
/// # Errors
/// When a pack cannot be read at all.
pub fn reclaimable(vault: &Vault, tenant: TenantId) -> Result<Reclaimable> {
    let mut sum = Reclaimable::default();
    for pack in vault.packs(tenant)? {
        sum.add(&vault.pack_space(tenant, pack)?);
    }
    Ok(sum)
}

/// Compacts the tenants' packs.
pub struct Compactor {
    pub vault: Arc<Vault>,
    pub catalog: Arc<dyn Catalog>,
    pub clock: Arc<dyn Clock>,
    pub rules: CompactionRules,
}

impl Compactor {
    /// One run over the packs of a tenant: those that give most come first. Bounded by the rules; what is left
    /// comes with the next run. `pace` is called with the bytes of each entry and may wait. May be repeated; a
    /// crash leaves each pack as it was or as it becomes. The state is saved when this returns.
    ///
    /// # Errors
    /// When the vault or the catalog cannot be read, or the disk is full.
    pub fn run(
        &self,
        tenant: TenantId,
        pace: &mut dyn FnMut(u64),
        stopping: &dyn Fn() -> bool,
    ) -> Result<CompactionState> {
        let now = self.clock.now();
        let wished = self.catalog.setting(&wish_key(tenant))?;
        let asked = wished.as_deref().and_then(wish_of) == Some(CompactionWish::All);
        let mut state = compaction_state(&*self.catalog, tenant)?;
        (state.damaged, state.waiting) = (0, 0);
        state.findings.clear();
        let mut due = self.due(tenant, asked, now, &mut state)?;
        due.sort_by_key(|space| Reverse(space.dead_bytes));
        let mut run = CompactionRun { begun_at: now, ended_at: now, packs: 0, freed_bytes: 0 };
        let mut taken_on = 0;
        let mut failed = None;
        for (place, space) in due.iter().enumerate() {
            let over = taken_on > 0 && taken_on + space.bytes > self.rules.run_bytes_max;
            if over || stopping() {
                state.waiting = (due.len() - place) as u64;
                break;
            }
            taken_on += space.bytes;
            match self.vault.compact(tenant, space.pack, pace) {
                Ok(Compaction::Clean) => {}
                Ok(Compaction::Damaged(damage)) => {
                    state.find(CompactionFinding {
                        file: damage.file,
                        offset: damage.offset,
                        why: damage.why,
                    });
                }
                Ok(Compaction::Done(done)) => {
                    run.packs += 1;
                    run.freed_bytes += done.bytes_before.saturating_sub(done.bytes_after);
                }
                // A backup is being made.
                Ok(Compaction::Held) => {
                    state.waiting = (due.len() - place) as u64;
                    break;
                }
                Err(error) => {
                    state.waiting = (due.len() - place) as u64;
                    failed = Some(Error::Store(error));
                    break;
                }
            }
        }
        let state = self.end(tenant, state, run, failed)?;
        if state.waiting == 0 && self.catalog.setting(&wish_key(tenant))? == wished {
            self.catalog.set_setting(&wish_key(tenant), "")?;
        }
        Ok(state)
    }

    fn due(
        &self,
        tenant: TenantId,
        asked: bool,
        now: Timestamp,
        state: &mut CompactionState,
    ) -> Result<Vec<PackSpace>> {
        let mut due = Vec::new();
        for pack in self.vault.packs(tenant)? {
            match self.vault.pack_space(tenant, pack) {
                Ok(space) if self.rules.is_due(&space, asked, now) => due.push(space),
                Ok(_) => {}
                // The scrub names what is lost.
                Err(error) => state.find(CompactionFinding {
                    file: format!("{pack:08}.pack"),
                    offset: 0,
                    why: pipeline::Error::chain(&error),
                }),
            }
        }
        Ok(due)
    }

    fn end(
        &self,
        tenant: TenantId,
        mut state: CompactionState,
        mut run: CompactionRun,
        failed: Option<Error>,
    ) -> Result<CompactionState> {
        state.space = Reclaimable::default();
        for pack in self.vault.packs(tenant)? {
            if let Ok(space) = self.vault.pack_space(tenant, pack) {
                state.space.add(&space);
            }
        }
        run.ended_at = self.clock.now();
        state.at = Some(run.ended_at);
        if run.packs > 0 {
            state.last_run = Some(run);
            let CompactionRun { packs, freed_bytes, .. } = run;
            tracing::info!(tenant.id = %tenant, packs, freed_bytes, "packs were written anew without what was erased");
        }
        for CompactionFinding { file, offset, why } in &state.findings {
            tracing::error!(tenant.id = %tenant, file, offset, why, "a damaged pack is not compacted");
        }
        let json = serde_json::to_string(&state).map_err(Error::Json)?;
        self.catalog.set_setting(&state_key(tenant), &json)?;
        failed.map_or(Ok(state), Err)
    }
}

impl CompactionState {
    fn find(&mut self, finding: CompactionFinding) {
        self.damaged += 1;
        if self.findings.len() < NAMED_MAX {
            self.findings.push(finding);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const RULES: CompactionRules =
        CompactionRules { live_share_min: 0.7, erased_seconds_max: 86_400, run_bytes_max: 1 };

    #[test]
    fn a_pack_is_due_when_little_of_it_is_live_or_when_it_has_held_what_is_erased_for_long() {
        let space = |dead_bytes, hours: i64| PackSpace {
            pack: 1,
            bytes: 1000,
            dead_bytes,
            dead_entries: u64::from(dead_bytes > 0),
            reclaimed_bytes: 0,
            written_at: NOW.saturating_add_seconds(-3600 * hours),
        };
        let due = |dead, hours, asked| RULES.is_due(&space(dead, hours), asked, NOW);
        assert!(due(301, 0, false) && !due(300, 0, false));
        assert!(due(1, 24, false) && !due(1, 23, false));
        assert!(due(1, 0, true) && !due(0, 99, true));
        let never = CompactionRules { erased_seconds_max: 0, ..RULES };
        assert!(!never.is_due(&space(1, 9999), false, NOW));
        // A clock that was wrong once does no harm.
        assert!(!due(1, -9999, false));
    }
}
