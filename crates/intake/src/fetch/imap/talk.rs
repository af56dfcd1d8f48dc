//! Commands and their answers, one after the other.

use std::time::{Duration, Instant};

use super::command::{Command, Part};
use super::fetched::{Bodies, Body, FetchItem, NoBodies};
use super::hint;
use super::reader::{Read, ReadError, Reader, Source};
use super::response::{self, Response, Status, Text, Untagged};
use crate::fetch::net::{Connection, Deadline, PROGRESS_OCTETS_MIN};
use crate::fetch::{ConnectionFailure, FetchError, Limit};

/// Responses to one command.
pub const RESPONSES: Limit = Limit::new("imap-responses", 500_000);
/// How long one command may take, however busily the server talks; each mail that comes begins it
/// anew.
pub const COMMAND_TIME_MAX: Duration = Duration::from_secs(3600);
/// A literal that may be sent without asking where only `LITERAL-` is offered (RFC 7888 §5).
const SMALL_LITERAL_OCTETS: usize = 4096;

/// What is known of the server, apart from the connection to it.
#[derive(Debug, Default)]
pub(super) struct State {
    last_tag: u64,
    /// In capitals; `None` when they must be asked for.
    pub(super) capabilities: Option<Vec<String>>,
    /// How often the server told them.
    pub(super) capabilities_told: u64,
    pub(super) pre_authenticated: bool,
    /// Said by `ENABLED`.
    pub(super) enabled: Vec<String>,
    /// Mails in the selected folder.
    pub(super) exists: u32,
    /// Something came or went since this was last reset.
    pub(super) news: bool,
    /// Of the selected folder, once it is selected.
    pub(super) uid_validity: Option<u32>,
    pub(super) read_only: bool,
    bye: Option<Text>,
    /// The session is over: nothing may be sent any more.
    ended: bool,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Completion {
    pub(super) status: Status,
    pub(super) text: Text,
}

pub(super) struct Talk<'a> {
    pub(super) connection: &'a mut Connection,
    pub(super) state: &'a mut State,
}

/// What to do with untagged responses.
pub(super) type Listener<'a> = &'a mut dyn FnMut(Untagged) -> Result<(), FetchError>;

impl State {
    pub(super) fn offers(&self, capability: &str) -> bool {
        let all = self.capabilities.as_deref().unwrap_or_default();
        all.iter().any(|it| it.eq_ignore_ascii_case(capability))
    }

    pub(super) fn has_enabled(&self, extension: &str) -> bool {
        self.enabled.iter().any(|it| it.eq_ignore_ascii_case(extension))
    }

    /// IMAP4rev2 (RFC 9051 §F) took these extensions in.
    pub(super) fn offers_or_rev2(&self, capability: &str) -> bool {
        self.offers(capability) || self.offers("IMAP4REV2")
    }

    fn learn(&mut self, capabilities: Vec<String>) {
        self.capabilities = Some(capabilities);
        self.capabilities_told += 1;
    }

    pub(super) fn is_over(&self) -> bool {
        self.ended
    }
}

