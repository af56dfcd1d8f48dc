use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{Clock, Digest, Timestamp};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::assertion::{self, Claims};
use super::remedy::Remedy;
use super::settings::{ClientKey, TokenSettings};
use super::web::{TokenAnswer, TokenRequest, TokenWeb};
use crate::fetch::FetchError;
use crate::fetch::error::RETRY_AFTER_MAX;

/// A token is renewed so long before its end, or in the last quarter of a shorter life.
const RENEW_SECONDS: i64 = 300;

/// What a provider that does not say gets (RFC 6749 §5.1 only recommends `expires_in`).
const LIFETIME_SECONDS_DEFAULT: i64 = 600;

/// No token is kept longer, whatever the provider says.
const LIFETIME_SECONDS_MAX: i64 = 86_400;

/// A refusal is remembered: many mailboxes of one application do not ask once each.
const REFUSAL_SECONDS: i64 = 60;

/// Applications whose tokens are kept.
const APPLICATIONS_MAX: usize = 1_000;

/// Characters of a provider's description that are shown.
const DESCRIPTION_CHARS_MAX: usize = 400;

/// Roles of a token that are looked at.
const ROLES_MAX: usize = 100;

/// Proof for a mail server.
#[derive(Clone)]
pub struct Token {
    pub secret: Zeroizing<String>,
    pub expires_at: Timestamp,
    /// The claim `roles`, if the token is a JWT that has one: what the application may do. Read
    /// without a look at the signature; only for words to people.
    pub roles: Vec<String>,
    issued_at: Timestamp,
    renew_at: Timestamp,
}

impl fmt::Debug for Token {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expires_at, roles, .. } = self;
        f.debug_struct("Token")
            .field("expires_at", expires_at)
            .field("roles", roles)
            .finish_non_exhaustive()
    }
}

/// Gets tokens and keeps them until shortly before their end. Threads that want the same one wait
/// for the first that asks.
pub struct TokenClient {
    web: Arc<dyn TokenWeb>,
    clock: Arc<dyn Clock>,
    kept: Mutex<HashMap<Digest, Arc<Mutex<Kept>>>>,
}

#[derive(Default)]
struct Kept {
    token: Option<Token>,
    refused: Option<(Timestamp, Refused)>,
}

/// A refusal that can be given again.
#[derive(Clone)]
struct Refused {
    remedy: Option<Remedy>,
    text: String,
}

impl From<Refused> for FetchError {
    fn from(Refused { remedy, text }: Refused) -> Self {
        Self::SignInRefused { remedy, text }
    }
}

impl TokenClient {
    pub fn new(web: Arc<dyn TokenWeb>, clock: Arc<dyn Clock>) -> Self {
        Self { web, clock, kept: Mutex::default() }
    }

    /// A token that is good for some minutes at least, where the provider gives one. Blocks while
    /// the provider is asked. A kept token outlives a provider that is out of reach, to its end.
    ///
    /// # Errors
    /// [`FetchError::SignInRefused`] with what to do; the same for a minute without asking anew.
    pub fn token(&self, settings: &TokenSettings) -> Result<Token, FetchError> {
        settings.check()?;
        let slot = self.slot(settings.digest());
        let mut kept = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        if let Some(token) = kept.token.as_ref().filter(|token| now < token.renew_at) {
            return Ok(token.clone());
        }
        if let Some((until, refused)) = &kept.refused
            && now < *until
        {
            return Err(refused.clone().into());
        }
        match self.ask(settings, now) {
            Ok(token) => {
                *kept = Kept { token: Some(token.clone()), refused: None };
                Ok(token)
            }
            Err(FetchError::SignInRefused { remedy, text }) => {
                let refused = Refused { remedy, text };
                let until = now.saturating_add_seconds(REFUSAL_SECONDS);
                *kept = Kept { token: None, refused: Some((until, refused.clone())) };
                Err(refused.into())
            }
            Err(error) => match kept.token.as_ref().filter(|token| now < token.expires_at) {
                Some(token) => Ok(token.clone()),
                None => Err(error),
            },
        }
    }

    /// A mail server refuses the token: one that is older than five minutes is not given again.
    /// What an administrator grants counts only in tokens that are made after it.
    pub fn refused(&self, settings: &TokenSettings) {
        let slot = self.slot(settings.digest());
        let mut kept = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.clock.now().saturating_add_seconds(-RENEW_SECONDS);
        if kept.token.as_ref().is_some_and(|token| token.issued_at <= old) {
            kept.token = None;
        }
    }

