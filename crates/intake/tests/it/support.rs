use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use intake::smtp::{Route, Router, SmtpServer, SmtpSettings, bind, without_subaddress};
use intake::tls::{TlsFiles, TlsStore};
use model::{Clock, EmailAddress, SourceId, Submission, TenantId, Timestamp};
use spool::{Spool, SpoolKey, SpoolLimits};
use tokio::sync::watch;

/// How long a mail may take from a tool to the spool before the test gives up.
const ARRIVAL_MAX: Duration = Duration::from_secs(600);

struct FirstLetter;

impl Router for FirstLetter {
    /// `a…@archive.test` and `b…@archive.test` belong to two tenants.
    fn route(&self, recipient: &EmailAddress) -> Route {
        let key = without_subaddress(recipient).key();
        let tenant = match key.strip_suffix("@archive.test").and_then(|local| local.bytes().next())
        {
            Some(letter @ (b'a' | b'b')) => letter,
            _ => return Route::Unknown,
        };
        Route::Accept {
            tenant: TenantId::from_bytes([tenant; 16]),
            source: SourceId::from_bytes([tenant; 16]),
        }
    }
}

pub struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000)
    }
}

/// A listener on loopback with its own runtime and spool.
pub struct Archive {
    pub address: SocketAddr,
    pub spool: Arc<Spool>,
    pub cert: PathBuf,
    stop: watch::Sender<bool>,
    running: Option<std::thread::JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

pub fn archive(settings: SmtpSettings, limits: SpoolLimits) -> Archive {
    let folder = tempfile::tempdir().unwrap();
    let key = SpoolKey::new([1; 8], [7; 32].into());
    let spool = Arc::new(Spool::open(&folder.path().join("spool"), &key, limits).unwrap());
    let cert = folder.path().join("cert.pem");
    let files = TlsFiles { cert: cert.clone(), key: folder.path().join("key.pem") };
    let tls = TlsStore::open(files, &["localhost".to_owned()]).unwrap();
    let server =
        SmtpServer::new(settings, Arc::new(FirstLetter), spool.clone(), Arc::new(FixedClock), &tls)
            .unwrap();
    let (stop, stopped) = watch::channel(false);
    let (sender, address) = std::sync::mpsc::channel();
    let running = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listeners = bind(&["127.0.0.1:0".parse().unwrap()]).unwrap();
            sender.send(listeners[0].local_addr().unwrap()).unwrap();
            server.run(listeners, stopped).await;
        });
    });
    let address = address.recv().unwrap();
    Archive { address, spool, cert, stop, running: Some(running), _folder: folder }
}

impl Archive {
    /// The next submission, oldest first.
    pub fn next(&self) -> Submission {
        let claimed = self.spool.claim(1, 1, ARRIVAL_MAX);
        claimed.into_iter().next().expect("no mail arrived").submission
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(running) = self.running.take() {
            let _ = running.join();
        }
    }
}

/// A client in clear, one command after the other.
pub struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        let mut client = Self { stream: BufReader::new(TcpStream::connect(address).unwrap()) };
        assert!(client.reply().starts_with("220"));
        client
    }

    pub fn send(&mut self, octets: &[u8]) {
        self.stream.get_mut().write_all(octets).unwrap();
    }

    /// The last line of the next reply.
    pub fn reply(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).unwrap();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_owned();
            }
        }
    }

    pub fn expect(&mut self, dialogue: &[(&str, &str)]) {
        for (line, code) in dialogue {
            self.send(format!("{line}\r\n").as_bytes());
            let reply = self.reply();
            assert!(reply.starts_with(code), "{line}: {reply}");
        }
    }
}

/// Whether a tool is there. Without it the test is left out with a note, or fails when
/// `CHANCERY_REQUIRE_TOOLS=1` says that all tools must be installed.
pub fn has_tool(path: &str, package: &str) -> bool {
    if std::path::Path::new(path).exists() {
        return true;
    }
    let required = std::env::var_os("CHANCERY_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(!required, "{path} is missing: install the Debian package {package}");
    eprintln!("left out: {path} is missing (Debian package {package})");
    false
}
