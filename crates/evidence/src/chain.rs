use std::time::Duration;

use model::Timestamp;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::certificate::Certificate;
use crate::{EvidenceError, Result, oid, signature};

/// The most trust anchors that are looked through.
const ANCHORS_MAX: usize = 10_000;

/// The certificates of the authorities that the examiner trusts.
#[derive(Clone, Debug, Default)]
pub struct TrustAnchors {
    certificates: Vec<CertificateDer<'static>>,
}

impl TrustAnchors {
    /// # Errors
    /// When one is no certificate, or there are more than 10,000.
    pub fn from_der(certificates: impl IntoIterator<Item = Vec<u8>>) -> Result<Self> {
        let certificates: Vec<_> = certificates.into_iter().map(CertificateDer::from).collect();
        if certificates.len() > ANCHORS_MAX {
            return Err(EvidenceError::TooMuch { what: "trust anchors", limit: ANCHORS_MAX });
        }
        for certificate in &certificates {
            Certificate::parse(certificate)?;
            anchor_from_trusted_cert(certificate)
                .map_err(|error| EvidenceError::CertificateUnfit(format!("an anchor: {error}")))?;
        }
        Ok(Self { certificates })
    }

    /// All certificates of a PEM file; other blocks and text around them are passed over.
    ///
    /// # Errors
    /// When a block is damaged, no certificate is in it, or as [`TrustAnchors::from_der`].
    pub fn from_pem(pem: &[u8]) -> Result<Self> {
        let flaw = EvidenceError::Malformed { structure: "a PEM file", flaw: "a block is damaged" };
        let blocks: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let blocks = blocks.map_err(|_| flaw)?;
        if blocks.is_empty() {
            let flaw = "there is no certificate in it";
            return Err(EvidenceError::Malformed { structure: "a PEM file", flaw });
        }
        Self::from_der(blocks.into_iter().map(|block| block.to_vec()))
    }

    pub fn extend(&mut self, other: Self) {
        self.certificates.extend(other.certificates);
    }

    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }

    pub(crate) fn contains(&self, der: &[u8]) -> bool {
        self.certificates.iter().any(|it| it.as_ref() == der)
    }
}

/// A certificate and those above it, up to the trusted one; all in DER.
#[derive(Clone, Debug)]
pub struct Path {
    /// From the signer's certificate to the last one below the anchor.
    pub certificates: Vec<Vec<u8>>,
    pub anchor: Vec<u8>,
}

/// Builds the chain of the time-stamping certificate `leaf` to an anchor as of `at`.
///
/// # Errors
/// [`EvidenceError::ChainBroken`] with what does not hold.
pub fn build(
    leaf: &[u8],
    others: &[Vec<u8>],
    anchors: &TrustAnchors,
    at: Timestamp,
) -> Result<Path> {
    let parsed = Certificate::parse(leaf)?;
    let broken = |error: webpki::Error| chain_error(&error, &parsed, others, at);
    let leaf_der = CertificateDer::from(leaf);
    let end_entity = EndEntityCert::try_from(&leaf_der).map_err(broken)?;
    let trusted: Vec<TrustAnchor<'_>> = anchors
        .certificates
        .iter()
        .filter_map(|certificate| anchor_from_trusted_cert(certificate).ok())
        .collect();
    let intermediates: Vec<CertificateDer<'_>> =
        others.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let seconds = u64::try_from(at.as_seconds()).unwrap_or(0);
    let path = end_entity
        .verify_for_usage(
            ALL_VERIFICATION_ALGS,
            &trusted,
            &intermediates,
            UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
            // That the signer's own names this purpose, alone and critical, is checked elsewhere.
            KeyUsage::required_if_present(oid::PURPOSE_TIME_STAMPING),
            None,
            None,
        )
        .map_err(broken)?;
    let mut certificates = vec![leaf.to_vec()];
    certificates.extend(path.intermediate_certificates().map(|it| it.der().to_vec()));
    let anchor = path.anchor();
    let same = |it: &&CertificateDer<'static>| {
        anchor_from_trusted_cert(it).is_ok_and(|found| found == *anchor)
    };
    // The path ends at one of the anchors that were passed.
    let anchor = anchors.certificates.iter().find(same).map(|it| it.to_vec()).unwrap_or_default();
    // webpki does not look at the span of an anchor; OpenSSL does.
    let span = Certificate::parse(&anchor)?;
    if at < span.not_before || at > span.not_after {
        let why = format!("the trusted certificate was not valid at {at} ({})", span.name());
        return Err(EvidenceError::ChainBroken(why));
    }
    Ok(Path { certificates, anchor })
}

fn chain_error(
    error: &webpki::Error,
    leaf: &Certificate<'_>,
    others: &[Vec<u8>],
    at: Timestamp,
) -> EvidenceError {
    use webpki::Error as E;
    let of = |why: &str| EvidenceError::ChainBroken(format!("{why} ({})", leaf.name()));
    match error {
        E::CertExpired { .. } => of(&format!("a certificate had ended at {at}")),
        E::CertNotValidYet { .. } => of(&format!("a certificate was not valid yet at {at}")),
        E::UnknownIssuer => of("it leads to none of the trusted authorities"),
        E::InvalidSignatureForPublicKey => of("a certificate's signature is broken"),
        E::UnsupportedSignatureAlgorithmContext(_)
        | E::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            let keys: Vec<String> = std::iter::once(leaf.key_kind())
                .chain(others.iter().filter_map(|it| Some(Certificate::parse(it).ok()?.key_kind())))
                .collect();
            EvidenceError::UnknownAlgorithm {
                place: "the certificate chain (`openssl ts -verify` may know it)",
                algorithm: keys.join(", "),
            }
        }
        other => of(&other.to_string()),
    }
}

/// Checks that every certificate of a token belongs to its proof: it is in the path, is an anchor,
/// or is signed by one that belongs. Otherwise octets of the token would be covered by nothing.
///
/// # Errors
/// [`EvidenceError::CertificateAstray`] with the first that does not.
pub fn account_for(certificates: &[Vec<u8>], path: &Path, anchors: &TrustAnchors) -> Result<()> {
    let mut known: Vec<&[u8]> = path.certificates.iter().map(Vec::as_slice).collect();
    known.push(&path.anchor);
    let mut open: Vec<&[u8]> = Vec::new();
    for certificate in certificates {
        match known.contains(&certificate.as_slice()) || anchors.contains(certificate) {
            true => known.push(certificate),
            false => open.push(certificate),
        }
    }
    while !open.is_empty() {
        let before = open.len();
        let mut rest = Vec::new();
        for certificate in open {
            match known.iter().any(|issuer| issued(issuer, certificate)) {
                true => known.push(certificate),
                false => rest.push(certificate),
            }
        }
        if rest.len() == before {
            let name = Certificate::parse(rest[0])?.name();
            return Err(EvidenceError::CertificateAstray(name));
        }
        open = rest;
    }
    Ok(())
}

/// Whether the holder of `issuer` signed `certificate`.
pub fn issued(issuer: &[u8], certificate: &[u8]) -> bool {
    let (Ok(issuer), Ok(it)) = (Certificate::parse(issuer), Certificate::parse(certificate)) else {
        return false;
    };
    let key = issuer.public_key;
    issuer.subject == it.issuer
        && signature::verify(key, it.algorithm, None, it.tbs, it.signature, "a certificate").is_ok()
}
