//! A TCP proxy that breaks connections, and a server that never ends.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

/// What happens to connections.
#[derive(Clone, Copy)]
pub enum Fault {
    /// Ends them after so many octets from the server.
    CutAfter(usize),
    /// Says nothing.
    Silence,
}

/// Passes connections on to `upstream` with a fault; returns its port. Its threads end with their
/// connections, the listener with the test's process.
pub fn start(upstream: u16, fault: Fault) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || serve(client, upstream, fault));
        }
    });
    port
}

fn serve(mut client: TcpStream, upstream: u16, fault: Fault) {
    let mut left = match fault {
        Fault::CutAfter(octets) => octets,
        Fault::Silence => {
            let _ = client.read_to_end(&mut Vec::new());
            return;
        }
    };
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", upstream)) else { return };
    let (Ok(mut from), Ok(mut to)) = (client.try_clone(), server.try_clone()) else { return };
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    let mut octets = [0; 4096];
    while left > 0 {
        let most = left.min(octets.len());
        match server.read(&mut octets[..most]) {
            Ok(read) if read > 0 && client.write_all(&octets[..read]).is_ok() => left -= read,
            _ => break,
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}

/// A server that says `once` to the first message and then `again` for ever; returns its port.
pub fn rogue(once: Vec<u8>, again: impl Fn(u32) -> Vec<u8> + Send + Sync + Clone + 'static) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let (once, again) = (once.clone(), again.clone());
            thread::spawn(move || {
                let mut asked = [0; 4096];
                let _ = client.read(&mut asked);
                let _ = client.write_all(&once);
                let _ = client.read(&mut asked);
                for number in 0.. {
                    if client.write_all(&again(number)).is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}
