use std::collections::HashMap;
use std::time::Instant;

use catalog::MailKey;
use model::Timestamp;

use super::keys::Keys;
use crate::fetch::FetchError;

/// What a mailbox is read by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailboxKind {
    Imap,
    /// One folder; what is removed goes at [`Mailbox::quit`].
    Pop3,
}

/// A folder as the server lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    /// In Unicode, levels parted by `/`.
    pub path: String,
    /// In Unicode, as the server writes it: what it is opened by.
    pub name: String,
}

/// What the server says of an opened folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    pub uid_validity: u32,
    pub uid_next: Option<u32>,
    pub mails: u64,
    pub modseq: Option<u64>,
}

/// What the server says of a mail before it comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// 0: it does not say.
    pub bytes: u64,
    pub received_at: Option<Timestamp>,
}

/// What a mail is, without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub key: MailKey,
    /// Without angle brackets.
    pub message_id: Option<String>,
    pub size_bytes: u64,
    pub received_at: Option<Timestamp>,
}

/// What the server said beside the octets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    pub received_at: Option<Timestamp>,
    pub flags: Vec<String>,
}

/// Takes mails while they arrive.
pub trait Take {
    /// Octets of a mail follow: of this one, if the server said so by now. `false`: they are not
    /// wanted, and are read over. One that began before and did not end is forgotten.
    fn begin(&mut self, key: Option<&MailKey>, octets: Option<u64>) -> Result<bool, FetchError>;

    fn octets(&mut self, run: &[u8]) -> Result<(), FetchError>;

    /// All octets came, as announced.
    fn end(&mut self, key: &MailKey, beside: Beside) -> Result<(), FetchError>;

    /// The server has no octets of this mail, and the session goes on.
    fn failed(&mut self, key: &MailKey, reason: &str) -> Result<(), FetchError>;
}

/// One signed-in session with one mailbox. Blocks; each call ends by a deadline of its own.
///
/// After an error for which [`FetchError::leaves_session_usable`] is false, the session is over.
pub trait Mailbox: Send {
    fn kind(&self) -> MailboxKind;

    /// Those that can be opened and that the patterns name, by path.
    fn folders(
        &mut self,
        include: &[String],
        exclude: &[String],
    ) -> Result<Vec<Folder>, FetchError>;

    /// Opens a folder; `change`: mails will be removed from it. POP3 has `INBOX` only.
    fn open(&mut self, folder: &Folder, change: bool) -> Result<Opened, FetchError>;

    /// All mails of the opened folder, oldest first.
    fn list(&mut self) -> Result<Keys, FetchError>;

    /// Which of them came from `since` on and before `until`, with some of the days around;
    /// `None`: the server cannot say.
    fn within(
        &mut self,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Option<Keys>, FetchError>;

    /// What the server says that they measure; those that are gone are missing.
    fn sizes(&mut self, keys: &[MailKey]) -> Result<HashMap<MailKey, Measured>, FetchError>;

    /// Brings these mails, in whatever order; those that are gone do not come.
    fn fetch(&mut self, keys: &[MailKey], take: &mut dyn Take) -> Result<(), FetchError>;

    /// Removes exactly these; those that are gone are no error.
    fn remove(&mut self, keys: &[MailKey]) -> Result<(), FetchError>;

    /// Moves exactly these into another folder of the mailbox, which is made when it is missing.
    fn move_to(&mut self, keys: &[MailKey], folder: &str) -> Result<(), FetchError>;

    /// What they are, without their bodies; those that are gone are missing.
    fn describe(&mut self, keys: &[MailKey]) -> Result<Vec<Listed>, FetchError>;

    /// Ends the session in order. POP3 removes only now; those that the server would not remove are
    /// given back with its words, and stay there.
    fn quit(self: Box<Self>) -> Result<Vec<(MailKey, String)>, FetchError>;
}

/// What waiting for mail came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// It came before the wait began: the folder's next number is this one.
    Missed(u32),
    News,
    /// The server tells nothing by itself.
    NotOffered,
    Nothing,
}

/// Opens sessions; the tests have one of their own.
pub trait Opener: Send + Sync {
    /// Connects and signs in, with nothing opened.
    fn open(&self, target: &super::Target) -> Result<Box<dyn Mailbox>, FetchError>;

    /// Waits in a session of its own until something is new in the folder, at most until `until`.
    /// `seen`: the folder's next number when it was read last, where that is known.
    fn wait_for_mail(
        &self,
        target: &super::Target,
        folder: &str,
        seen: Option<u32>,
        until: Instant,
    ) -> Result<Awaited, FetchError>;
}
