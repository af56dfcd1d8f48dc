/// Multiparts and attached mails inside each other; deeper ones are not taken apart.
pub const NESTING_MAX: usize = 256;

/// MIME parts of one mail; further ones are not taken apart.
pub const PARTS_MAX: usize = 10_000;

/// Search text of one mail in bytes of UTF-8; what exceeds it is not searchable.
pub const TEXT_BYTES_MAX: usize = 16 << 20;

/// Attached mails inside each other that are themselves base64 or quoted-printable, and mails in
/// TNEF; deeper ones are listed as attachments and not read.
pub const ENCODED_NESTING_MAX: usize = 8;
