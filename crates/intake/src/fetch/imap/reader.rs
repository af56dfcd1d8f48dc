//! The words that responses are made of (RFC 9051 §9), read octet by octet from a connection with a
//! limit on everything that is kept.

use crate::fetch::{FetchError, Limit};

/// Octets of one response outside its literals and number sets.
pub const LINE_OCTETS: Limit = Limit::new("imap-line-octets", 64 * 1024);
/// A literal that is kept in memory; bodies of mails are not.
pub const LITERAL_OCTETS: Limit = Limit::new("imap-literal-octets", 64 * 1024);
/// A literal that is read over, because nobody asked for it or its begin was enough.
pub const SKIPPED_OCTETS: Limit = Limit::new("imap-skipped-octets", 16 * 1024 * 1024);
/// All literals of one response that are kept.
pub const RESPONSE_OCTETS: Limit = Limit::new("imap-response-octets", 256 * 1024);
/// Lists within lists.
pub const NESTING: Limit = Limit::new("imap-nesting", 16);
/// Members of one list, such as flags.
pub const LIST_ITEMS: Limit = Limit::new("imap-list-items", 1000);

/// Why a response could not be read.
#[derive(Debug)]
pub(super) enum ReadError {
    /// The connection, a limit, or who takes the mail.
    Failed(FetchError),
    /// Not the grammar. What was read so far ends before the end of its line.
    Syntax(&'static str),
}

impl From<FetchError> for ReadError {
    fn from(error: FetchError) -> Self {
        Self::Failed(error)
    }
}

impl From<Limit> for ReadError {
    fn from(limit: Limit) -> Self {
        Self::Failed(FetchError::LimitExceeded(limit))
    }
}

pub(super) type Read<T> = Result<T, ReadError>;

/// Where the octets of responses come from.
pub(super) trait Source {
    /// What has come and was not consumed, at least one octet.
    ///
    /// # Errors
    /// When nothing comes any more, or not in time.
    fn held(&mut self) -> Result<&[u8], FetchError>;

    fn consume(&mut self, octets: usize);
}

/// Reads one response. How the octets arrive, in which pieces, makes no difference.
pub(super) struct Reader<'a> {
    input: &'a mut dyn Source,
    line_octets: u64,
    kept_octets: u64,
    met_literal: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(input: &'a mut dyn Source) -> Self {
        Self { input, line_octets: 0, kept_octets: 0, met_literal: false }
    }

    /// The next octet, which stays.
    pub(super) fn peek(&mut self) -> Read<u8> {
        match self.input.held()?.first() {
            Some(octet) => Ok(*octet),
            None => Err(FetchError::closed().into()),
        }
    }

    /// Goes past the octet that was peeked at.
    pub(super) fn bump(&mut self) -> Read<()> {
        self.count_line(1)?;
        self.input.consume(1);
        Ok(())
    }

    /// Number sets have a limit of their own.
    pub(super) fn forgive_line(&mut self) {
        self.line_octets = 0;
    }

    /// Whether a literal was announced in this response.
    pub(super) fn met_literal(&self) -> bool {
        self.met_literal
    }

    pub(super) fn eat(&mut self, octet: u8) -> Read<bool> {
        let there = self.peek()? == octet;
        if there {
            self.bump()?;
        }
        Ok(there)
    }

    pub(super) fn expect(&mut self, octet: u8, what: &'static str) -> Read<()> {
        if self.eat(octet)? { Ok(()) } else { Err(ReadError::Syntax(what)) }
    }

    /// One space; servers that send more are followed.
    pub(super) fn space(&mut self) -> Read<()> {
        self.expect(b' ', "a space is missing")?;
        while self.eat(b' ')? {}
        Ok(())
    }

    /// The end of the line. A line feed alone is one, too.
    pub(super) fn line_end(&mut self) -> Read<()> {
        while self.eat(b' ')? {}
        self.eat(b'\r')?;
        self.expect(b'\n', "more than expected on a line")
    }

    pub(super) fn at_line_end(&mut self) -> Read<bool> {
        Ok(matches!(self.peek()?, b'\r' | b'\n'))
    }

    /// Octets as long as `wanted` holds.
    pub(super) fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> Read<Vec<u8>> {
        let mut taken = Vec::new();
        loop {
            let octet = self.peek()?;
            if !wanted(octet) {
                return Ok(taken);
            }
            self.bump()?;
            taken.push(octet);
        }
    }

