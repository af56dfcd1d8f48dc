//! Entry points for fuzzing: each takes arbitrary octets and panics when a promise is broken.
//! The tests call them as well.

mod fetch;
mod imap;
mod memory;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use tokio::sync::watch;

use crate::files::{MboxReader, WalkSettings};
use crate::smtp::dots::DotDecoder;
use crate::smtp::session::{Session, Shared};
use crate::smtp::{IntakeFigures, SmtpSettings, command};
pub use fetch::pop3_session;
pub use imap::{imap_seeds, imap_session};
pub(crate) use memory::{FixedClock, KnownUsers, MemoryRoom, Script};

/// Largest mail in these sessions, in bytes: small, so that limits are met.
const FUZZ_MESSAGE_BYTES_MAX: u64 = 4096;

/// One session in clear over `octets`, read in pieces of at most `piece` bytes.
///
/// The size of the pieces must change neither the replies nor the mails, and every mail sent by
/// `DATA` must be what a reader of single octets finds behind one of the `DATA` commands.
pub fn smtp_session(octets: &[u8], piece: usize) {
    let whole = talk(octets, usize::MAX);
    let pieces = talk(octets, piece.max(1));
    assert_eq!(whole.0, pieces.0, "mails depend on how the octets arrive");
    assert_eq!(whole.1, pieces.1, "replies depend on how the octets arrive");
    if octets.windows(4).any(|window| window.eq_ignore_ascii_case(b"BDAT")) {
        return;
    }
    let candidates: Vec<_> = behind_data_commands(octets).collect();
    for mail in whole.0 {
        assert!(candidates.contains(&mail), "a mail that nobody sent");
    }
}

/// The decoder of `DATA` against a reader of single octets.
pub fn dot_decoding(octets: &[u8], piece: usize) {
    let mut decoder = DotDecoder::default();
    let mut mail = Vec::new();
    let mut consumed = 0;
    let mut ended = false;
    for part in octets.chunks(piece.max(1)) {
        let progress = decoder.decode(part, |run| mail.extend_from_slice(run));
        consumed += progress.consumed;
        ended = progress.ended;
        if ended {
            break;
        }
    }
    match decode_by_octets(octets) {
        Some((expected, length)) => {
            assert!(ended);
            assert_eq!((mail, consumed), (expected, length));
        }
        None => assert!(!ended && consumed == octets.len()),
    }
}

/// A command line never panics the parser.
pub fn command_line(line: &[u8]) {
    let _ = command::parse(line);
}

/// An mbox of any octets is read to its end, within its limit, and no octet is made up.
pub fn mbox(octets: &[u8]) {
    let settings = WalkSettings { mail_bytes_max: FUZZ_MESSAGE_BYTES_MAX, ..Default::default() };
    let mut reader = MboxReader::new(octets, &settings);
    let mut sum = 0;
    while let Some(mail) = reader.next_mail() {
        sum += mail.map_or(0, |mail| mail.octets.len());
    }
    assert_eq!(reader.consumed_bytes(), octets.len() as u64);
    assert!(sum <= octets.len());
}

fn talk(octets: &[u8], piece: usize) -> (Vec<Vec<u8>>, Vec<u8>) {
    let room = MemoryRoom::default();
    let settings = SmtpSettings {
        message_size_bytes_max: FUZZ_MESSAGE_BYTES_MAX,
        recipients_max: 3,
        ..SmtpSettings::default()
    };
    let shared = Arc::new(Shared {
        settings: arc_swap::ArcSwap::from_pointee(settings),
        router: Arc::new(KnownUsers),
        room: room.clone(),
        clock: Arc::new(FixedClock),
        tls: None,
        figures: Arc::new(IntakeFigures::default()),
    });
    let script = Script::new(octets, piece);
    let said = script.said();
    let (_stop, stopped) = watch::channel(false);
    let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let Ok(runtime) = runtime else { return Default::default() };
    runtime.block_on(Session::new(shared, script, peer, stopped).run());
    let mails = room.mails().into_iter().map(|(mail, _)| mail).collect();
    let said = said.lock().map(|said| said.clone()).unwrap_or_default();
    (mails, said)
}

fn behind_data_commands(octets: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..octets.len()).filter_map(|at| {
        let (verb, rest) = octets[at..].split_at_checked(4)?;
        if !verb.eq_ignore_ascii_case(b"DATA") {
            return None;
        }
        let line_end = rest.iter().position(|b| *b == b'\n')? + 1;
        decode_by_octets(&rest[line_end..]).map(|(mail, _)| mail)
    })
}

/// RFC 5321 §4.5.2 as plainly as it can be said; `None` without an end mark. Also returns how
/// many octets belong to the mail.
fn decode_by_octets(octets: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut mail = Vec::new();
    let mut line_start = true;
    let mut at = 0;
    while at < octets.len() {
        if line_start && octets[at..].starts_with(b".\r\n") {
            return Some((mail, at + 3));
        }
        if line_start && octets[at] == b'.' {
            at += 1;
            line_start = false;
            continue;
        }
        mail.push(octets[at]);
        line_start = octets[at] == b'\n' && at > 0 && octets[at - 1] == b'\r';
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests;
