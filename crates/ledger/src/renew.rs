//! Renewals (RFC 4998 §5): a further time stamp over the last tokens before a certificate ends, or
//! new hash trees over all objects before a hash algorithm weakens.

use catalog::{LedgerEvent, SealedBatchRow};
use evidence::{
    DataObjects, EvidenceRecord, HashAlgorithm, HashTree, HashTreeRenewal, HashValue, RenewedBatch,
    TimeStampRenewal, VerifiedToken,
};
use fail::fail_point;
use model::{ContentId, TenantId, Timestamp};
use store::{EntryKind, NewEntry};

use crate::note::{Seal, SealedBatch};
use crate::seal::How;
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
    record: EvidenceRecord,
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
        let due = self.due(tenant, batches)?;
        for algorithm in HashAlgorithm::ALL {
            let mut steps = Vec::new();
            for due in &due {
                let step = TimeStampRenewal::of(&due.record, &self.limits)?;
                if step.algorithm() == algorithm {
                    steps.push((due, step));
                }
            }
            if steps.is_empty() {
                continue;
            }
            let leaves: Vec<HashValue> = steps.iter().map(|(_, step)| step.leaf()).collect();
            let tree = HashTree::build(algorithm, &leaves)?;
            let token = self.token(algorithm, tree.root(), now, how)?;
            for (place, (due, step)) in steps.iter().enumerate() {
                let record = step.apply(&due.record, &tree.siblings(place), token.token.der());
                let trees = due.sealed.trees.clone();
                self.keep_renewed(tenant, &due.row, record, trees, &token)?;
                renewed.batches.push(due.row.number);
            }
            renewed.valid_until = Some(token.valid_until);
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
        let mut steps = Vec::new();
        for due in self.due(tenant, batches)? {
            let last = TimeStampRenewal::of(&due.record, &self.limits)?.algorithm();
            if last != algorithm {
                let (step, leaves) = self.rehash(tenant, &due, algorithm, &mut renewed.lost)?;
                let tree = HashTree::build(algorithm, &leaves)?;
                steps.push((due, step, leaves, tree));
            }
        }
        if steps.is_empty() {
            return Ok(renewed);
        }
        let roots: Vec<HashValue> = steps.iter().map(|(_, _, _, tree)| tree.root()).collect();
        let above = HashTree::build(algorithm, &roots)?;
        let token = self.token(algorithm, above.root(), now, how)?;
        for (place, (due, step, leaves, tree)) in steps.into_iter().enumerate() {
            let siblings = [tree.siblings(0), above.siblings(place)].concat();
            let record = step.apply(&due.record, &siblings, token.token.der());
            let mut trees = due.sealed.trees;
            trees.push(leaves);
            self.keep_renewed(tenant, &due.row, record, trees, &token)?;
            renewed.batches.push(due.row.number);
        }
        renewed.valid_until = Some(token.valid_until);
        Ok(renewed)
    }

    fn due(&self, tenant: TenantId, batches: &[SealedBatchRow]) -> Result<Vec<Due>> {
        let mut due = Vec::new();
        for row in batches.iter().take(RENEWED_MAX) {
            let sealed = self.read_note(tenant, row)?;
            if let Seal::Stamped(record) = &sealed.seal {
                due.push(Due { row: row.clone(), record: record.clone(), sealed });
            }
        }
        Ok(due)
    }

    /// The renewal of the batch file, and the leaves of the new tree: the file's and those of the events.
    fn rehash(
        &self,
        tenant: TenantId,
        due: &Due,
        algorithm: HashAlgorithm,
        lost: &mut Vec<(u64, String)>,
    ) -> Result<(HashTreeRenewal, Vec<HashValue>)> {
        let objects = DataObjects::new([due.sealed.file.as_slice()])?;
        let of_file = HashTreeRenewal::of(&due.record, &objects, algorithm);
        let mut leaves = vec![of_file.leaf()?];
        let batch = &due.sealed.batch;
        let proofs = Proofs::of(due.sealed.clone(), &self.limits)?;
        let count = u32::try_from(batch.leaves.len()).unwrap_or(u32::MAX);
        let events = self.catalog.ledger_events(tenant, batch.first_seq() - 1, count)?;
        for (leaf, event) in batch.leaves.iter().zip(&events) {
            if leaf.seq != event.seq {
                return Err(LedgerError::Gap(leaf.seq - 1));
            }
            let renewed = match self.rehash_event(tenant, event, &proofs, algorithm) {
                Ok(renewed) => renewed,
                Err(error) if event.kept.is_none() => {
                    lost.push((event.seq, error.to_string()));
                    None
                }
                Err(_) => None,
            };
            // What is gone keeps its place; nothing is proven of it under the new algorithm.
            leaves.push(renewed.unwrap_or_else(|| algorithm.hash(leaf.digest.as_slice())));
        }
        if leaves.len() != batch.leaves.len() + 1 {
            return Err(LedgerError::Gap(batch.first_seq() + leaves.len() as u64 - 2));
        }
        Ok((of_file, leaves))
    }

    fn rehash_event(
        &self,
        tenant: TenantId,
        event: &LedgerEvent,
        proofs: &Proofs,
        algorithm: HashAlgorithm,
    ) -> Result<Option<HashValue>> {
        let renew = |objects: &DataObjects<'_>| -> Result<Option<HashValue>> {
            let Some(record) = proofs.evidence(event.seq, objects)? else { return Ok(None) };
            Ok(Some(HashTreeRenewal::of(&record, objects, algorithm).leaf()?))
        };
        match (event.mail, event.location) {
            (true, Some(location)) => renew(&self.octets(tenant, event.seq, location)?.objects()?),
            _ => match self.note(tenant, event)? {
                Some((_, octets)) => renew(&DataObjects::new([octets.as_slice()])?),
                None => Ok(None),
            },
        }
    }

    /// First the vault, then the catalog. A crash in between leaves a note that a rebuild may find: it
    /// is as good a proof.
    fn keep_renewed(
        &self,
        tenant: TenantId,
        row: &SealedBatchRow,
        record: EvidenceRecord,
        trees: Vec<Vec<HashValue>>,
        token: &VerifiedToken,
    ) -> Result<()> {
        let renewed = RenewedBatch { number: row.number, record, trees };
        let note = renewed.to_der();
        let entry =
            NewEntry { kind: EntryKind::Note, content: ContentId::of(&note), octets: &note };
        let entry = self.vault.seal(tenant, &entry)?;
        fail_point!("ledger.renew.before");
        let places = self.vault.append(tenant, &[entry])?;
        fail_point!("ledger.renew.after");
        let row = SealedBatchRow {
            renewed_at: Some(token.token.info().gen_time),
            valid_until: Some(token.valid_until),
            digest: token.token.info().algorithm.name().to_owned(),
            proof: places.first().copied(),
            ..row.clone()
        };
        Ok(self.catalog.save_sealed_batch(tenant, &row)?)
    }
}
