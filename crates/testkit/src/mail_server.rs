//! Real mail servers for tests and benchmarks: Dovecot and Cyrus.
//!
//! Each lives in a folder of its own and ends when it is dropped; only its own processes are ended.

mod cyrus;
mod dovecot;

pub use cyrus::Cyrus;
pub use dovecot::{DOVECOT, Dovecot};
