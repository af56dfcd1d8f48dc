//! Address lists, dates and identifiers of header fields.

use mail_parser::parsers::MessageStream;
use mail_parser::{Addr, Address, HeaderValue};
use model::{EmailAddress, Mailbox, Timestamp};

use crate::encoded;

/// The mailboxes of an address list (RFC 5322 §3.4), groups taken apart, in order. An entry may
/// lack its name or its address, never both.
pub fn mailboxes(value: &[u8], charset_hint: Option<&str>) -> Vec<Mailbox> {
    let mut line = encoded::normalised(value, charset_hint).into_owned();
    line.push(b'\n');
    match MessageStream::new(&line).parse_address() {
        HeaderValue::Address(Address::List(list)) => list.iter().filter_map(mailbox).collect(),
        HeaderValue::Address(Address::Group(groups)) => {
            groups.iter().flat_map(|group| &group.addresses).filter_map(mailbox).collect()
        }
        _ => Vec::new(),
    }
}

fn mailbox(entry: &Addr<'_>) -> Option<Mailbox> {
    let name = entry.name.as_deref().unwrap_or_default();
    let address = entry.address.as_deref().unwrap_or_default();
    let (name, address) = if address.is_empty() && name.contains('@') && !name.contains(' ') {
        ("", name)
    } else {
        (name, address)
    };
    // A source route (RFC 5321 §4.1.2 A-d-l) is to be ignored.
    let address = match address.split_once(':') {
        Some((route, rest)) if route.starts_with('@') => rest,
        _ => address,
    };
    let clean =
        |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let name = clean(name).trim().to_owned();
    let address = EmailAddress::new(&clean(address));
    (!name.is_empty() || !address.is_empty()).then_some(Mailbox { name, address })
}

/// The moment of a Date field (RFC 5322 §3.3, with the obsolete zones).
pub fn date(value: &[u8]) -> Option<Timestamp> {
    let mut line = value.to_vec();
    line.push(b'\n');
    let HeaderValue::DateTime(moment) = MessageStream::new(&line).parse_date() else {
        return None;
    };
    (moment.is_valid() && moment.year > 0).then(|| Timestamp::from_seconds(moment.to_timestamp()))
}

/// The identifiers of Message-ID, In-Reply-To and References without angle brackets; a value
/// without brackets is one identifier.
pub fn identifiers(value: &[u8], count_max: usize) -> Vec<String> {
    let text = encoded::text(value, None);
    let bracketed: Vec<String> = text
        .split('<')
        .skip(1)
        .filter_map(|rest| rest.split_once('>'))
        .map(|(identifier, _)| identifier.split_whitespace().collect::<String>())
        .filter(|identifier| !identifier.is_empty())
        .take(count_max)
        .collect();
    if !bracketed.is_empty() {
        return bracketed;
    }
    let bare = text.trim().trim_matches(['<', '>']);
    if bare.is_empty() || bare.contains(' ') { Vec::new() } else { vec![bare.to_owned()] }
}
