use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use rustls::SupportedProtocolVersion;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::fuzz::{FixedClock, KnownUsers, MemoryRoom, Script};
use crate::smtp::room::Room;
use crate::smtp::server::{Server, bind};
use crate::smtp::session::{Session, Shared};
use crate::smtp::{IntakeFigures, SmtpSettings};
use crate::tls::{TlsFiles, TlsStore};

/// What came of a scripted session.
pub(super) struct Told {
    pub replies: Vec<String>,
    pub mails: Vec<Vec<u8>>,
    pub room: MemoryRoom,
}

impl Told {
    /// The replies less greeting and `EHLO`: the three digits each.
    pub fn codes(&self) -> Vec<&str> {
        self.replies[1..].iter().map(|reply| &reply[..3]).collect()
    }
}

/// Everything said at once, in clear.
pub(super) fn tell(settings: SmtpSettings, said: &[u8]) -> Told {
    tell_in_pieces(settings, said, usize::MAX)
}

pub(super) fn tell_in_pieces(settings: SmtpSettings, said: &[u8], piece: usize) -> Told {
    let room = MemoryRoom::default();
    let (_stop, stopped) = watch::channel(false);
    let shared = Arc::new(Shared {
        settings: arc_swap::ArcSwap::from_pointee(settings),
        router: Arc::new(KnownUsers),
        room: room.clone(),
        clock: Arc::new(FixedClock),
        tls: None,
        figures: Arc::new(IntakeFigures::default()),
    });
    let script = Script::new(said, piece);
    let heard = script.said();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
    runtime.block_on(Session::new(shared, script, peer, stopped).run());
    let heard = String::from_utf8(heard.lock().unwrap().clone()).unwrap();
    Told { replies: replies(&heard), mails: octets_of(&room), room }
}

/// With `EHLO`, sender and recipient said before `rest`; the replies begin behind theirs.
pub(super) fn tell_mail(rest: &[u8]) -> Told {
    let mut said = b"EHLO me\r\nMAIL FROM:<x@y.test>\r\nRCPT TO:<a@archive.test>\r\n".to_vec();
    said.extend_from_slice(rest);
    let mut told = tell(SmtpSettings::default(), &said);
    told.replies.drain(1..4);
    told
}

fn octets_of(room: &MemoryRoom) -> Vec<Vec<u8>> {
    room.mails().into_iter().map(|(mail, _)| mail).collect()
}

/// Lines of one reply joined by LF.
fn replies(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut reply = String::new();
    for line in text.split_terminator("\r\n") {
        reply.push_str(line);
        if line.as_bytes()[3] == b'-' {
            reply.push('\n');
        } else {
            all.push(std::mem::take(&mut reply));
        }
    }
    assert!(reply.is_empty(), "an unfinished reply");
    all
}

/// A listener on a free port of loopback.
pub(super) struct Listening {
    pub address: SocketAddr,
    pub room: MemoryRoom,
    pub tls: TlsStore,
    pub cert: PathBuf,
    pub figures: Arc<IntakeFigures>,
    stop: watch::Sender<bool>,
    running: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

pub(super) fn listen(settings: SmtpSettings) -> Listening {
    let folder = tempfile::tempdir().unwrap();
    let files =
        TlsFiles { cert: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
    let cert = files.cert.clone();
    let tls = TlsStore::open(files, &["localhost".to_owned()]).unwrap();
    let room = MemoryRoom::default();
    let server =
        Server::new(settings, Arc::new(KnownUsers), room.clone(), Arc::new(FixedClock), &tls)
            .unwrap();
    let listeners = bind(&["127.0.0.1:0".parse().unwrap()]).unwrap();
    let address = listeners[0].local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let figures = server.figures();
    let running = tokio::spawn(async move { server.run(listeners, stopped).await });
    Listening { address, room, tls, cert, figures, stop, running, _folder: folder }
}

impl Listening {
    pub async fn connect(&self) -> Client<TcpStream> {
        let mut client = Client::new(TcpStream::connect(self.address).await.unwrap());
        assert_eq!(client.reply().await[..3], *"220");
        client
    }

    pub fn mails(&self) -> Vec<Vec<u8>> {
        octets_of(&self.room)
    }

    pub fn begin_stop(&self) {
        self.stop.send_replace(true);
    }

    pub async fn stopped(self) {
        self.begin_stop();
        self.running.await.unwrap();
    }

    /// Trusts exactly the certificate in the file.
    pub fn connector(&self) -> TlsConnector {
        self.connector_for(rustls::DEFAULT_VERSIONS)
    }

    pub fn connector_for(&self, versions: &[&'static SupportedProtocolVersion]) -> TlsConnector {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&self.cert).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        TlsConnector::from(Arc::new(config))
    }
}

pub(super) struct Client<S> {
    stream: BufReader<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub fn new(stream: S) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    pub async fn send(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The last line of the next reply; empty at the end of the connection.
    pub async fn reply(&mut self) -> String {
        loop {
            let mut line = Vec::new();
            while !line.ends_with(b"\r\n") {
                match self.stream.read_u8().await {
                    Ok(octet) => line.push(octet),
                    Err(_) => return String::new(),
                }
            }
            if line[3] == b' ' {
                line.truncate(line.len() - 2);
                return String::from_utf8(line).unwrap();
            }
        }
    }

    pub async fn say(&mut self, line: &str) -> String {
        self.send(format!("{line}\r\n").as_bytes()).await;
        self.reply().await
    }

    /// Says each line and expects its three digits.
    pub async fn expect(&mut self, dialogue: &[(&str, &str)]) {
        for (line, code) in dialogue {
            let reply = self.say(line).await;
            assert!(reply.starts_with(code), "{line}: {reply}");
        }
    }

    pub fn into_stream(self) -> S {
        self.stream.into_inner()
    }
}

pub(super) async fn start_tls(
    listening: &Listening,
    mut client: Client<TcpStream>,
) -> Client<TlsStream<TcpStream>> {
    client.expect(&[("EHLO me", "250"), ("STARTTLS", "220")]).await;
    let name = ServerName::try_from("localhost").unwrap();
    let stream = listening.connector().connect(name, client.into_stream()).await.unwrap();
    Client::new(stream)
}

/// One session over a pipe in memory, in the test's own (pausable) time.
pub(super) fn duplex_session(settings: SmtpSettings) -> Client<tokio::io::DuplexStream> {
    duplex_session_into(MemoryRoom::default(), settings)
}

pub(super) fn duplex_session_into<R: Room>(
    room: R,
    settings: SmtpSettings,
) -> Client<tokio::io::DuplexStream> {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let shared = Arc::new(Shared {
        settings: arc_swap::ArcSwap::from_pointee(settings),
        router: Arc::new(KnownUsers),
        room,
        clock: Arc::new(FixedClock),
        tls: None,
        figures: Arc::new(IntakeFigures::default()),
    });
    tokio::spawn(async move {
        let (_stop, stopped) = watch::channel(false);
        Session::new(shared, far, IpAddr::V4(Ipv4Addr::LOCALHOST), stopped).run().await
    });
    Client::new(near)
}

impl Client<tokio::io::DuplexStream> {
    /// The server may have hung up already.
    pub async fn try_send(&mut self, octets: &[u8]) {
        let _ = self.stream.write_all(octets).await;
        let _ = self.stream.flush().await;
    }
}
