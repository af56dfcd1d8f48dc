//! Base64 bodies (RFC 2045 §6.8) that can be made again octet by octet from what they encode.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// How the lines of a body end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineEnd {
    CrLf,
    Lf,
}

impl LineEnd {
    pub(crate) fn octets(self) -> &'static [u8] {
        match self {
            Self::CrLf => b"\r\n",
            Self::Lf => b"\n",
        }
    }
}

/// Where the lines of a body break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Characters in each line but the last; 0 is a single line.
    pub line: usize,
    pub end: LineEnd,
}

/// A body that [`encode`] makes again.
pub(crate) struct Decoded {
    /// What is encoded, without white space around it.
    pub range: Range<usize>,
    pub layout: Layout,
    pub octets: Vec<u8>,
}

/// Decodes `body` if encoding it again gives the same octets; linear in its length.
pub(crate) fn decode(body: &[u8]) -> Option<Decoded> {
    let space = |byte: &u8| matches!(byte, b'\r' | b'\n' | b' ' | b'\t');
    let from = body.iter().position(|byte| !space(byte))?;
    let to = body.iter().rposition(|byte| !space(byte))? + 1;
    let core = &body[from..to];
    let layout = layout_of(core)?;
    let characters = join_lines(core, layout)?;
    // The engine refuses missing padding and stray trailing bits, so there is one encoding only;
    // it is compared all the same, because octets are sacred.
    let octets = STANDARD.decode(&characters).ok()?;
    let mut again = characters;
    again.clear();
    encode(&octets, layout, &mut again);
    (again == core).then_some(Decoded { range: from..to, layout, octets })
}

fn layout_of(core: &[u8]) -> Option<Layout> {
    let Some(first) = core.iter().position(|byte| *byte == b'\n') else {
        return Some(Layout { line: 0, end: LineEnd::Lf });
    };
    let layout = match core[..first].strip_suffix(b"\r") {
        Some(line) => Layout { line: line.len(), end: LineEnd::CrLf },
        None => Layout { line: first, end: LineEnd::Lf },
    };
    (layout.line > 0).then_some(layout)
}

fn join_lines(core: &[u8], layout: Layout) -> Option<Vec<u8>> {
    if layout.line == 0 {
        return Some(core.to_vec());
    }
    let end = layout.end.octets();
    let mut characters = Vec::with_capacity(core.len());
    for line in core.chunks(layout.line + end.len()) {
        let line = match line.split_at_checked(layout.line) {
            Some((line, rest)) if rest == end || rest.is_empty() => line,
            Some(_) => return None,
            None => line,
        };
        characters.extend_from_slice(line);
    }
    Some(characters)
}

/// Length of what [`encode`] appends; `None` beyond the address space.
pub(crate) fn encoded_length(octets: usize, layout: Layout) -> Option<usize> {
    let characters = octets.div_ceil(3).checked_mul(4)?;
    if layout.line == 0 || characters == 0 {
        return Some(characters);
    }
    let breaks = (characters - 1) / layout.line;
    characters.checked_add(breaks.checked_mul(layout.end.octets().len())?)
}

/// Appends the base64 of `octets` in lines.
pub(crate) fn encode(octets: &[u8], layout: Layout, out: &mut Vec<u8>) {
    /// A multiple of 3: only the last block is padded.
    const BLOCK_BYTES: usize = 3 << 14;
    let mut characters = vec![0; BLOCK_BYTES / 3 * 4];
    let mut column = 0;
    for block in octets.chunks(BLOCK_BYTES) {
        // The buffer holds the encoding of a whole block, so this cannot fail.
        let length = STANDARD.encode_slice(block, &mut characters).unwrap_or(0);
        let mut rest = &characters[..length];
        while layout.line > 0 && rest.len() > layout.line - column {
            let (line, more) = rest.split_at(layout.line - column);
            out.extend_from_slice(line);
            out.extend_from_slice(layout.end.octets());
            column = 0;
            rest = more;
        }
        // A line that is full is broken only when more follows.
        out.extend_from_slice(rest);
        column += rest.len();
    }
}
