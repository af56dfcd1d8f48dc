//! Greeting and STARTTLS.

use super::command::Command;
use super::fetched::NoBodies;
use super::hint;
use super::response::{Response, Status, Untagged};
use super::talk::{State, Talk};
use crate::fetch::FetchError;
use crate::fetch::net::{Connection, Dialect, Ports};

/// The usual ports of IMAP.
pub const PORTS: Ports = Ports { implicit_tls: 993, plain: 143 };

/// What IMAP does between TCP and the sign-in; then what [`super::Session::new`] goes on from.
#[derive(Debug, Default)]
pub struct Imap {
    pub(super) state: State,
}

impl Dialect for Imap {
    fn ports(&self) -> Ports {
        PORTS
    }

    fn greet(&mut self, connection: &mut Connection) -> Result<String, FetchError> {
        self.state = State::default();
        let mut talk = Talk { connection, state: &mut self.state };
        let greeting = talk.guard(|talk| talk.response(&mut NoBodies))?;
        let Response::Untagged(untagged) = greeting else {
            return Err(no_greeting());
        };
        talk.note(&untagged)?;
        let Untagged::Status { status, text } = untagged else { return Err(no_greeting()) };
        match status {
            Status::Ok => {}
            Status::PreAuth => self.state.pre_authenticated = true,
            Status::Bye => return Err(hint::good_bye(&text)),
            Status::Bad | Status::No => return Err(hint::refusal("the connection", &text)),
        }
        Ok(match text.words.as_str() {
            "" => "the server greets".to_owned(),
            words => words.to_owned(),
        })
    }

    fn start_tls(&mut self, connection: &mut Connection) -> Result<bool, FetchError> {
        let mut talk = Talk { connection, state: &mut self.state };
        if talk.state.pre_authenticated {
            // RFC 9051 §6.2.1: too late for TLS, which is what an attacker in between would want.
            let text = "it opens the mailbox before TLS can begin (PREAUTH)".to_owned();
            return Err(FetchError::Protocol(text));
        }
        talk.know_capabilities()?;
        if !talk.state.offers("STARTTLS") {
            return Ok(false);
        }
        talk.command(&Command::new("STARTTLS", "STARTTLS"))?;
        // Nothing that was said in clear counts (RFC 9051 §6.2.1); the tags go on.
        talk.state.capabilities = None;
        talk.state.enabled.clear();
        Ok(true)
    }
}

impl Talk<'_> {
    /// Asks for the capabilities, unless the server told them by itself.
    pub(super) fn know_capabilities(&mut self) -> Result<(), FetchError> {
        if self.state.capabilities.is_none() {
            self.command(&Command::new("CAPABILITY", "CAPABILITY"))?;
        }
        match self.state.offers("IMAP4REV1") || self.state.offers("IMAP4REV2") {
            true => Ok(()),
            false => Err(FetchError::Protocol("it does not offer IMAP4rev1".to_owned())),
        }
    }
}

fn no_greeting() -> FetchError {
    FetchError::Protocol("what answers there does not greet as an IMAP server".to_owned())
}
