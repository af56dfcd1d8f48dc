use std::collections::HashMap;
use std::io::Write;

use super::dialect::{Pop3, capabilities, garbled};
use super::reply::{self, Capabilities, Reply};
use super::sign_in::sign_in;
use crate::fetch::net::{Connection, Dialect as _, Patience, Secured, Server, Taken, open};
use crate::fetch::oauth::{MailProtocol, explained};
use crate::fetch::sasl::Credentials;
use crate::fetch::{FetchError, Limit, Probe};
use crate::smtp::dots::DotDecoder;

/// A line of a reply; RFC 1939 §3 allows 512 octets.
pub const REPLY_LINE: Limit = Limit::new("reply-line-octets", 4096);

/// Mails of one maildrop.
pub const MESSAGES: Limit = Limit::new("maildrop-messages", 1_000_000);

/// The name of the limit that [`Session::retrieve`] is given.
pub const MAIL_OCTETS: &str = "mail-octets";

/// Commands that are under way at once, where the server can take them (RFC 2449 §6.6).
const PIPELINE_MAX: usize = 100;

/// A mail in the maildrop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Of this session only.
    pub number: u32,
    /// By which later sessions know it (RFC 1939 §7). `None` when the server gives none, or gives
    /// the same to several mails: then only the content tells them apart.
    pub uid: Option<Box<str>>,
    /// As the server says, in octets; many are wrong by the line ends.
    pub size: u64,
}

/// A maildrop that is open: nobody else can open it meanwhile, and nothing is deleted before
/// [`Session::quit`]. Dropped without that, the connection ends and every mail stays.
pub struct Session {
    connection: Connection,
    capabilities: Capabilities,
    /// Numbers may have changed on a server that does not keep to the protocol.
    deleted_some: bool,
    /// The session is over after an error that left the dialogue at an unknown point.
    over: bool,
}

impl Session {
    /// Connects and signs in; each step stands in `probe`.
    ///
    /// # Errors
    /// [`FetchError::ServerBusy`] when another session holds the maildrop.
    pub fn open(
        server: &Server,
        patience: &Patience,
        credentials: &Credentials,
        probe: &mut Probe,
    ) -> Result<Self, FetchError> {
        let mut connection = open(server, patience, &mut Pop3, probe)?;
        let usual = match connection.secured() {
            Secured::ImplicitTls => Pop3.ports().implicit_tls,
            Secured::Clear | Secured::StartTls => Pop3.ports().plain,
        };
        let port = server.port.unwrap_or(usual);
        probe.run("sign-in", || {
            let capabilities = capabilities(&mut connection)?;
            let detail =
                sign_in(&mut connection, &capabilities, credentials, &server.host, port)
                    .map_err(|it| explained(it, MailProtocol::Pop3, credentials, &server.host))?;
            let session = Self { connection, capabilities, deleted_some: false, over: false };
            Ok((session, detail))
        })
    }

    /// The same over a connection that nothing was read from.
    #[doc(hidden)]
    pub fn over(mut connection: Connection, credentials: &Credentials) -> Result<Self, FetchError> {
        Pop3.greet(&mut connection)?;
        let capabilities = capabilities(&mut connection)?;
        sign_in(&mut connection, &capabilities, credentials, "localhost", 995)?;
        Ok(Self { connection, capabilities, deleted_some: false, over: false })
    }

    /// The connection below: how it is protected, and how much came.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// How many mails there are, and how many octets (STAT).
    ///
    /// # Errors
    /// When the server does not say.
    pub fn count(&mut self) -> Result<(u64, u64), FetchError> {
        self.guarded(|session| {
            let text = session.command("STAT", "STAT\r\n")?;
            let text = String::from_utf8_lossy(&text).into_owned();
            let mut words = text.split_ascii_whitespace().map(str::parse);
            match (words.next(), words.next()) {
                (Some(Ok(count)), Some(Ok(octets))) => Ok((count, octets)),
                _ => Err(FetchError::Protocol("its STAT is no count".to_owned())),
            }
        })
    }

    /// All mails, by number.
    ///
    /// # Errors
    /// When there are more than [`MESSAGES`].
    pub fn list(&mut self) -> Result<Vec<Entry>, FetchError> {
        self.guarded(Self::listing)
    }

