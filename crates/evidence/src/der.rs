//! Strict DER (X.690 §10): definite and shortest lengths, shortest integers, exact tags.
//!
//! Read here and not with a derive, because a proof needs the very octets that were hashed: a
//! reader that sorts a set or normalises anything while decoding cannot give them back.

use crate::{EvidenceError, Result};

pub const BOOLEAN: u8 = 0x01;
pub const INTEGER: u8 = 0x02;
pub const BIT_STRING: u8 = 0x03;
pub const OCTET_STRING: u8 = 0x04;
pub const NULL: u8 = 0x05;
pub const OID: u8 = 0x06;
pub const ENUMERATED: u8 = 0x0a;
pub const UTF8_STRING: u8 = 0x0c;
pub const UTC_TIME: u8 = 0x17;
pub const GENERALIZED_TIME: u8 = 0x18;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;

/// The tag of a context-specific primitive field.
pub const fn context(number: u8) -> u8 {
    0x80 | number
}

/// The tag of a context-specific constructed field.
pub const fn constructed(number: u8) -> u8 {
    0xa0 | number
}

/// One element: its tag, its content, and all of its octets.
#[derive(Clone, Copy, Debug)]
pub struct Tlv<'a> {
    pub tag: u8,
    pub value: &'a [u8],
    pub raw: &'a [u8],
}

/// Reads elements one after the other; `structure` names them in errors.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    structure: &'static str,
}

impl<'a> Reader<'a> {
    pub const fn new(octets: &'a [u8], structure: &'static str) -> Self {
        Self { rest: octets, structure }
    }

    /// The one element that `octets` consist of.
    pub fn whole(octets: &'a [u8], tag: u8, structure: &'static str) -> Result<Tlv<'a>> {
        let mut reader = Self::new(octets, structure);
        let tlv = reader.expect(tag)?;
        reader.finish()?;
        Ok(tlv)
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn flaw(&self, flaw: &'static str) -> EvidenceError {
        EvidenceError::Malformed { structure: self.structure, flaw }
    }

    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub fn next(&mut self) -> Result<Tlv<'a>> {
        let octets = self.rest;
        let [tag, first, ..] = *octets else { return Err(self.flaw("it ends too early")) };
        if tag & 0x1f == 0x1f {
            return Err(self.flaw("a tag number is too high"));
        }
        let (length, header) = match first {
            0..=0x7f => (usize::from(first), 2),
            0x80 => return Err(self.flaw("a length is indefinite")),
            0x81..=0x84 => self.long_length(octets, usize::from(first & 0x7f))?,
            _ => return Err(self.flaw("a length is too long")),
        };
        let end = header + length;
        let (Some(raw), Some(rest)) = (octets.get(..end), octets.get(end..)) else {
            return Err(self.flaw("it ends too early"));
        };
        self.rest = rest;
        Ok(Tlv { tag, value: &raw[header..], raw })
    }

    fn long_length(&self, octets: &[u8], count: usize) -> Result<(usize, usize)> {
        let Some(digits) = octets.get(2..2 + count) else {
            return Err(self.flaw("it ends too early"));
        };
        let length = digits.iter().fold(0usize, |sum, digit| (sum << 8) | usize::from(*digit));
        if digits[0] == 0 || length < 0x80 {
            return Err(self.flaw("a length is not in its shortest form"));
        }
        Ok((length, 2 + count))
    }

    pub fn expect(&mut self, tag: u8) -> Result<Tlv<'a>> {
        match self.peek() {
            Some(found) if found == tag => self.next(),
            Some(_) => Err(self.flaw("an element has another type")),
            None => Err(self.flaw("an element is missing")),
        }
    }

    pub fn optional(&mut self, tag: u8) -> Result<Option<Tlv<'a>>> {
        if self.peek() == Some(tag) { self.next().map(Some) } else { Ok(None) }
    }

    /// A reader of the content of the next element.
    pub fn inside(&mut self, tag: u8) -> Result<Reader<'a>> {
        Ok(Self::new(self.expect(tag)?.value, self.structure))
    }

    pub fn inside_optional(&mut self, tag: u8) -> Result<Option<Reader<'a>>> {
        Ok(self.optional(tag)?.map(|tlv| Self::new(tlv.value, self.structure)))
    }

    /// The content octets of an INTEGER in two's complement.
    pub fn integer(&mut self) -> Result<&'a [u8]> {
        let value = self.expect(INTEGER)?.value;
        self.check_integer(value)?;
        Ok(value)
    }

    pub fn check_integer(&self, value: &[u8]) -> Result<()> {
        match value {
            [] => Err(self.flaw("an integer is empty")),
            [0, next, ..] if next & 0x80 == 0 => Err(self.flaw("an integer is too long")),
            [0xff, next, ..] if next & 0x80 != 0 => Err(self.flaw("an integer is too long")),
            _ => Ok(()),
        }
    }

    /// An INTEGER that is not negative and fits.
    pub fn number(&mut self) -> Result<u64> {
        let value = self.integer()?;
        self.unsigned(value)
    }

    pub fn unsigned(&self, value: &[u8]) -> Result<u64> {
        self.check_integer(value)?;
        if value[0] & 0x80 != 0 {
            return Err(self.flaw("an integer is negative"));
        }
        let digits = if value[0] == 0 { &value[1..] } else { value };
        if digits.len() > 8 {
            return Err(self.flaw("an integer is too great"));
        }
        Ok(digits.iter().fold(0, |sum, digit| (sum << 8) | u64::from(*digit)))
    }

    pub fn boolean(&self, value: &[u8]) -> Result<bool> {
        match value {
            [0] => Ok(false),
            [0xff] => Ok(true),
            _ => Err(self.flaw("a boolean is neither true nor false")),
        }
    }

    /// A BOOLEAN DEFAULT FALSE: in DER it stands there only when it is true.
    pub fn flag(&mut self) -> Result<bool> {
        let Some(tlv) = self.optional(BOOLEAN)? else { return Ok(false) };
        if self.boolean(tlv.value)? {
            return Ok(true);
        }
        Err(self.flaw("a default value is written out"))
    }

    pub fn oid(&mut self) -> Result<&'a [u8]> {
        let value = self.expect(OID)?.value;
        let complete = value.last().is_some_and(|last| last & 0x80 == 0);
        let mut starts = true;
        for octet in value {
            if starts && *octet == 0x80 {
                return Err(self.flaw("an object identifier is not in its shortest form"));
            }
            starts = octet & 0x80 == 0;
        }
        if complete { Ok(value) } else { Err(self.flaw("an object identifier is incomplete")) }
    }

    /// The octets of a BIT STRING that consists of whole octets.
    pub fn bits(&mut self) -> Result<&'a [u8]> {
        match self.expect(BIT_STRING)?.value {
            [0, octets @ ..] => Ok(octets),
            _ => Err(self.flaw("a bit string has no whole octets")),
        }
    }

    pub fn text(&mut self) -> Result<&'a str> {
        let value = self.expect(UTF8_STRING)?.value;
        std::str::from_utf8(value).map_err(|_| self.flaw("a text is not UTF-8"))
    }

    pub fn finish(&self) -> Result<()> {
        if self.is_empty() { Ok(()) } else { Err(self.flaw("more follows than belongs to it")) }
    }
}

