//! Proposals, and what other persons say to them.

use std::collections::BTreeSet;

use catalog::{
    Catalog, DisposalDetail, DisposalItem, DisposalRun, DisposalState, ITEMS_AT_ONCE, ItemState,
    LeftOut, NamedApproval,
};
use model::{AccountId, DisposalRunId, RecordId, TenantId, Timestamp};
use pipeline::Progress;
use policy::retain::{DisposalApproval, Ground, PolicySet, in_force};

use super::survey::{each, is_due, suspended};
use super::{Classifier, RetentionParts};
use crate::{Error, Result};

/// Records of one erasure.
pub const ERASURE_RECORDS_MAX: usize = 1_000;
/// Characters of a reason.
const REASON_CHARS_MAX: usize = policy::retain::DISPOSAL_REASON_CHARS_MAX;

/// Who proposes what, and why.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Drawn by the caller.
    pub id: DisposalRunId,
    /// None: all.
    pub classes: Vec<String>,
    pub reason: String,
    pub by: AccountId,
    /// The user name.
    pub name: String,
}

/// Single mails that a court or the person concerned wants destroyed.
#[derive(Clone, Debug)]
pub struct NewErasure {
    pub id: DisposalRunId,
    /// At most [`ERASURE_RECORDS_MAX`].
    pub records: Vec<RecordId>,
    /// With reference and reason.
    pub ground: Ground,
    pub by: AccountId,
    pub name: String,
}

/// The version that is in force.
///
/// # Errors
/// [`Error::NoPolicies`]; of the catalog.
pub(super) fn set_in_force(
    catalog: &dyn Catalog,
    tenant: TenantId,
    now: Timestamp,
) -> Result<PolicySet> {
    let sets = catalog.retention_sets(tenant)?;
    let sets: Vec<PolicySet> = sets.into_iter().map(|row| row.set).collect();
    in_force(&sets, now).cloned().ok_or(Error::NoPolicies)
}

/// Begins a proposal of everything whose period is over; [`complete_proposal`] fills it.
///
/// # Errors
/// [`Error::NoPolicies`], [`Error::NoReason`]; of the catalog.
pub fn begin_run(
    catalog: &dyn Catalog,
    tenant: TenantId,
    new: &NewRun,
    now: Timestamp,
) -> Result<DisposalRun> {
    if !is_said(&new.reason) {
        return Err(Error::NoReason);
    }
    let set = set_in_force(catalog, tenant, now)?;
    let run = DisposalRun {
        id: new.id,
        state: DisposalState::Proposing,
        detail: DisposalDetail {
            ground: Ground::PeriodOver,
            classes: new.classes.iter().map(|class| class.trim().to_lowercase()).collect(),
            version: Some(set.version()),
            reason: new.reason.clone(),
            proposed_by: new.by,
            proposer: new.name.clone(),
            proposed_at: now,
            left_out: LeftOut::default(),
            approvals: Vec::new(),
            refusal: None,
            ended_at: None,
        },
        items: 0,
        bytes: 0,
        disposed: 0,
        kept: 0,
    };
    catalog.add_disposal_run(tenant, &run)?;
    Ok(run)
}

/// Looks for what a proposal is about: mail whose period is over, but for what is held or
/// suspended. Repeated after a crash, which adds nothing twice.
///
/// # Errors
/// [`Error::NoPolicies`]; of catalog and index.
pub fn complete_proposal(
    parts: &RetentionParts,
    tenant: TenantId,
    id: DisposalRunId,
    progress: &dyn Progress,
) -> Result<()> {
    let now = parts.clock.now();
    let Some(mut run) = parts.catalog.disposal_run(tenant, id)? else { return Ok(()) };
    if run.state != DisposalState::Proposing {
        return Ok(());
    }
    let set = set_in_force(&*parts.catalog, tenant, now)?;
    let suspended = suspended(&*parts.catalog, tenant)?;
    let classifier = Classifier::new(parts, tenant, &set, now)?;
    let mut left_out = LeftOut::default();
    each(parts, tenant, classifier.needs(), progress, |mails| {
        let mut items = Vec::new();
        for (mail, verdict) in mails.iter().zip(classifier.verdicts(mails)?) {
            left_out.undetermined += u64::from(verdict.is_err());
            if !is_due(&verdict, now) {
                continue;
            }
            let Ok(verdict) = verdict else { continue };
            if !run.detail.classes.is_empty() && !run.detail.classes.contains(&verdict.class) {
                continue;
            }
            if suspended.contains(&verdict.class) {
                left_out.suspended += 1;
                continue;
            }
            items.push(DisposalItem {
                record: mail.record,
                state: ItemState::Waiting,
                verdict: Some(verdict),
                received_at: mail.received_at,
                size_bytes: mail.size_bytes,
                why: None,
            });
        }
        let asked: Vec<RecordId> = items.iter().map(|item| item.record).collect();
        let held: BTreeSet<RecordId> =
            parts.catalog.holds_on(tenant, &asked)?.into_iter().map(|(record, _)| record).collect();
        items.retain(|item| !held.contains(&item.record));
        left_out.held += held.len() as u64;
        for some in items.chunks(ITEMS_AT_ONCE) {
            parts.catalog.add_disposal_items(tenant, id, some)?;
        }
        Ok(())
    })?;
    if progress.is_cancelled() {
        return Ok(());
    }
    run.state = DisposalState::Proposed;
    run.detail.version = Some(set.version());
    run.detail.left_out = left_out;
    parts.catalog.change_disposal_run(tenant, DisposalState::Proposing, 0, &run)?;
    Ok(())
}

