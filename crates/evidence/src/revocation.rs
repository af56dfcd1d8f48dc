//! Certificate revocation lists (RFC 5280 §5) and OCSP responses (RFC 6960) that a token carries.

mod crl;
mod ocsp;

use model::Timestamp;

use crate::certificate::{self, Certificate};
use crate::chain::{self, Path};
use crate::der::{self, Algorithm, Reader, SEQUENCE, constructed};
use crate::record::check_size;
use crate::{EvidenceError, Limits, Result, TimeStampToken, oid};

const NAME: &str = "the revocation data";

/// Revocation data as a token carries it: RevocationInfoChoice (RFC 5652 §10.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevocationInfo {
    /// A CertificateList in DER.
    Crl(Vec<u8>),
    /// A BasicOCSPResponse in DER.
    Ocsp(Vec<u8>),
}

/// Why a certificate was revoked (RFC 5280 §5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationReason {
    /// The key may be in other hands, or no reason is given: nothing signed with it counts.
    Compromised,
    /// RFC 3161 §4: what was signed before the revocation stays good.
    Retired,
}

/// What the revocation data of a token says about one certificate of its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateStatus {
    pub subject: String,
    /// When the authority said so; `None`: the token carries nothing about this certificate that
    /// covers the time of the stamp.
    pub as_of: Option<Timestamp>,
    /// Revoked since then.
    pub revoked: Option<(Timestamp, RevocationReason)>,
}

/// Where the revocation data of one certificate can be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationSource {
    pub subject: String,
    pub crl_addresses: Vec<String>,
    pub ocsp_addresses: Vec<String>,
    /// An OCSPRequest in DER (RFC 6960 §4.1) for this certificate, without a nonce.
    pub ocsp_request: Vec<u8>,
}

impl RevocationInfo {
    /// A CRL as it was fetched, in DER.
    ///
    /// # Errors
    /// When it is none.
    pub fn crl(octets: &[u8], limits: &Limits) -> Result<Self> {
        crl::Crl::parse(octets)?.check_size(limits)?;
        Ok(Self::Crl(octets.to_vec()))
    }

    /// The BasicOCSPResponse of an answer of an OCSP responder.
    ///
    /// # Errors
    /// When the responder did not answer the question, or the answer is not readable.
    pub fn ocsp_answer(octets: &[u8]) -> Result<Self> {
        Ok(Self::Ocsp(ocsp::basic_of_answer(octets)?.to_vec()))
    }

    pub(crate) fn read_set(mut set: Reader<'_>, limits: &Limits) -> Result<Vec<Self>> {
        let mut infos = Vec::new();
        while !set.is_empty() {
            check_size(infos.len() + 1, limits.revocation_infos_max, NAME)?;
            infos.push(match set.peek() {
                Some(SEQUENCE) => Self::crl(set.next()?.raw, limits)?,
                Some(tag) if tag == constructed(1) => Self::read_other(set.next()?.value)?,
                _ => return Err(set.flaw("it is neither a CRL nor an OCSP response")),
            });
        }
        Ok(infos)
    }

    /// OtherRevocationInfoFormat: a BasicOCSPResponse (TR-ESOR) or a whole OCSPResponse (RFC 5940).
    fn read_other(octets: &[u8]) -> Result<Self> {
        let mut fields = Reader::new(octets, NAME);
        let format = fields.oid()?;
        let value = fields.expect(SEQUENCE)?.raw;
        fields.finish()?;
        match format {
            oid::OCSP_BASIC => {
                ocsp::Ocsp::parse(value)?;
                Ok(Self::Ocsp(value.to_vec()))
            }
            oid::RI_OCSP_RESPONSE => Self::ocsp_answer(value),
            _ => {
                Err(EvidenceError::UnknownAlgorithm { place: NAME, algorithm: oid::dotted(format) })
            }
        }
    }

    /// As RevocationInfoChoice in DER.
    pub(crate) fn to_choice(&self) -> Vec<u8> {
        match self {
            Self::Crl(crl) => crl.clone(),
            Self::Ocsp(basic) => {
                let content = [der::tlv(der::OID, oid::OCSP_BASIC), basic.clone()].concat();
                der::tlv(constructed(1), &content)
            }
        }
    }
}

impl CertificateStatus {
    /// Refuses a certificate that was revoked before `until` in a way that touches a stamp made at
    /// `stamped`: with its key lost until the next renewal, or for any reason before the stamp.
    ///
    /// # Errors
    /// [`EvidenceError::Revoked`].
    pub fn check(&self, stamped: Timestamp, until: Timestamp) -> Result<()> {
        let Some((at, reason)) = self.revoked else { return Ok(()) };
        let (touched, reason) = match reason {
            RevocationReason::Compromised => (at <= until, "its key may be in other hands"),
            RevocationReason::Retired => (at <= stamped, "it was out of use"),
        };
        match touched {
            true => Err(EvidenceError::Revoked { subject: self.subject.clone(), at, reason }),
            false => Ok(()),
        }
    }
}

