use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use model::Timestamp;

use super::{RevocationReason, Revoked, Said, Signed, covering};
use crate::certificate::Certificate;
use crate::der::{
    self, Algorithm, GENERALIZED_TIME, OCTET_STRING, Reader, SEQUENCE, constructed, context,
};
use crate::tst_info::significant;
use crate::{EvidenceError, HashAlgorithm, Result, chain, oid, time};

const NAME: &str = "an OCSP response";
/// Answers in one response that are looked through.
const ANSWERS_MAX: usize = 64;
/// Certificates of responders that are looked through.
const RESPONDERS_MAX: usize = 8;

/// A BasicOCSPResponse (RFC 6960 §4.2.1).
pub struct Ocsp<'a> {
    signed: Signed<'a>,
    answers: Reader<'a>,
    certificates: Vec<&'a [u8]>,
}

impl<'a> Ocsp<'a> {
    pub fn parse(octets: &'a [u8]) -> Result<Self> {
        let mut signed = Signed::read(octets, NAME)?;
        let mut certificates = Vec::new();
        if let Some(mut explicit) = signed.rest.inside_optional(constructed(0))? {
            let mut list = explicit.inside(SEQUENCE)?;
            explicit.finish()?;
            while !list.is_empty() {
                certificates.push(list.expect(SEQUENCE)?.raw);
                if certificates.len() > RESPONDERS_MAX {
                    let limit = RESPONDERS_MAX;
                    return Err(EvidenceError::TooMuch { what: NAME, limit });
                }
            }
        }
        signed.rest.finish()?;
        let mut fields = Reader::new(signed.tbs.value, NAME);
        fields.optional(constructed(0))?;
        match fields.peek() {
            Some(tag) if tag == constructed(1) || tag == constructed(2) => fields.next()?,
            _ => return Err(fields.flaw("it does not name its responder")),
        };
        fields.expect(GENERALIZED_TIME)?;
        let answers = fields.inside(SEQUENCE)?;
        fields.optional(constructed(1))?;
        fields.finish()?;
        Ok(Self { signed, answers, certificates })
    }

    /// What the response says about `certificate`, and since when; `None`: nothing.
    pub fn about(
        &self,
        certificate: &Certificate<'_>,
        issuer: &Certificate<'_>,
        at: Timestamp,
    ) -> Result<Option<Said>> {
        let mut answers = self.answers.clone();
        for _ in 0..ANSWERS_MAX {
            if answers.is_empty() {
                return Ok(None);
            }
            let mut answer = answers.inside(SEQUENCE)?;
            if !is_id_of(answer.inside(SEQUENCE)?, certificate, issuer)? {
                continue;
            }
            self.check_responder(issuer, at)?;
            let status = answer.next()?;
            let this_update = time::generalized(answer.expect(GENERALIZED_TIME)?.value)?;
            let next_update = match answer.inside_optional(constructed(0))? {
                Some(mut explicit) => {
                    Some(time::generalized(explicit.expect(GENERALIZED_TIME)?.value)?)
                }
                None => None,
            };
            answer.optional(constructed(1))?;
            answer.finish()?;
            let as_of = covering(this_update, next_update, at);
            return Ok(Some((as_of, read_status(status)?)));
        }
        Err(EvidenceError::TooMuch { what: NAME, limit: ANSWERS_MAX })
    }

    /// RFC 6960 §4.2.2.2: signed by the issuer itself, or by one whom the issuer made for it.
    fn check_responder(&self, issuer: &Certificate<'_>, at: Timestamp) -> Result<()> {
        if self.signed.verify(issuer, NAME).is_ok() {
            return self.check_surplus(issuer);
        }
        for octets in &self.certificates {
            let responder = Certificate::parse(octets)?;
            let made_for_it = responder
                .purposes()?
                .is_some_and(|(_, purposes)| purposes.contains(&oid::PURPOSE_OCSP_SIGNING));
            let lasted = responder.not_after >= at;
            if made_for_it && lasted && chain::issued(issuer.der, octets) {
                self.signed.verify(&responder, NAME)?;
                return self.check_surplus(issuer);
            }
        }
        let why = "no responder that the issuer trusts signed the OCSP response".to_owned();
        Err(EvidenceError::RevocationUnfit(why))
    }

