//! One walk over the parts of a mail for all that is asked of it. Everybody who lists attachments
//! lists them here, so that an index means the same everywhere.

use std::borrow::Cow;
use std::ops::Range;

use model::{Attachment, MailKind};

use crate::attachment::{AttachmentBody, readable_name, safe_name};
use crate::classify::{Context, decoded_text, is_body, is_inline, is_notice, is_signed_data};
use crate::head::Head;
use crate::mime::{self, Content, Descend, Disposition, Kind, Part, Structure};
use crate::text::{self, SearchText};
use crate::transfer::{self, Encoding};
use crate::{ENCODED_NESTING_MAX, TEXT_BYTES_MAX, charset, html, uuencode};

/// How much of a text attachment is decoded at most, before decoding; with more the mail is marked.
const READ_BYTES_MAX: usize = 3 * TEXT_BYTES_MAX;

/// What the walk is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The octets of one attachment.
    Attachment(usize),
    /// Search text and the list of attachments.
    Describe,
    /// The bodies as they are shown, and the list of attachments.
    Display,
}

pub struct Listed {
    pub attachment: Attachment,
    pub content_id: Option<String>,
}

/// One piece of the text that a person reads.
pub struct Body {
    /// Pieces of the same number are alternatives of each other.
    pub group: Option<usize>,
    pub html: bool,
    /// Only to be shown when nothing else is there: TNEF repeats what the mail says.
    pub fallback: bool,
    pub text: String,
}

pub struct Collector {
    purpose: Purpose,
    pub listed: Vec<Listed>,
    pub wanted: Option<AttachmentBody>,
    pub text: SearchText,
    pub bodies: Vec<Body>,
    pub encoded_parts: Vec<Range<usize>>,
    pub kind: MailKind,
    pub too_complex: bool,
    groups: usize,
}

/// Where in the mail the walk is.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// Attached mails around.
    level: usize,
    /// Containers around, attached mails included.
    depth: usize,
    /// Decodings that led here: 0 means that ranges are ranges of the mail itself.
    decoded: usize,
    /// The part is a mail's only one, or the first.
    root: bool,
    related: bool,
    alternative: Option<Alternative>,
}

#[derive(Clone, Copy)]
struct Alternative {
    group: usize,
    /// Where its search text begins.
    text_start: usize,
}

impl Place {
    fn context(&self) -> Context {
        let alternative = self.alternative.is_some();
        Context { root: self.root, related: self.related, alternative }
    }
}

const TOP: Place =
    Place { level: 0, depth: 0, decoded: 0, root: true, related: false, alternative: None };

impl Collector {
    /// Walks over `mail`; also answers its header.
    pub fn run(mail: &[u8], purpose: Purpose) -> (Self, Head) {
        let mut collector = Self {
            purpose,
            listed: Vec::new(),
            wanted: None,
            text: SearchText::default(),
            bodies: Vec::new(),
            encoded_parts: Vec::new(),
            kind: MailKind::Mail,
            too_complex: false,
            groups: 0,
        };
        let structure = mime::scan(mail, Descend::All, 0);
        let root = &structure.parts[0];
        let head = match purpose {
            Purpose::Attachment(_) => Head::default(),
            Purpose::Describe | Purpose::Display => {
                Head::read(mail, &root.header, root.content.charset.as_deref())
            }
        };
        collector.too_complex = structure.too_complex;
        collector.part(mail, &structure, 0, TOP);
        collector.too_complex |= collector.text.exceeded;
        (collector, head)
    }

    fn part(&mut self, octets: &[u8], structure: &Structure, index: usize, place: Place) {
        if self.wanted.is_some() {
            return;
        }
        let part = &structure.parts[index];
        match part.kind {
            Kind::Leaf => self.leaf(octets, part, place),
            Kind::Message => {
                let body = &octets[part.body.clone()];
                self.attached_mail(&part.content, body, |_| Cow::Borrowed(body));
                let inside = Place {
                    level: place.level + 1,
                    depth: place.depth + 1,
                    root: true,
                    related: false,
                    alternative: None,
                    ..place
                };
                self.part(octets, structure, index + 1, inside);
            }
            Kind::Multipart => self.multipart(octets, structure, index, place),
        }
    }