    fn listing(&mut self) -> Result<Vec<Entry>, FetchError> {
        self.command("LIST", "LIST\r\n")?;
        let mut entries: Vec<Entry> = Vec::new();
        self.lines(|line| {
            let Some((number, size)) = reply::scan_listing(line) else { return false };
            entries.push(Entry { number, uid: None, size });
            true
        })?;
        entries.sort_by_key(|entry| entry.number);
        entries.dedup_by_key(|entry| entry.number);
        match self.command("UIDL", "UIDL\r\n") {
            Err(FetchError::Refused { .. }) => return Ok(entries),
            answer => answer?,
        };
        self.lines(|line| {
            let Some((number, uid)) = reply::unique_id_listing(line) else { return false };
            if let Ok(at) = entries.binary_search_by_key(&number, |entry| entry.number) {
                entries[at].uid = uid;
            }
            true
        })?;
        forget_shared_uids(&mut entries);
        Ok(entries)
    }

    /// One mail into `sink`, as it is: dots are unstuffed, bare LF and CR stay, the CRLF before the
    /// final dot belongs to the mail. Says how many octets it has. Nothing is marked as read or
    /// changed. After an error the sink holds a part, which must be thrown away.
    ///
    /// # Errors
    /// [`FetchError::CorruptMail`] when the server cannot deliver it: the session goes on.
    /// Otherwise the session is over; [`FetchError::LimitExceeded`] names [`MAIL_OCTETS`].
    pub fn retrieve(
        &mut self,
        entry: &Entry,
        octets_max: u64,
        sink: &mut dyn Write,
    ) -> Result<u64, FetchError> {
        self.guarded(|session| {
            if session.deleted_some
                && let Some(Some(text)) = session.check_same(&[entry])?.pop()
            {
                return Err(FetchError::CorruptMail(text));
            }
            match session.command("RETR", &format!("RETR {}\r\n", entry.number)) {
                Err(FetchError::Refused { text, .. }) => return Err(FetchError::CorruptMail(text)),
                answer => answer?,
            };
            session.mail(octets_max, sink)
        })
    }

    fn mail(&mut self, octets_max: u64, sink: &mut dyn Write) -> Result<u64, FetchError> {
        let mut decoder = DotDecoder::default();
        let mut octets = 0;
        self.connection.stream(&mut |piece| {
            let mut outcome = Ok(());
            let progress = decoder.decode(piece, |run| {
                octets += run.len() as u64;
                if outcome.is_ok() && octets > octets_max {
                    outcome = Err(FetchError::LimitExceeded(Limit::new(MAIL_OCTETS, octets_max)));
                }
                if outcome.is_ok() {
                    outcome = sink.write_all(run).map_err(FetchError::Spool);
                }
            });
            outcome.map(|()| Taken { octets: progress.consumed, ended: progress.ended })
        })?;
        Ok(octets)
    }

    /// Marks mails to be deleted; [`Session::quit`] deletes them. Only what the archive holds
    /// durably may come here. Before each the server must say that its number still names the same
    /// mail, and higher numbers go first, so that a server that renumbers deletes no other. Gives
    /// those that the server will not mark, with its words; they do not keep the others.
    ///
    /// # Errors
    /// When a number names another mail: the session is over, and nothing at all is deleted.
    pub fn delete(&mut self, entries: &[Entry]) -> Result<Vec<(Entry, String)>, FetchError> {
        let mut sorted: Vec<&Entry> = entries.iter().collect();
        sorted.sort_by_key(|entry| std::cmp::Reverse(entry.number));
        self.guarded(|session| {
            let most = if session.capabilities.pipelining { PIPELINE_MAX } else { 1 };
            let mut kept = Vec::new();
            for chunk in sorted.chunks(most) {
                session.mark(chunk, &mut kept)?;
            }
            Ok(kept)
        })
    }

    fn mark(
        &mut self,
        entries: &[&Entry],
        kept: &mut Vec<(Entry, String)>,
    ) -> Result<(), FetchError> {
        let mut sure = Vec::new();
        for (entry, refusal) in entries.iter().zip(self.check_same(entries)?) {
            match refusal {
                None => sure.push(*entry),
                Some(text) => kept.push(((*entry).clone(), text)),
            }
        }
        self.deleted_some = true;
        let commands = sure.iter().map(|entry| format!("DELE {}\r\n", entry.number));
        self.connection.write(commands.collect::<String>().as_bytes())?;
        for entry in sure {
            match self.reply("DELE") {
                Err(FetchError::Refused { text, .. }) => kept.push((entry.clone(), text)),
                answer => drop(answer?),
            }
        }
        Ok(())
    }

