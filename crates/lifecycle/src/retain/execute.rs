//! The end of mail. The order is law: catalog and ledger in one transaction → the ledger's note in
//! the vault → keys erased → index → settled. A crash between any two steps is taken up where it
//! came: what waits stands in the catalog.

use std::collections::{BTreeMap, BTreeSet};

use catalog::{
    Disposal, DisposalItem, DisposalRun, DisposalState, Disposed, Erasure, ItemState, RetainedMail,
    StoredRecord,
};
use model::{ContentId, DisposalRunId, Location, RecordId, TenantId, Timestamp};
use pipeline::Progress;
use policy::retain::{DisposalCase, DispositionOrder, HoldState, PolicySet, Verdict, may_dispose};
use store::{Bundle, StoreError};

use super::propose::set_in_force;
use super::survey::suspended;
use super::{Classifier, RetentionParts};
use crate::{CompactionWish, Error, Result, want_compaction};

/// Mails that leave the catalog in one transaction.
const AT_ONCE: u32 = 200;
/// Keys that are erased at once.
const ERASED_AT_ONCE: u32 = 2_000;
/// Holders whose parts are looked up at once.
const UNKNOWN_AT_ONCE: u32 = 500;

/// Executes an approved run: decides once more about each mail, destroys it or writes down why it
/// stays. May be repeated after whatever interruption; `false`: it was cancelled and goes on with
/// the next call.
///
/// # Errors
/// [`Error::Behind`] while the index has not seen all mail; of vault, catalog, ledger and index.
pub fn execute(
    parts: &RetentionParts,
    tenant: TenantId,
    id: DisposalRunId,
    progress: &dyn Progress,
) -> Result<bool> {
    let mut run = parts.catalog.disposal_run(tenant, id)?.ok_or(Error::NotProposed)?;
    if run.state != DisposalState::Running {
        return Ok(true);
    }
    complete_part_uses(parts, tenant)?;
    finish_erasures(parts, tenant)?;
    progress.total(run.items);
    let mut done = run.disposed + run.kept;
    loop {
        progress.done(done);
        if progress.is_cancelled() {
            return Ok(false);
        }
        let waiting = Some(ItemState::Waiting);
        let items = parts.catalog.disposal_items(tenant, id, waiting, None, AT_ONCE)?;
        if items.is_empty() {
            break;
        }
        dispose_of(parts, tenant, &run, &items)?;
        finish_erasures(parts, tenant)?;
        done += items.len() as u64;
    }
    // Nothing that went is left in what the index and the catalog wrote earlier.
    parts.index.purge(tenant)?;
    if !parts.catalog.forget_removed()? {
        // Somebody reads what was before; the run ends when that is over.
        return Err(Error::Reading);
    }
    want_compaction(&*parts.catalog, tenant, CompactionWish::Due, parts.clock.now())?;
    let seen = run.detail.approvals.len();
    run.state = DisposalState::Done;
    run.detail.ended_at = Some(parts.clock.now());
    parts.catalog.change_disposal_run(tenant, DisposalState::Running, seen, &run)?;
    Ok(true)
}

/// Erases the keys of what left the catalog, and takes it out of the index.
///
/// # Errors
/// Of ledger, vault, index and catalog: what was not settled is done again.
pub fn finish_erasures(parts: &RetentionParts, tenant: TenantId) -> Result<()> {
    loop {
        let pending = parts.catalog.pending_erasures(tenant, ERASED_AT_ONCE)?;
        if pending.is_empty() {
            return Ok(());
        }
        // Without its note a rebuild would take a half-erased mail for damage.
        parts.ledger.flush(tenant)?;
        fail::fail_point!("lifecycle.dispose.noted");
        let places: Vec<Location> = pending.iter().map(|one| one.location).collect();
        parts.vault.erase(tenant, &places)?;
        fail::fail_point!("lifecycle.dispose.erased");
        let records = without_present(parts, tenant, &pending)?;
        parts.index.remove(tenant, &records)?;
        parts.index.commit(tenant)?;
        (parts.forget)(tenant, &records);
        fail::fail_point!("lifecycle.dispose.index");
        parts.catalog.settle_erasures(tenant, &pending)?;
        fail::fail_point!("lifecycle.dispose.settled");
    }
}

/// The records of the erasures, but for those that came into the archive again meanwhile.
fn without_present(
    parts: &RetentionParts,
    tenant: TenantId,
    pending: &[Erasure],
) -> Result<Vec<RecordId>> {
    let records: BTreeSet<RecordId> = pending.iter().map(|one| one.record).collect();
    let records: Vec<RecordId> = records.into_iter().collect();
    let present = parts.catalog.existing(tenant, &records)?;
    Ok(records.into_iter().filter(|record| !present.contains(record)).collect())
}