    fn multipart(&mut self, octets: &[u8], structure: &Structure, index: usize, place: Place) {
        let part = &structure.parts[index];
        let media = part.content.media.as_str();
        self.note_kind(&part.content, place);
        let mut inside =
            Place { depth: place.depth + 1, root: false, related: place.related, ..place };
        match media {
            "multipart/alternative" if place.alternative.is_none() => {
                self.groups += 1;
                inside.alternative =
                    Some(Alternative { group: self.groups, text_start: self.text.len() });
            }
            "multipart/related" => inside.related = true,
            _ => {}
        }
        self.outside(octets, &part.preamble);
        let mut child = index + 1;
        let mut first = place.root && media != "multipart/alternative";
        while child < part.end {
            self.part(octets, structure, child, Place { root: first, ..inside });
            first = false;
            child = structure.parts[child].end.max(child + 1);
        }
        self.outside(octets, &part.epilogue);
    }

    /// Text before or behind the parts of a multipart: no reader shows it, a search must find it.
    fn outside(&mut self, octets: &[u8], range: &Range<usize>) {
        let text = octets[range.clone()].trim_ascii();
        if self.purpose == Purpose::Describe && !text.is_empty() && !is_notice(text) {
            self.text.push(&charset::unlabelled(text));
        }
    }

    fn leaf(&mut self, octets: &[u8], part: &Part, place: Place) {
        let body = &octets[part.body.clone()];
        let content = &part.content;
        if place.decoded == 0 && content.encoding == Encoding::Base64 {
            let start = part.body.start + (body.len() - body.trim_ascii_start().len());
            let length = body.trim_ascii().len();
            if length > 0 {
                self.encoded_parts.push(start..start + length);
            }
        }
        self.note_kind(content, place);
        let is_tnef =
            matches!(content.media.as_str(), "application/ms-tnef" | "application/vnd.ms-tnef");
        if content.is_message() {
            self.encoded_mail(content, body, place);
        } else if is_tnef || content.name.eq_ignore_ascii_case("winmail.dat") {
            self.tnef_part(content, body, place);
        } else if is_signed_data(content) {
            self.signed(content, body, place);
        } else if is_body(content, place.context()) {
            self.body(content, body, place);
        } else {
            self.file(content, body, place);
        }
    }

    /// An attached mail that is itself encoded, or that lies too deep to be taken apart.
    fn encoded_mail(&mut self, content: &Content, body: &[u8], place: Place) {
        let octets = transfer::decode(content.encoding, body);
        self.attached_mail(content, &octets, Cow::Borrowed);
        self.inner_mail(&octets, place);
    }

    /// Walks over a mail that is no range of the one that holds it.
    fn inner_mail(&mut self, octets: &[u8], place: Place) {
        if place.decoded >= ENCODED_NESTING_MAX || place.depth >= crate::NESTING_MAX {
            self.too_complex = true;
            return;
        }
        let depth = place.depth + 1;
        let structure = mime::scan(octets, Descend::All, depth);
        self.too_complex |= structure.too_complex;
        let inside = Place { level: place.level + 1, depth, decoded: place.decoded + 1, ..TOP };
        self.part(octets, &structure, 0, inside);
    }

    fn attached_mail<'m>(
        &mut self,
        content: &Content,
        mail: &'m [u8],
        body: impl FnOnce(&'m [u8]) -> Cow<'m, [u8]>,
    ) {
        let header = crate::headers::mail_block(mail);
        let head = Head::read(mail, &header, None);
        let name = if content.name.is_empty() && !head.subject.is_empty() {
            format!("{}.eml", head.subject)
        } else {
            content.name.clone()
        };
        let media = content.media.clone();
        let size_bytes = mail.len() as u64;
        self.list(Attachment { name, media_type: media, size_bytes, inline: false }, None, || {
            body(mail)
        });
        if self.purpose == Purpose::Describe {
            self.text.push(&head.text());
        }
    }