    /// A word of at least one octet, such as a keyword, flag or attribute.
    pub(super) fn word(&mut self) -> Read<String> {
        let octets = self.take_while(is_word)?;
        if octets.is_empty() {
            return Err(ReadError::Syntax("a word is missing"));
        }
        Ok(String::from_utf8_lossy(&octets).into_owned())
    }

    pub(super) fn number(&mut self) -> Read<u64> {
        let digits = self.take_while(|octet| octet.is_ascii_digit())?;
        // Digits are UTF-8; what is too long for the type fails.
        let number = std::str::from_utf8(&digits).ok().and_then(|digits| digits.parse().ok());
        number.ok_or(ReadError::Syntax("a number is missing"))
    }

    pub(super) fn number32(&mut self) -> Read<u32> {
        u32::try_from(self.number()?).map_err(|_| ReadError::Syntax("a number is too large"))
    }

    /// `nstring` or atom; `None` is `NIL`. At most [`LITERAL_OCTETS`].
    pub(super) fn string(&mut self) -> Read<Option<Vec<u8>>> {
        match self.peek()? {
            b'"' => self.quoted().map(Some),
            b'{' => {
                let announced = self.literal_length()?;
                self.literal(announced).map(Some)
            }
            first => {
                let tilde = first == b'~' && self.eat(b'~')?;
                if tilde && self.peek()? == b'{' {
                    let announced = self.literal_length()?;
                    return self.literal(announced).map(Some);
                }
                let mut word = self.take_while(is_word)?;
                if tilde {
                    word.insert(0, b'~');
                }
                match word.as_slice() {
                    [] => Err(ReadError::Syntax("a string is missing")),
                    word if word.eq_ignore_ascii_case(b"NIL") => Ok(None),
                    _ => Ok(Some(word)),
                }
            }
        }
    }

    /// A quoted string. Its octets are kept as they are, also those above 127.
    pub(super) fn quoted(&mut self) -> Read<Vec<u8>> {
        self.expect(b'"', "a quote is missing")?;
        let mut text = Vec::new();
        loop {
            let mut octet = self.peek()?;
            match octet {
                b'"' => {
                    self.bump()?;
                    return Ok(text);
                }
                b'\\' => {
                    self.bump()?;
                    octet = self.peek()?;
                    if matches!(octet, b'\r' | b'\n') {
                        return Err(ReadError::Syntax("a quoted string does not end"));
                    }
                }
                b'\r' | b'\n' => return Err(ReadError::Syntax("a quoted string does not end")),
                _ => {}
            }
            self.bump()?;
            text.push(octet);
        }
    }

    /// `{n}` or `{n+}` and the end of its line; the octets are still to come.
    pub(super) fn literal_length(&mut self) -> Read<u64> {
        self.expect(b'{', "a literal is missing")?;
        let length = self.number()?;
        self.met_literal = true;
        self.eat(b'+')?;
        self.expect(b'}', "the length of a literal does not end")?;
        self.eat(b'\r')?;
        self.expect(b'\n', "the length of a literal does not end its line")?;
        Ok(length)
    }

    /// The octets of a literal, kept.
    pub(super) fn literal(&mut self, announced: u64) -> Read<Vec<u8>> {
        if announced > LITERAL_OCTETS.max {
            return Err(LITERAL_OCTETS.into());
        }
        self.kept_octets += announced;
        if self.kept_octets > RESPONSE_OCTETS.max {
            return Err(RESPONSE_OCTETS.into());
        }
        // What is announced is reserved only as it arrives.
        let mut text = Vec::new();
        self.pass(announced, &mut |run| {
            text.extend_from_slice(run);
            Ok(())
        })?;
        Ok(text)
    }

    /// The first octets of a literal that may be long; the rest is read over.
    pub(super) fn literal_begin(&mut self, announced: u64, keep: usize) -> Read<Vec<u8>> {
        if announced > SKIPPED_OCTETS.max {
            return Err(SKIPPED_OCTETS.into());
        }
        let kept = announced.min(keep as u64);
        let text = self.literal(kept)?;
        self.skip_literal(announced - kept)?;
        Ok(text)
    }

