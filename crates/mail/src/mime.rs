//! Where the parts of a mail lie. Only finds ranges: nothing is decoded or copied, so that a
//! hostile mail costs one pass. Iterative: depth costs no stack.
//!
//! Structure is found here and not by mail-parser, because an archive needs exact ranges, limits,
//! and a closing outer boundary that ends whatever is open inside it.

use std::ops::Range;

use memchr::memmem;

use crate::headers::{self, Block};
use crate::params::Parameters;
use crate::transfer::Encoding;
use crate::{NESTING_MAX, PARTS_MAX};

/// How far attached mails are taken apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Descend {
    All,
    /// Attached mails are leaves.
    OwnParts,
}

/// The parts of one mail in the order in which they begin; the first is the mail itself.
pub struct Structure {
    pub parts: Vec<Part>,
    /// A limit was reached: some parts were not taken apart.
    pub too_complex: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Leaf,
    /// An attached mail whose own root part follows.
    Message,
    Multipart,
}

pub struct Part {
    pub kind: Kind,
    /// The index behind the last part inside this one.
    pub end: usize,
    pub header: Block,
    /// Without the line end that belongs to the boundary (RFC 2046 §5.1.1).
    pub body: Range<usize>,
    /// Whether a boundary ended the body rather than the end of the octets.
    pub delimited: bool,
    /// Before the first boundary of a multipart; empty otherwise.
    pub preamble: Range<usize>,
    /// Behind the closing boundary of a multipart; empty otherwise.
    pub epilogue: Range<usize>,
    pub content: Content,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    Attachment,
    Inline,
    None,
}

/// What the part's header says about its body.
pub struct Content {
    /// Such as `text/plain`, in lower case.
    pub media: String,
    pub charset: Option<String>,
    /// The file name as the sender gives it; empty when there is none.
    pub name: String,
    pub disposition: Disposition,
    /// Without angle brackets.
    pub content_id: Option<String>,
    pub encoding: Encoding,
    pub boundary: String,
    /// `format=flowed` (RFC 3676) and its `delsp=yes`.
    pub flowed: bool,
    pub delete_space: bool,
    /// `smime-type`, `protocol` or `report-type`, in lower case.
    pub subtype: String,
}

impl Content {
    fn read(octets: &[u8], header: &Block, default_media: &str) -> Self {
        let mut content = Self {
            media: default_media.to_owned(),
            charset: None,
            name: String::new(),
            disposition: Disposition::None,
            content_id: None,
            encoding: Encoding::Identity,
            boundary: String::new(),
            flowed: false,
            delete_space: false,
            subtype: String::new(),
        };
        let (mut typed, mut disposed) = (false, false);
        for field in header.fields(octets).filter(|field| matches!(field.name[0], b'c' | b'C')) {
            if field.is("Content-Type") && !typed {
                typed = true;
                content.read_type(field.value);
            } else if field.is("Content-Transfer-Encoding") {
                content.encoding = Encoding::of(field.value);
            } else if field.is("Content-Disposition") && !disposed {
                disposed = true;
                content.read_disposition(field.value);
            } else if field.is("Content-ID") {
                content.content_id = crate::address::identifiers(field.value, 1).pop();
            }
        }
        content
    }

    fn read_type(&mut self, value: &[u8]) {
        let parameters = Parameters::parse(value);
        if parameters.main.contains('/') {
            self.media.clone_from(&parameters.main);
        } else if !parameters.main.is_empty() && parameters.main != "text" {
            self.media = "application/octet-stream".to_owned();
        }
        let text = |name: &str| parameters.get(name).unwrap_or_default();
        self.charset =
            parameters.get("charset").filter(|label| !label.is_empty()).map(str::to_owned);
        self.boundary = text("boundary").trim_end().to_owned();
        self.flowed = text("format").eq_ignore_ascii_case("flowed");
        self.delete_space = text("delsp").eq_ignore_ascii_case("yes");
        let subtype = ["smime-type", "report-type", "protocol"].map(text);
        self.subtype = subtype
            .into_iter()
            .find(|text| !text.is_empty())
            .unwrap_or_default()
            .to_ascii_lowercase();
        if self.name.is_empty() {
            self.name = parameters
                .get("name")
                .or(parameters.get("filename"))
                .unwrap_or_default()
                .to_owned();
        }
    }

