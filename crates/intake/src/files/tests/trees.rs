use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::files::*;

const MAIL: &str = "Subject: a\n\ntext\n";
const FROM: &str = "From anna@example.org Tue Jan  7 08:15:02 2025\n";

fn put(root: &Path, name: &str, octets: impl AsRef<[u8]>) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, octets).unwrap();
}

/// Each item as its name, with the folder and flags or the reason.
fn items(path: &Path) -> Vec<String> {
    let total = count(&[path.to_owned()]);
    let mut behind = 0;
    let describe = |item: Item| match item {
        Ok(found) => {
            assert!(found.read_bytes >= behind && found.read_bytes <= total.bytes);
            behind = found.read_bytes;
            format!("{} [{}] {}", found.name, found.folder, found.flags).trim_end().to_owned()
        }
        Err(unread) => unread.to_string(),
    };
    walk(vec![path.to_owned()], WalkSettings::default()).map(describe).collect()
}

#[test]
fn folders_are_walked_by_name_and_name_their_mail() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "b.eml", MAIL);
    put(root.path(), "a/z.eml", "");
    put(root.path(), "a/mail without suffix", MAIL);
    put(root.path(), "a/picture.png", b"\x89PNG\r\n\x1a\n");
    put(root.path(), "a/.DS_Store", "x");
    put(root.path(), "a/Inbox.msf", "x");
    put(root.path(), "Inbox", format!("{FROM}{MAIL}\n{FROM}{MAIL}"));
    put(root.path(), "Inbox.sbd/Empty", "");
    put(root.path(), "Inbox.sbd/Sub.mbox", format!("{FROM}{MAIL}"));
    put(root.path(), "m.emlx", format!("{}\n{MAIL}<?xml?>", MAIL.len()));
    assert_eq!(
        items(root.path()),
        [
            "Inbox#1 [Inbox]",
            "Inbox#2 [Inbox]",
            "Inbox.sbd/Sub.mbox#1 [Inbox/Sub]",
            "a/mail without suffix [a]",
            "a/picture.png: not a mail: it does not begin with a header field",
            "a/z.eml [a]",
            "b.eml []",
            "m.emlx []",
        ]
    );
    assert_eq!(items(&root.path().join("b.eml")), ["b.eml []"]);
    let emlx: Vec<_> = walk(vec![root.path().join("m.emlx")], WalkSettings::default()).collect();
    assert_eq!(emlx[0].as_ref().unwrap().octets, MAIL.as_bytes());
}

#[test]
fn a_maildir_gives_folders_and_flags_and_nothing_half_delivered() {
    let root = tempfile::tempdir().unwrap();
    for folder in
        ["cur", "new", "tmp", ".Projekte.Gr&APY-&AN8-e/cur", ".Projekte.Gr&APY-&AN8-e/new"]
    {
        fs::create_dir_all(root.path().join(folder)).unwrap();
    }
    put(root.path(), "cur/1.host:2,RS", MAIL);
    put(root.path(), "cur/2.host;2,F", "not even a header");
    put(root.path(), "new/3.host", MAIL);
    put(root.path(), "tmp/4.host", MAIL);
    put(root.path(), "dovecot-uidlist", "3 V1");
    put(root.path(), ".Projekte.Gr&APY-&AN8-e/cur/5.host:2,", MAIL);
    put(root.path(), ".Projekte.Gr&APY-&AN8-e/maildirfolder", "");
    assert_eq!(
        items(root.path()),
        [
            ".Projekte.Gr&APY-&AN8-e/cur/5.host:2, [Projekte/Größe]",
            "cur/1.host:2,RS [] RS",
            "cur/2.host;2,F [] F",
            "new/3.host []",
        ]
    );
}

#[cfg(unix)]
#[test]
fn links_are_reported_and_not_followed() {
    use std::os::unix::fs::symlink;
    let root = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    put(other.path(), "secret.eml", MAIL);
    put(root.path(), "real.eml", MAIL);
    symlink(other.path(), root.path().join("folder")).unwrap();
    symlink(other.path().join("secret.eml"), root.path().join("file.eml")).unwrap();
    symlink(root.path(), root.path().join("loop")).unwrap();
    assert_eq!(
        items(root.path()),
        [
            "file.eml: symbolic link, not followed",
            "folder: symbolic link, not followed",
            "loop: symbolic link, not followed",
            "real.eml []",
        ]
    );
    // What was named itself may be a link.
    let link = other.path().join("link");
    symlink(root.path().join("real.eml"), &link).unwrap();
    assert_eq!(items(&link), ["link []"]);
    assert!(items(&other.path().join("absent"))[0].contains("cannot be read"));
}

