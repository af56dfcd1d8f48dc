//! Signing in (RFC 9051 §6.2), and what is agreed on right after.

use super::command::Command;
use super::fetched::NoBodies;
use super::hint;
use super::response::Status;
use super::talk::{Completion, Next, Talk};
use crate::fetch::FetchError;
use crate::fetch::sasl::{Credentials, Exchange, Mechanism};

/// A first word of a mechanism that is sent with the command (RFC 4959); servers limit lines.
const INITIAL_OCTETS_MAX: usize = 8000;
/// Extensions that change what the server says, and are understood here.
const WANTED: [&str; 1] = ["UTF8=ACCEPT"];

impl Talk<'_> {
    /// `host` and `port` are those of the server.
    ///
    /// # Errors
    /// [`FetchError::SignInRefused`] when the server knows no such user or secret.
    pub(super) fn sign_in(
        &mut self,
        credentials: &Credentials,
        host: &str,
        port: u16,
    ) -> Result<(), FetchError> {
        self.know_capabilities()?;
        if self.state.pre_authenticated {
            let text = "the server opened a mailbox before anybody signed in".to_owned();
            return Err(FetchError::SignInRefused { remedy: None, text });
        }
        self.connection.hide(credentials.secret());
        // What was said before the sign-in says nothing about what is offered after it.
        let before = self.state.capabilities_told;
        let offers = |name: &str| self.state.offers(&format!("AUTH={name}"));
        match Mechanism::choose(credentials, offers) {
            // LOGIN as a mechanism does no more than the command, and is spelled in many ways.
            Some(mechanism) if mechanism != Mechanism::Login => {
                self.authenticate(Exchange::new(mechanism, credentials, host, port)?)?;
            }
            found => match credentials {
                Credentials::Password { user, password, act_as: None }
                    if !self.state.offers("LOGINDISABLED") =>
                {
                    self.log_in(user, password)?;
                }
                _ if found.is_some() => {
                    self.authenticate(Exchange::new(Mechanism::Login, credentials, host, port)?)?;
                }
                _ => return Err(no_way(credentials)),
            },
        }
        if self.state.capabilities_told == before {
            self.state.capabilities = None;
        }
        self.know_capabilities()?;
        self.introduce()
    }

    fn authenticate(&mut self, mut exchange: Exchange) -> Result<(), FetchError> {
        let completion = self.guard(|talk| talk.exchange(&mut exchange))?;
        match completion.status {
            Status::Ok => Ok(()),
            _ => Err(self.refused(&completion, exchange.refusal())),
        }
    }

    fn exchange(&mut self, exchange: &mut Exchange) -> Result<Completion, FetchError> {
        let tag = self.next_tag();
        let mut line = format!("{tag} AUTHENTICATE {}", exchange.mechanism().name());
        let mut waiting = None;
        if self.state.offers_or_rev2("SASL-IR")
            && let Some(initial) = exchange.initial()
        {
            match initial.len() > INITIAL_OCTETS_MAX {
                true => waiting = Some(initial),
                false => line = format!("{line} {}", initial.as_str()),
            }
        }
        line.push_str("\r\n");
        let line = zeroize::Zeroizing::new(line);
        self.connection.write(line.as_bytes())?;
        loop {
            let challenge = match self.next(&tag, &mut NoBodies, &mut |_| Ok(()))? {
                Next::Ended(completion) => return Ok(completion),
                Next::Continue(challenge) => challenge,
            };
            let answer = match waiting.take() {
                Some(initial) => initial,
                None => exchange.answer(challenge.as_bytes())?,
            };
            let line = zeroize::Zeroizing::new(format!("{}\r\n", answer.as_str()));
            self.connection.write(line.as_bytes())?;
        }
    }

    fn log_in(&mut self, user: &str, password: &str) -> Result<(), FetchError> {
        if user.contains('\0') || password.contains('\0') {
            let text = "user name or password holds a character that cannot be sent".to_owned();
            return Err(FetchError::Config(text));
        }
        let command = Command::new("LOGIN", "LOGIN ").string(user.as_bytes()).text(" ");
        let command = command.string(password.as_bytes());
        let completion = self.run(&command, &mut NoBodies, &mut |_| Ok(()))?;
        match completion.status {
            Status::Ok => Ok(()),
            _ => Err(self.refused(&completion, None)),
        }
    }

    /// Whatever refuses a sign-in is about the sign-in, unless the server is busy.
    fn refused(&self, completion: &Completion, reason: Option<&str>) -> FetchError {
        match hint::refusal("the sign-in", &completion.text) {
            busy @ FetchError::ServerBusy { .. } => busy,
            _ => {
                let mut text = hint::said(&completion.text);
                if let Some(reason) = reason {
                    text = format!("{text} ({})", self.connection.said(reason.as_bytes()));
                }
                FetchError::SignInRefused { remedy: None, text }
            }
        }
    }

    /// `ID`, without which some servers open no folder, and `ENABLE`. Neither may fail the session.
    fn introduce(&mut self) -> Result<(), FetchError> {
        if self.state.offers("ID") {
            let version = env!("CARGO_PKG_VERSION");
            let text = format!("ID (\"name\" \"Chancery\" \"version\" \"{version}\")");
            self.run(&Command::new("ID", text), &mut NoBodies, &mut |_| Ok(()))?;
        }
        let wanted = WANTED.iter().copied().filter(|it| self.state.offers(it));
        let wanted: Vec<&str> = wanted.collect();
        if !wanted.is_empty() && self.state.offers_or_rev2("ENABLE") {
            let text = format!("ENABLE {}", wanted.join(" "));
            self.run(&Command::new("ENABLE", text), &mut NoBodies, &mut |_| Ok(()))?;
        }
        Ok(())
    }
}

fn no_way(credentials: &Credentials) -> FetchError {
    let text = match credentials {
        Credentials::Bearer { .. } => "the server offers neither XOAUTH2 nor OAUTHBEARER",
        Credentials::Password { act_as: Some(_), .. } => {
            "the server does not offer PLAIN, without which nobody can sign in for another mailbox"
        }
        Credentials::Password { .. } => {
            "the server takes no passwords here; perhaps only when the connection is encrypted"
        }
    };
    FetchError::SignInRefused { remedy: None, text: text.to_owned() }
}
