//! Where mail comes in: the SMTP listener, mail that is fetched from other servers, the readers of
//! files, and the certificates that every listener of the server uses.

pub mod fetch;
pub mod files;
pub mod fuzz;
pub mod smtp;
pub mod tls;
