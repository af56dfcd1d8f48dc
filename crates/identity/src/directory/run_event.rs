//! What the audit log says about runs.

use catalog::{AuditEvent, AuditOutcome, Directory, DirectoryChanges, DirectoryRun, RunOutcome};
use model::AccountId;

use super::desk::By;
use super::plan::AUDIT_IDS_MAX;

/// What stands in the audit log about a run: counts, and the ids of accounts, also of those that
/// earlier portions of it created.
pub(super) fn audit(
    directory: &Directory,
    by: &By,
    run: &DirectoryRun,
    changes: &DirectoryChanges,
    created_before: &[AccountId],
) -> AuditEvent {
    let applied = run.outcome == RunOutcome::Applied;
    let ids = |list: &mut dyn Iterator<Item = AccountId>| -> Vec<String> {
        list.take(if applied { AUDIT_IDS_MAX } else { 0 }).map(|id| id.to_string()).collect()
    };
    let outcome = match run.outcome {
        RunOutcome::Applied => AuditOutcome::Done,
        RunOutcome::Failed => AuditOutcome::Failed,
        RunOutcome::HeldBack => AuditOutcome::Denied,
    };
    let counts = &run.counts;
    let detail = serde_json::json!({
        "run": if run.full { "full" } else { "changed" },
        "counts": counts,
        "created": ids(&mut created_before.iter().copied().chain(changes.added.iter().map(|it| it.id))),
        "adopted": ids(&mut changes.adopted.iter().copied()),
        "changed": ids(&mut changes.updated.iter().filter(|it| !it.disabled).map(|it| it.id)),
        "disabled": ids(&mut changes.updated.iter().filter(|it| it.disabled).map(|it| it.id)),
        "addressesGiven": ids(&mut changes.given.iter().map(|(id, _)| *id)),
        "addressesEnded": ids(&mut changes.ended.iter().map(|(id, _)| *id)),
        "problems": run.problems_total,
        "why": run.detail,
    });
    AuditEvent {
        at: run.ended_at,
        tenant: Some(directory.tenant),
        account: by.account,
        who: by.who.clone(),
        action: "directory.sync".to_owned(),
        object: directory.id.to_string(),
        detail,
        reason: None,
        outcome,
        ip: by.ip,
    }
}
