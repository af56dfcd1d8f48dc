use crate::tree::sorted;
use crate::{EvidenceError, HashAlgorithm, HashValue, Result};

/// The octets that an evidence record is about: one data object, or a group that belongs together.
#[derive(Clone, Debug)]
pub struct DataObjects<'a>(Vec<DataObject<'a>>);

#[derive(Clone, Debug)]
struct DataObject<'a> {
    octets: &'a [u8],
    /// Where the caller has hashed them already.
    sha256: Option<HashValue>,
}

impl<'a> DataObjects<'a> {
    /// # Errors
    /// [`EvidenceError::NoObjects`] for none; [`EvidenceError::NodeLike`] for octets that could be
    /// inner nodes of a hash tree: leaves and nodes are hashed alike (RFC 4998 §4.2), so a row of
    /// two node hashes would otherwise pass for a document.
    pub fn new(objects: impl IntoIterator<Item = &'a [u8]>) -> Result<Self> {
        let unhashed = |octets| DataObject { octets, sha256: None };
        Self::check(objects.into_iter().map(unhashed).collect())
    }

    /// [`DataObjects::new`] for octets whose SHA-256 the caller has computed.
    ///
    /// # Errors
    /// As [`DataObjects::new`].
    pub fn with_digests(
        objects: impl IntoIterator<Item = (&'a [u8], model::Digest)>,
    ) -> Result<Self> {
        let hashed = |(octets, digest): (&'a [u8], model::Digest)| DataObject {
            octets,
            sha256: Some(digest.into()),
        };
        Self::check(objects.into_iter().map(hashed).collect())
    }

    fn check(objects: Vec<DataObject<'a>>) -> Result<Self> {
        if objects.is_empty() {
            return Err(EvidenceError::NoObjects);
        }
        match objects.iter().find(|object| is_node_like(object.octets)) {
            Some(object) => Err(EvidenceError::NodeLike(object.octets.len())),
            None => Ok(Self(objects)),
        }
    }

    /// The members' hashes in ascending order, equal ones once.
    pub fn hashes(&self, algorithm: HashAlgorithm) -> Vec<HashValue> {
        let hash = |object: &DataObject<'_>| match (algorithm, object.sha256) {
            (HashAlgorithm::Sha256, Some(known)) => known,
            _ => algorithm.hash(object.octets),
        };
        let hashes: Vec<HashValue> = self.0.iter().map(hash).collect();
        sorted(&hashes)
    }
}

/// Whether `octets` may be a row of ascending hash values. A text never is: a row of hash values
/// is not UTF-8 but with a probability below 2^-60.
fn is_node_like(octets: &[u8]) -> bool {
    let row = |width: usize| {
        octets.len() >= 2 * width
            && octets.len().is_multiple_of(width)
            && octets.chunks_exact(width).is_sorted()
    };
    HashAlgorithm::ALL.iter().any(|it| row(it.length_bytes()))
        && std::str::from_utf8(octets).is_err()
}
