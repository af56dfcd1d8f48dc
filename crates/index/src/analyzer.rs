//! Text to words, the same way for mails and for questions.
//!
//! Case, diacritics and compatibility forms are folded; ß is ss; an e after a, o or u is dropped, so
//! that ü, ue and u are one. Runs of scripts without spaces become pairs of characters. E-mail
//! addresses are found whole, by domain and by their parts.

mod stem;

pub(crate) use stem::{Stems, next_text, stems, stems_once};
use unicode_normalization::UnicodeNormalization;

/// Grows whenever the same text would give other terms; an index of another version is rebuilt.
pub const ANALYZER_VERSION: u32 = 1;

/// Longer words are cut into pieces of this many bytes, in questions too, so that they are found.
pub(crate) const WORD_BYTES_MAX: usize = 1024;

/// RFC 5321 §4.5.3.1.3: a path has at most 256 octets; generous for each side of the `@`.
const ADDRESS_SIDE_BYTES_MAX: usize = 256;

/// What a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A whole e-mail address, at the position of its first part.
    Address,
    /// `@` and the domain of an address, at the position of the domain's first part.
    Domain,
    /// Two neighbouring characters of a script without spaces.
    Pair,
    /// The last character of a run of pairs; the only one of a run of one.
    Single,
    Word,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'a> {
    /// The term: folded, with e dropped after a, o, u. Addresses: in lower case only.
    pub text: &'a str,
    /// Folded only; what the English stemmer wants.
    pub folded: &'a str,
    /// Bytes of the given text.
    pub start: usize,
    pub end: usize,
    /// Counts words, from 0.
    pub position: u32,
    pub kind: Kind,
}

/// Hands the tokens of the text to `sink` in the order of their positions; returns the position
/// after the last one. Linear in the length of the text.
pub(crate) fn analyze(text: &str, sink: &mut dyn FnMut(Token<'_>)) -> u32 {
    let mut run = Run { text, sink, position: 0, folded: String::new(), term: String::new() };
    let mut address = next_address(text, 0);
    let mut at = 0;
    while let Some((start, end, class)) = next_run(text, at) {
        while address.as_ref().is_some_and(|address| address.end <= start) {
            address = next_address(text, start);
        }
        if let Some(address) = &address {
            run.address(address, start);
        }
        match class {
            Class::Pairs => run.pairs(start, end),
            Class::Word => run.word(start, end),
        }
        at = end;
    }
    run.position
}

struct Run<'a> {
    text: &'a str,
    sink: &'a mut dyn FnMut(Token<'_>),
    position: u32,
    folded: String,
    term: String,
}

impl Run<'_> {
    fn word(&mut self, start: usize, end: usize) {
        let mut from = start;
        while from < end {
            let mut to = end.min(from + WORD_BYTES_MAX);
            while !self.text.is_char_boundary(to) {
                to -= 1;
            }
            self.emit(from, to, Kind::Word, 1);
            from = to;
        }
    }

    fn pairs(&mut self, start: usize, end: usize) {
        let run = &self.text[start..end];
        let mut starts = run.char_indices().map(|(at, _)| start + at).peekable();
        while let Some(first) = starts.next() {
            match starts.peek() {
                Some(&second) => {
                    let to =
                        self.text[second..].chars().next().map_or(end, |c| second + c.len_utf8());
                    self.emit(first, to, Kind::Pair, 1);
                }
                None => self.emit(first, end, Kind::Single, 1),
            }
        }
    }

    fn emit(&mut self, start: usize, end: usize, kind: Kind, step: u32) {
        fold(&self.text[start..end], &mut self.folded);
        if self.folded.is_empty() {
            return;
        }
        conflate(&self.folded, &mut self.term);
        let (text, folded, position) = (&*self.term, &*self.folded, self.position);
        (self.sink)(Token { text, folded, start, end, position, kind });
        self.position += step;
    }

    /// Gives the tokens of the address that begin with the run at `start`.
    fn address(&mut self, address: &Address, start: usize) {
        if start == address.start {
            let term = self.text[address.start..address.end].to_lowercase();
            self.extra(&term, address.start, address.end, Kind::Address);
        }
        if start == address.at + 1 {
            let term = self.text[address.at..address.end].to_lowercase();
            self.extra(&term, address.at, address.end, Kind::Domain);
        }
    }

    fn extra(&mut self, term: &str, start: usize, end: usize, kind: Kind) {
        let position = self.position;
        (self.sink)(Token { text: term, folded: term, start, end, position, kind });
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Pairs,
    Word,
}

/// The next run of characters of one class at or after `at`.
fn next_run(text: &str, at: usize) -> Option<(usize, usize, Class)> {
    let octets = text.as_bytes();
    let mut start = at;
    let class = loop {
        let first = *octets.get(start)?;
        if first.is_ascii() {
            if first.is_ascii_alphanumeric() {
                break Class::Word;
            }
            start += 1;
            continue;
        }
        let c = text[start..].chars().next()?;
        match class_of(c) {
            // A mark or joiner alone begins no word.
            Some(class) if c.is_alphanumeric() => break class,
            _ => start += c.len_utf8(),
        }
    };
    let mut end = start;
    while let Some(&next) = octets.get(end) {
        if next.is_ascii() {
            if class == Class::Pairs || !next.is_ascii_alphanumeric() {
                break;
            }
            end += 1;
            continue;
        }
        let Some(c) = text[end..].chars().next() else { break };
        if class_of(c) != Some(class) {
            break;
        }
        end += c.len_utf8();
    }
    Some((start, end, class))
}

