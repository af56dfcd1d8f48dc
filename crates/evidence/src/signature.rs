use rustls_pki_types::{SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer};
use webpki::{ALL_VERIFICATION_ALGS, RawPublicKeyEntity};

use crate::der::Algorithm;
use crate::{EvidenceError, HashAlgorithm, Result, oid};

/// Checks `signature` over `message` with the key of a SubjectPublicKeyInfo; `algorithm` is the
/// content of the signature's AlgorithmIdentifier.
///
/// RSA (PKCS #1, PSS with salts as long as the hash) from 2048 bits, ECDSA on P-256, P-384 and
/// P-521, Ed25519, ML-DSA. In CMS the bare name of the key's kind stands for the signature with
/// the signer's `digest` (RFC 3370 §3.2).
///
/// # Errors
/// [`EvidenceError::SignatureBroken`]; [`EvidenceError::UnknownAlgorithm`] for what is not
/// supported here, such as brainpool curves.
pub fn verify(
    public_key: &[u8],
    algorithm: &[u8],
    digest: Option<HashAlgorithm>,
    message: &[u8],
    signature: &[u8],
    what: &'static str,
) -> Result<()> {
    let unknown = || EvidenceError::UnknownAlgorithm {
        place: what,
        algorithm: Algorithm::of(algorithm, what)
            .map_or_else(|_| "unreadable".into(), |it| oid::dotted(it.oid)),
    };
    let info = SubjectPublicKeyInfoDer::from(public_key);
    let entity = RawPublicKeyEntity::try_from(&info).map_err(|_| EvidenceError::Malformed {
        structure: "a public key",
        flaw: "no key in it",
    })?;
    let candidates = candidates(algorithm, digest, what)?;
    let mut outcome = Err(unknown());
    for candidate in candidates {
        match entity.verify_signature(candidate, message, signature) {
            Ok(()) => return Ok(()),
            Err(webpki::Error::InvalidSignatureForPublicKey) => {
                outcome = Err(EvidenceError::SignatureBroken(what));
            }
            // The algorithm is for another kind of key.
            Err(_) => {}
        }
    }
    outcome
}

fn candidates(
    algorithm: &[u8],
    digest: Option<HashAlgorithm>,
    what: &'static str,
) -> Result<Vec<&'static dyn SignatureVerificationAlgorithm>> {
    use webpki::aws_lc_rs as all;
    let named = Algorithm::of(algorithm, what)?;
    let fits =
        |it: &&dyn SignatureVerificationAlgorithm| it.signature_alg_id().as_ref() == named.content;
    let direct: Vec<_> = ALL_VERIFICATION_ALGS.iter().copied().filter(fits).collect();
    Ok(match (named.oid, digest) {
        (oid::RSA_ENCRYPTION, Some(digest)) if named.is_bare() => vec![match digest {
            HashAlgorithm::Sha256 => all::RSA_PKCS1_2048_8192_SHA256,
            HashAlgorithm::Sha384 => all::RSA_PKCS1_2048_8192_SHA384,
            HashAlgorithm::Sha512 => all::RSA_PKCS1_2048_8192_SHA512,
        }],
        (oid::EC_PUBLIC_KEY, Some(digest)) if named.is_bare() => match digest {
            HashAlgorithm::Sha256 => {
                vec![all::ECDSA_P256_SHA256, all::ECDSA_P384_SHA256, all::ECDSA_P521_SHA256]
            }
            HashAlgorithm::Sha384 => {
                vec![all::ECDSA_P256_SHA384, all::ECDSA_P384_SHA384, all::ECDSA_P521_SHA384]
            }
            HashAlgorithm::Sha512 => {
                vec![all::ECDSA_P256_SHA512, all::ECDSA_P384_SHA512, all::ECDSA_P521_SHA512]
            }
        },
        _ => direct,
    })
}
