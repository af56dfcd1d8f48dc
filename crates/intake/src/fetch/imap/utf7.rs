//! Modified UTF-7 (RFC 3501 §5.1.3): how folder names travel until `UTF8=ACCEPT` is enabled.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/// The name in Unicode. `None` when the octets are not modified UTF-7: such a folder is shown by
/// its raw name and asked for by exactly that.
pub fn decode(raw: &[u8]) -> Option<String> {
    let mut name = String::with_capacity(raw.len());
    let mut at = 0;
    while let Some(&octet) = raw.get(at) {
        match octet {
            b'&' => {
                let length = raw[at + 1..].iter().position(|it| *it == b'-')?;
                let shifted = &raw[at + 1..at + 1 + length];
                match shifted.is_empty() {
                    true => name.push('&'),
                    false => name.push_str(&decode_shifted(shifted)?),
                }
                at += length + 2;
            }
            0x20..=0x7e => {
                name.push(char::from(octet));
                at += 1;
            }
            _ => return None,
        }
    }
    Some(name)
}

/// The inverse of [`decode`].
pub fn encode(name: &str) -> String {
    let mut raw = String::with_capacity(name.len());
    let mut shifted: Vec<u16> = Vec::new();
    for letter in name.chars() {
        let plain = matches!(letter, '\u{20}'..='\u{7e}');
        if plain && !shifted.is_empty() {
            encode_shifted(&std::mem::take(&mut shifted), &mut raw);
        }
        match letter {
            '&' => raw.push_str("&-"),
            _ if plain => raw.push(letter),
            _ => shifted.extend_from_slice(letter.encode_utf16(&mut [0; 2])),
        }
    }
    if !shifted.is_empty() {
        encode_shifted(&shifted, &mut raw);
    }
    raw
}

fn decode_shifted(shifted: &[u8]) -> Option<String> {
    let mut units = Vec::with_capacity(shifted.len() * 6 / 16);
    let (mut bits, mut held) = (0u32, 0u32);
    for octet in shifted {
        let digit = ALPHABET.iter().position(|it| it == octet)?;
        // At most 15 + 6 bits are held.
        bits = bits << 6 | digit as u32;
        held += 6;
        if held >= 16 {
            held -= 16;
            units.push((bits >> held & 0xffff) as u16);
            bits &= (1 << held) - 1;
        }
    }
    // What is left only fills the last digit: fewer bits than one digit, all zero.
    if held >= 6 || bits != 0 || units.is_empty() {
        return None;
    }
    String::from_utf16(&units).ok()
}

fn encode_shifted(units: &[u16], raw: &mut String) {
    let digit = |bits: u32| char::from(ALPHABET[(bits & 63) as usize]);
    raw.push('&');
    let (mut bits, mut held) = (0u32, 0u32);
    for unit in units {
        bits = bits << 16 | u32::from(*unit);
        held += 16;
        while held >= 6 {
            held -= 6;
            raw.push(digit(bits >> held));
        }
        bits &= (1 << held) - 1;
    }
    if held > 0 {
        raw.push(digit(bits << (6 - held)));
    }
    raw.push('-');
}
