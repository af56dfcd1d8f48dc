//! mbox in all four variants, streamed.
//!
//! A mail begins at the file's start or behind an empty line, with a line `From sender date`
//! whose date is one, followed by a header field or an empty line. Writers that do not end a
//! mail's last line leave out the empty line: then a header field must follow. Where the file's first such
//! line has no date (`From - `, `From 1844…@xxx`), the others need none either, but at most one
//! word and a header field behind them. A Content-Length is believed only when it leads exactly to
//! such a line or to the end of the file.

use std::io::{self, Read};

use memchr::memmem;

use super::{Quoting, Reason, WalkSettings};

/// What some editors put before a text in UTF-8.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// How much is read at first and at least, in bytes.
const READ_BYTES: usize = 256 * 1024;
/// How much of a file tells how it is quoted, in bytes.
const SNIFF_BYTES: usize = 16 << 20;
/// The longest `From ` line, in bytes.
const FROM_LINE_BYTES_MAX: usize = 1024;
/// What must be seen behind the beginning of a `From ` line to judge it, in bytes.
const LOOK_AHEAD_BYTES: usize = FROM_LINE_BYTES_MAX + 256;

/// Reads one mbox. Holds at most twice [`WalkSettings::mail_bytes_max`] or 16 MiB in memory,
/// and less when mails are smaller.
#[derive(Debug)]
pub struct MboxReader<R> {
    reader: R,
    buffer: Vec<u8>,
    /// The first octet in the buffer that was not handed out.
    at: usize,
    eof: bool,
    mail_bytes_max: usize,
    rules: Option<Rules>,
    quoting: Quoting,
    /// Whether `From ` lines must carry a date.
    dated: bool,
    consumed: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MboxMail {
    pub octets: Vec<u8>,
    /// Without its line end.
    pub from_line: Vec<u8>,
}

/// What is undone in mails that end by their Content-Length, and in the others.
#[derive(Clone, Copy, Debug)]
struct Rules {
    by_length: Quoting,
    by_lines: Quoting,
}

/// One mail in a buffer that begins with its `From ` line; offsets from there.
struct Extent {
    start: usize,
    body: usize,
    end: usize,
    next: usize,
    by_length: bool,
}

impl<R: Read> MboxReader<R> {
    /// Reads nothing yet.
    pub fn new(reader: R, settings: &WalkSettings) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
            at: 0,
            eof: false,
            mail_bytes_max: usize::try_from(settings.mail_bytes_max).unwrap_or(usize::MAX / 4),
            rules: None,
            quoting: settings.quoting,
            dated: true,
            consumed: 0,
        }
    }

    /// Octets of the file that were handed out or skipped.
    pub fn consumed_bytes(&self) -> u64 {
        self.consumed
    }

    /// The next mail; `None` at the end. Behind a mail that is too large it goes on with the
    /// one behind it; a read error ends it.
    pub fn next_mail(&mut self) -> Option<Result<MboxMail, Reason>> {
        match self.advance() {
            Ok(mail) => mail,
            Err(error) => {
                self.eof = true;
                self.skip(self.rest().len());
                Some(Err(Reason::Read(error)))
            }
        }
    }

    fn advance(&mut self) -> io::Result<Option<Result<MboxMail, Reason>>> {
        let rules = match self.rules {
            Some(rules) => rules,
            None => self.sniff()?,
        };
        self.skip_blank_lines()?;
        if self.rest().is_empty() {
            return Ok(None);
        }
        let mut scanned = 0;
        loop {
            let limit = self.mail_bytes_max;
            if let Some(extent) = extent(self.rest(), self.eof, self.dated, limit, &mut scanned) {
                if extent.end - extent.start > limit {
                    self.skip(extent.next);
                    return Ok(Some(Err(self.too_large())));
                }
                let mail = self.take(&extent, rules);
                self.skip(extent.next);
                return Ok(Some(Ok(mail)));
            }
            if self.rest().len() > limit.saturating_add(FROM_LINE_BYTES_MAX + LOOK_AHEAD_BYTES) {
                self.skip_to_next()?;
                return Ok(Some(Err(self.too_large())));
            }
            self.fill()?;
        }
    }

    fn too_large(&self) -> Reason {
        Reason::TooLarge { limit_bytes: self.mail_bytes_max as u64 }
    }

    fn take(&self, extent: &Extent, rules: Rules) -> MboxMail {
        let rest = self.rest();
        let quoting = if extent.by_length { rules.by_length } else { rules.by_lines };
        let mut octets = Vec::with_capacity(extent.end - extent.start);
        octets.extend_from_slice(&rest[extent.start..extent.body]);
        unquote(&rest[extent.body..extent.end], quoting, &mut octets);
        MboxMail { octets, from_line: rest[..extent.start].trim_ascii_end().to_vec() }
    }

    /// Throws away octets up to the next `From ` line, a buffer at a time.
    fn skip_to_next(&mut self) -> io::Result<()> {
        let mut from = 1;
        loop {
            if let Some(at) = boundary(self.rest(), from, self.eof, self.dated) {
                self.skip(at);
                return Ok(());
            }
            if self.eof {
                self.skip(self.rest().len());
                return Ok(());
            }
            // What was judged already goes; the two octets before a line tell an empty line.
            let keep = LOOK_AHEAD_BYTES + 8;
            self.skip(self.rest().len().saturating_sub(keep));
            from = 4.min(self.rest().len());
            self.fill()?;
        }
    }

    fn skip_blank_lines(&mut self) -> io::Result<()> {
        loop {
            let blank = self.rest().iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
            self.skip(blank);
            if !self.rest().is_empty() || self.eof {
                return Ok(());
            }
            self.fill()?;
        }
    }

    fn rest(&self) -> &[u8] {
        &self.buffer[self.at..]
    }

    fn skip(&mut self, count: usize) {
        self.at += count;
        self.consumed += count as u64;
    }

    /// Doubles what is in the buffer, or reaches the end of the file.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let wanted = READ_BYTES.max(self.buffer.len());
        let read = (&mut self.reader).take(wanted as u64).read_to_end(&mut self.buffer)?;
        self.eof = read < wanted;
        Ok(())
    }

    /// Looks at the beginning of the file to tell how it is quoted.
    fn sniff(&mut self) -> io::Result<Rules> {
        self.fill()?;
        if self.rest().starts_with(BYTE_ORDER_MARK) {
            self.skip(BYTE_ORDER_MARK.len());
        }
        self.dated = from_line(self.rest(), self.eof, true) == Some(true);
        let fixed = |quoting| Rules { by_length: quoting, by_lines: quoting };
        let rules = match self.quoting {
            Quoting::Auto => {
                while self.rest().len() < SNIFF_BYTES && !self.eof {
                    self.fill()?;
                }
                let bare = holds_bare_from_line(self.rest(), self.eof, self.dated);
                let by_length = if bare { Quoting::None } else { Quoting::Once };
                Rules { by_length, by_lines: Quoting::Every }
            }
            quoting => fixed(quoting),
        };
        self.rules = Some(rules);
        Ok(rules)
    }
}

