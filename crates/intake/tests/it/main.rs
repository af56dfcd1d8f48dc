//! The listener in front of the real spool, talked to by real tools.

mod corpus;
mod postfix;
mod spool;
mod support;
mod tools;
