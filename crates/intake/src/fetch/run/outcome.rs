//! Who waits to hear what became of fetched mail.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use catalog::MailKey;
use model::{EmailAddress, Fetched, SourceId};

/// What became of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Became {
    Archived,
    Known,
    Merged,
    /// The archive lets no mail in that concerns no selected account.
    NotSelected,
    Quarantined,
    /// It was not taken, and can be read again.
    Refused(String),
    /// More than the archive takes of one mail.
    TooLarge,
}

impl Became {
    /// The count that it belongs to.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Archived => "archived",
            Self::Known => "known",
            Self::Merged => "merged",
            Self::NotSelected | Self::TooLarge => "left",
            Self::Quarantined => "quarantined",
            Self::Refused(_) => "failed",
        }
    }
}

/// A mail within the mailbox that is being read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub folder: String,
    pub uid_validity: u32,
    pub key: MailKey,
}

impl Place {
    fn of(fetched: &Fetched) -> Self {
        let key = match &fetched.uidl {
            Some(uidl) => MailKey::Uidl(uidl.clone()),
            None => MailKey::Uid(fetched.uid),
        };
        Self { folder: fetched.folder.clone(), uid_validity: fetched.uid_validity, key }
    }
}

/// A mailbox of a source: at most one session reads it at a time.
type Reading = (SourceId, Option<String>);

/// Passes on what became of mail to the session that read it. What was read by an earlier process
/// is nobody's any more.
#[derive(Default)]
pub struct Outcomes {
    waiting: Mutex<HashMap<Reading, Sender<(Place, Became)>>>,
}

impl Outcomes {
    /// What became of the mails of this mailbox, as long as the answer lives.
    pub(super) fn listen(
        self: &Arc<Self>,
        source: SourceId,
        mailbox: Option<&EmailAddress>,
    ) -> Listening {
        let reading = (source, mailbox.map(EmailAddress::key));
        let (sender, receiver) = channel();
        self.locked().insert(reading.clone(), sender.clone());
        Listening { outcomes: Arc::clone(self), reading, sender, receiver }
    }

    /// Called by the archiving thread; quick.
    pub fn settled(&self, fetched: &Fetched, became: Became) {
        let reading = (fetched.id, fetched.mailbox.as_ref().map(EmailAddress::key));
        if let Some(sender) = self.locked().get(&reading) {
            // Who listened may be gone: the mail is archived all the same.
            let _ = sender.send((Place::of(fetched), became));
        }
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<Reading, Sender<(Place, Became)>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Listening {
    outcomes: Arc<Outcomes>,
    reading: Reading,
    /// For what the spool says by itself.
    pub(super) sender: Sender<(Place, Became)>,
    pub(super) receiver: Receiver<(Place, Became)>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.outcomes.locked().remove(&self.reading);
    }
}
