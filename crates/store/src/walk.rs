//! The framing of a pack: where its entries begin and end, without any key.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use model::{ContentId, Digest, Location, TenantId};

use crate::cipher::TAG_BYTES;
use crate::entry::EntryKind;

pub(crate) const FILE_HEADER_BYTES: usize = 64;
pub(crate) const ENTRY_HEADER_BYTES: usize = 80;
pub(crate) const PACK_MAGIC: &[u8; 8] = b"CHNPACK\0";
pub(crate) const VERSION: u16 = 1;
const ENTRY_MAGIC: &[u8; 4] = b"CENT";
const SEAL_CODE: u8 = 255;
const SEAL_SLOT: u32 = u32::MAX;
const BOUND: Range<usize> = 4..60;
const SEARCH_WINDOW_BYTES: usize = 64 << 10;

/// The header of a pack or a key table.
pub(crate) struct FileHeader {
    pub magic: [u8; 8],
    pub tenant: TenantId,
    pub number: u32,
}

impl FileHeader {
    pub(crate) fn bytes(&self) -> [u8; FILE_HEADER_BYTES] {
        let mut bytes = [0; FILE_HEADER_BYTES];
        bytes[..8].copy_from_slice(&self.magic);
        bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.number.to_le_bytes());
        bytes[16..32].copy_from_slice(self.tenant.as_bytes());
        let crc = crc32c::crc32c(&bytes[..60]);
        bytes[60..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }
}

/// The version of an intact header of another format version.
pub(crate) fn foreign_version(bytes: &[u8; FILE_HEADER_BYTES]) -> Option<u16> {
    let crc = u32::from_le_bytes([bytes[60], bytes[61], bytes[62], bytes[63]]);
    let version = u16::from_le_bytes([bytes[8], bytes[9]]);
    (crc32c::crc32c(&bytes[..60]) == crc && version != VERSION).then_some(version)
}

/// What an entry header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntryHeader {
    /// `None` is the seal.
    pub kind: Option<EntryKind>,
    pub compression: u8,
    pub dictionary: u32,
    pub plain_bytes: u64,
    pub body_bytes: u64,
    pub content: ContentId,
    pub slot: u32,
    pub batch: u32,
    /// In a compacted pack: where the entry stood when the pack was first written; else 0.
    pub first_offset: u64,
}

impl EntryHeader {
    pub(crate) fn seal(headers: Digest, batch: u32) -> Self {
        Self {
            kind: None,
            compression: 0,
            dictionary: 0,
            plain_bytes: 0,
            body_bytes: 0,
            content: ContentId(headers),
            slot: SEAL_SLOT,
            batch,
            first_offset: 0,
        }
    }

    pub(crate) fn bytes(&self) -> [u8; ENTRY_HEADER_BYTES] {
        let mut bytes = [0; ENTRY_HEADER_BYTES];
        bytes[..4].copy_from_slice(ENTRY_MAGIC);
        bytes[4] = self.kind.map_or(SEAL_CODE, EntryKind::code);
        bytes[5] = self.compression;
        bytes[8..12].copy_from_slice(&self.dictionary.to_le_bytes());
        bytes[12..20].copy_from_slice(&self.plain_bytes.to_le_bytes());
        bytes[20..28].copy_from_slice(&self.body_bytes.to_le_bytes());
        bytes[28..60].copy_from_slice(self.content.as_bytes());
        bytes[60..64].copy_from_slice(&self.slot.to_le_bytes());
        bytes[64..68].copy_from_slice(&self.batch.to_le_bytes());
        bytes[68..76].copy_from_slice(&self.first_offset.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..76]);
        bytes[76..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(crate) fn parse(bytes: &[u8; ENTRY_HEADER_BYTES]) -> Option<Self> {
        if &bytes[..4] != ENTRY_MAGIC || u32_at(bytes, 76) != crc32c::crc32c(&bytes[..76]) {
            return None;
        }
        let kind = match bytes[4] {
            SEAL_CODE => None,
            code => Some(EntryKind::from_code(code)?),
        };
        let content = ContentId(Digest::from_bytes(bytes[28..60].try_into().ok()?));
        let header = Self {
            kind,
            compression: bytes[5],
            dictionary: u32_at(bytes, 8),
            plain_bytes: u64_at(bytes, 12),
            body_bytes: u64_at(bytes, 20),
            content,
            slot: u32_at(bytes, 60),
            batch: u32_at(bytes, 64),
            first_offset: u64_at(bytes, 68),
        };
        let sound = match kind {
            None => header.body_bytes == 0,
            Some(_) => header.body_bytes >= TAG_BYTES as u64,
        };
        (sound && header.bytes() == *bytes).then_some(header)
    }

    /// The additional data that the body is bound to.
    pub(crate) fn bound_to(&self, tenant: TenantId) -> Vec<u8> {
        let mut aad = tenant.as_bytes().to_vec();
        aad.extend_from_slice(&self.bytes()[BOUND]);
        aad
    }
}

/// One entry whose header is right and whose body lies within the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub offset: u64,
    pub header: EntryHeader,
}

