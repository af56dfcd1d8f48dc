//! Sign-in through OpenID providers (OpenID Connect Core 1.0): authorization code with PKCE.

mod refusal;
mod web;

use std::sync::Arc;

pub use refusal::Refusal;
pub use web::{ANSWER_BYTES_MAX, Web, WebAnswer, WebBody, WebError, WebRequest};

/// What is known of providers: how they are reached, and what they said of themselves.
#[derive(Default)]
#[expect(dead_code, reason = "the flow follows")]
pub struct Providers {
    web: Option<Arc<dyn Web>>,
}

impl Providers {
    pub(crate) fn new(web: Arc<dyn Web>) -> Self {
        Self { web: Some(web) }
    }
}
