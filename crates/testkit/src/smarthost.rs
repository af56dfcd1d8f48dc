//! A mail server that takes mail over STARTTLS from whoever has signed in, and remembers what it
//! saw.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Lines of one conversation; a client that says more is none.
const LINES_MAX: usize = 100_000;

/// A mail that was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Such as `TLSv1_3`.
    pub tls: String,
    pub user: String,
    pub recipients: Vec<String>,
    pub text: String,
}

#[derive(Default)]
struct Seen {
    mails: Mutex<Vec<Taken>>,
    wake: Condvar,
}

/// Its thread ends with the test's process.
pub struct Smarthost {
    pub port: u16,
    /// PEM of the authority that signed its certificate, which is for `localhost`.
    pub authority: PathBuf,
    seen: Arc<Seen>,
}

impl Smarthost {
    /// # Errors
    /// When the folder cannot be written or nothing can listen.
    pub fn start(folder: &Path, user: &str, password: &str) -> io::Result<Self> {
        crate::directory::certificate(folder, "127.0.0.1")?;
        let config = config(folder)?;
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let seen = Arc::new(Seen::default());
        let (told, login) = (Arc::clone(&seen), format!("\0{user}\0{password}"));
        std::thread::Builder::new().name("smarthost".to_owned()).spawn(move || {
            for client in listener.incoming().flatten() {
                // One that breaks off is the test's affair.
                let _ = converse(client, &config, &login, &told);
            }
        })?;
        Ok(Self { port, authority: folder.join("ca.pem"), seen })
    }

    /// The mails that were taken, once one of them is as `wanted`.
    ///
    /// # Panics
    /// When none is after `patience`.
    pub fn wait_for(&self, patience: Duration, wanted: impl Fn(&Taken) -> bool) -> Vec<Taken> {
        let begun = Instant::now();
        let mut mails = self.seen.mails.lock().unwrap_or_else(PoisonError::into_inner);
        while !mails.iter().any(&wanted) {
            let left = patience.saturating_sub(begun.elapsed());
            assert!(!left.is_zero(), "no such mail came: {mails:?}");
            let woken = self.seen.wake.wait_timeout(mails, left);
            mails = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        mails.clone()
    }
}

fn config(folder: &Path) -> io::Result<Arc<ServerConfig>> {
    let wrong = |error: &dyn std::fmt::Display| io::Error::other(error.to_string());
    let file = |name: &str| std::fs::read(folder.join(name));
    let cert = CertificateDer::from_pem_slice(&file("tls.pem")?).map_err(|it| wrong(&it))?;
    let key = PrivateKeyDer::from_pem_slice(&file("tls.key")?).map_err(|it| wrong(&it))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|it| wrong(&it))?
        .with_no_client_auth()
        .with_single_cert(vec![cert], key)
        .map_err(|it| wrong(&it))?;
    Ok(Arc::new(config))
}

/// In clear nothing is offered but STARTTLS.
fn converse(
    mut client: TcpStream,
    config: &Arc<ServerConfig>,
    login: &str,
    seen: &Seen,
) -> io::Result<()> {
    client.write_all(b"220 smarthost.test\r\n")?;
    for _ in 0..LINES_MAX {
        // Octet by octet: what comes behind STARTTLS belongs to the handshake.
        let line = clear_line(&mut client)?;
        match verb(&line).as_str() {
            "EHLO" => client.write_all(b"250-smarthost.test\r\n250 STARTTLS\r\n")?,
            "STARTTLS" => {
                client.write_all(b"220 go\r\n")?;
                let connection =
                    ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
                return encrypted(StreamOwned::new(connection, client), login, seen);
            }
            "QUIT" | "" => return client.write_all(b"221 bye\r\n"),
            _ => client.write_all(b"530 5.7.0 Must issue a STARTTLS command first\r\n")?,
        }
    }
    Ok(())
}

fn clear_line(client: &mut TcpStream) -> io::Result<String> {
    let mut line = Vec::new();
    // Octet by octet: what follows the line may be TLS.
    let mut octet = [0];
    while line.len() < 1_000 && client.read(&mut octet)? == 1 && octet[0] != b'\n' {
        line.push(octet[0]);
    }
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

fn verb(line: &str) -> String {
    line.split(' ').next().unwrap_or_default().to_uppercase()
}

fn encrypted(
    stream: StreamOwned<ServerConnection, TcpStream>,
    login: &str,
    seen: &Seen,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut signed_in, mut recipients) = (false, Vec::new());
    for _ in 0..LINES_MAX {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let line = line.trim_end();
        let answer = match verb(line).as_str() {
            "EHLO" => "250-smarthost.test\r\n250 AUTH PLAIN",
            "AUTH" => {
                let shown = line.rsplit(' ').next().unwrap_or_default();
                signed_in = STANDARD.decode(shown).is_ok_and(|it| it == login.as_bytes());
                if signed_in { "235 welcome" } else { "535 5.7.8 wrong user or password" }
            }
            "QUIT" => {
                stream.get_mut().write_all(b"221 bye\r\n")?;
                return stream.get_mut().flush();
            }
            _ if !signed_in => "530 5.7.0 Authentication required",
            "MAIL" => {
                recipients.clear();
                "250 ok"
            }
            "RCPT" => {
                let path = line.split(['<', '>']).nth(1).unwrap_or_default();
                recipients.push(path.to_owned());
                "250 ok"
            }
            "DATA" => {
                stream.get_mut().write_all(b"354 go\r\n")?;
                let text = text_of(&mut stream)?;
                let version = stream.get_ref().conn.protocol_version();
                let tls = version.and_then(|it| it.as_str()).unwrap_or_default().to_owned();
                let user = login.split('\0').nth(1).unwrap_or_default().to_owned();
                let taken = Taken { tls, user, recipients: recipients.clone(), text };
                seen.mails.lock().unwrap_or_else(PoisonError::into_inner).push(taken);
                seen.wake.notify_all();
                "250 taken"
            }
            _ => "250 ok",
        };
        stream.get_mut().write_all(format!("{answer}\r\n").as_bytes())?;
        stream.get_mut().flush()?;
    }
    Ok(())
}

fn text_of(stream: &mut impl BufRead) -> io::Result<String> {
    let mut text = String::new();
    for _ in 0..LINES_MAX {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        if line.is_empty() || line.trim_end() == "." {
            return Ok(text);
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
    Ok(text)
}
