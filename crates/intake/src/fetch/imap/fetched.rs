//! `FETCH` responses (RFC 9051 §7.5.2). A body goes to its receiver while it arrives.

use model::Timestamp;

use super::reader::{LITERAL_OCTETS, Read, ReadError, Reader};
use super::response::moment;
use crate::fetch::{FetchError, Limit};

/// Header octets of one mail that are kept when a server is compared with the archive.
pub const HEADER_BYTES_MAX: usize = 4 * 1024;
/// Octets of an attribute's name, with the header fields that it lists.
const ATTRIBUTE_OCTETS: Limit = Limit::new("imap-attribute-octets", 2000);
/// Letters of one flag.
const FLAG_LETTERS_MAX: usize = 200;

/// What one response says about one mail; a server sends what it likes, and in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FetchItem {
    pub(super) uid: Option<u32>,
    pub(super) size_bytes: Option<u64>,
    pub(super) internal_date: Option<Timestamp>,
    pub(super) flags: Option<Vec<String>>,
    pub(super) header: Option<Vec<u8>>,
    pub(super) body: Body,
}

impl FetchItem {
    /// Of flags and header.
    pub(super) fn kept_octets(&self) -> u64 {
        let flags = self.flags.iter().flatten().map(String::len).sum::<usize>();
        (flags + self.header.as_ref().map_or(0, Vec::len)) as u64
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Body {
    #[default]
    Absent,
    /// `NIL`: the server has the mail, but not its octets.
    Missing,
    /// So many octets came, handed over or read over.
    Octets { count: u64 },
}

/// Where bodies go.
pub(super) trait Bodies {
    /// A body of so many octets follows. `false`: it is to be read over.
    fn begin(&mut self, uid: Option<u32>, octets: u64) -> Result<bool, FetchError>;
    fn octets(&mut self, run: &[u8]) -> Result<(), FetchError>;
    /// The response ended as its grammar says: what came is what was announced.
    fn complete(&mut self, item: &FetchItem) -> Read<()>;
}

/// For commands to which a body is no answer.
pub(super) struct NoBodies;

impl Bodies for NoBodies {
    fn begin(&mut self, _uid: Option<u32>, _octets: u64) -> Result<bool, FetchError> {
        Ok(false)
    }

    fn octets(&mut self, _run: &[u8]) -> Result<(), FetchError> {
        Ok(())
    }

    fn complete(&mut self, _item: &FetchItem) -> Read<()> {
        Ok(())
    }
}

/// From the opening to the closing parenthesis.
pub(super) fn read(reader: &mut Reader<'_>, bodies: &mut dyn Bodies) -> Read<FetchItem> {
    let mut item = FetchItem::default();
    reader.list(|reader| {
        let name = attribute(reader)?;
        reader.space()?;
        value(reader, bodies, &name, &mut item)
    })?;
    Ok(item)
}

fn value(
    reader: &mut Reader<'_>,
    bodies: &mut dyn Bodies,
    name: &str,
    item: &mut FetchItem,
) -> Read<()> {
    let digit = reader.peek()?.is_ascii_digit();
    match name {
        "UID" => item.uid = Some(reader.number32()?),
        // Some servers say "-1" or NIL of a mail that they cannot read.
        "RFC822.SIZE" if digit => item.size_bytes = Some(reader.number()?),
        "INTERNALDATE" => item.internal_date = moment(reader.string()?),
        "FLAGS" if reader.peek()? == b'(' => item.flags = Some(flags(reader)?),
        "BODY[]" | "BODY[]<0>" | "RFC822" => {
            if item.body != Body::Absent {
                return Err(ReadError::Syntax("a mail has two bodies"));
            }
            item.body = body(reader, bodies, item.uid)?;
        }
        _ if name.starts_with("BODY[HEADER") => item.header = header(reader)?,
        _ => reader.skip_value()?,
    }
    Ok(())
}

/// In capitals, with section and origin: `BODY[HEADER.FIELDS (DATE)]<0>`.
fn attribute(reader: &mut Reader<'_>) -> Read<String> {
    let mut name = reader.word()?;
    if name.contains('[') && !name.contains(']') {
        let section = reader.take_while(|octet| !matches!(octet, b']' | b'\r' | b'\n'))?;
        name.push_str(&String::from_utf8_lossy(&section));
        // "]" and what follows up to the space.
        name.push_str(&reader.word()?);
    }
    match name.len() as u64 > ATTRIBUTE_OCTETS.max {
        true => Err(ATTRIBUTE_OCTETS.into()),
        false => Ok(name.to_ascii_uppercase()),
    }
}

fn flags(reader: &mut Reader<'_>) -> Read<Vec<String>> {
    let mut flags = Vec::new();
    reader.list(|reader| {
        let flag = reader.word()?;
        if flag.chars().count() <= FLAG_LETTERS_MAX {
            flags.push(flag);
        }
        Ok(())
    })?;
    Ok(flags)
}

fn body(reader: &mut Reader<'_>, bodies: &mut dyn Bodies, uid: Option<u32>) -> Read<Body> {
    reader.eat(b'~')?;
    match reader.peek()? {
        b'{' => {
            let count = reader.literal_length()?;
            match bodies.begin(uid, count)? {
                true => reader.pass(count, &mut |run| Ok(bodies.octets(run)?))?,
                false => reader.skip_literal(count)?,
            }
            Ok(Body::Octets { count })
        }
        b'"' => {
            let octets = reader.quoted()?;
            let count = octets.len() as u64;
            if bodies.begin(uid, count)? {
                bodies.octets(&octets)?;
            }
            Ok(Body::Octets { count })
        }
        _ => match reader.string()? {
            None => Ok(Body::Missing),
            Some(_) => Err(ReadError::Syntax("a body is neither a string nor NIL")),
        },
    }
}

fn header(reader: &mut Reader<'_>) -> Read<Option<Vec<u8>>> {
    if reader.peek()? != b'{' {
        return reader.string();
    }
    const { assert!(HEADER_BYTES_MAX as u64 <= LITERAL_OCTETS.max) };
    let announced = reader.literal_length()?;
    reader.literal_begin(announced, HEADER_BYTES_MAX).map(Some)
}
