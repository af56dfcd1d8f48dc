//! Compressed RTF (MS-OXRTFCP), and the text or encapsulated HTML of RTF (MS-OXRTFEX).

use crate::charset;

use super::properties::label;

/// What the dictionary holds before the first octet (MS-OXRTFCP §2.1.2.1).
const DICTIONARY: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

/// Groups inside each other; text deeper than this is left out.
const GROUPS_MAX: usize = 10_000;

/// Unpacks a compressed RTF stream; a damaged one as far as it goes. At most 9 times as long.
pub fn decompress(data: &[u8]) -> Option<Vec<u8>> {
    let (head, content) = data.split_at_checked(16)?;
    match &head[8..12] {
        b"MELA" => Some(content.to_vec()),
        b"LZFu" => Some(expand(content)),
        _ => None,
    }
}

fn expand(content: &[u8]) -> Vec<u8> {
    let mut window = [b' '; 4096];
    window[..DICTIONARY.len()].copy_from_slice(DICTIONARY);
    let mut at = DICTIONARY.len();
    let mut output = Vec::with_capacity(content.len() * 4);
    let mut octets = content.iter().copied();
    while let Some(control) = octets.next() {
        for bit in 0..8 {
            let Some(first) = octets.next() else { return output };
            if control & (1 << bit) == 0 {
                output.push(first);
                window[at] = first;
                at = (at + 1) % window.len();
                continue;
            }
            let Some(second) = octets.next() else { return output };
            let offset = usize::from(first) << 4 | usize::from(second >> 4);
            if offset == at {
                return output;
            }
            for step in 0..usize::from(second & 15) + 2 {
                let octet = window[(offset + step) % window.len()];
                output.push(octet);
                window[at] = octet;
                at = (at + 1) % window.len();
            }
        }
    }
    output
}

pub struct Rtf {
    /// `text` is the source of an HTML document that the RTF encapsulates.
    pub is_html: bool,
    pub text: String,
}

/// The text of an RTF document.
pub fn rtf_to_text(octets: &[u8]) -> String {
    let rtf = read(octets);
    if rtf.is_html { crate::html_to_text(&rtf.text) } else { rtf.text }
}

/// Reads RTF. Never fails, never recurses.
pub fn read(octets: &[u8]) -> Rtf {
    let is_html = memchr::memmem::find(&octets[..octets.len().min(4096)], b"\\fromhtml").is_some();
    let mut reader = Reader {
        rest: octets,
        state: State {
            hidden: false,
            in_rtf: false,
            tag: false,
            fonts: false,
            fallback: 1,
            codepage: None,
        },
        stack: Vec::new(),
        is_html,
        document_codepage: None,
        fonts: Vec::new(),
        font: 0,
        pending: Vec::new(),
        pending_codepage: None,
        skip: 0,
        surrogate: None,
        text: String::new(),
    };
    reader.run();
    Rtf { is_html, text: reader.text }
}

#[derive(Clone, Copy)]
struct State {
    /// In a destination that is not text.
    hidden: bool,
    /// Between `\htmlrtf` and `\htmlrtf0`: RTF that stands for a tag.
    in_rtf: bool,
    /// In `{\*\htmltag …}`.
    tag: bool,
    fonts: bool,
    /// Octets that stand behind `\u` for readers without Unicode.
    fallback: usize,
    codepage: Option<&'static str>,
}

struct Reader<'a> {
    rest: &'a [u8],
    state: State,
    stack: Vec<State>,
    is_html: bool,
    document_codepage: Option<&'static str>,
    fonts: Vec<(i32, &'static str)>,
    font: i32,
    /// Octets whose code page is known, to be decoded together.
    pending: Vec<u8>,
    pending_codepage: Option<&'static str>,
    skip: usize,
    surrogate: Option<u16>,
    text: String,
}

