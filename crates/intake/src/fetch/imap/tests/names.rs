use proptest::prelude::*;

use crate::fetch::imap::folders::{Folder, SpecialUse};
use crate::fetch::imap::pattern::{Choice, FolderPattern, choose};
use crate::fetch::imap::set::UidSet;
use crate::fetch::imap::{date, utf7};
use model::Timestamp;

fn folder(name: &str, delimiter: char, attributes: &[&str]) -> Folder {
    Folder {
        attributes: attributes.iter().map(|it| (*it).to_owned()).collect(),
        special_use: attributes.iter().find_map(|it| SpecialUse::parse(it)),
        delimiter: Some(delimiter),
        ..Folder::named(name, true)
    }
}

fn patterns(texts: &[&str]) -> Vec<FolderPattern> {
    texts.iter().map(|text| FolderPattern::parse(text).expect("a pattern")).collect()
}

fn check_choice(folder: &Folder, include: &[&str], exclude: &[&str], expected: Choice) {
    let found = choose(std::slice::from_ref(folder), &patterns(include), &patterns(exclude));
    assert_eq!(found, [expected], "{} in {include:?} without {exclude:?}", folder.name);
}

#[test]
fn modified_utf_7_is_read_and_written() {
    for (raw, name) in [
        ("INBOX", "INBOX"),
        ("Gesch&AOQ-ftlich", "Geschäftlich"),
        ("R&-D", "R&D"),
        ("~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),
        ("&2D3ePA-", "😼"),
        ("", ""),
    ] {
        assert_eq!(utf7::decode(raw.as_bytes()).as_deref(), Some(name));
        assert_eq!(utf7::encode(name), raw);
    }
}

#[test]
fn what_is_no_modified_utf_7_has_no_name_in_unicode() {
    for raw in [
        &b"a&"[..],
        b"a&AOQ",
        b"a&AO-",
        b"&A!A-",
        b"&2D0-",
        b"\xc3\xa4",
        b"a\0b",
        b"&AOQA-",
        b"&////-",
    ] {
        assert_eq!(utf7::decode(raw), None, "{}", String::from_utf8_lossy(raw));
    }
}

proptest! {
    #[test]
    fn every_name_comes_back_from_modified_utf_7(name in "\\PC{0,40}") {
        let raw = utf7::encode(&name);
        prop_assert!(raw.is_ascii());
        prop_assert_eq!(utf7::decode(raw.as_bytes()), Some(name));
    }

    #[test]
    fn every_moment_of_whole_seconds_comes_back(seconds in -62_135_596_800i64..253_402_300_799) {
        let moment = Timestamp::from_seconds(seconds);
        prop_assert_eq!(date::parse(&date::format(moment)), Some(moment));
    }

    #[test]
    fn a_set_is_what_it_was_made_of(uids in proptest::collection::btree_set(1u32..500, 0..200)) {
        let set: UidSet = uids.iter().rev().copied().collect();
        prop_assert_eq!(set.len(), uids.len() as u64);
        prop_assert_eq!(set.iter().collect::<Vec<_>>(), uids.iter().copied().collect::<Vec<_>>());
        for uid in 1..500 {
            prop_assert_eq!(set.contains(uid), uids.contains(&uid));
        }
    }

    #[test]
    fn the_pieces_of_a_set_are_the_set(
        uids in proptest::collection::btree_set(1u32..5000, 0..300),
        count in 1u64..50,
        octets in 1usize..100,
    ) {
        let set: UidSet = uids.iter().copied().collect();
        let mut again = Vec::new();
        for piece in set.pieces(count, octets) {
            prop_assert!(piece.len() <= count);
            let text = piece.to_string();
            prop_assert!(text.len() <= octets || !text.contains(','));
            again.extend(piece.iter());
        }
        prop_assert_eq!(again, uids.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn dates_of_servers_are_understood() {
    for (text, expected) in [
        ("17-Jul-1996 02:44:25 -0700", Some(837_596_665)),
        (" 1-Jan-1970 00:00:00 +0000", Some(0)),
        ("1-jan-1970 01:30:00 +0130", Some(0)),
        ("29-Feb-2024 23:59:60 +0000", Some(1_709_251_200)),
        ("31-Dec-1969 23:59:59 +0000", Some(-1)),
        ("17-Jul-1996 02:44 -0700", None),
        ("17-Juli-1996 02:44:25 -0700", None),
        ("17-Jul-1996 02:44:25 UTC", None),
        ("17-Jul-1996 02:44:25 -07000", None),
        ("32-Jul-1996 02:44:25 -0700", None),
        ("17-Jul-99999 02:44:25 -0700", None),
        ("17-Jul-1996 25:44:25 \u{fc}0700", None),
        ("", None),
    ] {
        assert_eq!(date::parse(text), expected.map(Timestamp::from_seconds), "{text}");
    }
    assert_eq!(date::day(Timestamp::from_seconds(1_709_251_199)), "29-Feb-2024");
    assert_eq!(date::format(Timestamp::from_seconds(0)), " 1-Jan-1970 00:00:00 +0000");
}

#[test]
fn sets_are_written_as_spans() {
    let set: UidSet = [9, 1, 2, 3, 5, 4, 0, u32::MAX].into_iter().collect();
    assert_eq!(set.to_string(), "1:5,9,4294967295");
    assert_eq!(UidSet::from(7..=u32::MAX).to_string(), "7:4294967295");
    assert!(UidSet::from(0..=0).is_empty());
    assert_eq!(set.within(4..=9).to_string(), "4:5,9");
    assert_eq!((set.first(), set.last()), (Some(1), Some(u32::MAX)));
    assert_eq!(set.iter().rev().take(2).collect::<Vec<_>>(), [u32::MAX, 9]);
}

#[test]
fn a_pattern_names_a_folder_and_what_lies_beneath() {
    use Choice::{Excluded, Fetched, NotIncluded};
    for (name, include, exclude, expected) in [
        ("INBOX", &[][..], &[][..], Fetched),
        ("Projects", &["projects"], &[], Fetched),
        ("Projects/2024/Old", &["Projects"], &[], Fetched),
        ("Projects/2024/Old", &["Projects/*/old"], &[], Fetched),
        ("Projects/2024", &["Projects/%"], &[], Fetched),
        ("Projectsx", &["Projects"], &[], NotIncluded),
        ("Projects", &["Projects/%"], &[], NotIncluded),
        ("INBOX", &["=INBOX"], &[], Fetched),
        ("INBOX/Sub", &["=INBOX"], &[], NotIncluded),
        ("Übergabe", &["übergabe"], &[], Fetched),
        ("Trash/old", &[], &["Trash/"], Excluded),
        ("Trash", &["Trash"], &["tr*h"], Excluded),
        ("a.b", &["a/b"], &[], NotIncluded),
    ] {
        check_choice(&folder(name, '/', &[]), include, exclude, expected);
    }
    check_choice(&folder("a.b", '.', &[]), &["a/b"], &[], Fetched);
}

#[test]
fn a_folder_named_like_a_path_is_only_a_name() {
    let folder = folder("../../etc", '/', &[]);
    assert_eq!(folder.path(), ["..", "..", "etc"]);
    check_choice(&folder, &["../../etc"], &[], Choice::Fetched);
    check_choice(&folder, &["etc"], &[], Choice::NotIncluded);
}

#[test]
fn a_special_use_takes_what_lies_beneath_with_it() {
    let folders = [
        folder("Papierkorb", '.', &["\\Trash"]),
        folder("Papierkorb.Alt", '.', &["\\HasNoChildren"]),
        folder("Papierkorb2", '.', &[]),
        folder("Public", '.', &["\\NoSelect"]),
    ];
    let found = choose(&folders, &[], &patterns(&["\\trash"]));
    use Choice::{Excluded, Fetched, NoMails};
    assert_eq!(found, [Excluded, Excluded, Fetched, NoMails]);
}

#[test]
fn patterns_that_mean_nothing_are_refused() {
    for text in ["", "  ", "=", "/", "\\Spam", &"x".repeat(501)] {
        assert!(FolderPattern::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_pattern_full_of_wildcards_takes_no_time_to_speak_of() {
    let pattern = "*a".repeat(250);
    check_choice(&folder(&"a".repeat(4000), '/', &[]), &[&pattern], &[], Choice::Fetched);
    check_choice(&folder(&"b".repeat(4000), '/', &[]), &[&pattern], &[], Choice::NotIncluded);
}
