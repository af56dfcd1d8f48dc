//! What goes over the wire. Names are camelCase, times RFC 3339, sizes bytes.

mod mail;
mod quarantine;
mod search;
mod session;
mod status;

pub use mail::*;
pub use quarantine::*;
pub use search::*;
pub use session::*;
pub use status::*;
