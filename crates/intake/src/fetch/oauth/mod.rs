//! OAuth 2 for mail servers: tokens of an application (RFC 6749 §4.4), and what an administrator
//! must do when there are none or they open nothing.

mod assertion;
mod client;
mod remedy;
mod settings;
#[cfg(test)]
mod tests;
mod web;

pub use assertion::AssertionAlgorithm;
pub use client::{Token, TokenClient};
pub use remedy::{
    MailProtocol, Remedy, SignInFacts, explain_sign_in, explained, where_others_open,
};
pub use settings::{ClientKey, TokenSettings};
pub use web::{HttpTokenWeb, TokenAnswer, TokenRequest, TokenWeb};
