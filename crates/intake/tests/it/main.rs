//! The listener in front of the real spool, talked to by real tools; mail fetched from real servers.

mod corpus;
mod imap;
mod introspection;
mod pop3;
mod postfix;
mod runner;
mod spool;
mod support;
mod token;
mod tools;
