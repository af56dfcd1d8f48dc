//! The way to a host: names, TCP, TLS.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use catalog::{DirectoryConfig, DirectorySecurity};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use super::client::Client;
use super::error::DirectoryError;
use super::probe::{Step, Steps};
use super::trust::{self, Trust};

/// Hosts of one directory.
pub const HOSTS_MAX: usize = 10;

/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;

/// How long something may take.
#[derive(Clone, Debug)]
pub(super) struct Patience {
    /// For connecting, and for each answer.
    step: Duration,
    /// When everything must be over.
    until: Instant,
    /// Set when the server ends: what waits gives up before its next step.
    stop: Arc<AtomicBool>,
}

impl Patience {
    pub(super) fn new(config: &DirectoryConfig, whole: Duration, stop: &Arc<AtomicBool>) -> Self {
        let seconds = u64::from(config.timeout_seconds.clamp(1, 300));
        let step = Duration::from_secs(seconds).min(whole);
        Self { step, until: Instant::now() + whole, stop: Arc::clone(stop) }
    }

    /// As it is, but no step takes more than its share of the whole among so many hosts.
    pub(super) fn shared_by(self, hosts: usize) -> Self {
        let whole = self.until.saturating_duration_since(Instant::now());
        let share = whole / u32::try_from(hosts.max(1)).unwrap_or(u32::MAX);
        Self { step: self.step.min(share), ..self }
    }

    /// For the next step.
    ///
    /// # Errors
    /// When the time is over.
    pub(super) fn left(&self) -> Result<Duration, DirectoryError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(DirectoryError::Closed);
        }
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(self.over()) } else { Ok(left.min(self.step)) }
    }

    pub(super) fn over(&self) -> DirectoryError {
        DirectoryError::Timeout { seconds: self.step.as_secs() }
    }
}

/// A name or address with its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) port: u16,
}

impl Host {
    /// `name`, `name:port`, `[address]:port`, an IPv6 address, or one of these behind `ldap://`.
    pub(super) fn parse(text: &str, security: DirectorySecurity) -> Result<Self, DirectoryError> {
        let wrong = || DirectoryError::Config(format!("{text:?} is no host"));
        let text = text.trim();
        let text = text.strip_prefix("ldaps://").or(text.strip_prefix("ldap://")).unwrap_or(text);
        let text = text.trim_end_matches('/');
        let usual = if security == DirectorySecurity::Ldaps { 636 } else { 389 };
        let (name, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((name, "")) => (name, None),
            Some((name, port)) => (name, Some(port.strip_prefix(':').ok_or_else(wrong)?)),
            None => match text.split_once(':') {
                Some((_, port)) if port.contains(':') => (text, None),
                Some((name, port)) => (name, Some(port)),
                None => (text, None),
            },
        };
        let port = port.map(str::parse).transpose().map_err(|_| wrong())?.unwrap_or(usual);
        // What is neither a name nor an address cannot be checked against a certificate.
        ServerName::try_from(name).map_err(|_| wrong())?;
        Ok(Self { name: name.to_owned(), port })
    }
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name.contains(':') {
            true => write!(f, "[{}]:{}", self.name, self.port),
            false => write!(f, "{}:{}", self.name, self.port),
        }
    }
}

/// Connects to the first host that answers; nothing was sent but what TLS needs.
///
/// # Errors
/// When none does; each host's reason stands in `steps` and in the error.
pub(super) fn connect(
    config: &DirectoryConfig,
    patience: &Patience,
    steps: &mut Steps,
) -> Result<Client, DirectoryError> {
    if config.hosts.is_empty() || config.hosts.len() > HOSTS_MAX {
        let what = format!("name between one and {HOSTS_MAX} hosts");
        return Err(DirectoryError::Config(what));
    }
    let hosts: Vec<Host> = config
        .hosts
        .iter()
        .map(|host| Host::parse(host, config.security))
        .collect::<Result<_, _>>()?;
    let mut reasons = Vec::new();
    let mut last = None;
    for host in &hosts {
        match one(config, host, patience, steps) {
            Ok(client) => return Ok(client),
            Err(error) => {
                reasons.push(format!("{host}: {error}"));
                last = Some(error);
            }
        }
    }
    // One host: its own error says more than a list of one.
    match (hosts.len(), last) {
        (1, Some(error)) => Err(error),
        _ => Err(DirectoryError::Unreachable(reasons.join("; "))),
    }
}

