use crate::Sort;

/// What a row is sorted by; of two numbers the larger comes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Number(u64),
    Text(String),
}

/// The last row of a page. The next page has the rows behind it, whatever arrived since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    pub key: Key,
    pub row: u64,
}

impl Cursor {
    /// `<sort>.<row>.<key>`, hexadecimal, fit for URLs.
    pub(super) fn encode(&self, sort: Sort) -> String {
        let key = match &self.key {
            Key::Number(key) => format!("{key:x}"),
            Key::Text(text) => text.bytes().map(|octet| format!("{octet:02x}")).collect(),
        };
        format!("{}.{:x}.{key}", sort.name(), self.row)
    }

    /// `None`: not a cursor of this sort order.
    pub(super) fn decode(text: &str, sort: Sort) -> Option<Self> {
        let rest = text.strip_prefix(sort.name())?.strip_prefix('.')?;
        let (row, key) = rest.split_once('.')?;
        let row = u64::from_str_radix(row, 16).ok()?;
        let textual = matches!(
            sort,
            Sort::SenderAscending
                | Sort::SenderDescending
                | Sort::SubjectAscending
                | Sort::SubjectDescending
        );
        let key = match textual {
            true => Key::Text(decode_hex(key)?),
            false => Key::Number(u64::from_str_radix(key, 16).ok()?),
        };
        Some(Self { key, row })
    }
}

fn decode_hex(text: &str) -> Option<String> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |octet: u8| char::from(octet).to_digit(16);
    let octets = pairs.iter().map(|[a, b]| Some((digit(*a)? * 16 + digit(*b)?) as u8));
    rest.is_empty()
        .then(|| octets.collect::<Option<Vec<_>>>())?
        .and_then(|octets| String::from_utf8(octets).ok())
}
