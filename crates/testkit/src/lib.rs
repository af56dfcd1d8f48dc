//! What tests, benchmarks and `cargo xtask run` share: a demo company that writes believable
//! mail, the clients that deliver and search it, and the check that everybody finds exactly theirs.
//!
//! A development aid: no crate of the product depends on it.

pub mod authority;
pub mod demo;
pub mod directory;
pub mod http;
pub mod liar;
pub mod lying;
pub mod mail_server;
pub mod ports;
pub mod proxy;
mod random;
pub mod smarthost;
pub mod smtp;
pub mod tls;
pub mod tokens;
pub mod truth;

pub use random::Random;
