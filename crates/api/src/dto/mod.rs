//! What goes over the wire. Names are camelCase, times RFC 3339, sizes bytes.

mod mail;
mod operation;
mod quarantine;
mod search;
mod session;
mod settings;
mod status;

pub use mail::*;
pub use operation::*;
pub use quarantine::*;
pub use search::*;
pub use session::*;
pub use settings::*;
pub use status::*;
