//! The ledger read again: for `chancery verify` and the scrub.

use evidence::ledger::Batch;
use model::TenantId;

use crate::{Ledger, LedgerError, Proofs, Result};

/// Events and batches that are read from the catalog at a time.
const PAGE: u32 = 1000;

/// What was read, and what differs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckedLedger {
    pub batches: u64,
    pub events: u64,
    pub findings: Vec<String>,
}

impl Ledger {
    /// Reads all sealed batches and the entries of all their events again: every batch follows the one
    /// before it, is what its stamp or seal is over, and lists what the vault holds. Whether the stamps are
    /// trusted is for `chancery-verify`, which is told of anchors.
    ///
    /// # Errors
    /// When the catalog cannot be read; differences are findings.
    pub fn check(&self, tenant: TenantId) -> Result<CheckedLedger> {
        let mut checked = CheckedLedger::default();
        let mut before: Option<(Batch, Vec<u8>)> = None;
        loop {
            let rows = self.catalog.sealed_batches(tenant, checked.batches, PAGE)?;
            if rows.is_empty() {
                return self.check_end(tenant, before.map(|(batch, _)| batch), checked);
            }
            for row in rows {
                checked.batches = row.number;
                let proofs = self
                    .read_note(tenant, &row)
                    .and_then(|sealed| Proofs::of(sealed, &self.limits));
                let proofs = match proofs {
                    Ok(proofs) => proofs,
                    Err(error) => {
                        let number = row.number;
                        checked.findings.push(format!("batch {number} of the ledger: {error}"));
                        continue;
                    }
                };
                let sealed = proofs.sealed();
                if let Some((batch, file)) = &before
                    && let Err(error) = sealed.batch.check_follows(batch, file)
                {
                    checked.findings.push(error.to_string());
                }
                self.check_events(tenant, &sealed.batch, &mut checked)?;
                before = Some((sealed.batch.clone(), sealed.file.clone()));
            }
        }
    }

    fn check_events(
        &self,
        tenant: TenantId,
        batch: &Batch,
        checked: &mut CheckedLedger,
    ) -> Result<()> {
        // The hashes of the batch, whatever this archive seals under today.
        let reader = Self::new(self.vault.clone(), self.catalog.clone()).under(batch.algorithm);
        for leaves in batch.leaves.chunks(PAGE as usize) {
            let after = leaves.first().map_or(0, |leaf| leaf.seq) - 1;
            let events = self.catalog.ledger_events(tenant, after, PAGE)?;
            for (place, leaf) in leaves.iter().enumerate() {
                checked.events += 1;
                let seq = leaf.seq;
                let event = events.get(place).filter(|event| event.seq == seq);
                let said = match event {
                    None => Err(LedgerError::Gap(seq - 1)),
                    Some(event) if event.kind != leaf.kind => {
                        let why = format!("the catalog says {}", event.kind);
                        Err(LedgerError::Facts { seq, why })
                    }
                    Some(event) => reader.leaf(tenant, event).and_then(|digest| {
                        let batch = batch.number;
                        let same = digest == leaf.digest;
                        same.then_some(()).ok_or(LedgerError::AnotherGroup { seq, batch })
                    }),
                };
                if let Err(error) = said {
                    checked.findings.push(format!("event {seq} of the ledger: {error}"));
                }
            }
        }
        Ok(())
    }

    /// The events that wait for their seal.
    fn check_end(
        &self,
        tenant: TenantId,
        last: Option<Batch>,
        mut checked: CheckedLedger,
    ) -> Result<CheckedLedger> {
        let mut after = last.map_or(0, |batch| batch.last_seq());
        loop {
            let events = self.catalog.ledger_events(tenant, after, PAGE)?;
            if events.is_empty() {
                return Ok(checked);
            }
            for event in events {
                if event.seq != after + 1 {
                    checked.findings.push(LedgerError::Gap(after).to_string());
                }
                after = event.seq;
                checked.events += 1;
                if !event.waiting
                    && let Err(error) = self.leaf(tenant, &event)
                {
                    checked.findings.push(format!("event {after} of the ledger: {error}"));
                }
            }
        }
    }
}
