//! One connection: the commands of RFC 5321 §4.1 in their order.

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use model::{Clock, EmailAddress};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::Instant;

use super::command::{self, Command, Fault, MailFrom, RcptTo};
use super::figures::{IntakeFigures, count};
use super::reply;
use super::room::{Recipients, Room};
use super::route::{Route, Router};
use super::settings::SmtpSettings;
use super::transfer::Incoming;
use super::wire::{End, Line, Wire};

/// Journal addresses with settings of their own (sources) that one mail may go to at once: each
/// holds a copy in memory while the mail arrives. The sender is asked to send the rest apart.
pub const DELIVERIES_MAX: usize = 16;

/// What all sessions of a listener share.
pub(crate) struct Shared<R> {
    pub settings: ArcSwap<SmtpSettings>,
    pub router: Arc<dyn Router>,
    pub room: R,
    pub clock: Arc<dyn Clock>,
    /// `None` offers no STARTTLS.
    pub tls: Option<Arc<ServerConfig>>,
    pub figures: Arc<IntakeFigures>,
}

pub(crate) struct Session<S, R: Room> {
    pub(super) shared: Arc<Shared<R>>,
    /// As they were when the session began.
    pub(super) settings: Arc<SmtpSettings>,
    pub(super) wire: Wire<S>,
    pub(super) peer: IpAddr,
    pub(super) helo: Option<String>,
    /// The version agreed on.
    pub(super) tls: Option<String>,
    pub(super) transaction: Option<Transaction<R::Draft>>,
    pub(super) mails: u64,
    deadline: Instant,
    errors: u32,
    stop: watch::Receiver<bool>,
}

/// From `MAIL` to the reply that ends the mail.
pub(super) struct Transaction<D> {
    pub reverse_path: Option<EmailAddress>,
    smtputf8: bool,
    pub recipients: Recipients,
    pub recipient_count: usize,
    recipients_refused: bool,
    /// Begun by the first `BDAT`.
    pub incoming: Option<Incoming<D>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Close,
    Next,
}

/// How a session ended, for the log.
#[derive(Debug)]
pub(crate) struct Ended {
    pub mails: u64,
    pub errors: u32,
    pub tls: Option<String>,
    pub reason: &'static str,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send, R: Room> Session<S, R> {
    pub(crate) fn new(
        shared: Arc<Shared<R>>,
        stream: S,
        peer: IpAddr,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let settings = shared.settings.load_full();
        let wire = Wire::new(stream, settings.idle());
        let deadline = Instant::now() + settings.session();
        Self {
            shared,
            settings,
            wire,
            peer,
            helo: None,
            tls: None,
            transaction: None,
            mails: 0,
            deadline,
            errors: 0,
            stop,
        }
    }

    /// Greets and answers until either side ends it. A mail without its reply at the end is not
    /// archived, whatever of it was received.
    pub(crate) async fn run(mut self) -> Ended {
        self.wire.reply(&format!("220 {} ESMTP", self.settings.host_name));
        let end = loop {
            match self.step().await {
                Ok(Flow::Next) => {}
                Ok(Flow::Close) => break "closed",
                Err(end) => break self.farewell(&end),
            }
        };
        self.wire.close().await;
        Ended { mails: self.mails, errors: self.errors, tls: self.tls, reason: end }
    }

