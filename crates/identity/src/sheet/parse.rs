use std::collections::HashMap;

use model::EmailAddress;
use zeroize::Zeroizing;

use super::{Finding, SHEET_BYTES_MAX, SHEET_LINES_MAX, SHEET_PASSWORDS_MAX};
use crate::ACCOUNT_ADDRESSES_MAX;

/// User ID, password, first name, last name, e-mail.
const COLUMNS_MIN: usize = 5;

/// Longer names are refused, as the catalog does.
const NAME_CHARS_MAX: usize = catalog::USER_NAME_CHARS_MAX;

/// RFC 5321 §4.5.3.1: 64 octets and 255 octets around the `@`.
const ADDRESS_CHARS_MAX: usize = 320;

/// A file as lines, each with what is wrong with it by itself.
pub struct Sheet {
    pub lines: Vec<Line>,
    pub notes: Vec<Finding>,
}

pub struct Line {
    pub number: u64,
    pub user_name: String,
    /// Empty: none.
    pub password: Zeroizing<String>,
    pub first_name: String,
    pub last_name: String,
    pub addresses: Vec<EmailAddress>,
    pub errors: Vec<Finding>,
}

pub fn finding(code: &'static str, detail: impl Into<String>) -> Finding {
    Finding { code, detail: detail.into() }
}

impl Line {
    fn broken(number: u64, error: Finding) -> Self {
        Self {
            number,
            user_name: String::new(),
            password: Zeroizing::default(),
            first_name: String::new(),
            last_name: String::new(),
            addresses: Vec::new(),
            errors: vec![error],
        }
    }
}

/// Never fails: what cannot be read is a line with an error.
pub fn parse(octets: &[u8]) -> Sheet {
    let mut notes = Vec::new();
    let alone = |error| Sheet { lines: vec![Line::broken(1, error)], notes: Vec::new() };
    if octets.len() > SHEET_BYTES_MAX {
        return alone(finding("too-large", "the file is larger than 8 MiB"));
    }
    if octets.starts_with(&[0xff, 0xfe]) || octets.starts_with(&[0xfe, 0xff]) {
        return alone(finding("encoding", "the file is UTF-16; save it as UTF-8"));
    }
    let octets = match octets.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => {
            notes.push(finding("byte-order-mark", "the byte order mark is left out"));
            rest
        }
        None => octets,
    };
    let text = match std::str::from_utf8(octets) {
        Ok(text) => text,
        Err(error) => {
            let before = &octets[..error.valid_up_to()];
            let number = 1 + before.iter().filter(|octet| **octet == b'\n').count() as u64;
            let error = finding("encoding", "the line is not UTF-8");
            return Sheet { lines: vec![Line::broken(number, error)], notes };
        }
    };
    let mut lines = records(text);
    doubles(&mut lines);
    Sheet { lines, notes }
}

fn records(text: &str) -> Vec<Line> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut lines: Vec<Line> = Vec::new();
    let mut passwords = 0;
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let number = error.position().map_or(0, csv::Position::line);
                lines.push(Line::broken(number, finding("syntax", "the line is not CSV")));
                return lines;
            }
        };
        let number = record.position().map_or(0, csv::Position::line);
        if lines.len() == SHEET_LINES_MAX {
            let error = finding("too-many-lines", format!("at most {SHEET_LINES_MAX} lines"));
            lines.push(Line::broken(number, error));
            return lines;
        }
        let mut line = read(number, &record);
        passwords += usize::from(!line.password.is_empty());
        if passwords == SHEET_PASSWORDS_MAX + 1 && !line.password.is_empty() {
            let detail = format!("at most {SHEET_PASSWORDS_MAX} passwords in one file");
            line.errors.push(finding("too-many-passwords", detail));
        }
        lines.push(line);
    }
    lines
}

fn read(number: u64, record: &csv::StringRecord) -> Line {
    if record.len() < COLUMNS_MIN {
        let semicolons = record.len() == 1 && record[0].contains(';');
        return Line::broken(
            number,
            match semicolons {
                true => finding("separator", "columns are separated by commas, not by semicolons"),
                false => finding(
                    "missing-columns",
                    format!("{} of at least {COLUMNS_MIN} columns", record.len()),
                ),
            },
        );
    }
    let text = |column: usize| record[column].trim().to_owned();
    let mut line = Line {
        number,
        user_name: text(0),
        password: Zeroizing::new(record[1].to_owned()),
        first_name: text(2),
        last_name: text(3),
        addresses: Vec::new(),
        errors: Vec::new(),
    };
    if number == 1 && line.user_name.eq_ignore_ascii_case("user id") {
        return Line::broken(number, finding("header", "a header line is not expected"));
    }
    let user = &line.user_name;
    if user.is_empty() {
        line.errors.push(finding("missing-user", "the user name is missing"));
    } else if user.chars().count() > NAME_CHARS_MAX || user.chars().any(char::is_control) {
        line.errors.push(finding("bad-user", "the user name is too long or not printable"));
    }
    for name in [&line.first_name, &line.last_name] {
        if name.chars().count() > NAME_CHARS_MAX {
            line.errors.push(finding("bad-name", "a name is too long"));
        }
    }
    for cell in record.iter().skip(COLUMNS_MIN - 1).map(str::trim).filter(|it| !it.is_empty()) {
        let address = EmailAddress::new(cell);
        if !is_address(address.as_str()) {
            let shown: String = cell.chars().take(100).collect();
            line.errors.push(finding("bad-address", format!("{shown} is no e-mail address")));
        } else {
            line.addresses.push(address);
        }
    }
    if line.addresses.len() > ACCOUNT_ADDRESSES_MAX {
        let detail = format!("at most {ACCOUNT_ADDRESSES_MAX} addresses");
        line.errors.push(finding("too-many-addresses", detail));
    }
    line
}

/// Whether it can be somebody's own: one `@` with something on both sides, no space, nothing that
/// cannot be printed.
fn is_address(text: &str) -> bool {
    let parts = text.rsplit_once('@');
    parts.is_some_and(|(local, domain)| {
        !local.is_empty() && !local.contains('@') && {
            let labels = domain.split('.').all(|label| !label.is_empty());
            labels && !domain.is_empty()
        }
    }) && text.chars().count() <= ADDRESS_CHARS_MAX
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>,;\"".contains(c))
}

/// Names who and what stands in the file twice.
fn doubles(lines: &mut [Line]) {
    let mut users: HashMap<String, u64> = HashMap::new();
    let mut owners: HashMap<String, u64> = HashMap::new();
    for line in lines.iter_mut().filter(|line| !line.user_name.is_empty()) {
        if let Some(first) = users.get(&line.user_name.to_lowercase()) {
            let detail = format!("the user stands in line {first} already");
            line.errors.push(finding("duplicate-user", detail));
        } else {
            users.insert(line.user_name.to_lowercase(), line.number);
        }
        for address in &line.addresses {
            if let Some(first) = owners.get(&address.key()) {
                let detail = format!("{address} stands in line {first} already");
                line.errors.push(finding("duplicate-address", detail));
            } else {
                owners.insert(address.key(), line.number);
            }
        }
    }
}