/// The element with this content, in DER.
pub fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(value.len() + 6);
    append(&mut octets, tag, value);
    octets
}

/// [`tlv`] behind what is there.
pub fn append(into: &mut Vec<u8>, tag: u8, value: &[u8]) {
    write_header(into, tag, value.len());
    into.extend_from_slice(value);
}

pub fn write_header(into: &mut Vec<u8>, tag: u8, length: usize) {
    into.push(tag);
    if length < 0x80 {
        into.push(length as u8);
        return;
    }
    let digits = length.to_be_bytes();
    let skip = digits.iter().take_while(|digit| **digit == 0).count();
    into.push(0x80 | (digits.len() - skip) as u8);
    into.extend_from_slice(&digits[skip..]);
}

pub fn sequence(elements: &[&[u8]]) -> Vec<u8> {
    tlv(SEQUENCE, &elements.concat())
}

/// A SET OF: elements in the order of their encodings (X.690 §11.6).
pub fn set_of(tag: u8, mut elements: Vec<Vec<u8>>) -> Vec<u8> {
    elements.sort();
    elements.dedup();
    tlv(tag, &elements.concat())
}

pub fn unsigned(tag: u8, number: u64) -> Vec<u8> {
    unsigned_octets(tag, &number.to_be_bytes())
}

/// [`unsigned`] behind what is there.
pub fn append_unsigned(into: &mut Vec<u8>, tag: u8, number: u64) {
    // One bit more than the digits: the first one says that it is not negative.
    let bits = u64::BITS - number.leading_zeros();
    let length = (bits / 8 + 1) as usize;
    let mut octets = [0; 9];
    octets[1..].copy_from_slice(&number.to_be_bytes());
    append(into, tag, &octets[9 - length..]);
}

/// A number that is not negative, from its octets with the highest first.
pub fn unsigned_octets(tag: u8, octets: &[u8]) -> Vec<u8> {
    let skip = octets.iter().take_while(|octet| **octet == 0).count();
    let digits = &octets[skip..];
    let mut value = Vec::with_capacity(digits.len() + 1);
    if digits.first().is_none_or(|first| first & 0x80 != 0) {
        value.push(0);
    }
    value.extend_from_slice(digits);
    tlv(tag, &value)
}

/// The content of an AlgorithmIdentifier: its identifier, and the encoding of its parameters.
pub struct Algorithm<'a> {
    pub oid: &'a [u8],
    pub parameters: &'a [u8],
    /// Identifier and parameters together.
    pub content: &'a [u8],
}

impl<'a> Algorithm<'a> {
    pub fn read(reader: &mut Reader<'a>) -> Result<Self> {
        let tlv = reader.expect(SEQUENCE)?;
        Self::of(tlv.value, reader.structure)
    }

    /// From the content octets, as an implicit tag leaves them.
    pub fn of(content: &'a [u8], structure: &'static str) -> Result<Self> {
        let mut inner = Reader::new(content, structure);
        let oid = inner.oid()?;
        let parameters = inner.rest;
        if !inner.is_empty() {
            inner.next()?;
        }
        inner.finish()?;
        Ok(Self { oid, parameters, content })
    }

    /// Whether the parameters are absent or NULL, which count as equal for hash functions.
    pub fn is_bare(&self) -> bool {
        matches!(self.parameters, [] | [NULL, 0])
    }
}
