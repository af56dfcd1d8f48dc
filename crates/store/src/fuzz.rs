//! Entry points for fuzzing: any octets, no panic, time linear in their number.

use std::sync::Arc;

use model::{ContentId, TenantId};

use crate::bundle::{Bundle, PartSource, SectionKind};
use crate::layout::Layout;
use crate::walk::{self, FILE_HEADER_BYTES, Step};
use crate::{Result, StoreError, base64_body, key_table};

/// Walks `octets` as a pack and returns the number of entries found.
pub fn pack(octets: &[u8]) -> usize {
    // Whatever the head says, reading goes on.
    let _ = Layout::read(&octets, TenantId::from_bytes([0; 16]), 1);
    let (mut at, mut entries) = (FILE_HEADER_BYTES as u64, 0);
    let length = octets.len() as u64;
    loop {
        match walk::step(&octets, at, length) {
            Ok(Step::Frame(frame)) => {
                entries += 1;
                at = frame.end().unwrap_or(length);
            }
            Ok(Step::Damaged(range)) => at = range.end,
            Ok(Step::End | Step::Torn(_)) | Err(_) => return entries,
        }
    }
}

/// Reads `octets` as a key table and returns the number of slots.
pub fn key_table(octets: &[u8]) -> usize {
    key_table::parse_table(octets, TenantId::from_bytes([0; 16]), 1).1.len()
}

/// Reads `octets` as a bundle and puts its sections together, without any part.
pub fn bundle(octets: &[u8]) -> bool {
    let Ok(bundle) = Bundle::parse(octets) else { return false };
    for kind in [SectionKind::Mail, SectionKind::Decrypted, SectionKind::Report] {
        let _ = bundle.reassemble(kind, &NoParts);
    }
    true
}

/// Takes `octets` for a base64 body.
pub fn base64(octets: &[u8]) -> bool {
    base64_body::decode(octets).is_some()
}

struct NoParts;

impl PartSource for NoParts {
    fn part(&self, content: ContentId) -> Result<Arc<Vec<u8>>> {
        Err(StoreError::PartMissing(content))
    }

    fn record_mail(&self, content: ContentId) -> Result<Arc<Vec<u8>>> {
        Err(StoreError::PartMissing(content))
    }
}
