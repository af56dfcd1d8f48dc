//! The framing of a segment: where its entries begin and end, without any key.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use crate::cipher::{TAG_BYTES, WRAPPED_BYTES};

pub(crate) const SEGMENT_HEADER_BYTES: usize = 128;
pub(crate) const ENTRY_HEADER_BYTES: usize = 32;
pub(crate) const VERSION: u16 = 1;
const SEGMENT_MAGIC: &[u8; 8] = b"CHNSPOOL";
const ENTRY_MAGIC: &[u8; 4] = b"CSEN";
const SEARCH_WINDOW_BYTES: usize = 64 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    Inline,
    Large,
}

/// One entry whose header is whole and whose body lies within the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub kind: EntryKind,
    pub index: u64,
    /// Where the header begins.
    pub offset: u64,
    /// The body with its tag.
    pub body_bytes: u64,
}

impl Frame {
    pub(crate) fn header(&self) -> [u8; ENTRY_HEADER_BYTES] {
        let mut bytes = [0; ENTRY_HEADER_BYTES];
        bytes[..4].copy_from_slice(ENTRY_MAGIC);
        let kind: u32 = match self.kind {
            EntryKind::Inline => 1,
            EntryKind::Large => 2,
        };
        bytes[4..8].copy_from_slice(&kind.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.index.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.body_bytes.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..28]);
        bytes[28..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    fn parse(bytes: &[u8; ENTRY_HEADER_BYTES], offset: u64) -> Option<Self> {
        let crc = u32::from_le_bytes([bytes[28], bytes[29], bytes[30], bytes[31]]);
        if &bytes[..4] != ENTRY_MAGIC || crc32c::crc32c(&bytes[..28]) != crc {
            return None;
        }
        let kind = match u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]) {
            1 => EntryKind::Inline,
            2 => EntryKind::Large,
            _ => return None,
        };
        let index = u64_at(bytes, 8);
        let body_bytes = u64_at(bytes, 16);
        (body_bytes >= TAG_BYTES as u64).then_some(Self { kind, index, offset, body_bytes })
    }

    pub(crate) fn end(&self) -> Option<u64> {
        self.offset.checked_add(ENTRY_HEADER_BYTES as u64)?.checked_add(self.body_bytes)
    }
}

/// What a walk over a segment found.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    pub frames: Vec<Frame>,
    /// Byte ranges that are neither an entry nor a torn tail.
    pub damaged: Vec<Range<u64>>,
    /// Where a torn tail begins.
    pub torn_at: Option<u64>,
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

/// Finds all entries. Linear in the length of the source, whatever is in it.
pub(crate) fn walk(source: &dyn Source) -> io::Result<Walk> {
    let length = source.length()?;
    let mut walk = Walk::default();
    let mut at = SEGMENT_HEADER_BYTES as u64;
    while at < length {
        if length - at < ENTRY_HEADER_BYTES as u64 {
            walk.torn_at = Some(at);
            break;
        }
        let mut header = [0; ENTRY_HEADER_BYTES];
        source.read_at(at, &mut header)?;
        match Frame::parse(&header, at) {
            Some(frame) => match frame.end().filter(|end| *end <= length) {
                Some(end) => {
                    walk.frames.push(frame);
                    at = end;
                }
                None => {
                    walk.torn_at = Some(at);
                    break;
                }
            },
            None => match next_entry(source, at + 1, length)? {
                Some(next) => {
                    walk.damaged.push(at..next);
                    at = next;
                }
                None if only_zeros(source, at, length)? => {
                    walk.torn_at = Some(at);
                    break;
                }
                None => {
                    walk.damaged.push(at..length);
                    break;
                }
            },
        }
    }
    Ok(walk)
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
            let offset = at + place as u64;
            let frame = Frame::parse(bytes, offset);
            if frame.and_then(|frame| frame.end()).is_some_and(|end| end <= length) {
                return Ok(Some(offset));
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

/// The header of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SegmentHeader {
    Damaged,
    /// All zero: erased, or never written.
    Erased,
    UnknownVersion(u16),
    Valid {
        number: u64,
        key_id: [u8; 8],
        wrapped: [u8; WRAPPED_BYTES],
    },
}

pub(crate) fn parse_segment_header(bytes: &[u8; SEGMENT_HEADER_BYTES]) -> SegmentHeader {
    if bytes.iter().all(|byte| *byte == 0) {
        return SegmentHeader::Erased;
    }
    let crc = u32::from_le_bytes([bytes[124], bytes[125], bytes[126], bytes[127]]);
    if &bytes[..8] != SEGMENT_MAGIC || crc32c::crc32c(&bytes[..124]) != crc {
        return SegmentHeader::Damaged;
    }
    let version = u16::from_le_bytes([bytes[8], bytes[9]]);
    if version != VERSION {
        return SegmentHeader::UnknownVersion(version);
    }
    let mut key_id = [0; 8];
    key_id.copy_from_slice(&bytes[24..32]);
    let mut wrapped = [0; WRAPPED_BYTES];
    wrapped.copy_from_slice(&bytes[32..72]);
    SegmentHeader::Valid { number: u64_at(bytes, 16), key_id, wrapped }
}

pub(crate) fn segment_header(
    number: u64,
    key_id: [u8; 8],
    wrapped: &[u8; WRAPPED_BYTES],
) -> [u8; SEGMENT_HEADER_BYTES] {
    let mut bytes = [0; SEGMENT_HEADER_BYTES];
    bytes[..8].copy_from_slice(SEGMENT_MAGIC);
    bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..24].copy_from_slice(&number.to_le_bytes());
    bytes[24..32].copy_from_slice(&key_id);
    bytes[32..72].copy_from_slice(wrapped);
    let crc = crc32c::crc32c(&bytes[..124]);
    bytes[124..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// One record of the settle log.
pub(crate) fn settle_record(segment: u64, index: u64) -> [u8; 8] {
    let crc = crc32c::crc32c_append(crc32c::crc32c(&segment.to_le_bytes()), &index.to_le_bytes());
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&(index as u32).to_le_bytes());
    bytes[4..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// The entries that a settle log names; what does not check is left out.
pub(crate) fn parse_settle_log(segment: u64, bytes: &[u8]) -> Vec<u64> {
    bytes
        .chunks_exact(8)
        .map(|record| {
            (u64::from(u32::from_le_bytes([record[0], record[1], record[2], record[3]])), record)
        })
        .filter(|(index, record)| settle_record(segment, *index) == **record)
        .map(|(index, _)| index)
        .collect()
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut value = [0; 8];
    value.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(value)
}
