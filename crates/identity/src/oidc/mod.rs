//! Sign-in through OpenID providers (OpenID Connect Core 1.0): authorization code with PKCE.
//!
//! What a browser carries between question and answer is sealed; each answer counts once. People
//! are known by issuer and subject; at Entra ID by directory (tenant) and object id. Names and
//! addresses are no keys: they change, and others can choose them.

mod client;
mod finish;
mod person;
mod provider;
mod provision;
mod refusal;
mod rules;
mod start;
mod token;
mod web;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use catalog::Provider;
use model::{ProviderId, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::error::IdentityError;

pub use finish::{Answer, PROVIDER_SECONDS_MAX};
pub use provider::{Draft, Tested};
pub use refusal::Refusal;
pub use start::Begun;
pub use web::{ANSWER_BYTES_MAX, HttpWeb, Web, WebAnswer, WebBody, WebError, WebRequest};

/// What a provider says of itself is asked again after so long.
const METADATA_SECONDS_MAX: i64 = 60 * 60;

/// An unknown key makes us ask for the keys again, but not more often.
const KEYS_SECONDS_MIN: i64 = 30;

/// Providers that are remembered; beyond it all are asked again.
const KNOWN_MAX: usize = 2_000;

/// What is known of providers: how they are reached, and what they said of themselves.
#[derive(Default)]
pub struct Providers {
    web: Option<Arc<dyn Web>>,
    known: Mutex<HashMap<ProviderId, Known>>,
}

/// What a provider said of itself.
#[derive(Clone)]
struct Known {
    /// Under which settings it was asked.
    issuer: String,
    metadata: Arc<Metadata>,
    metadata_at: Timestamp,
    keys: Arc<Value>,
    keys_at: Timestamp,
}

/// OpenID Connect Discovery 1.0 §3, as far as it is used here.
#[derive(Clone, Debug, Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    userinfo_endpoint: Option<Url>,
    end_session_endpoint: Option<Url>,
    /// RFC 9207.
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Providers {
    pub(crate) fn new(web: Arc<dyn Web>) -> Self {
        Self { web: Some(web), known: Mutex::default() }
    }

    /// What the provider says of itself, asked anew when that is long ago.
    fn known(&self, provider: &Provider, now: Timestamp) -> Result<Known, IdentityError> {
        let remembered = self.lock().get(&provider.id).cloned();
        let fresh = remembered.filter(|known| {
            known.issuer == provider.settings.issuer
                && now < known.metadata_at.saturating_add_seconds(METADATA_SECONDS_MAX)
        });
        match fresh {
            Some(known) => Ok(known),
            None => self.discover(provider, now),
        }
    }

    /// Asks the provider for its metadata and keys.
    fn discover(&self, provider: &Provider, now: Timestamp) -> Result<Known, IdentityError> {
        let settings = &provider.settings;
        let base = settings.issuer.trim_end_matches('/');
        let url = format!("{base}/.well-known/openid-configuration");
        let answer = self.get(provider, &url, None)?;
        let metadata: Metadata = serde_json::from_value(answer).map_err(|_| Refusal::BadAnswer)?;
        metadata.check(provider)?;
        let keys = self.get(provider, metadata.jwks_uri.as_str(), None)?;
        let known = Known {
            issuer: settings.issuer.clone(),
            metadata: Arc::new(metadata),
            metadata_at: now,
            keys: Arc::new(keys),
            keys_at: now,
        };
        self.remember(provider.id, &known);
        Ok(known)
    }

    /// Asks for the keys again, unless that was just done: providers change them without notice.
    fn newer_keys(
        &self,
        provider: &Provider,
        known: &Known,
        now: Timestamp,
    ) -> Result<Option<Known>, IdentityError> {
        if now < known.keys_at.saturating_add_seconds(KEYS_SECONDS_MIN) {
            return Ok(None);
        }
        let keys = self.get(provider, known.metadata.jwks_uri.as_str(), None)?;
        let known = Known { keys: Arc::new(keys), keys_at: now, ..known.clone() };
        self.remember(provider.id, &known);
        Ok(Some(known))
    }

    fn remember(&self, id: ProviderId, known: &Known) {
        let mut all = self.lock();
        if all.len() >= KNOWN_MAX {
            all.clear();
        }
        all.insert(id, known.clone());
    }

    /// Its settings changed, or it is to be looked at anew.
    fn forget(&self, id: ProviderId) {
        self.lock().remove(&id);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ProviderId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A JSON answer to a GET.
    fn get(
        &self,
        provider: &Provider,
        url: &str,
        authorization: Option<&str>,
    ) -> Result<Value, IdentityError> {
        let (status, value) = self.send(provider, url, None, authorization)?;
        match status {
            200 => Ok(value),
            _ => Err(Refusal::BadAnswer.into()),
        }
    }

    /// The answer's status, and its JSON (null when it is none).
    fn send(
        &self,
        provider: &Provider,
        url: &str,
        body: Option<WebBody<'_>>,
        authorization: Option<&str>,
    ) -> Result<(u16, Value), IdentityError> {
        let Some(web) = &self.web else { return Err(Refusal::Unreachable.into()) };
        let ca_certificates = provider.settings.ca_certificates.as_deref();
        let request = WebRequest { url, body, authorization, ca_certificates };
        let answer = web.send(&request).map_err(|error| {
            tracing::warn!(provider.id = %provider.id, %error, "a provider cannot be reached");
            Refusal::Unreachable
        })?;
        Ok((answer.status, serde_json::from_slice(&answer.octets).unwrap_or(Value::Null)))
    }
}

impl Metadata {
    /// Whether the metadata is that of the issuer that was named, and all of it behind TLS.
    fn check(&self, provider: &Provider) -> Result<(), Refusal> {
        let settings = &provider.settings;
        let endpoints = [
            Some(&self.authorization_endpoint),
            Some(&self.token_endpoint),
            Some(&self.jwks_uri),
            self.userinfo_endpoint.as_ref(),
            self.end_session_endpoint.as_ref(),
        ];
        if endpoints.into_iter().flatten().any(|url| url.scheme() != "https") {
            return Err(Refusal::BadAnswer);
        }
        // The documents that Entra has for all of its directories name a template.
        let template = settings.kind == catalog::ProviderKind::Entra
            && self.issuer.contains(TENANT_ID)
            && Url::parse(&self.issuer).ok().map(|url| url.origin())
                == Url::parse(&settings.issuer).ok().map(|url| url.origin());
        if self.issuer == settings.issuer || template { Ok(()) } else { Err(Refusal::WrongIssuer) }
    }

    /// The issuer of tokens for people of the directory `tenant`.
    fn issuer_for(&self, tenant: Option<&str>) -> String {
        match tenant {
            Some(tenant) => self.issuer.replace(TENANT_ID, tenant),
            None => self.issuer.clone(),
        }
    }
}

const TENANT_ID: &str = "{tenantid}";
