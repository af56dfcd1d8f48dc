use std::panic::catch_unwind;

use crate::collect::{Collector, Purpose};

/// The longest name that is given out, in bytes: what file systems take.
const NAME_BYTES_MAX: usize = 200;

/// The decoded octets of one attachment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachmentBody {
    /// Safe as a file name: no path, no control or direction characters. Never empty.
    pub name: String,
    /// Lower-case MIME type, as the mail claims it.
    pub media_type: String,
    pub octets: Vec<u8>,
}

/// The attachment at `index` of [`crate::MailView::attachments`]; `None` when there is none.
pub fn attachment(mail: &[u8], index: usize) -> Option<AttachmentBody> {
    catch_unwind(|| Collector::run(mail, Purpose::Attachment(index)).0.wanted).ok().flatten()
}

/// A name that stays in its folder and shows its true ending; made up when there is none.
pub(crate) fn safe_name(name: &str, media_type: &str, index: usize) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept = readable_name(last).replace([':', '*', '?', '"', '<', '>', '|'], "_");
    let kept = kept.trim_matches(|character: char| character == '.' || character.is_whitespace());
    if kept.is_empty() {
        return format!("attachment-{}{}", index + 1, ending(media_type));
    }
    if kept.len() <= NAME_BYTES_MAX {
        return kept.to_owned();
    }
    let (stem, ending) =
        kept.rsplit_once('.').filter(|(_, ending)| ending.len() <= 16).unwrap_or((kept, ""));
    let stem = &stem[..stem.floor_char_boundary(NAME_BYTES_MAX - 17)];
    if ending.is_empty() { stem.to_owned() } else { format!("{stem}.{ending}") }
}

/// The name as it may be shown: what it seems to end with is what it ends with.
pub(crate) fn readable_name(name: &str) -> String {
    name.chars().filter(|character| !is_deceptive(*character)).collect()
}

/// Control characters, and those that change the direction of writing or take no room.
fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{061c}')
}

fn ending(media_type: &str) -> &'static str {
    match media_type {
        "application/pdf" => ".pdf",
        "image/gif" => ".gif",
        "image/jpeg" => ".jpg",
        "image/png" => ".png",
        "message/global" | "message/rfc822" => ".eml",
        "text/calendar" => ".ics",
        "text/csv" => ".csv",
        "text/html" => ".html",
        "application/ms-tnef" => ".dat",
        _ if media_type.starts_with("text/") || media_type.starts_with("message/") => ".txt",
        _ => ".bin",
    }
}
