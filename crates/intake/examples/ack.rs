//! How many mails a second are acknowledged, durable, over TLS on loopback.
//!
//! `cargo run --release -p intake --example ack -- CONNECTIONS SECONDS MAIL_BYTES FOLDER`

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use intake::smtp::{Route, Router, SmtpServer, SmtpSettings, bind};
use intake::tls::{TlsFiles, TlsStore};
use model::{Clock, EmailAddress, SourceId, TenantId, Timestamp};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use spool::{Outcome, Spool, SpoolKey, SpoolLimits};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

struct Everybody;

impl Router for Everybody {
    fn route(&self, _recipient: &EmailAddress) -> Route {
        Route::Accept {
            tenant: TenantId::from_bytes([1; 16]),
            source: SourceId::from_bytes([1; 16]),
        }
    }
}

struct NoClock;

impl Clock for NoClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000)
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number =
        |default: usize| arguments.next().and_then(|a| a.parse().ok()).unwrap_or(default);
    let (connections, seconds, mail_bytes) = (number(256), number(10), number(2000));
    let folder =
        arguments.next().map_or_else(std::env::temp_dir, PathBuf::from).join("ack-example");
    let _ = std::fs::remove_dir_all(&folder);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut waits = runtime.block_on(measure(&folder, connections, seconds, mail_bytes));
    let _ = std::fs::remove_dir_all(&folder);
    waits.sort_unstable();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize];
    eprintln!(
        "{connections} connections, {mail_bytes} bytes: {:.0} mails/s, p50 {:?}, p99 {:?}",
        waits.len() as f64 / seconds as f64,
        at(0.5),
        at(0.99)
    );
}

async fn measure(
    folder: &std::path::Path,
    connections: usize,
    seconds: usize,
    mail_bytes: usize,
) -> Vec<Duration> {
    let key = SpoolKey::new([1; 8], [7; 32].into());
    let spool = Arc::new(
        Spool::open(&folder.join("spool"), &key, SpoolLimits::default()).expect("a spool"),
    );
    let files = TlsFiles { cert: folder.join("cert.pem"), key: folder.join("key.pem") };
    let tls = TlsStore::open(files.clone(), &["localhost".to_owned()]).expect("a certificate");
    let settings = SmtpSettings::default();
    let server =
        SmtpServer::new(settings, Arc::new(Everybody), spool.clone(), Arc::new(NoClock), &tls)
            .expect("a server");
    let listeners = bind(&["127.0.0.1:0".parse().expect("an address")]).expect("a listener");
    let address = listeners[0].local_addr().expect("an address");
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(async move { server.run(listeners, stopped).await });
    let drained = Arc::new(AtomicBool::new(false));
    let drain = std::thread::spawn({
        let (spool, drained) = (spool.clone(), drained.clone());
        move || {
            while !drained.load(Ordering::Relaxed) {
                let claimed = spool.claim(1000, 64 << 20, Duration::from_millis(100));
                let ids: Vec<_> = claimed.iter().map(|claimed| claimed.id).collect();
                spool.settle(&ids, Outcome::Archived);
            }
        }
    });

    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&files.cert).expect("a certificate")).expect("a root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    let mut clients = JoinSet::new();
    let end = Instant::now() + Duration::from_secs(seconds as u64);
    for _ in 0..connections {
        let connector = connector.clone();
        clients.spawn(async move {
            let mut clear =
                BufReader::new(TcpStream::connect(address).await.expect("a connection"));
            replies(&mut clear, 1).await;
            clear.write_all(b"EHLO me\r\n").await.expect("sent");
            replies(&mut clear, 1).await;
            clear.write_all(b"STARTTLS\r\n").await.expect("sent");
            replies(&mut clear, 1).await;
            let name = ServerName::try_from("localhost").expect("a name");
            let stream = connector.connect(name, clear.into_inner()).await.expect("TLS");
            send_until(end, BufReader::new(stream), mail_bytes).await
        });
    }
    let waits = clients.join_all().await.concat();
    stop.send_replace(true);
    running.await.expect("stopped");
    drained.store(true, Ordering::Relaxed);
    drain.join().expect("drained");
    waits
}

async fn send_until<S: AsyncRead + AsyncWrite + Unpin>(
    end: Instant,
    mut stream: BufReader<S>,
    mail_bytes: usize,
) -> Vec<Duration> {
    stream.write_all(b"EHLO me\r\n").await.expect("sent");
    stream.flush().await.expect("sent");
    replies(&mut stream, 1).await;
    let mut said = b"MAIL FROM:<x@y.test>\r\nRCPT TO:<a@archive.test>\r\n".to_vec();
    said.extend_from_slice(format!("BDAT {mail_bytes} LAST\r\n").as_bytes());
    said.resize(said.len() + mail_bytes, b'x');
    let mut waits = Vec::new();
    while Instant::now() < end {
        let began = Instant::now();
        stream.write_all(&said).await.expect("sent");
        stream.flush().await.expect("sent");
        replies(&mut stream, 3).await;
        waits.push(began.elapsed());
    }
    waits
}

async fn replies<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>, count: usize) {
    let mut left = count;
    let mut line = Vec::new();
    while left > 0 {
        line.clear();
        stream.read_until(b'\n', &mut line).await.expect("a reply");
        assert!(line.starts_with(b"2"), "{}", String::from_utf8_lossy(&line));
        left -= usize::from(line[3] == b' ');
    }
}
