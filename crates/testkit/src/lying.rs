//! A server of a line protocol that says what a trace tells it to, true or not.
//!
//! A trace has one turn per line, blank lines and lines with `#` are nothing:
//!
//! | line | turn |
//! | --- | --- |
//! | `S: text` | says the text and CRLF; `%` stands for the tag that was heard last |
//! | `S+ text` | says the text only; `\r`, `\n`, `\t`, `\0`, `\\` and `\xHH` are octets |
//! | `S@ count text` | says the text (with those escapes) so many times; `S@ forever text` until the client leaves |
//! | `C: text` | waits for a line: the text, where `*` matches anything and a leading `% ` any tag |
//! | `C* text` | takes lines until one matches, also none before it |
//! | `! tls` | begins TLS |
//! | `! silence` | says nothing until the client leaves |
//! | `! close` | ends the connection, under TLS without saying so |
//! | `! reset` | breaks it |

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustls::{ServerConnection, StreamOwned};

use crate::tls::Identity;

/// A client that says nothing for so long has gone wrong.
const PATIENCE: Duration = Duration::from_secs(120);
const LINE_OCTETS_MAX: usize = 1 << 20;

#[derive(Clone, Debug)]
enum Turn {
    Close,
    Hear { pattern: String, skip_others: bool },
    Repeat { octets: Vec<u8>, count: Option<u64> },
    Reset,
    Say(Vec<u8>),
    Silence,
    Tls,
}

/// One connection's turns.
#[derive(Clone, Debug, Default)]
pub struct Script(Vec<Turn>);

impl Script {
    /// # Panics
    /// When a line is no turn.
    pub fn parse(trace: &str) -> Self {
        let lines = trace.lines().map(str::trim_start);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self(lines.map(turn).collect())
    }

    /// Says octets as they are, after the turns so far.
    #[must_use]
    pub fn says(mut self, octets: &[u8]) -> Self {
        self.0.push(Turn::Say(octets.to_vec()));
        self
    }

    /// Goes on with another trace.
    #[must_use]
    pub fn then(mut self, trace: &str) -> Self {
        self.0.extend(Self::parse(trace).0);
        self
    }
}

fn turn(line: &str) -> Turn {
    let (mark, rest) = line.split_at_checked(2).unwrap_or_else(|| panic!("no turn: {line:?}"));
    let rest = rest.strip_prefix(' ').unwrap_or(rest);
    match mark {
        "S:" => Turn::Say(format!("{rest}\r\n").into_bytes()),
        "S+" => Turn::Say(unescape(rest)),
        "S@" => {
            let (count, text) = rest.split_once(' ').unwrap_or((rest, ""));
            let count = (count != "forever").then(|| count.parse().expect("a count"));
            Turn::Repeat { octets: unescape(text), count }
        }
        "C:" => Turn::Hear { pattern: rest.to_owned(), skip_others: false },
        "C*" => Turn::Hear { pattern: rest.to_owned(), skip_others: true },
        "! " | "!" => match rest.trim() {
            "close" => Turn::Close,
            "reset" => Turn::Reset,
            "silence" => Turn::Silence,
            "tls" => Turn::Tls,
            _ => panic!("no turn: {line:?}"),
        },
        _ => panic!("no turn: {line:?}"),
    }
}

fn unescape(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        if octet != b'\\' {
            octets.push(octet);
            continue;
        }
        match rest.next() {
            Some(b'r') => octets.push(b'\r'),
            Some(b'n') => octets.push(b'\n'),
            Some(b't') => octets.push(b'\t'),
            Some(b'0') => octets.push(0),
            Some(b'x') => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                octets.push(u8::from_str_radix(&digits, 16).expect("two hexadecimal digits"));
            }
            other => octets.push(other.unwrap_or(b'\\')),
        }
    }
    octets
}

/// The server: each connection gets the next script, the last one again and again.
pub struct LyingServer {
    port: u16,
    heard: Arc<Mutex<Heard>>,
}

#[derive(Default)]
struct Heard {
    lines: Vec<String>,
    complaints: Vec<String>,
    connections: usize,
}

impl LyingServer {
    /// In clear; `! tls` needs [`LyingServer::start_with`].
    ///
    /// # Panics
    /// When no port is free or a trace is wrong.
    pub fn start(traces: &[&str]) -> Self {
        let scripts = traces.iter().map(|trace| Script::parse(trace)).collect();
        Self::start_with(scripts, None)
    }

    /// # Panics
    /// When no port is free or there is no script.
    pub fn start_with(scripts: Vec<Script>, identity: Option<&Identity>) -> Self {
        assert!(!scripts.is_empty(), "a server says something");
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let heard = Arc::new(Mutex::new(Heard::default()));
        let config = identity.map(Identity::server);
        let kept = Arc::downgrade(&heard);
        thread::spawn(move || {
            for (number, client) in listener.incoming().flatten().enumerate() {
                let Some(heard) = kept.upgrade() else { return };
                heard.lock().unwrap_or_else(PoisonError::into_inner).connections += 1;
                let script = scripts[number.min(scripts.len() - 1)].clone();
                let config = config.clone();
                thread::spawn(move || {
                    let mut play = Play { wire: Wire::Clear(client), heard, tag: String::new() };
                    play.all(&script, config);
                });
            }
        });
        Self { port, heard }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Lines of all clients so far, without their ends.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).lines.clone()
    }

    pub fn connections(&self) -> usize {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).connections
    }

    /// # Panics
    /// When a client said something that the script did not expect.
    pub fn check(&self) {
        let complaints =
            self.heard.lock().unwrap_or_else(PoisonError::into_inner).complaints.clone();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}

