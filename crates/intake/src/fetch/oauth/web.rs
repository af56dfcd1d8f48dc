use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::Digest;
use tokio::runtime::Handle;

use crate::fetch::{ConnectionFailure, FetchError};

/// A form for a token endpoint.
pub struct TokenRequest<'a> {
    pub url: &'a str,
    /// Secrets are among them: never logged.
    pub form: &'a [(&'a str, &'a str)],
    /// PEM: authorities that are believed besides those of the system.
    pub authorities_pem: Option<&'a str>,
}

pub struct TokenAnswer {
    pub status: u16,
    pub retry_after: Option<Duration>,
    /// At most [`ANSWER_OCTETS_MAX`].
    pub octets: Vec<u8>,
}

/// Longer answers are refused: tokens are far shorter.
pub const ANSWER_OCTETS_MAX: usize = 1 << 20;

/// Sends forms by POST. Blocks, bounded in time; follows no redirects; HTTPS only.
pub trait TokenWeb: Send + Sync {
    /// # Errors
    /// When there is no answer in time, it is too long, or the server is not who it should be.
    fn post(&self, request: &TokenRequest<'_>) -> Result<TokenAnswer, FetchError>;
}

/// From the request to the end of the answer.
const WHOLE: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(10);

/// Clients that are kept, one per set of authorities.
const CLIENTS_MAX: usize = 100;

/// The real thing. Must not be called on a thread of the runtime: it waits for it.
pub struct HttpTokenWeb {
    runtime: Handle,
    clients: Mutex<HashMap<Option<Digest>, reqwest::Client>>,
}

impl HttpTokenWeb {
    pub fn new(runtime: Handle) -> Self {
        Self { runtime, clients: Mutex::default() }
    }

    fn client(&self, authorities_pem: Option<&str>) -> Result<reqwest::Client, FetchError> {
        let key = authorities_pem.map(|pem| Digest::of(pem.as_bytes()));
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&key) {
            return Ok(client.clone());
        }
        let mut builder = reqwest::Client::builder()
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(WHOLE)
            .connect_timeout(CONNECT)
            .no_proxy();
        let wrong = |error: reqwest::Error| FetchError::Config(causes(&error));
        if let Some(pem) = authorities_pem {
            let roots = reqwest::Certificate::from_pem_bundle(pem.as_bytes()).map_err(wrong)?;
            builder = builder.tls_certs_merge(roots);
        }
        let client = builder.build().map_err(wrong)?;
        if clients.len() >= CLIENTS_MAX {
            clients.clear();
        }
        clients.insert(key, client.clone());
        Ok(client)
    }
}

impl TokenWeb for HttpTokenWeb {
    fn post(&self, request: &TokenRequest<'_>) -> Result<TokenAnswer, FetchError> {
        let client = self.client(request.authorities_pem)?;
        let sent = client.post(request.url).form(request.form).header("accept", "application/json");
        self.runtime.block_on(async {
            let mut answer = sent.send().await.map_err(|error| failure(&error))?;
            let status = answer.status().as_u16();
            let retry_after = answer.headers().get("retry-after");
            let retry_after = retry_after.and_then(|it| it.to_str().ok()?.trim().parse().ok());
            let mut octets = Vec::new();
            while let Some(chunk) = answer.chunk().await.map_err(|error| failure(&error))? {
                if octets.len() + chunk.len() > ANSWER_OCTETS_MAX {
                    let text = "the token endpoint's answer is too long".to_owned();
                    return Err(FetchError::Protocol(text));
                }
                octets.extend_from_slice(&chunk);
            }
            Ok(TokenAnswer { status, retry_after: retry_after.map(Duration::from_secs), octets })
        })
    }
}

fn failure(error: &reqwest::Error) -> FetchError {
    let reason = match error.is_timeout() {
        true => ConnectionFailure::Timeout,
        false => ConnectionFailure::Io,
    };
    let text = format!("the token endpoint cannot be reached: {}", causes(error));
    FetchError::NoConnection { reason, text }
}

/// The causes without the address.
fn causes(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}{}{cause}", if text.is_empty() { "" } else { ": " });
        source = cause.source();
    }
    if text.is_empty() { "the request failed".to_owned() } else { text }
}
