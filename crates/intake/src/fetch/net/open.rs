use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::connection::{Connection, broken};
use super::patience::Patience;
use super::trust::Trust;
use crate::fetch::{ConnectionFailure, FetchError, Probe, StepState};

/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;

/// What the settings want.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Security {
    /// Implicit TLS, else STARTTLS, else none where [`Server::allow_clear`] says so. A certificate
    /// that is not believed ends it: going on without would be what an attacker wants.
    #[default]
    Automatic,
    /// No TLS: user, password and mails can be read on the way.
    Clear,
    ImplicitTls,
    StartTls,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Secured {
    Clear,
    ImplicitTls,
    StartTls,
}

/// A server and how to reach it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// A name or an address; it must stand in the certificate.
    pub host: String,
    /// `None`: the usual one of protocol and security.
    pub port: Option<u16>,
    pub security: Security,
    /// Whether [`Security::Automatic`] may end without TLS.
    pub allow_clear: bool,
    pub trust: Trust,
}

/// The usual ports of a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    pub implicit_tls: u16,
    pub plain: u16,
}

/// What a protocol does between TCP and the sign-in.
pub trait Dialect {
    fn ports(&self) -> Ports;

    /// Reads the server's greeting; its text is for people. Called once per connection, so what
    /// an earlier greeting said is to be forgotten.
    ///
    /// # Errors
    /// When the server does not greet, or refuses.
    fn greet(&mut self, connection: &mut Connection) -> Result<String, FetchError>;

    /// Asks for leave to begin TLS: `true` when the server gave it, `false` when it does not offer
    /// TLS. What the server said in clear is to be forgotten.
    ///
    /// # Errors
    /// When it offers TLS but refuses to begin.
    fn start_tls(&mut self, connection: &mut Connection) -> Result<bool, FetchError>;
}

/// Connects, encrypts as the settings say and reads the greeting. [`Connection::secured`] says
/// what was found; each step stands in `probe`. Bounded by [`Patience`] per step, and by the
/// system's resolver for the name.
///
/// # Errors
/// When no way leads to a server that may be talked to.
pub fn open(
    server: &Server,
    patience: &Patience,
    dialect: &mut dyn Dialect,
    probe: &mut Probe,
) -> Result<Connection, FetchError> {
    let addresses = probe.run("name", || {
        let addresses = resolve(&server.host)?;
        let list: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
        Ok((addresses, format!("{}: {}", server.host, list.join(", "))))
    })?;
    let ports = dialect.ports();
    let implicit = server.port.unwrap_or(ports.implicit_tls);
    let plain = server.port.unwrap_or(ports.plain);
    let mut way = Way { server, addresses: &addresses, patience, dialect, probe };
    match server.security {
        Security::Clear => way.plain(plain, false),
        Security::ImplicitTls => way.implicit(implicit),
        Security::StartTls => way.plain(plain, true),
        Security::Automatic => {
            let connection = match way.implicit(implicit) {
                Err(error) if may_try_start_tls(&error) => {
                    way.plain(plain, true).map_err(|second| both(error, second))?
                }
                outcome => outcome?,
            };
            let found = match connection.secured() {
                // Its warning stands there already.
                Secured::Clear => return Ok(connection),
                Secured::ImplicitTls => format!("found: implicit TLS on port {implicit}"),
                Secured::StartTls => format!("found: STARTTLS on port {plain}"),
            };
            probe.push("security", StepState::Done, found, Instant::now());
            Ok(connection)
        }
    }
}

/// Nothing answers there, or what answers does not speak TLS at all. A certificate that was shown
/// and not believed is the end.
fn may_try_start_tls(error: &FetchError) -> bool {
    match error {
        FetchError::NoConnection { .. } | FetchError::Protocol(_) => true,
        FetchError::TlsMismatch { certificate, .. } => certificate.is_none(),
        _ => false,
    }
}

fn both(first: FetchError, second: FetchError) -> FetchError {
    match (first, second) {
        (
            FetchError::NoConnection { text: first, .. },
            FetchError::NoConnection { reason, text },
        ) if first != text => {
            let text = format!("with implicit TLS: {first}; with STARTTLS: {text}");
            FetchError::NoConnection { reason, text }
        }
        (_, second) => second,
    }
}

struct Way<'a> {
    server: &'a Server,
    addresses: &'a [IpAddr],
    patience: &'a Patience,
    dialect: &'a mut dyn Dialect,
    probe: &'a mut Probe,
}

