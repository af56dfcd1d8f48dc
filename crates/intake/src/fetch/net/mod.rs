//! The way to a server: name, TCP, TLS, greeting.

mod certificate;
mod connection;
mod open;
mod patience;
mod stream;
mod trust;

pub use certificate::CertificateReport;
pub use connection::{Connection, PROGRESS_OCTETS_MIN, Taken};
pub use open::{Dialect, Ports, Secured, Security, Server, open};
pub(in crate::fetch) use patience::Deadline;
pub use patience::Patience;
pub use stream::Wire;
pub use trust::{Trust, parse_fingerprint};
