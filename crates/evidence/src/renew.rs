use crate::tree::{group_hash, sorted};
use crate::{
    ArchiveTimeStamp, DataObjects, EvidenceRecord, HashAlgorithm, HashValue, Result,
    reduced_hash_tree,
};

/// A time-stamp renewal (RFC 4998 §5.2): before the last token's certificate or signature algorithm
/// ends, its octets are time-stamped anew under the same hash algorithm. Objects are not read.
///
/// Many old tokens may be the leaves of one new tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeStampRenewal {
    algorithm: HashAlgorithm,
    leaf: HashValue,
}

impl TimeStampRenewal {
    /// # Errors
    /// When the last token is not readable.
    pub fn of(record: &EvidenceRecord, limits: &crate::Limits) -> Result<Self> {
        let last = record.last();
        let algorithm = match last.algorithm() {
            Some(algorithm) => algorithm,
            None => crate::TimeStampToken::parse(last.token(), limits)?.info().algorithm,
        };
        Ok(Self { algorithm, leaf: algorithm.hash(last.token()) })
    }

    /// The hash algorithm that the tree over the leaves must have.
    pub fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    /// The hash of the last token: what is to be stamped, alone or as the leaf of a tree.
    pub fn leaf(&self) -> HashValue {
        self.leaf
    }

    /// The record with a further time stamp in its last chain. `siblings` lead from the leaf to
    /// what `token` stamps; none when it stamps the leaf itself.
    pub fn apply(
        &self,
        record: &EvidenceRecord,
        siblings: &[HashValue],
        token: &[u8],
    ) -> EvidenceRecord {
        let lists = reduced_hash_tree(&[self.leaf], siblings);
        let mut renewed = record.clone();
        renewed.extend(ArchiveTimeStamp::new(self.algorithm, lists, token));
        renewed
    }
}

/// A hash-tree renewal (RFC 4998 §5.2): before the hash algorithm weakens, all objects are read
/// again and stamped under another one together with everything that was proven so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashTreeRenewal {
    algorithm: HashAlgorithm,
    members: Vec<HashValue>,
}

impl HashTreeRenewal {
    pub fn of(
        record: &EvidenceRecord,
        objects: &DataObjects<'_>,
        algorithm: HashAlgorithm,
    ) -> Self {
        let so_far = record.sequence_der(record.chains().len());
        let members = combined(algorithm, &objects.hashes(algorithm), &so_far);
        Self { algorithm, members }
    }

    /// What is to be stamped, alone or as the leaf of a tree.
    ///
    /// # Errors
    /// None for a renewal that was made by [`HashTreeRenewal::of`].
    pub fn leaf(&self) -> Result<HashValue> {
        group_hash(self.algorithm, &self.members)
    }

    /// The record with a new chain; as [`TimeStampRenewal::apply`].
    pub fn apply(
        &self,
        record: &EvidenceRecord,
        siblings: &[HashValue],
        token: &[u8],
    ) -> EvidenceRecord {
        let lists = reduced_hash_tree(&self.members, siblings);
        let mut renewed = record.clone();
        renewed.begin(self.algorithm, ArchiveTimeStamp::new(self.algorithm, lists, token));
        renewed
    }
}

/// H(h ‖ H(sequence)) for each hash of an object, positional and not sorted: the text of §5.2 and
/// all practice, against the RFC's figure 4.
pub fn combined(algorithm: HashAlgorithm, hashes: &[HashValue], sequence: &[u8]) -> Vec<HashValue> {
    let sequence = algorithm.hash(sequence);
    let combine = |hash: &HashValue| algorithm.hash_pieces([hash.as_slice(), sequence.as_slice()]);
    sorted(&hashes.iter().map(combine).collect::<Vec<_>>())
}

/// The order that figure 4 shows, only to name it when it is met.
pub fn combined_sorted(
    algorithm: HashAlgorithm,
    hashes: &[HashValue],
    sequence: &[u8],
) -> Vec<HashValue> {
    let sequence = algorithm.hash(sequence);
    let combine = |hash: &HashValue| {
        let (low, high) = (*hash.min(&sequence), *hash.max(&sequence));
        algorithm.hash_pieces([low.as_slice(), high.as_slice()])
    };
    sorted(&hashes.iter().map(combine).collect::<Vec<_>>())
}
