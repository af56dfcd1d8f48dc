//! Renewals (RFC 4998 §5): a further time stamp over the last tokens before a certificate ends, or
//! new hash trees over all objects before a hash algorithm weakens.

use catalog::{LedgerEvent, SealedBatchRow};
use evidence::{
    DataObjects, EvidenceRecord, HashAlgorithm, HashTree, HashTreeRenewal, HashValue, RenewedBatch,
    Strand, TimeStampRenewal,
};
use fail::fail_point;
use model::{ContentId, TenantId, Timestamp};
use store::{EntryKind, NewEntry};

use crate::note::SealedBatch;
use crate::seal::{How, Stamps};
use crate::{Ledger, LedgerError, Proofs, Result};

/// Batches that one renewing time stamp is over: the proofs of each grow by the logarithm of it.
pub const RENEWED_MAX: usize = 1024;

/// The places where the crash suite ends the process: around the renewal of batches.
pub const RENEWAL_CRASH_POINTS: &[&str] = &["ledger.renew.before", "ledger.renew.after"];

/// What a renewal did; durable in vault and catalog.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renewed {
    /// The batches' numbers.
    pub batches: Vec<u64>,
    /// Until when the new stamps hold; `None` when nothing was renewed.
    pub valid_until: Option<Timestamp>,
    /// Events whose octets could not be read for a hash-tree renewal, and why: their proof ends with the
    /// chain before. Those that were disposed are not among them.
    pub lost: Vec<(u64, String)>,
}

/// A batch on its way to a renewal.
struct Due {
    row: SealedBatchRow,
    sealed: SealedBatch,
    /// What the batch is to have.
    strands: Vec<Strand>,
}

/// One evidence record on its way to a hash-tree renewal: the step of the batch file, the leaves of
/// the new tree (the file's and those of the events), and the tree.
struct Rehashed {
    step: HashTreeRenewal,
    leaves: Vec<HashValue>,
    tree: HashTree,
}

impl Ledger {
    /// Time-stamps the last tokens of these batches anew, at most [`RENEWED_MAX`]; those without a
    /// stamp are left out. Objects are not read; one token serves all batches of one hash algorithm.
    ///
    /// A crash in between leaves some batches renewed, each whole; the next call renews the others.
    ///
    /// # Errors
    /// As [`Ledger::seal`]: what was not renewed stays as it is.
    pub fn renew_stamps(
        &self,
        tenant: TenantId,
        batches: &[SealedBatchRow],
        now: Timestamp,
        how: &How<'_>,
    ) -> Result<Renewed> {
        let mut renewed = Renewed::default();
        let mut due = self.due(tenant, batches)?;
        for algorithm in HashAlgorithm::ALL {
            let mut steps: Vec<(&mut Due, Vec<TimeStampRenewal>)> = Vec::new();
            for due in &mut due {
                let of_strands: Result<Vec<_>, _> = due
                    .strands
                    .iter()
                    .map(|strand| TimeStampRenewal::of(&strand.record, &self.limits))
                    .collect();
                let of_strands = of_strands?;
                // Both records of a batch are renewed together, so they have the same algorithm.
                if of_strands.iter().all(|step| step.algorithm() == algorithm) {
                    steps.push((due, of_strands));
                }
            }
            if steps.is_empty() {
                continue;
            }
            let all = steps.iter().flat_map(|(_, of_strands)| of_strands);
            let leaves: Vec<HashValue> = all.map(TimeStampRenewal::leaf).collect();
            let tree = HashTree::build(algorithm, &leaves)?;
            let double = steps.iter().any(|(_, of_strands)| of_strands.len() > 1);
            let stamps = self.tokens(algorithm, tree.root(), now, how, double)?;
            let mut places = (0..leaves.len()).map(|place| tree.siblings(place));
            for (due, of_strands) in steps {
                for (number, step) in of_strands.iter().enumerate() {
                    let siblings = places.next().unwrap_or_default();
                    let strand = &mut due.strands[number];
                    let token = stamps.of(number).token.der();
                    strand.record = step.apply(&strand.record, &siblings, token);
                }
                self.keep_renewed(tenant, due, &stamps)?;
                renewed.batches.push(due.row.number);
            }
            renewed.valid_until = Some(stamps.valid_until());
        }
        Ok(renewed)
    }

    /// Reads all objects of these batches again and stamps them under another hash algorithm, together with
    /// all that was proven so far; at most [`RENEWED_MAX`] batches, for which 80 bytes of memory per event are
    /// needed. Batches whose last chain has this algorithm already, and those without a stamp, are left out,
    /// so that an interrupted run is repeated without harm.
    ///
    /// # Errors
    /// As [`Ledger::seal`]. What cannot be read is named in [`Renewed::lost`] and does not keep the others.
    pub fn renew_hashes(
        &self,
        tenant: TenantId,
        batches: &[SealedBatchRow],
        algorithm: HashAlgorithm,
        now: Timestamp,
        how: &How<'_>,
    ) -> Result<Renewed> {
        let mut renewed = Renewed::default();
        let mut steps: Vec<(Due, Vec<Rehashed>)> = Vec::new();
        for due in self.due(tenant, batches)? {
            let Some(strand) = due.strands.first() else { continue };
            let last = TimeStampRenewal::of(&strand.record, &self.limits)?.algorithm();
            if last != algorithm {
                let rehashed = self.rehash(tenant, &due, algorithm, &mut renewed.lost)?;
                steps.push((due, rehashed));
            }
        }
        if steps.is_empty() {
            return Ok(renewed);
        }
        let all = steps.iter().flat_map(|(_, rehashed)| rehashed);
        let roots: Vec<HashValue> = all.map(|it| it.tree.root()).collect();
        let above = HashTree::build(algorithm, &roots)?;
        let double = steps.iter().any(|(_, rehashed)| rehashed.len() > 1);
        let stamps = self.tokens(algorithm, above.root(), now, how, double)?;
        let mut places = (0..roots.len()).map(|place| above.siblings(place));
        for (mut due, rehashed) in steps {
            for (number, Rehashed { step, leaves, tree }) in rehashed.into_iter().enumerate() {
                let siblings = [tree.siblings(0), places.next().unwrap_or_default()].concat();
                let strand = &mut due.strands[number];
                let token = stamps.of(number).token.der();
                strand.record = step.apply(&strand.record, &siblings, token);
                strand.trees.push(leaves);
            }
            self.keep_renewed(tenant, &due, &stamps)?;
            renewed.batches.push(due.row.number);
        }
        renewed.valid_until = Some(stamps.valid_until());
        Ok(renewed)
    }

