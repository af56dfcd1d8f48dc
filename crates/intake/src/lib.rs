//! Where mail comes in: the SMTP listener and the readers of files, and the certificates that
//! every listener of the server uses.

pub mod files;
pub mod fuzz;
pub mod smtp;
pub mod tls;
