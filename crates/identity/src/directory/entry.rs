//! An entry as the directory answers it, and names of entries.

/// One entry with the attributes that were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) dn: String,
    /// Names in lower case, with options such as `;range=0-1499`.
    pub(super) attributes: Vec<(String, Vec<Vec<u8>>)>,
}

/// A part of a long list of values (MS-ADTS §3.1.1.3.1.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    /// The last one in this part; `None`: the list ends here.
    pub(super) last: Option<u32>,
}

impl Entry {
    /// All values of an attribute, whatever its options.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let name = name.to_lowercase();
        self.attributes
            .iter()
            .filter(move |(found, _)| found.split(';').next() == Some(name.as_str()))
            .flat_map(|(_, values)| values.iter().map(Vec::as_slice))
    }

    /// The first value that is text, trimmed and not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.texts(name).next()
    }

    pub(super) fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.values(name)
            .filter_map(|value| std::str::from_utf8(value).ok())
            .map(str::trim)
            .filter(|value| !value.is_empty())
    }

    /// The first text under the first of these names that has one.
    pub(super) fn first_text(&self, names: &[String]) -> Option<&str> {
        names.iter().find_map(|name| self.text(name))
    }

    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    /// Whether only a part of the attribute's values was answered.
    pub(super) fn range(&self, name: &str) -> Option<Range> {
        let prefix = format!("{};range=", name.to_lowercase());
        self.attributes.iter().find_map(|(found, _)| {
            let (_, last) = found.strip_prefix(&prefix)?.split_once('-')?;
            if last == "*" {
                return Some(Range { last: None });
            }
            last.parse().ok().map(|last| Range { last: Some(last) })
        })
    }
}

/// What distinguished names are compared by: case and spaces around separators do not count, and
/// what is escaped without need is not (RFC 4514, without schema).
pub(super) fn dn_key(dn: &str) -> String {
    let mut octets = dn.bytes().peekable();
    let mut key: Vec<u8> = Vec::with_capacity(dn.len());
    let (mut spaces, mut at_start) = (0, true);
    while let Some(byte) = octets.next() {
        match byte {
            b' ' if at_start => continue,
            b' ' => {
                spaces += 1;
                continue;
            }
            b',' | b';' | b'=' | b'+' => {
                (spaces, at_start) = (0, true);
                key.push(if byte == b';' { b',' } else { byte });
                continue;
            }
            _ => {}
        }
        key.extend(std::iter::repeat_n(b' ', spaces));
        (spaces, at_start) = (0, false);
        if byte != b'\\' {
            key.push(byte);
            continue;
        }
        let Some(first) = octets.next() else { break };
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let second = octets.peek().copied().and_then(digit);
        let escaped = match digit(first).zip(second) {
            Some((high, low)) => {
                octets.next();
                // Two digits of four bits.
                (high * 16 + low) as u8
            }
            None => first,
        };
        if matches!(escaped, b',' | b'+' | b'=' | b';' | b'\\' | b' ') {
            key.push(b'\\');
        }
        key.push(escaped);
    }
    String::from_utf8_lossy(&key).to_lowercase()
}

/// A GUID as Windows writes it: the first three groups are little-endian (MS-DTYP §2.3.4.2).
pub(super) fn guid(octets: &[u8]) -> Option<String> {
    let g: &[u8; 16] = octets.try_into().ok()?;
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    let mut text = String::with_capacity(36);
    for (at, index) in order.into_iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{:02x}", g[index]));
    }
    Some(text)
}

/// The domain's part of a security identifier, and the relative one at its end (MS-DTYP §2.4.2.2).
pub(super) fn sid_parts(octets: &[u8]) -> Option<(&[u8], u32)> {
    let (domain, rid) = octets.split_last_chunk::<4>()?;
    (octets.len() >= 12).then(|| (domain, u32::from_le_bytes(*rid)))
}
