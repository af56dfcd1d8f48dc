use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::tidy::{BLOCKS, FORMATTING, TABLES, tidy};
use super::{HTML_BYTES_MAX, style};

/// HTML that may be shown in a sandboxed frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sanitised {
    /// A fragment: no `html`, `head` or `body`.
    pub html: String,
    /// What the mail would have loaded from elsewhere: images, backgrounds.
    pub remote: u32,
    /// Some elements were left out because there were too many of them.
    pub cut: bool,
}

/// Where the images of a mail come from.
#[derive(Clone, Copy, Debug)]
pub struct Images<'a> {
    /// What `cid:x` becomes: this, and `x` percent-encoded.
    pub cid_prefix: &'a str,
    /// Whether images are loaded from `https:` addresses.
    pub remote: bool,
}

/// Makes the HTML of a mail harmless. `None`: longer than [`HTML_BYTES_MAX`]; show the text.
///
/// The result holds no script, form, frame, object, style sheet, event handler, identifier, or
/// address other than of links (`http`, `https`, `mailto`, `tel`; opened apart, without referrer)
/// and images (`data:` of a picture, `cid:`, and `https:` only if asked for). Work is linear in
/// the length of `html` (see [`super::DEPTH_MAX`]).
pub fn sanitise(html: &str, images: Images<'_>) -> Option<Sanitised> {
    if html.len() > HTML_BYTES_MAX {
        return None;
    }
    let tidied = tidy(html);
    let remote = Arc::new(AtomicU32::new(tidied.remote));
    let counted = Arc::clone(&remote);
    let prefix = images.cid_prefix.to_owned();
    let show_remote = images.remote;
    let mut builder = ammonia::Builder::empty();
    builder
        .tags(elements())
        .clean_content_tags(HashSet::from(["script", "style", "title"]))
        .tag_attributes(attributes())
        .generic_attributes(HashSet::from(["align", "dir", "lang", "style", "title", "valign"]))
        .url_schemes(HashSet::from(["cid", "data", "http", "https", "mailto", "tel"]))
        .url_relative(ammonia::UrlRelative::PassThrough)
        .strip_comments(true)
        .link_rel(Some("noopener noreferrer nofollow"))
        .set_tag_attribute_values(HashMap::from([("a", HashMap::from([("target", "_blank")]))]))
        .filter_style_properties(style::PROPERTIES.iter().copied().collect())
        .attribute_filter(move |element, attribute, value| match (element, attribute) {
            ("img", "src") => source(value, &prefix, show_remote, &counted).map(Cow::Owned),
            (_, "href") => link(value).then_some(Cow::Borrowed(value)),
            (_, "src") => None,
            (_, "style") => {
                let mut urls = 0;
                let kept = style::harmless(value, &mut urls);
                counted.fetch_add(urls, Ordering::Relaxed);
                kept.map(Cow::Owned)
            }
            _ => Some(Cow::Borrowed(value)),
        });
    let html = builder.clean(&tidied.html).to_string();
    Some(Sanitised { html, remote: remote.load(Ordering::Relaxed), cut: tidied.cut })
}

fn elements() -> HashSet<&'static str> {
    let single = ["br", "col", "hr", "img", "wbr"];
    [FORMATTING, BLOCKS, TABLES, &single].into_iter().flatten().copied().collect()
}

fn attributes() -> HashMap<&'static str, HashSet<&'static str>> {
    let cell = || HashSet::from(["bgcolor", "colspan", "height", "nowrap", "rowspan", "width"]);
    HashMap::from([
        ("a", HashSet::from(["href", "target"])),
        ("col", HashSet::from(["width"])),
        ("colgroup", HashSet::from(["width"])),
        ("font", HashSet::from(["color", "face", "size"])),
        ("hr", HashSet::from(["color", "size", "width"])),
        ("img", HashSet::from(["alt", "border", "height", "src", "width"])),
        ("ol", HashSet::from(["start", "type"])),
        (
            "table",
            HashSet::from(["bgcolor", "border", "cellpadding", "cellspacing", "height", "width"]),
        ),
        ("tbody", HashSet::from(["bgcolor"])),
        ("td", cell()),
        ("th", cell()),
        ("tr", HashSet::from(["bgcolor", "height"])),
        ("ul", HashSet::from(["type"])),
    ])
}

fn source(value: &str, cid_prefix: &str, show_remote: bool, remote: &AtomicU32) -> Option<String> {
    let value = value.trim();
    let scheme = value.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("cid") => {
            Some(format!("{cid_prefix}{}", percent_encoded(&percent_decoded(&value[4..]))))
        }
        Some("data") => is_picture(value).then(|| value.to_owned()),
        Some("https") => {
            remote.fetch_add(1, Ordering::Relaxed);
            show_remote.then(|| value.to_owned())
        }
        Some("http") => {
            remote.fetch_add(1, Ordering::Relaxed);
            None
        }
        _ => {
            remote.fetch_add(u32::from(value.starts_with("//")), Ordering::Relaxed);
            None
        }
    }
}

/// A picture inside the address itself. SVG is a document, not a picture.
fn is_picture(value: &str) -> bool {
    let head: String = value.chars().take(40).collect::<String>().to_ascii_lowercase();
    ["gif", "jpeg", "jpg", "png", "webp", "bmp"]
        .iter()
        .any(|kind| head.starts_with(&format!("data:image/{kind};base64,")))
}

fn link(value: &str) -> bool {
    let value = value.trim_start();
    ["http://", "https://", "mailto:", "tel:"]
        .iter()
        .any(|start| value.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)))
}

/// Everything but unreserved characters (RFC 3986 §2.3) as `%XX`.
pub fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Resolves `%XX` (RFC 2392 writes a Content-ID so); what is no escape stands for itself.
pub fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digit =
            |offset: usize| bytes.get(at + offset).and_then(|byte| char::from(*byte).to_digit(16));
        match (bytes[at], digit(1), digit(2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
