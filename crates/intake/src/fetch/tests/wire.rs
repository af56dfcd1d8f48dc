use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::fetch::net::{Connection, Patience, Taken};
use crate::fetch::{ConnectionFailure, FetchError, Limit};

const LINE: Limit = Limit::new("line-octets", 10);

/// Gives these pieces, one per read, and then the end, or nothing for ever.
struct Pieces {
    left: VecDeque<Vec<u8>>,
    silent_at_end: bool,
}

impl Read for Pieces {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        let Some(mut piece) = self.left.pop_front() else {
            return if self.silent_at_end { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(0) };
        };
        let take = piece.len().min(octets.len());
        octets[..take].copy_from_slice(&piece[..take]);
        if take < piece.len() {
            self.left.push_front(piece.split_off(take));
        }
        Ok(take)
    }
}

impl Write for Pieces {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn over(pieces: &[&[u8]], silent_at_end: bool, answer: Duration) -> Connection {
    let left = pieces.iter().map(|piece| piece.to_vec()).collect();
    let patience = Patience { answer, ..Patience::default() };
    Connection::over(Box::new(Pieces { left, silent_at_end }), patience)
}

fn patient(pieces: &[&[u8]]) -> Connection {
    over(pieces, false, Duration::from_secs(120))
}

fn line(connection: &mut Connection) -> Result<String, FetchError> {
    let mut line = Vec::new();
    connection.read_line(LINE, &mut line)?;
    Ok(String::from_utf8(line).expect("text"))
}

#[test]
fn lines_end_with_crlf_or_lf_however_they_arrive() {
    let mut connection = patient(&[b"+O", b"K\r", b"\nab\n", b"\r\n0123456789\r", b"\n"]);
    for expected in ["+OK", "ab", "", "0123456789"] {
        assert_eq!(line(&mut connection).expect("there"), expected);
    }
    let error = line(&mut connection).expect_err("nothing is left");
    let closed = ConnectionFailure::Closed;
    assert!(matches!(error, FetchError::NoConnection { reason, .. } if reason == closed));
}

#[test]
fn a_line_that_is_too_long_is_an_error_with_its_limit() {
    for pieces in [&[b"0123456789a\r\n" as &[u8]] as &[&[u8]], &[b"01234567", b"89a", b"bcd"]] {
        let error = line(&mut patient(pieces)).expect_err("too long");
        assert!(matches!(error, FetchError::LimitExceeded(limit) if limit == LINE));
    }
}

#[test]
fn an_endless_line_takes_no_memory() {
    let much = vec![b'x'; 1 << 20];
    let mut connection = patient(&[&much]);
    let mut line = Vec::new();
    let limit = Limit::new("line-octets", 1000);
    assert!(connection.read_line(limit, &mut line).is_err());
    assert!(line.capacity() < 100_000 && connection.received() < 100_000);
}

#[test]
fn exact_octets_go_to_the_sink_and_the_rest_stays() {
    let mut connection = patient(&[b"head\r\nabc", b"de", b"fg)\r\n"]);
    assert_eq!(line(&mut connection).expect("there"), "head");
    let mut sink = Vec::new();
    connection.read_exact_into(6, &mut sink).expect("there");
    connection.read_exact_into(0, &mut sink).expect("nothing to wait for");
    assert_eq!(sink, b"abcdef");
    assert_eq!(line(&mut connection).expect("there"), "g)");
}

#[test]
fn fewer_octets_than_promised_are_an_error() {
    let mut sink = Vec::new();
    let error = patient(&[b"abc"]).read_exact_into(2 << 30, &mut sink).expect_err("cut");
    assert!(matches!(error, FetchError::NoConnection { .. }));
    assert_eq!(sink, b"abc");
}

#[test]
fn a_sink_that_is_full_is_its_own_error() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let error = patient(&[b"abc"]).read_exact_into(3, &mut Full).expect_err("full");
    let kind = |it: &io::Error| it.kind() == io::ErrorKind::StorageFull;
    assert!(matches!(error, FetchError::Spool(it) if kind(&it)));
}

#[test]
fn a_silent_server_is_left_after_a_while() {
    let mut connection = over(&[b"+O"], true, Duration::from_millis(20));
    let timeout = ConnectionFailure::Timeout;
    let error = line(&mut connection).expect_err("nothing comes");
    assert!(matches!(error, FetchError::NoConnection { reason, .. } if reason == timeout));
}

#[test]
fn a_server_that_drips_is_left() {
    // One octet per read, without end, and less than the least progress.
    struct Drip;
    impl Read for Drip {
        fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
            std::thread::yield_now();
            octets[0] = b'x';
            Ok(1)
        }
    }
    impl Write for Drip {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            Ok(octets.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let patience = Patience { answer: Duration::ZERO, ..Patience::default() };
    let mut connection = Connection::over(Box::new(Drip), patience);
    let take = &mut |piece: &[u8]| Ok(Taken { octets: piece.len(), ended: false });
    assert!(matches!(connection.stream(take), Err(FetchError::NoConnection { .. })));
}

#[test]
fn what_waits_ends_when_it_is_told_to_stop() {
    let stop = Arc::new(AtomicBool::new(false));
    let patience = Patience { stop: Arc::clone(&stop), ..Patience::default() };
    let pieces = Pieces { left: VecDeque::new(), silent_at_end: true };
    let mut connection = Connection::over(Box::new(pieces), patience);
    let waiting = std::thread::spawn(move || line(&mut connection));
    stop.store(true, Ordering::Relaxed);
    assert!(matches!(waiting.join().expect("ends"), Err(FetchError::Stopped)));
}

#[test]
fn waiting_for_news_is_no_error() {
    let mut connection = over(&[], true, Duration::from_secs(120));
    assert!(!connection.wait(Duration::from_millis(10)).expect("still open"));
    let mut connection = over(&[b"* 1 EXISTS\r\n"], true, Duration::from_secs(120));
    assert!(connection.wait(Duration::from_secs(120)).expect("there"));
    assert!(connection.has_unread());
}

#[test]
fn what_a_server_says_is_shown_without_secrets_and_control_characters() {
    let mut connection = patient(&[]);
    connection.hide("geheim");
    assert_eq!(connection.said(b"-ERR geheim\x1b[2J is wrong\xff"), "-ERR … [2J is wrong\u{fffd}");
    assert!(connection.said(&[b'x'; 5000]).len() < 400);
}
