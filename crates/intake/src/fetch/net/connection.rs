use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use memchr::memchr;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use zeroize::Zeroizing;

use super::certificate::CertificateReport;
use super::open::Secured;
use super::patience::{Deadline, Patience, STOP_WITHIN};
use super::stream::{Stream, Wire};
use super::trust::{Judge, Trust};
use crate::fetch::{ConnectionFailure, FetchError, Limit};

/// What is read at once; also the most that is held of a server's answer that nobody took yet.
const BUFFER_OCTETS: usize = 32 * 1024;

/// A mail must go on by so many octets within [`Patience::answer`]: a server that drips does not
/// hold a thread for ever.
pub const PROGRESS_OCTETS_MIN: usize = 4 * 1024;

/// Of what servers say in errors, so many characters are shown.
const SAID_CHARS_MAX: usize = 300;

/// A shorter secret is found in any text, and hiding it would show it.
const HIDDEN_OCTETS_MIN: usize = 3;

/// A connection to a mail server, encrypted or not.
///
/// Each operation ends by itself: with what was asked for, or with an error after
/// [`Patience::answer`]. Memory is bounded by one buffer, whatever the server sends.
pub struct Connection {
    stream: Stream,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    patience: Patience,
    secured: Secured,
    certificate: Option<Box<CertificateReport>>,
    /// Words that are never shown, though a server may repeat them.
    hidden: Vec<Zeroizing<String>>,
    received: u64,
}

/// What a taker of octets did with a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Octets of the piece that are done with.
    pub octets: usize,
    /// Nothing more is wanted; the rest of the piece is kept for the next reader.
    pub ended: bool,
}

impl Connection {
    /// Over a socket that is connected; not encrypted yet.
    ///
    /// # Errors
    /// When the socket is broken.
    pub(super) fn over_socket(socket: TcpStream, patience: Patience) -> Result<Self, FetchError> {
        let prepared = socket
            .set_nodelay(true)
            .and_then(|()| socket.set_read_timeout(Some(STOP_WITHIN)))
            .and_then(|()| socket.set_write_timeout(Some(STOP_WITHIN)));
        prepared.map_err(|error| broken(&error))?;
        Ok(Self::new(Stream::Clear(socket), patience))
    }

    /// Over anything else: for tests.
    pub fn over(wire: Box<dyn Wire>, patience: Patience) -> Self {
        Self::new(Stream::Other(wire), patience)
    }

    fn new(stream: Stream, patience: Patience) -> Self {
        Self {
            stream,
            buffer: vec![0; BUFFER_OCTETS].into_boxed_slice(),
            start: 0,
            end: 0,
            patience,
            secured: Secured::Clear,
            certificate: None,
            hidden: Vec::new(),
            received: 0,
        }
    }

    pub fn patience(&self) -> &Patience {
        &self.patience
    }

    #[cfg(test)]
    pub(in crate::fetch) fn set_patience(&mut self, patience: Patience) {
        self.patience = patience;
    }

    /// How the connection is protected.
    pub fn secured(&self) -> Secured {
        self.secured
    }

    /// The server's certificate, believed; `None` without TLS.
    pub fn certificate(&self) -> Option<&CertificateReport> {
        self.certificate.as_deref()
    }

    /// Octets that came so far, without those of TLS.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Keeps a secret out of everything that [`Connection::said`] shows.
    pub fn hide(&mut self, secret: &str) {
        if secret.len() >= HIDDEN_OCTETS_MIN {
            self.hidden.push(Zeroizing::new(secret.to_owned()));
        }
    }

    /// What a server said, fit to be shown: short, without control characters and secrets.
    pub fn said(&self, octets: &[u8]) -> String {
        let mut text = String::from_utf8_lossy(octets).into_owned();
        for secret in &self.hidden {
            text = text.replace(secret.as_str(), "…");
        }
        let shown = text.chars().map(|one| if one.is_control() { ' ' } else { one });
        shown.take(SAID_CHARS_MAX).collect::<String>().trim().to_owned()
    }