    pub(super) fn skip_literal(&mut self, announced: u64) -> Read<()> {
        if announced > SKIPPED_OCTETS.max {
            return Err(SKIPPED_OCTETS.into());
        }
        self.pass(announced, &mut |_| Ok(()))
    }

    /// Hands over exactly `announced` octets as they arrive; memory does not grow with them.
    pub(super) fn pass(
        &mut self,
        announced: u64,
        to: &mut dyn FnMut(&[u8]) -> Read<()>,
    ) -> Read<()> {
        let mut left = announced;
        while left > 0 {
            let run = held(self.input)?;
            let length = usize::try_from(left).unwrap_or(usize::MAX).min(run.len());
            let outcome = to(&run[..length]);
            self.input.consume(length);
            left -= length as u64;
            outcome?;
        }
        Ok(())
    }

    /// The rest of the line as text, without its end. Octets that are not UTF-8 are replaced.
    pub(super) fn rest(&mut self) -> Read<String> {
        let mut text = Vec::new();
        loop {
            let run = held(self.input)?;
            let end = memchr::memchr(b'\n', run);
            let length = end.map_or(run.len(), |at| at + 1);
            text.extend_from_slice(&run[..length]);
            self.input.consume(length);
            self.count_line(length as u64)?;
            if end.is_some() {
                break;
            }
        }
        let text = text.strip_suffix(b"\n").unwrap_or(&text);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    /// Any value: string, literal, number, atom or list.
    pub(super) fn skip_value(&mut self) -> Read<()> {
        let mut depth = 0;
        let mut items = 0;
        loop {
            items += 1;
            if items > LIST_ITEMS.max {
                return Err(LIST_ITEMS.into());
            }
            match self.peek()? {
                b'(' => {
                    self.bump()?;
                    depth += 1;
                    if depth > NESTING.max {
                        return Err(NESTING.into());
                    }
                }
                b')' if depth > 0 => {
                    self.bump()?;
                    depth -= 1;
                }
                b' ' if depth > 0 => self.bump()?,
                b'"' => drop(self.quoted()?),
                b'{' => {
                    let announced = self.literal_length()?;
                    self.skip_literal(announced)?;
                }
                // `literal8`, or an atom.
                b'~' => {
                    self.bump()?;
                    if self.peek()? == b'{' {
                        let announced = self.literal_length()?;
                        self.skip_literal(announced)?;
                    } else {
                        self.take_while(is_word)?;
                    }
                }
                _ if self.take_while(is_word)?.is_empty() => {
                    return Err(ReadError::Syntax("a value is missing"));
                }
                _ => {}
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// The rest of a response, whatever it is: to the end of the line that no literal follows.
    pub(super) fn skip_line(&mut self) -> Read<()> {
        loop {
            let line = self.rest()?;
            let Some(announced) = literal_at_end(&line) else { return Ok(()) };
            self.skip_literal(announced)?;
        }
    }

    /// A list in parentheses, a value at a time.
    pub(super) fn list(&mut self, mut item: impl FnMut(&mut Self) -> Read<()>) -> Read<()> {
        self.expect(b'(', "a list is missing")?;
        let mut items = 0;
        loop {
            while self.eat(b' ')? {}
            if self.eat(b')')? {
                return Ok(());
            }
            items += 1;
            if items > LIST_ITEMS.max {
                return Err(LIST_ITEMS.into());
            }
            item(self)?;
        }
    }

    fn count_line(&mut self, octets: u64) -> Read<()> {
        self.line_octets += octets;
        if self.line_octets > LINE_OCTETS.max { Err(LINE_OCTETS.into()) } else { Ok(()) }
    }
}

fn held(input: &mut dyn Source) -> Read<&[u8]> {
    let run = input.held()?;
    if run.is_empty() { Err(FetchError::closed().into()) } else { Ok(run) }
}

/// More than `ATOM-CHAR`: flags begin with a backslash, and servers send `]`, `%`, `*` and octets
/// above 127 where they should not.
pub(super) fn is_word(octet: u8) -> bool {
    !matches!(octet, b'(' | b')' | b'{' | b'"' | b' ' | 0x00..=0x1f | 0x7f)
}

/// The announcement of a literal that ends a line.
fn literal_at_end(line: &str) -> Option<u64> {
    let inner = line.strip_suffix('}')?;
    let inner = inner.strip_suffix('+').unwrap_or(inner);
    inner.rsplit_once('{')?.1.parse().ok()
}
