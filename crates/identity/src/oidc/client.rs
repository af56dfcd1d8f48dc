//! How we show the token endpoint who we are (OpenID Connect Core §9, RFC 7523).

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use catalog::{ClientAuthentication, ProviderKind, ProviderSettings};
use model::Timestamp;
use serde_json::json;

use crate::error::IdentityError;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An assertion is used at once.
const ASSERTION_SECONDS_MAX: i64 = 300;

const NO_KEY: IdentityError =
    IdentityError::BadProvider("the private key must be PKCS#8 in PEM: RSA, or EC P-256");

/// What goes along with a request for tokens.
#[derive(Default)]
pub(super) struct Shown {
    pub fields: Vec<(&'static str, String)>,
    /// For the header `Authorization`.
    pub authorization: Option<String>,
}

/// `audience` is the token endpoint; `id` is unique for each assertion.
pub(super) fn show(
    settings: &ProviderSettings,
    secret: Option<&str>,
    audience: &str,
    id: &str,
    now: Timestamp,
) -> Result<Shown, IdentityError> {
    let mut shown = Shown::default();
    let client_id = &settings.client_id;
    let secret = secret.unwrap_or_default();
    match settings.client_authentication {
        ClientAuthentication::None => shown.fields.push(("client_id", client_id.clone())),
        ClientAuthentication::ClientSecretPost => {
            shown.fields.push(("client_id", client_id.clone()));
            shown.fields.push(("client_secret", secret.to_owned()));
        }
        ClientAuthentication::ClientSecretBasic => {
            // RFC 6749 §2.3.1: both are form-encoded first.
            let encoded = |text: &str| {
                url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>()
            };
            let pair = STANDARD.encode(format!("{}:{}", encoded(client_id), encoded(secret)));
            shown.authorization = Some(format!("Basic {pair}"));
        }
        ClientAuthentication::PrivateKeyJwt => {
            shown.fields.push(("client_id", client_id.clone()));
            shown.fields.push(("client_assertion_type", ASSERTION_TYPE.to_owned()));
            let assertion = assertion(settings, secret, audience, id, now)?;
            shown.fields.push(("client_assertion", assertion));
        }
    }
    Ok(shown)
}

fn assertion(
    settings: &ProviderSettings,
    key: &str,
    audience: &str,
    id: &str,
    now: Timestamp,
) -> Result<String, IdentityError> {
    let key = Key::parse(key, settings.kind)?;
    let mut header = json!({ "alg": key.algorithm(), "typ": "JWT" });
    if let Some(certificate) = &settings.client_certificate {
        let der = pem(certificate, "CERTIFICATE")
            .ok_or(IdentityError::BadProvider("the client certificate must be PEM"))?;
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, &der).as_ref());
        header["x5t#S256"] = thumbprint.into();
    }
    let claims = json!({
        "iss": settings.client_id,
        "sub": settings.client_id,
        "aud": audience,
        "jti": id,
        "iat": now.as_seconds(),
        "nbf": now.as_seconds(),
        "exp": now.as_seconds() + ASSERTION_SECONDS_MAX,
    });
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes())?);
    Ok(format!("{signed}.{signature}"))
}

/// Whether `text` is a key that assertions can be signed with.
pub(super) fn check_key(text: &str, kind: ProviderKind) -> Result<(), IdentityError> {
    Key::parse(text, kind).map(|_| ())
}

enum Key {
    Ec(EcdsaKeyPair),
    Rsa { pair: RsaKeyPair, pss: bool },
}

impl Key {
    fn parse(text: &str, kind: ProviderKind) -> Result<Self, IdentityError> {
        let der = pem(text, "PRIVATE KEY").ok_or(NO_KEY)?;
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der) {
            return Ok(Self::Ec(pair));
        }
        let pair = RsaKeyPair::from_pkcs8(&der).map_err(|_| NO_KEY)?;
        // Entra asks for PSS; everybody knows PKCS #1 v1.5.
        Ok(Self::Rsa { pair, pss: kind == ProviderKind::Entra })
    }

    const fn algorithm(&self) -> &'static str {
        match self {
            Self::Ec(_) => "ES256",
            Self::Rsa { pss: true, .. } => "PS256",
            Self::Rsa { pss: false, .. } => "RS256",
        }
    }

    fn sign(&self, octets: &[u8]) -> Result<Vec<u8>, IdentityError> {
        let random = SystemRandom::new();
        match self {
            Self::Ec(pair) => {
                let signature = pair.sign(&random, octets).map_err(|_| NO_KEY)?;
                Ok(signature.as_ref().to_vec())
            }
            Self::Rsa { pair, pss } => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let done = match pss {
                    true => pair.sign(&RSA_PSS_SHA256, &random, octets, &mut signature),
                    false => pair.sign(&RSA_PKCS1_SHA256, &random, octets, &mut signature),
                };
                done.map_err(|_| NO_KEY)?;
                Ok(signature)
            }
        }
    }
}

/// The octets of the first block of this kind (RFC 7468).
fn pem(text: &str, label: &str) -> Option<Vec<u8>> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let body = text.split_once(&begin)?.1.split_once(&end)?.0;
    let body: String = body.chars().filter(|one| !one.is_whitespace()).collect();
    STANDARD.decode(body).ok()
}