    /// Sends all of `octets`.
    ///
    /// # Errors
    /// When the server does not take them in time, each piece of [`PROGRESS_OCTETS_MIN`].
    pub fn write(&mut self, octets: &[u8]) -> Result<(), FetchError> {
        let mut deadline = Deadline::within(self.patience.answer);
        let mut progress = 0;
        let mut rest = octets;
        loop {
            let written = match rest {
                [] => self.stream.flush().map(|()| 0),
                rest => self.stream.write(rest),
            };
            match written {
                Ok(0) if rest.is_empty() => return Ok(()),
                Ok(0) => return Err(FetchError::closed()),
                Ok(count) => {
                    rest = &rest[count..];
                    progress += count;
                }
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(self.failure(&error)),
            }
            if progress >= PROGRESS_OCTETS_MIN {
                progress = 0;
                deadline = Deadline::within(self.patience.answer);
            }
            self.patience.go_on()?;
            deadline.left()?;
        }
    }

    /// One line without its end (CRLF or LF) into `line`, which is cleared first.
    ///
    /// # Errors
    /// When it is longer than `limit`, or not there in time as a whole.
    pub fn read_line(&mut self, limit: Limit, line: &mut Vec<u8>) -> Result<(), FetchError> {
        let deadline = Deadline::within(self.patience.answer);
        let most = usize::try_from(limit.max).unwrap_or(usize::MAX);
        line.clear();
        loop {
            self.fill_by(deadline)?;
            let held = &self.buffer[self.start..self.end];
            let (piece, used, ended) = match memchr(b'\n', held) {
                Some(at) => (&held[..at], at + 1, true),
                None => (held, held.len(), false),
            };
            // The CR of the line's end may still be counted here.
            if line.len() + piece.len() > most.saturating_add(1) {
                return Err(FetchError::LimitExceeded(limit));
            }
            line.extend_from_slice(piece);
            self.start += used;
            if ended {
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return match line.len() > most {
                    true => Err(FetchError::LimitExceeded(limit)),
                    false => Ok(()),
                };
            }
        }
    }

    /// Exactly so many octets into `sink`. After an error the connection is of no use.
    ///
    /// # Errors
    /// When they do not come, come too slowly, or the sink refuses them ([`FetchError::Spool`]).
    pub fn read_exact_into(
        &mut self,
        octets: u64,
        sink: &mut dyn io::Write,
    ) -> Result<(), FetchError> {
        let mut left = octets;
        if left == 0 {
            return Ok(());
        }
        self.stream(&mut |piece| {
            let take = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            sink.write_all(&piece[..take]).map_err(FetchError::Spool)?;
            left -= take as u64;
            Ok(Taken { octets: take, ended: left == 0 })
        })
    }

    /// Hands on what comes, piece by piece, until `take` says that it has ended. A piece that is
    /// not used up is kept.
    ///
    /// # Errors
    /// When the server ends or goes on too slowly, or what `take` says.
    pub fn stream(
        &mut self,
        take: &mut dyn FnMut(&[u8]) -> Result<Taken, FetchError>,
    ) -> Result<(), FetchError> {
        let mut deadline = Deadline::within(self.patience.answer);
        let mut progress = 0;
        loop {
            self.fill_by(deadline)?;
            let taken = take(&self.buffer[self.start..self.end])?;
            self.start += taken.octets;
            if taken.ended {
                return Ok(());
            }
            progress += taken.octets;
            if progress >= PROGRESS_OCTETS_MIN {
                progress = 0;
                deadline = Deadline::within(self.patience.answer);
            }
        }
    }

    /// What has come and nobody took yet, at least one octet.
    ///
    /// # Errors
    /// When nothing comes until `deadline`.
    pub(in crate::fetch) fn held(&mut self, deadline: Deadline) -> Result<&[u8], FetchError> {
        self.fill_by(deadline)?;
        Ok(&self.buffer[self.start..self.end])
    }

    /// Goes past octets that were [`held`](Self::held).
    pub(in crate::fetch) fn consume(&mut self, octets: usize) {
        self.start = (self.start + octets).min(self.end);
    }

    /// Waits until the server says something or `at_most` has passed; `true` when it did.
    ///
    /// # Errors
    /// When the connection ends, or this is to stop.
    pub fn wait(&mut self, at_most: Duration) -> Result<bool, FetchError> {
        let deadline = Deadline::within(at_most);
        while self.start == self.end {
            if deadline.left().is_err() {
                return Ok(false);
            }
            self.read_some()?;
        }
        Ok(true)
    }

