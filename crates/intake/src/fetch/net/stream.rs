use std::io::{self, Read, Write};
use std::net::TcpStream;

use rustls::{ClientConnection, StreamOwned};

/// Anything that octets come from and go to. A read that has nothing yet says
/// [`io::ErrorKind::WouldBlock`] or `TimedOut` after a short while.
pub trait Wire: Read + Write + Send {}

impl<T: Read + Write + Send> Wire for T {}

/// A connection, encrypted or not.
pub(super) enum Stream {
    Clear(TcpStream),
    /// What tests put in place of a network.
    Other(Box<dyn Wire>),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    /// While TLS begins, and after it failed.
    Gone,
}

impl Stream {
    /// Takes the socket out, to encrypt it; `None` when it is none or encrypted already.
    pub(super) fn take_clear(&mut self) -> Option<TcpStream> {
        match std::mem::replace(self, Self::Gone) {
            Self::Clear(socket) => Some(socket),
            other => {
                *self = other;
                None
            }
        }
    }
}

impl Read for Stream {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Clear(socket) => socket.read(octets),
            Self::Gone => Ok(0),
            Self::Other(wire) => wire.read(octets),
            Self::Tls(stream) => stream.read(octets),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Clear(socket) => socket.write(octets),
            Self::Gone => Err(io::ErrorKind::BrokenPipe.into()),
            Self::Other(wire) => wire.write(octets),
            // Either nothing was taken, or all that is counted: it may be tried again.
            Self::Tls(stream) => stream.write(octets),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Clear(socket) => socket.flush(),
            Self::Gone => Ok(()),
            Self::Other(wire) => wire.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