/// Whether a mail that ends by its Content-Length has a body line that begins with `From `.
fn holds_bare_from_line(mut rest: &[u8], eof: bool, dated: bool) -> bool {
    while let Some(extent) = extent(rest, eof, dated, SNIFF_BYTES, &mut 0) {
        let body = &rest[extent.body..extent.end];
        if extent.by_length
            && (body.starts_with(b"From ") || memmem::find(body, b"\nFrom ").is_some())
        {
            return true;
        }
        rest = &rest[extent.next..];
        if rest.is_empty() {
            break;
        }
    }
    false
}

/// The mail at the beginning of `rest`; `None` when more must be read to tell. `scanned` keeps
/// what was searched in vain between calls.
fn extent(
    rest: &[u8],
    eof: bool,
    dated: bool,
    limit: usize,
    scanned: &mut usize,
) -> Option<Extent> {
    let start = match memchr::memchr(b'\n', rest) {
        Some(at) => at + 1,
        None if eof => rest.len(),
        None => return None,
    };
    let body = body_start(rest, start);
    if let Some(body) = body
        && let Some(length) = content_length(&rest[start..body]).filter(|length| *length <= limit)
    {
        let end = body + length;
        if end + LOOK_AHEAD_BYTES > rest.len() && !eof {
            return None;
        }
        if let Some(next) = ends_exactly(rest, end, eof, dated) {
            return Some(Extent { start, body, end, next, by_length: true });
        }
    }
    let body = body.unwrap_or(rest.len());
    let next = match boundary(rest, start.max(*scanned), eof, dated) {
        Some(next) => next,
        None if eof => rest.len(),
        None => {
            *scanned = rest.len().saturating_sub(LOOK_AHEAD_BYTES + 8);
            return None;
        }
    };
    let end = without_blank_line(&rest[..next], start);
    Some(Extent { start, body: body.min(end), end, next, by_length: false })
}