    /// Each certificate beside the answer is the issuer's own or from the issuer's hand.
    fn check_surplus(&self, issuer: &Certificate<'_>) -> Result<()> {
        let belongs = |it: &&[u8]| **it == *issuer.der || chain::issued(issuer.der, it);
        match self.certificates.iter().all(belongs) {
            true => Ok(()),
            false => Err(EvidenceError::RevocationUnfit(
                "the OCSP response carries a certificate of another issuer".to_owned(),
            )),
        }
    }
}

/// Whether a CertID is that of `certificate`. SHA-1 names things here, it protects nothing.
fn is_id_of(
    mut id: Reader<'_>,
    certificate: &Certificate<'_>,
    issuer: &Certificate<'_>,
) -> Result<bool> {
    let algorithm = Algorithm::read(&mut id)?;
    let name = id.expect(OCTET_STRING)?.value;
    let key = id.expect(OCTET_STRING)?.value;
    let serial = id.integer()?;
    id.finish()?;
    let hash = |octets: &[u8]| -> Result<Vec<u8>> {
        if algorithm.oid == oid::SHA1 {
            return Ok(digest(&SHA1_FOR_LEGACY_USE_ONLY, octets).as_ref().to_vec());
        }
        let function = HashAlgorithm::from_algorithm(&algorithm, NAME)?;
        Ok(function.hash(octets).as_slice().to_vec())
    };
    Ok(significant(serial) == significant(certificate.serial)
        && hash(issuer.subject)? == name
        && hash(issuer.key_octets()?)? == key)
}

fn read_status(status: der::Tlv<'_>) -> Result<Revoked> {
    let mut fields = Reader::new(status.value, NAME);
    if status.tag == context(0) {
        fields.finish()?;
        return Ok(None);
    }
    if status.tag != constructed(1) {
        let why = "the OCSP responder does not know the certificate".to_owned();
        return Err(EvidenceError::RevocationUnfit(why));
    }
    let at = time::generalized(fields.expect(GENERALIZED_TIME)?.value)?;
    let code = match fields.inside_optional(constructed(0))? {
        Some(mut explicit) => {
            let code = explicit.expect(der::ENUMERATED)?.value;
            explicit.finish()?;
            Some(explicit.unsigned(code)?)
        }
        None => None,
    };
    fields.finish()?;
    Ok(Some((at, RevocationReason::from_code(code))))
}

/// The BasicOCSPResponse within an OCSPResponse whose status is "successful".
pub fn basic_of_answer(octets: &[u8]) -> Result<&[u8]> {
    let mut fields = Reader::new(Reader::whole(octets, SEQUENCE, NAME)?.value, NAME);
    let status = fields.expect(der::ENUMERATED)?.value;
    if status != [0] {
        let why = format!("the OCSP responder answered with status {}", fields.unsigned(status)?);
        return Err(EvidenceError::RevocationUnfit(why));
    }
    let mut explicit = fields.inside(constructed(0))?;
    fields.finish()?;
    let mut response = explicit.inside(SEQUENCE)?;
    explicit.finish()?;
    if response.oid()? != oid::OCSP_BASIC {
        return Err(response.flaw("it is of another kind than basic"));
    }
    let basic = response.expect(OCTET_STRING)?.value;
    response.finish()?;
    Ocsp::parse(basic)?;
    Ok(basic)
}

/// OCSPRequest for one certificate; SHA-1 in the CertID, which every responder knows.
pub fn request(certificate: &Certificate<'_>, issuer: &Certificate<'_>) -> Result<Vec<u8>> {
    let sha1 =
        |octets: &[u8]| der::tlv(OCTET_STRING, digest(&SHA1_FOR_LEGACY_USE_ONLY, octets).as_ref());
    let algorithm = der::sequence(&[&der::tlv(der::OID, oid::SHA1), &[der::NULL, 0]]);
    let id = der::sequence(&[
        &algorithm,
        &sha1(issuer.subject),
        &sha1(issuer.key_octets()?),
        &der::tlv(der::INTEGER, certificate.serial),
    ]);
    let list = der::sequence(&[&der::sequence(&[&id])]);
    Ok(der::sequence(&[&der::sequence(&[&list])]))
}
