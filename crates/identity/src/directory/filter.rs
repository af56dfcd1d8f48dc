//! Search filters: text (RFC 4515) to octets (RFC 4511 §4.5.1.7).

use super::ber::{OCTET_STRING, SEQUENCE, boolean, element, nested, text};

/// Longer filters are refused.
pub const FILTER_CHARS_MAX: usize = 8 * 1024;

/// Deeper nesting is refused.
const DEPTH_MAX: usize = 32;

/// Where and why a filter is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the filter is not understood at character {at}: {what}")]
pub struct BadFilter {
    pub at: usize,
    pub what: &'static str,
}

/// The octets of a filter. Its outermost parentheses may be missing, as people write it.
///
/// # Errors
/// When it is not a filter, too long or too deep.
pub(super) fn encode(filter: &str) -> Result<Vec<u8>, BadFilter> {
    let whole = enclosed(filter);
    if whole.chars().count() > FILTER_CHARS_MAX {
        return Err(BadFilter { at: FILTER_CHARS_MAX, what: "it is too long" });
    }
    let mut parser = Parser { rest: &whole, length: whole.len() };
    let octets = parser.filter(DEPTH_MAX)?;
    if parser.rest.is_empty() { Ok(octets) } else { Err(parser.bad("something follows its end")) }
}

/// The filter in parentheses.
pub(super) fn enclosed(filter: &str) -> String {
    let filter = filter.trim();
    if filter.starts_with('(') { filter.to_owned() } else { format!("({filter})") }
}

/// A value as it stands in a filter: what has a meaning there is escaped.
pub(super) fn escape(value: &[u8]) -> String {
    let mut escaped = String::with_capacity(value.len());
    for &byte in value {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b' '..=b'\'' | b'+'..=b'/' | b':'..=b'@' => {
                escaped.push(char::from(byte));
            }
            _ => escaped.push_str(&format!("\\{byte:02x}")),
        }
    }
    escaped
}

struct Parser<'a> {
    rest: &'a str,
    length: usize,
}

impl<'a> Parser<'a> {
    fn bad(&self, what: &'static str) -> BadFilter {
        BadFilter { at: self.length - self.rest.len(), what }
    }

    fn take(&mut self, wanted: char) -> bool {
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn filter(&mut self, depth: usize) -> Result<Vec<u8>, BadFilter> {
        if depth == 0 {
            return Err(self.bad("it is nested too deeply"));
        }
        self.rest = self.rest.trim_start();
        if !self.take('(') {
            return Err(self.bad("an opening parenthesis is missing"));
        }
        let octets = match self.rest.chars().next() {
            Some('&') => self.set(0xa0, depth)?,
            Some('|') => self.set(0xa1, depth)?,
            Some('!') => {
                self.rest = &self.rest[1..];
                element(0xa2, &self.filter(depth - 1)?)
            }
            _ => self.item()?,
        };
        self.rest = self.rest.trim_start();
        if !self.take(')') {
            return Err(self.bad("a closing parenthesis is missing"));
        }
        Ok(octets)
    }

    fn set(&mut self, tag: u8, depth: usize) -> Result<Vec<u8>, BadFilter> {
        self.rest = self.rest[1..].trim_start();
        let mut parts = Vec::new();
        while self.rest.starts_with('(') {
            parts.push(self.filter(depth - 1)?);
            self.rest = self.rest.trim_start();
        }
        Ok(nested(tag, &parts))
    }

    fn item(&mut self) -> Result<Vec<u8>, BadFilter> {
        let end = self.rest.find(['=', '(', ')']).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        if !rest.starts_with('=') {
            return Err(self.bad("an equals sign is missing"));
        }
        let (name, kind) = match name.as_bytes().last() {
            Some(b'>') => (&name[..name.len() - 1], '>'),
            Some(b'<') => (&name[..name.len() - 1], '<'),
            Some(b'~') => (&name[..name.len() - 1], '~'),
            Some(b':') => (&name[..name.len() - 1], ':'),
            _ => (name, '='),
        };
        let name = name.trim();
        let fits = |text: &str| {
            text.chars().all(|one| one.is_ascii_alphanumeric() || matches!(one, '-' | '.' | ';'))
        };
        if (kind != ':' && name.is_empty()) || !name.split(':').all(fits) {
            return Err(self.bad("this is no attribute"));
        }
        self.rest = &rest[1..];
        match kind {
            '>' => self.assertion(0xa5, name),
            '<' => self.assertion(0xa6, name),
            '~' => self.assertion(0xa8, name),
            ':' => self.extensible(name),
            _ => self.equality(name),
        }
    }

    fn assertion(&mut self, tag: u8, name: &str) -> Result<Vec<u8>, BadFilter> {
        let value = self.value()?;
        Ok(nested(tag, &[text(OCTET_STRING, name), element(OCTET_STRING, &value)]))
    }

    /// Equality, presence or substrings.
    fn equality(&mut self, name: &str) -> Result<Vec<u8>, BadFilter> {
        let mut pieces = vec![self.value()?];
        while self.take('*') {
            pieces.push(self.value()?);
        }
        let last = pieces.len() - 1;
        if last == 0 {
            let value = element(OCTET_STRING, &pieces[0]);
            return Ok(nested(0xa3, &[text(OCTET_STRING, name), value]));
        }
        if pieces.iter().all(Vec::is_empty) {
            return Ok(text(0x87, name));
        }
        let substrings: Vec<Vec<u8>> = pieces
            .iter()
            .enumerate()
            .filter(|(_, piece)| !piece.is_empty())
            .map(|(at, piece)| match at {
                0 => element(0x80, piece),
                _ if at == last => element(0x82, piece),
                _ => element(0x81, piece),
            })
            .collect();
        Ok(nested(0xa4, &[text(OCTET_STRING, name), nested(SEQUENCE, &substrings)]))
    }

    /// `attribute:dn:rule:=value`.
    fn extensible(&mut self, name: &str) -> Result<Vec<u8>, BadFilter> {
        let mut parts = name.split(':');
        let attribute = parts.next().unwrap_or_default();
        let mut parts: Vec<&str> = parts.collect();
        let dn = parts.first().is_some_and(|part| part.eq_ignore_ascii_case("dn"));
        if dn {
            parts.remove(0);
        }
        if parts.len() > 1 || (attribute.is_empty() && parts.is_empty()) {
            return Err(self.bad("this is no matching rule"));
        }
        let mut elements: Vec<Vec<u8>> = parts.iter().map(|rule| text(0x81, rule)).collect();
        if !attribute.is_empty() {
            elements.push(text(0x82, attribute));
        }
        elements.push(element(0x83, &self.value()?));
        if dn {
            // The context tag takes the place of the boolean's own.
            elements.push(element(0x84, &boolean(true)[2..]));
        }
        Ok(nested(0xa9, &elements))
    }

    /// A value up to an asterisk or parenthesis, its escapes undone.
    fn value(&mut self) -> Result<Vec<u8>, BadFilter> {
        let end = self.rest.find(['*', '(', ')']).unwrap_or(self.rest.len());
        let (value, rest) = self.rest.split_at(end);
        let mut octets = Vec::with_capacity(value.len());
        let mut pieces = value.split('\\');
        octets.extend(pieces.next().unwrap_or_default().as_bytes());
        for piece in pieces {
            let digits = piece.get(..2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
            octets.push(digits.ok_or_else(|| self.bad("after \\ two hexadecimal digits follow"))?);
            octets.extend(&piece.as_bytes()[2..]);
        }
        self.rest = rest;
        Ok(octets)
    }
}
