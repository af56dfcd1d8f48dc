//! Directories: LDAP and Active Directory.
//!
//! A run reads a complete snapshot first, decides what it means, and writes that in one
//! transaction; thousands of newcomers come in portions before it. Whatever goes wrong while the
//! directory is read, the last good state stays. The server on the other
//! side is not trusted: messages, entries, pages, groups, nesting and time have named limits.

mod ber;
mod client;
mod connect;
mod desk;
mod entry;
mod error;
mod facts;
mod filter;
pub mod fuzz;
mod groups;
mod person;
mod plan;
mod plan_addresses;
mod plan_groups;
mod plan_version;
mod portion;
mod preset;
mod preview;
mod probe;
mod run_event;
mod schedule;
mod sign_in;
mod snapshot;
mod trust;

pub use connect::HOSTS_MAX;
pub use desk::{By, DirectoryDesk, Request};
pub use error::{BindFailure, DirectoryError};
pub use facts::CertificateFacts;
pub use filter::{BadFilter, FILTER_CHARS_MAX};
pub use groups::GROUPS_MAX;
pub use person::ADDRESSES_MAX;
pub use preset::{BASES_MAX, ENTRIES_MAX, RULES_MAX, check, preset};
pub use preview::{PREVIEW_ROWS_MAX, Planned, PlannedKind, Preview};
pub use probe::{Step, StepState};
pub use schedule::Schedule;

#[cfg(test)]
mod tests;
