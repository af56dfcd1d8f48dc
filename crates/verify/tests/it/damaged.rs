//! Mail that is damaged in the archive does not end an export: what is left of it is there, named as
//! damaged, and all others are proven.

use model::{ContentId, Location};
use testkit::authority::has_authority;

use crate::archive::{Archive, TENANT, report};

const LINES: usize = 200;

/// A mail with an attachment of zeros, long enough to be kept apart.
fn with_attachment() -> Vec<u8> {
    let mut mail = b"From: a@b.example\r\nSubject: two parts\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\n\
        the readable text\r\n--x\r\nContent-Type: application/octet-stream\r\n\
        Content-Transfer-Encoding: base64\r\n\r\n"
        .to_vec();
    for _ in 0..LINES {
        mail.extend([b'A'; 76]);
        mail.extend(b"\r\n");
    }
    mail.extend(b"--x--\r\n");
    mail
}

/// Turns one bit of an entry.
fn spoil(archive: &Archive, at: Location) {
    let folder = archive.folder.path().join("vault").join(TENANT.to_string());
    let path = folder.join(format!("{:08}.pack", at.pack));
    let mut octets = std::fs::read(&path).unwrap();
    let place = usize::try_from(at.offset + at.length_bytes / 2).unwrap();
    octets[place] ^= 0x08;
    std::fs::write(&path, octets).unwrap();
}

#[test]
fn a_damaged_mail_is_named_with_what_is_left_of_it_and_the_others_are_proven() {
    if !has_authority() {
        return;
    }
    let archive = Archive::new();
    let a = archive.archive(b"From: a@b.example\r\nSubject: sound\r\n\r\nsound\r\n");
    let torn = archive.archive(&with_attachment());
    let gone = archive.archive(&report("01-exo-to-cc-bcc-expanded.eml"));
    let b = archive.archive(b"From: a@b.example\r\nSubject: also\r\n\r\nalso\r\n");
    archive.seal().unwrap();
    let part = ContentId::of(&vec![0; LINES * 57]);
    let part = archive.catalog.locate(TENANT, &[part]).unwrap()[0].expect("a part of its own");
    let entry = archive.catalog.stored(TENANT, &[gone]).unwrap()[0].location;
    assert_eq!(archive.export(&[a, torn, gone, b], "before").unwrap().code, 0);
    spoil(&archive, part);
    spoil(&archive, entry);

    let outcome = archive.export(&[a, torn, gone, b], "after").unwrap();
    assert_eq!(outcome.code, 1, "{outcome:?}");
    let found = outcome.json();
    for check in ["files", "ledger", "complete"] {
        assert_eq!(found[check]["proven"], true, "{check}: {outcome:?}");
    }
    for mail in found["mails"].as_array().unwrap() {
        let sound = [a, b].iter().any(|it| mail["record"] == it.to_string());
        assert_eq!(mail["proven"], sound, "{outcome:?}");
        let octets = &mail["deliveries"][0]["octets"];
        let why = octets["detail"].as_str().unwrap_or_default();
        assert_eq!(why.contains("damaged in the archive"), !sound, "{outcome:?}");
    }
    let folder = archive.folder.path().join("after");
    let left = std::fs::read_to_string(folder.join(format!("mails/{torn}/mail-damaged.eml")));
    let left = left.unwrap();
    assert!(left.contains("the readable text") && !left.contains("AAAA"), "{left}");
    assert!(folder.join(format!("mails/{torn}/facts-1.json")).exists());
    assert!(!folder.join(format!("mails/{torn}/mail.eml")).exists());
    assert!(!folder.join(format!("mails/{gone}")).exists());
    let readme = std::fs::read_to_string(folder.join("README.txt")).unwrap();
    assert_eq!(readme.matches("DAMAGED in the archive").count(), 2, "{readme}");
}
