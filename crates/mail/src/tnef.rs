//! Transport neutral encapsulation, `winmail.dat` (MS-OXTNEF), with its MAPI properties.

mod properties;
mod rtf;

use properties::{Properties, label};
pub use rtf::rtf_to_text;

use crate::{ENCODED_NESTING_MAX, charset, html_to_text};

const SIGNATURE: [u8; 4] = [0x78, 0x9f, 0x3e, 0x22];

/// Attachments of one object; further ones are left out and the object is too complex.
const ATTACHMENTS_MAX: usize = 10_000;

/// A message as TNEF holds it.
#[derive(Default)]
pub struct Tnef {
    pub class: String,
    pub subject: String,
    /// Names of the sender and the recipients, for a message inside another.
    pub people: String,
    pub text: Option<String>,
    pub html: Option<String>,
    /// Text of the RTF body.
    rtf: Option<String>,
    pub attachments: Vec<TnefFile>,
    pub too_complex: bool,
    /// The object is cut short, or something else follows it.
    pub damaged: bool,
}

#[derive(Default)]
pub struct TnefFile {
    /// Empty when there is none.
    pub name: String,
    pub media_type: String,
    pub content_id: Option<String>,
    pub octets: Vec<u8>,
    /// The message that `octets` are.
    pub embedded: Option<Box<Tnef>>,
}

impl Tnef {
    /// The body as text: the formats say the same, the first that says anything counts.
    pub fn readable(&self) -> String {
        let html = self.html.as_deref().map(html_to_text);
        let bodies = [self.text.clone(), html, self.rtf.clone()].into_iter().flatten();
        bodies.map(|text| text.trim().to_owned()).find(|text| !text.is_empty()).unwrap_or_default()
    }

    fn is_empty(&self) -> bool {
        self.attachments.is_empty() && self.subject.is_empty() && self.readable().is_empty()
    }
}

/// Reads a TNEF object as far as it goes; `None` when it is none or holds nothing.
pub fn read(octets: &[u8]) -> Option<Tnef> {
    read_nested(octets, 0).filter(|tnef| !tnef.is_empty())
}

fn read_nested(octets: &[u8], depth: usize) -> Option<Tnef> {
    let attributes = octets.strip_prefix(&SIGNATURE)?.get(2..)?;
    let mut reader = Reader {
        message: Tnef::default(),
        codepage: None,
        body: Vec::new(),
        files: Vec::new(),
        depth,
    };
    let mut rest = attributes;
    while let Some((attribute, tail)) = Attribute::split(rest) {
        reader.attribute(&attribute);
        reader.message.damaged |= attribute.cut;
        rest = tail;
    }
    reader.message.damaged |= !rest.is_empty();
    Some(reader.finish())
}

struct Attribute<'a> {
    of_attachment: bool,
    id: u16,
    data: &'a [u8],
    /// The data is shorter than it says.
    cut: bool,
}

impl<'a> Attribute<'a> {
    /// Level, id, length, data, checksum (MS-OXTNEF §2.1.3.2). The checksum is not looked at:
    /// what can be read of a damaged object is better than nothing.
    fn split(octets: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (head, rest) = octets.split_at_checked(9)?;
        if !matches!(head[0], 1 | 2) {
            return None;
        }
        let id = u16::from_le_bytes([head[1], head[2]]);
        let length = u32::from_le_bytes([head[5], head[6], head[7], head[8]]) as usize;
        let (data, rest) = rest.split_at(length.min(rest.len()));
        let cut = length > data.len();
        Some((
            Self { of_attachment: head[0] == 2, id, data, cut },
            rest.get(2..).unwrap_or_default(),
        ))
    }
}

/// One attachment while its attributes come in.
#[derive(Default)]
struct File<'a> {
    title: Vec<u8>,
    transport_name: Vec<u8>,
    data: &'a [u8],
    properties: Properties<'a>,
}

