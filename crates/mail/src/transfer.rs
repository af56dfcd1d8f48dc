use std::borrow::Cow;

/// Content-Transfer-Encoding (RFC 2045 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Base64,
    /// 7bit, 8bit, binary, and whatever is not known.
    Identity,
    QuotedPrintable,
    Uuencode,
}

impl Encoding {
    pub fn of(value: &[u8]) -> Self {
        let value = value.trim_ascii();
        let is = |name: &str| value.eq_ignore_ascii_case(name.as_bytes());
        if is("base64") {
            Self::Base64
        } else if is("quoted-printable") {
            Self::QuotedPrintable
        } else if is("x-uuencode") || is("uuencode") || is("x-uue") || is("uue") {
            Self::Uuencode
        } else {
            Self::Identity
        }
    }
}

/// The octets that a body stands for. What is not in the alphabet is passed over.
pub fn decode(encoding: Encoding, body: &[u8]) -> Cow<'_, [u8]> {
    match encoding {
        Encoding::Base64 => Cow::Owned(base64(body)),
        Encoding::Identity => Cow::Borrowed(body),
        Encoding::QuotedPrintable => Cow::Owned(quoted_printable(body)),
        Encoding::Uuencode => Cow::Owned(crate::uuencode::first(body)),
    }
}

/// The length of what [`decode`] gives.
pub fn decoded_length(encoding: Encoding, body: &[u8]) -> u64 {
    let length = match encoding {
        Encoding::Base64 => base64_length(body),
        Encoding::Identity => body.len(),
        Encoding::QuotedPrintable | Encoding::Uuencode => decode(encoding, body).len(),
    };
    length as u64
}

const SKIP: u8 = 0x40;
const PAD: u8 = 0x41;

static BASE64: [u8; 256] = base64_table();

const fn base64_table() -> [u8; 256] {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut table = [SKIP; 256];
    let mut value = 0;
    while value < 64 {
        table[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    table[b'=' as usize] = PAD;
    table
}

/// Decodes base64 leniently (RFC 2045 §6.8): foreign octets are ignored; padding ends a group, and
/// the line when white space follows it, but not the body.
pub fn base64(body: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(body.len() / 4 * 3 + 3);
    let (mut bits, mut count) = (0u32, 0u8);
    let mut rest = body;
    while let Some((&byte, tail)) = rest.split_first() {
        if count == 0
            && let [a, b, c, d, tail @ ..] = rest
        {
            let [a, b, c, d] = [a, b, c, d].map(|&byte| BASE64[usize::from(byte)]);
            if (a | b | c | d) < SKIP {
                let group =
                    u32::from(a) << 18 | u32::from(b) << 12 | u32::from(c) << 6 | u32::from(d);
                octets.extend_from_slice(&group.to_be_bytes()[1..]);
                rest = tail;
                continue;
            }
        }
        rest = tail;
        match BASE64[usize::from(byte)] {
            SKIP => {}
            PAD => {
                flush(&mut octets, &mut bits, &mut count);
                if tail.first().is_some_and(|&next| crate::headers::is_blank(next)) {
                    rest = &tail[crate::headers::line(tail, 0).1..];
                }
            }
            value => {
                bits = bits << 6 | u32::from(value);
                count += 1;
                if count == 4 {
                    octets.extend_from_slice(&bits.to_be_bytes()[1..]);
                    (bits, count) = (0, 0);
                }
            }
        }
    }
    flush(&mut octets, &mut bits, &mut count);
    octets
}

fn flush(octets: &mut Vec<u8>, bits: &mut u32, count: &mut u8) {
    match count {
        2 => octets.push((*bits >> 4) as u8),
        3 => octets.extend_from_slice(&[(*bits >> 10) as u8, (*bits >> 2) as u8]),
        _ => {}
    }
    (*bits, *count) = (0, 0);
}

fn base64_length(body: &[u8]) -> usize {
    let body = body.trim_ascii_end();
    let content = body.strip_suffix(b"=").unwrap_or(body);
    let content = content.strip_suffix(b"=").unwrap_or(content);
    let (mut symbols, mut padded) = (0, false);
    for &byte in content {
        let value = BASE64[usize::from(byte)];
        symbols += usize::from(value < SKIP);
        padded |= value == PAD;
    }
    if padded { base64(body).len() } else { symbols / 4 * 3 + (symbols % 4).saturating_sub(1) }
}

/// Decodes quoted-printable leniently (RFC 2045 §6.7): what is no escape stands for itself.
pub fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(body.len());
    let mut at = 0;
    while at < body.len() {
        let (line, next) = crate::headers::line(body, at);
        let end = &body[at + line.len()..next];
        let text = trim_blanks_end(line);
        let soft = text.last() == Some(&b'=');
        let text = if soft { &text[..text.len() - 1] } else { text };
        unescape(&mut octets, text, b'=');
        if !soft {
            octets.extend_from_slice(end);
        }
        at = next;
    }
    octets
}

fn trim_blanks_end(line: &[u8]) -> &[u8] {
    let kept =
        line.iter().rposition(|&byte| !crate::headers::is_blank(byte)).map_or(0, |at| at + 1);
    &line[..kept]
}

/// Resolves `mark` and two hexadecimal digits.
pub fn unescape(octets: &mut Vec<u8>, text: &[u8], mark: u8) {
    let mut rest = text;
    while let Some(at) = memchr::memchr(mark, rest) {
        octets.extend_from_slice(&rest[..at]);
        let digits = rest.get(at + 1..at + 3).and_then(|pair| Some((hex(pair[0])?, hex(pair[1])?)));
        match digits {
            Some((high, low)) => {
                octets.push(high << 4 | low);
                rest = &rest[at + 3..];
            }
            None => {
                octets.push(mark);
                rest = &rest[at + 1..];
            }
        }
    }
    octets.extend_from_slice(rest);
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}
