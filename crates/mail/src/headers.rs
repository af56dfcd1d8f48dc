use memchr::memchr;

/// One header field: the name as written, the raw value with its folds, without the last line end.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    pub name: &'a [u8],
    pub value: &'a [u8],
}

impl Field<'_> {
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// Where a header block ends and what follows it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    pub start: usize,
    /// Behind the last field's line end.
    pub end: usize,
    pub body: usize,
}

impl Block {
    pub fn fields<'a>(&self, octets: &'a [u8]) -> Fields<'a> {
        Fields { rest: octets.get(self.start..self.end).unwrap_or_default() }
    }
}

/// Finds the header block that begins at `start` (RFC 5322 §2.2). It ends at an empty line, at a
/// line for which `is_boundary` holds, or where the lines are no fields any more.
pub fn block(octets: &[u8], start: usize, is_boundary: impl Fn(&[u8]) -> bool) -> Block {
    let mut at = start;
    while at < octets.len() {
        let (line, next) = line(octets, at);
        if line.is_empty() {
            return Block { start, end: at, body: next };
        }
        if line.starts_with(b"--") && is_boundary(line) {
            return Block { start, end: at, body: at };
        }
        let folded = at > start && is_blank(line[0]);
        let foreign = !folded && field_name(line).is_none() && !line.starts_with(b"=?");
        if foreign && !resumes(octets, next) {
            return Block { start, end: at, body: at };
        }
        at = next;
    }
    Block { start, end: octets.len(), body: octets.len() }
}

/// Lines that are no fields in the middle of a header block; with more, the body has begun.
const FOREIGN_LINES_MAX: usize = 32;

/// Whether the header block goes on behind a line that is no field: any field directly, or a
/// well-known one some lines later, before an empty line.
fn resumes(octets: &[u8], from: usize) -> bool {
    let mut at = from;
    for passed in 0..FOREIGN_LINES_MAX {
        let (line, next) = line(octets, at);
        match field_name(line) {
            _ if line.is_empty() => return false,
            Some(name) if passed == 0 || is_well_known(name) => return true,
            _ => at = next,
        }
    }
    false
}

fn is_well_known(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let starts = [&b"x-"[..], b"content-", b"arc-", b"list-", b"dkim-", b"received"];
    let names = [
        &b"bcc"[..],
        b"cc",
        b"date",
        b"from",
        b"in-reply-to",
        b"message-id",
        b"mime-version",
        b"references",
        b"reply-to",
        b"return-path",
        b"sender",
        b"subject",
        b"to",
    ];
    starts.iter().any(|start| name.starts_with(start)) || names.contains(&name.as_slice())
}

/// Where the header block of a mail starts: behind a byte order mark, an mbox `From ` line and
/// leading empty lines.
pub fn mail_start(octets: &[u8]) -> usize {
    let mut at = if octets.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    while at < octets.len() {
        let (line, next) = line(octets, at);
        let skipped = line.is_empty() || line.starts_with(b"From ") || line.starts_with(b">From ");
        if !skipped {
            break;
        }
        at = next;
    }
    at
}

/// The header block of a mail.
pub fn mail_block(octets: &[u8]) -> Block {
    block(octets, mail_start(octets), |_| false)
}

/// The line at `at` without its end, and where the next one begins.
pub fn line(octets: &[u8], at: usize) -> (&[u8], usize) {
    let rest = octets.get(at..).unwrap_or_default();
    match memchr(b'\n', rest) {
        Some(length) => {
            let line = &rest[..length];
            (line.strip_suffix(b"\r").unwrap_or(line), at + length + 1)
        }
        None => (rest.strip_suffix(b"\r").unwrap_or(rest), octets.len()),
    }
}

pub fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// The field name at the start of a line; blanks before the colon are tolerated.
fn field_name(line: &[u8]) -> Option<&[u8]> {
    let length = line.iter().position(|&byte| !(33..=126).contains(&byte) || byte == b':')?;
    let blanks = line[length..].iter().take_while(|&&byte| is_blank(byte)).count();
    (length > 0 && line.get(length + blanks) == Some(&b':')).then(|| &line[..length])
}

/// The fields of a header block in order; lines that are no fields are passed over.
#[derive(Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let length = folded_length(self.rest);
            let (field, rest) = self.rest.split_at(length);
            self.rest = rest;
            if let Some(name) = field_name(field) {
                let colon = memchr(b':', field)?;
                return Some(Field { name, value: trim_line_end(&field[colon + 1..]) });
            }
        }
    }
}

/// The length of the line at the start and of those folded onto it, line ends included. An
/// encoded word at the start of a line was folded without the blank that a fold needs.
fn folded_length(octets: &[u8]) -> usize {
    let mut at = 0;
    while let Some(length) = memchr(b'\n', &octets[at..]) {
        at += length + 1;
        let next = &octets[at..];
        if !next.first().is_some_and(|&byte| is_blank(byte)) && !next.starts_with(b"=?") {
            return at;
        }
    }
    octets.len()
}

pub fn trim_line_end(value: &[u8]) -> &[u8] {
    let value = value.strip_suffix(b"\n").unwrap_or(value);
    value.strip_suffix(b"\r").unwrap_or(value)
}