    /// Forgets token and refusal: the next call asks. For a mail server that no longer takes the
    /// token, and for an administrator who has just mended something.
    pub fn forget(&self, settings: &TokenSettings) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(&settings.digest());
    }

    fn slot(&self, digest: Digest) -> Arc<Mutex<Kept>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= APPLICATIONS_MAX && !kept.contains_key(&digest) {
            kept.clear();
        }
        Arc::clone(kept.entry(digest).or_default())
    }

    fn ask(&self, settings: &TokenSettings, now: Timestamp) -> Result<Token, FetchError> {
        let mut form =
            vec![("grant_type", "client_credentials"), ("client_id", settings.client_id.as_str())];
        let assertion;
        let secret = match &settings.key {
            ClientKey::Secret(secret) => {
                form.push(("client_secret", secret));
                Some(secret.as_str())
            }
            ClientKey::Certificate { certificate_pem, key_pem, algorithm } => {
                let audience = settings.assertion_audience.as_ref().unwrap_or(&settings.token_url);
                let claims = Claims { client_id: &settings.client_id, audience, now };
                assertion = assertion::sign(certificate_pem, key_pem, *algorithm, &claims)?;
                let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                form.push(("client_assertion_type", kind));
                form.push(("client_assertion", &assertion));
                None
            }
        };
        for (name, value) in [("scope", &settings.scope), ("audience", &settings.audience)] {
            if let Some(value) = value {
                form.push((name, value));
            }
        }
        let answer = self.web.post(&TokenRequest {
            url: &settings.token_url,
            form: &form,
            authorities_pem: settings.authorities_pem.as_deref(),
        })?;
        match answer.status {
            200 => granted(&answer, now),
            _ => Err(refused(&answer, secret)),
        }
    }
}

/// RFC 6749 §5.1.
#[derive(Deserialize)]
struct Granted {
    access_token: Zeroizing<String>,
    token_type: String,
    /// A number; some providers send it as text.
    #[serde(default)]
    expires_in: serde_json::Value,
}

fn granted(answer: &TokenAnswer, now: Timestamp) -> Result<Token, FetchError> {
    let garbled = || FetchError::Protocol("the token endpoint's answer is no token".to_owned());
    let granted: Granted = serde_json::from_slice(&answer.octets).map_err(|_| garbled())?;
    let fit = granted.access_token.bytes().all(|octet| octet.is_ascii_graphic());
    if !granted.token_type.eq_ignore_ascii_case("bearer") || granted.access_token.is_empty() || !fit
    {
        return Err(garbled());
    }
    let said = granted.expires_in.as_i64();
    let said = said.or_else(|| granted.expires_in.as_str()?.parse().ok());
    let lifetime = said.unwrap_or(LIFETIME_SECONDS_DEFAULT).clamp(0, LIFETIME_SECONDS_MAX);
    let roles = roles(&granted.access_token);
    let mut renew = lifetime - RENEW_SECONDS.min(lifetime / 4);
    if roles.is_empty() && granted.access_token.split('.').count() == 3 {
        // Consent that is given from now on counts only in a new token.
        renew = renew.min(RENEW_SECONDS);
    }
    Ok(Token {
        roles,
        secret: granted.access_token,
        issued_at: now,
        expires_at: now.saturating_add_seconds(lifetime),
        renew_at: now.saturating_add_seconds(renew),
    })
}

/// What the token says of itself.
pub(super) fn roles(token: &str) -> Vec<String> {
    #[derive(Deserialize)]
    struct Payload {
        #[serde(default)]
        roles: Vec<String>,
    }
    let payload = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let payload = payload.and_then(|octets| serde_json::from_slice::<Payload>(&octets).ok());
    let mut roles = payload.map(|payload| payload.roles).unwrap_or_default();
    roles.truncate(ROLES_MAX);
    roles
}

/// RFC 6749 §5.2, with what Entra ID adds.
#[derive(Default, Deserialize)]
struct Error {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
    #[serde(default)]
    error_codes: Vec<u64>,
}

/// `secret` is kept out of the text, should the provider repeat it.
fn refused(answer: &TokenAnswer, secret: Option<&str>) -> FetchError {
    let said: Error = serde_json::from_slice(&answer.octets).unwrap_or_default();
    let mut codes = said.error_codes;
    codes.extend(code_in(&said.error_description));
    let remedy = Remedy::of_token_error(&said.error, &codes, secret.is_some());
    // The rest are numbers of the request, for the provider's own support.
    let description = said.error_description.lines().next().unwrap_or("");
    let shown: String =
        description.chars().filter(|it| !it.is_control()).take(DESCRIPTION_CHARS_MAX).collect();
    let name: String = said.error.chars().filter(|it| !it.is_control()).take(100).collect();
    let text = match (name.is_empty(), shown.is_empty()) {
        (true, _) => format!("the token endpoint answers {}", answer.status),
        (false, true) => format!("the token endpoint answers {name}"),
        (false, false) => format!("the token endpoint answers {name}: {shown}"),
    };
    let text = secret.map_or(text.clone(), |secret| text.replace(secret, "…"));
    let busy = matches!(answer.status, 429 | 500..=599);
    match busy || remedy == Some(Remedy::TemporarilyUnavailable) {
        true => {
            let retry_after = answer.retry_after.map(|it: Duration| it.min(RETRY_AFTER_MAX));
            FetchError::ServerBusy { retry_after, text }
        }
        false => FetchError::SignInRefused { remedy, text },
    }
}

/// The number of `AADSTS700016: …`.
fn code_in(description: &str) -> Option<u64> {
    let (_, rest) = description.split_once("AADSTS")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
