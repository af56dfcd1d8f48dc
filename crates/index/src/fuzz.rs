//! Entry points for fuzzing: must not panic, hang or grow without bound on any input.

use crate::query::ErrorCode;

/// Parses, prints, parses again, completes and highlights.
pub fn query(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    let _ = crate::suggest(&text, text.len() / 2);
    let _ = crate::address_at(&text, text.len());
    if let Ok(query) = crate::parse(&text) {
        let printed = query.to_string();
        match crate::parse(&printed) {
            Ok(again) => assert!(query.same_as(&again), "{text:?} and {printed:?} differ"),
            // The printed form spells out what a group abbreviates, and may be too long.
            Err(error) => assert!(
                matches!(error.code, ErrorCode::TooDeep | ErrorCode::TooLong),
                "{printed:?} was printed from {text:?} and does not parse: {error}"
            ),
        }
        let _ = crate::highlighter(&query).mark(&text);
    }
}
