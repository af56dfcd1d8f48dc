//! What goes over the wire. Names are camelCase, times RFC 3339, sizes bytes.

mod audit;
mod dashboard;
mod directories;
mod jobs;
mod ledger;
mod mail;
mod matters;
mod operation;
mod people;
mod provider;
mod quarantine;
mod search;
mod session;
mod settings;
mod sign_in;
mod sources;
mod status;
mod tenants;

pub use audit::*;
pub use dashboard::*;
pub use directories::*;
pub use jobs::*;
pub use ledger::*;
pub use mail::*;
pub use matters::*;
pub use operation::*;
pub use people::*;
pub use provider::*;
pub use quarantine::*;
pub use search::*;
pub use session::*;
pub use settings::*;
pub use sign_in::*;
pub use sources::*;
pub use status::*;
pub use tenants::*;
