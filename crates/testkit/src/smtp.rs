//! A blocking SMTP client for tests and benchmarks: STARTTLS, pipelining, DATA and BDAT, one
//! connection for many mails (RFC 5321, 2920, 3030, 3207).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};

/// How long one answer may take.
const ANSWER_SECONDS_MAX: u64 = 120;
/// Lines in one answer.
const ANSWER_LINES_MAX: usize = 256;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the connection failed")]
    Connection(#[source] std::io::Error),
    #[error("the server closed the connection")]
    Closed,
    #[error("not an SMTP answer: {0:?}")]
    Garbled(String),
    #[error("{command} was answered {reply}")]
    Refused { command: &'static str, reply: Reply },
    #[error("TLS could not be set up")]
    Tls(#[source] rustls::Error),
    #[error("the certificate authority's file cannot be used")]
    Authority(#[source] rustls::pki_types::pem::Error),
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Connection(error)
    }
}

/// An answer of the server; the lines without their codes, joined by line feeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    pub text: String,
}

impl Reply {
    pub fn is_positive(&self) -> bool {
        (200..400).contains(&self.code)
    }

    fn expect(self, command: &'static str) -> Result<Self, Error> {
        if self.is_positive() { Ok(self) } else { Err(Error::Refused { command, reply: self }) }
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.text)
    }
}

/// Whether and how to encrypt.
#[derive(Clone)]
pub enum Security {
    /// STARTTLS with this configuration.
    StartTls(Arc<ClientConfig>),
    Clear,
}

impl Security {
    /// STARTTLS that takes any certificate: for a server on loopback that made its own.
    pub fn any_certificate() -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = Arc::new(AnyCertificate(provider.signature_verification_algorithms));
        let config = builder(provider)
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Self::StartTls(Arc::new(config))
    }

    /// STARTTLS that trusts the certificate authorities in `pem` and nobody else.
    pub fn authority(pem: &[u8]) -> Result<Self, Error> {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots.add(certificate.map_err(Error::Authority)?).map_err(Error::Tls)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = builder(provider).with_root_certificates(roots).with_no_client_auth();
        Ok(Self::StartTls(Arc::new(config)))
    }
}

fn builder(
    provider: Arc<rustls::crypto::CryptoProvider>,
) -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        // The provider is built with TLS 1.2 and 1.3, so both versions have cipher suites.
        .expect("the provider speaks the default versions")
}

#[derive(Debug)]
struct AnyCertificate(rustls::crypto::WebPkiSupportedAlgorithms);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

enum Stream {
    Clear(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Clear(stream) => stream.read(into),
            Self::Tls(stream) => stream.read(into),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Clear(stream) => stream.write(octets),
            Self::Tls(stream) => stream.write(octets),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Clear(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

/// How the content of a mail goes over the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// `BDAT` in chunks of these sizes, then one `LAST` chunk with the rest, which may be empty.
    /// With no sizes: all of it in one `LAST` chunk.
    Bdat(Vec<usize>),
    /// `DATA`, dot-stuffed. A content that does not end in CRLF arrives with CRLF added.
    Data,
}

/// One connection after its greeting, STARTTLS and EHLO.
pub struct Client {
    stream: BufReader<Stream>,
    extensions: Vec<String>,
    pending: Vec<u8>,
}

impl Client {
    /// Connects, reads the greeting, says EHLO, starts TLS when asked to, and says EHLO again.
    pub fn connect(address: SocketAddr, security: &Security) -> Result<Self, Error> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(Duration::from_secs(ANSWER_SECONDS_MAX)))?;
        socket.set_write_timeout(Some(Duration::from_secs(ANSWER_SECONDS_MAX)))?;
        let mut client = Self {
            stream: BufReader::new(Stream::Clear(socket)),
            extensions: Vec::new(),
            pending: Vec::new(),
        };
        client.reply()?.expect("the greeting")?;
        client.hello()?;
        if let Security::StartTls(config) = security {
            client.command("STARTTLS")?.expect("STARTTLS")?;
            client.secure(config.clone())?;
            client.hello()?;
        }
        Ok(client)
    }

    fn secure(&mut self, config: Arc<ClientConfig>) -> Result<(), Error> {
        let Stream::Clear(socket) = self.stream.get_ref() else { return Ok(()) };
        let socket = socket.try_clone()?;
        let name = ServerName::from(socket.peer_addr()?.ip());
        let connection = ClientConnection::new(config, name).map_err(Error::Tls)?;
        let stream = Box::new(StreamOwned::new(connection, socket));
        self.stream = BufReader::new(Stream::Tls(stream));
        Ok(())
    }

    fn hello(&mut self) -> Result<(), Error> {
        let reply = self.command("EHLO client.example")?.expect("EHLO")?;
        self.extensions = reply.text.lines().skip(1).map(str::to_uppercase).collect();
        Ok(())
    }

    /// Whether the last EHLO offered `keyword`.
    pub fn offers(&self, keyword: &str) -> bool {
        let named = |line: &String| line.split(' ').next() == Some(keyword);
        self.extensions.iter().any(named)
    }

