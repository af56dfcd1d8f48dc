use proptest::prelude::*;

use crate::fetch::FetchError;
use crate::fetch::imap::fetched::{Body, FetchItem};
use crate::fetch::imap::fuzz::{self, Pieces, Taker};
use crate::fetch::imap::reader::{ReadError, Reader};
use crate::fetch::imap::response::{
    self, ListItem, NamespaceItem, NamespaceKind, Response, Status, Text, Untagged,
};
use crate::fetch::imap::set::UidSet;
use model::Timestamp;

fn read_with_body(octets: &[u8]) -> (Result<Response, ReadError>, Vec<u8>) {
    let mut source = Pieces { octets, piece: usize::MAX, left: 0 };
    let mut taker = Taker::default();
    let response = response::read(&mut Reader::new(&mut source), &mut taker);
    (response, taker.octets)
}

fn read(text: &str) -> Response {
    let (response, _) = read_with_body(text.as_bytes());
    response.unwrap_or_else(|error| panic!("{text:?}: {error:?}"))
}

fn check(text: &str, expected: Untagged) {
    assert_eq!(read(&format!("{text}\r\n")), Response::Untagged(expected), "{text}");
}

fn check_broken(text: &str) {
    let (response, _) = read_with_body(text.as_bytes());
    assert!(matches!(response, Err(ReadError::Syntax(_))), "{text:?}: {response:?}");
}

fn set(uids: &[u32]) -> UidSet {
    uids.iter().copied().collect()
}