    fn read_disposition(&mut self, value: &[u8]) {
        let parameters = Parameters::parse(value);
        self.disposition = match parameters.main.as_str() {
            "" => Disposition::None,
            "inline" => Disposition::Inline,
            _ => Disposition::Attachment,
        };
        if let Some(name) =
            parameters.get("filename").or(parameters.get("name")).filter(|name| !name.is_empty())
        {
            self.name = name.to_owned();
        }
    }

    fn is_multipart(&self) -> bool {
        self.media.starts_with("multipart/")
    }

    pub fn is_message(&self) -> bool {
        matches!(
            self.media.as_str(),
            "message/rfc822" | "message/global" | "message/rfc2822" | "message/news"
        )
    }
}

/// Finds the parts of a mail that itself lies `depth` containers deep.
pub fn scan(octets: &[u8], descend: Descend, depth: usize) -> Structure {
    let scanner = Scanner {
        octets,
        descend,
        depth,
        parts: Vec::with_capacity(4),
        open: Vec::with_capacity(4),
        too_complex: false,
        line_breaks: memmem::Finder::new(b"\n--"),
    };
    scanner.run()
}

/// A part that has begun and not ended.
struct Open {
    part: usize,
    /// `None` for a leaf, an attached mail, and a multipart behind its closing boundary.
    boundary: Option<Vec<u8>>,
}

struct Scanner<'a> {
    octets: &'a [u8],
    descend: Descend,
    depth: usize,
    parts: Vec<Part>,
    open: Vec<Open>,
    too_complex: bool,
    line_breaks: memmem::Finder<'static>,
}

/// A boundary line.
struct Hit {
    line: usize,
    next: usize,
    /// Which of the open parts it delimits.
    level: usize,
    closes: bool,
}

