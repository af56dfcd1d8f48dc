use catalog::SealedBatchRow;
use evidence::ledger::{Batch, Leaf, SealKind};
use evidence::{
    ArchiveTimeStamp, EvidenceRecord, HashAlgorithm, HashTree, LocalKey, Request, TrustAnchors,
    VerifiedToken, check_response, reduced_hash_tree,
};
use model::{ContentId, TenantId, Timestamp};
use store::{EntryKind, NewEntry};

use crate::note::{Seal, SealedBatch};
use crate::{Ledger, LedgerError, Result};

/// The most events of one batch.
pub const LEAVES_MAX: u32 = 100_000;
/// Facts of entries name SHA-256 digests, so batches are sealed under it.
pub(crate) const ALGORITHM: HashAlgorithm = HashAlgorithm::Sha256;

/// Asks a time-stamp authority, for instance over HTTP.
pub trait Authority {
    /// The answer to a request in DER, unchecked.
    ///
    /// # Errors
    /// Why there is no answer.
    fn ask(&self, request: &[u8]) -> Result<Vec<u8>, String>;
}

/// How a batch is sealed.
pub enum How<'a> {
    /// Under the archive's own key: to be stamped later.
    Local(&'a LocalKey),
    Stamp {
        authority: &'a dyn Authority,
        anchors: &'a TrustAnchors,
        /// A policy to ask for, in dotted decimal notation.
        policy: Option<String>,
        /// A random number that is used once.
        nonce: u64,
    },
}

/// A batch that was sealed, durable in vault and catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    pub number: u64,
    pub first_seq: u64,
    pub last_seq: u64,
    pub stamped_at: Option<Timestamp>,
}

impl Ledger {
    /// Seals the events after the last batch, at most [`LEAVES_MAX`]; `None` when there are none.
    ///
    /// Durable on return. A crash before the catalog knows of the batch leaves a note in the vault
    /// that nothing refers to; the next call seals the same events again under the same number.
    ///
    /// # Errors
    /// When the authority does not answer or its answer does not hold: nothing is sealed, the
    /// events wait. When the facts of an event cannot be read: evidence is never made up.
    pub fn seal(&self, tenant: TenantId, now: Timestamp, how: &How<'_>) -> Result<Option<Sealed>> {
        self.flush(tenant)?;
        let last = self.catalog.sealed_batch_of(tenant, u64::MAX)?;
        let last = last.map(|row| self.read_note(tenant, &row)).transpose()?;
        let after = last.as_ref().map_or(0, |sealed| sealed.batch.last_seq());
        let leaves = self.leaves(tenant, after)?;
        if leaves.is_empty() {
            return Ok(None);
        }
        let batch = Batch {
            tenant,
            number: last.as_ref().map_or(0, |sealed| sealed.batch.number) + 1,
            predecessor: last.as_ref().map(|sealed| ALGORITHM.hash(&sealed.file)),
            algorithm: ALGORITHM,
            sealed_at: last.as_ref().map_or(now, |sealed| now.max(sealed.batch.sealed_at)),
            kind: if matches!(how, How::Local(_)) { SealKind::LocalKey } else { SealKind::Stamped },
            leaves,
        };
        let file = batch.to_der()?;
        let (seal, token) = match how {
            How::Local(key) => (Seal::Local(key.seal(ALGORITHM, &file, batch.sealed_at)), None),
            How::Stamp { .. } => {
                let (record, token) = self.stamp(&batch, &file, now, how)?;
                (Seal::Stamped(record), Some(token))
            }
        };
        self.keep(tenant, &SealedBatch { batch, file, seal }, token.as_ref()).map(Some)
    }

    /// Stamps a batch that has a local seal only. `None` when it is stamped already.
    ///
    /// # Errors
    /// As [`Ledger::seal`].
    pub fn stamp_later(
        &self,
        tenant: TenantId,
        number: u64,
        now: Timestamp,
        how: &How<'_>,
    ) -> Result<Option<Sealed>> {
        let rows = self.catalog.sealed_batches(tenant, number.saturating_sub(1), 1)?;
        let Some(row) = rows.into_iter().find(|row| row.number == number) else {
            return Err(LedgerError::NotTheBatch(number));
        };
        let sealed = self.read_note(tenant, &row)?;
        if matches!(sealed.seal, Seal::Stamped(_)) {
            return Ok(None);
        }
        let (record, token) = self.stamp(&sealed.batch, &sealed.file, now, how)?;
        let sealed = SealedBatch { seal: Seal::Stamped(record), ..sealed };
        self.keep(tenant, &sealed, Some(&token)).map(Some)
    }

    /// Up to the first event whose note the vault does not have yet.
    fn leaves(&self, tenant: TenantId, after: u64) -> Result<Vec<Leaf>> {
        let events = self.catalog.ledger_events(tenant, after, LEAVES_MAX)?;
        let mut leaves: Vec<Leaf> = Vec::with_capacity(events.len());
        for event in events {
            let expected = leaves.last().map_or(after, |leaf| leaf.seq) + 1;
            if event.seq != expected {
                return Err(LedgerError::Gap(expected - 1));
            }
            if event.waiting {
                break;
            }
            let digest = self.leaf(tenant, &event)?;
            leaves.push(Leaf { seq: event.seq, kind: event.kind, at: event.at, digest });
        }
        Ok(leaves)
    }

    fn stamp(
        &self,
        batch: &Batch,
        file: &[u8],
        now: Timestamp,
        how: &How<'_>,
    ) -> Result<(EvidenceRecord, VerifiedToken)> {
        let How::Stamp { authority, anchors, policy, nonce } = how else {
            return Err(LedgerError::Authority("none was given".into()));
        };
        let tree: HashTree = batch.tree()?;
        let request = Request {
            algorithm: ALGORITHM,
            imprint: tree.root(),
            nonce: *nonce,
            policy: policy.clone(),
        };
        let answer = authority.ask(&request.to_der()?).map_err(LedgerError::Authority)?;
        let token = check_response(&request, &answer, anchors, now, &self.limits)?;
        let lists = reduced_hash_tree(&[ALGORITHM.hash(file)], &tree.siblings(0));
        let stamp = ArchiveTimeStamp::new(ALGORITHM, lists, token.token.der());
        Ok((EvidenceRecord::first(stamp), token))
    }

    /// First the vault, then the catalog: the catalog never points to what is not there.
    fn keep(
        &self,
        tenant: TenantId,
        sealed: &SealedBatch,
        token: Option<&VerifiedToken>,
    ) -> Result<Sealed> {
        let note = sealed.to_note();
        let content = ContentId::of(&note);
        let entry = NewEntry { kind: EntryKind::Note, content, octets: &note };
        let entry = self.vault.seal(tenant, &entry)?;
        let locations = self.vault.append(tenant, &[entry])?;
        let batch = &sealed.batch;
        let location = locations.first().copied().ok_or(LedgerError::NotTheBatch(batch.number))?;
        let row = SealedBatchRow {
            number: batch.number,
            first_seq: batch.first_seq(),
            last_seq: batch.last_seq(),
            sealed_at: batch.sealed_at,
            stamped_at: token.map(|token| token.token.info().gen_time),
            valid_until: token.map(|token| token.valid_until),
            location,
        };
        self.catalog.save_sealed_batch(tenant, &row)?;
        Ok(Sealed {
            number: row.number,
            first_seq: row.first_seq,
            last_seq: row.last_seq,
            stamped_at: row.stamped_at,
        })
    }
}
