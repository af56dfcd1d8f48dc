use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use model::Clock;
use socket2::{Domain, Protocol, Socket, Type};
use spool::Spool;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::figures::{IntakeFigures, count};
use super::gate::{Gate, Pass};
use super::reply;
use super::room::{Room, SpoolRoom};
use super::route::Router;
use super::session::{Session, Shared};
use super::settings::SmtpSettings;
use crate::tls::{TlsError, TlsStore};

/// Connections that wait to be taken, per listen address.
const BACKLOG: i32 = 1024;
/// How long mails in progress may take to finish at shutdown, in seconds.
pub const SHUTDOWN_SECONDS_MAX: u64 = 30;
/// The pause after the system could not give a connection (out of descriptors), in
/// milliseconds.
const ACCEPT_PAUSE_MILLISECONDS: u64 = 100;

/// The SMTP listener.
///
/// `250` at the end of a mail is sent when the spool's `fdatasync` returned; senders that wait at
/// the same time share one. Sessions run as tasks on the runtime that calls
/// [`SmtpServer::run`]; a multi-thread runtime keeps large mails from holding up the others.
#[derive(Clone)]
pub struct SmtpServer {
    server: Server<SpoolRoom>,
}

impl SmtpServer {
    /// Binds nothing yet.
    pub fn new(
        settings: SmtpSettings,
        router: Arc<dyn Router>,
        spool: Arc<Spool>,
        clock: Arc<dyn Clock>,
        tls: &TlsStore,
    ) -> Result<Self, TlsError> {
        let server = Server::new(settings, router, SpoolRoom(spool), clock, tls)?;
        Ok(Self { server })
    }

    /// Puts other settings to use: connections that come from now on follow them, open ones keep
    /// what they began with. `listen` is not followed: [`bind`] did that.
    pub fn change_settings(&self, settings: SmtpSettings) {
        self.server.change_settings(settings);
    }

    /// The counters, for the status page.
    pub fn figures(&self) -> Arc<IntakeFigures> {
        self.server.figures()
    }

    /// Takes connections on every listener ([`bind`]) until `shutdown` turns true or its sender
    /// is gone, then lets mails in progress finish for at most [`SHUTDOWN_SECONDS_MAX`] seconds.
    /// No session outlives this call.
    pub async fn run(&self, listeners: Vec<TcpListener>, shutdown: watch::Receiver<bool>) {
        self.server.run(listeners, shutdown).await;
    }
}

/// The listener over any waiting room.
pub(crate) struct Server<R> {
    shared: Arc<Shared<R>>,
    gate: Arc<Gate>,
}

impl<R> Clone for Server<R> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), gate: self.gate.clone() }
    }
}

/// Binds every address of the settings; port 0 takes a free one. An IPv6 address takes IPv6
/// connections only.
pub fn bind(addresses: &[SocketAddr]) -> io::Result<Vec<TcpListener>> {
    addresses.iter().map(|address| bind_one(*address)).collect()
}

fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

impl<R: Room> Server<R> {
    pub(crate) fn new(
        settings: SmtpSettings,
        router: Arc<dyn Router>,
        room: R,
        clock: Arc<dyn Clock>,
        tls: &TlsStore,
    ) -> Result<Self, TlsError> {
        let figures = Arc::new(IntakeFigures::default());
        let gate = Gate::new(&settings, figures.clone());
        let tls = Some(tls.server_config(&[])?);
        let settings = ArcSwap::from_pointee(settings);
        Ok(Self { shared: Arc::new(Shared { settings, router, room, clock, tls, figures }), gate })
    }

    pub(crate) fn change_settings(&self, settings: SmtpSettings) {
        self.gate.change_limits(&settings);
        self.shared.settings.store(Arc::new(settings));
    }

    pub(crate) fn figures(&self) -> Arc<IntakeFigures> {
        self.shared.figures.clone()
    }

    pub(crate) async fn run(&self, listeners: Vec<TcpListener>, shutdown: watch::Receiver<bool>) {
        let mut tasks = JoinSet::new();
        for listener in listeners {
            tasks.spawn(self.clone().listen(listener, shutdown.clone()));
        }
        while tasks.join_next().await.is_some() {}
    }

    async fn listen(self, listener: TcpListener, mut shutdown: watch::Receiver<bool>) {
        let mut sessions = JoinSet::new();
        loop {
            let taken = tokio::select! {
                biased;
                _ = shutdown.wait_for(|stop| *stop) => break,
                Some(_) = sessions.join_next(), if !sessions.is_empty() => continue,
                taken = listener.accept() => taken,
            };
            match taken {
                Ok((stream, peer)) => {
                    let peer = peer.ip().to_canonical();
                    if let Some((stream, pass)) = self.admit(stream, peer) {
                        sessions.spawn(self.clone().session(stream, peer, pass, shutdown.clone()));
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "connection not taken");
                    sleep(Duration::from_millis(ACCEPT_PAUSE_MILLISECONDS)).await;
                }
            }
        }
        drop(listener);
        let rest = async { while sessions.join_next().await.is_some() {} };
        if timeout(Duration::from_secs(SHUTDOWN_SECONDS_MAX), rest).await.is_err() {
            tracing::warn!(sessions = sessions.len(), "mails in progress given up at shutdown");
            sessions.shutdown().await;
        }
    }

    /// Turns away who is not allowed or one too many, without a task for it.
    fn admit(&self, stream: TcpStream, peer: IpAddr) -> Option<(TcpStream, Pass)> {
        let text = if !self.shared.settings.load().allows(peer) {
            reply::NOT_ALLOWED
        } else if let Some(pass) = self.gate.enter(peer) {
            return Some((stream, pass));
        } else {
            reply::TOO_MANY_CONNECTIONS
        };
        count(&self.shared.figures.connections_refused);
        self.shared.figures.replied(text);
        tracing::info!(peer.ip = %peer, reply = text, "connection refused");
        // The send buffer of a fresh connection takes one line without waiting.
        if let Ok(mut stream) = stream.into_std() {
            let _ = stream.write_all(format!("{text}\r\n").as_bytes());
        }
        None
    }

    async fn session(
        self,
        stream: TcpStream,
        peer: IpAddr,
        pass: Pass,
        shutdown: watch::Receiver<bool>,
    ) {
        let began = tokio::time::Instant::now();
        // Replies are written in one piece each time: waiting for more helps nobody.
        let _ = stream.set_nodelay(true);
        let session = Session::new(self.shared.clone(), stream, peer, shutdown);
        let ended = session.run().await;
        tracing::info!(
            peer.ip = %peer,
            tls = ended.tls.as_deref().unwrap_or("none"),
            mails = ended.mails,
            errors = ended.errors,
            duration_ms = began.elapsed().as_millis() as u64,
            reason = ended.reason,
            "connection ended"
        );
        drop(pass);
    }
}