struct Reader<'a> {
    message: Tnef,
    codepage: Option<&'static str>,
    body: Vec<u8>,
    files: Vec<File<'a>>,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn attribute(&mut self, attribute: &Attribute<'a>) {
        let data = attribute.data;
        if attribute.of_attachment {
            // attAttachRendData begins an attachment.
            if attribute.id == 0x9002 || self.files.is_empty() {
                if self.files.len() >= ATTACHMENTS_MAX {
                    self.message.too_complex = true;
                    return;
                }
                self.files.push(File::default());
            }
            let Some(file) = self.files.last_mut() else { return };
            match attribute.id {
                0x8010 => file.title = data.to_vec(),
                0x800f => file.data = data,
                0x9001 => file.transport_name = data.to_vec(),
                0x9005 => file.properties = Properties::read(data),
                _ => {}
            }
            return;
        }
        match attribute.id {
            0x8004 => self.message.subject = self.text(data),
            0x8008 => self.message.class = self.text(data),
            0x800c => self.body = data.to_vec(),
            0x9007 => {
                self.codepage = data.first_chunk().and_then(|code| label(u32::from_le_bytes(*code)))
            }
            0x9003 => self.properties(&Properties::read(data)),
            _ => {}
        }
    }

    fn text(&self, octets: &[u8]) -> String {
        let end = octets.iter().rposition(|&byte| byte != 0).map_or(0, |at| at + 1);
        charset::decode(&octets[..end], self.codepage.or(Some("windows-1252"))).trim().to_owned()
    }

    fn properties(&mut self, properties: &Properties<'a>) {
        let codepage = self.codepage;
        let text = |id: u16| properties.text(id, codepage).filter(|text| !text.is_empty());
        let message = &mut self.message;
        message.subject = text(0x0037).unwrap_or(std::mem::take(&mut message.subject));
        message.class = text(0x001a).unwrap_or(std::mem::take(&mut message.class));
        // Sender and represented sender with addresses, display lists of To, Cc and Bcc.
        let mut people: Vec<String> = [0x0c1a, 0x0c1f, 0x0042, 0x0065, 0x0e04, 0x0e03, 0x0e02]
            .into_iter()
            .filter_map(text)
            .collect();
        people.dedup();
        message.people = people.join("\n");
        message.text = text(0x1000);
        let internet = properties.number(0x3fde).and_then(label);
        message.html = properties
            .octets(0x1013)
            .map(|html| charset::decode(html, internet.or(codepage)).into_owned());
        let Some(rtf) = properties.octets(0x1009).and_then(rtf::decompress) else { return };
        let rtf = rtf::read(&rtf);
        if rtf.is_html && message.html.is_none() {
            message.html = Some(rtf.text);
        } else if !rtf.is_html {
            message.rtf = Some(rtf.text);
        }
    }

    fn finish(mut self) -> Tnef {
        if self.message.text.is_none() && !self.body.is_empty() {
            self.message.text = Some(self.text(&self.body)).filter(|text| !text.is_empty());
        }
        if self.message.text.is_none() && self.message.html.is_none() {
            self.message.text.clone_from(&self.message.rtf);
        }
        let files = std::mem::take(&mut self.files);
        let files: Vec<TnefFile> = files.into_iter().map(|file| self.file(file)).collect();
        self.message.attachments = files;
        self.message
    }

    fn file(&mut self, file: File<'a>) -> TnefFile {
        let text =
            |id: u16| file.properties.text(id, self.codepage).filter(|text| !text.is_empty());
        // PidTagAttachLongFilename, then the names of the attributes, then PidTagAttachFilename.
        let fallback = [&file.transport_name, &file.title]
            .map(|name| self.text(name))
            .into_iter()
            .find(|name| !name.is_empty());
        let name = text(0x3707).or(fallback).or(text(0x3704)).or(text(0x3001)).unwrap_or_default();
        let media_type = text(0x370e).map(|media| media.to_ascii_lowercase());
        let content_id = text(0x3712).map(|id| id.trim_matches(['<', '>']).to_owned());
        let object = file.properties.object(0x3701);
        let data = object.or(file.properties.octets(0x3701)).unwrap_or_default();
        let octets = if file.data.is_empty() { data } else { file.data };
        let mut embedded = None;
        if object.is_some_and(|object| object.starts_with(&SIGNATURE)) {
            if self.depth < ENCODED_NESTING_MAX {
                embedded = read_nested(data, self.depth + 1).map(Box::new);
            } else {
                self.message.too_complex = true;
            }
        }
        let Some(message) = embedded else {
            let media_type = media_type.unwrap_or_else(|| "application/octet-stream".to_owned());
            return TnefFile {
                name,
                media_type,
                content_id,
                octets: octets.to_vec(),
                embedded: None,
            };
        };
        let title = if message.subject.is_empty() { name } else { message.subject.clone() };
        TnefFile {
            name: if title.is_empty() { title } else { format!("{title}.dat") },
            media_type: "application/ms-tnef".to_owned(),
            content_id,
            octets: data.to_vec(),
            embedded: Some(message),
        }
    }
}