    /// Text that is read with the mail.
    fn body(&mut self, content: &Content, body: &[u8], place: Place) {
        let octets = transfer::decode(content.encoding, body);
        if content.media == "text/html" {
            return self.html_body(&decoded_text(content, &octets), place);
        }
        let blocks = uuencode::blocks(&octets);
        let mut text = String::new();
        let mut from = 0;
        for block in &blocks {
            text.push_str(&decoded_text(content, &octets[from..block.range.start]));
            from = block.range.end;
            let file = block.decode(&octets);
            let attachment = Attachment {
                name: block.name.clone(),
                media_type: "application/octet-stream".to_owned(),
                size_bytes: file.len() as u64,
                inline: false,
            };
            self.list(attachment, None, || Cow::Owned(file));
        }
        let tail = decoded_text(content, &octets[from..]);
        let text = if blocks.is_empty() { tail } else { Cow::Owned(text + &tail) };
        if text.contains("-----BEGIN PGP MESSAGE-----") {
            self.set_kind(MailKind::Encrypted, place);
        }
        match self.purpose {
            Purpose::Attachment(_) => {}
            Purpose::Describe if content.flowed => {
                let start = self.text.len();
                self.text.push(&text::unflow(&text, content.delete_space));
                if content.delete_space {
                    // Some senders say so and mean the blank all the same.
                    self.text.push_unseen(start, &text::unflow(&text, false));
                }
            }
            Purpose::Describe => self.text.push(&text),
            Purpose::Display if content.flowed => {
                self.show(text::unflow(&text, content.delete_space), false, place);
            }
            Purpose::Display => self.show(text.into_owned(), false, place),
        }
    }

    fn html_body(&mut self, source: &str, place: Place) {
        match self.purpose {
            Purpose::Attachment(_) => {}
            Purpose::Describe => {
                let text = html::html_to_text(source);
                match place.alternative {
                    Some(alternative) => self.text.push_unseen(alternative.text_start, &text),
                    None => self.text.push(&text),
                }
            }
            Purpose::Display => self.show(source.to_owned(), true, place),
        }
    }

    fn show(&mut self, text: String, html: bool, place: Place) {
        if place.level == 0 {
            let group = place.alternative.map(|alternative| alternative.group);
            self.bodies.push(Body { group, html, fallback: false, text });
        }
    }

    /// Anything else: an attachment, readable or not.
    fn file(&mut self, content: &Content, body: &[u8], place: Place) {
        let attachment = Attachment {
            name: content.name.clone(),
            media_type: content.media.clone(),
            size_bytes: transfer::decoded_length(content.encoding, body),
            inline: is_inline(content, place.context()),
        };
        self.list(attachment, content.content_id.clone(), || {
            transfer::decode(content.encoding, body)
        });
        let readable =
            content.media.starts_with("text/") || content.media == "message/delivery-status";
        if self.purpose != Purpose::Describe || !readable {
            return;
        }
        // Markup may be long before it says much; other text beyond the limit is never kept.
        let markup = matches!(content.media.as_str(), "text/html" | "text/calendar" | "text/rtf");
        let length = if markup { body.len() } else { body.len().min(READ_BYTES_MAX) };
        self.text.exceeded |= length < body.len();
        let octets = transfer::decode(content.encoding, &body[..length]);
        let text = decoded_text(content, &octets);
        match content.media.as_str() {
            "text/calendar" => self.text.push(&text::calendar(&text)),
            "text/html" => self.text.push(&html::html_to_text(&text)),
            "text/rtf" => self.text.push(&crate::tnef::rtf_to_text(&octets)),
            _ => self.text.push(&text),
        }
    }

    fn tnef_part(&mut self, content: &Content, body: &[u8], place: Place) {
        let octets = transfer::decode(content.encoding, body);
        match crate::tnef::read(&octets) {
            Some(tnef) => {
                // Of a damaged object more may be readable than is read here.
                if tnef.damaged {
                    self.file(content, body, place);
                }
                self.tnef(&tnef, place);
            }
            None => self.file(content, body, place),
        }
    }

