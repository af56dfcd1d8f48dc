//! The part of BER (X.690) that LDAP uses: definite lengths, tags of one octet (RFC 4511 §5.1).
//!
//! Nothing here recurses: a server cannot exhaust the stack with nesting.

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// The octets are not what LDAP says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// One element: its tag and its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) octets: &'a [u8],
}

/// Reads the elements of one level, in order.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// The next element; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Element<'a>>, Malformed> {
        let Some(&tag) = self.0.first() else { return Ok(None) };
        let (header, length) = header(self.0)?.ok_or(Malformed)?;
        let octets = self.0.get(header..header + length).ok_or(Malformed)?;
        self.0 = &self.0[header + length..];
        Ok(Some(Element { tag, octets }))
    }

    /// The contents of the next element, which must have this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Result<&'a [u8], Malformed> {
        match self.next()? {
            Some(element) if element.tag == tag => Ok(element.octets),
            _ => Err(Malformed),
        }
    }

    /// The next element, an integer or enumeration of at most 32 bits.
    pub(super) fn integer(&mut self, tag: u8) -> Result<i32, Malformed> {
        let octets = self.expect(tag)?;
        let (&first, rest) = octets.split_first().ok_or(Malformed)?;
        if octets.len() > 4 {
            return Err(Malformed);
        }
        // The sign stands in the first octet (X.690 §8.3).
        let start = i32::from(first.cast_signed());
        Ok(rest.iter().fold(start, |value, byte| (value << 8) | i32::from(*byte)))
    }
}

/// Length of the header and of the contents of the element that `octets` begin with; `None` when
/// more octets are needed to say so. Lengths beyond 2^32 and indefinite ones are malformed.
pub(super) fn header(octets: &[u8]) -> Result<Option<(usize, usize)>, Malformed> {
    let Some(&[tag, first]) = octets.first_chunk() else { return Ok(None) };
    if tag & 0x1f == 0x1f {
        return Err(Malformed);
    }
    if first < 0x80 {
        return Ok(Some((2, usize::from(first))));
    }
    let count = usize::from(first & 0x7f);
    if count == 0 || count > 4 {
        return Err(Malformed);
    }
    let Some(length) = octets.get(2..2 + count) else { return Ok(None) };
    let length = length.iter().fold(0_usize, |length, byte| (length << 8) | usize::from(*byte));
    Ok(Some((2 + count, length)))
}

/// An element with this tag and these contents.
pub(super) fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(contents.len() + 6);
    octets.push(tag);
    match u8::try_from(contents.len()) {
        Ok(length) if length < 0x80 => octets.push(length),
        _ => {
            let length = contents.len().to_be_bytes();
            let zeros = length.iter().take_while(|byte| **byte == 0).count();
            let length = &length[zeros..];
            // At most 8 octets of length.
            octets.push(0x80 | length.len() as u8);
            octets.extend(length);
        }
    }
    octets.extend(contents);
    octets
}

/// An element whose contents are these elements.
pub(super) fn nested(tag: u8, elements: &[Vec<u8>]) -> Vec<u8> {
    element(tag, &elements.concat())
}

pub(super) fn integer(tag: u8, value: i32) -> Vec<u8> {
    let octets = value.to_be_bytes();
    // Nine equal bits at the beginning are one octet too many (X.690 §8.3.2).
    let spare = (0..3)
        .take_while(|at| {
            let sign = octets[at + 1] & 0x80 != 0;
            octets[*at] == if sign { 0xff } else { 0 }
        })
        .count();
    element(tag, &octets[spare..])
}

pub(super) fn text(tag: u8, text: &str) -> Vec<u8> {
    element(tag, text.as_bytes())
}

pub(super) fn boolean(value: bool) -> Vec<u8> {
    element(BOOLEAN, &[if value { 0xff } else { 0 }])
}
