//! HTTP and HTTPS: takes connections and hands them to the API.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Browsers and API clients that are connected at the same time; more wait to be taken.
const CONNECTIONS_MAX: usize = 2_000;

/// A client has this long for the TLS handshake and for the header of a request.
const HEADER_SECONDS_MAX: u64 = 20;

/// Requests in progress have this long at shutdown.
const SHUTDOWN_SECONDS_MAX: u64 = 10;

/// Takes connections until `shutdown` turns true; requests in progress are finished.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    routes: axum::Router,
    mut shutdown: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let (stream, peer) = tokio::select! {
            () = async { drop(shutdown.wait_for(|stop| *stop).await) } => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            taken = listener.accept() => match taken {
                Ok(taken) => taken,
                Err(error) => {
                    tracing::warn!(%error, "HTTP connection not taken");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let connection = connection(stream, peer, tls.clone(), routes.clone(), shutdown.clone());
        connections.spawn(async move {
            connection.await;
            drop(place);
        });
    }
    let rest = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(Duration::from_secs(SHUTDOWN_SECONDS_MAX), rest).await.is_err() {
        connections.shutdown().await;
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    routes: axum::Router,
    shutdown: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let peer = peer.ip().to_canonical();
    match tls {
        None => requests(TokioIo::new(stream), peer, routes, shutdown).await,
        Some(acceptor) => {
            let handshake = acceptor.accept(stream);
            match tokio::time::timeout(Duration::from_secs(HEADER_SECONDS_MAX), handshake).await {
                Ok(Ok(stream)) => requests(TokioIo::new(stream), peer, routes, shutdown).await,
                Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
                Err(_) => tracing::debug!("TLS handshake took too long"),
            }
        }
    }
}

async fn requests<S>(
    stream: TokioIo<S>,
    peer: IpAddr,
    routes: axum::Router,
    mut shutdown: watch::Receiver<bool>,
) where
    TokioIo<S>: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let routes = routes.layer(axum::Extension(api::Peer(peer)));
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(HEADER_SECONDS_MAX));
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Duration::from_secs(30));
    let serving = builder.serve_connection(stream, TowerToHyperService::new(routes));
    let mut serving = std::pin::pin!(serving);
    let stopping = async { drop(shutdown.wait_for(|stop| *stop).await) };
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = stopping => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = %error, "HTTP connection ended early");
    }
}
