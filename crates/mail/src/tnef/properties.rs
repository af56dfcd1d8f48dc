use crate::charset;

/// Properties of one object; further ones are not read.
const PROPERTIES_MAX: usize = 10_000;

/// MAPI properties by id, as TNEF encodes them (MS-OXTNEF §2.1.3.4).
#[derive(Default)]
pub struct Properties<'a> {
    values: Vec<(u16, u16, &'a [u8])>,
}

const TYPE_OBJECT: u16 = 0x000d;
const TYPE_STRING8: u16 = 0x001e;
const TYPE_UNICODE: u16 = 0x001f;
const TYPE_BINARY: u16 = 0x0102;
const TYPE_MULTIPLE: u16 = 0x1000;

/// The class id that precedes an object's octets.
const OBJECT_CLASS_BYTES: usize = 16;

impl<'a> Properties<'a> {
    /// Reads as many as there are whole.
    pub fn read(data: &'a [u8]) -> Self {
        let mut cursor = Cursor { rest: data };
        let count = cursor.number().unwrap_or(0) as usize;
        let mut properties = Self::default();
        for _ in 0..count.min(PROPERTIES_MAX) {
            if properties.property(&mut cursor).is_none() {
                break;
            }
        }
        properties
    }

    fn property(&mut self, cursor: &mut Cursor<'a>) -> Option<()> {
        let tag = cursor.number()?;
        let (kind, id) = (tag as u16, (tag >> 16) as u16);
        if id >= 0x8000 {
            cursor.take(16)?;
            if cursor.number()? == 0 {
                cursor.take(4)?;
            } else {
                let length = cursor.number()? as usize;
                cursor.padded(length)?;
            }
        }
        let multiple = kind & TYPE_MULTIPLE != 0;
        let base = kind & !TYPE_MULTIPLE;
        let variable = matches!(base, TYPE_OBJECT | TYPE_STRING8 | TYPE_UNICODE | TYPE_BINARY);
        let count = if multiple || variable { cursor.number()? } else { 1 };
        for place in 0..count {
            let value = if variable {
                let length = cursor.number()? as usize;
                cursor.padded(length)?
            } else {
                cursor.take(fixed_length(base)?)?
            };
            if place == 0 && id < 0x8000 {
                self.values.push((id, base, value));
            }
        }
        Some(())
    }

    fn of(&self, id: u16) -> impl Iterator<Item = (u16, &'a [u8])> + '_ {
        self.values
            .iter()
            .filter(move |(known, _, _)| *known == id)
            .map(|&(_, kind, value)| (kind, value))
    }

    /// A string, in the code page of the object unless it is Unicode.
    pub fn text(&self, id: u16, codepage: Option<&str>) -> Option<String> {
        self.of(id).find_map(|(kind, value)| {
            let text = match kind {
                TYPE_UNICODE => charset::decode(value, Some("utf-16le")).into_owned(),
                TYPE_STRING8 => {
                    charset::decode(value, codepage.or(Some("windows-1252"))).into_owned()
                }
                _ => return None,
            };
            Some(text.trim_end_matches('\0').trim().to_owned())
        })
    }

    /// The octets of a binary or string property.
    pub fn octets(&self, id: u16) -> Option<&'a [u8]> {
        self.of(id)
            .find(|(kind, _)| matches!(*kind, TYPE_BINARY | TYPE_STRING8))
            .map(|(_, value)| value)
    }

    /// The octets of an object property without its class id.
    pub fn object(&self, id: u16) -> Option<&'a [u8]> {
        let (_, value) = self.of(id).find(|(kind, _)| *kind == TYPE_OBJECT)?;
        value.get(OBJECT_CLASS_BYTES..)
    }

    pub fn number(&self, id: u16) -> Option<u32> {
        let (_, value) = self.of(id).find(|(_, value)| value.len() == 4)?;
        value.first_chunk().map(|octets| u32::from_le_bytes(*octets))
    }
}

/// Octets of a value of a fixed type; all are padded to four.
fn fixed_length(kind: u16) -> Option<usize> {
    match kind {
        0x0001 => Some(0),
        0x0002 | 0x0003 | 0x0004 | 0x000a | 0x000b => Some(4),
        0x0005 | 0x0006 | 0x0007 | 0x0014 | 0x0040 => Some(8),
        0x0048 => Some(16),
        _ => None,
    }
}

struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(head)
    }

    /// `length` octets and the padding to a multiple of four, which the last value may lack.
    fn padded(&mut self, length: usize) -> Option<&'a [u8]> {
        let value = self.take(length)?;
        let padding = (4 - length % 4) % 4;
        self.take(padding.min(self.rest.len()))?;
        Some(value)
    }

    fn number(&mut self) -> Option<u32> {
        let octets = self.take(4)?;
        octets.first_chunk().map(|octets| u32::from_le_bytes(*octets))
    }
}

/// The charset label of a Windows code page.
pub fn label(codepage: u32) -> Option<&'static str> {
    Some(match codepage {
        437 | 850 => "ibm850",
        866 => "ibm866",
        874 => "windows-874",
        932 => "shift_jis",
        936 | 54936 => "gb18030",
        949 | 51949 => "euc-kr",
        950 => "big5",
        1250 => "windows-1250",
        1251 => "windows-1251",
        1252 => "windows-1252",
        1253 => "windows-1253",
        1254 => "windows-1254",
        1255 => "windows-1255",
        1256 => "windows-1256",
        1257 => "windows-1257",
        1258 => "windows-1258",
        10000 => "macintosh",
        20127 => "us-ascii",
        20866 => "koi8-r",
        21866 => "koi8-u",
        28591 => "iso-8859-1",
        28592 => "iso-8859-2",
        28595 => "iso-8859-5",
        28597 => "iso-8859-7",
        28599 => "iso-8859-9",
        28605 => "iso-8859-15",
        50220..=50222 => "iso-2022-jp",
        51932 => "euc-jp",
        65001 => "utf-8",
        _ => return None,
    })
}
