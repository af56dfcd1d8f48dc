use std::fs::File;
use std::io::Read as _;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// What of a streamed file is in memory at a time, in bytes.
const PIECE_BYTES: usize = 256 << 10;

/// Longer file names are cut.
const NAME_CHARS_MAX: usize = 150;

/// What browsers may not do with anything that came with a mail: run, load, be framed.
const INERT: HeaderValue =
    HeaderValue::from_static("default-src 'none'; sandbox; frame-ancestors 'none'");

/// Octets as a file for the disk, never for the browser to show.
pub fn attachment(name: &str, media_type: &str, octets: Vec<u8>) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, media_type_value(media_type));
    headers.insert(header::CONTENT_DISPOSITION, disposition("attachment", name));
    headers.insert(header::CONTENT_SECURITY_POLICY, INERT);
    (StatusCode::OK, headers, Body::from(octets)).into_response()
}

/// A file that is read piece by piece while it is sent.
pub fn stream(name: &str, media_type: &str, file: std::fs::File, bytes: u64) -> Response {
    let pieces = futures_util::stream::try_unfold(Some(file), |file| async move {
        let Some(file) = file else { return Ok(None) };
        tokio::task::spawn_blocking(move || piece(file)).await.map_err(std::io::Error::other)?
    });
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, media_type_value(media_type));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
    headers.insert(header::CONTENT_DISPOSITION, disposition("attachment", name));
    headers.insert(header::CONTENT_SECURITY_POLICY, INERT);
    (StatusCode::OK, headers, Body::from_stream(pieces)).into_response()
}

/// The next piece and the file to go on with; nothing at its end.
fn piece(mut file: File) -> std::io::Result<Option<(Vec<u8>, Option<File>)>> {
    let mut octets = Vec::with_capacity(PIECE_BYTES);
    (&mut file).take(PIECE_BYTES as u64).read_to_end(&mut octets)?;
    Ok((!octets.is_empty()).then_some((octets, Some(file))))
}

/// A picture that the page shows.
pub fn picture(name: &str, media_type: &str, octets: Vec<u8>) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, media_type_value(media_type));
    headers.insert(header::CONTENT_DISPOSITION, disposition("inline", name));
    headers.insert(header::CONTENT_SECURITY_POLICY, INERT);
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    (StatusCode::OK, headers, Body::from(octets)).into_response()
}

/// Types that are told as they are; everything else is octets without a meaning. None of them can
/// run anything where `nosniff` holds.
const TOLD: &[&str] = &[
    "application/gzip",
    "application/json",
    "application/msword",
    "application/pdf",
    "application/rtf",
    "application/vnd.ms-excel",
    "application/vnd.ms-outlook",
    "application/vnd.ms-powerpoint",
    "application/zip",
    "audio/mpeg",
    "image/bmp",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/tiff",
    "image/webp",
    "message/rfc822",
    "text/calendar",
    "text/csv",
    "text/plain",
    "text/vcard",
    "video/mp4",
];

fn media_type_value(media_type: &str) -> HeaderValue {
    let told = TOLD.iter().find(|told| **told == media_type);
    let office = media_type.starts_with("application/vnd.openxmlformats-officedocument.")
        || media_type.starts_with("application/vnd.oasis.opendocument.");
    match told {
        Some(told) => HeaderValue::from_static(told),
        None if office => HeaderValue::from_str(media_type)
            .unwrap_or(HeaderValue::from_static("application/octet-stream")),
        None => HeaderValue::from_static("application/octet-stream"),
    }
}

/// `Content-Disposition` with the name in ASCII and in UTF-8 (RFC 6266 §4, RFC 8187).
pub fn disposition(kind: &str, name: &str) -> HeaderValue {
    let name = file_name(name);
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '_' })
        .map(|c| if matches!(c, '"' | '\\' | '%') { '_' } else { c })
        .collect();
    let extended = discovery::html::percent_encoded(&name);
    let value = format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{extended}");
    // Printable ASCII only, as made above.
    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("attachment"))
}

/// A name that is no path, begins with no dot and turns no writing direction.
fn file_name(name: &str) -> String {
    let clean: String = name
        .chars()
        .map(|c| match c {
            '/' | '\\' | ':' | '*' | '?' | '<' | '>' | '|' | '"' => '_',
            c => c,
        })
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .collect();
    let clean = clean.trim().trim_start_matches('.').trim();
    let length = clean.chars().count();
    // The end is kept: it says what kind of file this is.
    let start: String = clean.chars().take(NAME_CHARS_MAX.min(length)).collect();
    let name = if length > NAME_CHARS_MAX {
        let end: String = clean.chars().skip(length - 20).collect();
        format!("{}…{end}", start.chars().take(NAME_CHARS_MAX - 21).collect::<String>())
    } else {
        start
    };
    if name.is_empty() { "attachment".to_owned() } else { name }
}

/// Marks of writing direction and characters without width.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}')
}
