//! Writing MIME: encoded words, transfer encodings, parts (RFC 2045, 2047, 2231).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::documents::{windows_1252, windows_1252_octet};

/// Longest text of one encoded word in octets before encoding (RFC 2047 §2: 75 characters).
const WORD_OCTETS: usize = 42;
const HEX: &[u8; 16] = b"0123456789ABCDEF";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    Utf8,
    Windows1252,
}

impl Charset {
    /// The wanted charset when it can say all of `text`, else UTF-8.
    pub fn fitting(wanted: Self, text: &str) -> Self {
        match wanted {
            Self::Windows1252 if text.chars().all(|c| windows_1252_octet(c).is_some()) => wanted,
            _ => Self::Utf8,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Windows1252 => "windows-1252",
        }
    }

    pub fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Windows1252 => windows_1252(text),
        }
    }
}

/// How a header says what is not ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderForm {
    B(Charset),
    Q(Charset),
    /// As it is, in UTF-8 (RFC 6532).
    Raw,
}

/// A header value; encoded words are folded, one to a line.
pub fn header(text: &str, form: HeaderForm) -> String {
    if text.is_ascii() || form == HeaderForm::Raw {
        return text.to_owned();
    }
    let (charset, letter) = match form {
        HeaderForm::B(charset) => (Charset::fitting(charset, text), 'B'),
        HeaderForm::Q(charset) => (Charset::fitting(charset, text), 'Q'),
        HeaderForm::Raw => (Charset::Utf8, 'B'),
    };
    let limit = if letter == 'Q' { WORD_OCTETS / 3 * 2 } else { WORD_OCTETS };
    let mut words: Vec<String> = Vec::new();
    let mut run = String::new();
    let mut flush = |run: &mut String| {
        let octets = charset.encode(run);
        let body = if letter == 'B' { STANDARD.encode(&octets) } else { q_word(&octets) };
        words.push(format!("=?{}?{letter}?{body}?=", charset.name()));
        run.clear();
    };
    for c in text.chars() {
        if run.len() + c.len_utf8() > limit {
            flush(&mut run);
        }
        run.push(c);
    }
    if !run.is_empty() {
        flush(&mut run);
    }
    words.join("\r\n ")
}

fn q_word(octets: &[u8]) -> String {
    let mut out = String::new();
    for &octet in octets {
        match octet {
            b' ' => out.push('_'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'!' | b'*' | b'+' => {
                out.push(char::from(octet));
            }
            _ => hex(octet, &mut out),
        }
    }
    out
}

fn hex(octet: u8, out: &mut String) {
    out.push('=');
    out.push(char::from(HEX[usize::from(octet >> 4)]));
    out.push(char::from(HEX[usize::from(octet & 15)]));
}

/// Quoted-printable (RFC 2045 §6.7) of text with LF line ends; the result has CRLF.
pub fn quoted_printable(octets: &[u8], out: &mut String) {
    for line in octets.split(|&octet| octet == b'\n') {
        let mut column = 0;
        for (at, &octet) in line.iter().enumerate() {
            let last = at + 1 == line.len();
            let plain = matches!(octet, b'!'..=b'<' | b'>'..=b'~')
                || (matches!(octet, b' ' | b'\t') && !last);
            let width = if plain { 1 } else { 3 };
            if column + width > 75 {
                out.push_str("=\r\n");
                column = 0;
            }
            if plain {
                out.push(char::from(octet));
            } else {
                hex(octet, out);
            }
            column += width;
        }
        out.push_str("\r\n");
    }
}

/// Base64 in lines of 76 characters, each with CRLF.
pub fn base64_lines(octets: &[u8]) -> String {
    let mut out = String::with_capacity(octets.len() / 57 * 78 + 80);
    for line in octets.chunks(57) {
        STANDARD.encode_string(line, &mut out);
        out.push_str("\r\n");
    }
    out
}

/// A text part, without a boundary: headers, blank line, body.
pub fn text_part(subtype: &str, text: &str, charset: Charset, encoding: TextEncoding) -> String {
    let charset = Charset::fitting(charset, text);
    let mut out = format!(
        "Content-Type: text/{subtype}; charset=\"{}\"\r\nContent-Transfer-Encoding: {}\r\n\r\n",
        charset.name(),
        encoding.name()
    );
    match encoding {
        TextEncoding::Base64 => {
            let octets = charset.encode(&text.replace('\n', "\r\n"));
            out.push_str(&base64_lines(&octets));
        }
        TextEncoding::EightBit => {
            out.push_str(&text.replace('\n', "\r\n"));
            out.push_str("\r\n");
        }
        TextEncoding::QuotedPrintable => quoted_printable(&charset.encode(text), &mut out),
    }
    out
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextEncoding {
    Base64,
    /// UTF-8 only: the part is held as text until the mail is complete.
    EightBit,
    QuotedPrintable,
}

impl TextEncoding {
    fn name(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
            Self::EightBit => "8bit",
            Self::QuotedPrintable => "quoted-printable",
        }
    }
}

/// A file part; `body` is the base64 text. `cid` makes it inline.
pub fn file_part(
    name: &str,
    media_type: &str,
    size_bytes: usize,
    body: &str,
    cid: Option<&str>,
    rfc2231: bool,
) -> String {
    let mut out = String::with_capacity(body.len() + 400);
    let (disposition, id) = match cid {
        Some(cid) => ("inline", format!("Content-ID: <{cid}>\r\n")),
        None => ("attachment", String::new()),
    };
    let word = header(name, HeaderForm::B(Charset::Utf8)).replace("\r\n ", " ");
    let filename = if name.is_ascii() || !rfc2231 {
        format!("filename=\"{word}\"")
    } else {
        format!("filename*=utf-8''{}", percent(name))
    };
    out.push_str(&format!(
        "Content-Type: {media_type}; name=\"{word}\"\r\n{id}Content-Disposition: {disposition};\r\n\t\
         {filename}; size={size_bytes}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    ));
    out.push_str(body);
    out
}

fn percent(text: &str) -> String {
    let mut out = String::new();
    for &octet in text.as_bytes() {
        if octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-' | b'_') {
            out.push(char::from(octet));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(octet >> 4)]));
            out.push(char::from(HEX[usize::from(octet & 15)]));
        }
    }
    out
}

/// A multipart entity; every part ends with CRLF already.
pub fn multipart(subtype: &str, boundary: &str, parts: &[String]) -> String {
    let length: usize = parts.iter().map(String::len).sum();
    let mut out = String::with_capacity(length + 400);
    out.push_str(&format!(
        "Content-Type: multipart/{subtype};\r\n\tboundary=\"{boundary}\"\r\n\r\n"
    ));
    for part in parts {
        out.push_str(&format!("--{boundary}\r\n"));
        out.push_str(part);
        out.push_str("\r\n");
    }
    out.push_str(&format!("--{boundary}--\r\n"));
    out
}
