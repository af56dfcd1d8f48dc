//! The SMTP listener (RFC 5321) for journal traffic and other copies of mail.
//!
//! `250` at the end of a mail means that every tenant's copy is durable. Octets arrive as they
//! were sent: `BDAT` exactly, `DATA` un-stuffed; no trace header is added. DSN parameters
//! (RFC 3461) are understood and followed by nothing: the archive sends no mail.

pub(crate) mod command;
pub(crate) mod dots;
mod figures;
mod gate;
mod reply;
pub(crate) mod room;
mod route;
pub(crate) mod server;
pub(crate) mod session;
mod settings;
mod transfer;
mod wire;

#[cfg(test)]
mod tests;

pub use command::COMMAND_LINE_BYTES_MAX;
pub use figures::{
    ACKNOWLEDGED_SECONDS, HistogramReading, IntakeFigures, IntakeReading, MINUTES_KEPT,
    REPLY_CODES, Rate,
};
pub use route::{Route, Router, without_subaddress};
pub use server::{SHUTDOWN_SECONDS_MAX, SmtpServer, bind};
pub use session::DELIVERIES_MAX;
pub use settings::SmtpSettings;
pub use transfer::DRAIN_BYTES_MAX;
