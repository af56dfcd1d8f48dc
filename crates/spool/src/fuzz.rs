//! Entry points for fuzzing: any octets, no panic, time linear in their number.

use crate::frames;

/// Walks `octets` as a segment and returns the number of entries found.
pub fn segment(octets: &[u8]) -> usize {
    if let Some(header) = octets.first_chunk() {
        let _ = frames::parse_segment_header(header);
    }
    frames::walk(&octets).map_or(0, |walk| walk.frames.len())
}

/// Reads `octets` as a settle log.
pub fn settle_log(octets: &[u8]) -> usize {
    frames::parse_settle_log(1, octets).len()
}

/// Reads `octets` as the decrypted body of an entry.
pub fn entry_body(octets: &[u8]) -> bool {
    crate::entry::parse(octets).is_some()
}
