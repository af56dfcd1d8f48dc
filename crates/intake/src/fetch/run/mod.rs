//! Reads mailboxes into the archive: which mails, in which order, and what becomes of them on
//! their server.
//!
//! The order is law here as well: octets durable → archived → state saved → removed from the
//! server. A crash between any two steps reads mail again, and the archive knows it by content.
//! Nothing is removed that the pipeline did not say to have.

mod connect;
mod flight;
mod imap_mailbox;
mod keys;
mod landing;
mod mailbox;
mod outcome;
mod pop3_mailbox;
mod reading;
mod reconcile;
mod schedule;
mod tally;
mod targets;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use catalog::{Catalog, FetchSource};
use model::{Clock, EmailAddress};
use spool::Spool;
use zeroize::Zeroizing;

use crate::fetch::FetchError;

pub use connect::{Servers, imap_session, probe};
pub use keys::Keys;
pub use mailbox::{
    Awaited, Beside, Folder, Listed, Mailbox, MailboxKind, Measured, Opened, Opener, Take,
};
pub use outcome::{Became, Outcomes, Place};
pub use reading::read_mailbox;
pub use reconcile::{Compared, Sums, reconcile_mailbox};
pub use schedule::{FetchDesk, FetchFigures, Purpose, Running, Status, open};
pub use tally::{Live, Tally};
pub use targets::targets;

/// The durable steps of this module for the crash suite.
pub const CRASH_POINTS: &[&str] = &[
    "fetch.spool.before",
    "fetch.spool.after",
    "fetch.state.before",
    "fetch.state.after",
    "fetch.remove.before",
    "fetch.remove.after",
    "fetch.quit.before",
    "fetch.quit.after",
];

/// What reading works with.
#[derive(Clone)]
pub struct Parts {
    pub spool: Spool,
    pub catalog: Arc<dyn Catalog>,
    pub clock: Arc<dyn Clock>,
    pub outcomes: Arc<Outcomes>,
    pub opener: Arc<dyn Opener>,
}

/// What is secret of a source, open. Never logged.
#[derive(Clone, Default)]
pub struct Secrets {
    pub password: Option<Zeroizing<String>>,
    pub client_secret: Option<Zeroizing<String>>,
    pub client_key: Option<Zeroizing<String>>,
}

/// One mailbox of a source, and when to give it up.
#[derive(Clone)]
pub struct Target {
    pub source: Arc<FetchSource>,
    /// As progress is remembered by: empty where the source has one mailbox.
    pub mailbox: String,
    /// Whose it is; `None`: a folder that gathers many people's mail.
    pub owner: Option<EmailAddress>,
    pub secrets: Arc<Secrets>,
    /// When it turns true, whatever blocks ends with [`FetchError::Stopped`].
    pub stop: Arc<AtomicBool>,
}

impl Target {
    pub(super) fn go_on(&self) -> Result<(), FetchError> {
        if self.stop.load(Ordering::Relaxed) { Err(FetchError::Stopped) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