fn fetch_item(text: &str) -> FetchItem {
    match read(text) {
        Response::Untagged(Untagged::Fetch(item)) => item,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn statuses_have_codes_and_words() {
    let text = |code: &str, arguments: &str, words: &str| Text {
        code: code.to_owned(),
        arguments: arguments.to_owned(),
        words: words.to_owned(),
    };
    for (line, status, expected) in [
        ("* OK", Status::Ok, text("", "", "")),
        ("* OK [ALERT] take care", Status::Ok, text("ALERT", "", "take care")),
        ("* ok [uidvalidity 7]", Status::Ok, text("UIDVALIDITY", "7", "")),
        ("* NO [no end", Status::No, text("", "", "[no end")),
        ("* BYE [UNAVAILABLE] a\tb", Status::Bye, text("UNAVAILABLE", "", "a b")),
        ("* PREAUTH hi", Status::PreAuth, text("", "", "hi")),
    ] {
        check(line, Untagged::Status { status, text: expected });
    }
    let tagged = read("C7 BAD \u{fc}\r\n");
    let expected = text("", "", "\u{fc}");
    assert_eq!(tagged, Response::Tagged { tag: "C7".into(), status: Status::Bad, text: expected });
    assert_eq!(read("+ more\r\n"), Response::Continue("more".to_owned()));
    assert_eq!(read("+\r\n"), Response::Continue(String::new()));
    assert_eq!(text("APPENDUID", "5 9", "").appended(), Some((5, 9)));
    assert_eq!(text("APPENDUID", "5", "").appended(), None);
}

#[test]
fn numbers_and_words_of_the_folder_are_understood() {
    check("* 3 EXISTS", Untagged::Exists(3));
    check("* 3 exists ", Untagged::Exists(3));
    check("* 3 EXPUNGE", Untagged::Expunge(3));
    check("* 3 RECENT", Untagged::Other);
    check("* FLAGS (\\Seen \\*)", Untagged::Other);
    check("* STATUS {3}\r\nabc (MESSAGES 3)", Untagged::Other);
    check(
        "* CAPABILITY imap4rev1 IDLE",
        Untagged::Capability(vec!["IMAP4REV1".into(), "IDLE".into()]),
    );
    check("* ENABLED UTF8=ACCEPT", Untagged::Enabled(vec!["UTF8=ACCEPT".into()]));
}

#[test]
fn found_uids_come_in_both_forms() {
    check("* SEARCH", Untagged::Search(set(&[])));
    check("* SEARCH 4 2 3 ", Untagged::Search(set(&[2, 3, 4])));
    check("* SEARCH 4 (MODSEQ 917162500)", Untagged::Search(set(&[4])));
    check("* ESEARCH (TAG \"C1\") UID ALL 2,9:7", Untagged::Search(set(&[2, 7, 8, 9])));
    check("* ESEARCH (TAG \"C1\") UID COUNT 2 ALL 2:3 MODSEQ 5", Untagged::Search(set(&[2, 3])));
    check("* ESEARCH (TAG \"C1\") UID", Untagged::Search(set(&[])));
    check("* ESEARCH", Untagged::Search(set(&[])));
}

#[test]
fn folders_are_listed_with_any_kind_of_string() {
    let item = |attributes: &[&str], delimiter, raw: &[u8]| {
        Untagged::List(ListItem {
            attributes: attributes.iter().map(|it| (*it).to_owned()).collect(),
            delimiter,
            raw: raw.to_vec(),
        })
    };
    check("* LIST () \"/\" INBOX", item(&[], Some('/'), b"INBOX"));
    check("* LIST (\\Trash) \".\" \"a \\\"b\\\\\"", item(&["\\Trash"], Some('.'), b"a \"b\\"));
    check("* LIST () NIL {4}\r\na\r\nb", item(&[], None, b"a\r\nb"));
    check("* LIST () \"\\\\\" ~user/x]", item(&[], Some('\\'), b"~user/x]"));
    check("* LIST () \"/\" ~{2}\r\n\u{fc}", item(&[], Some('/'), "\u{fc}".as_bytes()));
    check("* LIST () \"/\" nil", item(&[], Some('/'), b"NIL"));
    let extended = "* LIST (\\Sent) \"/\" x (\"CHILDINFO\" (\"SUBSCRIBED\" {1}\r\na)) ";
    check(extended, item(&["\\Sent"], Some('/'), b"x"));
}

#[test]
fn namespaces_are_listed_by_kind() {
    let item = |kind, prefix: &[u8]| NamespaceItem { kind, prefix: prefix.to_vec() };
    use NamespaceKind::{Other, Personal, Shared};
    check(
        "* NAMESPACE ((\"\" \"/\")) ((\"Other Users/\" \"/\" \"X\" (\"a\" \"b\"))) NIL",
        Untagged::Namespace(vec![item(Personal, b""), item(Other, b"Other Users/")]),
    );
    check(
        "* NAMESPACE NIL NIL ((\"#a\" NIL)(\"#b\" \".\"))",
        Untagged::Namespace(vec![item(Shared, b"#a"), item(Shared, b"#b")]),
    );
}

#[test]
fn facts_of_a_mail_come_in_any_order() {
    let line = "* 3 FETCH (FLAGS (\\Seen $x) X-OTHER ((1 {2}\r\n)) \"(\") nil) RFC822.SIZE 5 \
                INTERNALDATE \" 1-Jan-1970 00:00:09 +0000\" MODSEQ (7) UID 8)\r\n";
    let expected = FetchItem {
        uid: Some(8),
        size_bytes: Some(5),
        internal_date: Some(Timestamp::from_seconds(9)),
        flags: Some(vec!["\\Seen".into(), "$x".into()]),
        header: None,
        body: Body::Absent,
    };
    assert_eq!(fetch_item(line), expected);
}

#[test]
fn facts_that_a_server_cannot_tell_are_absent() {
    let line = "* 3 FETCH (UID 8 RFC822.SIZE -1 INTERNALDATE NIL FLAGS NIL BODY[] NIL)\r\n";
    let expected = FetchItem { uid: Some(8), body: Body::Missing, ..FetchItem::default() };
    assert_eq!(fetch_item(line), expected);
    let date = "* 3 FETCH (INTERNALDATE \"0-Jan-0000 00:00:00 +0000\" RFC822.SIZE {1}\r\n5)\r\n";
    assert_eq!(fetch_item(date), FetchItem::default());
}

#[test]
fn headers_come_under_any_spelling_of_their_name() {
    for line in [
        "* 1 FETCH (BODY[HEADER.FIELDS (MESSAGE-ID DATE)] {8}\r\nDate: x\n UID 2)\r\n",
        "* 1 FETCH (BODY[HEADER.FIELDS (\"Message-ID\" \"DATE\")] \"Date: x\n\" UID 2)\r\n",
        "* 1 FETCH (body[header.fields (date)]<0> {8}\r\nDate: x\n UID 2)\r\n",
    ] {
        let (response, _) = read_with_body(line.as_bytes());
        match response {
            Ok(Response::Untagged(Untagged::Fetch(item))) => {
                assert_eq!((item.header.as_deref(), item.uid), (Some(&b"Date: x\n"[..]), Some(2)));
            }
            // A quoted string holds no line end.
            other => assert!(line.contains("x\n\""), "{line}: {other:?}"),
        }
    }
}

#[test]
fn a_body_is_handed_over_and_not_kept() {
    let body = "x\r\n)\r\nC1 OK {9}\r\n";
    for form in ["{", "~{"] {
        let line = format!("* 1 FETCH (BODY[] {form}{}}}\r\n{body} UID 2)\r\n", body.len());
        let (response, octets) = read_with_body(line.as_bytes());
        let count = body.len() as u64;
        let body = Body::Octets { count };
        let item = FetchItem { uid: Some(2), body, ..FetchItem::default() };
        assert_eq!(response.expect("whole"), Response::Untagged(Untagged::Fetch(item)));
        assert_eq!(octets.len() as u64, count);
    }
    let (response, octets) = read_with_body(b"* 1 FETCH (RFC822 \"a\\\\b\")\r\n");
    assert!(response.is_ok());
    assert_eq!(octets, b"a\\b");
}

#[test]
fn what_breaks_the_grammar_is_left_out_and_the_next_response_read() {
    for line in [
        "* 1 FETCH (UID x)\r\n",
        "* 1 FETCH (UID 99999999999)\r\n",
        "* 1 FETCH UID 3\r\n",
        "* 1 FETCH (FLAGS (a \"b\"))\r\n",
        "* 1 FETCH (ENVELOPE (\"\"\"\" \"a\")) {3}\r\nabc\r\n",
        "* 1 FETCH (X \"never ends\r\n",
        "* LIST () \"/\"\r\n",
        "* SEARCH 1 x\r\n",
        "* NAMESPACE (NIL) x y\r\n",
        "*OK\r\n",
        "* 99999999999 EXISTS\r\n",
        "* 3 EXISTS of what\r\n",
    ] {
        let octets = format!("{line}* 7 EXISTS\r\n");
        let mut source = Pieces { octets: octets.as_bytes(), piece: usize::MAX, left: 0 };
        let mut taker = Taker::default();
        let first = response::read(&mut Reader::new(&mut source), &mut taker);
        assert!(
            matches!(first, Ok(Response::Untagged(Untagged::Malformed { .. }))),
            "{line:?}: {first:?}"
        );
        let second = response::read(&mut Reader::new(&mut source), &mut taker);
        assert_eq!(second.expect("read"), Response::Untagged(Untagged::Exists(7)), "{line:?}");
    }
}

#[test]
fn nothing_is_believed_after_a_literal_of_the_wrong_length() {
    // What follows may be the mail's own words.
    check_broken("* 1 FETCH (UID 1 BODY[] {2}\r\nab\r\nC1 OK done\r\n)\r\n");
    check_broken("* 1 FETCH (BODY[HEADER.FIELDS (DATE)] {2}\r\nabc)\r\n");
    check_broken("* LIST () \"/\" {1}\r\nabc\r\n");
    check_broken("* 1 FETCH (BODY[] {1}\r\na BODY[] {1}\r\na)\r\n");
}

#[test]
fn lines_that_are_no_responses_are_an_error() {
    for line in ["HTTP/1.1 400 Bad Request\r\n", "\r\n", "a\r\n", " * OK\r\n", "a MAYBE\r\n"] {
        check_broken(line);
    }
    let (response, _) = read_with_body(b"* 1 EXI");
    assert!(matches!(response, Err(ReadError::Failed(FetchError::NoConnection { .. }))));
}

/// Octets that look like answers more often than chance would have it.
fn answers() -> impl Strategy<Value = Vec<u8>> {
    let word = proptest::sample::select(vec![
        &b"* 1 FETCH (UID 7 RFC822.SIZE 3 BODY[] {3}\r\nabc)\r\n"[..],
        b"* 2 FETCH (FLAGS (\\Seen) BODY[HEADER.FIELDS (DATE)] {2}\r\nab)\r\n",
        b"* LIST (\\Trash) \"/\" {3}\r\na b\r\n",
        b"* SEARCH 1 2 9\r\n",
        b"* ESEARCH (TAG \"a\") UID ALL 1:9,12\r\n",
        b"* OK [UIDVALIDITY 7] x\r\n",
        b"C1 OK [CAPABILITY IMAP4rev1] done\r\n",
        b"+ go on\r\n",
        b"{5}\r\n",
        b"{99999999999999999999}\r\n",
        b"* 1 FETCH (",
        b"BODY[] {2}\r\n",
        b"BODY[] NIL",
        b"((((",
        b"))",
        b"\"",
        b"\\",
        b"\r",
        b"\n",
        b" ",
        b"\xff",
        b"\0",
    ]);
    let noise = proptest::collection::vec(any::<u8>(), 0..8);
    let piece = prop_oneof![4 => word.prop_map(<[u8]>::to_vec), 1 => noise];
    proptest::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn how_an_answer_arrives_does_not_change_it(octets in answers(), piece in 1usize..20) {
        fuzz::responses(&octets, piece);
    }

    #[test]
    fn no_name_of_a_folder_panics(raw in proptest::collection::vec(any::<u8>(), 0..60)) {
        fuzz::folder_name(&raw);
    }
}