    /// Whether the server has said something that nobody read yet.
    pub fn has_unread(&self) -> bool {
        self.start < self.end
    }

    /// Begins TLS on a connection in clear.
    ///
    /// # Errors
    /// When the certificate is not believed; when the server sent something in clear behind its
    /// leave to begin, which an attacker could have put there.
    pub(super) fn encrypt(
        &mut self,
        name: &str,
        trust: &Trust,
        secured: Secured,
    ) -> Result<(), FetchError> {
        if self.has_unread() {
            let text = "it goes on in clear text after its leave to start TLS".to_owned();
            return Err(FetchError::Protocol(text));
        }
        let host = ServerName::try_from(name.to_owned())
            .map_err(|_| FetchError::Config(format!("{name:?} is no host")))?;
        let judge = Judge::of(trust)?;
        let client = ClientConnection::new(judge.client()?, host);
        let client = client.map_err(|error| judge.failure(&error))?;
        let Some(socket) = self.stream.take_clear() else {
            return Err(FetchError::Protocol("TLS begins twice".to_owned()));
        };
        let mut stream = StreamOwned::new(client, socket);
        let deadline = Deadline::within(self.patience.connect);
        while stream.conn.is_handshaking() {
            self.patience.go_on()?;
            deadline.left()?;
            match stream.conn.complete_io(&mut stream.sock) {
                Ok(_) => {}
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(handshake_failure(&error, &judge)),
            }
        }
        self.certificate = judge.seen();
        self.secured = secured;
        self.stream = Stream::Tls(Box::new(stream));
        Ok(())
    }

    /// The version of TLS in use, such as `TLSv1_3`.
    pub fn tls_version(&self) -> Option<&'static str> {
        match &self.stream {
            Stream::Tls(stream) => stream.conn.protocol_version().and_then(|it| it.as_str()),
            Stream::Clear(_) | Stream::Gone | Stream::Other(_) => None,
        }
    }

    /// Makes sure that at least one octet is held.
    fn fill_by(&mut self, deadline: Deadline) -> Result<(), FetchError> {
        while self.start == self.end {
            deadline.left()?;
            self.read_some()?;
        }
        Ok(())
    }

    /// Reads once; nothing may have come after it. Only when nothing is held.
    fn read_some(&mut self) -> Result<(), FetchError> {
        self.patience.go_on()?;
        (self.start, self.end) = (0, 0);
        match self.stream.read(&mut self.buffer) {
            Ok(0) => Err(FetchError::closed()),
            Ok(count) => {
                self.end = count;
                self.received += count as u64;
                Ok(())
            }
            Err(error) if is_passing(&error) => Ok(()),
            Err(error) => Err(self.failure(&error)),
        }
    }

    fn failure(&self, error: &io::Error) -> FetchError {
        match inner(error) {
            Some(inner) => FetchError::TlsMismatch {
                text: format!("TLS failed: {inner}"),
                certificate: self.certificate.clone(),
            },
            None => broken(error),
        }
    }
}

impl Drop for Connection {
    /// Says good-bye to TLS, without waiting for anything.
    fn drop(&mut self) {
        if let Stream::Tls(stream) = &mut self.stream {
            stream.conn.send_close_notify();
            let _ = stream.sock.set_nonblocking(true);
            let _ = stream.conn.write_tls(&mut stream.sock);
        }
    }
}

fn inner(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>())
}

fn handshake_failure(error: &io::Error, judge: &Arc<Judge>) -> FetchError {
    match inner(error) {
        Some(inner) => judge.failure(inner),
        None => broken(error),
    }
}

fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

pub(super) fn broken(error: &io::Error) -> FetchError {
    use io::ErrorKind as Kind;
    let reason = match error.kind() {
        Kind::UnexpectedEof
        | Kind::ConnectionReset
        | Kind::ConnectionAborted
        | Kind::BrokenPipe => {
            return FetchError::closed();
        }
        Kind::ConnectionRefused => ConnectionFailure::Refused,
        Kind::TimedOut | Kind::WouldBlock => ConnectionFailure::Timeout,
        _ => ConnectionFailure::Io,
    };
    FetchError::NoConnection { reason, text: format!("the connection failed: {error}") }
}