/// What the token's own revocation data says about each certificate of its path. The newest
/// statement counts, but a revocation counts always.
///
/// # Errors
/// Data that is not signed by an authority of the path: it would be covered by nothing.
pub fn statuses(
    token: &TimeStampToken,
    path: &Path,
    at: Timestamp,
) -> Result<Vec<CertificateStatus>> {
    let mut statuses = Vec::new();
    let mut used = vec![false; token.revocation.len()];
    for (number, octets) in path.certificates.iter().enumerate() {
        let certificate = Certificate::parse(octets)?;
        let issuer = path.certificates.get(number + 1).unwrap_or(&path.anchor);
        let issuer = Certificate::parse(issuer)?;
        let mut status =
            CertificateStatus { subject: certificate.name(), as_of: None, revoked: None };
        for (info, used) in token.revocation.iter().zip(&mut used) {
            let said = match info {
                RevocationInfo::Crl(octets) => {
                    crl::Crl::parse(octets)?.about(&certificate, &issuer, at)?
                }
                RevocationInfo::Ocsp(octets) => {
                    ocsp::Ocsp::parse(octets)?.about(&certificate, &issuer, at)?
                }
            };
            let Some((as_of, revoked)) = said else { continue };
            *used = true;
            status.as_of = status.as_of.max(as_of);
            status.revoked = earliest(status.revoked, revoked);
        }
        statuses.push(status);
    }
    match used.iter().all(|used| *used) {
        true => Ok(statuses),
        false => {
            let why = "it is about no certificate of the chain".to_owned();
            Err(EvidenceError::RevocationUnfit(why))
        }
    }
}

type Revoked = Option<(Timestamp, RevocationReason)>;

/// Since when a statement covers a stamp, if it does, and what it says.
type Said = (Option<Timestamp>, Revoked);

/// A statement covers a stamp at `at` when it was made after it, or was still the newest then.
fn covering(made: Timestamp, next: Option<Timestamp>, at: Timestamp) -> Option<Timestamp> {
    // Statements know no fractions of a second.
    (made.as_seconds() >= at.as_seconds() || next.is_some_and(|next| next >= at)).then_some(made)
}

fn earliest(one: Revoked, other: Revoked) -> Revoked {
    match (one, other) {
        (Some(one), Some(other)) => Some(if other.0 < one.0 { other } else { one }),
        (one, other) => one.or(other),
    }
}

impl RevocationReason {
    /// From the code of the CRL entry or OCSP response; `None` when there is none.
    fn from_code(code: Option<u64>) -> Self {
        match code {
            Some(0 | 3 | 4 | 5) => Self::Retired,
            _ => Self::Compromised,
        }
    }
}

/// Where to fetch what a token lacks, for each certificate of its chain at the time of the stamp.
///
/// # Errors
/// As for the chain in [`crate::verify_token`].
pub fn revocation_sources(
    verified: &crate::VerifiedToken,
    anchors: &crate::TrustAnchors,
) -> Result<Vec<RevocationSource>> {
    let token = &verified.token;
    let path =
        chain::build(&verified.path[0], &token.certificates, anchors, token.info().gen_time)?;
    let mut sources = Vec::new();
    for (number, octets) in path.certificates.iter().enumerate() {
        let certificate = Certificate::parse(octets)?;
        let issuer = path.certificates.get(number + 1).unwrap_or(&path.anchor);
        let (crl_addresses, ocsp_addresses) = certificate::addresses(&certificate)?;
        sources.push(RevocationSource {
            subject: certificate.name(),
            crl_addresses,
            ocsp_addresses,
            ocsp_request: ocsp::request(&certificate, &Certificate::parse(issuer)?)?,
        });
    }
    Ok(sources)
}

/// An outer SEQUENCE of what is signed, AlgorithmIdentifier, signature, and what follows.
struct Signed<'a> {
    tbs: der::Tlv<'a>,
    algorithm: &'a [u8],
    signature: &'a [u8],
    rest: Reader<'a>,
}

impl<'a> Signed<'a> {
    fn read(octets: &'a [u8], structure: &'static str) -> Result<Self> {
        let mut outer = Reader::new(Reader::whole(octets, SEQUENCE, structure)?.value, structure);
        let tbs = outer.expect(SEQUENCE)?;
        let algorithm = Algorithm::read(&mut outer)?.content;
        let signature = outer.bits()?;
        Ok(Self { tbs, algorithm, signature, rest: outer })
    }

    fn verify(&self, signer: &Certificate<'_>, what: &'static str) -> Result<()> {
        let key = signer.public_key;
        crate::signature::verify(key, self.algorithm, None, self.tbs.raw, self.signature, what)
    }
}
