use crate::der::{self, BOOLEAN, INTEGER, OCTET_STRING};
use crate::{EvidenceError, HashAlgorithm, HashValue, Result, oid};

/// What is asked of a time-stamp authority (RFC 3161 §2.4.1): only a hash value leaves the house.
///
/// To be sent with the media type `application/timestamp-query`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub algorithm: HashAlgorithm,
    pub imprint: HashValue,
    /// Drawn by the caller, different each time: an old answer is then refused.
    pub nonce: u64,
    /// The policy to stamp under, in dotted decimal notation; `None` leaves it to the authority.
    pub policy: Option<String>,
}

impl Request {
    /// The request in DER. Certificates are always asked for, so that the token stands alone.
    ///
    /// # Errors
    /// When the policy is no object identifier, or the imprint not of the algorithm's length.
    pub fn to_der(&self) -> Result<Vec<u8>> {
        if self.imprint.as_slice().len() != self.algorithm.length_bytes() {
            let flaw = "its imprint is not as long as its hash algorithm's";
            return Err(EvidenceError::Malformed { structure: "the request", flaw });
        }
        let imprint = der::sequence(&[
            &self.algorithm.identifier(),
            &der::tlv(OCTET_STRING, self.imprint.as_slice()),
        ]);
        let policy = match &self.policy {
            Some(policy) => {
                let flaw = "its policy is no object identifier";
                let malformed = EvidenceError::Malformed { structure: "the request", flaw };
                der::tlv(der::OID, &oid::parse_dotted(policy).ok_or(malformed)?)
            }
            None => Vec::new(),
        };
        Ok(der::sequence(&[
            &der::unsigned(INTEGER, 1),
            &imprint,
            &policy,
            &der::unsigned(INTEGER, self.nonce),
            &der::tlv(BOOLEAN, &[0xff]),
        ]))
    }
}