/// Behind the empty line that ends the header; the search begins at the `From ` line's end, so
/// that a header of no lines counts.
fn body_start(rest: &[u8], start: usize) -> Option<usize> {
    let mut line = start;
    loop {
        let tail = rest.get(line..)?;
        if tail.starts_with(b"\n") {
            return Some(line + 1);
        }
        if tail.starts_with(b"\r\n") {
            return Some(line + 2);
        }
        line += memchr::memchr(b'\n', tail)? + 1;
    }
}

fn content_length(header: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length:";
    header.split(|b| *b == b'\n').find_map(|line| {
        let (name, value) = line.split_at_checked(NAME.len())?;
        let value = name.eq_ignore_ascii_case(NAME).then(|| value.trim_ascii())?;
        std::str::from_utf8(value).ok()?.parse().ok()
    })
}

/// Where the next mail begins when one ends at `end`: there is a `From ` line behind at most one
/// empty line, or nothing but empty lines.
fn ends_exactly(rest: &[u8], end: usize, eof: bool, dated: bool) -> Option<usize> {
    let tail = rest.get(end..)?;
    if eof && tail.iter().all(|b| matches!(b, b'\r' | b'\n')) {
        return Some(rest.len());
    }
    let gap = match tail {
        [b'\n', ..] => 1,
        [b'\r', b'\n', ..] => 2,
        _ if rest[..end].ends_with(b"\n") => 0,
        _ => return None,
    };
    (from_line(&tail[gap..], eof, dated) == Some(true)).then_some(end + gap)
}

/// The next `From ` line behind an empty line, from `from` on.
fn boundary(rest: &[u8], from: usize, eof: bool, dated: bool) -> Option<usize> {
    // The line end of the empty line itself may stand before `from`.
    let from = from.saturating_sub(1);
    memmem::find_iter(rest.get(from..)?, b"\nFrom ").map(|at| from + at).find_map(|at| {
        let empty = rest[..at].ends_with(b"\n") || rest[..at].ends_with(b"\n\r");
        let line = &rest[at + 1..];
        let divides = from_line(line, eof, dated) == Some(true) && (empty || is_plain(line, dated));
        divides.then_some(at + 1)
    })
}

/// Whether a `From ` line without an empty line before it divides: a header field follows, and
/// where dates are not asked for it is `From -`.
fn is_plain(rest: &[u8], dated: bool) -> bool {
    let line_end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    let (line, next) = rest.split_at(line_end);
    (dated || line.trim_ascii_end() == b"From -" || ends_with_date(line))
        && super::kinds::begins_with_field(next.get(1..).unwrap_or_default())
}

/// The empty line before the next `From ` line, or at the end, belongs to the mbox.
fn without_blank_line(mail: &[u8], start: usize) -> usize {
    let end = mail.len();
    let text = &mail[start.min(end)..];
    let blank = if text.ends_with(b"\n\r\n") || text == b"\r\n" {
        2
    } else if text.ends_with(b"\n\n") || text == b"\n" {
        1
    } else {
        0
    };
    end - blank
}