    fn due(&self, tenant: TenantId, batches: &[SealedBatchRow]) -> Result<Vec<Due>> {
        let mut due = Vec::new();
        for row in batches.iter().take(RENEWED_MAX) {
            let sealed = self.read_note(tenant, row)?;
            let strands = sealed.strands().to_vec();
            if !strands.is_empty() {
                due.push(Due { row: row.clone(), sealed, strands });
            }
        }
        Ok(due)
    }

    /// The renewal of each evidence record of a batch. Objects are read once for all of them.
    fn rehash(
        &self,
        tenant: TenantId,
        due: &Due,
        algorithm: HashAlgorithm,
        lost: &mut Vec<(u64, String)>,
    ) -> Result<Vec<Rehashed>> {
        let objects = DataObjects::new([due.sealed.file.as_slice()])?;
        let of_file = |it: &Strand| HashTreeRenewal::of(&it.record, &objects, algorithm);
        let steps: Vec<HashTreeRenewal> = due.strands.iter().map(of_file).collect();
        let mut rows: Vec<Vec<HashValue>> = Vec::new();
        for step in &steps {
            rows.push(vec![step.leaf()?]);
        }
        let batch = &due.sealed.batch;
        let proofs = Proofs::of(due.sealed.clone(), &self.limits)?;
        let count = u32::try_from(batch.leaves.len()).unwrap_or(u32::MAX);
        let events = self.catalog.ledger_events(tenant, batch.first_seq() - 1, count)?;
        if events.len() != batch.leaves.len() {
            return Err(LedgerError::Gap(batch.first_seq() + events.len() as u64 - 1));
        }
        for (leaf, event) in batch.leaves.iter().zip(&events) {
            if leaf.seq != event.seq {
                return Err(LedgerError::Gap(leaf.seq - 1));
            }
            let renewed = match self.rehash_event(tenant, event, &proofs, algorithm) {
                Ok(renewed) => renewed,
                Err(error) if event.kept.is_none() => {
                    lost.push((event.seq, error.to_string()));
                    Vec::new()
                }
                Err(_) => Vec::new(),
            };
            for (number, row) in rows.iter_mut().enumerate() {
                // What is gone keeps its place; nothing is proven of it under the new algorithm.
                let gone = || algorithm.hash(leaf.digest.as_slice());
                row.push(renewed.get(number).copied().unwrap_or_else(gone));
            }
        }
        let rehashed = steps.into_iter().zip(rows).map(|(step, leaves)| {
            Ok(Rehashed { step, tree: HashTree::build(algorithm, &leaves)?, leaves })
        });
        rehashed.collect()
    }

    fn rehash_event(
        &self,
        tenant: TenantId,
        event: &LedgerEvent,
        proofs: &Proofs,
        algorithm: HashAlgorithm,
    ) -> Result<Vec<HashValue>> {
        let renew = |objects: &DataObjects<'_>| -> Result<Vec<HashValue>> {
            let records = proofs.evidence(event.seq, objects)?;
            let leaf = |it: &EvidenceRecord| HashTreeRenewal::of(it, objects, algorithm).leaf();
            Ok(records.iter().map(leaf).collect::<Result<_, _>>()?)
        };
        match (event.mail, event.location) {
            (true, Some(location)) => renew(&self.octets(tenant, event.seq, location)?.objects()?),
            _ => match self.note(tenant, event)? {
                Some((_, octets)) => renew(&DataObjects::new([octets.as_slice()])?),
                None => Ok(Vec::new()),
            },
        }
    }

    /// First the vault, then the catalog. A crash in between leaves a note that a rebuild may find: it
    /// is as good a proof.
    fn keep_renewed(&self, tenant: TenantId, due: &Due, stamps: &Stamps) -> Result<()> {
        let mut strands = due.strands.iter().cloned();
        let number = due.row.number;
        let first = strands.next().ok_or(LedgerError::NotTheBatch(number))?;
        let note = RenewedBatch { number, first, second: strands.next() }.to_der();
        let entry =
            NewEntry { kind: EntryKind::Note, content: ContentId::of(&note), octets: &note };
        let entry = self.vault.seal(tenant, &entry)?;
        fail_point!("ledger.renew.before");
        let places = self.vault.append(tenant, &[entry])?;
        fail_point!("ledger.renew.after");
        let info = stamps.of(0).token.info();
        let row = SealedBatchRow {
            renewed_at: Some(info.gen_time),
            valid_until: Some(stamps.valid_until()),
            digest: info.algorithm.name().to_owned(),
            proof: places.first().copied(),
            ..due.row.clone()
        };
        Ok(self.catalog.save_sealed_batch(tenant, &row)?)
    }
}
