//! Renewals before certificates and hash algorithms end (RFC 4998 §5).

use evidence::HashAlgorithm;
use ledger::{LedgerError, RENEWED_MAX, Renewed};
use model::{TenantId, Timestamp};

use super::Sealer;

/// Events whose objects one hash-tree renewal reads again: what an interruption repeats.
const REHASHED_EVENTS_MAX: u64 = 200_000;
const DAY: i64 = 86_400;

/// When what is renewed.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// So long before an end.
    pub before_days: u32,
    /// Hash algorithms that end, and when.
    pub ends: Vec<(HashAlgorithm, Timestamp)>,
    /// Under which batches are sealed, and hash trees renewed.
    pub digest: HashAlgorithm,
}

impl Schedule {
    /// Stamps that hold until less than this are renewed.
    pub fn horizon(&self, now: Timestamp) -> Timestamp {
        now.saturating_add_seconds(i64::from(self.before_days) * DAY)
    }

    /// When a stamp that holds until `valid_until` begins to be renewed.
    pub fn renewal_of(&self, valid_until: Timestamp) -> Timestamp {
        valid_until.saturating_add_seconds(-i64::from(self.before_days) * DAY)
    }

    /// Hash algorithms that are given up now. Never the one that takes their place.
    pub fn ending(&self, now: Timestamp) -> Vec<&'static str> {
        let horizon = self.horizon(now);
        let ends = self.ends.iter().filter(|(it, at)| *at < horizon && *it != self.digest);
        ends.map(|(it, _)| it.name()).collect()
    }
}

impl Sealer {
    /// Renews what is due, hash trees first: their stamps are new as well.
    ///
    /// Each step is durable; an interrupted run goes on where it was.
    pub(super) fn renew(&self, tenant: TenantId, now: Timestamp) -> Result<(), LedgerError> {
        let ending = self.schedule.ending(now);
        if !ending.is_empty() {
            self.renew_hashes(tenant, now, &ending)?;
        }
        let horizon = self.schedule.horizon(now);
        let limit = u32::try_from(RENEWED_MAX).unwrap_or(u32::MAX);
        let mut after = 0;
        loop {
            let due = self.catalog.batches_due(tenant, after, horizon, &[], limit)?;
            let Some(last) = due.last() else { return Ok(()) };
            after = last.number;
            let renewed = self.stamped(|how| self.ledger.renew_stamps(tenant, &due, now, how))?;
            said(tenant, "time stamps are renewed", &renewed);
            // An authority whose own certificate ends within the time: not again and again.
            if renewed.valid_until.is_some_and(|until| until < horizon) {
                let why = "the authority's certificate ends within evidence.renew_before_days";
                return Err(LedgerError::Authority(why.into()));
            }
        }
    }

    fn renew_hashes(
        &self,
        tenant: TenantId,
        now: Timestamp,
        ending: &[&str],
    ) -> Result<(), LedgerError> {
        let mut after = 0;
        loop {
            let never = Timestamp::from_micros(i64::MIN);
            let limit = u32::try_from(RENEWED_MAX).unwrap_or(u32::MAX);
            let mut due = self.catalog.batches_due(tenant, after, never, ending, limit)?;
            let mut events = 0;
            due.retain(|batch| {
                let first = events == 0;
                events += batch.last_seq - batch.first_seq + 1;
                first || events <= REHASHED_EVENTS_MAX
            });
            let Some(last) = due.last() else { return Ok(()) };
            after = last.number;
            let digest = self.schedule.digest;
            let renewed =
                self.stamped(|how| self.ledger.renew_hashes(tenant, &due, digest, now, how))?;
            said(tenant, "hash trees are renewed", &renewed);
            self.report_lost(tenant, &renewed, now)?;
        }
    }

    /// What could not be read for a hash-tree renewal is a finding.
    fn report_lost(
        &self,
        tenant: TenantId,
        renewed: &Renewed,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let events: Vec<catalog::NewLedgerEvent> = renewed
            .lost
            .iter()
            .map(|(seq, why)| {
                let facts = serde_json::json!({ "during": "renewal", "seq": seq, "why": why });
                catalog::NewLedgerEvent::new(catalog::LedgerKind::ScrubFinding, now, facts)
            })
            .collect();
        self.catalog.append_ledger(tenant, &events)?;
        Ok(())
    }
}

fn said(tenant: TenantId, what: &str, renewed: &Renewed) {
    if !renewed.batches.is_empty() {
        let (batches, lost) = (renewed.batches.len(), renewed.lost.len());
        tracing::info!(tenant.id = %tenant, batches, lost, "{what}");
    }
}
