//! What a part is to its reader.

use std::borrow::Cow;

use crate::charset;
use crate::mime::{Content, Disposition};

/// Where a part stands among others.
#[derive(Clone, Copy)]
pub struct Context {
    /// The only part of a mail, or the first.
    pub root: bool,
    /// Directly or indirectly in multipart/related.
    pub related: bool,
    pub alternative: bool,
}

/// `This is a multi-part message in MIME format.` and its kin.
pub fn is_notice(text: &[u8]) -> bool {
    text.len() < 200 && memchr::memmem::find(text, b"MIME").is_some()
}

pub fn is_body(content: &Content, context: Context) -> bool {
    let readable = matches!(content.media.as_str(), "text/plain" | "text/html");
    let unnamed =
        content.name.is_empty() || context.root || (context.alternative && !context.related);
    readable && unnamed && content.disposition != Disposition::Attachment
}

/// Shown within the text: named by a `cid:` link, or what a reader does not look for in a list.
pub fn is_inline(content: &Content, context: Context) -> bool {
    let media = content.media.as_str();
    let image = media.starts_with("image/");
    let linked = image && context.related && content.content_id.is_some();
    let signature = matches!(
        media,
        "application/pkcs7-signature"
            | "application/x-pkcs7-signature"
            | "application/pgp-signature"
            | "application/pgp-encrypted"
    );
    let about = matches!(
        media,
        "message/delivery-status"
            | "message/feedback-report"
            | "message/disposition-notification"
            | "text/rfc822-headers"
    );
    match content.disposition {
        Disposition::Attachment => linked || signature,
        Disposition::Inline => image || about || signature || media.starts_with("text/"),
        Disposition::None => linked || about || signature || (media == "text/calendar"),
    }
}

pub fn is_signed_data(content: &Content) -> bool {
    let media =
        matches!(content.media.as_str(), "application/pkcs7-mime" | "application/x-pkcs7-mime");
    media && content.subtype != "certs-only"
}

pub fn decoded_text<'a>(content: &Content, octets: &'a [u8]) -> Cow<'a, str> {
    match &content.charset {
        None if content.media == "text/html" => {
            charset::decode(octets, charset::html_charset(octets).as_deref())
        }
        label => charset::decode(octets, label.as_deref()),
    }
}