impl Talk<'_> {
    /// Sends a command and waits for its end; whatever it answers is left out.
    ///
    /// # Errors
    /// When it is not answered with `OK`; see [`hint::refusal`].
    pub(super) fn command(&mut self, command: &Command) -> Result<Text, FetchError> {
        self.ask(command, &mut |_| Ok(()))
    }

    /// The same; `listener` hears each untagged response.
    pub(super) fn ask(
        &mut self,
        command: &Command,
        listener: Listener<'_>,
    ) -> Result<Text, FetchError> {
        let completion = self.run(command, &mut NoBodies, listener)?;
        match completion.status {
            Status::Ok => Ok(completion.text),
            _ => Err(hint::refusal(command.name, &completion.text)),
        }
    }

    /// The same, with bodies of mails; a command that the server refuses is no error here.
    pub(super) fn run(
        &mut self,
        command: &Command,
        bodies: &mut dyn Bodies,
        listener: Listener<'_>,
    ) -> Result<Completion, FetchError> {
        self.guard(|talk| {
            let tag = talk.next_tag();
            match talk.send(&tag, command)? {
                Some(early) => Ok(early),
                None => talk.answers(&tag, bodies, listener),
            }
        })
    }

    /// Does `work`, after whose failure the session is over.
    pub(super) fn guard<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, FetchError>,
    ) -> Result<T, FetchError> {
        if self.state.ended {
            return Err(self.over());
        }
        let outcome = work(self);
        self.state.ended |= outcome.is_err();
        outcome.map_err(|error| self.explained(error))
    }

    pub(super) fn next_tag(&mut self) -> String {
        self.state.last_tag += 1;
        format!("C{}", self.state.last_tag)
    }

    /// Everything up to the last line end. The end of the command, when the server refuses a
    /// literal.
    pub(super) fn send(
        &mut self,
        tag: &str,
        command: &Command,
    ) -> Result<Option<Completion>, FetchError> {
        let mut octets = format!("{tag} ").into_bytes();
        for part in &command.parts {
            match part {
                Part::Text(text) => octets.extend_from_slice(text),
                Part::Literal(literal) => {
                    let small = literal.len() <= SMALL_LITERAL_OCTETS;
                    let at_once = self.state.offers("LITERAL+")
                        || (small && self.state.offers_or_rev2("LITERAL-"));
                    let plus = if at_once { "+" } else { "" };
                    octets.extend_from_slice(format!("{{{}{plus}}}\r\n", literal.len()).as_bytes());
                    if !at_once {
                        self.connection.write(&octets)?;
                        octets.clear();
                        if let Some(refused) = self.leave(tag)? {
                            return Ok(Some(refused));
                        }
                    }
                    octets.extend_from_slice(literal);
                }
            }
        }
        octets.extend_from_slice(b"\r\n");
        self.connection.write(&octets)?;
        Ok(None)
    }

    /// Waits for `+`; `Some` when the command ended instead.
    pub(super) fn leave(&mut self, tag: &str) -> Result<Option<Completion>, FetchError> {
        Ok(match self.next(tag, &mut NoBodies, &mut |_| Ok(()))? {
            Next::Continue(_) => None,
            Next::Ended(completion) => Some(completion),
        })
    }

    /// Up to the end of the command; a `+` is out of place.
    pub(super) fn answers(
        &mut self,
        tag: &str,
        bodies: &mut dyn Bodies,
        listener: Listener<'_>,
    ) -> Result<Completion, FetchError> {
        match self.next(tag, bodies, listener)? {
            Next::Ended(completion) => Ok(completion),
            Next::Continue(_) => {
                Err(FetchError::Protocol("it waits for more of a complete command".to_owned()))
            }
        }
    }

    /// Up to a `+` or the end of the command.
    pub(super) fn next(
        &mut self,
        tag: &str,
        bodies: &mut dyn Bodies,
        listener: Listener<'_>,
    ) -> Result<Next, FetchError> {
        let mut until = Instant::now() + COMMAND_TIME_MAX;
        for _ in 0..RESPONSES.max {
            match self.response(bodies)? {
                Response::Continue(text) => return Ok(Next::Continue(text)),
                Response::Tagged { tag: theirs, status, text } if theirs == tag => {
                    self.note_code(&text)?;
                    return Ok(Next::Ended(Completion { status, text }));
                }
                Response::Tagged { .. } => {
                    let text = "it answers a command that was not sent".to_owned();
                    return Err(FetchError::Protocol(text));
                }
                Response::Untagged(untagged) => {
                    if let Untagged::Fetch(FetchItem { body: Body::Octets { .. }, .. }) = untagged {
                        until = Instant::now() + COMMAND_TIME_MAX;
                    }
                    self.note(&untagged)?;
                    listener(untagged)?;
                }
            }
            if Instant::now() > until {
                return Err(FetchError::timeout(COMMAND_TIME_MAX));
            }
        }
        Err(FetchError::LimitExceeded(RESPONSES))
    }

    /// One response, whatever it is.
    pub(super) fn response(&mut self, bodies: &mut dyn Bodies) -> Result<Response, FetchError> {
        let mut source = Paced::new(self.connection);
        let outcome: Read<Response> = response::read(&mut Reader::new(&mut source), bodies);
        let mut response = outcome.map_err(|error| match error {
            ReadError::Failed(error) => error,
            ReadError::Syntax(what) => FetchError::Protocol(what.to_owned()),
        })?;
        if let Response::Tagged { text, .. } | Response::Untagged(Untagged::Status { text, .. }) =
            &mut response
        {
            // A server may repeat what it was sent, secrets as well.
            text.words = self.connection.said(text.words.as_bytes());
        }
        Ok(response)
    }

    /// What concerns the session, whichever command it came with.
    pub(super) fn note(&mut self, untagged: &Untagged) -> Result<(), FetchError> {
        let state = &mut *self.state;
        match untagged {
            Untagged::Capability(words) => state.learn(words.clone()),
            Untagged::Enabled(words) => state.enabled.clone_from(words),
            Untagged::Exists(count) => {
                state.news |= *count != state.exists;
                state.exists = *count;
            }
            Untagged::Expunge(_) => {
                state.news = true;
                state.exists = state.exists.saturating_sub(1);
            }
            Untagged::Status { status: Status::Bye, text } => state.bye = Some(text.clone()),
            Untagged::Status { status: Status::Ok | Status::PreAuth, text } => {
                self.note_code(text)?;
            }
            Untagged::Malformed { what, .. } => {
                tracing::debug!(what, "a response that breaks the grammar was left out");
            }
            _ => {}
        }
        Ok(())
    }

    fn note_code(&mut self, text: &Text) -> Result<(), FetchError> {
        match text.code.as_str() {
            "CAPABILITY" => self.state.learn(response::words(&text.arguments)),
            "UIDVALIDITY" => {
                let known = self.state.uid_validity.map(u64::from);
                if known.is_some() && text.number() != known {
                    let text = "the UIDVALIDITY of the folder changed while it was read".to_owned();
                    return Err(FetchError::Protocol(text));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Why the session ended, in the server's words where it said good-bye.
    fn explained(&self, error: FetchError) -> FetchError {
        match (&self.state.bye, error) {
            (Some(bye), FetchError::NoConnection { reason: ConnectionFailure::Closed, .. }) => {
                hint::good_bye(bye)
            }
            (_, error) => error,
        }
    }

    fn over(&self) -> FetchError {
        let text = "the session is over".to_owned();
        let error = FetchError::NoConnection { reason: ConnectionFailure::Closed, text };
        self.explained(error)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Continue(String),
    Ended(Completion),
}

/// A connection on which each response must go on by [`PROGRESS_OCTETS_MIN`] within the patience
/// of the connection.
struct Paced<'a> {
    connection: &'a mut Connection,
    deadline: Deadline,
    progress: usize,
}

impl<'a> Paced<'a> {
    fn new(connection: &'a mut Connection) -> Self {
        let deadline = Deadline::within(connection.patience().answer);
        Self { connection, deadline, progress: 0 }
    }
}

impl Source for Paced<'_> {
    fn held(&mut self) -> Result<&[u8], FetchError> {
        self.connection.held(self.deadline)
    }

    fn consume(&mut self, octets: usize) {
        self.connection.consume(octets);
        self.progress += octets;
        if self.progress >= PROGRESS_OCTETS_MIN {
            self.progress = 0;
            self.deadline = Deadline::within(self.connection.patience().answer);
        }
    }
}
