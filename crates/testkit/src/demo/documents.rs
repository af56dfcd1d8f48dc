//! Attachments made from nothing: small, valid files of the types that offices send.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, ZlibEncoder};

use super::html::escape;
use crate::Random;

/// Lines on one page of a generated PDF.
const PDF_PAGE_LINES: usize = 46;

/// A file to attach.
#[derive(Clone, Debug)]
pub struct Document {
    pub name: String,
    pub media_type: &'static str,
    pub octets: Vec<u8>,
}

pub const CSV: &str = "text/csv";
pub const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
pub const PDF: &str = "application/pdf";
pub const PNG: &str = "image/png";
pub const TXT: &str = "text/plain";
pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
pub const XML: &str = "application/xml";

/// A PDF 1.4 with `lines` of text, page by page, and `scan_octets` of image data that does not
/// compress, as a scanned page would not.
pub fn pdf(lines: &[String], scan_octets: usize, random: &mut Random) -> Vec<u8> {
    let pages: Vec<&[String]> = lines.chunks(PDF_PAGE_LINES).collect();
    let mut objects: Vec<Vec<u8>> = vec![Vec::new(), Vec::new()];
    objects
        .push(b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_vec());
    let mut resource = String::new();
    if scan_octets > 0 {
        let height = (scan_octets / 768).max(1);
        let mut image = format!(
            "<</Type/XObject/Subtype/Image/Width 256/Height {height}/ColorSpace/DeviceRGB\
             /BitsPerComponent 8/Length {}>>stream\n",
            height * 768
        )
        .into_bytes();
        image.extend(random.octets(height * 768));
        image.extend(b"\nendstream");
        objects.push(image);
        resource = format!("/XObject<</I0 {} 0 R>>", objects.len());
    }
    let mut kids = String::new();
    for (number, page) in pages.iter().enumerate() {
        let content = page_content(page, scan_octets > 0 && number == 0);
        let mut stream = format!("<</Length {}>>stream\n", content.len()).into_bytes();
        stream.extend(content);
        stream.extend(b"\nendstream");
        objects.push(stream);
        objects.push(
            format!(
                "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {} 0 R\
                 /Resources<</Font<</F1 3 0 R>>{resource}>>>>",
                objects.len()
            )
            .into_bytes(),
        );
        kids.push_str(&format!("{} 0 R ", objects.len()));
    }
    objects[0] = b"<</Type/Catalog/Pages 2 0 R>>".to_vec();
    objects[1] = format!("<</Type/Pages/Count {}/Kids[{kids}]>>", pages.len()).into_bytes();
    assemble(&objects)
}

fn page_content(lines: &[String], image: bool) -> Vec<u8> {
    let mut content = b"BT /F1 11 Tf 60 780 Td 15 TL\n".to_vec();
    for line in lines {
        content.push(b'(');
        for octet in windows_1252(line) {
            if matches!(octet, b'(' | b')' | b'\\') {
                content.push(b'\\');
            }
            content.push(octet);
        }
        content.extend(b") Tj T*\n");
    }
    content.extend(b"ET\n");
    if image {
        content.extend(b"q 120 0 0 120 415 60 cm /I0 Do Q\n");
    }
    content
}

fn assemble(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut offsets = Vec::with_capacity(objects.len());
    for (number, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        out.extend(format!("{} 0 obj\n", number + 1).into_bytes());
        out.extend(object);
        out.extend(b"\nendobj\n");
    }
    let table = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).into_bytes());
    for offset in offsets {
        out.extend(format!("{offset:010} 00000 n \n").into_bytes());
    }
    out.extend(
        format!("trailer<</Size {}/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n", objects.len() + 1)
            .into_bytes(),
    );
    out
}

/// Windows-1252 octets; what it cannot say becomes `?`.
pub fn windows_1252(text: &str) -> Vec<u8> {
    text.chars().map(|letter| windows_1252_octet(letter).unwrap_or(b'?')).collect()
}

/// The octet of `letter` in windows-1252, for the letters that business mail uses.
pub fn windows_1252_octet(letter: char) -> Option<u8> {
    Some(match letter {
        '\u{0}'..='\u{7f}' | '\u{a0}'..='\u{ff}' => letter as u32 as u8,
        '€' => 0x80,
        '‚' => 0x82,
        '„' => 0x84,
        '…' => 0x85,
        'Š' => 0x8a,
        'Œ' => 0x8c,
        'Ž' => 0x8e,
        '‘' => 0x91,
        '’' => 0x92,
        '“' => 0x93,
        '”' => 0x94,
        '•' => 0x95,
        '–' => 0x96,
        '—' => 0x97,
        '™' => 0x99,
        'š' => 0x9a,
        'œ' => 0x9c,
        'ž' => 0x9e,
        _ => return None,
    })
}

/// An RGB image whose every pixel `paint(x, y)` gives.
pub fn png(width: u32, height: u32, paint: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
    let mut raw = Vec::with_capacity((width as usize * 3 + 1) * height as usize);
    for y in 0..height {
        raw.push(0);
        for x in 0..width {
            raw.extend(paint(x, y));
        }
    }
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = Vec::new();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    chunk(&mut out, b"IHDR", &header);
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    // Writing to a Vec cannot fail.
    let _ = encoder.write_all(&raw);
    chunk(&mut out, b"IDAT", &encoder.finish().unwrap_or_default());
    chunk(&mut out, b"IEND", b"");
    out
}

fn chunk(out: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    out.extend((data.len() as u32).to_be_bytes());
    let start = out.len();
    out.extend(kind);
    out.extend(data);
    let crc = crc32(&out[start..]);
    out.extend(crc.to_be_bytes());
}

