//! OAuth 2 for mail servers: tokens of an application (RFC 6749 §4.4), and what an administrator
//! must do when there are none or they open nothing.

mod remedy;

pub use remedy::{MailProtocol, Remedy, SignInFacts, explain_sign_in};
