//! Encoded words (RFC 2047) and raw 8-bit text in header values.

use std::borrow::Cow;

use crate::charset;
use crate::transfer;

/// The longest charset name of an encoded word, in octets.
const CHARSET_LENGTH_MAX: usize = 64;

/// An unstructured value for reading: unfolded, encoded words decoded, without control characters.
pub fn text(value: &[u8], charset_hint: Option<&str>) -> String {
    let mut output = String::with_capacity(value.len());
    for run in Runs::new(value) {
        match run {
            Run::Plain(octets) => unfold(&mut output, &plain(octets, charset_hint)),
            Run::Words(words) => unfold(&mut output, &words),
        }
    }
    let trimmed = output.trim_matches([' ', '\t']);
    if trimmed.len() == output.len() { output } else { trimmed.to_owned() }
}

/// A structured value as UTF-8 in which each run of encoded words is one word in UTF-8, so that
/// characters split between words survive a parser that decodes word by word.
pub fn normalised<'a>(value: &'a [u8], charset_hint: Option<&str>) -> Cow<'a, [u8]> {
    let has_words = memchr::memmem::find(value, b"=?").is_some();
    if !has_words && std::str::from_utf8(value).is_ok() {
        return Cow::Borrowed(value);
    }
    let mut output = Vec::with_capacity(value.len() + 16);
    for run in Runs::new(value) {
        match run {
            Run::Plain(octets) => output.extend_from_slice(plain(octets, charset_hint).as_bytes()),
            Run::Words(words) => {
                output.extend_from_slice(b"=?utf-8?B?");
                encode_base64(&mut output, words.as_bytes());
                output.extend_from_slice(b"?=");
            }
        }
    }
    Cow::Owned(output)
}

fn plain<'a>(octets: &'a [u8], charset_hint: Option<&str>) -> Cow<'a, str> {
    match std::str::from_utf8(octets) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => charset::decode(octets, charset_hint),
    }
}

/// Appends `text` with each fold as one space, and a space for every other control character.
fn unfold(output: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| byte < b' ' || byte == 0x7f) {
        let (plain, tail) = rest.split_at(at);
        output.push_str(plain);
        output.push(' ');
        rest = match tail.as_bytes()[0] {
            b'\r' | b'\n' => tail.trim_start_matches(['\r', '\n', ' ', '\t']),
            _ => &tail[1..],
        };
    }
    output.push_str(rest);
}

enum Run<'a> {
    Plain(&'a [u8]),
    /// Adjacent encoded words, decoded.
    Words(String),
}

struct Runs<'a> {
    rest: &'a [u8],
    words_may_follow: bool,
}

impl<'a> Runs<'a> {
    fn new(rest: &'a [u8]) -> Self {
        Self { rest, words_may_follow: true }
    }

    /// The first encoded word at or behind `from`: where it begins, the word, where it ends.
    fn find_word(&mut self, from: usize) -> Option<(usize, Word<'a>, usize)> {
        let mut from = from;
        while self.words_may_follow {
            let at = from + memchr::memmem::find(&self.rest[from..], b"=?")?;
            match Word::parse(&self.rest[at..]) {
                Parsed::Word(word, length) => return Some((at, word, at + length)),
                Parsed::No => from = at + 2,
                // No encoded word ends behind this point: looking again would be quadratic.
                Parsed::Unterminated => self.words_may_follow = false,
            }
        }
        None
    }
}

impl<'a> Iterator for Runs<'a> {
    type Item = Run<'a>;

    fn next(&mut self) -> Option<Run<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let Some((start, word, end)) = self.find_word(0) else {
            return Some(Run::Plain(std::mem::take(&mut self.rest)));
        };
        if start > 0 {
            let (plain, rest) = self.rest.split_at(start);
            self.rest = rest;
            return Some(Run::Plain(plain));
        }
        let mut text = String::new();
        let (mut charset, mut octets) = (word.charset, word.octets());
        let mut end = end;
        while let Some((start, word, next)) = self.adjacent(end) {
            let _ = start;
            if word.charset.eq_ignore_ascii_case(charset) {
                octets.extend_from_slice(&word.octets());
            } else {
                text.push_str(&decode_word(charset, &octets));
                (charset, octets) = (word.charset, word.octets());
            }
            end = next;
        }
        text.push_str(&decode_word(charset, &octets));
        self.rest = &self.rest[end..];
        Some(Run::Words(text))
    }
}

impl<'a> Runs<'a> {
    /// The encoded word that follows `end` with nothing but white space between.
    fn adjacent(&mut self, end: usize) -> Option<(usize, Word<'a>, usize)> {
        let gap = self.rest[end..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        if !self.rest[end + gap..].starts_with(b"=?") {
            return None;
        }
        match Word::parse(&self.rest[end + gap..]) {
            Parsed::Word(word, length) => Some((end + gap, word, end + gap + length)),
            Parsed::No | Parsed::Unterminated => None,
        }
    }
}

fn decode_word(charset: &str, octets: &[u8]) -> String {
    charset::decode(octets, Some(charset)).into_owned()
}

struct Word<'a> {
    charset: &'a str,
    base64: bool,
    text: &'a [u8],
}

enum Parsed<'a> {
    No,
    Unterminated,
    Word(Word<'a>, usize),
}

impl<'a> Word<'a> {
    /// Reads `=?charset?q?text?=` at the start of `value`.
    fn parse(value: &'a [u8]) -> Parsed<'a> {
        let head = &value[2..value.len().min(2 + CHARSET_LENGTH_MAX)];
        let Some(length) = head.iter().position(|&byte| byte == b'?' || byte <= b' ') else {
            return Parsed::No;
        };
        let charset = std::str::from_utf8(&head[..length]).unwrap_or_default();
        let charset = charset.split('*').next().unwrap_or_default();
        let Some([b'?', kind, b'?', rest @ ..]) = value.get(2 + length..) else {
            return Parsed::No;
        };
        let base64 = match kind {
            b'b' | b'B' => true,
            b'q' | b'Q' => false,
            _ => return Parsed::No,
        };
        let Some(end) = memchr::memmem::find(rest, b"?=") else {
            return Parsed::Unterminated;
        };
        Parsed::Word(Self { charset, base64, text: &rest[..end] }, 2 + length + 3 + end + 2)
    }

    fn octets(&self) -> Vec<u8> {
        if self.base64 {
            return transfer::base64(self.text);
        }
        let spaced: Vec<u8> =
            self.text.iter().map(|&byte| if byte == b'_' { b' ' } else { byte }).collect();
        let mut octets = Vec::with_capacity(spaced.len());
        transfer::unescape(&mut octets, &spaced, b'=');
        octets
    }
}

pub(crate) fn encode_base64(output: &mut Vec<u8>, octets: &[u8]) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in octets.chunks(3) {
        let at = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for symbol in 0..4 {
            let known = symbol <= group.len();
            let value = (bits >> (18 - 6 * symbol)) as usize & 63;
            output.push(if known { ALPHABET[value] } else { b'=' });
        }
    }
}
