use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use model::Timestamp;

use crate::renew::{combined, combined_sorted};
use crate::tree::root_of;
use crate::{
    ArchiveTimeStamp, DataObjects, EvidenceError, EvidenceRecord, HashAlgorithm, HashValue, Limits,
    Result, TimeStampToken, TrustAnchors, VerifiedToken, verify_token,
};

/// Tokens whose verdict is remembered: all mails of a batch share one.
const REMEMBERED_MAX: usize = 100_000;
/// How far the last stamp may lie in the future, in seconds.
const SKEW_SECONDS_MAX: i64 = 300;

/// What the examiner asks for.
#[derive(Clone, Debug)]
pub struct Options {
    /// The time of the examination.
    pub now: Timestamp,
    /// Refuse a record whose first list holds other objects beside the given one. A group of two
    /// and more must be exact always.
    pub exact: bool,
    /// Refuse a token that lacks revocation data for a certificate of its chain.
    pub require_revocation: bool,
    pub limits: Limits,
}

impl Options {
    pub fn at(now: Timestamp) -> Self {
        Self { now, exact: false, require_revocation: false, limits: Limits::default() }
    }
}

/// What an evidence record proves about the objects.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The record is about these objects alone.
    pub exact: bool,
    /// From the first to the last; the objects existed at the first one's time.
    pub stamps: Vec<ProvenStamp>,
}

/// One time stamp of a proof.
#[derive(Clone, Debug)]
pub struct ProvenStamp {
    /// The number of its chain, from 1; a new chain is a hash-tree renewal.
    pub chain: usize,
    pub algorithm: HashAlgorithm,
    pub token: Arc<VerifiedToken>,
}

impl Proof {
    /// When the objects existed at the latest.
    pub fn existed_at(&self) -> Timestamp {
        self.stamps.first().map(|it| it.token.token.info().gen_time).unwrap_or_default()
    }

    /// Until when the record has to be renewed.
    pub fn valid_until(&self) -> Timestamp {
        self.stamps.last().map(|it| it.token.valid_until).unwrap_or_default()
    }

    /// Subjects of certificates without revocation data, each once.
    pub fn without_revocation(&self) -> Vec<&str> {
        let statuses = self.stamps.iter().flat_map(|it| &it.token.revocation);
        let mut missing: Vec<&str> =
            statuses.filter(|it| it.as_of.is_none()).map(|it| it.subject.as_str()).collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }
}

/// Verifies evidence records against trust anchors; remembers tokens that it has seen.
pub struct Verifier {
    anchors: TrustAnchors,
    options: Options,
    seen: Mutex<HashMap<HashValue, Result<Arc<VerifiedToken>>>>,
}

impl Verifier {
    pub fn new(anchors: TrustAnchors, options: Options) -> Self {
        Self { anchors, options, seen: Mutex::default() }
    }

    pub fn options(&self) -> &Options {
        &self.options
    }

