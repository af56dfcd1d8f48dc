//! What servers say, parsed; everything here is pure.

use std::time::Duration;

use crate::fetch::{FetchError, retry_after};

/// Longer unique-ids are not remembered; RFC 1939 §7 allows 70 characters.
const UID_OCTETS_MAX: usize = 255;

/// A single-line reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply<'a> {
    /// `+ …`: a challenge, or leave to go on.
    Challenge(&'a [u8]),
    Err(Words<'a>),
    Ok(Words<'a>),
}

/// What stands behind `+OK` or `-ERR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Words<'a> {
    /// The response code in brackets, without them; empty when there is none.
    pub(super) code: &'a [u8],
    /// All of it.
    pub(super) text: &'a [u8],
}

/// `None` when the line is no reply.
pub(super) fn parse(line: &[u8]) -> Option<Reply<'_>> {
    let starts = |word: &[u8]| {
        let head = line.get(..word.len())?;
        let rest = &line[word.len()..];
        let ends = rest.first().is_none_or(u8::is_ascii_whitespace);
        (head.eq_ignore_ascii_case(word) && ends).then(|| rest.trim_ascii_start())
    };
    if let Some(rest) = starts(b"+OK") {
        return Some(Reply::Ok(words(rest)));
    }
    if let Some(rest) = starts(b"-ERR") {
        return Some(Reply::Err(words(rest)));
    }
    starts(b"+").map(Reply::Challenge)
}

fn words(text: &[u8]) -> Words<'_> {
    let code = text.strip_prefix(b"[").and_then(|rest| {
        let end = rest.iter().position(|octet| *octet == b']')?;
        Some(&rest[..end])
    });
    Words { code: code.unwrap_or_default(), text }
}

/// What a server can do (RFC 2449 §6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Capabilities {
    /// Whether it answered CAPA at all.
    pub(super) known: bool,
    pub(super) login_delay: Option<Duration>,
    pub(super) pipelining: bool,
    /// Names in capitals.
    pub(super) sasl: Vec<String>,
    pub(super) stls: bool,
    pub(super) user: bool,
}

impl Capabilities {
    pub(super) fn add(&mut self, line: &[u8]) {
        let text = String::from_utf8_lossy(line).to_ascii_uppercase();
        let mut words = text.split_ascii_whitespace();
        match words.next() {
            Some("LOGIN-DELAY") => {
                let seconds = words.next().and_then(|word| word.parse().ok());
                self.login_delay = seconds.map(Duration::from_secs);
            }
            Some("PIPELINING") => self.pipelining = true,
            Some("SASL") => self.sasl = words.map(str::to_owned).collect(),
            Some("STLS") => self.stls = true,
            Some("USER") => self.user = true,
            _ => {}
        }
    }
}

/// `number size`, also with words behind.
pub(super) fn scan_listing(line: &[u8]) -> Option<(u32, u64)> {
    let text = std::str::from_utf8(line).ok()?;
    let mut words = text.split_ascii_whitespace();
    Some((number(words.next()?)?, words.next()?.parse().ok()?))
}

/// `number unique-id`; the id is `None` when it cannot be one that is worth remembering.
pub(super) fn unique_id_listing(line: &[u8]) -> Option<(u32, Option<Box<str>>)> {
    let line = line.trim_ascii();
    let end = line.iter().position(|octet| *octet == b' ').unwrap_or(line.len());
    let number = number(std::str::from_utf8(&line[..end]).ok()?)?;
    let uid = line[end..].trim_ascii();
    let fit = !uid.is_empty()
        && uid.len() <= UID_OCTETS_MAX
        && uid.iter().all(|octet| octet.is_ascii_graphic());
    let uid = fit.then(|| String::from_utf8_lossy(uid).into());
    Some((number, uid))
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| *number > 0)
}

/// What a refused sign-in or greeting means. Without a response code only words tell a busy
/// maildrop from a wrong password.
pub(super) fn refusal(words: Words<'_>, text: String, login_delay: Option<Duration>) -> FetchError {
    let hint = retry_after(&text);
    let busy = |retry_after, text| FetchError::ServerBusy { retry_after, text };
    match words.code.to_ascii_uppercase().as_slice() {
        b"AUTH" => FetchError::SignInRefused { remedy: None, text },
        b"IN-USE" | b"SYS/TEMP" => busy(hint, text),
        b"LOGIN-DELAY" => busy(hint.or(login_delay), text),
        b"SYS/PERM" => FetchError::Refused { command: "the sign-in", text },
        _ if sounds_busy(&text) => busy(hint, text),
        _ => FetchError::SignInRefused { remedy: None, text },
    }
}

/// Words of servers that know no response codes. An account that is locked is not busy.
fn sounds_busy(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let busy =
        ["busy", "in use", "maildrop lock", "mailbox lock", "mailbox is locked", "lock file"];
    let later = ["try again later", "try later", "too many", "temporar", "throttled"];
    busy.iter().chain(&later).any(|words| text.contains(words)) && !text.contains("account")
}
