//! Slots of a key table.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use model::TenantId;

use crate::cipher::WRAPPED_BYTES;
use crate::walk::{FILE_HEADER_BYTES, FileHeader};

pub(crate) const SLOT_BYTES: usize = 64;
pub(crate) const MAGIC: &[u8; 8] = b"CHNKEYS\0";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Never written, or beyond the end of the table.
    Absent,
    Damaged,
    Erased,
    Key([u8; WRAPPED_BYTES]),
}

pub(crate) fn offset_of(slot: u32) -> u64 {
    FILE_HEADER_BYTES as u64 + u64::from(slot) * SLOT_BYTES as u64
}

pub(crate) fn key_slot(slot: u32, wrapped: &[u8; WRAPPED_BYTES]) -> [u8; SLOT_BYTES] {
    slot_bytes(1, slot, wrapped)
}

pub(crate) fn erased_slot(slot: u32) -> [u8; SLOT_BYTES] {
    slot_bytes(2, slot, &[0; WRAPPED_BYTES])
}

fn slot_bytes(state: u8, slot: u32, wrapped: &[u8; WRAPPED_BYTES]) -> [u8; SLOT_BYTES] {
    let mut bytes = [0; SLOT_BYTES];
    bytes[0] = state;
    bytes[4..8].copy_from_slice(&slot.to_le_bytes());
    bytes[8..48].copy_from_slice(wrapped);
    let crc = crc32c::crc32c(&bytes[..60]);
    bytes[60..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

pub(crate) fn parse(bytes: &[u8; SLOT_BYTES], slot: u32) -> Slot {
    if bytes.iter().all(|byte| *byte == 0) {
        return Slot::Absent;
    }
    let mut wrapped = [0; WRAPPED_BYTES];
    wrapped.copy_from_slice(&bytes[8..48]);
    if *bytes == key_slot(slot, &wrapped) {
        Slot::Key(wrapped)
    } else if *bytes == erased_slot(slot) {
        Slot::Erased
    } else {
        Slot::Damaged
    }
}

pub(crate) fn read(file: &File, slot: u32) -> io::Result<Slot> {
    let mut bytes = [0; SLOT_BYTES];
    match file.read_exact_at(&mut bytes, offset_of(slot)) {
        Ok(()) => Ok(parse(&bytes, slot)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Slot::Absent),
        Err(error) => Err(error),
    }
}

/// All slots of a table whose octets are `table`, and whether its header is right.
pub(crate) fn parse_table(table: &[u8], tenant: TenantId, number: u32) -> (bool, Vec<Slot>) {
    let header = table.first_chunk::<FILE_HEADER_BYTES>();
    let wanted = FileHeader { magic: *MAGIC, tenant, number }.bytes();
    let slots = table.get(FILE_HEADER_BYTES..).unwrap_or_default();
    let parsed = slots.chunks(SLOT_BYTES).zip(0u32..).map(|(bytes, slot)| match bytes.try_into() {
        Ok(bytes) => parse(bytes, slot),
        Err(_) => Slot::Damaged,
    });
    (header == Some(&wanted), parsed.collect())
}