fn crc32(octets: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(octets);
    crc.sum()
}

/// A picture of a building site: sky, ground and a few façades; `grain` adds sensor noise.
pub fn photo(random: &mut Random, width: u32, height: u32, grain: bool) -> Vec<u8> {
    let hue = random.below(40) as u8;
    let walls: Vec<(u32, u32, u8)> = (0..5)
        .map(|wall| {
            let left = wall * width / 5 + random.below(12) as u32;
            (left, height / 4 + random.below(height as usize / 3) as u32, random.below(90) as u8)
        })
        .collect();
    let noise = random.octets(if grain { 65_536 } else { 1 });
    png(width, height, |x, y| {
        let spot = noise[(y as usize * 257 + x as usize * 31) % noise.len()] & 15;
        let wall = walls.iter().find(|(left, ..)| x >= *left && x < left + width / 6);
        match wall {
            Some(&(left, top, tone)) if y > top && y < height * 4 / 5 => {
                let window = (x - left) % 14 > 5 && (y - top) % 18 > 9;
                if window {
                    [60 + spot, 92 + spot, 128]
                } else {
                    [150 + tone / 2 + spot, 128 + tone / 3, 104 + hue / 2]
                }
            }
            _ if y >= height * 4 / 5 => [110 + spot, 98 + spot, 80 + hue / 3],
            _ => [150 + hue + (y * 60 / height) as u8, 190 + spot, 225],
        }
    })
}

/// A zip archive (APPNOTE 6.3) of `files`; text is deflated.
pub fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut out, mut central) = (Vec::new(), Vec::new());
    for (name, octets) in files {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        let _ = encoder.write_all(octets);
        let packed = encoder.finish().unwrap_or_default();
        let mut common = Vec::new();
        for field in [20u16, 0x0800, 8, 0, 0x5821] {
            common.extend(field.to_le_bytes());
        }
        for field in [crc32(octets), packed.len() as u32, octets.len() as u32] {
            common.extend(field.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        let offset = out.len() as u32;
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(name.as_bytes());
        out.extend(&packed);
        central.extend(b"PK\x01\x02\x14\x00");
        central.extend(&common);
        central.extend([0; 10]);
        central.extend(offset.to_le_bytes());
        central.extend(name.as_bytes());
    }
    let start = out.len() as u32;
    let count = (files.len() as u16).to_le_bytes();
    out.extend(&central);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count);
    out.extend(count);
    out.extend((central.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}

const XML_HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

fn content_types(parts: &[(&str, &str)]) -> String {
    let mut out = format!(
        "{XML_HEAD}<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"rels\" \
         ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
         <Default Extension=\"xml\" ContentType=\"application/xml\"/>"
    );
    for (name, kind) in parts {
        out.push_str(&format!(
            "<Override PartName=\"{name}\" \
             ContentType=\"application/vnd.openxmlformats-officedocument.{kind}+xml\"/>"
        ));
    }
    out + "</Types>"
}

fn relationship(kind: &str, target: &str) -> String {
    format!(
        "{XML_HEAD}<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"rId1\" \
         Type=\"{OFFICE}/{kind}\" Target=\"{target}\"/></Relationships>"
    )
}

/// A Word document with one paragraph per line (ECMA-376).
pub fn docx(lines: &[String]) -> Vec<u8> {
    let mut body = format!(
        "{XML_HEAD}<w:document \
         xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body>"
    );
    for line in lines {
        body.push_str("<w:p><w:r><w:t xml:space=\"preserve\">");
        escape(line, &mut body);
        body.push_str("</w:t></w:r></w:p>");
    }
    body.push_str("</w:body></w:document>");
    let types = content_types(&[("/word/document.xml", "wordprocessingml.document.main")]);
    zip(&[
        ("[Content_Types].xml", types.as_bytes()),
        ("_rels/.rels", relationship("officeDocument", "word/document.xml").as_bytes()),
        ("word/document.xml", body.as_bytes()),
    ])
}

/// A workbook with one sheet; a cell that parses as a number is one (ECMA-376).
pub fn xlsx(rows: &[Vec<String>]) -> Vec<u8> {
    let mut sheet = format!(
        "{XML_HEAD}<worksheet \
         xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>"
    );
    for row in rows {
        sheet.push_str("<row>");
        for cell in row {
            if cell.parse::<f64>().is_ok() {
                sheet.push_str(&format!("<c><v>{cell}</v></c>"));
            } else {
                sheet.push_str("<c t=\"inlineStr\"><is><t>");
                escape(cell, &mut sheet);
                sheet.push_str("</t></is></c>");
            }
        }
        sheet.push_str("</row>");
    }
    sheet.push_str("</sheetData></worksheet>");
    let book = format!(
        "{XML_HEAD}<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" \
         xmlns:r=\"{OFFICE}\"><sheets><sheet name=\"Tabelle1\" sheetId=\"1\" r:id=\"rId1\"/>\
         </sheets></workbook>"
    );
    let types = content_types(&[
        ("/xl/workbook.xml", "spreadsheetml.sheet.main"),
        ("/xl/worksheets/sheet1.xml", "spreadsheetml.worksheet"),
    ]);
    zip(&[
        ("[Content_Types].xml", types.as_bytes()),
        ("_rels/.rels", relationship("officeDocument", "xl/workbook.xml").as_bytes()),
        ("xl/workbook.xml", book.as_bytes()),
        (
            "xl/_rels/workbook.xml.rels",
            relationship("worksheet", "worksheets/sheet1.xml").as_bytes(),
        ),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ])
}