/// Whether `rest` begins with a `From ` line that begins a mail; `None` when too little of it is
/// there to tell.
pub(super) fn from_line(rest: &[u8], eof: bool, dated: bool) -> Option<bool> {
    if !rest.starts_with(b"From ") {
        return if rest.len() >= 5 || eof { Some(false) } else { None };
    }
    let window = &rest[..rest.len().min(FROM_LINE_BYTES_MAX)];
    let line_end = match memchr::memchr(b'\n', window) {
        Some(at) => at,
        None if rest.len() >= FROM_LINE_BYTES_MAX => return Some(false),
        None if eof => rest.len(),
        None => return None,
    };
    let line = &rest[..line_end];
    let words = || line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    if !ends_with_date(line) && (dated || words().count() > 2) {
        return Some(false);
    }
    let next = rest.get(line_end + 1..).unwrap_or_default();
    if rest.len() < line_end + LOOK_AHEAD_BYTES - FROM_LINE_BYTES_MAX && !eof {
        return None;
    }
    let blank = next.is_empty() || next.starts_with(b"\n") || next.starts_with(b"\r\n");
    Some((blank && dated) || super::kinds::begins_with_field(next) || next.starts_with(b">From "))
}

/// `… Www Mmm dd hh:mm[:ss] yyyy` in any order behind the weekday, time zones among them.
fn ends_with_date(line: &[u8]) -> bool {
    const DAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    const MONTHS: &[&str] =
        &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let line = line.strip_prefix(b"From ").unwrap_or_default();
    let line = String::from_utf8_lossy(line).to_ascii_lowercase();
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let is_day = |word: &&str| DAYS.contains(&word.trim_end_matches(','));
    let Some(weekday) = words.iter().rposition(is_day) else { return false };
    let (mut month, mut day, mut time, mut year, mut zones) = (0, 0, 0, 0, 0);
    for word in &words[weekday + 1..] {
        let digits = word.bytes().all(|b| b.is_ascii_digit());
        if MONTHS.contains(word) {
            month += 1;
        } else if digits && word.len() <= 2 {
            day += 1;
        } else if digits && word.len() == 4 && (word.starts_with("19") || word.starts_with("20")) {
            year += 1;
        } else if is_time(word) {
            time += 1;
        } else if is_zone(word) {
            zones += 1;
        } else {
            return false;
        }
    }
    (month, day, time, year) == (1, 1, 1, 1) && zones <= 2
}

fn is_time(word: &str) -> bool {
    let parts: Vec<_> = word.split(':').collect();
    let digits =
        |part: &&str| matches!(part.len(), 1 | 2) && part.bytes().all(|b| b.is_ascii_digit());
    matches!(parts.len(), 2 | 3) && parts.iter().all(digits)
}

fn is_zone(word: &str) -> bool {
    let offset = word.strip_prefix(['+', '-']);
    let word = word.trim_start_matches('(').trim_end_matches(')');
    offset.is_some_and(|o| o.len() == 4 && o.bytes().all(|b| b.is_ascii_digit()))
        || (matches!(word.len(), 1..=5) && word.bytes().all(|b| b.is_ascii_alphabetic()))
}

/// Appends the body with the quoting of `From ` lines undone.
fn unquote(body: &[u8], quoting: Quoting, octets: &mut Vec<u8>) {
    let mut copied = 0;
    let candidates: &mut dyn Iterator<Item = usize> = match quoting {
        Quoting::None => &mut std::iter::empty(),
        _ => &mut memmem::find_iter(body, b">From "),
    };
    for at in candidates {
        let signs = body[..at].iter().rev().take_while(|b| **b == b'>').count();
        let line = at - signs;
        let begins_line = line == 0 || body[line - 1] == b'\n';
        if begins_line && (signs == 0 || quoting != Quoting::Once) {
            octets.extend_from_slice(&body[copied..line]);
            copied = line + 1;
        }
    }
    octets.extend_from_slice(&body[copied..]);
}