pub(crate) enum Wire {
    Clear(TcpStream),
    Gone,
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Wire {
    /// Begins TLS as a server.
    pub(crate) fn encrypted(
        socket: TcpStream,
        config: Arc<rustls::ServerConfig>,
    ) -> io::Result<Self> {
        let server = ServerConnection::new(config).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(server, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Self::Tls(Box::new(stream)))
    }

    fn socket(&self) -> Option<&TcpStream> {
        match self {
            Self::Clear(socket) => Some(socket),
            Self::Gone => None,
            Self::Tls(stream) => Some(&stream.sock),
        }
    }
}

impl Read for Wire {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Clear(socket) => socket.read(octets),
            Self::Gone => Ok(0),
            Self::Tls(stream) => stream.read(octets),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Clear(socket) => socket.write(octets),
            Self::Gone => Err(io::ErrorKind::BrokenPipe.into()),
            Self::Tls(stream) => stream.write(octets),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Clear(socket) => socket.flush(),
            Self::Gone => Ok(()),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

struct Play {
    wire: Wire,
    heard: Arc<Mutex<Heard>>,
    tag: String,
}

impl Play {
    fn all(&mut self, script: &Script, config: Option<Arc<rustls::ServerConfig>>) {
        if let Some(socket) = self.wire.socket() {
            let _ = socket.set_nodelay(true);
            let _ = socket.set_read_timeout(Some(PATIENCE));
            let _ = socket.set_write_timeout(Some(PATIENCE));
        }
        for turn in &script.0 {
            match self.one(turn, config.as_ref()) {
                Ok(true) => {}
                Ok(false) => return,
                // The client left; whether it should have shows in what it answers its caller.
                Err(_) => return,
            }
        }
        // At the end of the script a client may still say good-bye to a closed door.
    }

    fn one(&mut self, turn: &Turn, config: Option<&Arc<rustls::ServerConfig>>) -> io::Result<bool> {
        match turn {
            Turn::Close => return Ok(false),
            Turn::Hear { pattern, skip_others } => return self.hear(pattern, *skip_others),
            Turn::Repeat { octets, count } => {
                let mut said = 0;
                while count.is_none_or(|count| said < count) {
                    self.wire.write_all(octets)?;
                    said += 1;
                }
                self.wire.flush()?;
            }
            Turn::Reset => {
                if let Some(socket) = self.wire.socket() {
                    socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO))?;
                }
                return Ok(false);
            }
            Turn::Say(octets) => {
                let text = String::from_utf8_lossy(octets);
                match text.starts_with("% ") {
                    true => {
                        let tagged = [self.tag.as_bytes(), &octets[1..]].concat();
                        self.wire.write_all(&tagged)?;
                    }
                    false => self.wire.write_all(octets)?,
                }
                self.wire.flush()?;
            }
            Turn::Silence => {
                let mut octets = [0; 1024];
                while self.wire.read(&mut octets)? > 0 {}
                return Ok(false);
            }
            Turn::Tls => {
                let config = Arc::clone(config.expect("an identity was given"));
                let Wire::Clear(socket) = std::mem::replace(&mut self.wire, Wire::Gone) else {
                    panic!("TLS begins once");
                };
                self.wire = Wire::encrypted(socket, config)?;
            }
        }
        Ok(true)
    }

    fn hear(&mut self, pattern: &str, skip_others: bool) -> io::Result<bool> {
        loop {
            let line = self.line()?;
            self.heard.lock().unwrap_or_else(PoisonError::into_inner).lines.push(line.clone());
            let (pattern, line) = match pattern.strip_prefix("% ") {
                Some(pattern) => {
                    let (tag, rest) = line.split_once(' ').unwrap_or((&line, ""));
                    self.tag = tag.to_owned();
                    (pattern, rest.to_owned())
                }
                None => (pattern, line),
            };
            if matches(pattern, &line) {
                return Ok(true);
            }
            if !skip_others {
                let complaint = format!("expected {pattern:?}, heard {line:?}");
                let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
                heard.complaints.push(complaint);
                return Ok(false);
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
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
        Ok(String::from_utf8_lossy(&line).into_owned())
    }
}

/// Whether `text` is `pattern`, where `*` matches anything.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or("")) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else { return rest.is_empty() };
    for part in between {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_lines() {
        for (pattern, text, expected) in [
            ("CAPA", "CAPA", true),
            ("CAPA", "CAPABILITY", false),
            ("AUTH *", "AUTH PLAIN", true),
            ("* LOGIN *", "a1 LOGIN x y", true),
            ("*b", "ab", true),
            ("*b", "ba", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_trace_is_played_with_tags() {
        let server = LyingServer::start(&["S: * OK\nC: % NOOP\nS: % OK done\nS+ a\\x00\\r\\n"]);
        let mut client = TcpStream::connect(server.address()).expect("listens");
        client.write_all(b"a7 NOOP\r\n").expect("taken");
        let mut said = Vec::new();
        client.read_to_end(&mut said).expect("ends");
        assert_eq!(said, b"* OK\r\na7 OK done\r\na\0\r\n");
        assert_eq!(server.heard(), ["a7 NOOP"]);
        server.check();
    }
}