    /// Ends the session and deletes what was marked. An error leaves that open: mails may come
    /// again, and are known by their content.
    ///
    /// # Errors
    /// When the server does not confirm.
    pub fn quit(mut self) -> Result<(), FetchError> {
        self.guarded(|session| session.command("QUIT", "QUIT\r\n").map(drop))
    }

    /// Whether the numbers still name these mails: by unique-id, or by size where there is none.
    /// For each the server's words when it does not say; such a mail must not be touched.
    ///
    /// # Errors
    /// When a number names another mail.
    fn check_same(&mut self, entries: &[&Entry]) -> Result<Vec<Option<String>>, FetchError> {
        let command = |entry: &&Entry| match entry.uid {
            Some(_) => format!("UIDL {}\r\n", entry.number),
            None => format!("LIST {}\r\n", entry.number),
        };
        let commands: String = entries.iter().map(command).collect();
        self.connection.write(commands.as_bytes())?;
        let mut refusals = Vec::new();
        for entry in entries {
            let text = match self.reply("UIDL") {
                Err(FetchError::Refused { text, .. }) => {
                    refusals.push(Some(text));
                    continue;
                }
                answer => answer?,
            };
            let same = match &entry.uid {
                Some(_) => {
                    let said = reply::unique_id_listing(&text);
                    said == Some((entry.number, entry.uid.clone()))
                }
                None => reply::scan_listing(&text) == Some((entry.number, entry.size)),
            };
            if !same {
                let text = "a number names another mail than before".to_owned();
                return Err(FetchError::Protocol(text));
            }
            refusals.push(None);
        }
        Ok(refusals)
    }

    /// Sends a command and gives the words of its reply.
    fn command(&mut self, name: &'static str, line: &str) -> Result<Vec<u8>, FetchError> {
        self.connection.write(line.as_bytes())?;
        self.reply(name)
    }

    fn reply(&mut self, name: &'static str) -> Result<Vec<u8>, FetchError> {
        let mut line = Vec::new();
        self.connection.read_line(REPLY_LINE, &mut line)?;
        match reply::parse(&line) {
            Some(Reply::Ok(words)) => Ok(words.text.to_vec()),
            Some(Reply::Err(words)) => {
                let text = self.connection.said(words.text);
                Err(FetchError::Refused { command: name, text })
            }
            Some(Reply::Challenge(_)) | None => Err(garbled(&self.connection, &line)),
        }
    }

    /// The lines of a listing, up to its final dot; `take` says whether a line is one.
    fn lines(&mut self, mut take: impl FnMut(&[u8]) -> bool) -> Result<(), FetchError> {
        let mut line = Vec::new();
        for _ in 0..=MESSAGES.max {
            self.connection.read_line(REPLY_LINE, &mut line)?;
            if line == b"." {
                return Ok(());
            }
            if !take(&line) {
                let said = self.connection.said(&line);
                return Err(FetchError::Protocol(format!("{said:?} is no line of a listing")));
            }
        }
        Err(FetchError::LimitExceeded(MESSAGES))
    }

    /// Nothing is said any more once the dialogue is at an unknown point.
    fn guarded<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, FetchError>,
    ) -> Result<T, FetchError> {
        if self.over {
            return Err(FetchError::closed());
        }
        let outcome = work(self);
        self.over = matches!(&outcome, Err(error) if !error.leaves_session_usable());
        outcome
    }
}

/// A unique-id that several mails share names none of them.
fn forget_shared_uids(entries: &mut [Entry]) {
    let mut seen: HashMap<Box<str>, usize> = HashMap::new();
    let mut shared = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        if let Some(uid) = &entry.uid
            && let Some(first) = seen.insert(uid.clone(), at)
        {
            shared.extend([first, at]);
        }
    }
    for at in shared {
        entries[at].uid = None;
    }
}

/// Tries everything that a run needs; changes nothing.
pub fn probe(server: &Server, patience: &Patience, credentials: &Credentials) -> Probe {
    let mut probe = Probe::default();
    // What fails stands in the last step.
    if let Ok(mut session) = Session::open(server, patience, credentials, &mut probe)
        && probe
            .run("messages", || {
                let (count, octets) = session.count()?;
                Ok(((), format!("{count} mails, {octets} octets")))
            })
            .is_ok()
    {
        let _ = session.quit();
    }
    probe
}
