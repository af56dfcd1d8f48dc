//! What stands inside an entry of a segment.

use std::sync::Arc;

use model::{ContentId, Envelope, Source, Submission, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::cipher::{Cipher, KEY_BYTES};
use crate::frames::{ENTRY_HEADER_BYTES, EntryKind, Frame};
use crate::{Result, SpoolError};

/// The metadata of one submission. Field names are part of the format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Metadata {
    pub tenant: TenantId,
    pub source: Source,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<Envelope>,
    pub received_at: Timestamp,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub released: bool,
    pub size_bytes: u64,
    pub content: ContentId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub large: Option<LargeReference>,
}

/// Names a large file and holds its key: erasing the segment erases the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LargeReference {
    pub number: u64,
    pub key: [u8; KEY_BYTES],
}

impl Metadata {
    pub(crate) fn into_submission(self, octets: Vec<u8>) -> Submission {
        Submission {
            tenant: self.tenant,
            source: self.source,
            envelope: self.envelope,
            received_at: self.received_at,
            released: self.released,
            octets: Arc::new(octets),
        }
    }
}

/// Appends one whole entry (header and encrypted body) to `buffer`; the frame's offset is `offset`.
pub(crate) fn append(
    buffer: &mut Vec<u8>,
    cipher: &Cipher,
    (index, offset): (u64, u64),
    metadata: &Metadata,
    octets: &[u8],
) -> Result<Frame> {
    let json = serde_json::to_vec(metadata).map_err(|_| SpoolError::Encryption)?;
    let plain = 4 + json.len() + octets.len();
    let kind = if metadata.large.is_some() { EntryKind::Large } else { EntryKind::Inline };
    let body_bytes = (plain + crate::cipher::TAG_BYTES) as u64;
    let frame = Frame { kind, index, offset, body_bytes };
    let header = frame.header();
    buffer.reserve(ENTRY_HEADER_BYTES + body_bytes as usize);
    buffer.extend_from_slice(&header);
    let from = buffer.len();
    buffer.extend_from_slice(&(json.len() as u32).to_le_bytes());
    buffer.extend_from_slice(&json);
    buffer.extend_from_slice(octets);
    cipher.seal((0, index), &header, buffer, from)?;
    Ok(frame)
}

/// Decrypts the body of `frame`; `None` when it is damaged.
pub(crate) fn open(cipher: &Cipher, frame: &Frame, body: &mut [u8]) -> Option<(Metadata, Vec<u8>)> {
    let plain = cipher.open((0, frame.index), &frame.header(), body)?;
    let (metadata, octets) = parse(plain)?;
    Some((metadata, octets.to_vec()))
}

/// Splits a decrypted body into metadata and octets.
pub(crate) fn parse(plain: &[u8]) -> Option<(Metadata, &[u8])> {
    let (length, rest) = plain.split_first_chunk::<4>()?;
    let (json, octets) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    Some((serde_json::from_slice(json).ok()?, octets))
}
