//! The search text of a mail, and text formats that are rewritten for it.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use crate::TEXT_BYTES_MAX;

/// Text that is looked through for words that are there already, in bytes for one mail; after
/// that everything counts as unseen. Keeps a mail of thousands of alternatives linear.
const COMPARED_BYTES_MAX: usize = 4 * TEXT_BYTES_MAX;

/// Collects text up to [`TEXT_BYTES_MAX`]; says when something did not fit.
#[derive(Default)]
pub struct SearchText {
    text: String,
    compared_bytes: usize,
    pub exceeded: bool,
}

impl SearchText {
    pub fn len(&self) -> usize {
        self.text.len()
    }

    pub fn into_string(self) -> String {
        self.text
    }

    /// Appends `text` on a line of its own.
    pub fn push(&mut self, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let room = TEXT_BYTES_MAX.saturating_sub(self.text.len());
        if text.len() <= room {
            self.text.push_str(text);
            return;
        }
        self.exceeded = true;
        self.text.push_str(&text[..text.floor_char_boundary(room)]);
    }

    /// Appends the lines of `text` with a word that does not occur behind `start`: the HTML form
    /// of a text that is already there adds only what the plain form leaves out.
    pub fn push_unseen(&mut self, start: usize, text: &str) {
        let earlier = self.text.get(start..).unwrap_or_default();
        self.compared_bytes += earlier.len();
        if earlier.is_empty() || self.compared_bytes > COMPARED_BYTES_MAX {
            return self.push(text);
        }
        let seen: HashSet<u64, BuildHasherDefault<Fnv>> = words(earlier).collect();
        let mut unseen = String::new();
        for line in text.lines() {
            if words(line).any(|word| !seen.contains(&word)) {
                unseen.push_str(line);
                unseen.push('\n');
            }
        }
        self.push(&unseen);
    }
}

/// Hashes of the words of a text. Characters beyond ASCII count as letters, but for the spaces
/// and dashes that one form of a mail has and the other not: no-break space, U+2000 to U+203F.
fn words(text: &str) -> impl Iterator<Item = u64> {
    let mut rest = text.as_bytes();
    std::iter::from_fn(move || {
        let mut hasher = Fnv::default();
        let mut length = 0;
        loop {
            let separator = match rest {
                [] if length == 0 => return None,
                [] => return Some(hasher.finish()),
                [0xc2, 0xa0, ..] => 2,
                [0xe2, 0x80, _, ..] => 3,
                [byte, ..] if byte.is_ascii_alphanumeric() || !byte.is_ascii() => 0,
                _ => 1,
            };
            if separator == 0 {
                hasher.write(&rest[..1]);
                length += 1;
            }
            rest = &rest[separator.max(1)..];
            if separator > 0 && length > 0 {
                return Some(hasher.finish());
            }
        }
    })
}

/// FNV-1a; also hashes its own values, which are spread well enough.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, octets: &[u8]) {
        for &octet in octets {
            self.0 = (self.0 ^ u64::from(octet)).wrapping_mul(0x100_0000_01b3);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// Joins the soft lines of `format=flowed` (RFC 3676 §4.1, §4.2).
pub fn unflow(text: &str, delete_space: bool) -> String {
    let mut output = String::with_capacity(text.len());
    let mut joins = false;
    for line in text.lines() {
        let unstuffed = line.strip_prefix(' ').unwrap_or(line);
        let line = if joins { unstuffed.trim_start_matches('>') } else { unstuffed };
        joins = line.ends_with(' ') && line != "-- ";
        output.push_str(if joins && delete_space { &line[..line.len() - 1] } else { line });
        if !joins {
            output.push('\n');
        }
    }
    output
}

/// What a person wrote into a calendar object (RFC 5545): subjects, places, people, descriptions.
pub fn calendar(text: &str) -> String {
    let unfolded =
        text.replace("\r\n ", "").replace("\r\n\t", "").replace("\n ", "").replace("\n\t", "");
    let mut output = String::new();
    for line in unfolded.lines() {
        let end = line.find([':', ';']).unwrap_or(line.len());
        let wanted = [
            "SUMMARY",
            "DESCRIPTION",
            "LOCATION",
            "ORGANIZER",
            "ATTENDEE",
            "COMMENT",
            "CATEGORIES",
            "CONTACT",
        ];
        if !wanted.iter().any(|name| line[..end].eq_ignore_ascii_case(name)) {
            continue;
        }
        let (parameters, value) = split_value(&line[end..]);
        let name = parameters.split(';').find_map(|parameter| parameter.strip_prefix("CN="));
        let value = value
            .replace("\\n", "\n")
            .replace("\\N", "\n")
            .replace("\\,", ",")
            .replace("\\;", ";")
            .replace("\\\\", "\\");
        let value =
            value.strip_prefix("mailto:").or(value.strip_prefix("MAILTO:")).unwrap_or(&value);
        for text in [name.map(|name| name.trim_matches('"')), Some(value)].into_iter().flatten() {
            output.push_str(text);
            output.push('\n');
        }
    }
    output
}

/// Splits at the first colon outside quotes.
fn split_value(text: &str) -> (&str, &str) {
    let mut quoted = false;
    for (at, character) in text.char_indices() {
        match character {
            '"' => quoted = !quoted,
            ':' if !quoted => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    (text, "")
}
