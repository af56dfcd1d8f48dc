use std::borrow::Cow;

use encoding_rs::{Encoding, GB18030, ISO_2022_JP, UTF_16BE, UTF_16LE, WINDOWS_1252};
use mail_parser::decoders::charsets::map::charset_decoder;

/// Turns octets into text. The label is believed unless the octets prove it wrong: UTF-8 that is
/// valid and not ASCII is UTF-8 whatever a Latin label says; 8-bit text without a useful label is
/// windows-1252. Never fails; what has no meaning becomes U+FFFD.
pub fn decode<'a>(octets: &'a [u8], label: Option<&str>) -> Cow<'a, str> {
    if let Some((encoding, mark)) = Encoding::for_bom(octets) {
        return encoding.decode_without_bom_handling(&octets[mark..]).0;
    }
    let label = label.map(|label| label.trim().trim_matches(['"', '\'']).to_ascii_lowercase());
    let label = label.as_deref().unwrap_or_default();
    if is_stateful(label) {
        return labelled(octets, label).unwrap_or_else(|| unlabelled(octets));
    }
    if octets.is_ascii() && !is_wide(label) && !octets.contains(&0x1b) {
        return unlabelled(octets);
    }
    if claims_nothing(label) {
        return unlabelled(octets);
    }
    if is_latin(label)
        && let Ok(text) = std::str::from_utf8(octets)
    {
        return Cow::Borrowed(text);
    }
    labelled(octets, label).unwrap_or_else(|| unlabelled(octets))
}

/// Text without a label: UTF-8, ISO-2022-JP by its escapes, else windows-1252.
pub fn unlabelled(octets: &[u8]) -> Cow<'_, str> {
    if memchr::memchr(0x1b, octets).is_some() && has_japanese_escape(octets) {
        return Cow::Owned(japanese(octets));
    }
    match std::str::from_utf8(octets) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) if is_mostly_utf8(octets) => String::from_utf8_lossy(octets),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(octets).0,
    }
}

fn labelled<'a>(octets: &'a [u8], label: &str) -> Option<Cow<'a, str>> {
    // GB 18030 is the superset of what senders label as GB 2312 and GBK.
    if matches!(label, "gb2312" | "gbk" | "gb_2312-80" | "x-gbk" | "cp936" | "gb18030") {
        return Some(GB18030.decode_without_bom_handling(octets).0);
    }
    if is_wide(label) {
        return Some(wide(octets, label));
    }
    if label.starts_with("iso-2022-jp") {
        return Some(Cow::Owned(japanese(octets)));
    }
    if let Some(decoder) = charset_decoder(label.as_bytes()) {
        return Some(Cow::Owned(decoder(octets)));
    }
    let encoding = Encoding::for_label(label.as_bytes())?;
    Some(encoding.decode_without_bom_handling(octets).0)
}

/// ISO-2022-JP. Text that was put together from words has escapes without text between them,
/// which a strict decoder takes for an attack.
fn japanese(octets: &[u8]) -> String {
    let mut needed = Vec::with_capacity(octets.len());
    let mut rest = octets;
    while let Some(at) = memchr::memmem::find(rest, b"\x1b(B\x1b") {
        needed.extend_from_slice(&rest[..at]);
        rest = &rest[at + 3..];
    }
    needed.extend_from_slice(rest);
    ISO_2022_JP.decode_without_bom_handling(&needed).0.into_owned()
}

/// UTF-16 without a byte order mark: big endian by RFC 2781 unless every other octet says not.
fn wide<'a>(octets: &'a [u8], label: &str) -> Cow<'a, str> {
    let zeros = |odd: usize| octets.iter().skip(odd).step_by(2).filter(|&&byte| byte == 0).count();
    if !octets.contains(&0) && std::str::from_utf8(octets).is_ok() && octets.is_ascii() {
        return unlabelled(octets);
    }
    let little = label.ends_with("le") || (!label.ends_with("be") && zeros(1) > zeros(0));
    let encoding = if little { UTF_16LE } else { UTF_16BE };
    encoding.decode_without_bom_handling(octets).0
}

fn claims_nothing(label: &str) -> bool {
    matches!(
        label,
        "" | "us-ascii"
            | "ascii"
            | "utf-8"
            | "utf8"
            | "unknown"
            | "unknown-8bit"
            | "x-unknown"
            | "ansi_x3.4-1968"
            | "default"
            | "binary"
    )
}

fn is_latin(label: &str) -> bool {
    matches!(
        label,
        "iso-8859-1"
            | "iso8859-1"
            | "iso_8859-1"
            | "latin1"
            | "windows-1252"
            | "cp1252"
            | "iso-8859-15"
            | "latin-1"
    )
}

fn is_stateful(label: &str) -> bool {
    label.starts_with("iso-2022")
        || label == "utf-7"
        || label.starts_with("unicode-1-1")
        || label == "hz-gb-2312"
}

fn is_wide(label: &str) -> bool {
    label.starts_with("utf-16")
        || label == "utf16"
        || label == "ucs-2"
        || label == "iso-10646-ucs-2"
}

fn has_japanese_escape(octets: &[u8]) -> bool {
    octets
        .windows(3)
        .any(|window| window[0] == 0x1b && window[1] == b'$' && matches!(window[2], b'B' | b'@'))
}

/// Whether broken UTF-8 has more whole characters than breaks.
fn is_mostly_utf8(octets: &[u8]) -> bool {
    let (mut whole, mut broken) = (0usize, 0usize);
    for chunk in octets.utf8_chunks() {
        whole += chunk.valid().chars().filter(|character| !character.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    whole > broken
}

/// The `charset` that an HTML document names for itself, in its first kilobyte.
pub fn html_charset(octets: &[u8]) -> Option<String> {
    let head = &octets[..octets.len().min(1024)];
    let at = head.windows(8).position(|window| window.eq_ignore_ascii_case(b"charset="))?;
    let value = head[at + 8..].trim_ascii_start();
    let value = value.strip_prefix(b"\"").or(value.strip_prefix(b"'")).unwrap_or(value);
    let length = value
        .iter()
        .take_while(|&&byte| byte.is_ascii_alphanumeric() || b"-_:.".contains(&byte))
        .count();
    let label = std::str::from_utf8(&value[..length]).ok()?;
    (!label.is_empty()).then(|| label.to_ascii_lowercase())
}