    fn farewell(&mut self, end: &End) -> &'static str {
        match end {
            End::Closed => "closed by the client",
            End::Failed(error) => {
                tracing::debug!(%error, "connection failed");
                "connection failed"
            }
            End::Stopping => {
                self.reply(reply::SHUTTING_DOWN);
                "shutting down"
            }
            End::TimedOut => {
                self.reply(reply::TIMED_OUT);
                "time limit"
            }
        }
    }

    async fn step(&mut self) -> Result<Flow, End> {
        // Until its first octets a mail can be sent again without loss.
        let idle = self.transaction.as_ref().is_none_or(|t| t.incoming.is_none());
        if idle && *self.stop.borrow() && !self.wire.has_input() {
            return Err(End::Stopping);
        }
        if idle && Instant::now() >= self.deadline {
            return Err(End::TimedOut);
        }
        self.wire.flush_if_full().await?;
        let line = match self.wire.line(self.deadline, &mut self.stop, idle).await? {
            Line::Command(line) => line,
            Line::NotCrlf { chunk: true } | Line::TooLong { chunk: true } => {
                return Ok(self.close_with(reply::BAD_CHUNK));
            }
            Line::NotCrlf { chunk: false } => return Ok(self.refuse(reply::NOT_CRLF)),
            Line::TooLong { chunk: false } => return Ok(self.refuse(reply::LINE_TOO_LONG)),
        };
        match command::parse(&line) {
            Err(Fault::BadChunk) => Ok(self.close_with(reply::BAD_CHUNK)),
            Err(_) if self.tls_missing() => Ok(self.refuse(reply::TLS_REQUIRED)),
            Err(fault) => Ok(self.refuse(reply::of_fault(fault))),
            Ok(command) => self.obey(command).await,
        }
    }

    async fn obey(&mut self, command: Command) -> Result<Flow, End> {
        let before_tls = matches!(
            command,
            Command::Bdat { .. }
                | Command::Ehlo(_)
                | Command::Helo(_)
                | Command::Noop
                | Command::Quit
                | Command::StartTls
        );
        if self.tls_missing() && !before_tls {
            return Ok(self.refuse(reply::TLS_REQUIRED));
        }
        match command {
            Command::Auth => Ok(self.refuse(reply::AUTH)),
            Command::Bdat { size_bytes, last } => self.bdat(size_bytes, last).await,
            Command::Data => self.data().await,
            Command::Ehlo(name) => Ok(self.ehlo(name)),
            Command::Expn => Ok(self.refuse(reply::EXPN)),
            Command::Helo(name) => Ok(self.hello(name)),
            Command::Help => Ok(self.agree(reply::HELP)),
            Command::Mail(mail) => Ok(self.mail(mail)),
            Command::Noop => Ok(self.agree(reply::OK)),
            Command::Quit => Ok(self.close_with(reply::BYE)),
            Command::Rcpt(rcpt) => Ok(self.rcpt(rcpt)),
            Command::Rset => {
                self.transaction = None;
                Ok(self.agree(reply::OK))
            }
            Command::StartTls => self.start_tls().await,
            Command::Vrfy => Ok(self.agree(reply::VRFY)),
        }
    }

    pub(super) fn tls_missing(&self) -> bool {
        self.settings.require_tls && self.tls.is_none()
    }

    fn reply(&mut self, text: &str) {
        self.shared.figures.replied(text);
        self.wire.reply(text);
    }

    pub(super) fn agree(&mut self, text: &str) -> Flow {
        self.reply(text);
        Flow::Next
    }

    pub(super) fn close_with(&mut self, text: &str) -> Flow {
        self.reply(text);
        Flow::Close
    }

    /// Answers with an error and closes when there were too many.
    pub(super) fn refuse(&mut self, text: &str) -> Flow {
        count(&self.shared.figures.commands_refused);
        self.reply(text);
        self.errors += 1;
        if self.errors < self.settings.errors_max {
            return Flow::Next;
        }
        self.close_with(reply::TOO_MANY_ERRORS)
    }

    /// RFC 5321 §4.1.1.1: also ends a transaction.
    fn ehlo(&mut self, name: String) -> Flow {
        self.helo = Some(name);
        self.transaction = None;
        let settings = &self.settings;
        self.wire.reply(&format!("250-{}", settings.host_name));
        self.wire.reply("250-PIPELINING");
        self.wire.reply(&format!("250-SIZE {}", settings.message_size_bytes_max));
        self.wire.reply("250-8BITMIME");
        self.wire.reply("250-SMTPUTF8");
        self.wire.reply("250-CHUNKING");
        if self.tls.is_none() && self.shared.tls.is_some() {
            self.wire.reply("250-STARTTLS");
        }
        self.wire.reply("250-ENHANCEDSTATUSCODES");
        self.agree("250 DSN")
    }

    fn hello(&mut self, name: String) -> Flow {
        self.helo = Some(name);
        self.transaction = None;
        let text = format!("250 {}", self.settings.host_name);
        self.agree(&text)
    }

    fn mail(&mut self, mail: MailFrom) -> Flow {
        if self.helo.is_none() {
            return self.refuse(reply::NO_EHLO);
        }
        if self.transaction.is_some() {
            return self.refuse(reply::NESTED_MAIL);
        }
        let size_bytes = mail.size_bytes.unwrap_or(0);
        if size_bytes > self.settings.message_size_bytes_max {
            count(&self.shared.figures.mails_too_large);
            return self.refuse(reply::TOO_LARGE);
        }
        if let Err(refusal) = self.shared.room.has_room(size_bytes) {
            count(&self.shared.figures.mails_put_off);
            return self.agree(reply::of_refusal(refusal));
        }
        self.transaction = Some(Transaction {
            reverse_path: mail.reverse_path,
            smtputf8: mail.smtputf8,
            recipients: Recipients::new(),
            recipient_count: 0,
            recipients_refused: false,
            incoming: None,
        });
        self.agree(reply::SENDER_OK)
    }

    fn rcpt(&mut self, rcpt: RcptTo) -> Flow {
        let Some(transaction) = &mut self.transaction else { return self.refuse(reply::NO_MAIL) };
        if transaction.incoming.is_some() {
            return self.refuse(reply::NO_CHUNK_AND_DATA);
        }
        if transaction.recipient_count >= self.settings.recipients_max {
            // No error of the client: RFC 5321 §4.5.3.1.10 lets it send the rest apart.
            count(&self.shared.figures.recipients_refused);
            return self.agree(reply::TOO_MANY_RECIPIENTS);
        }
        let recipient = rcpt.forward_path;
        let answer = if !transaction.smtputf8 && !recipient.as_str().is_ascii() {
            Err(reply::UTF8_NOT_ANNOUNCED)
        } else {
            match self.shared.router.route(&recipient) {
                Route::Accept { tenant, source } => Ok((tenant, source)),
                Route::Full => Err(reply::RECIPIENT_FULL),
                Route::Suspended | Route::Unavailable => Err(reply::RECIPIENT_PUT_OFF),
                Route::Unknown => Err(reply::RECIPIENT_UNKNOWN),
            }
        };
        match answer {
            Ok(key)
                if transaction.recipients.len() >= DELIVERIES_MAX
                    && !transaction.recipients.contains_key(&key) =>
            {
                count(&self.shared.figures.recipients_refused);
                self.agree(reply::TOO_MANY_RECIPIENTS)
            }
            Ok(key) => {
                transaction.recipient_count += 1;
                transaction.recipients.entry(key).or_default().push(recipient);
                self.agree(reply::RECIPIENT_OK)
            }
            Err(text) => {
                // Without the recipient: who guesses addresses is seen by the peer.
                tracing::info!(target: "mail", { peer.ip = %self.peer, reply = text }, "recipient refused");
                transaction.recipients_refused = true;
                count(&self.shared.figures.recipients_refused);
                self.refuse(text)
            }
        }
    }

    /// RFC 3207 §4.2: what was said in clear is forgotten, and nothing may have been sent behind
    /// the command.
    async fn start_tls(&mut self) -> Result<Flow, End> {
        if self.tls.is_some() {
            return Ok(self.refuse(reply::TLS_ALREADY));
        }
        let Some(config) = self.shared.tls.clone() else {
            return Ok(self.refuse(reply::TLS_UNAVAILABLE));
        };
        if self.wire.has_input() {
            count(&self.shared.figures.commands_refused);
            return Ok(self.close_with(reply::PIPELINED_STARTTLS));
        }
        self.helo = None;
        self.transaction = None;
        self.wire.reply(reply::TLS_GO);
        match self.wire.start_tls(config).await {
            Ok(version) => {
                count(&self.shared.figures.connections_tls);
                self.tls = Some(version);
                Ok(Flow::Next)
            }
            Err(end) => {
                count(&self.shared.figures.handshakes_failed);
                Err(end)
            }
        }
    }

    /// Why no octets of a mail are due now.
    pub(super) fn not_ready(&self) -> Option<&'static str> {
        if self.tls_missing() {
            return Some(reply::TLS_REQUIRED);
        }
        if self.helo.is_none() {
            return Some(reply::NO_EHLO);
        }
        match &self.transaction {
            None => Some(reply::NO_MAIL),
            Some(transaction) if transaction.recipient_count > 0 => None,
            Some(transaction) if transaction.recipients_refused => Some(reply::NO_VALID_RECIPIENTS),
            Some(_) => Some(reply::NO_RECIPIENTS),
        }
    }
}
