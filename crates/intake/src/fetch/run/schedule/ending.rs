//! What a run leaves behind.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use catalog::{
    FetchOutcome, FetchRun, FetchSource, FetchState, LedgerKind, NewLedgerEvent, Reconciliation,
};
use model::Timestamp;

use super::state::{Run, Trouble, Unit};
use super::{Purpose, RunTrigger, Shared, waiting};
use crate::fetch::FetchError;

/// The longest wait after failures, in seconds.
const REST_SECONDS_MAX: i64 = 3600;

/// The shortest wait after a refused sign-in, in seconds: servers lock accounts.
const REFUSED_SECONDS_MIN: i64 = 300;

/// A server's hint is obeyed up to a day, in seconds.
const HINT_SECONDS_MAX: i64 = 86_400;

/// Characters of a reason that are kept.
const DETAIL_CHARS_MAX: usize = 500;

impl Shared {
    pub(super) fn mailbox_done(self: &Arc<Self>, unit: &Unit, done: &Result<(), FetchError>) {
        let Unit { run, target, .. } = unit;
        let id = run.source.source.id;
        let stopped = matches!(done, Err(FetchError::Stopped));
        run.tally.change(|live| {
            live.mailboxes_done += 1;
            live.mailboxes_failed += u32::from(done.is_err() && !stopped);
        });
        let now = self.parts.clock.now();
        let mut state = self.locked();
        let Some(slot) = state.slots.get_mut(&id) else { return };
        match done {
            Ok(()) => {
                slot.resting.remove(&target.mailbox);
                if run.purpose == Purpose::Poll {
                    waiting::begin(self, &mut state, target);
                }
            }
            Err(_) if stopped => {}
            Err(error) => {
                run.trouble(&target.mailbox, error);
                // A source of one mailbox rests as a whole.
                if !target.mailbox.is_empty() {
                    let before = slot.resting.get(&target.mailbox).map_or(0, |(count, _)| *count);
                    let wait = rest(&run.source, before + 1, error.kind().code(), None);
                    let at = now.saturating_add_seconds(wait);
                    slot.resting.insert(target.mailbox.clone(), (before + 1, at));
                }
            }
        }
    }

    /// All mailboxes are done.
    pub(super) fn end(self: &Arc<Self>, run: &Arc<Run>) {
        let now = self.parts.clock.now();
        let id = run.source.source.id;
        if run.skip.load(Ordering::SeqCst) {
            self.set_free(run, None, now);
            return;
        }
        let (live, troubles) = (run.tally.live(), run.troubles());
        let stopped = run.stop.load(Ordering::SeqCst);
        let outcome = match (troubles.is_empty(), stopped) {
            (_, true) => FetchOutcome::Stopped,
            (true, false) => FetchOutcome::Done,
            (false, false) => FetchOutcome::Failed,
        };
        let figures = &self.figures;
        figures.polls.fetch_add(1, Ordering::Relaxed);
        figures.failed_polls.fetch_add(usize::from(!troubles.is_empty()), Ordering::Relaxed);
        let seen = usize::try_from(live.counts.seen).unwrap_or(usize::MAX);
        figures.mails.fetch_add(seen, Ordering::Relaxed);
        figures.octets.fetch_add(usize::try_from(live.bytes).unwrap_or(0), Ordering::Relaxed);
        let first = troubles.first();
        let all_failed = live.mailboxes_failed > 0 && live.mailboxes_failed >= live.mailboxes;
        let writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.state_of(run);
        let mut state = before.clone();
        match outcome {
            FetchOutcome::Done => {
                state = FetchState {
                    paused: state.paused,
                    reconciled_at: state.reconciled_at,
                    ..FetchState::default()
                };
            }
            FetchOutcome::Failed => failed(&mut state, run, first, now, all_failed),
            FetchOutcome::Stopped => {}
        }
        if let Purpose::Reconcile { by } = &run.purpose
            && outcome != FetchOutcome::Stopped
        {
            state.reconciled_at = Some(now);
            self.report(run, by, first, now);
        }
        let leaves_row = live.counts.seen > 0
            || outcome != FetchOutcome::Done
            || run.trigger == RunTrigger::Person
            || before.failures > 0;
        let recount = leaves_row || before.left > 0;
        let counted = recount.then(|| self.parts.catalog.count_left(id)).and_then(Result::ok);
        (state.left, state.damaged) = counted.unwrap_or((before.left, before.damaged));
        state.last_success_at = match outcome {
            FetchOutcome::Done if leaves_row => Some(now),
            _ => before.last_success_at,
        };
        if leaves_row {
            self.write(run, outcome, first, now);
        }
        if state != before
            && let Err(error) = self.parts.catalog.put_fetch_state(id, &state)
        {
            tracing::warn!(source.id = %id, %error, "the state of a source is not kept");
        }
        drop(writing);
        self.set_free(run, Some(state), now);
    }

    fn state_of(&self, run: &Run) -> FetchState {
        let state = self.locked();
        let slot = state.slots.get(&run.source.source.id);
        slot.map_or_else(|| run.source.state.clone(), |slot| slot.source.state.clone())
    }

