//! The ID token: signature, issuer, audience, times, nonce (OpenID Connect Core §3.1.3.7).

use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use catalog::{Provider, ProviderKind};
use model::Timestamp;
use openidconnect::core::{
    CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJwsSigningAlgorithm,
};
use openidconnect::{
    ClaimsVerificationError, ClientId, IssuerUrl, Nonce, SignatureVerificationError,
};
use serde_json::{Map, Value};

use super::{Known, Refusal};
use crate::Identity;
use crate::error::IdentityError;

/// Clocks may differ by so much.
const SKEW_SECONDS_MAX: i64 = 120;

/// A token was made just now, for this answer.
const AGE_SECONDS_MAX: i64 = 15 * 60;

/// Signatures with a public key; secrets shared with the provider sign nothing here.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

pub(super) type Claims = Map<String, Value>;

impl Identity {
    /// The claims of a token that is what it should be. An unknown key makes us look for new keys
    /// once.
    pub(super) fn verified(
        &self,
        provider: &Provider,
        known: &Known,
        text: &str,
        nonce: &str,
        now: Timestamp,
    ) -> Result<Claims, IdentityError> {
        match verify(provider, known, text, nonce, now) {
            Err(Failed::UnknownKey) => {}
            Err(Failed::Refused(refusal)) => return Err(refusal.into()),
            Ok(claims) => return Ok(claims),
        }
        let Some(known) = self.providers.newer_keys(provider, known, now)? else {
            return Err(Refusal::BadSignature.into());
        };
        match verify(provider, &known, text, nonce, now) {
            Err(Failed::UnknownKey) => Err(Refusal::BadSignature.into()),
            Err(Failed::Refused(refusal)) => Err(refusal.into()),
            Ok(claims) => Ok(claims),
        }
    }
}

enum Failed {
    Refused(Refusal),
    UnknownKey,
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

fn verify(
    provider: &Provider,
    known: &Known,
    text: &str,
    nonce: &str,
    now: Timestamp,
) -> Result<Claims, Failed> {
    let settings = &provider.settings;
    // Not believed yet: it only says which issuer to expect, of those that are configured.
    let claims = payload(text).ok_or(Refusal::BadAnswer)?;
    let tenant = match settings.kind {
        ProviderKind::Entra => Some(expected_tenant(provider, &claims)?),
        ProviderKind::Generic => None,
    };
    let issuer = known.metadata.issuer_for(tenant.as_deref());
    let issuer = IssuerUrl::new(issuer).map_err(|_| Refusal::BadAnswer)?;
    let keys: CoreJsonWebKeySet =
        serde_json::from_value((*known.keys).clone()).map_err(|_| Refusal::BadAnswer)?;
    let client = ClientId::new(settings.client_id.clone());
    let seconds = u64::try_from(now.as_seconds() - SKEW_SECONDS_MAX).unwrap_or(0);
    let begun = UNIX_EPOCH + Duration::from_secs(seconds);
    let token: CoreIdToken = text.parse().map_err(|_| Refusal::BadAnswer)?;
    let verifier = CoreIdTokenVerifier::new_public_client(client, issuer, keys)
        .set_allowed_algs(ALGORITHMS)
        .set_other_audience_verifier_fn(|_| false)
        .set_time_fn(move || begun.into());
    token.claims(&verifier, &Nonce::new(nonce.to_owned())).map_err(|error| failed(&error))?;
    times(&claims, now)?;
    let party = claims.get("azp").and_then(Value::as_str);
    if party.is_some_and(|party| party != settings.client_id) {
        return Err(Refusal::WrongAudience.into());
    }
    Ok(claims)
}

fn failed(error: &ClaimsVerificationError) -> Failed {
    use ClaimsVerificationError as Error;
    match error {
        Error::SignatureVerification(SignatureVerificationError::NoMatchingKey) => {
            Failed::UnknownKey
        }
        Error::Expired(_) => Refusal::TokenExpired.into(),
        Error::InvalidAudience(_) => Refusal::WrongAudience.into(),
        Error::InvalidIssuer(_) => Refusal::WrongIssuer.into(),
        Error::InvalidNonce(_) => Refusal::WrongNonce.into(),
        Error::InvalidSubject(_) => Refusal::MissingClaim.into(),
        Error::SignatureVerification(_) => Refusal::BadSignature.into(),
        _ => Refusal::BadAnswer.into(),
    }
}

/// The directory of the person, if its people may sign in.
fn expected_tenant(provider: &Provider, claims: &Claims) -> Result<String, Refusal> {
    let tenant = claims.get("tid").and_then(Value::as_str).ok_or(Refusal::MissingClaim)?;
    let expected = &provider.settings.expected_tenants;
    match expected.iter().any(|known| known.eq_ignore_ascii_case(tenant)) {
        true => Ok(tenant.to_owned()),
        false => Err(Refusal::ForeignTenant),
    }
}

fn times(claims: &Claims, now: Timestamp) -> Result<(), Refusal> {
    let seconds = |name: &str| claims.get(name).and_then(Value::as_i64);
    let now = now.as_seconds();
    let issued_at = seconds("iat").ok_or(Refusal::MissingClaim)?;
    let early = [Some(issued_at), seconds("nbf")].into_iter().flatten().max();
    let future = early.is_some_and(|at| at > now + SKEW_SECONDS_MAX);
    if future || issued_at < now - AGE_SECONDS_MAX {
        return Err(Refusal::TokenExpired);
    }
    Ok(())
}

/// What the token says, without a look at its signature.
fn payload(text: &str) -> Option<Claims> {
    let part = text.split('.').nth(1)?;
    let octets = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&octets).ok()
}
