use catalog::SealedBatchRow;
use evidence::ledger::{Batch, Leaf, SealKind};
use evidence::{
    ArchiveTimeStamp, EvidenceError, EvidenceRecord, HashAlgorithm, HashTree, HashValue, LocalKey,
    Request, RevocationInfo, RevocationSource, Strand, TrustAnchors, VerifiedToken, check_response,
    reduced_hash_tree, revocation_sources, verify_token,
};
use fail::fail_point;
use model::{ContentId, TenantId, Timestamp};
use store::{EntryKind, NewEntry};

use crate::note::{Seal, SealedBatch};
use crate::{Ledger, LedgerError, Result};

/// The most events of one batch.
pub const LEAVES_MAX: u32 = 100_000;
/// The places where the crash suite ends the process: around the note of a batch.
pub const SEAL_CRASH_POINTS: &[&str] = &["ledger.seal.before", "ledger.seal.after"];

/// Asks a time-stamp authority, for instance over HTTP.
pub trait Authority {
    /// The answer to a request in DER, unchecked.
    ///
    /// # Errors
    /// Why there is no answer.
    fn ask(&self, request: &[u8]) -> Result<Vec<u8>, String>;

    /// What is known about the revocation of one certificate of its chain, unchecked; nothing where
    /// it cannot be had.
    fn revocation(&self, source: &RevocationSource) -> Vec<RevocationInfo> {
        let _ = source;
        Vec::new()
    }
}

/// An authority, and how its answers are judged.
pub struct Asked<'a> {
    /// For messages.
    pub name: &'a str,
    pub authority: &'a dyn Authority,
    pub anchors: &'a TrustAnchors,
    /// A policy to ask for, in dotted decimal notation.
    pub policy: Option<&'a str>,
}

/// How a batch is sealed.
pub enum How<'a> {
    /// Under the archive's own key: to be stamped later.
    Local(&'a LocalKey),
    Stamp {
        /// In the order in which they are asked: the first answer that holds counts.
        authorities: &'a [Asked<'a>],
        /// Draws a random number, another one each time.
        nonce: &'a dyn Fn() -> u64,
        /// Refuse a stamp whose chain is not wholly covered by revocation data, as the basis profile
        /// of TR-ESOR wants it.
        require_revocation: bool,
        /// Two authorities stamp each batch (RFC 4998 §7); while one is missing, events wait.
        double: bool,
    },
}

/// What one or two authorities stamped.
pub(crate) struct Stamps {
    first: VerifiedToken,
    second: Option<VerifiedToken>,
}

impl Stamps {
    /// That of the first or of the second authority; there may be one only.
    pub fn of(&self, strand: usize) -> &VerifiedToken {
        self.second.as_ref().filter(|_| strand > 0).unwrap_or(&self.first)
    }

    pub fn count(&self) -> usize {
        1 + usize::from(self.second.is_some())
    }