impl Frame {
    pub(crate) fn end(&self) -> Option<u64> {
        self.offset.checked_add(ENTRY_HEADER_BYTES as u64)?.checked_add(self.header.body_bytes)
    }

    /// Where the entry is to be found, whether or not the pack was compacted.
    pub(crate) fn location(&self, pack: u32) -> Location {
        let length_bytes = ENTRY_HEADER_BYTES as u64 + self.header.body_bytes;
        let EntryHeader { slot, first_offset, .. } = self.header;
        let offset = if first_offset == 0 { self.offset } else { first_offset };
        Location { pack, slot, offset, length_bytes }
    }
}

/// What stands at a place of a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Damaged(Range<u64>),
    End,
    Frame(Frame),
    /// The rest is less than a header, a body cut short, or zero bytes.
    Torn(u64),
}

/// Octets that can be read at any place.
pub(crate) trait Source {
    fn length(&self) -> io::Result<u64>;
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
}

impl Source for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(buffer, offset)
    }
}

impl Source for &[u8] {
    fn length(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let from = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let piece = from.checked_add(buffer.len()).and_then(|end| self.get(from..end));
        buffer.copy_from_slice(piece.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// Looks at the place `at` of a pack of `length` bytes. A walk that goes on where each step ends
/// is linear in the length, whatever is in the file.
pub(crate) fn step(source: &dyn Source, at: u64, length: u64) -> io::Result<Step> {
    if at >= length {
        return Ok(Step::End);
    }
    if length - at < ENTRY_HEADER_BYTES as u64 {
        return Ok(Step::Torn(at));
    }
    let mut bytes = [0; ENTRY_HEADER_BYTES];
    source.read_at(at, &mut bytes)?;
    if let Some(header) = EntryHeader::parse(&bytes) {
        let frame = Frame { offset: at, header };
        let whole = frame.end().is_some_and(|end| end <= length);
        return Ok(if whole { Step::Frame(frame) } else { Step::Torn(at) });
    }
    Ok(match next_entry(source, at + 1, length)? {
        Some(next) => Step::Damaged(at..next),
        None if only_zeros(source, at, length)? => Step::Torn(at),
        None => Step::Damaged(at..length),
    })
}

/// The next place at or behind `from` where a whole entry begins.
fn next_entry(source: &dyn Source, from: u64, length: u64) -> io::Result<Option<u64>> {
    let mut window = vec![0; SEARCH_WINDOW_BYTES];
    let mut at = from;
    while length.saturating_sub(at) >= ENTRY_HEADER_BYTES as u64 {
        let size = (length - at).min(SEARCH_WINDOW_BYTES as u64) as usize;
        source.read_at(at, &mut window[..size])?;
        for (place, bytes) in window[..size].windows(ENTRY_HEADER_BYTES).enumerate() {
            if bytes[0] != ENTRY_MAGIC[0] || &bytes[..4] != ENTRY_MAGIC {
                continue;
            }
            let Ok(bytes) = bytes.try_into() else { continue };
            let Some(header) = EntryHeader::parse(bytes) else { continue };
            let frame = Frame { offset: at + place as u64, header };
            if frame.end().is_some_and(|end| end <= length) {
                return Ok(Some(frame.offset));
            }
        }
        at += (size - ENTRY_HEADER_BYTES + 1) as u64;
    }
    Ok(None)
}

fn only_zeros(source: &dyn Source, from: u64, length: u64) -> io::Result<bool> {
    let mut window = vec![0; SEARCH_WINDOW_BYTES];
    let mut at = from;
    while at < length {
        let size = (length - at).min(SEARCH_WINDOW_BYTES as u64) as usize;
        source.read_at(at, &mut window[..size])?;
        if window[..size].iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        at += size as u64;
    }
    Ok(true)
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
