//! Directories in the form of the API.

use crate::dto::*;
use crate::routes::search::written;

impl From<catalog::DirectoryRun> for DirectoryRun {
    fn from(run: catalog::DirectoryRun) -> Self {
        use catalog::{RunOutcome, RunTrigger};
        let problems = run.problems.into_iter().map(|problem| DirectoryProblem {
            entry: problem.entry,
            code: problem.code,
            detail: problem.detail,
        });
        Self {
            id: run.row.to_string(),
            begun_at: written(run.begun_at),
            ended_at: written(run.ended_at),
            trigger: match run.trigger {
                RunTrigger::Person => DirectoryRunTrigger::Person,
                RunTrigger::Schedule => DirectoryRunTrigger::Schedule,
            },
            full: run.full,
            outcome: match run.outcome {
                RunOutcome::Applied => DirectoryRunOutcome::Applied,
                RunOutcome::Failed => DirectoryRunOutcome::Failed,
                RunOutcome::HeldBack => DirectoryRunOutcome::HeldBack,
            },
            counts: run.counts.into(),
            problems: problems.collect(),
            problems_total: run.problems_total,
            detail: run.detail,
        }
    }
}

impl From<catalog::RunCounts> for DirectoryRunCounts {
    fn from(counts: catalog::RunCounts) -> Self {
        Self {
            entries: counts.entries,
            read: counts.read,
            groups: counts.groups,
            created: counts.created,
            adopted: counts.adopted,
            changed: counts.changed,
            enabled: counts.enabled,
            disabled: counts.disabled,
            addresses_given: counts.addresses_given,
            addresses_ended: counts.addresses_ended,
            skipped: counts.skipped,
            conflicts: counts.conflicts,
        }
    }
}

impl From<identity::directory::Step> for DirectoryStep {
    fn from(step: identity::directory::Step) -> Self {
        use identity::directory::StepState;
        Self {
            name: step.name.to_owned(),
            state: match step.state {
                StepState::Done => DirectoryStepState::Done,
                StepState::Failed => DirectoryStepState::Failed,
                StepState::Warning => DirectoryStepState::Warning,
            },
            detail: step.detail,
            code: step.code.to_owned(),
            certificate: step.certificate.map(|facts| DirectoryCertificate {
                subject: facts.subject,
                issuer: facts.issuer,
                valid_until: facts.valid_until.map(written),
                sha256: facts.sha256,
            }),
        }
    }
}

impl From<Vec<identity::directory::Step>> for DirectoryTestAnswer {
    fn from(steps: Vec<identity::directory::Step>) -> Self {
        let failed =
            |step: &identity::directory::Step| step.state == identity::directory::StepState::Failed;
        // An earlier host may have failed before a later one did well.
        let ok = steps.last().is_some_and(|last| !failed(last));
        Self { ok, steps: steps.into_iter().map(DirectoryStep::from).collect() }
    }
}

impl From<identity::directory::Preview> for DirectoryPreview {
    fn from(preview: identity::directory::Preview) -> Self {
        use identity::directory::PlannedKind;
        let planned = preview.planned.into_iter().map(|planned| DirectoryPlanned {
            kind: match planned.kind {
                PlannedKind::AddressEnded => DirectoryPlannedKind::AddressEnded,
                PlannedKind::AddressGiven => DirectoryPlannedKind::AddressGiven,
                PlannedKind::Adopt => DirectoryPlannedKind::Adopt,
                PlannedKind::Change => DirectoryPlannedKind::Change,
                PlannedKind::Create => DirectoryPlannedKind::Create,
                PlannedKind::Disable => DirectoryPlannedKind::Disable,
                PlannedKind::Enable => DirectoryPlannedKind::Enable,
            },
            user_name: planned.user_name,
            detail: planned.detail,
        });
        Self {
            run: preview.run.into(),
            planned: planned.collect(),
            planned_total: preview.planned_total,
        }
    }
}
