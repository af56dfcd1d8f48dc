//! The plaintext of record, report and quarantine entries (`docs/format.md`, bundle).

use std::sync::Arc;

use model::{ContentId, Digest};

use crate::base64_body::{Layout, LineEnd, encode, encoded_length};
use crate::{Result, StoreError};

pub(crate) const VERSION: u8 = 1;
pub(crate) const SECTIONS_MAX: usize = 8;
/// Octets of one section that a reader puts together at most (4 GiB).
const SECTION_BYTES_MAX: u64 = 4 << 30;
const VARINT_BYTES_MAX: usize = 10;

/// Which octets a section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SectionKind {
    Mail,
    /// The decrypted copy that came beside a rights-protected mail.
    Decrypted,
    /// The whole submission, if it was a journal report.
    Report,
}

impl SectionKind {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Mail => 1,
            Self::Decrypted => 2,
            Self::Report => 3,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Mail,
            2 => Self::Decrypted,
            3 => Self::Report,
            _ => return None,
        })
    }
}

/// Where octets that a bundle only refers to come from.
pub trait PartSource {
    /// The decoded octets of a part.
    fn part(&self, content: ContentId) -> Result<Arc<Vec<u8>>>;

    /// The octets of a mail that has a record.
    fn record_mail(&self, content: ContentId) -> Result<Arc<Vec<u8>>>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PieceSource {
    Part { content: ContentId, length: u64 },
    Section(usize),
    RecordMail(ContentId),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Base64 { source: PieceSource, layout: Layout },
    Literal(&'a [u8]),
    Octets { source: PieceSource, start: u64, length: u64 },
}

struct Section<'a> {
    kind: SectionKind,
    content: ContentId,
    length: u64,
    pieces: Vec<Piece<'a>>,
}

/// A bundle that was read.
pub struct Bundle<'a> {
    facts: &'a [u8],
    sections: Vec<Section<'a>>,
}

impl<'a> Bundle<'a> {
    /// Reads the octets of a record, report or quarantine entry. Any octets are either read or
    /// refused, in time and memory linear in their number.
    ///
    /// # Errors
    /// `Damaged`.
    pub fn parse(octets: &'a [u8]) -> Result<Self> {
        let damaged = || StoreError::damaged("a bundle", "it does not follow the format");
        parse(&mut Reader(octets)).ok_or_else(damaged)
    }

    /// The facts as they were given to `compose_…`.
    pub fn facts(&self) -> &'a [u8] {
        self.facts
    }

    /// The digest and the length of a section, if there is one.
    pub fn section(&self, kind: SectionKind) -> Option<(ContentId, u64)> {
        let section = self.sections.iter().find(|section| section.kind == kind)?;
        Some((section.content, section.length))
    }

    /// The parts that the bundle refers to, each once.
    pub fn parts(&self) -> Vec<ContentId> {
        let pieces = self.sections.iter().flat_map(|section| &section.pieces);
        let mut parts: Vec<ContentId> = pieces
            .filter_map(|piece| match piece {
                Piece::Base64 { source: PieceSource::Part { content, .. }, .. }
                | Piece::Octets { source: PieceSource::Part { content, .. }, .. } => Some(*content),
                _ => None,
            })
            .collect();
        parts.sort();
        parts.dedup();
        parts
    }

    /// Puts the octets of a section together; `None` when the bundle has no such section. What is
    /// returned has the digest that was stored: it is the octets as received.
    ///
    /// # Errors
    /// `Damaged` when the digest differs; whatever `source` fails with.
    pub fn reassemble(
        &self,
        kind: SectionKind,
        source: &dyn PartSource,
    ) -> Result<Option<Vec<u8>>> {
        let Some(wanted) = self.sections.iter().position(|section| section.kind == kind) else {
            return Ok(None);
        };
        // Each section is put together once, however often a later one refers to it.
        let mut needed = vec![false; wanted + 1];
        needed[wanted] = true;
        for index in (0..=wanted).rev() {
            if needed[index] {
                self.sections[index].earlier().for_each(|earlier| needed[earlier] = true);
            }
        }
        let mut done: Vec<Arc<Vec<u8>>> = Vec::with_capacity(wanted);
        for (index, needed) in needed.iter().enumerate().take(wanted) {
            let octets =
                if *needed { self.sections[index].octets(&done, source)? } else { Vec::new() };
            done.push(Arc::new(octets));
        }
        self.sections[wanted].octets(&done, source).map(Some)
    }

    /// What can still be read of a section whose parts are damaged: they are left out, and nothing is
    /// compared with the digest. For people; it is never the mail. Also returns how many pieces are
    /// missing. `None` when the bundle has no such section.
    pub fn salvage(&self, kind: SectionKind, source: &dyn PartSource) -> Option<(Vec<u8>, usize)> {
        let wanted = self.sections.iter().position(|section| section.kind == kind)?;
        let mut done: Vec<Arc<Vec<u8>>> = Vec::with_capacity(wanted);
        for section in &self.sections[..wanted] {
            done.push(Arc::new(section.salvage(&done, source).0));
        }
        Some(self.sections[wanted].salvage(&done, source))
    }
}