fn zip_of(path: &Path, entries: &[(&str, &[u8])]) {
    let mut writer = ZipWriter::new(fs::File::create(path).unwrap());
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, octets) in entries {
        writer.start_file(*name, options).unwrap();
        writer.write_all(octets).unwrap();
    }
    writer.finish().unwrap();
}

#[test]
fn a_zip_is_a_folder() {
    let root = tempfile::tempdir().unwrap();
    let mbox = format!("{FROM}{MAIL}\n{FROM}{MAIL}");
    let inner = root.path().join("inner.zip");
    zip_of(&inner, &[("x.eml", MAIL.as_bytes())]);
    let nested = fs::read(&inner).unwrap();
    fs::remove_file(&inner).unwrap();
    zip_of(
        &root.path().join("export.zip"),
        &[
            ("top.eml", MAIL.as_bytes()),
            ("Takeout/Mail/Inbox.mbox", mbox.as_bytes()),
            ("md/cur/1.host:2,S", MAIL.as_bytes()),
            ("md/tmp/2.host", MAIL.as_bytes()),
            ("../../outside.eml", MAIL.as_bytes()),
            ("nested.zip", &nested),
            ("__MACOSX/x", b"x"),
        ],
    );
    assert_eq!(
        items(root.path()),
        [
            "export.zip/../../outside.eml [export.zip/../..]",
            "export.zip/Takeout/Mail/Inbox.mbox#1 [export.zip/Takeout/Mail/Inbox]",
            "export.zip/Takeout/Mail/Inbox.mbox#2 [export.zip/Takeout/Mail/Inbox]",
            "export.zip/md/cur/1.host:2,S [export.zip/md] S",
            "export.zip/nested.zip: archive within an archive: unpack the outer one first",
            "export.zip/top.eml [export.zip]",
        ]
    );
}

#[test]
fn a_damaged_zip_is_reported_and_the_next_file_is_read() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a.zip");
    zip_of(&path, &[("x.eml", MAIL.repeat(100).as_bytes())]);
    let mut octets = fs::read(&path).unwrap();
    octets[40] ^= 0xff;
    fs::write(&path, &octets).unwrap();
    put(root.path(), "b.zip", b"PK\x03\x04nonsense");
    put(root.path(), "c.eml", MAIL);
    let items = items(root.path());
    assert!(items[0].starts_with("a.zip/x.eml: "), "{items:?}");
    assert!(items[1].starts_with("b.zip: damaged archive"), "{items:?}");
    assert_eq!(items[2], "c.eml []");
}

#[test]
fn a_bomb_is_one_reported_mail() {
    let root = tempfile::tempdir().unwrap();
    let mut bomb = b"Subject: a\n\n".to_vec();
    bomb.resize(20 << 20, b'A');
    zip_of(&root.path().join("a.zip"), &[("bomb.eml", &bomb), ("c.eml", MAIL.as_bytes())]);
    let settings = WalkSettings { mail_bytes_max: 1 << 20, ..WalkSettings::default() };
    let found: Vec<_> = walk(vec![root.path().to_owned()], settings).collect();
    assert!(matches!(found[0], Err(Unread { reason: Reason::TooLarge { .. }, .. })));
    assert_eq!(found[1].as_ref().unwrap().name, "a.zip/c.eml");
}

#[test]
fn a_walk_that_is_dropped_stops() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "big.mbox", format!("{FROM}{MAIL}\n").repeat(50_000));
    let mut walk = walk(vec![root.path().to_owned()], WalkSettings::default());
    assert!(walk.next().unwrap().is_ok());
    drop(walk);
    let mut seen = 0;
    let ended = visit(&[root.path().to_owned()], &WalkSettings::default(), &mut |_| {
        seen += 1;
        if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!((ended, seen), (ControlFlow::Break(()), 3));
}

#[test]
fn a_report_adds_up_or_says_so() {
    let mut report =
        ImportReport { read: 3, archived: 1, known: 1, failed: 1, ..Default::default() };
    assert!(report.adds_up());
    report.read += 1;
    assert!(!report.adds_up());
}
