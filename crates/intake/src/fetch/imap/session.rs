//! A session: one mailbox that somebody signed in to.

use std::ops::RangeInclusive;
use std::time::Duration;

use model::Timestamp;

use super::command::Command;
use super::dialect::Imap;
use super::folders::Folder;
use super::response::Untagged;
use super::set::UidSet;
use super::talk::{State, Talk};
use crate::fetch::net::{Connection, Patience, Secured, Server, open};
use crate::fetch::oauth::{MailProtocol, explained};
use crate::fetch::sasl::Credentials;
use crate::fetch::{FetchError, Limit, Probe};

/// Mails of one folder.
pub const FOLDER_MAILS: Limit = Limit::new("imap-folder-mails", 5_000_000);
/// How long a good-bye may take.
const GOOD_BYE_TIME_MAX: Duration = Duration::from_secs(5);

/// One mailbox that somebody signed in to. Calls go one after the other and block, each within the
/// [`Patience`] of the connection. After an error that does not leave the session usable
/// ([`FetchError::leaves_session_usable`]) every call fails; what was not confirmed may or may not
/// have happened on the server, and is to be looked up in a new session.
pub struct Session {
    connection: Connection,
    pub(super) state: State,
}

/// A folder as it is when it is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderState {
    /// With another value, UIDs that are remembered mean other mails.
    pub uid_validity: u32,
    /// The UID that the next mail gets, where the server says it.
    pub uid_next: Option<u32>,
    /// Mails in the folder.
    pub exists: u32,
    /// CONDSTORE (RFC 7162): unchanged means that nothing changed at all.
    pub highest_modseq: Option<u64>,
    /// Nothing can be removed.
    pub read_only: bool,
}

impl Session {
    /// Connects as `server` says and signs in; the steps stand in `probe`.
    ///
    /// # Errors
    /// See [`FetchError`]; nothing is left open.
    pub fn open(
        server: &Server,
        patience: &Patience,
        credentials: &Credentials,
        probe: &mut Probe,
    ) -> Result<Self, FetchError> {
        let mut imap = Imap::default();
        let connection = open(server, patience, &mut imap, probe)?;
        let mut session = Self::new(connection, imap);
        let usual = match session.connection.secured() {
            Secured::ImplicitTls => super::PORTS.implicit_tls,
            Secured::Clear | Secured::StartTls => super::PORTS.plain,
        };
        let port = server.port.unwrap_or(usual);
        probe.run("sign-in", || {
            session.sign_in(credentials, &server.host, port)?;
            Ok(((), "signed in".to_owned()))
        })?;
        Ok(session)
    }

    /// A connection whose greeting `imap` has read; nobody signed in yet.
    pub fn new(connection: Connection, imap: Imap) -> Self {
        Self { connection, state: imap.state }
    }

    /// Signs in; `host` and `port` are those of the server.
    ///
    /// # Errors
    /// [`FetchError::SignInRefused`] when the server knows no such user or secret, takes none in
    /// clear, or offers no mechanism for them.
    pub fn sign_in(
        &mut self,
        credentials: &Credentials,
        host: &str,
        port: u16,
    ) -> Result<(), FetchError> {
        let refused = |error| explained(error, MailProtocol::Imap, credentials, host);
        self.talk().sign_in(credentials, host, port).map_err(refused)
    }

    /// What the server offers, in capitals.
    pub fn capabilities(&self) -> &[String] {
        self.state.capabilities.as_deref().unwrap_or_default()
    }

    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    #[cfg(test)]
    pub(super) fn set_patience(&mut self, patience: Patience) {
        self.connection.set_patience(patience);
    }

    /// Whether [`idle`](Self::idle) can be used.
    pub fn offers_idle(&self) -> bool {
        self.state.offers_or_rev2("IDLE")
    }

    /// Whether [`remove`](Self::remove) can be used.
    pub fn can_remove(&self) -> bool {
        self.state.offers_or_rev2("UIDPLUS")
    }

    /// Whether [`move_to`](Self::move_to) can be used.
    pub fn can_move(&self) -> bool {
        self.state.offers_or_rev2("MOVE") || self.can_remove()
    }

    /// Every folder that the mailbox sees, also those of others; by name.
    ///
    /// # Errors
    /// When the list is not complete.
    pub fn folders(&mut self) -> Result<Vec<Folder>, FetchError> {
        self.talk().folders()
    }

    /// The folder of that name, listed or not.
    pub fn folder(&mut self, name: &str) -> Folder {
        Folder::named(name, self.talk().names_are_utf8())
    }

