//! The application's assertion: a JWT (RFC 7519, RFC 7523 §3) that names its certificate.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::Timestamp;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::fetch::FetchError;

/// How long an assertion is good for.
const LIFETIME_SECONDS: i64 = 600;

/// The provider's clock may be behind ours by so much.
const SKEW_SECONDS: i64 = 120;

/// Octets of a PEM that is read.
const PEM_OCTETS_MAX: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AssertionAlgorithm {
    /// With `x5t#S256`: what Microsoft asks for today.
    #[default]
    Ps256,
    /// With `x5t` (SHA-1 of the certificate, which names it and protects nothing): the older form.
    Rs256,
}

impl AssertionAlgorithm {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ps256 => "PS256",
            Self::Rs256 => "RS256",
        }
    }

    fn encoding(self) -> &'static dyn RsaEncoding {
        match self {
            Self::Ps256 => &RSA_PSS_SHA256,
            Self::Rs256 => &RSA_PKCS1_SHA256,
        }
    }
}

/// What an assertion says.
pub(super) struct Claims<'a> {
    pub(super) client_id: &'a str,
    pub(super) audience: &'a str,
    pub(super) now: Timestamp,
}

/// A fresh assertion.
///
/// # Errors
/// When certificate and key cannot be read or do not belong together.
pub(super) fn sign(
    certificate_pem: &str,
    key_pem: &str,
    algorithm: AssertionAlgorithm,
    claims: &Claims<'_>,
) -> Result<Zeroizing<String>, FetchError> {
    if certificate_pem.len() > PEM_OCTETS_MAX || key_pem.len() > PEM_OCTETS_MAX {
        return Err(wrong("certificate or key are too long"));
    }
    let certificate = CertificateDer::from_pem_slice(certificate_pem.as_bytes())
        .map_err(|_| wrong("the application's certificate is no PEM"))?;
    let key = key_of(key_pem)?;
    check_pair(&certificate, &key)?;
    let (name, thumbprint) = match algorithm {
        AssertionAlgorithm::Ps256 => ("x5t#S256", digest(&SHA256, &certificate)),
        AssertionAlgorithm::Rs256 => ("x5t", digest(&SHA1_FOR_LEGACY_USE_ONLY, &certificate)),
    };
    let mut identifier = [0; 16];
    aws_lc_rs::rand::fill(&mut identifier).map_err(|_| wrong("there is no randomness"))?;
    let identifier: String = identifier.iter().map(|octet| format!("{octet:02x}")).collect();
    let now = claims.now.as_seconds();
    let head = serde_json::json!({
        "alg": algorithm.name(), "typ": "JWT", name: URL_SAFE_NO_PAD.encode(thumbprint),
    });
    let body = serde_json::json!({
        "aud": claims.audience, "iss": claims.client_id, "sub": claims.client_id,
        "jti": identifier, "iat": now, "nbf": now - SKEW_SECONDS, "exp": now + LIFETIME_SECONDS,
    });
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(head), part(body));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(algorithm.encoding(), &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .map_err(|_| wrong("the key cannot sign"))?;
    Ok(Zeroizing::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
}

fn wrong(text: &str) -> FetchError {
    FetchError::Config(text.to_owned())
}

fn key_of(pem: &str) -> Result<RsaKeyPair, FetchError> {
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes())
        .map_err(|_| wrong("the application's key is no PEM, or is encrypted"))?;
    let pair = match &key {
        PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
        _ => return Err(wrong("the application's key must be an RSA key")),
    };
    pair.map_err(|_| wrong("the application's key must be an RSA key of 2048 to 8192 bits"))
}

/// The provider would only say that the signature is wrong.
fn check_pair(certificate: &CertificateDer<'_>, key: &RsaKeyPair) -> Result<(), FetchError> {
    use x509_cert::der::Decode as _;
    let parsed = x509_cert::Certificate::from_der(certificate)
        .map_err(|_| wrong("the application's certificate cannot be read"))?;
    let info = parsed.tbs_certificate().subject_public_key_info();
    let shown = info.subject_public_key.raw_bytes();
    match shown == key.public_key().as_ref() {
        true => Ok(()),
        false => Err(wrong("the application's certificate and key do not belong together")),
    }
}
