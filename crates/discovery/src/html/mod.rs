//! HTML of a mail, made harmless.
//!
//! Three nets, one behind the other: [`tidy`] keeps known elements only and balances them, which
//! bounds the work of everything behind it; ammonia parses the result as a browser does and keeps
//! what stands in an allow list; the answer's content security policy and the sandboxed frame
//! (`api`) forbid scripts and loading for whatever might still get through.

mod sanitise;
mod style;
mod tidy;

pub use sanitise::{Images, Sanitised, percent_decoded, percent_encoded, sanitise};

/// Longer HTML is shown as text.
pub const HTML_BYTES_MAX: usize = 2 << 20;

/// Elements beyond this count are left out; their text stays.
pub const ELEMENTS_MAX: usize = 50_000;

/// Elements nested deeper are left out; their text stays. HTML parsers are quadratic in depth.
pub const DEPTH_MAX: usize = 200;

/// Inline formatting (`<b>`, `<font>` …) nested deeper is left out: parsers repeat what is open
/// in every paragraph, which multiplies.
pub const FORMATTING_MAX: usize = 16;

/// Attributes of one element; further ones are left out.
pub const ATTRIBUTES_MAX: usize = 32;

#[cfg(test)]
mod tests;