impl Section<'_> {
    /// The sections that this one refers to; the parser lets only earlier ones pass.
    fn earlier(&self) -> impl Iterator<Item = usize> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Base64 { source: PieceSource::Section(earlier), .. }
            | Piece::Octets { source: PieceSource::Section(earlier), .. } => Some(*earlier),
            _ => None,
        })
    }

    fn octets(&self, done: &[Arc<Vec<u8>>], source: &dyn PartSource) -> Result<Vec<u8>> {
        let damaged = |why: &str| StoreError::damaged(format!("mail {}", self.content), why);
        let capacity = usize::try_from(self.length.min(SECTION_BYTES_MAX)).unwrap_or(0);
        // Grown piece by piece: a damaged length must not reserve memory.
        let mut octets = Vec::with_capacity(capacity.min(1 << 20));
        let find = |from: PieceSource| from.find(done, source);
        for piece in &self.pieces {
            let left = capacity.saturating_sub(octets.len());
            match piece {
                Piece::Literal(literal) => octets.extend_from_slice(literal),
                Piece::Octets { source: from, start, length } => {
                    let all = find(*from)?;
                    let range = usize::try_from(*start).ok().zip(usize::try_from(*length).ok());
                    let piece = range
                        .and_then(|(start, length)| all.get(start..start.checked_add(length)?));
                    octets.extend_from_slice(
                        piece.ok_or_else(|| damaged("a reference is out of bounds"))?,
                    );
                }
                Piece::Base64 { source: from, layout } => {
                    let all = find(*from)?;
                    let length =
                        encoded_length(all.len(), *layout).filter(|length| *length <= left);
                    octets.reserve(length.ok_or_else(|| damaged("a part is too long"))?);
                    encode(&all, *layout, &mut octets);
                }
            }
            if octets.len() > capacity {
                return Err(damaged("it is longer than it was"));
            }
        }
        if octets.len() as u64 != self.length || Digest::of(&octets) != self.content.0 {
            return Err(damaged("its octets have another digest"));
        }
        Ok(octets)
    }

    /// The octets without the pieces that cannot be had, and how many these are.
    fn salvage(&self, done: &[Arc<Vec<u8>>], source: &dyn PartSource) -> (Vec<u8>, usize) {
        let capacity = usize::try_from(self.length.min(SECTION_BYTES_MAX)).unwrap_or(0);
        let (mut octets, mut missing) = (Vec::with_capacity(capacity.min(1 << 20)), 0);
        for piece in &self.pieces {
            let left = capacity.saturating_sub(octets.len());
            let found = match piece {
                Piece::Literal(literal) => {
                    octets.extend_from_slice(literal);
                    Some(())
                }
                Piece::Octets { source: from, start, length } => {
                    let range = usize::try_from(*start).ok().zip(usize::try_from(*length).ok());
                    range.and_then(|(start, length)| {
                        let all = from.find(done, source).ok()?;
                        octets.extend_from_slice(all.get(start..start.checked_add(length)?)?);
                        Some(())
                    })
                }
                Piece::Base64 { source: from, layout } => {
                    let all = from.find(done, source).ok();
                    let fits = |all: &Arc<Vec<u8>>| {
                        encoded_length(all.len(), *layout).is_some_and(|length| length <= left)
                    };
                    all.filter(fits).map(|all| encode(&all, *layout, &mut octets))
                }
            };
            missing += usize::from(found.is_none());
        }
        (octets, missing)
    }
}

impl PieceSource {
    fn find(self, done: &[Arc<Vec<u8>>], source: &dyn PartSource) -> Result<Arc<Vec<u8>>> {
        match self {
            Self::Part { content, .. } => source.part(content),
            Self::RecordMail(content) => source.record_mail(content),
            Self::Section(earlier) => {
                let earlier = done.get(earlier).cloned();
                earlier.ok_or_else(|| StoreError::damaged("a bundle", "a section refers forward"))
            }
        }
    }
}

