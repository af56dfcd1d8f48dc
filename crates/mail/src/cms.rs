//! The content of an opaque signature (RFC 5652 SignedData): read, not verified.

/// Constructed values inside each other.
const NESTING_MAX: usize = 16;

/// The octets that a SignedData object signs; `None` for encrypted or foreign data.
pub fn signed_content(octets: &[u8]) -> Option<Vec<u8>> {
    // ContentInfo ::= SEQUENCE { contentType, [0] SEQUENCE { version, digests, encapContentInfo … } }
    const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
    let info = value(octets, 0x30)?.0;
    let (content_type, rest) = value(info, 0x06)?;
    if content_type != SIGNED_DATA {
        return None;
    }
    let signed = value(value(rest, 0xa0)?.0, 0x30)?.0;
    let (_, rest) = value(signed, 0x02)?;
    let (_, rest) = value(rest, 0x31)?;
    let encapsulated = value(rest, 0x30)?.0;
    let (_, rest) = value(encapsulated, 0x06)?;
    let content = value(rest, 0xa0)?.0;
    let mut output = Vec::with_capacity(content.len());
    octet_string(content, &mut output, 0)?;
    Some(output)
}

/// An OCTET STRING, also one in pieces as BER allows.
fn octet_string(mut octets: &[u8], output: &mut Vec<u8>, depth: usize) -> Option<()> {
    while !octets.is_empty() && !octets.starts_with(&[0, 0]) && depth < NESTING_MAX {
        let (tag, content, rest) = element(octets, 0)?;
        match tag {
            0x04 => output.extend_from_slice(content),
            0x24 => octet_string(content, output, depth + 1)?,
            _ => return None,
        }
        octets = rest;
    }
    Some(())
}

fn value(octets: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = element(octets, 0)?;
    (found == tag).then_some((content, rest))
}

/// Tag, content and what follows of the element at the start; lengths may be indefinite.
fn element(octets: &[u8], depth: usize) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = octets.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if tag & 0x1f == 0x1f || depth > NESTING_MAX {
        return None;
    }
    if first == 0x80 {
        let mut at = rest;
        while !at.starts_with(&[0, 0]) {
            at = element(at, depth + 1)?.2;
        }
        return Some((tag, &rest[..rest.len() - at.len()], &at[2..]));
    }
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        let digits = rest.get(..count).filter(|digits| digits.len() <= 4)?;
        (digits.iter().fold(0, |length, &digit| length << 8 | usize::from(digit)), &rest[count..])
    };
    // A cut object still gives what is there.
    let length = length.min(rest.len());
    Some((tag, &rest[..length], &rest[length..]))
}
