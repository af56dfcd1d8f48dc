//! Ports for programs that cannot choose one themselves and say which.

use std::io;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the range from which systems take the ports of connections and of listeners without a
/// wish (`ip_local_port_range`, 32768 and more): nothing else on the machine gets one by accident
/// between the look and its use.
const FIRST: u32 = 20_000;
const COUNT: u32 = 10_000;
const TRIES_MAX: u32 = 200;

/// A port of 127.0.0.1 at which nobody listens; another one at each call.
///
/// # Errors
/// When none of [`TRIES_MAX`] is free.
pub fn free_port() -> io::Result<u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Processes that run side by side begin at different places.
    let begin = std::process::id().wrapping_mul(61);
    for _ in 0..TRIES_MAX {
        let place = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = u16::try_from(FIRST + place).unwrap_or(u16::MAX);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err(io::Error::other("no free port"))
}
