use std::fmt;

use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};

use crate::der::{self, Algorithm};
use crate::{EvidenceError, Result, oid};

/// A hash function that is fit for evidence (BSI TR-02102, ETSI TS 119 312).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HashAlgorithm {
    Sha256,
    Sha384,
    Sha512,
}

impl HashAlgorithm {
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// As the command line of OpenSSL has it: `sha256`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    pub const fn length_bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    pub fn hash(self, octets: &[u8]) -> HashValue {
        HashValue::from_digest(digest::digest(self.function(), octets))
    }

    /// The hash of the pieces one after the other.
    pub fn hash_pieces<'a>(self, pieces: impl IntoIterator<Item = &'a [u8]>) -> HashValue {
        let mut context = digest::Context::new(self.function());
        pieces.into_iter().for_each(|piece| context.update(piece));
        HashValue::from_digest(context.finish())
    }

    pub(crate) fn function(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &SHA256,
            Self::Sha384 => &SHA384,
            Self::Sha512 => &SHA512,
        }
    }

    pub(crate) const fn oid(self) -> &'static [u8] {
        match self {
            Self::Sha256 => oid::SHA256,
            Self::Sha384 => oid::SHA384,
            Self::Sha512 => oid::SHA512,
        }
    }

    pub(crate) fn from_algorithm(algorithm: &Algorithm<'_>, place: &'static str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|it| it.oid() == algorithm.oid && algorithm.is_bare())
            .ok_or_else(|| EvidenceError::UnknownAlgorithm {
                place,
                algorithm: oid::dotted(algorithm.oid),
            })
    }

    /// The content of its AlgorithmIdentifier, with NULL parameters as OpenSSL writes them.
    pub(crate) fn identifier_content(self) -> Vec<u8> {
        [der::tlv(der::OID, self.oid()), vec![der::NULL, 0]].concat()
    }

    pub(crate) fn identifier(self) -> Vec<u8> {
        der::tlv(der::SEQUENCE, &self.identifier_content())
    }
}

impl fmt::Display for HashAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Of all algorithms.
pub(crate) const LENGTH_BYTES_MAX: usize = 64;

/// What a [`HashAlgorithm`] gives: 32, 48 or 64 octets. Ordered by its octets.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct HashValue {
    octets: [u8; LENGTH_BYTES_MAX],
    length: u8,
}

impl HashValue {
    /// `None` when `octets` are not as long as a hash of `algorithm`.
    pub fn new(algorithm: HashAlgorithm, octets: &[u8]) -> Option<Self> {
        (octets.len() == algorithm.length_bytes()).then(|| Self::padded(octets))
    }

    /// From lower-case hexadecimal digits.
    pub fn from_hex(algorithm: HashAlgorithm, hex: &str) -> Option<Self> {
        let digits = hex.as_bytes();
        if digits.len() != 2 * algorithm.length_bytes() {
            return None;
        }
        let value = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        let octets: Option<Vec<u8>> = digits
            .chunks_exact(2)
            .map(|pair| Some((value(pair[0])? << 4) | value(pair[1])?))
            .collect();
        Self::new(algorithm, &octets?)
    }

    pub fn as_slice(&self) -> &[u8] {
        &self.octets[..usize::from(self.length)]
    }

    pub fn to_hex(&self) -> String {
        self.as_slice().iter().map(|octet| format!("{octet:02x}")).collect()
    }

    /// Its first eight octets as a number.
    pub(crate) fn beginning(&self) -> u64 {
        self.octets.iter().take(8).fold(0, |sum, octet| (sum << 8) | u64::from(*octet))
    }

    fn padded(octets: &[u8]) -> Self {
        let mut all = [0; LENGTH_BYTES_MAX];
        all[..octets.len()].copy_from_slice(octets);
        Self { octets: all, length: octets.len() as u8 }
    }

    fn from_digest(digest: digest::Digest) -> Self {
        Self::padded(digest.as_ref())
    }
}

impl From<model::Digest> for HashValue {
    fn from(digest: model::Digest) -> Self {
        Self::padded(digest.as_bytes())
    }
}

impl PartialOrd for HashValue {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for HashValue {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_slice().cmp(other.as_slice())
    }
}

impl fmt::Debug for HashValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}
