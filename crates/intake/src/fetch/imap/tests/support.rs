use std::time::Duration;

use testkit::lying::LyingServer;
use zeroize::Zeroizing;

use crate::fetch::imap::{Folder, FolderState, MailFacts, Receiver, Session};
use crate::fetch::net::{Patience, Security, Server};
use crate::fetch::sasl::Credentials;
use crate::fetch::{FetchError, Probe};

/// Signs in with a password and opens nothing.
pub(super) const HELLO: &str = "
    S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready
    C: % AUTHENTICATE PLAIN AGFubmEAc2VjcmV0
    S: % OK [CAPABILITY IMAP4rev1 UIDPLUS MOVE IDLE ESEARCH LITERAL+] in
";

/// Opens INBOX, which has three mails.
pub(super) const INBOX: &str = "
    C: % SELECT \"INBOX\"
    S: * 3 EXISTS
    S: * OK [UIDVALIDITY 77] valid
    S: * OK [UIDNEXT 10] next
    S: % OK [READ-WRITE] open
";

pub(super) fn password() -> Credentials {
    Credentials::Password {
        user: "anna".to_owned(),
        password: Zeroizing::new("secret".to_owned()),
        act_as: None,
    }
}

pub(super) fn server(port: u16) -> Server {
    Server {
        host: "127.0.0.1".to_owned(),
        port: Some(port),
        security: Security::Clear,
        ..Server::default()
    }
}

pub(super) fn open_with(
    server: &LyingServer,
    credentials: &Credentials,
    patience: &Patience,
) -> Result<Session, FetchError> {
    Session::open(&self::server(server.port()), patience, credentials, &mut Probe::default())
}

/// A server that goes on with `trace` after the sign-in, and a session with it.
pub(super) fn signed_in(trace: &str) -> (LyingServer, Session) {
    let server = LyingServer::start(&[&format!("{HELLO}{trace}")]);
    let session = open_with(&server, &password(), &Patience::default()).expect("signed in");
    (server, session)
}

/// The same with a server that is left when it is silent for a moment.
pub(super) fn impatient(trace: &str) -> (LyingServer, Session) {
    let server = LyingServer::start(&[&format!("{HELLO}{INBOX}{trace}")]);
    let patience = Patience { answer: Duration::from_millis(300), ..Patience::default() };
    // Signing in must not fail on a slow machine; only what comes then is cut short.
    let mut session = open_with(&server, &password(), &Patience::default()).expect("signed in");
    session.select(&inbox()).expect("open");
    session.set_patience(patience);
    (server, session)
}

/// The same with INBOX open.
pub(super) fn opened(trace: &str) -> (LyingServer, Session) {
    let (server, mut session) = signed_in(&format!("{INBOX}{trace}"));
    let state = session.select(&inbox()).expect("open");
    let expected = FolderState {
        uid_validity: 77,
        uid_next: Some(10),
        exists: 3,
        highest_modseq: None,
        read_only: false,
    };
    assert_eq!(state, expected);
    (server, session)
}

pub(super) fn inbox() -> Folder {
    Folder::named("INBOX", false)
}

/// Keeps what came, whole mails only.
#[derive(Debug, Default)]
pub(super) struct Basket {
    pub(super) mails: Vec<(MailFacts, Vec<u8>)>,
    pub(super) begun: Vec<(Option<u32>, u64)>,
    /// Larger ones are not wanted.
    pub(super) octets_max: Option<u64>,
    pub(super) held: Vec<u8>,
    /// The most that was handed over at once.
    pub(super) longest_run: usize,
    pub(super) octets: u64,
    /// Counts octets only.
    pub(super) counts: bool,
}

impl Basket {
    pub(super) fn texts(&self) -> Vec<(u32, String)> {
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        self.mails.iter().map(|(facts, octets)| (facts.uid, text(octets))).collect()
    }
}

impl Receiver for Basket {
    fn begin(&mut self, uid: Option<u32>, octets: u64) -> Result<bool, FetchError> {
        self.begun.push((uid, octets));
        self.held.clear();
        Ok(self.octets_max.is_none_or(|most| octets <= most))
    }

    fn octets(&mut self, run: &[u8]) -> Result<(), FetchError> {
        self.longest_run = self.longest_run.max(run.len());
        self.octets += run.len() as u64;
        if !self.counts {
            self.held.extend_from_slice(run);
        }
        Ok(())
    }

    fn end(&mut self, mail: MailFacts) -> Result<(), FetchError> {
        self.mails.push((mail, std::mem::take(&mut self.held)));
        Ok(())
    }
}
