use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use model::Timestamp;

use crate::der::{self, Algorithm, GENERALIZED_TIME, INTEGER, OCTET_STRING, Reader, SEQUENCE};
use crate::{EvidenceError, HashAlgorithm, HashValue, Result, oid, time};

const NAME: &str = "the local seal";
const LABEL: &str = "chancery local seal";
const VERSION: u64 = 1;

/// The archive's own sealing key (Ed25519, RFC 8032).
pub struct LocalKey(Ed25519KeyPair);

impl fmt::Debug for LocalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalKey")
    }
}

impl LocalKey {
    /// From 32 random octets, which are the secret.
    ///
    /// # Errors
    /// When there are not 32.
    pub fn from_seed(seed: &[u8]) -> Result<Self> {
        Ed25519KeyPair::from_seed_unchecked(seed)
            .map(Self)
            .map_err(|_| EvidenceError::SealBroken("the key is not 32 octets long"))
    }

    pub fn public_key(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    /// Seals a file by its digest. Says when the archive's own clock showed `at`, which proves no
    /// time to anybody else.
    pub fn seal(&self, algorithm: HashAlgorithm, file: &[u8], at: Timestamp) -> LocalSeal {
        let mut seal = LocalSeal {
            algorithm,
            digest: algorithm.hash(file),
            sealed_at: at,
            public_key: self.public_key().to_vec(),
            signature: Vec::new(),
        };
        seal.signature = self.0.sign(&seal.signed_octets()).as_ref().to_vec();
        seal
    }
}

/// The signature of the archive over a file, in place of a time stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalSeal {
    pub algorithm: HashAlgorithm,
    pub digest: HashValue,
    pub sealed_at: Timestamp,
    pub public_key: Vec<u8>,
    pub signature: Vec<u8>,
}

impl LocalSeal {
    pub fn to_der(&self) -> Vec<u8> {
        der::sequence(&[&self.signed_octets(), &der::tlv(OCTET_STRING, &self.signature)])
    }

    /// # Errors
    /// Anything but strict DER of this structure.
    pub fn parse(octets: &[u8]) -> Result<Self> {
        let mut outer = Reader::new(Reader::whole(octets, SEQUENCE, NAME)?.value, NAME);
        let mut fields = outer.inside(SEQUENCE)?;
        let signature = outer.expect(OCTET_STRING)?.value.to_vec();
        outer.finish()?;
        if fields.text()? != LABEL || fields.number()? != VERSION {
            return Err(fields.flaw("it is not a local seal of version 1"));
        }
        if fields.inside(SEQUENCE)?.oid()? != oid::ED25519 {
            return Err(fields.flaw("its key is not an Ed25519 key"));
        }
        let public_key = fields.expect(OCTET_STRING)?.value.to_vec();
        let algorithm = HashAlgorithm::from_algorithm(&Algorithm::read(&mut fields)?, NAME)?;
        let digest = HashValue::new(algorithm, fields.expect(OCTET_STRING)?.value)
            .ok_or_else(|| fields.flaw("its digest is not as long as its algorithm's"))?;
        let sealed_at = time::generalized(fields.expect(GENERALIZED_TIME)?.value)?;
        fields.finish()?;
        Ok(Self { algorithm, digest, sealed_at, public_key, signature })
    }

    /// Checks that the holder of `trusted` sealed `file`. Without a trusted key it only proves that
    /// file and seal belong together.
    ///
    /// # Errors
    /// [`EvidenceError::SealBroken`].
    pub fn verify(&self, file: &[u8], trusted: Option<&[u8]>) -> Result<()> {
        if trusted.is_some_and(|key| key != self.public_key) {
            return Err(EvidenceError::SealBroken("it was made with another key"));
        }
        if self.algorithm.hash(file) != self.digest {
            return Err(EvidenceError::SealBroken("the file is not the one that was sealed"));
        }
        UnparsedPublicKey::new(&ED25519, &self.public_key)
            .verify(&self.signed_octets(), &self.signature)
            .map_err(|_| EvidenceError::SealBroken("its signature is broken"))
    }

    fn signed_octets(&self) -> Vec<u8> {
        der::sequence(&[
            &der::tlv(der::UTF8_STRING, LABEL.as_bytes()),
            &der::unsigned(INTEGER, VERSION),
            &der::sequence(&[&der::tlv(der::OID, oid::ED25519)]),
            &der::tlv(OCTET_STRING, &self.public_key),
            &self.algorithm.identifier(),
            &der::tlv(OCTET_STRING, self.digest.as_slice()),
            &time::write_generalized(self.sealed_at),
        ])
    }
}