impl Scanner<'_> {
    fn run(mut self) -> Structure {
        let mut next = self.begin(headers::mail_start(self.octets), "text/plain");
        loop {
            // An attached mail's root part begins where its body does.
            if self.open.last().is_some_and(|open| self.parts[open.part].kind == Kind::Message)
                && self.is_childless()
            {
                next = self.begin(next, "text/plain");
                continue;
            }
            let Some(hit) = self.find_boundary(next) else { break };
            let end = self.before_line_end(&hit);
            if self.open.len() == hit.level + 1 && self.is_childless() {
                let part = &mut self.parts[self.open[hit.level].part];
                part.preamble = part.body.start..end.max(part.body.start);
            }
            self.end_down_to(hit.level + 1, end, true);
            next = hit.next;
            if hit.closes {
                self.open[hit.level].boundary = None;
                let part = self.open[hit.level].part;
                self.parts[part].epilogue = hit.next..hit.next;
            } else if self.parts.len() < PARTS_MAX {
                let parent = &self.parts[self.open[hit.level].part].content.media;
                let default =
                    if parent == "multipart/digest" { "message/rfc822" } else { "text/plain" };
                next = self.begin(hit.next, default);
            } else {
                self.too_complex = true;
                break;
            }
        }
        self.end_down_to(0, self.octets.len(), false);
        Structure { parts: self.parts, too_complex: self.too_complex }
    }

    fn is_childless(&self) -> bool {
        self.open.last().is_some_and(|open| open.part + 1 == self.parts.len())
    }

    /// Begins the part whose header is at `start`; answers where its body is.
    fn begin(&mut self, start: usize, default_media: &str) -> usize {
        let open = &self.open;
        let header =
            headers::block(self.octets, start, |line| match_boundary(open, line).is_some());
        let content = Content::read(self.octets, &header, default_media);
        let deep = self.depth + self.open.len() >= NESTING_MAX;
        let mut kind = Kind::Leaf;
        let mut boundary = None;
        if content.is_multipart() {
            boundary = self.boundary_of(&content, header.body).filter(|_| !deep);
            kind = if boundary.is_some() { Kind::Multipart } else { Kind::Leaf };
            self.too_complex |= deep;
        } else if content.is_message()
            && self.descend == Descend::All
            && self.is_plain(&content, header.body)
        {
            kind = if deep { Kind::Leaf } else { Kind::Message };
            self.too_complex |= deep;
        }
        self.open.push(Open { part: self.parts.len(), boundary });
        self.parts.push(Part {
            kind,
            end: 0,
            header,
            body: header.body..header.body,
            delimited: false,
            preamble: 0..0,
            epilogue: 0..0,
            content,
        });
        header.body
    }

    /// The declared boundary, or the one that the body uses when none is declared.
    fn boundary_of(&self, content: &Content, body: usize) -> Option<Vec<u8>> {
        if !content.boundary.is_empty() {
            return Some(content.boundary.as_bytes().to_vec());
        }
        let line = next_dashed_line(self.octets, body, &self.line_breaks)?;
        let text = headers::line(self.octets, line).0;
        if match_boundary(&self.open, text).is_some() {
            return None;
        }
        let boundary = text[2..].trim_ascii_end();
        (!boundary.is_empty()).then(|| boundary.to_vec())
    }

    /// Whether an attached mail stands there as it is, whatever the encoding claims.
    fn is_plain(&self, content: &Content, body: usize) -> bool {
        match content.encoding {
            Encoding::Identity => true,
            Encoding::QuotedPrintable => false,
            Encoding::Base64 | Encoding::Uuencode => looks_like_mail(&self.octets[body..]),
        }
    }

    fn find_boundary(&self, from: usize) -> Option<Hit> {
        if self.open.iter().all(|open| open.boundary.is_none()) {
            return None;
        }
        let mut at = from;
        while let Some(line) = next_dashed_line(self.octets, at, &self.line_breaks) {
            let (text, next) = headers::line(self.octets, line);
            if let Some((level, closes)) = match_boundary(&self.open, text) {
                return Some(Hit { line, next, level, closes });
            }
            at = line + 2;
        }
        None
    }

    /// The line end before a boundary belongs to the boundary. Where the boundary line before
    /// ended with a bare line feed, a carriage return here belongs to the body.
    fn before_line_end(&self, hit: &Hit) -> usize {
        let begun = self.open.get(hit.level + 1).map(|open| self.parts[open.part].header.start);
        let bare = begun.is_some_and(|start| !self.octets[..start].ends_with(b"\r\n"));
        match &self.octets[..hit.line] {
            [.., b'\r', b'\n'] if !bare => hit.line - 2,
            [.., b'\n'] => hit.line - 1,
            _ => hit.line,
        }
    }

    /// Ends all open parts from `level` inwards at `at`.
    fn end_down_to(&mut self, level: usize, at: usize, delimited: bool) {
        let count = self.parts.len();
        for open in self.open.drain(level.min(self.open.len())..).rev() {
            let part = &mut self.parts[open.part];
            part.end = count;
            part.delimited = delimited;
            part.body.end = at.max(part.body.start);
            if part.epilogue.start > 0 {
                part.epilogue.end = at.max(part.epilogue.start);
            }
            // Without a single boundary line it is no multipart, but text to be read.
            if part.kind == Kind::Multipart && open.part + 1 == count {
                part.kind = Kind::Leaf;
                part.content.media = "text/plain".to_owned();
            }
        }
    }
}

/// Where the next line that begins with two hyphens starts, at or behind `from`, which must be
/// the start of a line or not be followed by hyphens.
fn next_dashed_line(octets: &[u8], from: usize, line_breaks: &memmem::Finder<'_>) -> Option<usize> {
    let at_line_start = from == 0 || octets.get(from - 1) == Some(&b'\n');
    let rest = octets.get(from..)?;
    if at_line_start && rest.starts_with(b"--") {
        return Some(from);
    }
    line_breaks.find(rest).map(|at| from + at + 1)
}

/// Which open part the line delimits, the innermost first, and whether it closes it.
fn match_boundary(open: &[Open], line: &[u8]) -> Option<(usize, bool)> {
    let text = line.strip_prefix(b"--")?.trim_ascii_end();
    for (level, open) in open.iter().enumerate().rev() {
        let Some(boundary) = &open.boundary else { continue };
        match text.strip_prefix(boundary.as_slice()) {
            Some(b"") => return Some((level, false)),
            Some(b"--") => return Some((level, true)),
            _ => {}
        }
    }
    None
}

/// Whether the first line that is not empty is a header field: in base64 no colon can occur.
pub fn looks_like_mail(body: &[u8]) -> bool {
    let start = body.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
    headers::line(body, start).0.contains(&b':')
}
