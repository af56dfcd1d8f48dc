//! What a server says (RFC 9051 §7), one response at a time.

use super::date;
use super::fetched::{self, Bodies, FetchItem};
use super::reader::{LIST_ITEMS, Read, ReadError, Reader};
use super::set::{SPANS, UidSet};

/// Letters of a server's text that are kept for people to read.
pub(super) const TEXT_LETTERS_MAX: usize = 500;
/// Octets of a folder's name.
pub const FOLDER_NAME_BYTES_MAX: usize = 4096;
/// Prefixes that one server names.
const NAMESPACES_MAX: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Bad,
    Bye,
    No,
    Ok,
    PreAuth,
}

/// `resp-text`: a code in brackets, and words for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text {
    /// In capitals; empty without a code.
    pub(super) code: String,
    /// What stands behind the code, still in brackets.
    pub(super) arguments: String,
    pub(super) words: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Response {
    /// `+`: the server waits for more.
    Continue(String),
    Tagged {
        tag: String,
        status: Status,
        text: Text,
    },
    Untagged(Untagged),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Untagged {
    Capability(Vec<String>),
    Enabled(Vec<String>),
    Exists(u32),
    Expunge(u32),
    Fetch(FetchItem),
    List(ListItem),
    /// Breaks the grammar; read to its end and left out.
    Malformed {
        /// In capitals, as far as it was read: `FETCH`.
        kind: String,
        what: &'static str,
    },
    Namespace(Vec<NamespaceItem>),
    /// Of no concern here.
    Other,
    /// `SEARCH` or `ESEARCH`.
    Search(UidSet),
    Status {
        status: Status,
        text: Text,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ListItem {
    pub(super) attributes: Vec<String>,
    pub(super) delimiter: Option<char>,
    pub(super) raw: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamespaceItem {
    pub(super) kind: NamespaceKind,
    pub(super) prefix: Vec<u8>,
}

/// Whose folders lie behind a prefix (RFC 2342).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamespaceKind {
    Other,
    Personal,
    Shared,
}

const NAMESPACE_ORDER: [NamespaceKind; 3] =
    [NamespaceKind::Personal, NamespaceKind::Other, NamespaceKind::Shared];

/// Reads one whole response; bodies of mails go to `bodies`.
///
/// # Errors
/// After any error the connection is of no more use: where the next response begins is not known.
pub(super) fn read(reader: &mut Reader<'_>, bodies: &mut dyn Bodies) -> Read<Response> {
    match reader.peek()? {
        b'+' => {
            reader.bump()?;
            reader.eat(b' ')?;
            Ok(Response::Continue(reader.rest()?))
        }
        b'*' => {
            reader.bump()?;
            untagged(reader, bodies).map(Response::Untagged)
        }
        _ => tagged(reader),
    }
}

fn tagged(reader: &mut Reader<'_>) -> Read<Response> {
    let tag = reader.word()?;
    reader.space()?;
    let status = status(&reader.word()?).ok_or(ReadError::Syntax("neither OK nor NO nor BAD"))?;
    Ok(Response::Tagged { tag, status, text: text(reader)? })
}

/// What breaks the grammar here is read to its end, as long as that can be found.
fn untagged(reader: &mut Reader<'_>, bodies: &mut dyn Bodies) -> Read<Untagged> {
    let mut kind = String::new();
    match untagged_strict(reader, bodies, &mut kind) {
        // After a literal whose length was a lie, the rest may be written by the sender of a mail.
        Err(ReadError::Syntax(what)) if !reader.met_literal() => {
            reader.forgive_line();
            reader.skip_line()?;
            Ok(Untagged::Malformed { kind, what })
        }
        outcome => outcome,
    }
}

fn untagged_strict(
    reader: &mut Reader<'_>,
    bodies: &mut dyn Bodies,
    kind: &mut String,
) -> Read<Untagged> {
    reader.space()?;
    if reader.peek()?.is_ascii_digit() {
        let number = reader.number32()?;
        reader.space()?;
        *kind = reader.word()?.to_ascii_uppercase();
        return numbered(reader, bodies, number, kind);
    }
    *kind = reader.word()?.to_ascii_uppercase();
    if let Some(status) = status(kind) {
        return Ok(Untagged::Status { status, text: text(reader)? });
    }
    match kind.as_str() {
        "CAPABILITY" => Ok(Untagged::Capability(words(&reader.rest()?))),
        "ENABLED" => Ok(Untagged::Enabled(words(&reader.rest()?))),
        "LIST" => list(reader).map(Untagged::List),
        "SEARCH" => search(reader).map(Untagged::Search),
        "ESEARCH" => extended_search(reader).map(Untagged::Search),
        "NAMESPACE" => namespaces(reader).map(Untagged::Namespace),
        _ => {
            reader.skip_line()?;
            Ok(Untagged::Other)
        }
    }
}

fn numbered(
    reader: &mut Reader<'_>,
    bodies: &mut dyn Bodies,
    number: u32,
    kind: &str,
) -> Read<Untagged> {
    match kind {
        "FETCH" => {
            reader.space()?;
            let item = fetched::read(reader, bodies)?;
            reader.line_end()?;
            bodies.complete(&item)?;
            Ok(Untagged::Fetch(item))
        }
        "EXISTS" => {
            reader.line_end()?;
            Ok(Untagged::Exists(number))
        }
        "EXPUNGE" => {
            reader.line_end()?;
            Ok(Untagged::Expunge(number))
        }
        _ => {
            reader.skip_line()?;
            Ok(Untagged::Other)
        }
    }
}

fn status(word: &str) -> Option<Status> {
    let known = [
        ("BAD", Status::Bad),
        ("BYE", Status::Bye),
        ("NO", Status::No),
        ("OK", Status::Ok),
        ("PREAUTH", Status::PreAuth),
    ];
    known.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, status)| *status)
}

/// Text is also understood when it is missing.
fn text(reader: &mut Reader<'_>) -> Read<Text> {
    let line = reader.rest()?;
    let line = line.trim();
    let bracketed = line.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (code, words) = bracketed.unwrap_or(("", line));
    let (code, arguments) = code.split_once(' ').unwrap_or((code, ""));
    Ok(Text {
        code: code.to_ascii_uppercase(),
        arguments: arguments.to_owned(),
        words: readable(words),
    })
}

/// At most [`TEXT_LETTERS_MAX`] letters on one line.
pub(super) fn readable(words: &str) -> String {
    let letters = words.trim().chars().map(|it| if it.is_control() { ' ' } else { it });
    letters.take(TEXT_LETTERS_MAX).collect()
}

pub(super) fn words(line: &str) -> Vec<String> {
    line.split_ascii_whitespace()
        .take(LIST_ITEMS.max as usize)
        .map(str::to_ascii_uppercase)
        .collect()
}

fn list(reader: &mut Reader<'_>) -> Read<ListItem> {
    reader.space()?;
    let mut attributes = Vec::new();
    reader.list(|reader| {
        attributes.push(reader.word()?);
        Ok(())
    })?;
    reader.space()?;
    let delimiter = reader.string()?.and_then(|text| String::from_utf8(text).ok());
    let delimiter = delimiter.and_then(|text| text.chars().next());
    reader.space()?;
    // A folder may be called NIL.
    let raw = reader.string()?.unwrap_or_else(|| b"NIL".to_vec());
    if raw.len() > FOLDER_NAME_BYTES_MAX {
        return Err(ReadError::Syntax("the name of a folder is too long"));
    }
    // RFC 5258: extended items.
    while reader.eat(b' ')? {
        if reader.at_line_end()? {
            break;
        }
        reader.skip_value()?;
    }
    reader.line_end()?;
    Ok(ListItem { attributes, delimiter, raw })
}

/// Numbers, and behind them perhaps `(MODSEQ n)` (RFC 7162).
fn search(reader: &mut Reader<'_>) -> Read<UidSet> {
    let mut found = UidSet::new();
    loop {
        while reader.eat(b' ')? {}
        if reader.peek()? == b'(' {
            reader.skip_value()?;
            continue;
        }
        if reader.at_line_end()? {
            break;
        }
        let number = reader.number32()?;
        found.add(number, number).map_err(|_| SPANS)?;
        reader.forgive_line();
    }
    reader.line_end()?;
    found.tidy();
    Ok(found)
}

/// RFC 4731: `ESEARCH (TAG "a") UID ALL 2,10:11`; without `ALL` nothing was found.
fn extended_search(reader: &mut Reader<'_>) -> Read<UidSet> {
    let mut found = UidSet::new();
    loop {
        while reader.eat(b' ')? {}
        if reader.at_line_end()? {
            break;
        }
        if reader.peek()? == b'(' {
            reader.skip_value()?;
            continue;
        }
        let name = reader.word()?;
        if name.eq_ignore_ascii_case("UID") {
            continue;
        }
        reader.space()?;
        match name.eq_ignore_ascii_case("ALL") {
            true => number_set(reader, &mut found)?,
            false => reader.skip_value()?,
        }
    }
    reader.line_end()?;
    found.tidy();
    Ok(found)
}

fn number_set(reader: &mut Reader<'_>, found: &mut UidSet) -> Read<()> {
    loop {
        let first = reader.number32()?;
        let last = if reader.eat(b':')? { reader.number32()? } else { first };
        found.add(first, last).map_err(|_| SPANS)?;
        reader.forgive_line();
        if !reader.eat(b',')? {
            return Ok(());
        }
    }
}

/// Three lists of `(prefix delimiter extensions…)`, each perhaps `NIL`.
fn namespaces(reader: &mut Reader<'_>) -> Read<Vec<NamespaceItem>> {
    let mut found = Vec::new();
    for kind in NAMESPACE_ORDER {
        reader.space()?;
        if reader.peek()? != b'(' {
            reader.skip_value()?;
            continue;
        }
        reader.list(|reader| {
            let mut prefix = None;
            reader.list(|reader| {
                match &prefix {
                    None => prefix = Some(reader.string()?.unwrap_or_default()),
                    Some(_) => reader.skip_value()?,
                }
                Ok(())
            })?;
            let prefix = prefix.ok_or(ReadError::Syntax("a namespace has no prefix"))?;
            if found.len() < NAMESPACES_MAX {
                found.push(NamespaceItem { kind, prefix });
            }
            Ok(())
        })?;
    }
    reader.line_end()?;
    Ok(found)
}

impl Text {
    /// The first number behind the code, as in `[UIDVALIDITY 5]`.
    pub(super) fn number(&self) -> Option<u64> {
        self.arguments.split_ascii_whitespace().next()?.parse().ok()
    }

    /// `[APPENDUID 38505 3955]`: UIDVALIDITY and UID.
    pub(super) fn appended(&self) -> Option<(u32, u32)> {
        if self.code != "APPENDUID" {
            return None;
        }
        let (validity, uid) = self.arguments.trim().split_once(' ')?;
        Some((validity.parse().ok()?, uid.trim().parse().ok()?))
    }
}

/// What `INTERNALDATE` gives.
pub(super) fn moment(text: Option<Vec<u8>>) -> Option<model::Timestamp> {
    date::parse(std::str::from_utf8(&text?).ok()?)
}
