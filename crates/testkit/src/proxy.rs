//! A TCP proxy that cuts, delays and swallows.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// What happens to connections that begin from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Ends them after so many octets from the client.
    CutAfterSent(u64),
    /// Ends them after so many octets from the server.
    CutAfter(u64),
    /// Holds each piece from the server for so long.
    Delay(Duration),
    None,
    /// Passes so many octets from the server, and then nothing more; the connection stays open.
    SilenceAfter(u64),
    /// Accepts and ends at once.
    Refuse,
}

/// A proxy on a loopback port. Its threads end with their connections; no new ones are taken once
/// it is dropped.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: SocketAddr,
    fault: Mutex<Fault>,
    connections: AtomicUsize,
}

impl Proxy {
    /// # Errors
    /// When no port is free.
    pub fn start(upstream: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            upstream,
            fault: Mutex::new(Fault::None),
            connections: AtomicUsize::new(0),
        });
        let kept = Arc::downgrade(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Some(shared) = kept.upgrade() else { return };
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let (upstream, fault) = (shared.upstream, shared.fault());
                thread::spawn(move || serve(client, upstream, fault));
            }
        });
        Ok(Self { port, shared })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// For connections that begin from now on.
    pub fn set(&self, fault: Fault) {
        *self.shared.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// Connections that were accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn fault(&self) -> Fault {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve(client: TcpStream, upstream: SocketAddr, fault: Fault) {
    if fault == Fault::Refuse {
        return;
    }
    let Ok(server) = TcpStream::connect(upstream) else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (Ok(from), Ok(to)) = (client.try_clone(), server.try_clone()) else { return };
    let sent = match fault {
        Fault::CutAfterSent(octets) => octets,
        _ => u64::MAX,
    };
    thread::spawn(move || pump(from, to, sent, None));
    match fault {
        Fault::CutAfter(octets) => pump(server, client, octets, None),
        Fault::Delay(delay) => pump(server, client, u64::MAX, Some(delay)),
        Fault::SilenceAfter(octets) => {
            let mut piece = server;
            pass(&mut piece, &client, octets, None);
            // What else comes is swallowed, until the client leaves.
            let _ = io::copy(&mut piece, &mut io::sink());
            let _ = client.shutdown(Shutdown::Both);
        }
        Fault::CutAfterSent(_) | Fault::None | Fault::Refuse => {
            pump(server, client, u64::MAX, None);
        }
    }
}

/// Passes octets on and then ends both connections.
fn pump(mut from: TcpStream, to: TcpStream, octets: u64, delay: Option<Duration>) {
    pass(&mut from, &to, octets, delay);
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

fn pass(from: &mut TcpStream, mut to: &TcpStream, octets: u64, delay: Option<Duration>) {
    let mut left = octets;
    let mut piece = [0; 16 * 1024];
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
        match from.read(&mut piece[..most]) {
            Ok(read) if read > 0 => {
                if let Some(delay) = delay {
                    thread::sleep(delay);
                }
                if to.write_all(&piece[..read]).is_err() {
                    return;
                }
                left -= read as u64;
            }
            _ => return,
        }
    }
}