    /// Until when both hold.
    pub fn valid_until(&self) -> Timestamp {
        self.of(0).valid_until.min(self.of(1).valid_until)
    }
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
            predecessor: last.as_ref().map(|sealed| self.algorithm.hash(&sealed.file)),
            algorithm: self.algorithm,
            sealed_at: last.as_ref().map_or(now, |sealed| now.max(sealed.batch.sealed_at)),
            kind: if matches!(how, How::Local(_)) { SealKind::LocalKey } else { SealKind::Stamped },
            leaves,
        };
        let file = batch.to_der()?;
        let (seal, stamps) = match how {
            How::Local(key) => {
                (Seal::Local(key.seal(self.algorithm, &file, batch.sealed_at)), None)
            }
            How::Stamp { .. } => {
                let (strands, stamps) = self.stamp(&batch, &file, now, how)?;
                (Seal::Stamped(strands), Some(stamps))
            }
        };
        let sealed = SealedBatch { batch, file, seal };
        self.keep(tenant, &sealed, stamps.as_ref()).map(Some)
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
        let (strands, stamps) = self.stamp(&sealed.batch, &sealed.file, now, how)?;
        let sealed = SealedBatch { seal: Seal::Stamped(strands), ..sealed };
        self.keep(tenant, &sealed, Some(&stamps)).map(Some)
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
    ) -> Result<(Vec<Strand>, Stamps)> {
        let algorithm = batch.algorithm;
        let tree = HashTree::build(algorithm, &batch.tree_leaves(file))?;
        let double = matches!(how, How::Stamp { double: true, .. });
        let stamps = self.tokens(algorithm, tree.root(), now, how, double)?;
        let strand = |number: usize| {
            let lists = reduced_hash_tree(&[tree.leaf(0)], &tree.siblings(0));
            let stamp = ArchiveTimeStamp::new(algorithm, lists, stamps.of(number).token.der());
            Strand { record: EvidenceRecord::first(stamp), trees: Vec::new() }
        };
        Ok(((0..stamps.count()).map(strand).collect(), stamps))
    }

    /// Tokens over `imprint` from the first authority whose answer holds, and with `double` from another
    /// one, with what could be had about the revocation of their chains.
    ///
    /// # Errors
    /// The error of the only authority, or what each of them did.
    pub(crate) fn tokens(
        &self,
        algorithm: HashAlgorithm,
        imprint: HashValue,
        now: Timestamp,
        how: &How<'_>,
        double: bool,
    ) -> Result<Stamps> {
        let How::Stamp { authorities, nonce, require_revocation, .. } = how else {
            return Err(LedgerError::Authority("none was given".into()));
        };
        let (mut first, mut failed): (Option<VerifiedToken>, _) = (None, Vec::new());
        for asked in *authorities {
            let policy = asked.policy.map(str::to_owned);
            let request = Request { algorithm, imprint, nonce: nonce(), policy };
            match (self.ask(asked, &request, now, *require_revocation), first.take()) {
                (Ok(token), None) if !double => return Ok(Stamps { first: token, second: None }),
                (Ok(token), None) => first = Some(token),
                (Ok(token), Some(before)) if token.path.first() == before.path.first() => {
                    let why = "it stamps with the same certificate as the first".to_owned();
                    failed.push((asked.name, LedgerError::Authority(why)));
                    first = Some(before);
                }
                (Ok(token), Some(before)) => {
                    return Ok(Stamps { first: before, second: Some(token) });
                }
                (Err(error), before) => {
                    failed.push((asked.name, error));
                    first = before;
                }
            }
        }
        Err(nobody(failed, first.is_some()))
    }

    fn ask(
        &self,
        asked: &Asked<'_>,
        request: &Request,
        now: Timestamp,
        require_revocation: bool,
    ) -> Result<VerifiedToken> {
        let answer = asked.authority.ask(&request.to_der()?).map_err(LedgerError::Authority)?;
        let token = check_response(request, &answer, asked.anchors, now, &self.limits)?;
        let token = self.with_revocation(asked, token, now)?;
        let missing = token.revocation.iter().find(|status| status.as_of.is_none());
        match missing.filter(|_| require_revocation) {
            Some(missing) => Err(EvidenceError::RevocationMissing(missing.subject.clone()).into()),
            None => Ok(token),
        }
    }

    /// Fetches what the token does not carry. Data that does not hold is left out; a revocation
    /// that it tells of refuses the token.
    fn with_revocation(
        &self,
        asked: &Asked<'_>,
        token: VerifiedToken,
        now: Timestamp,
    ) -> Result<VerifiedToken> {
        let stamped = token.token.info().gen_time;
        let mut infos = token.token.revocation().to_vec();
        let mut best = token;
        let sources = revocation_sources(&best, asked.anchors)?;
        for (place, source) in sources.iter().enumerate() {
            let covered = best.revocation.get(place).is_some_and(|it| it.as_of.is_some());
            if covered {
                continue;
            }
            for info in asked.authority.revocation(source) {
                let tried = [infos.clone(), vec![info]].concat();
                let token = best.token.carrying(&best.path, &tried, &self.limits);
                let Ok(verified) = token.and_then(|token| verify_token(&token, asked.anchors))
                else {
                    continue;
                };
                (infos, best) = (tried, verified);
            }
        }
        for status in &best.revocation {
            status.check(stamped, now)?;
        }
        Ok(best)
    }

    /// First the vault, then the catalog: the catalog never points to what is not there.
    fn keep(
        &self,
        tenant: TenantId,
        sealed: &SealedBatch,
        stamps: Option<&Stamps>,
    ) -> Result<Sealed> {
        let note = sealed.to_note();
        let content = ContentId::of(&note);
        let entry = NewEntry { kind: EntryKind::Note, content, octets: &note };
        let entry = self.vault.seal(tenant, &entry)?;
        fail_point!("ledger.seal.before");
        let locations = self.vault.append(tenant, &[entry])?;
        fail_point!("ledger.seal.after");
        let batch = &sealed.batch;
        let location = locations.first().copied().ok_or(LedgerError::NotTheBatch(batch.number))?;
        let row = SealedBatchRow {
            number: batch.number,
            first_seq: batch.first_seq(),
            last_seq: batch.last_seq(),
            sealed_at: batch.sealed_at,
            stamped_at: stamps.map(|stamps| stamps.first.token.info().gen_time),
            valid_until: stamps.map(Stamps::valid_until),
            location,
            digest: batch.algorithm.name().to_owned(),
            renewed_at: None,
            proof: None,
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

/// Why there are not as many stamps as are wanted.
fn nobody(mut failed: Vec<(&str, LedgerError)>, one: bool) -> LedgerError {
    let alone = if one { "a second authority is wanted" } else { "none is configured" };
    match (failed.len(), one) {
        (0, _) => LedgerError::Authority(alone.into()),
        (1, false) => failed.remove(0).1,
        _ => {
            let all = failed.iter().map(|(name, error)| format!("{name}: {error}"));
            let all: Vec<String> = one.then(|| alone.to_owned()).into_iter().chain(all).collect();
            LedgerError::Authority(all.join("; "))
        }
    }
}