fn dispose_of(
    parts: &RetentionParts,
    tenant: TenantId,
    run: &DisposalRun,
    items: &[DisposalItem],
) -> Result<()> {
    let now = parts.clock.now();
    let ids: Vec<RecordId> = items.iter().map(|item| item.record).collect();
    // A mail that the index gets only after it went would stay in it.
    let indexed = parts.index.indexed_through(tenant)?;
    let mails = parts.catalog.retained(tenant, &ids)?;
    let stored = parts.catalog.stored(tenant, &ids)?;
    let newest = stored.iter().flat_map(|it| &it.deliveries).map(|it| it.seq).max();
    if newest.is_some_and(|newest| newest > indexed) {
        return Err(Error::Behind);
    }
    let verdicts = verdicts(parts, tenant, run, &mails, now)?;
    let held = parts.catalog.holds_on(tenant, &ids)?;
    let suspended = suspended(&*parts.catalog, tenant)?;
    let mut kept: Vec<(RecordId, String)> = Vec::new();
    let mut disposals = Vec::new();
    for id in ids {
        let Some(stored) = stored.iter().find(|it| it.list.record == id) else {
            kept.push((id, "it is not in the archive any more".to_owned()));
            continue;
        };
        let verdict = verdicts.get(&id);
        let is_held = held.iter().any(|(record, _)| *record == id);
        let case = DisposalCase {
            tenant,
            record: id,
            ground: &run.detail.ground,
            verdict,
            holds: if is_held { HoldState::Held } else { HoldState::Free },
            suspended: verdict.is_some_and(|it| suspended.contains(&it.class)),
            proposed_by: run.detail.proposed_by,
            approvals: &run.approvals(),
        };
        match may_dispose(&case, now) {
            Err(why) => kept.push((id, why.to_string())),
            Ok(order) => match disposal(parts, run, order, stored) {
                Ok(disposal) => disposals.push(disposal),
                Err(Error::Damaged(why)) => kept.push((id, why)),
                Err(error) => return Err(error),
            },
        }
    }
    let outcomes = parts.catalog.dispose(tenant, &disposals, now)?;
    fail::fail_point!("lifecycle.dispose.catalog");
    for (disposal, outcome) in disposals.iter().zip(outcomes) {
        let why = match outcome {
            Disposed::Gone { .. } => continue,
            Disposed::Held => policy::retain::NotDisposable::Held.to_string(),
            Disposed::Unknown => "it is not in the archive any more".to_owned(),
        };
        kept.push((disposal.order.record(), why));
    }
    Ok(parts.catalog.keep_disposal_items(tenant, run.id, &kept)?)
}

fn verdicts(
    parts: &RetentionParts,
    tenant: TenantId,
    run: &DisposalRun,
    mails: &[RetainedMail],
    now: Timestamp,
) -> Result<BTreeMap<RecordId, Verdict>> {
    let set: Option<PolicySet> = match set_in_force(&*parts.catalog, tenant, now) {
        Ok(set) => Some(set),
        // A court's order needs no policies.
        Err(Error::NoPolicies) if run.detail.ground.is_erasure() => None,
        Err(error) => return Err(error),
    };
    let Some(set) = set else { return Ok(BTreeMap::new()) };
    let verdicts = Classifier::new(parts, tenant, &set, now)?.verdicts(mails)?;
    let known = mails.iter().zip(verdicts);
    Ok(known.filter_map(|(mail, verdict)| Some((mail.record, verdict.ok()?))).collect())
}

/// What must be known of a record before it goes. What cannot be read is not destroyed: its leaf
/// in the ledger would be lost.
fn disposal(
    parts: &RetentionParts,
    run: &DisposalRun,
    order: DispositionOrder,
    stored: &StoredRecord,
) -> Result<Disposal> {
    let tenant = order.tenant();
    let numbers: Vec<u64> = stored.deliveries.iter().map(|it| it.seq).collect();
    let kept = parts.ledger.kept_leaves(tenant, &numbers).map_err(|error| match error {
        ledger::LedgerError::Facts { .. }
        | ledger::LedgerError::Vault(StoreError::Damaged { .. }) => {
            Error::Damaged(pipeline::Error::chain(&error))
        }
        error => Error::Ledger(error),
    })?;
    let places: Vec<Location> = stored.deliveries.iter().map(|it| it.location).collect();
    let used = parts_of(parts, tenant, &places)?;
    Ok(Disposal { order, run: run.id, kept, parts: used })
}

/// The parts that bundles refer to, each once.
fn parts_of(
    parts: &RetentionParts,
    tenant: TenantId,
    places: &[Location],
) -> Result<Vec<ContentId>> {
    let mut all = BTreeSet::new();
    for place in places {
        let entry = parts.vault.read(tenant, *place).map_err(|error| match error {
            StoreError::Damaged { .. } => Error::Damaged(error.to_string()),
            error => Error::Store(error),
        })?;
        let bundle = Bundle::parse(&entry.octets)?;
        all.extend(bundle.parts());
    }
    Ok(all.into_iter().collect())
}

/// Mail that came before the use of parts was written down is read once.
fn complete_part_uses(parts: &RetentionParts, tenant: TenantId) -> Result<()> {
    loop {
        let unknown = parts.catalog.parts_unknown(tenant, UNKNOWN_AT_ONCE)?;
        if unknown.is_empty() {
            return Ok(());
        }
        let mut uses = Vec::with_capacity(unknown.len());
        for one in unknown {
            let found = match parts_of(parts, tenant, &one.entries) {
                // Its parts cannot be read through it any more.
                Err(Error::Damaged(_) | Error::Store(StoreError::Erased(_))) => Vec::new(),
                found => found?,
            };
            uses.push((one.holder, found));
        }
        parts.catalog.set_part_uses(tenant, &uses)?;
    }
}
