//! Files in uuencode inside text (POSIX uuencode).

use std::ops::Range;

use crate::headers;

/// One `begin` … `end` block.
pub struct Block {
    pub name: String,
    /// From `begin` to behind `end`.
    pub range: Range<usize>,
    lines: Range<usize>,
}

impl Block {
    pub fn decode(&self, text: &[u8]) -> Vec<u8> {
        let mut octets = Vec::with_capacity(self.lines.len() / 4 * 3);
        let mut at = self.lines.start;
        while at < self.lines.end {
            let (line, next) = headers::line(text, at);
            decode_line(&mut octets, line);
            at = next;
        }
        octets
    }
}

/// The whole blocks in a text, in order.
pub fn blocks(text: &[u8]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut from = 0;
    while let Some(at) = memchr::memmem::find(&text[from..], b"begin ").map(|at| from + at) {
        let begins_line = at == 0 || text[at - 1] == b'\n';
        match begins_line.then(|| block(text, at)).flatten() {
            Some(block) => {
                from = block.range.end;
                blocks.push(block);
            }
            None => from = at + 6,
        }
    }
    blocks
}

/// The first block of a part that is uuencoded as a whole; the octets themselves without one.
pub fn first(body: &[u8]) -> Vec<u8> {
    blocks(body).first().map_or_else(|| body.to_vec(), |block| block.decode(body))
}

fn block(text: &[u8], start: usize) -> Option<Block> {
    let (line, lines_start) = headers::line(text, start);
    let rest = &line[6..];
    let digits = rest.iter().take_while(|byte| (b'0'..=b'7').contains(byte)).count();
    if !(3..=6).contains(&digits) || rest.get(digits) != Some(&b' ') {
        return None;
    }
    let name = crate::charset::unlabelled(rest[digits + 1..].trim_ascii()).into_owned();
    let mut at = lines_start;
    while at < text.len() {
        let (line, next) = headers::line(text, at);
        if line.trim_ascii_end() == b"end" {
            return Some(Block { name, range: start..next, lines: lines_start..at });
        }
        if !is_line(line) {
            return None;
        }
        at = next;
    }
    None
}

/// Whether the line has about the length that its first character says. Blanks at its end, which
/// stand for zeros, may have been cut off; not most of it, so that output stays in proportion.
fn is_line(line: &[u8]) -> bool {
    let Some((&first, symbols)) = line.split_first() else { return true };
    let count = usize::from(first.wrapping_sub(b' ')) & 63;
    let needed = count.div_ceil(3) * 4;
    let in_alphabet = line.iter().all(|byte| (b' '..=b'`').contains(byte));
    in_alphabet && (needed / 4..=needed + 4).contains(&symbols.len())
}

fn decode_line(octets: &mut Vec<u8>, line: &[u8]) {
    let Some((&count, symbols)) = line.split_first() else { return };
    let count = usize::from(count.wrapping_sub(b' ')) & 63;
    let end = octets.len() + count;
    for group in symbols.chunks(4) {
        let value = |index: usize| {
            u32::from(group.get(index).copied().unwrap_or(b' ').wrapping_sub(b' ') & 63)
        };
        let bits = value(0) << 18 | value(1) << 12 | value(2) << 6 | value(3);
        octets.extend_from_slice(&bits.to_be_bytes()[1..]);
    }
    octets.resize(end, 0);
}