    /// The folder at a path whose levels are parted by `/`, as the server lists it, or would name it
    /// where there is none.
    ///
    /// # Errors
    /// As [`folders`](Self::folders).
    pub fn folder_at(&mut self, path: &str) -> Result<Folder, FetchError> {
        let all = self.folders()?;
        let by_path = all.iter().find(|it| it.path().join("/") == path);
        if let Some(found) = by_path.or_else(|| all.iter().find(|it| it.name == path)) {
            return Ok(found.clone());
        }
        let delimiter = all.iter().find_map(|it| it.delimiter).unwrap_or('/');
        Ok(self.folder(&path.replace('/', &delimiter.to_string())))
    }

    /// Opens a folder without leave to change it.
    ///
    /// # Errors
    /// [`FetchError::Refused`] when there is no such folder, or its mails have no lasting numbers.
    pub fn examine(&mut self, folder: &Folder) -> Result<FolderState, FetchError> {
        self.open_folder("EXAMINE", folder)
    }

    /// Opens a folder to move or remove mails. Does not change anything by itself.
    ///
    /// # Errors
    /// As [`examine`](Self::examine).
    pub fn select(&mut self, folder: &Folder) -> Result<FolderState, FetchError> {
        self.open_folder("SELECT", folder)
    }

    /// UIDs of the mails in the open folder that lie in `range`, came at `since` or later, and
    /// before `before`. The server compares days in a time zone of its own: mails of one day more at
    /// either end are among them.
    ///
    /// # Errors
    /// When the server names more than [`FOLDER_MAILS`].
    pub fn uids(
        &mut self,
        range: RangeInclusive<u32>,
        since: Option<Timestamp>,
        before: Option<Timestamp>,
    ) -> Result<UidSet, FetchError> {
        self.state.news = false;
        self.talk().uids(range, since, before)
    }

    /// Asks whether anything is new in the open folder; also keeps the session alive.
    ///
    /// # Errors
    /// When the session is over.
    pub fn poll(&mut self) -> Result<bool, FetchError> {
        self.talk().command(&Command::new("NOOP", "NOOP"))?;
        Ok(self.state.news)
    }

    /// Ends the session in good order; nothing is lost without it.
    pub fn log_out(mut self) {
        if self.state.is_over() {
            return;
        }
        let line = format!("{} LOGOUT\r\n", self.talk().next_tag());
        if self.connection.write(line.as_bytes()).is_ok() {
            // Whatever it says, the connection ends here.
            let _ = self.connection.wait(GOOD_BYE_TIME_MAX);
        }
    }

    pub(super) fn talk(&mut self) -> Talk<'_> {
        Talk { connection: &mut self.connection, state: &mut self.state }
    }

    fn open_folder(
        &mut self,
        verb: &'static str,
        folder: &Folder,
    ) -> Result<FolderState, FetchError> {
        refuse_zero(&folder.raw)?;
        let conditional = self.state.offers("CONDSTORE") || self.state.offers("QRESYNC");
        let command = Command::new(verb, format!("{verb} ")).string(&folder.raw);
        let command = if conditional { command.text(" (CONDSTORE)") } else { command };
        // Whatever comes of it, the folder that was open is closed (RFC 9051 §6.3.2).
        self.state.uid_validity = None;
        self.state.exists = 0;
        let mut opened = FolderState { read_only: verb == "EXAMINE", ..FolderState::default() };
        let done = self.talk().ask(&command, &mut |untagged| {
            if let Untagged::Status { text, .. } = untagged {
                let number32 = || text.number().and_then(|number| u32::try_from(number).ok());
                match text.code.as_str() {
                    "UIDVALIDITY" => opened.uid_validity = number32().unwrap_or(0),
                    "UIDNEXT" => opened.uid_next = number32(),
                    "HIGHESTMODSEQ" => opened.highest_modseq = text.number(),
                    _ => {}
                }
            }
            Ok(())
        })?;
        if opened.uid_validity == 0 {
            // RFC 9051 §2.3.1.1: then nothing that is remembered of a mail is worth anything.
            let text =
                "the folder has no UIDVALIDITY, so its mails cannot be told apart".to_owned();
            return Err(FetchError::Refused { command: verb, text });
        }
        opened.read_only |= done.code == "READ-ONLY";
        opened.exists = self.state.exists;
        if u64::from(opened.exists) > FOLDER_MAILS.max {
            return Err(FetchError::LimitExceeded(FOLDER_MAILS));
        }
        self.state.uid_validity = Some(opened.uid_validity);
        self.state.read_only = opened.read_only;
        self.state.news = false;
        Ok(opened)
    }
}

/// Nothing that travels in a command may hold an octet of zero (RFC 9051 §9, `CHAR8`).
pub(super) fn refuse_zero(octets: &[u8]) -> Result<(), FetchError> {
    match octets.contains(&0) {
        true => {
            let text = "the name of a folder holds a character that cannot be sent".to_owned();
            Err(FetchError::Config(text))
        }
        false => Ok(()),
    }
}