    /// Sends one line and waits for its answer.
    pub fn command(&mut self, line: &str) -> Result<Reply, Error> {
        self.queue(line);
        self.flush()?;
        self.reply()
    }

    /// Sends octets as they are, for tests of what no client should do.
    pub fn raw(&mut self, octets: &[u8]) -> Result<(), Error> {
        self.pending.extend_from_slice(octets);
        self.flush()
    }

    fn queue(&mut self, line: &str) {
        self.pending.extend_from_slice(line.as_bytes());
        self.pending.extend_from_slice(b"\r\n");
    }

    fn flush(&mut self) -> Result<(), Error> {
        let stream = self.stream.get_mut();
        stream.write_all(&self.pending)?;
        stream.flush()?;
        self.pending.clear();
        Ok(())
    }

    /// Waits for one answer.
    pub fn reply(&mut self) -> Result<Reply, Error> {
        let mut text = String::new();
        for _ in 0..ANSWER_LINES_MAX {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(Error::Closed);
            }
            let line = line.trim_end();
            let garbled = || Error::Garbled(line.to_owned());
            let code = line.get(..3).and_then(|code| code.parse().ok()).ok_or_else(garbled)?;
            text.push_str(line.get(4..).unwrap_or(""));
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(Reply { code, text });
            }
            text.push('\n');
        }
        Err(Error::Garbled("an answer without end".to_owned()))
    }

    /// Sends one mail, its commands in one flight (RFC 2920), and waits for the last answer: `250`
    /// means that the server has taken it over. After a refusal the connection can be used on.
    pub fn send(
        &mut self,
        reverse_path: &str,
        forward_paths: &[&str],
        octets: &[u8],
        content: &Content,
    ) -> Result<Reply, Error> {
        let size =
            if self.offers("SIZE") { format!(" SIZE={}", octets.len()) } else { String::new() };
        let utf8 = !octets.is_ascii() && self.offers("8BITMIME");
        let body = if utf8 { " BODY=8BITMIME" } else { "" };
        self.queue(&format!("MAIL FROM:<{reverse_path}>{size}{body}"));
        for path in forward_paths {
            self.queue(&format!("RCPT TO:<{path}>"));
        }
        match content {
            Content::Bdat(sizes) => self.send_bdat(forward_paths.len(), octets, sizes),
            Content::Data => self.send_data(forward_paths.len(), octets),
        }
    }

    fn send_bdat(&mut self, paths: usize, octets: &[u8], sizes: &[usize]) -> Result<Reply, Error> {
        let mut rest = octets;
        for &size in sizes {
            let (chunk, after) = rest.split_at(size.min(rest.len()));
            self.queue(&format!("BDAT {}", chunk.len()));
            self.pending.extend_from_slice(chunk);
            rest = after;
        }
        self.queue(&format!("BDAT {} LAST", rest.len()));
        self.pending.extend_from_slice(rest);
        self.flush()?;
        let mut refused = self.envelope_replies(paths)?;
        let mut last = None;
        for _ in 0..=sizes.len() {
            let reply = self.reply()?;
            if !reply.is_positive() && refused.is_none() {
                refused = Some(Error::Refused { command: "BDAT", reply: reply.clone() });
            }
            last = Some(reply);
        }
        self.finish(refused, last)
    }

    fn send_data(&mut self, paths: usize, octets: &[u8]) -> Result<Reply, Error> {
        self.queue("DATA");
        self.flush()?;
        let refused = self.envelope_replies(paths)?;
        let reply = self.reply()?;
        if reply.code != 354 {
            return self.finish(refused, Some(reply));
        }
        stuff(octets, &mut self.pending);
        self.flush()?;
        let last = self.reply()?;
        self.finish(refused, Some(last))
    }

    fn envelope_replies(&mut self, paths: usize) -> Result<Option<Error>, Error> {
        let mut refused = None;
        for number in 0..=paths {
            let reply = self.reply()?;
            if !reply.is_positive() && refused.is_none() {
                let command = if number == 0 { "MAIL" } else { "RCPT" };
                refused = Some(Error::Refused { command, reply });
            }
        }
        Ok(refused)
    }

    fn finish(&mut self, refused: Option<Error>, last: Option<Reply>) -> Result<Reply, Error> {
        let reply = last.ok_or(Error::Closed)?;
        match refused {
            Some(error) => {
                self.command("RSET")?;
                Err(error)
            }
            None => reply.expect("the content"),
        }
    }

    /// Says goodbye; the server may be gone already.
    pub fn quit(mut self) {
        let _ = self.command("QUIT");
    }
}

/// Dot-stuffing and the final dot (RFC 5321 §4.5.2).
fn stuff(octets: &[u8], out: &mut Vec<u8>) {
    let mut line_start = true;
    let mut from = 0;
    for (at, &octet) in octets.iter().enumerate() {
        if line_start && octet == b'.' {
            out.extend_from_slice(&octets[from..at]);
            out.push(b'.');
            from = at;
        }
        line_start = octet == b'\n' && at > 0 && octets[at - 1] == b'\r';
    }
    out.extend_from_slice(&octets[from..]);
    if !octets.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
}

#[cfg(test)]
mod tests;