/// Does `work` at the first host that answers. When the connection breaks off or falls silent in
/// the middle, all of it is done once more at the hosts behind it; each host is tried once.
///
/// # Errors
/// That of the host that broke off, when none behind it can be reached; whatever else `work` meets.
pub(super) fn with_any_host<T>(
    config: &DirectoryConfig,
    patience: &Patience,
    mut work: impl FnMut(&mut Client) -> Result<T, DirectoryError>,
) -> Result<T, DirectoryError> {
    let mut left = config.clone();
    let mut broken = None;
    loop {
        let mut client = match connect(&left, patience, &mut Steps::default()) {
            Ok(client) => client,
            Err(error) => return Err(broken.unwrap_or(error)),
        };
        let host = client.host().to_owned();
        let result = work(&mut client);
        match result {
            Err(error) if error.is_broken() => {
                let named = |text: &String| {
                    Host::parse(text, config.security).is_ok_and(|it| it.to_string() == host)
                };
                let behind = left.hosts.iter().position(named).map_or(usize::MAX, |at| at + 1);
                left.hosts.drain(..behind.min(left.hosts.len()));
                if left.hosts.is_empty() || patience.left().is_err() {
                    return Err(error);
                }
                tracing::warn!(code = error.code(), "the next host of the directory is asked");
                broken = Some(error);
            }
            result => {
                client.close();
                return result;
            }
        }
    }
}

fn one(
    config: &DirectoryConfig,
    host: &Host,
    patience: &Patience,
    steps: &mut Steps,
) -> Result<Client, DirectoryError> {
    let addresses = steps.run("resolve", || {
        let addresses = resolve(host)?;
        let list: Vec<String> = addresses.iter().map(|it| it.ip().to_string()).collect();
        Ok((addresses, format!("{}: {}", host.name, list.join(", "))))
    })?;
    let clear = config.security == DirectorySecurity::Clear;
    if clear && !config.allow_clear && !addresses.iter().all(|it| it.ip().is_loopback()) {
        let what = "passwords would cross the network in clear text; choose LDAPS or StartTLS";
        return Err(DirectoryError::Config(what.to_owned()));
    }
    let socket = steps.run("connect", || {
        let (socket, address) = open(&addresses, patience)?;
        Ok((socket, format!("connected to {address}")))
    })?;
    match config.security {
        DirectorySecurity::Clear => {
            steps.push(Step::warning("tls", "the connection is not encrypted"));
            Ok(Client::new(Stream::Clear(socket), patience.clone(), host.to_string()))
        }
        DirectorySecurity::Ldaps => Ok(Client::new(
            encrypt(config, host, socket, patience, steps)?,
            patience.clone(),
            host.to_string(),
        )),
        DirectorySecurity::StartTls => {
            let mut client = Client::new(Stream::Clear(socket), patience.clone(), host.to_string());
            steps.run("start-tls", || {
                client.start_tls()?;
                Ok(((), "the directory starts TLS".to_owned()))
            })?;
            // What came in clear behind the answer would have been injected.
            let socket = client.into_socket()?;
            let stream = encrypt(config, host, socket, patience, steps)?;
            Ok(Client::new(stream, patience.clone(), host.to_string()))
        }
    }
}

fn resolve(host: &Host) -> Result<Vec<SocketAddr>, DirectoryError> {
    let found = (host.name.as_str(), host.port).to_socket_addrs();
    let found: Vec<SocketAddr> = found.map_err(DirectoryError::Io)?.take(ADDRESSES_MAX).collect();
    if found.is_empty() {
        let what = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        return Err(DirectoryError::Io(what));
    }
    Ok(found)
}

