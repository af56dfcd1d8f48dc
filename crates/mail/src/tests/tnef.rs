use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tnef::read;

fn samples() -> Vec<PathBuf> {
    let Some(corpus) = super::corpus() else { return Vec::new() };
    let folders = ["mimekit/UnitTests/TestData/tnef", "poi-hsmf-hmef/test-data/hmef"];
    let entries = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(corpus.join("corpus/hard").join(folder)).unwrap());
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| {
            path.extension().is_some_and(|extension| extension == "tnef" || extension == "dat")
        })
        .collect()
}

/// What Debian's `tnef` extracts; `None` when it is not installed or refuses the file.
fn extracted(path: &Path, folder: &Path) -> Option<Vec<(String, Vec<u8>)>> {
    let status = Command::new("tnef")
        .arg("-C")
        .arg(folder)
        .arg("--number-backups")
        .arg(path)
        .output()
        .ok()?
        .status;
    if !status.success() {
        return None;
    }
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    Some(
        entries
            .map(|path| {
                (
                    path.file_name().unwrap().to_string_lossy().into_owned(),
                    std::fs::read(path).unwrap(),
                )
            })
            .collect(),
    )
}

#[test]
fn attachments_in_tnef_are_those_that_the_tnef_tool_extracts() {
    let mut compared = 0;
    for path in samples() {
        let folder = tempfile::tempdir().unwrap();
        let Some(expected) = extracted(&path, folder.path()) else { continue };
        let tnef = read(&std::fs::read(&path).unwrap()).unwrap_or_default();
        for (name, octets) in expected.iter().filter(|(_, octets)| !octets.is_empty()) {
            // The tool leaves the class id of an object before its octets.
            let same = |file: &crate::tnef::TnefFile| {
                file.octets == *octets || octets.get(16..) == Some(&file.octets)
            };
            let found = tnef.attachments.iter().any(same);
            let sizes: Vec<_> =
                tnef.attachments.iter().map(|file| (&file.name, file.octets.len())).collect();
            assert!(found, "{path:?}: {name} ({} octets) is not in {sizes:?}", octets.len());
            compared += 1;
        }
    }
    println!("{compared} attachments compared");
}

#[test]
fn no_tnef_sample_hides_its_text() {
    let expected = [
        ("quick-winmail.dat", "Five files from Hell!"),
        ("triples.tnef", "Sample description"),
        ("unicode-mapi-attr.tnef", "hello world"),
        ("unicode-mapi-attr-name.tnef", "Przesyłam poprawiony plik"),
        ("winmail.tnef", "111111111"),
        ("missing-filenames.tnef", "Y2K"),
    ];
    let samples = samples();
    for (name, text) in expected.iter().filter(|_| !samples.is_empty()) {
        let path = samples.iter().find(|path| path.ends_with(name)).unwrap();
        let tnef = read(&std::fs::read(path).unwrap()).unwrap();
        let all = format!("{}\n{}", tnef.subject, tnef.readable());
        assert!(all.contains(text), "{name}: {all}");
    }
}

fn attribute(level: u8, id: u16, data: &[u8]) -> Vec<u8> {
    let mut octets = vec![level];
    octets.extend_from_slice(&u32::from(id).to_le_bytes());
    octets.extend_from_slice(&(data.len() as u32).to_le_bytes());
    octets.extend_from_slice(data);
    octets.extend_from_slice(
        &data.iter().fold(0u16, |sum, &byte| sum.wrapping_add(byte.into())).to_le_bytes(),
    );
    octets
}

fn object(attributes: &[Vec<u8>]) -> Vec<u8> {
    [vec![0x78, 0x9f, 0x3e, 0x22, 1, 0], attributes.concat()].concat()
}

/// One property whose value has a length.
fn property(kind: u16, id: u16, value: &[u8]) -> Vec<u8> {
    let mut octets = [kind.to_le_bytes(), id.to_le_bytes()].concat();
    octets.extend_from_slice(&1u32.to_le_bytes());
    octets.extend_from_slice(&(value.len() as u32).to_le_bytes());
    octets.extend_from_slice(value);
    octets.resize(octets.len().next_multiple_of(4), 0);
    octets
}