    /// The slot can begin another run.
    fn set_free(&self, run: &Run, changed: Option<FetchState>, now: Timestamp) {
        let mut state = self.locked();
        if let Some(slot) = state.slots.get_mut(&run.source.source.id) {
            slot.run = None;
            if let Some(changed) = changed {
                let paused = slot.source.state.paused;
                let next_at = changed.next_at;
                let mut source = FetchSource::clone(&slot.source);
                source.state = FetchState { paused, ..changed };
                let stopped = run.stop.load(Ordering::SeqCst);
                slot.source = Arc::new(source);
                if !stopped {
                    slot.polled_at = Some(now);
                    let news = std::mem::take(&mut slot.news);
                    slot.due_at = match next_at {
                        Some(at) => at,
                        None if news => now,
                        None => on_time(run, now),
                    };
                }
            } else {
                slot.due_at = on_time(run, now);
            }
        }
        drop(state);
        self.changed.notify_all();
    }

    fn write(&self, run: &Run, outcome: FetchOutcome, first: Option<&Trouble>, now: Timestamp) {
        let live = run.tally.live();
        let source = &run.source.source;
        tracing::info!(
            target: "mail",
            {
                tenant.id = %source.tenant,
                source.id = %source.id,
                outcome = ?outcome,
                seen = live.counts.seen,
                archived = live.counts.archived,
                known = live.counts.known,
                merged = live.counts.merged,
                left = live.counts.left,
                failed = live.counts.failed,
                error = first.map_or("", |trouble| trouble.code),
            },
            "mailbox fetched"
        );
        let row = FetchRun {
            row: 0,
            source: source.id,
            begun_at: run.begun_at,
            ended_at: now,
            trigger: run.trigger,
            outcome,
            counts: live.counts,
            bytes: live.bytes,
            mailboxes_failed: live.mailboxes_failed,
            error: first.map(|trouble| trouble.code.to_owned()),
            detail: first.map_or_else(String::new, detail),
        };
        if let Err(error) = self.parts.catalog.add_fetch_run(row) {
            tracing::warn!(source.id = %source.id, %error, "a run is not written down");
        }
    }

    /// Leaves the report of completeness, with its event in the ledger.
    fn report(&self, run: &Run, by: &str, first: Option<&Trouble>, now: Timestamp) {
        let (sums, live, source) = (run.compared.sums(), run.tally.live(), &run.source.source);
        let facts = serde_json::json!({
            "report": "reconciliation",
            "source": source.id,
            "by": by,
            "begunAt": run.begun_at,
            "endedAt": now,
            "listed": sums.listed,
            "present": sums.present,
            "missing": sums.missing,
            "counts": live.counts,
            "named": sums.named.len(),
            "complete": first.is_none(),
        });
        let event = NewLedgerEvent::new(LedgerKind::Report, now, facts);
        let appended = self.parts.catalog.append_ledger(source.tenant, &[event]);
        let ledger_seq = match appended {
            Ok(numbers) => numbers.first().copied(),
            Err(error) => {
                tracing::warn!(source.id = %source.id, %error, "a report has no ledger event");
                None
            }
        };
        let report = Reconciliation {
            row: 0,
            source: source.id,
            begun_at: run.begun_at,
            ended_at: now,
            by: by.to_owned(),
            listed: sums.listed,
            present: sums.present,
            missing: sums.missing,
            counts: live.counts,
            named: sums.named,
            detail: first.map_or_else(String::new, detail),
            ledger_seq,
        };
        if let Err(error) = self.parts.catalog.add_reconciliation(report, &[]) {
            tracing::warn!(source.id = %source.id, %error, "a report is not written down");
        }
    }
}

fn failed(
    state: &mut FetchState,
    run: &Run,
    first: Option<&Trouble>,
    now: Timestamp,
    all_failed: bool,
) {
    state.failures = state.failures.saturating_add(1);
    state.failing_since = state.failing_since.or(Some(now));
    state.error = first.map(|trouble| trouble.code.to_owned());
    state.detail = first.map_or_else(String::new, detail);
    // One mailbox of many rests by itself; the others go on.
    state.next_at = all_failed.then(|| {
        let code = first.map_or("", |trouble| trouble.code);
        let hint = first.and_then(|trouble| trouble.retry_after);
        now.saturating_add_seconds(rest(&run.source, state.failures, code, hint))
    });
}

/// Seconds until the next try after `failures` in a row.
fn rest(source: &FetchSource, failures: u32, code: &str, hint: Option<std::time::Duration>) -> i64 {
    let interval = i64::from(source.config.every_minutes.max(1)) * 60;
    let doubled = interval.saturating_mul(1 << (failures.saturating_sub(1)).min(10));
    let least = if code == "sign-in-refused" { REFUSED_SECONDS_MIN } else { 0 };
    let hint = hint.map_or(0, |hint| i64::try_from(hint.as_secs()).unwrap_or(HINT_SECONDS_MAX));
    doubled.min(REST_SECONDS_MAX.max(interval)).max(least).max(hint.min(HINT_SECONDS_MAX))
}

/// The next run: after the interval and up to a tenth more, so that sources that began together
/// drift apart.
fn on_time(run: &Run, now: Timestamp) -> Timestamp {
    let interval = i64::from(run.source.config.every_minutes.max(1)) * 60;
    let id = run.source.source.id;
    let seed = id
        .as_bytes()
        .iter()
        .fold(now.as_micros(), |seed, octet| seed.wrapping_mul(31).wrapping_add(i64::from(*octet)));
    now.saturating_add_seconds(interval + seed.rem_euclid(interval / 10 + 1))
}

fn detail(trouble: &Trouble) -> String {
    let mailbox = if trouble.mailbox.is_empty() { "" } else { ": " };
    let text = format!("{}{mailbox}{}", trouble.mailbox, trouble.text);
    text.chars().take(DETAIL_CHARS_MAX).collect()
}