impl std::fmt::Debug for Bundle<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bundle").field("sections", &self.sections.len()).finish_non_exhaustive()
    }
}

fn parse<'a>(reader: &mut Reader<'a>) -> Option<Bundle<'a>> {
    if reader.byte()? != VERSION {
        return None;
    }
    let count = usize::from(reader.byte()?);
    if count > SECTIONS_MAX {
        return None;
    }
    let facts = reader.block()?;
    let mut sections = Vec::with_capacity(count);
    for index in 0..count {
        let kind = SectionKind::from_code(reader.byte()?)?;
        let hex = std::str::from_utf8(reader.take(64)?).ok()?;
        let content = ContentId(hex.parse().ok()?);
        let length = reader.varint()?;
        let pieces = reader.varint()?;
        let pieces = (0..pieces).map(|_| reader.piece(index)).collect::<Option<Vec<_>>>()?;
        sections.push(Section { kind, content, length, pieces });
    }
    reader.0.is_empty().then_some(Bundle { facts, sections })
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for place in 0..VARINT_BYTES_MAX {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            let shift = 7 * place as u32;
            if bits << shift >> shift != bits {
                return None;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn block(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.varint()?).ok()?;
        self.take(length)
    }

    fn piece(&mut self, section: usize) -> Option<Piece<'a>> {
        Some(match self.byte()? {
            0 => Piece::Literal(self.block()?),
            1 => {
                let source = self.source(section)?;
                Piece::Octets { source, start: self.varint()?, length: self.varint()? }
            }
            2 => {
                let source = self.source(section)?;
                let line = usize::try_from(self.varint()?).ok()?;
                let end = match self.byte()? {
                    0 => LineEnd::CrLf,
                    1 => LineEnd::Lf,
                    _ => return None,
                };
                Piece::Base64 { source, layout: Layout { line, end } }
            }
            _ => return None,
        })
    }

    fn source(&mut self, section: usize) -> Option<PieceSource> {
        Some(match self.byte()? {
            0 => PieceSource::Part { content: self.content()?, length: self.varint()? },
            1 => {
                let earlier = usize::from(self.byte()?);
                (earlier < section).then_some(PieceSource::Section(earlier))?
            }
            2 => PieceSource::RecordMail(self.content()?),
            _ => return None,
        })
    }

    fn content(&mut self) -> Option<ContentId> {
        Some(ContentId(Digest::from_bytes(self.take(32)?.try_into().ok()?)))
    }
}

/// Writes bundles.
pub(crate) struct Writer(pub Vec<u8>);

impl Writer {
    pub(crate) fn new(sections: usize, facts: &[u8], capacity: usize) -> Self {
        let mut writer = Self(Vec::with_capacity(capacity));
        writer.0.extend_from_slice(&[VERSION, sections as u8]);
        writer.block(facts);
        writer
    }

    pub(crate) fn section(
        &mut self,
        kind: SectionKind,
        (content, length): (ContentId, usize),
        pieces: &[Piece<'_>],
    ) {
        self.0.push(kind.code());
        // Hexadecimal like in the facts: the compressor then finds it there.
        self.0.extend_from_slice(content.0.to_hex().as_bytes());
        self.varint(length as u64);
        self.varint(pieces.len() as u64);
        for piece in pieces {
            self.piece(piece);
        }
    }

    fn piece(&mut self, piece: &Piece<'_>) {
        match piece {
            Piece::Literal(octets) => {
                self.0.push(0);
                self.block(octets);
            }
            Piece::Octets { source, start, length } => {
                self.0.push(1);
                self.source(*source);
                self.varint(*start);
                self.varint(*length);
            }
            Piece::Base64 { source, layout } => {
                self.0.push(2);
                self.source(*source);
                self.varint(layout.line as u64);
                self.0.push(match layout.end {
                    LineEnd::CrLf => 0,
                    LineEnd::Lf => 1,
                });
            }
        }
    }

    fn source(&mut self, source: PieceSource) {
        match source {
            PieceSource::Part { content, length } => {
                self.0.push(0);
                self.0.extend_from_slice(content.as_bytes());
                self.varint(length);
            }
            PieceSource::Section(index) => self.0.extend_from_slice(&[1, index as u8]),
            PieceSource::RecordMail(content) => {
                self.0.push(2);
                self.0.extend_from_slice(content.as_bytes());
            }
        }
    }

    fn block(&mut self, octets: &[u8]) {
        self.varint(octets.len() as u64);
        self.0.extend_from_slice(octets);
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}