fn open(
    addresses: &[SocketAddr],
    patience: &Patience,
) -> Result<(TcpStream, SocketAddr), DirectoryError> {
    let mut last = None;
    for address in addresses {
        match TcpStream::connect_timeout(address, patience.left()?) {
            Ok(socket) => {
                socket.set_nodelay(true).map_err(DirectoryError::Io)?;
                return Ok((socket, *address));
            }
            Err(error) if is_timeout(&error) => last = Some(patience.over()),
            Err(error) => last = Some(DirectoryError::Io(error)),
        }
    }
    Err(last.unwrap_or(DirectoryError::Closed))
}

fn encrypt(
    config: &DirectoryConfig,
    host: &Host,
    socket: TcpStream,
    patience: &Patience,
    steps: &mut Steps,
) -> Result<Stream, DirectoryError> {
    let trust = Trust::of(config)?;
    let shaken = shake_hands(&trust, host, socket, patience);
    let facts = trust.seen().map(|certificate| super::facts::of(&certificate));
    let step = match &shaken {
        Ok(stream) => {
            let version = stream.conn.protocol_version().and_then(|it| it.as_str());
            Step::done("tls", format!("encrypted with {}", version.unwrap_or("TLS")))
        }
        Err(error) => Step::failed("tls", error),
    };
    steps.push(Step { certificate: facts, ..step });
    Ok(Stream::Tls(Box::new(shaken?)))
}

fn shake_hands(
    trust: &Arc<Trust>,
    host: &Host,
    socket: TcpStream,
    patience: &Patience,
) -> Result<StreamOwned<ClientConnection, TcpStream>, DirectoryError> {
    let name = ServerName::try_from(host.name.clone())
        .map_err(|_| DirectoryError::Config(format!("{:?} is no host", host.name)))?;
    let connection = ClientConnection::new(trust.client()?, name);
    let connection = connection.map_err(|error| trust::tls(&error))?;
    let mut stream = StreamOwned::new(connection, socket);
    while stream.conn.is_handshaking() {
        be_patient(&stream.sock, patience)?;
        if let Err(error) = stream.conn.complete_io(&mut stream.sock) {
            return Err(failure(error, patience));
        }
    }
    Ok(stream)
}

/// A connection, encrypted or not.
pub(super) enum Stream {
    Clear(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    fn socket(&self) -> &TcpStream {
        match self {
            Self::Clear(socket) => socket,
            Self::Tls(stream) => &stream.sock,
        }
    }

    /// # Errors
    /// When the server does not take it in time.
    pub(super) fn write(
        &mut self,
        octets: &[u8],
        patience: &Patience,
    ) -> Result<(), DirectoryError> {
        be_patient(self.socket(), patience)?;
        let written = match self {
            Self::Clear(socket) => socket.write_all(octets),
            Self::Tls(stream) => stream.write_all(octets).and_then(|()| stream.flush()),
        };
        written.map_err(|error| failure(error, patience))
    }

    /// How many octets came; zero at the end.
    ///
    /// # Errors
    /// When nothing comes in time.
    pub(super) fn read(
        &mut self,
        octets: &mut [u8],
        patience: &Patience,
    ) -> Result<usize, DirectoryError> {
        loop {
            be_patient(self.socket(), patience)?;
            let read = match self {
                Self::Clear(socket) => socket.read(octets),
                Self::Tls(stream) => stream.read(octets),
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read.map_err(|error| failure(error, patience)),
            }
        }
    }

    pub(super) fn into_clear(self) -> Option<TcpStream> {
        match self {
            Self::Clear(socket) => Some(socket),
            Self::Tls(_) => None,
        }
    }
}

fn be_patient(socket: &TcpStream, patience: &Patience) -> Result<(), DirectoryError> {
    let left = Some(patience.left()?);
    socket.set_read_timeout(left).map_err(DirectoryError::Io)?;
    socket.set_write_timeout(left).map_err(DirectoryError::Io)
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn failure(error: io::Error, patience: &Patience) -> DirectoryError {
    if is_timeout(&error) {
        return patience.over();
    }
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(inner) => trust::tls(inner),
        None => match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => DirectoryError::Closed,
            _ => DirectoryError::Io(error),
        },
    }
}