impl Way<'_> {
    fn implicit(&mut self, port: u16) -> Result<Connection, FetchError> {
        let mut connection = self.connect(port)?;
        self.encrypt(&mut connection, Secured::ImplicitTls)?;
        self.greet(&mut connection)?;
        Ok(connection)
    }

    /// With STARTTLS where `encrypted`.
    fn plain(&mut self, port: u16, encrypted: bool) -> Result<Connection, FetchError> {
        let mut connection = self.connect(port)?;
        self.greet(&mut connection)?;
        if !encrypted {
            self.probe.warn("security", "the connection is not encrypted, as the settings say");
            return Ok(connection);
        }
        let begun = Instant::now();
        match self.dialect.start_tls(&mut connection) {
            Ok(true) => {
                let detail = "the server starts TLS".to_owned();
                self.probe.push("start-tls", StepState::Done, detail, begun);
                self.encrypt(&mut connection, Secured::StartTls)?;
                Ok(connection)
            }
            Ok(false) if self.server.security == Security::Automatic && self.server.allow_clear => {
                let detail = "the server offers no TLS: the connection is not encrypted";
                self.probe.warn("security", detail);
                Ok(connection)
            }
            Ok(false) => {
                let text = format!(
                    "the server offers no TLS on port {port}; passwords and mails would cross the \
                     network in clear text"
                );
                let error = FetchError::TlsMismatch { text, certificate: None };
                self.probe.fail("start-tls", &error, begun);
                Err(error)
            }
            Err(error) => {
                self.probe.fail("start-tls", &error, begun);
                Err(error)
            }
        }
    }

    fn connect(&mut self, port: u16) -> Result<Connection, FetchError> {
        let (addresses, patience) = (self.addresses, self.patience);
        self.probe.run("tcp", || {
            let (socket, address) = reach(addresses, port, patience)?;
            let connection = Connection::over_socket(socket, patience.clone())?;
            Ok((connection, format!("connected to {address}")))
        })
    }

    fn encrypt(&mut self, connection: &mut Connection, how: Secured) -> Result<(), FetchError> {
        let begun = Instant::now();
        let outcome = connection.encrypt(bare(&self.server.host), &self.server.trust, how);
        match &outcome {
            Ok(()) => {
                let version = connection.tls_version().unwrap_or("TLS");
                let detail = format!("encrypted with {version}");
                let certificate = connection.certificate().cloned().map(Box::new);
                if let Some(step) = self.probe.push("tls", StepState::Done, detail, begun) {
                    step.certificate = certificate;
                }
            }
            Err(error) => {
                self.probe.fail("tls", error, begun);
                if let FetchError::TlsMismatch { certificate, .. } = error
                    && let Some(step) = self.probe.steps.last_mut()
                {
                    step.certificate.clone_from(certificate);
                }
            }
        }
        outcome
    }

    fn greet(&mut self, connection: &mut Connection) -> Result<(), FetchError> {
        let dialect = &mut *self.dialect;
        self.probe.run("greeting", || Ok(((), dialect.greet(connection)?)))
    }
}

/// Without what people put around names, and without the brackets of an IPv6 address.
fn bare(host: &str) -> &str {
    host.trim().trim_start_matches('[').trim_end_matches(']')
}

fn resolve(host: &str) -> Result<Vec<IpAddr>, FetchError> {
    let host = bare(host);
    let unknown = |text: String| FetchError::NoConnection { reason: ConnectionFailure::Name, text };
    if host.is_empty() {
        return Err(FetchError::Config("the server has no name".to_owned()));
    }
    let found = (host, 0)
        .to_socket_addrs()
        .map_err(|error| unknown(format!("the name {host:?} cannot be found: {error}")))?;
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found {
        if !addresses.contains(&address.ip()) && addresses.len() < ADDRESSES_MAX {
            addresses.push(address.ip());
        }
    }
    match addresses.is_empty() {
        true => Err(unknown(format!("the name {host:?} has no address"))),
        false => Ok(addresses),
    }
}

fn reach(
    addresses: &[IpAddr],
    port: u16,
    patience: &Patience,
) -> Result<(TcpStream, SocketAddr), FetchError> {
    let mut last = None;
    for address in addresses {
        patience.go_on()?;
        let address = SocketAddr::new(*address, port);
        match TcpStream::connect_timeout(&address, patience.connect) {
            Ok(socket) => return Ok((socket, address)),
            Err(error) => last = Some(unreachable(&error, address, patience)),
        }
    }
    Err(last.unwrap_or_else(FetchError::closed))
}

fn unreachable(error: &io::Error, address: SocketAddr, patience: &Patience) -> FetchError {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => FetchError::NoConnection {
            reason: ConnectionFailure::Refused,
            text: format!("nothing listens on {address}"),
        },
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => FetchError::NoConnection {
            reason: ConnectionFailure::Timeout,
            text: format!("{address} does not answer ({} s)", patience.connect.as_secs()),
        },
        _ => broken(error),
    }
}
