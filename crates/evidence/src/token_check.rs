use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use model::Timestamp;

use crate::certificate::Certificate;
use crate::chain::{self, TrustAnchors};
use crate::der::{Algorithm, OCTET_STRING, Reader, SEQUENCE, SET, constructed};
use crate::revocation::{self, CertificateStatus};
use crate::token::SignerId;
use crate::{EvidenceError, HashAlgorithm, Result, TimeStampToken, oid, signature};

const NAME: &str = "the time-stamp token";

/// What a token proves: that its imprint was there at `token.info().gen_time`.
#[derive(Clone, Debug)]
pub struct VerifiedToken {
    pub token: TimeStampToken,
    /// The subject of the signing certificate.
    pub authority: String,
    /// The subject of the trusted certificate at the end of the chain.
    pub anchor: String,
    /// When the first certificate of the chain ends: a renewal is due before.
    pub valid_until: Timestamp,
    /// For each certificate of the chain below the anchor what the token's revocation data says.
    pub revocation: Vec<CertificateStatus>,
    /// The chain from the signer to the last one below the anchor, in DER.
    pub path: Vec<Vec<u8>>,
    /// The trusted certificate above it, in DER.
    pub root: Vec<u8>,
    /// The token names its certificate by SHA-1 only (RFC 2634): outside the basis profile.
    pub legacy_certificate_id: bool,
}

/// Checks a token by itself (RFC 3161 §2.4.2, reference in `docs/evidence.md`): signed attributes,
/// signing certificate, its purpose, signature, chain at the time of the stamp, revocation data
/// that it carries. Without I/O; the result holds for ever, but whether the stamp has been renewed
/// in time is the caller's question ([`crate::Verifier`]).
///
/// # Errors
/// The first check that fails.
pub fn verify_token(token: &TimeStampToken, anchors: &TrustAnchors) -> Result<VerifiedToken> {
    let leaf = signing_certificate(token)?;
    let legacy_certificate_id = check_attributes(token, &leaf)?;
    check_purpose(&leaf)?;
    let signer = &token.signer;
    signature::verify(
        leaf.public_key,
        &signer.algorithm,
        Some(signer.digest),
        &signer.signed_octets(),
        &signer.signature,
        NAME,
    )
    .map_err(|error| name_key(error, &leaf))?;
    let at = token.info().gen_time;
    let path = chain::build(leaf.der, &token.certificates, anchors, at)?;
    chain::account_for(&token.certificates, &path, anchors)?;
    let revocation = revocation::statuses(token, &path, at)?;
    let mut valid_until = leaf.not_after;
    for certificate in path.certificates.iter().chain([&path.anchor]) {
        valid_until = valid_until.min(Certificate::parse(certificate)?.not_after);
    }
    Ok(VerifiedToken {
        authority: leaf.name(),
        anchor: Certificate::parse(&path.anchor)?.name(),
        valid_until,
        revocation,
        root: path.anchor,
        path: path.certificates,
        legacy_certificate_id,
        token: token.clone(),
    })
}

fn name_key(error: EvidenceError, leaf: &Certificate<'_>) -> EvidenceError {
    match error {
        EvidenceError::UnknownAlgorithm { place, algorithm } => EvidenceError::UnknownAlgorithm {
            place,
            algorithm: format!("{algorithm} with a key of kind {}", leaf.key_kind()),
        },
        other => other,
    }
}

/// The certificate that the signer is named by, among those of the token.
fn signing_certificate(token: &TimeStampToken) -> Result<Certificate<'_>> {
    for octets in &token.certificates {
        let certificate = Certificate::parse(octets)?;
        let named = match &token.signer.id {
            SignerId::Issued { issuer, serial } => {
                certificate.issuer == issuer && certificate.serial == serial
            }
            SignerId::SubjectKey(key) => certificate.subject_key()? == Some(key.as_slice()),
        };
        if named {
            return Ok(certificate);
        }
    }
    let why = "the token does not carry the certificate of its signer".to_owned();
    Err(EvidenceError::CertificateUnfit(why))
}