fn class_of(c: char) -> Option<Class> {
    match c {
        // Thai, Lao, Myanmar, Khmer; kana; Han with its extensions and compatibility forms.
        '\u{e00}'..='\u{eff}'
        | '\u{1000}'..='\u{109f}'
        | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}'
        | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}'
        | '\u{20000}'..='\u{323af}' => {
            (c.is_alphanumeric() || c == '\u{e4e}').then_some(Class::Pairs)
        }
        _ if c.is_alphanumeric() || is_inner(c) => Some(Class::Word),
        _ => None,
    }
}

/// Characters that belong to a word without being of it: combining marks, the soft hyphen,
/// zero-width joiners.
fn is_inner(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// Lower case without diacritics, in compatibility form.
fn fold(word: &str, folded: &mut String) {
    folded.clear();
    if word.is_ascii() {
        folded.push_str(word);
        folded.make_ascii_lowercase();
        return;
    }
    let decomposed = word.nfkd().flat_map(char::to_lowercase).nfkd();
    let mut bare = String::with_capacity(word.len());
    for c in decomposed.filter(|c| !is_inner(*c)) {
        match c {
            'ß' => bare.push_str("ss"),
            'æ' => bare.push_str("ae"),
            'œ' => bare.push_str("oe"),
            'ø' => bare.push('o'),
            'þ' => bare.push_str("th"),
            'ð' | 'đ' => bare.push('d'),
            'ł' => bare.push('l'),
            'ħ' => bare.push('h'),
            'ı' => bare.push('i'),
            'ŋ' => bare.push('n'),
            // Some compatibility forms hold spaces and signs, which no term may have; the voicing
            // marks of kana come together again with their letters below.
            _ if c.is_alphanumeric() || matches!(c, '\u{3099}' | '\u{309a}') => bare.push(c),
            _ => {}
        }
    }
    folded.extend(bare.nfc());
}

/// Drops every e behind a, o or u.
pub(crate) fn conflate(folded: &str, term: &mut String) {
    term.clear();
    if folded.is_ascii() {
        let mut after_vowel = false;
        // All of it is ASCII: every octet is a character.
        term.extend(folded.bytes().filter_map(|octet| {
            if octet == b'e' && after_vowel {
                return None;
            }
            after_vowel = matches!(octet, b'a' | b'o' | b'u');
            Some(char::from(octet))
        }));
        return;
    }
    let mut after_vowel = false;
    for c in folded.chars() {
        if c == 'e' && after_vowel {
            continue;
        }
        after_vowel = matches!(c, 'a' | 'o' | 'u');
        term.push(c);
    }
}

struct Address {
    start: usize,
    /// Where the `@` stands.
    at: usize,
    end: usize,
}

/// The next thing that looks like an e-mail address and begins at or after `from`.
fn next_address(text: &str, from: usize) -> Option<Address> {
    let mut search = from;
    loop {
        let at = search + text.as_bytes()[search..].iter().position(|octet| *octet == b'@')?;
        search = at + 1;
        let start = local_start(text, from, at);
        let end = domain_end(text, at + 1);
        if start < at && end > at + 1 {
            return Some(Address { start, at, end });
        }
    }
}

fn local_start(text: &str, from: usize, at: usize) -> usize {
    let mut start = at;
    for (before, c) in text[from..at].char_indices().rev() {
        let before = from + before;
        let inside = c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '%' | '&');
        if !inside || at - before > ADDRESS_SIDE_BYTES_MAX {
            break;
        }
        if c.is_alphanumeric() {
            start = before;
        }
    }
    start
}

fn domain_end(text: &str, start: usize) -> usize {
    let mut end = start;
    for (after, c) in text[start..].char_indices() {
        let inside = c.is_alphanumeric() || (after > 0 && matches!(c, '.' | '-'));
        if !inside || after > ADDRESS_SIDE_BYTES_MAX {
            break;
        }
        if c.is_alphanumeric() {
            end = start + after + c.len_utf8();
        }
    }
    end
}

/// One word of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub text: String,
    pub folded: String,
    /// Relative to the first word.
    pub position: u32,
    pub kind: Kind,
}

/// What a question's text asks for: the words of a phrase, in order.
pub(crate) fn asked(text: &str) -> Vec<Asked> {
    let mut words: Vec<Asked> = Vec::new();
    let mut pair_end = usize::MAX;
    analyze(text, &mut |token| {
        match token.kind {
            Kind::Address | Kind::Domain => return,
            // The last character of a longer run is part of the pair before it.
            Kind::Single if pair_end == token.end => return,
            Kind::Pair => pair_end = token.end,
            Kind::Single | Kind::Word => {}
        }
        words.push(Asked {
            text: token.text.to_owned(),
            folded: token.folded.to_owned(),
            position: token.position,
            kind: token.kind,
        });
    });
    words
}

/// The one e-mail address that the text consists of, in lower case.
pub(crate) fn whole_address(text: &str) -> Option<String> {
    let mut address: Option<(String, usize, usize)> = None;
    let mut only = true;
    analyze(text, &mut |token| match (&address, token.kind) {
        (None, Kind::Address) => address = Some((token.text.to_owned(), token.start, token.end)),
        (Some((_, start, end)), _) => only &= token.start >= *start && token.end <= *end,
        (None, _) => only = false,
    });
    address.filter(|_| only).map(|(address, ..)| address)
}

/// The beginning of an address term that the text is: `anna@ex` or `@ex`, in lower case.
pub(crate) fn address_prefix(text: &str) -> Option<String> {
    let (local, domain) = text.split_once('@')?;
    let in_local = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '%' | '&');
    let in_domain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-');
    let fits = local.chars().all(in_local)
        && local.starts_with(char::is_alphanumeric) != local.is_empty()
        && domain.chars().all(in_domain)
        && (!local.is_empty() || domain.starts_with(char::is_alphanumeric));
    fits.then(|| text.to_lowercase())
}

#[cfg(test)]
mod tests;
