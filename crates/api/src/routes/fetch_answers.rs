//! Sources that are fetched, in the form of the API.

use crate::dto::*;
use crate::fetching::FetchDesk;
use crate::routes::search::written;
use crate::routes::sources::shown_rules;

pub fn shown(desk: &dyn FetchDesk, source: catalog::FetchSource) -> FetchSource {
    let status = desk.status(source.source.id);
    let (state, live, polled_at, next_at) = match status {
        Some(status) => (status.state, status.live, status.polled_at, status.next_at),
        None => (source.state, None, None, None),
    };
    FetchSource {
        id: source.source.id.to_string(),
        rules: shown_rules(&source.source.rules),
        name: source.source.name,
        config: source.config,
        has_password: source.secrets.password.is_some(),
        has_client_secret: source.secrets.client_secret.is_some(),
        has_client_key: source.secrets.client_key.is_some(),
        left: state.left,
        state: FetchState {
            paused: state.paused,
            failures: state.failures,
            failing_since: state.failing_since.map(written),
            error: state.error,
            detail: state.detail,
            next_at: next_at.or(state.next_at).map(written),
            last_success_at: state.last_success_at.map(written),
            reconciled_at: state.reconciled_at.map(written),
        },
        running: live.is_some(),
        live,
        polled_at: polled_at.map(written),
    }
}

impl From<catalog::FetchCounts> for FetchCounts {
    fn from(counts: catalog::FetchCounts) -> Self {
        Self {
            seen: counts.seen,
            archived: counts.archived,
            known: counts.known,
            merged: counts.merged,
            quarantined: counts.quarantined,
            left: counts.left,
            failed: counts.failed,
        }
    }
}

impl From<catalog::FetchRun> for FetchRun {
    fn from(run: catalog::FetchRun) -> Self {
        use catalog::{FetchOutcome, RunTrigger};
        Self {
            id: run.row.to_string(),
            begun_at: written(run.begun_at),
            ended_at: written(run.ended_at),
            trigger: match run.trigger {
                RunTrigger::Person => "person",
                RunTrigger::Schedule => "schedule",
            }
            .to_owned(),
            outcome: match run.outcome {
                FetchOutcome::Done => "done",
                FetchOutcome::Failed => "failed",
                FetchOutcome::Stopped => "stopped",
            }
            .to_owned(),
            counts: run.counts.into(),
            bytes: run.bytes,
            mailboxes_failed: run.mailboxes_failed,
            error: run.error,
            detail: run.detail,
        }
    }
}

impl From<catalog::LeftMail> for LeftMail {
    fn from(mail: catalog::LeftMail) -> Self {
        use catalog::LeftReason;
        Self {
            id: mail.row.to_string(),
            mailbox: mail.mailbox,
            folder: mail.folder,
            key: mail.key.to_string(),
            size_bytes: mail.size_bytes,
            reason: match mail.reason {
                LeftReason::Failed => "failed",
                LeftReason::GivenUp => "given-up",
                LeftReason::NotRemoved => "not-removed",
                LeftReason::NotSelected => "not-selected",
                LeftReason::TooLarge => "too-large",
            }
            .to_owned(),
            detail: mail.detail,
            tries: mail.tries,
            first_at: written(mail.first_at),
            next_at: mail.next_at.map(written),
        }
    }
}

impl From<catalog::Reconciliation> for Reconciliation {
    fn from(report: catalog::Reconciliation) -> Self {
        let named = report.named.into_iter().map(|mail| MissingMail {
            mailbox: mail.mailbox,
            folder: mail.folder,
            key: mail.key.to_string(),
            message_id: mail.message_id,
            size_bytes: mail.size_bytes,
            received_at: mail.received_at.map(written),
            outcome: mail.outcome,
        });
        Self {
            id: report.row.to_string(),
            begun_at: written(report.begun_at),
            ended_at: written(report.ended_at),
            by: report.by,
            listed: report.listed,
            present: report.present,
            missing: report.missing,
            counts: report.counts.into(),
            named: named.collect(),
            detail: report.detail,
            ledger_seq: report.ledger_seq,
        }
    }
}
