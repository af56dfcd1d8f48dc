//! How providers are reached.

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