/// RFC 5652 §5.3 and §11, RFC 5816: contentType, messageDigest, signingCertificate or its second
/// version, each once with one value. Returns whether only the first version is there.
fn check_attributes(token: &TimeStampToken, leaf: &Certificate<'_>) -> Result<bool> {
    let mut reader = Reader::new(&token.signer.attributes, "the signed attributes");
    let mut previous: &[u8] = &[];
    let mut known: Vec<(&[u8], &[u8])> = Vec::new();
    while !reader.is_empty() {
        let attribute = reader.expect(SEQUENCE)?;
        if !previous.is_empty() && attribute.raw <= previous {
            return Err(reader.flaw("they are not in the order of DER"));
        }
        previous = attribute.raw;
        let mut fields = Reader::new(attribute.value, "the signed attributes");
        let id = fields.oid()?;
        let values = fields.expect(SET)?.value;
        fields.finish()?;
        if known.iter().any(|(other, _)| *other == id) {
            return Err(reader.flaw("one is there twice"));
        }
        known.push((id, values));
    }
    let value = |id: &[u8]| known.iter().find(|(other, _)| *other == id).map(|(_, value)| *value);
    let mut kind = Reader::new(value(oid::CONTENT_TYPE).unwrap_or_default(), NAME);
    if kind.oid()? != oid::TST_INFO {
        return Err(kind.flaw("its content type is not signed as that of a time stamp"));
    }
    kind.finish()?;
    let digest = value(oid::MESSAGE_DIGEST).unwrap_or_default();
    let digest = Reader::whole(digest, OCTET_STRING, NAME)?.value;
    if digest != token.signer.digest.hash(&token.content).as_slice() {
        return Err(EvidenceError::SignatureBroken("the time stamp's content"));
    }
    let first = value(oid::SIGNING_CERTIFICATE);
    if let Some(content) = first {
        check_certificate_id(content, leaf, false)?;
    }
    match (value(oid::SIGNING_CERTIFICATE_V2), first) {
        (Some(content), _) => check_certificate_id(content, leaf, true).map(|()| false),
        (None, Some(_)) => Ok(true),
        (None, None) => Err(reader.flaw("they do not name the signing certificate")),
    }
}

/// ESSCertID or ESSCertIDv2 (RFC 5035 §5.4): the first one must be the signer's.
fn check_certificate_id(content: &[u8], leaf: &Certificate<'_>, second: bool) -> Result<()> {
    const WHAT: &str = "the signing certificate attribute";
    let mut outer = Reader::new(Reader::whole(content, SEQUENCE, WHAT)?.value, WHAT);
    let mut ids = outer.inside(SEQUENCE)?;
    let mut id = ids.inside(SEQUENCE)?;
    let mut function = Some(HashAlgorithm::Sha256);
    if !second {
        function = None;
    } else if id.peek() == Some(SEQUENCE) {
        let algorithm = Algorithm::read(&mut id)?;
        function = Some(HashAlgorithm::from_algorithm(&algorithm, WHAT)?);
    }
    let hash = id.expect(OCTET_STRING)?.value;
    let fits = match function {
        Some(function) => function.hash(leaf.der).as_slice() == hash,
        None => digest(&SHA1_FOR_LEGACY_USE_ONLY, leaf.der).as_ref() == hash,
    };
    if !fits {
        return Err(leaf.unfit("the token was signed with another certificate than it names"));
    }
    if let Some(mut issued) = id.inside_optional(SEQUENCE)? {
        let mut names = issued.inside(SEQUENCE)?;
        // GeneralNames with one directoryName, explicitly tagged because it is a CHOICE.
        let name = names.expect(constructed(4))?.value;
        if name != leaf.issuer || issued.integer()? != leaf.serial {
            return Err(leaf.unfit("the token names another issuer or serial number"));
        }
    }
    id.finish()
}

/// RFC 3161 §2.3: the key is for time stamps and for nothing else, and says so critically.
fn check_purpose(leaf: &Certificate<'_>) -> Result<()> {
    match leaf.purposes()? {
        None => return Err(leaf.unfit("it is not made for time stamps")),
        Some((false, _)) => return Err(leaf.unfit("its purpose is not marked as critical")),
        Some((true, purposes)) if purposes != [oid::PURPOSE_TIME_STAMPING] => {
            return Err(leaf.unfit("time stamps are not its only purpose"));
        }
        Some(_) => {}
    }
    if !leaf.may_sign()? {
        return Err(leaf.unfit("its key usage does not allow signatures"));
    }
    Ok(())
}
