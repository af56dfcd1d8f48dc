//! Lines and octets on one connection, in clear or under TLS, with every wait bounded.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::command::COMMAND_LINE_BYTES_MAX;

/// How much is read at once, in bytes.
const READ_BYTES: usize = 64 * 1024;
/// Replies to pipelined commands are held back up to this many bytes.
const REPLY_BYTES_MAX: usize = 16 * 1024;
/// A TLS handshake takes no longer, in seconds.
const HANDSHAKE_SECONDS_MAX: u64 = 30;
/// A farewell takes no longer, in seconds.
const CLOSE_SECONDS_MAX: u64 = 2;

pub(crate) struct Wire<S> {
    stream: Stream<S>,
    input: BytesMut,
    output: Vec<u8>,
    idle: Duration,
}

enum Stream<S> {
    Clear(S),
    /// Boxed: the session of rustls is large.
    Tls(Box<TlsStream<S>>),
    /// A handshake failed; nothing is left to talk to.
    Gone,
}

/// Why no more can be read.
#[derive(Debug)]
pub(crate) enum End {
    Closed,
    Failed(io::Error),
    /// The listener is shutting down.
    Stopping,
    TimedOut,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Ended by CRLF; the octets before it.
    Command(BytesMut),
    /// Ended by a bare LF: no command, whatever it says.
    NotCrlf { chunk: bool },
    /// Longer than [`COMMAND_LINE_BYTES_MAX`], skipped to its end.
    TooLong { chunk: bool },
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Wire<S> {
    pub(crate) fn new(stream: S, idle: Duration) -> Self {
        Self { stream: Stream::Clear(stream), input: BytesMut::new(), output: Vec::new(), idle }
    }

    /// Adds a reply; it is sent before the next wait for input.
    pub(crate) fn reply(&mut self, text: &str) {
        self.output.extend_from_slice(text.as_bytes());
        self.output.extend_from_slice(b"\r\n");
    }

    /// Whether the client sent more than was read so far.
    pub(crate) fn has_input(&self) -> bool {
        !self.input.is_empty()
    }

    /// The octets at hand, not empty; waits for some when there are none.
    pub(crate) async fn octets(&mut self, deadline: Instant) -> Result<&[u8], End> {
        if self.input.is_empty() {
            self.fill(deadline, None).await?;
        }
        Ok(&self.input)
    }

    pub(crate) fn consume(&mut self, count: usize) {
        self.input.advance(count);
    }

    /// The next line. `stop` ends the wait for its first octet, not a line that has begun.
    pub(crate) async fn line(
        &mut self,
        deadline: Instant,
        stop: &mut watch::Receiver<bool>,
        stoppable: bool,
    ) -> Result<Line, End> {
        let mut scanned = 0;
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.input[scanned..]) {
                let mut line = self.input.split_to(scanned + at + 1);
                let chunk = begins_chunk(&line);
                if line.len() > COMMAND_LINE_BYTES_MAX {
                    return Ok(Line::TooLong { chunk });
                }
                if !line.ends_with(b"\r\n") {
                    return Ok(Line::NotCrlf { chunk });
                }
                line.truncate(line.len() - 2);
                return Ok(Line::Command(line));
            }
            scanned = self.input.len();
            if scanned > COMMAND_LINE_BYTES_MAX {
                return self.skip_line(deadline).await;
            }
            let stop = (stoppable && scanned == 0).then_some(&mut *stop);
            self.fill(deadline, stop).await?;
        }
    }

    async fn skip_line(&mut self, deadline: Instant) -> Result<Line, End> {
        let chunk = begins_chunk(&self.input);
        loop {
            match memchr::memchr(b'\n', &self.input) {
                Some(at) => {
                    self.input.advance(at + 1);
                    return Ok(Line::TooLong { chunk });
                }
                None => self.input.clear(),
            }
            self.fill(deadline, None).await?;
        }
    }

    /// Sends what is due, then waits for octets until the client's idle time or `deadline`.
    async fn fill(
        &mut self,
        deadline: Instant,
        stop: Option<&mut watch::Receiver<bool>>,
    ) -> Result<(), End> {
        self.flush().await?;
        if self.input.capacity() - self.input.len() < READ_BYTES / 4 {
            self.input.reserve(READ_BYTES);
        }
        let until = deadline.min(Instant::now() + self.idle);
        let read = async {
            match &mut self.stream {
                Stream::Clear(stream) => stream.read_buf(&mut self.input).await,
                Stream::Tls(stream) => stream.read_buf(&mut self.input).await,
                Stream::Gone => Ok(0),
            }
        };
        let read = timeout_at(until, read);
        let count = match stop {
            None => read.await,
            Some(stop) => tokio::select! {
                biased;
                count = read => count,
                _ = stop.wait_for(|stop| *stop) => return Err(End::Stopping),
            },
        };
        match count {
            Err(_) => Err(End::TimedOut),
            Ok(Ok(0)) => Err(End::Closed),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(End::Failed(error)),
        }
    }

    /// Sends the replies that are due when they are many.
    pub(crate) async fn flush_if_full(&mut self) -> Result<(), End> {
        if self.output.len() < REPLY_BYTES_MAX { Ok(()) } else { self.flush().await }
    }

    /// Sends the replies that are due; a client that does not take them is idle.
    pub(crate) async fn flush(&mut self) -> Result<(), End> {
        if self.output.is_empty() {
            return Ok(());
        }
        let write = async {
            match &mut self.stream {
                Stream::Clear(stream) => {
                    stream.write_all(&self.output).await?;
                    stream.flush().await
                }
                Stream::Tls(stream) => {
                    stream.write_all(&self.output).await?;
                    stream.flush().await
                }
                Stream::Gone => Ok(()),
            }
        };
        let outcome = timeout(self.idle, write).await;
        self.output.clear();
        match outcome {
            Err(_) => Err(End::TimedOut),
            Ok(outcome) => outcome.map_err(End::Failed),
        }
    }

    /// Sends what is due, then shakes hands. What was read in clear must be empty: the caller
    /// checked. Returns the version agreed on.
    pub(crate) async fn start_tls(&mut self, config: Arc<ServerConfig>) -> Result<String, End> {
        self.flush().await?;
        let Stream::Clear(stream) = std::mem::replace(&mut self.stream, Stream::Gone) else {
            return Err(End::Closed);
        };
        let handshake = TlsAcceptor::from(config).accept(stream);
        let limit = Duration::from_secs(HANDSHAKE_SECONDS_MAX);
        let stream = match timeout(limit, handshake).await {
            Err(_) => return Err(End::TimedOut),
            Ok(Err(error)) => return Err(End::Failed(error)),
            Ok(Ok(stream)) => stream,
        };
        let version = stream.get_ref().1.protocol_version();
        self.stream = Stream::Tls(Box::new(stream));
        Ok(version.map_or_else(String::new, |version| format!("{version:?}")))
    }

    /// Sends what is due and says goodbye; errors no longer matter.
    pub(crate) async fn close(&mut self) {
        let farewell = async {
            if self.flush().await.is_ok() {
                let _ = match &mut self.stream {
                    Stream::Clear(stream) => stream.shutdown().await,
                    Stream::Tls(stream) => stream.shutdown().await,
                    Stream::Gone => Ok(()),
                };
            }
        };
        let _ = timeout(Duration::from_secs(CLOSE_SECONDS_MAX), farewell).await;
    }
}

/// Octets of unknown number follow such a line: the connection cannot go on behind it.
fn begins_chunk(line: &[u8]) -> bool {
    line.get(..4).is_some_and(|verb| verb.eq_ignore_ascii_case(b"BDAT"))
}
