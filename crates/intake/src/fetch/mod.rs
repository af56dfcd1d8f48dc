//! Mail that is fetched from other servers.
//!
//! Everything here blocks: one thread serves one connection, and every operation ends by its own
//! deadline. `net` connects, `sasl` signs in, `oauth` gets tokens for it, `pop3` reads a maildrop.

mod error;
pub mod imap;
pub mod net;
pub mod oauth;
pub mod pop3;
mod probe;
pub mod run;
pub mod sasl;
#[cfg(test)]
mod tests;

pub use error::{ConnectionFailure, FetchError, FetchErrorKind, Limit, retry_after};
pub use probe::{Probe, Step, StepState};
