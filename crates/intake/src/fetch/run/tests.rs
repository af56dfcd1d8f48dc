//! Reading with a server made of maps and an archive made of a set. The real ones stand in the
//! server's tests.

mod lies;
mod mails;
mod schedule;
mod world;