impl Reader<'_> {
    fn run(&mut self) {
        while let Some((&byte, rest)) = self.rest.split_first() {
            self.rest = rest;
            match byte {
                b'{' => {
                    self.skip = 0;
                    if self.stack.len() >= GROUPS_MAX {
                        break;
                    }
                    self.stack.push(self.state);
                }
                b'}' => {
                    self.skip = 0;
                    self.flush();
                    self.state = self.stack.pop().unwrap_or(self.state);
                }
                b'\\' => self.control(),
                b'\r' | b'\n' | 0 => {}
                _ => self.octet(byte),
            }
        }
        self.flush();
    }

    fn is_shown(&self) -> bool {
        !(self.state.hidden || self.is_html && self.state.in_rtf)
    }

    fn octet(&mut self, byte: u8) {
        if self.skip > 0 {
            self.skip -= 1;
        } else if self.is_shown() {
            let codepage = self.state.codepage.or(self.document_codepage);
            if codepage != self.pending_codepage {
                self.flush();
                self.pending_codepage = codepage;
            }
            self.pending.push(byte);
        }
    }

    fn flush(&mut self) {
        self.surrogate = None;
        if !self.pending.is_empty() {
            let text =
                charset::decode(&self.pending, self.pending_codepage.or(Some("windows-1252")));
            self.text.push_str(&text);
            self.pending.clear();
        }
    }

    fn push(&mut self, text: &str) {
        if self.skip > 0 {
            self.skip -= 1;
        } else if self.is_shown() {
            self.flush();
            self.text.push_str(text);
        }
    }

    fn control(&mut self) {
        let Some((&first, rest)) = self.rest.split_first() else { return };
        if first.is_ascii_alphabetic() {
            return self.word();
        }
        self.rest = rest;
        match first {
            b'\'' => {
                let digits = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
                if let Some(octet) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                    self.rest = &rest[2..];
                    self.octet(octet);
                }
            }
            b'*' => self.unknown_destination(),
            b'~' => self.push("\u{a0}"),
            b'_' => self.push("-"),
            b'\\' | b'{' | b'}' => self.octet(first),
            b'\r' | b'\n' => self.push("\n"),
            _ => {}
        }
    }

    /// `\*`: a destination that may be passed over by who does not know it.
    fn unknown_destination(&mut self) {
        let html_tag = self.rest.starts_with(b"\\htmltag");
        if html_tag && self.is_html {
            self.state.tag = true;
        } else {
            self.state.hidden = true;
        }
    }

    fn word(&mut self) {
        let letters = self.rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let (word, rest) = self.rest.split_at(letters);
        let sign = usize::from(rest.first() == Some(&b'-'));
        let digits = rest[sign..].iter().take(10).take_while(|byte| byte.is_ascii_digit()).count();
        let number = std::str::from_utf8(&rest[..sign + digits])
            .ok()
            .and_then(|text| text.parse::<i32>().ok());
        let rest = if digits > 0 { &rest[sign + digits..] } else { rest };
        self.rest = rest.strip_prefix(b" ").unwrap_or(rest);
        self.apply(word, number);
    }

    fn apply(&mut self, word: &[u8], number: Option<i32>) {
        match word {
            b"ansicpg" => self.document_codepage = number.and_then(|code| label(code as u32)),
            b"bin" => {
                let length = usize::try_from(number.unwrap_or(0)).unwrap_or(0);
                self.rest = self.rest.get(length..).unwrap_or_default();
            }
            b"bullet" => self.push("•"),
            b"cell" | b"tab" => self.push(if word == b"cell" && self.is_html { "" } else { "\t" }),
            b"colortbl" | b"stylesheet" | b"info" | b"pict" | b"object" | b"header" | b"footer"
            | b"listtable" | b"listoverridetable" | b"filetbl" | b"revtbl" | b"themedata"
            | b"datastore" | b"xmlnstbl" => {
                self.flush();
                self.state.hidden = true;
            }
            b"emdash" => self.push("—"),
            b"endash" => self.push("–"),
            b"f" => self.choose_font(number.unwrap_or(0)),
            b"fcharset" if self.state.fonts => {
                if let Some(codepage) = number.and_then(font_codepage) {
                    self.fonts.push((self.font, codepage));
                }
            }
            b"fonttbl" => {
                self.flush();
                self.state.hidden = true;
                self.state.fonts = true;
            }
            b"htmlrtf" => {
                self.flush();
                self.state.in_rtf = number != Some(0);
            }
            b"ldblquote" | b"rdblquote" => self.push("\""),
            b"line" | b"par" | b"row" | b"sect" | b"page" => self.push("\n"),
            b"lquote" | b"rquote" => self.push("'"),
            b"plain" => self.state.codepage = None,
            b"u" => self.unicode(number.unwrap_or(0)),
            b"uc" => {
                self.state.fallback = usize::try_from(number.unwrap_or(1)).unwrap_or(1).min(16)
            }
            _ => {}
        }
    }

    fn choose_font(&mut self, font: i32) {
        self.font = font;
        if !self.state.fonts {
            self.state.codepage = self
                .fonts
                .iter()
                .rev()
                .find(|(known, _)| *known == font)
                .map(|(_, codepage)| *codepage);
        }
    }

    fn unicode(&mut self, number: i32) {
        self.skip = self.state.fallback;
        if !self.is_shown() {
            return;
        }
        let unit = number as u16;
        let first = self.surrogate.take();
        let units = [first.unwrap_or(unit), unit];
        if (0xd800..0xdc00).contains(&unit) {
            self.flush();
            self.surrogate = Some(unit);
            return;
        }
        let units = if first.is_some() { &units[..] } else { &units[1..] };
        if !self.pending.is_empty() {
            self.flush();
        }
        self.text.push_str(&String::from_utf16_lossy(units));
    }
}

/// The code page of a `\fcharset`.
fn font_codepage(charset: i32) -> Option<&'static str> {
    label(match charset {
        128 => 932,
        129 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        _ => return None,
    })
}