/// Proposes that single mails be destroyed, whatever their period.
///
/// # Errors
/// [`Error::NoReason`] without reference and reason; [`Error::UnknownRecord`] when one of them is
/// not there; [`Error::Held`] when a legal hold is on one.
pub fn propose_erasure(
    catalog: &dyn Catalog,
    tenant: TenantId,
    new: &NewErasure,
    now: Timestamp,
) -> Result<DisposalRun> {
    let reason = match &new.ground {
        Ground::CourtOrder { reason, .. } | Ground::RightToErasure { reason, .. } => reason.clone(),
        Ground::PeriodOver => return Err(Error::NoReason),
    };
    if !new.ground.is_complete() {
        return Err(Error::NoReason);
    }
    if new.records.is_empty() || new.records.len() > ERASURE_RECORDS_MAX {
        return Err(Error::UnknownRecord);
    }
    let wanted: BTreeSet<RecordId> = new.records.iter().copied().collect();
    let wanted: Vec<RecordId> = wanted.into_iter().collect();
    let mails = catalog.retained(tenant, &wanted)?;
    if mails.len() < wanted.len() {
        return Err(Error::UnknownRecord);
    }
    if !catalog.holds_on(tenant, &wanted)?.is_empty() {
        return Err(Error::Held);
    }
    let items: Vec<DisposalItem> = mails
        .iter()
        .map(|mail| DisposalItem {
            record: mail.record,
            state: ItemState::Waiting,
            verdict: None,
            received_at: mail.received_at,
            size_bytes: mail.size_bytes,
            why: None,
        })
        .collect();
    let mut run = DisposalRun {
        id: new.id,
        state: DisposalState::Withdrawn,
        detail: DisposalDetail {
            reason,
            ground: new.ground.clone(),
            classes: Vec::new(),
            version: None,
            proposed_by: new.by,
            proposer: new.name.clone(),
            proposed_at: now,
            left_out: LeftOut::default(),
            approvals: Vec::new(),
            refusal: None,
            ended_at: None,
        },
        items: items.len() as u64,
        bytes: items.iter().map(|item| item.size_bytes).sum(),
        disposed: 0,
        kept: 0,
    };
    // A crash before its items are there leaves it withdrawn.
    catalog.add_disposal_run(tenant, &run)?;
    catalog.add_disposal_items(tenant, new.id, &items)?;
    run.state = DisposalState::Proposed;
    catalog.change_disposal_run(tenant, DisposalState::Withdrawn, 0, &run)?;
    Ok(run)
}

/// Writes down what a person says to a proposal. With the last approval that it takes it is
/// [`DisposalState::Running`]: the caller lets it run. Whoever proposed it can only withdraw it.
///
/// # Errors
/// [`Error::NotProposed`] when it does not wait (any more); [`Error::OwnProposal`],
/// [`Error::NoReason`]; of the catalog.
pub fn decide(
    catalog: &dyn Catalog,
    tenant: TenantId,
    id: DisposalRunId,
    approve: bool,
    said: NamedApproval,
) -> Result<DisposalRun> {
    let mut run = catalog.disposal_run(tenant, id)?.ok_or(Error::NotProposed)?;
    if run.state != DisposalState::Proposed {
        return Err(Error::NotProposed);
    }
    if !is_said(&said.approval.reason) {
        return Err(Error::NoReason);
    }
    let seen = run.detail.approvals.len();
    let own = said.approval.by == run.detail.proposed_by;
    match (approve, own) {
        (true, true) => return Err(Error::OwnProposal),
        (true, false) if has_approved(&run, &said.approval) => return Ok(run),
        (true, false) => {
            run.detail.approvals.push(said);
            if run.detail.approvals.len() >= run.detail.ground.approvals() {
                run.state = DisposalState::Running;
            }
        }
        (false, own) => {
            run.state = if own { DisposalState::Withdrawn } else { DisposalState::Rejected };
            run.detail.ended_at = Some(said.approval.at);
            run.detail.refusal = Some(said);
        }
    }
    let changed = catalog.change_disposal_run(tenant, DisposalState::Proposed, seen, &run)?;
    if changed { Ok(run) } else { Err(Error::NotProposed) }
}

fn has_approved(run: &DisposalRun, approval: &DisposalApproval) -> bool {
    run.detail.approvals.iter().any(|one| one.approval.by == approval.by)
}

fn is_said(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= REASON_CHARS_MAX
}
