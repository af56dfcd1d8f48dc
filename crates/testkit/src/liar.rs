//! A mail server with mails of its own, which lies about some of them: IMAP and POP3 as far as
//! somebody who fetches needs them, session after session. Dialogues of one session are
//! [`lying`](crate::lying)'s.

mod imap;
mod pop3;

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::lying::Wire;
use crate::tls::Identity;

/// A client that says nothing for so long has gone wrong.
const PATIENCE: Duration = Duration::from_secs(600);
const LINE_OCTETS_MAX: usize = 1 << 20;

/// What the server does instead of giving a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Ends the connection in the middle of the octets.
    CutShort,
    /// A line in front of the mail that never ends.
    EndlessLine,
    /// More octets than there can be, and they never end.
    EndlessMail,
    /// The end of a command that nobody sent.
    ForeignAnswer,
    /// Octets that are no text and no answer.
    Garbage,
    /// Says that it has none of its octets.
    NoOctets,
    /// Promises fewer octets than it sends.
    PromisesLess,
    /// Says a size that is not the mail's, and gives the mail.
    SaysSize(u64),
    /// Says nothing any more in the middle of the octets.
    Silence,
    /// Gives the mail and does not remove it.
    Stays,
}

#[derive(Clone, Debug)]
struct Mail {
    octets: Vec<u8>,
    lie: Option<Lie>,
}

impl Mail {
    fn size(&self) -> u64 {
        match self.lie {
            Some(Lie::SaysSize(size)) => size,
            _ => self.octets.len() as u64,
        }
    }
}

#[derive(Default)]
struct State {
    /// By their names as they stand on the wire.
    folders: BTreeMap<Vec<u8>, BTreeMap<u32, Mail>>,
    offers: String,
    is_silent: bool,
    /// The list of mails is this text instead.
    list: Option<String>,
    heard: Vec<String>,
    sessions: usize,
    octets_said: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Imap,
    Pop3,
}

/// The server, until the test's process ends. Everybody signs in with any password.
pub struct Liar {
    pub port: u16,
    state: Arc<Mutex<State>>,
}

impl Liar {
    /// With TLS from the start where there is an identity.
    ///
    /// # Panics
    /// When no port is free.
    pub fn imap(identity: Option<&Identity>) -> Self {
        Self::start(Kind::Imap, identity)
    }

    /// # Panics
    /// When no port is free.
    pub fn pop3(identity: Option<&Identity>) -> Self {
        Self::start(Kind::Pop3, identity)
    }

    fn start(kind: Kind, identity: Option<&Identity>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let state = Arc::new(Mutex::new(State {
            offers: "UIDPLUS MOVE ESEARCH LITERAL+".to_owned(),
            ..State::default()
        }));
        let config = identity.map(Identity::server);
        let kept = Arc::downgrade(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Some(state) = kept.upgrade() else { return };
                state.lock().unwrap_or_else(PoisonError::into_inner).sessions += 1;
                let config = config.clone();
                // One that breaks off is the client's affair.
                thread::spawn(move || session(kind, client, config, state));
            }
        });
        let liar = Self { port, state };
        liar.locked().folders.insert(b"INBOX".to_vec(), BTreeMap::new());
        liar
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a mail; its number within the folder, from 1.
    pub fn put(&self, folder: &[u8], octets: &[u8], lie: Option<Lie>) -> u32 {
        let mut state = self.locked();
        let mails = state.folders.entry(folder.to_vec()).or_default();
        let uid = mails.last_key_value().map_or(1, |(last, _)| last + 1);
        mails.insert(uid, Mail { octets: octets.to_vec(), lie });
        uid
    }

    /// From now on it says this of the mail, or the truth.
    pub fn says(&self, folder: &[u8], uid: u32, lie: Option<Lie>) {
        let mut state = self.locked();
        if let Some(mail) = state.folders.get_mut(folder).and_then(|it| it.get_mut(&uid)) {
            mail.lie = lie;
        }
    }

    /// What it offers after the sign-in, beside `IMAP4rev1`.
    pub fn offers(&self, capabilities: &str) {
        capabilities.clone_into(&mut self.locked().offers);
    }

    /// From now on it does not even greet.
    pub fn falls_silent(&self) {
        self.locked().is_silent = true;
    }

    /// Lists these mails, in the words of `UID SEARCH RETURN (ALL)`.
    pub fn lists(&self, set: &str) {
        self.locked().list = Some(set.to_owned());
    }

    /// The numbers of the mails that are there.
    pub fn left(&self, folder: &[u8]) -> Vec<u32> {
        let state = self.locked();
        state.folders.get(folder).map_or_else(Vec::new, |it| it.keys().copied().collect())
    }

    /// The lines of all clients so far.
    pub fn heard(&self) -> Vec<String> {
        self.locked().heard.clone()
    }

    pub fn sessions(&self) -> usize {
        self.locked().sessions
    }

    /// Octets that clients took or that were on their way to them.
    pub fn octets_said(&self) -> u64 {
        self.locked().octets_said
    }
}

fn session(
    kind: Kind,
    client: TcpStream,
    config: Option<Arc<rustls::ServerConfig>>,
    state: Arc<Mutex<State>>,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    client.set_read_timeout(Some(PATIENCE))?;
    client.set_write_timeout(Some(PATIENCE))?;
    let silent = state.lock().unwrap_or_else(PoisonError::into_inner).is_silent;
    let wire = match config {
        Some(config) if !silent => Wire::encrypted(client, config)?,
        _ => Wire::Clear(client),
    };
    let mut talk = Talk { wire, state };
    if silent {
        return talk.silence();
    }
    match kind {
        Kind::Imap => imap::converse(&mut talk),
        Kind::Pop3 => pop3::converse(&mut talk),
    }
}

struct Talk {
    wire: Wire,
    state: Arc<Mutex<State>>,
}

impl Talk {
    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&mut self, octets: &[u8]) -> io::Result<()> {
        self.wire.write_all(octets)?;
        self.wire.flush()?;
        self.locked().octets_said += octets.len() as u64;
        Ok(())
    }

    fn say_line(&mut self, line: &str) -> io::Result<()> {
        self.say(format!("{line}\r\n").as_bytes())
    }

    fn say_for_ever(&mut self) -> io::Result<()> {
        let piece = [b'x'; 4096];
        loop {
            self.say(&piece)?;
        }
    }

    /// Until the client leaves.
    fn silence(&mut self) -> io::Result<()> {
        let mut octets = [0; 1024];
        while self.wire.read(&mut octets)? > 0 {}
        Err(io::ErrorKind::UnexpectedEof.into())
    }

    /// Goes without a word; under TLS without saying so.
    fn leave(&self) -> io::Result<()> {
        Err(io::ErrorKind::ConnectionAborted.into())
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        let mut octet = [0];
        while line.len() < LINE_OCTETS_MAX {
            if self.wire.read(&mut octet)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if octet[0] == b'\n' {
                break;
            }
            line.push(octet[0]);
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(line)
    }

    fn exactly(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut octets = vec![0; count.min(LINE_OCTETS_MAX)];
        self.wire.read_exact(&mut octets)?;
        Ok(octets)
    }

    fn note(&self, line: &[u8]) {
        self.locked().heard.push(String::from_utf8_lossy(line).into_owned());
    }
}