    /// RFC 4998 §5.3: every chain is about these objects, every stamp about the one before it,
    /// each was valid when the next one was made, and the last one is valid now.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn record(&self, record: &EvidenceRecord, objects: &DataObjects<'_>) -> Result<Proof> {
        let mut proof = Proof { exact: true, stamps: Vec::new() };
        for (number, chain) in record.chains().iter().enumerate() {
            let mut before: Option<(&ArchiveTimeStamp, HashAlgorithm)> = None;
            for stamp in chain.stamps() {
                let token = self.token(stamp.token())?;
                let algorithm = algorithm_of(stamp, &token)?;
                if !record.digest_algorithms().contains(&algorithm) {
                    return Err(unfit("it does not declare a hash algorithm that it uses"));
                }
                let exact = match before {
                    None => {
                        let hashes = objects.hashes(algorithm);
                        let so_far = match number {
                            0 => Vec::new(),
                            _ => record.sequence_der(number),
                        };
                        self.check_objects(stamp, &token, algorithm, number, &hashes, &so_far)?
                    }
                    Some((_, other)) if other != algorithm => {
                        return Err(unfit("a chain has two hash algorithms"));
                    }
                    Some((previous, _)) => {
                        let leaf = algorithm.hash(previous.token());
                        covers(stamp, &token, algorithm, &[leaf])?;
                        true
                    }
                };
                proof.exact &= exact;
                before = Some((stamp, algorithm));
                self.append(&mut proof, ProvenStamp { chain: number + 1, algorithm, token })?;
            }
        }
        self.check_last(&proof)?;
        Ok(proof)
    }

    /// A token by itself, without an evidence record around it.
    ///
    /// # Errors
    /// As [`verify_token`].
    pub fn token(&self, octets: &[u8]) -> Result<Arc<VerifiedToken>> {
        let key = HashAlgorithm::Sha256.hash(octets);
        let lock = || self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(verdict) = lock().get(&key) {
            return verdict.clone();
        }
        let verdict = TimeStampToken::parse(octets, &self.options.limits)
            .and_then(|token| verify_token(&token, &self.anchors))
            .map(Arc::new);
        let mut seen = lock();
        if seen.len() < REMEMBERED_MAX {
            seen.insert(key, verdict.clone());
        }
        verdict
    }

    /// The first stamp of a chain: over the objects, from the second chain on each combined with
    /// all chains before.
    fn check_objects(
        &self,
        stamp: &ArchiveTimeStamp,
        token: &VerifiedToken,
        algorithm: HashAlgorithm,
        number: usize,
        hashes: &[HashValue],
        so_far: &[u8],
    ) -> Result<bool> {
        let exact = if number == 0 {
            covers(stamp, token, algorithm, hashes)?
        } else {
            let leaves = combined(algorithm, hashes, so_far);
            covers(stamp, token, algorithm, &leaves).map_err(|error| {
                let sorted = combined_sorted(algorithm, hashes, so_far);
                match covers(stamp, token, algorithm, &sorted) {
                    Ok(_) => EvidenceError::RenewalSorted,
                    Err(_) => error,
                }
            })?
        };
        if !exact && (self.options.exact || hashes.len() > 1) {
            return Err(EvidenceError::NotExact);
        }
        Ok(exact)
    }

    /// Adds a stamp after the one that it renews.
    fn append(&self, proof: &mut Proof, stamp: ProvenStamp) -> Result<()> {
        let later = stamp.token.token.info().gen_time;
        if let Some(previous) = proof.stamps.last() {
            let earlier = previous.token.token.info().gen_time;
            if later <= earlier {
                return Err(EvidenceError::TimeOrder { earlier, later });
            }
            valid_at(&previous.token, later)?;
        }
        let missing = stamp.token.revocation.iter().find(|it| it.as_of.is_none());
        if let Some(missing) = missing.filter(|_| self.options.require_revocation) {
            return Err(EvidenceError::RevocationMissing(missing.subject.clone()));
        }
        proof.stamps.push(stamp);
        Ok(())
    }

    fn check_last(&self, proof: &Proof) -> Result<()> {
        // A record has at least one stamp.
        let Some(last) = proof.stamps.last() else { return Err(EvidenceError::NoObjects) };
        let (stamped, now) = (last.token.token.info().gen_time, self.options.now);
        if stamped > now.saturating_add_seconds(SKEW_SECONDS_MAX) {
            return Err(EvidenceError::ClockDiffers { stamped, now });
        }
        valid_at(&last.token, now)
    }
}

/// Whether a token still protects at `at`: the chain has not ended, nothing was revoked.
fn valid_at(token: &VerifiedToken, at: Timestamp) -> Result<()> {
    if token.valid_until < at {
        return Err(EvidenceError::CertificateEnded {
            subject: token.authority.clone(),
            ended: token.valid_until,
            needed: at,
        });
    }
    let stamped = token.token.info().gen_time;
    token.revocation.iter().try_for_each(|status| status.check(stamped, at))
}

/// RFC 4998 §3.1.1: without a name the hash algorithm is the imprint's; with one they are equal.
fn algorithm_of(stamp: &ArchiveTimeStamp, token: &VerifiedToken) -> Result<HashAlgorithm> {
    let imprint = token.token.info().algorithm;
    match stamp.algorithm() {
        Some(named) if named != imprint => {
            Err(unfit("a time stamp has another hash algorithm than its hash tree"))
        }
        _ => Ok(imprint),
    }
}

/// RFC 4998 §4.3: `hashes` stand in the first list, and the lists lead to the imprint. Returns
/// whether the first list holds nothing else.
fn covers(
    stamp: &ArchiveTimeStamp,
    token: &VerifiedToken,
    algorithm: HashAlgorithm,
    hashes: &[HashValue],
) -> Result<bool> {
    let imprint = token.token.info().imprint;
    let lists = stamp.lists();
    let Some(first) = lists.first() else {
        return match hashes {
            [only] if *only == imprint => Ok(true),
            [_] => Err(EvidenceError::HashAbsent),
            _ => Err(unfit("a group of objects needs a hash tree")),
        };
    };
    let width = algorithm.length_bytes();
    if lists.iter().flatten().any(|value| value.as_slice().len() != width) {
        return Err(unfit("a hash value is not as long as its algorithm's"));
    }
    if !hashes.iter().all(|hash| first.contains(hash)) {
        return Err(EvidenceError::HashAbsent);
    }
    match root_of(algorithm, lists)? == imprint {
        true => Ok(first.len() == hashes.len()),
        false => Err(EvidenceError::HashTreeBroken),
    }
}

fn unfit(flaw: &'static str) -> EvidenceError {
    EvidenceError::Malformed { structure: "the evidence record", flaw }
}
