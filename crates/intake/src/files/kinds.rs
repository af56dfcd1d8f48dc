//! What a file holds, told from its first octets.

use super::mbox::{BYTE_ORDER_MARK, from_line};

/// Octets that tell the kind of a file, at most.
pub(super) const HEAD_BYTES: usize = 8 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Emlx,
    Mail,
    Mbox,
    Other,
    Zip,
}

/// `head` are the first [`HEAD_BYTES`] of the file, all of it when it is shorter.
pub(super) fn kind_of(name: &str, head: &[u8]) -> Kind {
    let eof = head.len() < HEAD_BYTES;
    let named = |suffix: &str| {
        name.len() >= suffix.len()
            && name.as_bytes()[name.len() - suffix.len()..].eq_ignore_ascii_case(suffix.as_bytes())
    };
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Kind::Zip;
    }
    // One file, one mail, whatever it begins with: it is given back as it is.
    if named(".eml") {
        return Kind::Mail;
    }
    let text = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
    if [true, false].iter().any(|dated| from_line(text, eof, *dated) == Some(true)) {
        return Kind::Mbox;
    }
    if named(".emlx") && emlx_length(head).is_some() {
        return Kind::Emlx;
    }
    if begins_with_field(head) {
        return Kind::Mail;
    }
    Kind::Other
}

/// A header field (RFC 5322 §2.2): a name of printable octets and a colon, spaces before it
/// forgiven; a byte order mark too.
pub(super) fn begins_with_field(octets: &[u8]) -> bool {
    const NAME_BYTES_MAX: usize = 76;
    let octets = octets.strip_prefix(BYTE_ORDER_MARK).unwrap_or(octets);
    let name =
        octets.iter().take(NAME_BYTES_MAX).take_while(|b| matches!(b, b'!'..=b'9' | b';'..=b'~'));
    let name = name.count();
    let spaces = octets[name..].iter().take(4).take_while(|b| matches!(b, b' ' | b'\t')).count();
    name > 0 && octets.get(name + spaces) == Some(&b':')
}

/// The length on the first line of an `.emlx`, and where the mail begins.
pub(super) fn emlx_length(head: &[u8]) -> Option<(u64, usize)> {
    let line_end = head.iter().take(32).position(|b| *b == b'\n')?;
    let digits = std::str::from_utf8(head[..line_end].trim_ascii()).ok()?;
    Some((digits.parse().ok()?, line_end + 1))
}
