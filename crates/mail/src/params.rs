//! Content-Type and Content-Disposition values with their parameters (RFC 2045 §5.1, RFC 2231).

use crate::charset;
use crate::encoded;
use crate::transfer;

/// Parameters of one header field; further ones are ignored.
const PARAMETERS_MAX: usize = 256;

pub struct Parameters {
    /// What stands before the first semicolon, in lower case, without comments.
    pub main: String,
    named: Vec<(String, String)>,
}

impl Parameters {
    pub fn parse(value: &[u8]) -> Self {
        let text = charset::unlabelled(value);
        let mut scanner = Scanner { rest: &text };
        let main = scanner.main();
        let mut raw = Vec::new();
        while raw.len() < PARAMETERS_MAX {
            let Some((name, value)) = scanner.parameter() else { break };
            if !name.is_empty() {
                raw.push((name, value));
            }
        }
        Self { main, named: combine(raw) }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.named.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

struct Scanner<'a> {
    rest: &'a str,
}

impl Scanner<'_> {
    fn main(&mut self) -> String {
        let end = self.rest.find(';').unwrap_or(self.rest.len());
        let (main, rest) = self.rest.split_at(end);
        self.rest = rest;
        let main = main.split('(').next().unwrap_or_default();
        main.chars()
            .filter(|character| !character.is_whitespace() && *character != '"')
            .collect::<String>()
            .to_ascii_lowercase()
    }

    /// The next `name=value` behind semicolons; a parameter without `=` has an empty value.
    fn parameter(&mut self) -> Option<(String, String)> {
        self.rest = self
            .rest
            .trim_start_matches(|character: char| character.is_whitespace() || character == ';');
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.find(['=', ';']).unwrap_or(self.rest.len());
        let name = self.rest[..end].trim().to_ascii_lowercase();
        self.rest = &self.rest[end..];
        let Some(rest) = self.rest.strip_prefix('=') else {
            return Some((name, String::new()));
        };
        self.rest = rest.trim_start();
        let value = if self.rest.starts_with('"') { self.quoted() } else { self.token() };
        Some((name, value))
    }

    fn quoted(&mut self) -> String {
        let mut value = String::new();
        let mut characters = self.rest.char_indices().skip(1);
        let mut end = self.rest.len();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    end = at + 1;
                    break;
                }
                '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
                '\r' | '\n' => {}
                _ => value.push(character),
            }
        }
        self.rest = &self.rest[end..];
        let tail = self.rest.find(';').unwrap_or(self.rest.len());
        self.rest = &self.rest[tail..];
        value
    }

    fn token(&mut self) -> String {
        let end = self.rest.find(';').unwrap_or(self.rest.len());
        let (value, rest) = self.rest.split_at(end);
        self.rest = rest;
        let value = value.split(" (").next().unwrap_or_default().trim();
        // A fold within an unquoted value: a parameter may follow without a semicolon.
        value.replace(['\r', '\n'], "")
    }
}

/// Puts continued and encoded parameters together (RFC 2231 §3, §4) and decodes encoded words,
/// which RFC 2047 forbids there and senders use all the same.
fn combine(raw: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut named: Vec<(String, String)> = Vec::with_capacity(raw.len());
    let mut segments: Vec<(String, u32, bool, String)> = Vec::new();
    for (name, value) in raw {
        match name.split_once('*') {
            None => {
                let value = if value.contains("=?") {
                    encoded::text(value.as_bytes(), None)
                } else {
                    value
                };
                named.push((name, value));
            }
            Some((base, suffix)) => {
                let escaped = suffix.is_empty() || suffix.ends_with('*');
                let number = suffix.trim_end_matches('*').parse().unwrap_or(0);
                segments.push((base.to_owned(), number, escaped, value));
            }
        }
    }
    segments.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    for group in segments.chunk_by(|a, b| a.0 == b.0) {
        let value = (group[0].0.clone(), join(group));
        // The extended form is the better one where both are given (RFC 6266 §4.3).
        named.insert(0, value);
    }
    named
}

fn join(segments: &[(String, u32, bool, String)]) -> String {
    let mut octets = Vec::new();
    let mut label = None;
    for (at, (_, _, escaped, value)) in segments.iter().enumerate() {
        let mut value = value.as_str();
        if at == 0
            && *escaped
            && let Some((charset, rest)) = value.split_once('\'')
        {
            label = Some(charset);
            value = rest.split_once('\'').map_or(rest, |(_, text)| text);
        }
        if *escaped {
            transfer::unescape(&mut octets, value.as_bytes(), b'%');
        } else {
            octets.extend_from_slice(value.as_bytes());
        }
    }
    let text = charset::decode(&octets, label.filter(|label| !label.is_empty()));
    if text.contains("=?") { encoded::text(text.as_bytes(), None) } else { text.into_owned() }
}