fn properties(list: &[Vec<u8>]) -> Vec<u8> {
    [(list.len() as u32).to_le_bytes().to_vec(), list.concat()].concat()
}

fn mail_with(tnef: &[u8]) -> Vec<u8> {
    let head = b"From: a@b.example\r\nSubject: s\r\nContent-Type: application/ms-tnef; name=\"winmail.dat\"\r\nContent-Transfer-Encoding: binary\r\n\r\n";
    [head, tnef].concat()
}

#[test]
fn a_message_inside_tnef_is_found_with_its_text_and_its_files() {
    let inner = object(&[
        attribute(1, 0x8004, b"Inner subject\0"),
        attribute(1, 0x800c, b"Inner body with Gr\xf6\xdfe\0"),
        attribute(2, 0x9002, &[0; 14]),
        attribute(2, 0x8010, b"deep.txt\0"),
        attribute(2, 0x800f, b"deep content"),
    ]);
    let embedded = [vec![7; 16], inner.clone()].concat();
    let name: Vec<u8> = "Anhang ä.msg\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let outer = object(&[
        attribute(1, 0x9007, &1252u32.to_le_bytes()),
        attribute(
            1,
            0x9003,
            &properties(&[property(
                0x1f,
                0x1000,
                &"Äußerer Text".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(),
            )]),
        ),
        attribute(2, 0x9002, &[0; 14]),
        attribute(
            2,
            0x9005,
            &properties(&[property(0x0d, 0x3701, &embedded), property(0x1f, 0x3707, &name)]),
        ),
    ]);
    let mail = mail_with(&outer);
    super::corpus::check(&mail, "tnef");
    let view = crate::describe(&mail);
    for text in ["Äußerer Text", "Inner subject", "Inner body with Größe"] {
        assert!(view.text.contains(text), "{text}: {}", view.text);
    }
    let names: Vec<&str> = view.attachments.iter().map(|listed| listed.name.as_str()).collect();
    assert_eq!(names, ["Inner subject.dat", "deep.txt"]);
    assert_eq!(crate::attachment(&mail, 0).unwrap().octets, inner);
    assert_eq!(crate::attachment(&mail, 1).unwrap().octets, b"deep content");
    assert_eq!(crate::display(&mail).text.as_deref(), Some("Äußerer Text"));
}

#[test]
fn tnef_that_holds_nothing_is_an_attachment_itself() {
    let view = crate::describe(&mail_with(&object(&[])));
    assert_eq!(view.attachments[0].name, "winmail.dat");
}

#[test]
fn a_cut_tnef_gives_what_it_has_and_itself() {
    let whole =
        object(&[attribute(1, 0x8004, b"Betreff\0"), attribute(1, 0x800c, b"Anfang und Ende\0")]);
    let view = crate::describe(&mail_with(&whole[..whole.len() - 8]));
    assert_eq!(view.text, "Betreff\nAnfang und");
    assert_eq!(view.attachments[0].name, "winmail.dat");
    assert!(crate::describe(&mail_with(&whole)).attachments.is_empty());
}

#[test]
fn html_inside_rtf_comes_out_as_html_and_plain_rtf_as_text() {
    let html = br"{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0{\fonttbl{\f0\fswiss Arial;}{\f1\fcharset204 Cyr;}}{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 Gr\'f6\'dfe {\*\htmltag84 &amp;}\u8364? \htmlrtf }\htmlrtf0{\*\htmltag72 </p>}{\*\mhtmltag72 no}}";
    let rtf = crate::tnef::rtf_to_text(html);
    assert_eq!(rtf, "Größe &€");
    let plain = br"{\rtf1\ansi\ansicpg1252{\fonttbl{\f1\fcharset204 Cyr;}}{\*\generator X;}Eins\par {\f1 \'cf\'f0} \uc1\u-10179?\u-8704?\tab zwei}";
    assert_eq!(crate::tnef::rtf_to_text(plain), "Eins\nПр 😀\tzwei");
}
