//! Commands as they are sent (RFC 9051 §6): words, strings in the form that carries them, literals.

use std::fmt::Write as _;

/// A quoted string that is sent; what is longer goes as a literal.
const QUOTED_OCTETS_MAX: usize = 1000;

/// One command without its tag.
#[derive(Clone, Debug)]
pub(super) struct Command {
    /// For messages.
    pub(super) name: &'static str,
    /// Text, and between two texts a literal.
    pub(super) parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Literal(Vec<u8>),
    Text(Vec<u8>),
}

impl Command {
    /// `text` is its beginning, in the grammar of commands; `name` is a part of it.
    pub(super) fn new(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, parts: vec![Part::Text(text.into().into_bytes())] }
    }

    /// Goes on with text in the grammar of commands.
    pub(super) fn text(mut self, text: &str) -> Self {
        self.push(text.as_bytes());
        self
    }

    /// Goes on with a string: quoted, or as a literal when it holds what quotes cannot carry.
    /// Octets of zero cannot be sent at all and must have been refused before.
    pub(super) fn string(mut self, octets: &[u8]) -> Self {
        let quotable = |octet: &u8| matches!(octet, 0x20..=0x7e);
        if octets.len() > QUOTED_OCTETS_MAX || !octets.iter().all(quotable) {
            self.parts.push(Part::Literal(octets.to_vec()));
            return self;
        }
        self.push(b"\"");
        for octet in octets {
            if matches!(octet, b'"' | b'\\') {
                self.push(b"\\");
            }
            self.push(&[*octet]);
        }
        self.push(b"\"");
        self
    }

    fn push(&mut self, octets: &[u8]) {
        match self.parts.last_mut() {
            Some(Part::Text(text)) => text.extend_from_slice(octets),
            _ => self.parts.push(Part::Text(octets.to_vec())),
        }
    }
}

/// Flags that a client may give to a mail, in parentheses: known ones and keywords that are atoms.
/// `\Recent` belongs to the server; what is no flag is left out.
pub(super) fn flag_list(flags: &[String]) -> String {
    const KNOWN: [&str; 5] = ["\\Answered", "\\Deleted", "\\Draft", "\\Flagged", "\\Seen"];
    let mut list = String::from("(");
    for flag in flags {
        let known = KNOWN.iter().find(|known| known.eq_ignore_ascii_case(flag)).copied();
        let keyword = !flag.is_empty() && flag.bytes().all(is_atom);
        let Some(flag) = known.or(keyword.then_some(flag.as_str())) else { continue };
        let blank = if list.len() > 1 { " " } else { "" };
        // Writing to a string cannot fail.
        let _ = write!(list, "{blank}{flag}");
    }
    list.push(')');
    list
}

/// RFC 9051 §9, `ATOM-CHAR`.
fn is_atom(octet: u8) -> bool {
    octet.is_ascii_graphic() && !b"(){%*\"\\]".contains(&octet)
}
