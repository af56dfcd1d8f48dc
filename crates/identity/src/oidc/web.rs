//! How providers are reached.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::Digest;
use tokio::runtime::Handle;

/// One request.
pub struct WebRequest<'a> {
    /// `https://…`
    pub url: &'a str,
    /// Sent as `application/x-www-form-urlencoded` or JSON by POST; `None` is a GET.
    pub body: Option<WebBody<'a>>,
    /// For the header `Authorization`; never logged.
    pub authorization: Option<&'a str>,
    /// PEM: authorities that are believed besides those of the system.
    pub ca_certificates: Option<&'a str>,
}

pub enum WebBody<'a> {
    Form(&'a [(&'a str, &'a str)]),
    Json(&'a serde_json::Value),
}

/// What came back, whole.
pub struct WebAnswer {
    pub status: u16,
    /// At most [`ANSWER_BYTES_MAX`].
    pub octets: Vec<u8>,
}

/// Longer answers are refused: metadata, keys and tokens are far shorter.
pub const ANSWER_BYTES_MAX: usize = 1 << 20;

/// No answer, or none that may be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WebError(pub String);

/// Makes requests. Blocks, bounded in time; follows no redirects; HTTPS only.
pub trait Web: Send + Sync {
    /// # Errors
    /// When there is no answer in time, it is too long, or the server is not who it should be.
    fn send(&self, request: &WebRequest<'_>) -> Result<WebAnswer, WebError>;
}

/// From the request to the end of the answer.
const SECONDS_MAX: u64 = 15;
const CONNECT_SECONDS_MAX: u64 = 5;

/// Clients that are kept, one per set of authorities.
const CLIENTS_MAX: usize = 200;

/// The real thing. Must not be called on a thread of the runtime: it waits for it.
pub struct HttpWeb {
    runtime: Handle,
    clients: Mutex<HashMap<Option<Digest>, reqwest::Client>>,
}

impl HttpWeb {
    pub fn new(runtime: Handle) -> Self {
        Self { runtime, clients: Mutex::default() }
    }

    fn client(&self, ca_certificates: Option<&str>) -> Result<reqwest::Client, WebError> {
        let key = ca_certificates.map(|text| Digest::of(text.as_bytes()));
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&key) {
            return Ok(client.clone());
        }
        let mut builder = reqwest::Client::builder()
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(SECONDS_MAX))
            .connect_timeout(Duration::from_secs(CONNECT_SECONDS_MAX))
            .no_proxy();
        if let Some(text) = ca_certificates {
            let certificates =
                reqwest::Certificate::from_pem_bundle(text.as_bytes()).map_err(|it| said(&it))?;
            builder = builder.tls_certs_merge(certificates);
        }
        let client = builder.build().map_err(|error| said(&error))?;
        if clients.len() >= CLIENTS_MAX {
            clients.clear();
        }
        clients.insert(key, client.clone());
        Ok(client)
    }
}

impl Web for HttpWeb {
    fn send(&self, request: &WebRequest<'_>) -> Result<WebAnswer, WebError> {
        let client = self.client(request.ca_certificates)?;
        let mut builder = match &request.body {
            None => client.get(request.url),
            Some(WebBody::Form(fields)) => client.post(request.url).form(fields),
            Some(WebBody::Json(value)) => client.post(request.url).json(value),
        };
        builder = builder.header("accept", "application/json");
        if let Some(authorization) = request.authorization {
            builder = builder.header("authorization", authorization);
        }
        self.runtime.block_on(async {
            let mut answer = builder.send().await.map_err(|error| said(&error))?;
            let status = answer.status().as_u16();
            let mut octets = Vec::new();
            while let Some(chunk) = answer.chunk().await.map_err(|error| said(&error))? {
                if octets.len() + chunk.len() > ANSWER_BYTES_MAX {
                    return Err(WebError("the answer is too long".to_owned()));
                }
                octets.extend_from_slice(&chunk);
            }
            Ok(WebAnswer { status, octets })
        })
    }
}

/// The causes without the address: it may carry a code.
fn said(error: &reqwest::Error) -> WebError {
    let mut text = String::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}{}{cause}", if text.is_empty() { "" } else { ": " });
        source = cause.source();
    }
    WebError(if text.is_empty() { "the request failed".to_owned() } else { text })
}
