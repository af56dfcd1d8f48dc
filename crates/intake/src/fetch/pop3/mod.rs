//! POP3 (RFC 1939) with CAPA (RFC 2449), STLS (RFC 2595), SASL (RFC 5034) and the response codes of
//! RFC 2449 and RFC 3206.

mod dialect;
mod reply;
mod session;
mod sign_in;
#[cfg(test)]
mod tests;

pub use session::{Entry, MAIL_OCTETS, MESSAGES, REPLY_LINE, Session, probe};