    fn tnef(&mut self, tnef: &crate::tnef::Tnef, place: Place) {
        if place.decoded >= ENCODED_NESTING_MAX {
            self.too_complex = true;
            return;
        }
        self.too_complex |= tnef.too_complex;
        if tnef.class.to_ascii_lowercase().starts_with("ipm.schedule")
            || tnef.class.to_ascii_lowercase().starts_with("ipm.microsoft schedule")
        {
            self.set_kind(MailKind::Calendar, place);
        }
        match self.purpose {
            Purpose::Attachment(_) => {}
            Purpose::Describe => {
                if place.level > 0 {
                    self.text.push_unseen(0, &tnef.people);
                }
                self.text.push_unseen(0, &tnef.subject);
                self.text.push_unseen(0, &tnef.readable());
            }
            Purpose::Display if place.level == 0 => {
                let piece = |text: &str, html| Body {
                    group: Some(0),
                    html,
                    fallback: true,
                    text: text.to_owned(),
                };
                self.bodies.extend(tnef.html.as_deref().map(|text| piece(text, true)));
                let text =
                    tnef.text.clone().or_else(|| tnef.html.is_none().then(|| tnef.readable()));
                self.bodies
                    .extend(text.filter(|text| !text.is_empty()).map(|text| piece(&text, false)));
            }
            Purpose::Display => {}
        }
        for file in &tnef.attachments {
            let attachment = Attachment {
                name: file.name.clone(),
                media_type: file.media_type.clone(),
                size_bytes: file.octets.len() as u64,
                inline: file.content_id.is_some() && file.media_type.starts_with("image/"),
            };
            self.list(attachment, file.content_id.clone(), || Cow::Borrowed(&file.octets));
            if let Some(embedded) = &file.embedded {
                self.tnef(
                    embedded,
                    Place { level: place.level + 1, decoded: place.decoded + 1, ..place },
                );
            }
        }
    }

    /// Opaque S/MIME: the signed mail lies inside the signature (RFC 8551 §3.5.2).
    fn signed(&mut self, content: &Content, body: &[u8], place: Place) {
        let octets = transfer::decode(content.encoding, body);
        let Some(mail) = crate::cms::signed_content(&octets) else {
            self.set_kind(MailKind::Encrypted, place);
            return self.file(content, body, place);
        };
        self.file(content, body, place);
        if place.decoded >= ENCODED_NESTING_MAX || place.depth >= crate::NESTING_MAX {
            self.too_complex = true;
            return;
        }
        let structure = mime::scan(&mail, Descend::All, place.depth + 1);
        self.too_complex |= structure.too_complex;
        let inside = Place { depth: place.depth + 1, decoded: place.decoded + 1, ..place };
        self.part(&mail, &structure, 0, inside);
    }

    fn list<'b>(
        &mut self,
        mut attachment: Attachment,
        content_id: Option<String>,
        octets: impl FnOnce() -> Cow<'b, [u8]>,
    ) {
        attachment.name = readable_name(&attachment.name);
        if self.purpose == Purpose::Attachment(self.listed.len()) && self.wanted.is_none() {
            self.wanted = Some(AttachmentBody {
                name: safe_name(&attachment.name, &attachment.media_type, self.listed.len()),
                media_type: attachment.media_type.clone(),
                octets: octets().into_owned(),
            });
        }
        self.listed.push(Listed { attachment, content_id });
    }

    fn note_kind(&mut self, content: &Content, place: Place) {
        let name = content.name.to_ascii_lowercase();
        match content.media.as_str() {
            "multipart/report" => self.set_kind(MailKind::Report, place),
            "multipart/encrypted" | "application/x-microsoft-rpmsg-message" => {
                self.set_kind(MailKind::Encrypted, place)
            }
            "application/octet-stream" if name == "message.rpmsg" => {
                self.set_kind(MailKind::Encrypted, place)
            }
            "text/calendar" if content.disposition != Disposition::Attachment => {
                self.set_kind(MailKind::Calendar, place)
            }
            _ => {}
        }
    }

    fn set_kind(&mut self, kind: MailKind, place: Place) {
        if place.level == 0 && self.kind == MailKind::Mail {
            self.kind = kind;
        }
    }
}
