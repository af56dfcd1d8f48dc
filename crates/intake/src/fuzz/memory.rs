use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use model::{Clock, EmailAddress, SourceId, TenantId, Timestamp};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::smtp::room::{Delivery, Refusal, Room};
use crate::smtp::{Route, Router, without_subaddress};

/// Octets, and for whom.
pub(crate) type Kept = (Vec<u8>, Vec<Delivery>);

/// A waiting room in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct MemoryRoom {
    mails: Arc<Mutex<Vec<Kept>>>,
    /// Answers everything with [`Refusal::Full`].
    pub full: Arc<AtomicBool>,
}

impl MemoryRoom {
    pub(crate) fn mails(&self) -> Vec<Kept> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn full(&self) -> Result<(), Refusal> {
        if self.full.load(Ordering::SeqCst) { Err(Refusal::Full) } else { Ok(()) }
    }
}

impl Room for MemoryRoom {
    type Draft = Kept;

    fn has_room(&self, _size_bytes: u64) -> Result<(), Refusal> {
        self.full()
    }

    fn begin(&self, deliveries: Vec<Delivery>) -> Result<Self::Draft, Refusal> {
        Ok((Vec::new(), deliveries))
    }

    fn write(&self, draft: &mut Self::Draft, octets: &[u8]) -> Result<(), Refusal> {
        draft.0.extend_from_slice(octets);
        Ok(())
    }

    async fn accept(&self, draft: Self::Draft) -> Result<(), Refusal> {
        self.full()?;
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).push(draft);
        Ok(())
    }
}

/// `a…@archive.test` and `b…@archive.test` belong to two tenants, `s…` is suspended.
#[derive(Debug)]
pub(crate) struct KnownUsers;

impl Router for KnownUsers {
    fn route(&self, recipient: &EmailAddress) -> Route {
        let name = without_subaddress(recipient).key();
        let tenant = match name.strip_suffix("@archive.test") {
            Some(local) if local.starts_with('a') => 1,
            Some(local) if local.starts_with('b') => 2,
            Some(local) if local.starts_with('s') => return Route::Suspended,
            _ => return Route::Unknown,
        };
        Route::Accept {
            tenant: TenantId::from_bytes([tenant; 16]),
            source: SourceId::from_bytes([tenant; 16]),
        }
    }
}

#[derive(Debug)]
pub(crate) struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000)
    }
}

/// A client that has said everything beforehand and listens to nothing.
#[derive(Debug)]
pub(crate) struct Script {
    input: Vec<u8>,
    at: usize,
    piece: usize,
    said: Arc<Mutex<Vec<u8>>>,
}

impl Script {
    pub(crate) fn new(input: &[u8], piece: usize) -> Self {
        Self { input: input.to_vec(), at: 0, piece, said: Arc::default() }
    }

    /// What the server will have said.
    pub(crate) fn said(&self) -> Arc<Mutex<Vec<u8>>> {
        self.said.clone()
    }
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let at = self.at;
        let count = self.piece.min(buffer.remaining()).min(self.input.len() - at);
        buffer.put_slice(&self.input[at..at + count]);
        self.at += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(octets);
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
