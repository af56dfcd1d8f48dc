use std::fmt;

use model::{Digest, DigestWriter};
use zeroize::Zeroizing;

use super::assertion::AssertionAlgorithm;
use crate::fetch::FetchError;

/// What the application proves itself with.
#[derive(Clone, PartialEq, Eq)]
pub enum ClientKey {
    /// A signed assertion instead of a secret (RFC 7523 §2.2).
    Certificate {
        /// PEM; the first block is the application's own.
        certificate_pem: String,
        /// PEM of its RSA key, not encrypted (PKCS#8 or PKCS#1).
        key_pem: Zeroizing<String>,
        algorithm: AssertionAlgorithm,
    },
    Secret(Zeroizing<String>),
}

/// An application and where it gets its tokens. Every host can be another one: national clouds and
/// other providers have their own.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenSettings {
    /// Such as `https://login.microsoftonline.com/<tenant ID>/oauth2/v2.0/token`.
    pub token_url: String,
    pub client_id: String,
    pub key: ClientKey,
    /// Such as `https://outlook.office365.com/.default`.
    pub scope: Option<String>,
    /// The parameter `audience`, which some providers want instead of a scope.
    pub audience: Option<String>,
    /// The audience of the assertion; `None` is `token_url`.
    pub assertion_audience: Option<String>,
    /// PEM: authorities that are believed besides those of the system.
    pub authorities_pem: Option<String>,
}

impl TokenSettings {
    /// For an application in a tenant of Microsoft's worldwide cloud and a mailbox of Exchange
    /// Online.
    pub fn microsoft365(tenant: &str, client_id: &str, key: ClientKey) -> Self {
        Self {
            token_url: format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"),
            client_id: client_id.to_owned(),
            key,
            scope: Some("https://outlook.office365.com/.default".to_owned()),
            audience: None,
            assertion_audience: None,
            authorities_pem: None,
        }
    }

    /// # Errors
    /// When they cannot work.
    pub(super) fn check(&self) -> Result<(), FetchError> {
        let wrong = |text: &str| Err(FetchError::Config(text.to_owned()));
        if !self.token_url.starts_with("https://") {
            return wrong("the token endpoint must begin with https://");
        }
        if self.client_id.trim().is_empty() {
            return wrong("the client ID is missing");
        }
        match &self.key {
            ClientKey::Secret(secret) if secret.is_empty() => wrong("the client secret is missing"),
            _ => Ok(()),
        }
    }

    /// Tokens of the same settings are shared; a changed secret is another one.
    pub(super) fn digest(&self) -> Digest {
        let mut builder = DigestWriter::new();
        let mut field = |text: &str| {
            builder.update(&(text.len() as u64).to_be_bytes());
            builder.update(text.as_bytes());
        };
        field(&self.token_url);
        field(&self.client_id);
        for text in [&self.scope, &self.audience, &self.assertion_audience, &self.authorities_pem] {
            field(if text.is_some() { "+" } else { "-" });
            field(text.as_deref().unwrap_or(""));
        }
        match &self.key {
            ClientKey::Certificate { certificate_pem, key_pem, algorithm } => {
                field(algorithm.name());
                field(certificate_pem);
                field(key_pem);
            }
            ClientKey::Secret(secret) => {
                field("secret");
                field(secret);
            }
        }
        builder.finish()
    }
}

impl fmt::Debug for TokenSettings {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSettings")
            .field("token_url", &self.token_url)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}
