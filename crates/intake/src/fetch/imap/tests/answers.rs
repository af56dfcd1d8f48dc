use std::time::{Duration, Instant};

use crate::fetch::FetchErrorKind;
use crate::fetch::imap::{Appended, Folder, Idled, NamespaceKind, Removal, SpecialUse, UidSet};
use model::Timestamp;

use super::support::{INBOX, inbox, open_with, opened, password, signed_in};
use crate::fetch::net::Patience;
use testkit::lying::LyingServer;

fn uids(uids: &[u32]) -> UidSet {
    uids.iter().copied().collect()
}

/// A server that offers exactly this, with INBOX open.
fn offering(capabilities: &str, trace: &str) -> (LyingServer, crate::fetch::imap::Session) {
    let server = LyingServer::start(&[&format!(
        "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready
         C: % AUTHENTICATE PLAIN *
         S: % OK [CAPABILITY IMAP4rev1 {capabilities}] in
         {INBOX}{trace}"
    )]);
    let mut session = open_with(&server, &password(), &Patience::default()).expect("signed in");
    session.select(&inbox()).expect("open");
    (server, session)
}

#[test]
fn folders_have_names_special_uses_and_namespaces() {
    let trace = "
        C: % NAMESPACE
        S: * NAMESPACE ((\"\" \"/\")) ((\"Other/\" \"/\")) ((\"#public/\" \"/\"))
        S: % OK done
        C: % LIST \"\" \"*\" RETURN (SPECIAL-USE)
        S: * LIST (\\HasNoChildren) \"/\" INBOX
        S: * LIST (\\Sent \\HasNoChildren) \"/\" \"Gesendete Objekte\"
        S: * LIST (\\Junk) \"/\" \"Gesch&AOQ-ftlich\"
        S: * LIST (\\Noselect) \"/\" \"../../etc\"
        S: * LIST () \"/\" \"Other/bob\"
        S: * LIST () \"/\" {4}
        S+ a&\\xff& \\r\\n
        S: * LIST (\\Marked) \"/\" INBOX
        S: % OK done
        C: % LIST \"\" \"#public/*\"*
        S: * LIST () \"/\" \"#public/info\"
        S: % OK done
    ";
    let server = LyingServer::start(&[&format!(
        "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready
         C: % AUTHENTICATE PLAIN *
         S: % OK [CAPABILITY IMAP4rev1 NAMESPACE LIST-EXTENDED SPECIAL-USE] in
         {trace}"
    )]);
    let mut session = open_with(&server, &password(), &Patience::default()).expect("signed in");
    let folders = session.folders().expect("complete");
    let find = |name: &str| folders.iter().find(|it| it.name == name).expect(name);
    assert_eq!(folders.len(), 7);
    assert_eq!(find("INBOX").attributes, ["\\HasNoChildren", "\\Marked"]);
    assert_eq!(find("Gesendete Objekte").special_use, Some(SpecialUse::Sent));
    assert_eq!(find("Geschäftlich").raw, b"Gesch&AOQ-ftlich");
    assert!(!find("../../etc").is_selectable());
    assert_eq!(find("Other/bob").namespace, NamespaceKind::Other);
    assert_eq!(find("#public/info").namespace, NamespaceKind::Shared);
    assert_eq!(find("a&\u{fffd}&").raw, b"a&\xff&");
    server.check();
}

#[test]
fn folders_are_listed_without_special_uses_where_the_server_stumbles() {
    let server = LyingServer::start(&["
        S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready
        C: % AUTHENTICATE PLAIN *
        S: % OK [CAPABILITY IMAP4rev1 LIST-EXTENDED SPECIAL-USE] in
        C: % LIST \"\" \"*\" RETURN (SPECIAL-USE)
        S: % BAD what
        C: % LIST \"\" \"*\"
        S: * LIST (\\Sent) \"/\" Sent
        S: * LIST (\\Noselect) \"/\" \"\"
        S: % OK done
    "]);
    let mut session = open_with(&server, &password(), &Patience::default()).expect("signed in");
    let folders = session.folders().expect("complete");
    assert_eq!(folders.len(), 1);
    assert_eq!(folders[0].special_use, Some(SpecialUse::Sent));
    server.check();
}

#[test]
fn lists_that_cannot_be_read_are_errors_and_not_shorter_lists() {
    let (_server, mut session) =
        signed_in("C: % LIST *\nS: * LIST () \"/\"\nS: * LIST () \"/\" a\nS: % OK done");
    assert_eq!(session.folders().expect_err("one is lost").kind(), FetchErrorKind::Protocol);
    let (_server, mut session) =
        opened("C: % UID SEARCH *\nS: * ESEARCH (TAG \"a\") UID ALL 1:x\nS: % OK done");
    let error = session.uids(1..=9, None, None).expect_err("some are lost");
    assert_eq!(error.kind(), FetchErrorKind::Protocol);
}

#[test]
fn a_mail_whose_facts_cannot_be_read_is_there_all_the_same() {
    let trace = "
        C: % UID FETCH 4:6 (UID RFC822.SIZE INTERNALDATE FLAGS)
        S: * 1 FETCH (UID 4 RFC822.SIZE 7)
        S: * 2 FETCH (UID 5 FLAGS (\"x\") RFC822.SIZE 7)
        S: % OK done
        C: % UID FETCH 5:6 (UID)
        S: * 2 FETCH (UID 5)
        S: % OK done
    ";
    let (server, mut session) = opened(trace);
    let found = session.sizes(&UidSet::from(4..=6)).expect("complete");
    let told: Vec<_> = found.iter().map(|it| (it.uid, it.size_bytes)).collect();
    assert_eq!(told, [(4, Some(7)), (5, None)]);
    server.check();
}

#[test]
fn names_in_utf_8_are_taken_where_the_server_agreed() {
    let server = LyingServer::start(&["
        S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready
        C: % AUTHENTICATE PLAIN *
        S: % OK [CAPABILITY IMAP4rev1 ENABLE UTF8=ACCEPT] in
        C: % ENABLE UTF8=ACCEPT
        S: * ENABLED UTF8=ACCEPT
        S: % OK done
        C: % LIST \"\" \"*\"
        S: * LIST () \"/\" \"Größe & Co\"
        S: % OK done
        C: % EXAMINE {12}
        S: + go on
        C: Größe & Co
        S: * OK [UIDVALIDITY 1] x
        S: % OK [READ-ONLY] done
    "]);
    let mut session = open_with(&server, &password(), &Patience::default()).expect("signed in");
    let folders = session.folders().expect("complete");
    assert_eq!(folders[0].name, "Größe & Co");
    assert!(session.examine(&folders[0]).is_ok_and(|it| it.read_only));
    assert_eq!(session.folder("Größe & Co").raw, folders[0].raw);
    server.check();
}

#[test]
fn odd_names_of_folders_are_sent_as_they_are() {
    let trace = "
        C: % EXAMINE \"a \\\"b\\\\c\"
        S: % NO no such folder
        C: % EXAMINE {5+}
        C: a
        C: b*
        S: % NO no such folder
    ";
    let (server, mut session) = signed_in(trace);
    for raw in [&b"a \"b\\c"[..], b"a\r\nbx"] {
        let folder = Folder { raw: raw.to_vec(), ..inbox() };
        let error = session.examine(&folder).expect_err("refused");
        assert_eq!(error.kind(), FetchErrorKind::Refused);
    }
    let folder = Folder { raw: b"a\0b".to_vec(), ..inbox() };
    assert_eq!(session.examine(&folder).expect_err("zero").kind(), FetchErrorKind::Config);
    server.check();
}

#[test]
fn mails_are_found_by_number_and_by_date() {
    let trace = "
        C: % UID SEARCH RETURN (ALL) UID 5:*
        S: * ESEARCH (TAG \"x\") UID ALL 4,7
        S: % OK done
        C: % UID SEARCH RETURN (ALL) UID 1:9 SINCE 28-Feb-2024 BEFORE 4-Mar-2024
        S: * ESEARCH (TAG \"x\") UID ALL 2:3
        S: % OK done
        C: % UID SEARCH *
        S: % OK done
    ";
    let (server, mut session) = opened(trace);
    // 4 is the last one, and named though it was not asked for.
    assert_eq!(session.uids(5..=u32::MAX, None, None).expect("found"), uids(&[7]));
    let since = Timestamp::from_seconds(1_709_164_800 + 50_000);
    let before = Timestamp::from_seconds(1_709_337_600);
    let found = session.uids(1..=9, Some(since), Some(before)).expect("found");
    assert_eq!(found, uids(&[2, 3]));
    assert!(session.uids(1..=9, None, None).expect("nothing").is_empty());
    server.check();
}

#[test]
fn mails_are_found_without_extended_search() {
    let trace = "
        C: % UID SEARCH UID 1:*
        S: * SEARCH 3 1
        S: * SEARCH 9
        S: % OK done
    ";
    let (server, mut session) = offering("UIDPLUS", trace);
    assert_eq!(session.uids(1..=u32::MAX, None, None).expect("found"), uids(&[1, 3, 9]));
    server.check();
}

#[test]
fn headers_for_a_comparison_come_without_bodies() {
    let trace = "
        C: % UID FETCH 4:5 (UID RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID DATE)])
        S+ * 1 FETCH (UID 4 RFC822.SIZE 9 BODY[HEADER.FIELDS (MESSAGE-ID DATE)] {21}\\r\\nMessage-ID: <a@b>\\r\\n\\r\\n)\\r\\n
        S+ * 2 FETCH (BODY[HEADER.FIELDS (\"DATE\")] {2}\\r\\n\\r\\n UID 5)\\r\\n
        S: % OK done
    ";
    let (server, mut session) = opened(trace);
    let found = session.headers(&uids(&[4, 5])).expect("complete");
    assert_eq!(found[0].header, b"Message-ID: <a@b>\r\n\r\n");
    assert_eq!((found[1].uid, found[1].size_bytes), (5, None));
    server.check();
}

#[test]
fn mails_are_removed_by_name_and_never_by_a_plain_expunge() {
    let trace = "
        C: % UID STORE 4:5 +FLAGS.SILENT (\\Deleted)
        S: % OK done
        C: % UID EXPUNGE 4:5
        S: * 1 EXPUNGE
        S: * 1 EXPUNGE
        S: % OK done
    ";
    let (server, mut session) = opened(trace);
    assert_eq!(session.remove(&uids(&[4, 5]), 77).expect("done"), Removal::Removed);
    server.check();
    assert!(server.heard().iter().all(|line| !line.ends_with(" EXPUNGE")));
}

#[test]
fn without_uidplus_and_move_nothing_is_removed() {
    let (server, mut session) = offering("IDLE", "C: % NOOP\nS: % OK done");
    let not_possible = Removal::NotPossibleWithoutUidplus;
    assert_eq!(session.remove(&uids(&[4]), 77).expect("told"), not_possible);
    let done = Folder::named("Done", false);
    assert_eq!(session.move_to(&uids(&[4]), 77, &done).expect("told"), not_possible);
    session.poll().expect("goes on");
    server.check();
}

#[test]
fn nothing_is_removed_from_a_folder_that_is_only_read_or_another_one() {
    let trace = "
        C: % EXAMINE \"INBOX\"
        S: * OK [UIDVALIDITY 77] x
        S: % OK [READ-ONLY] done
    ";
    let (server, mut session) = signed_in(trace);
    session.examine(&inbox()).expect("open");
    let found = session.remove(&uids(&[4]), 77).expect("told");
    assert_eq!(found, Removal::NotPossibleReadOnly);
    let error = session.remove(&uids(&[4]), 78).expect_err("another folder");
    assert_eq!(error.kind(), FetchErrorKind::Refused);
    server.check();
}

#[test]
fn mails_are_moved_into_a_folder_that_is_made_when_missing() {
    let trace = "
        C: % UID MOVE 4:5 \"Erledigt &- fertig\"
        S: % NO [TRYCREATE] no such folder
        C: % CREATE \"Erledigt &- fertig\"
        S: % OK made
        C: % UID MOVE 4:5 \"Erledigt &- fertig\"
        S: * OK [COPYUID 9 4:5 1:2] moved
        S: * 1 EXPUNGE
        S: * 1 EXPUNGE
        S: % OK done
    ";
    let (server, mut session) = opened(trace);
    let done = session.folder("Erledigt & fertig");
    assert_eq!(session.move_to(&uids(&[4, 5]), 77, &done).expect("done"), Removal::Removed);
    server.check();
}

#[test]
fn without_move_mails_are_copied_and_then_removed() {
    let trace = "
        C: % UID COPY 4 \"Done\"
        S: % OK done
        C: % UID STORE 4 +FLAGS.SILENT (\\Deleted)
        S: % OK done
        C: % UID EXPUNGE 4
        S: % OK done
        C: % UID COPY 5 \"Done\"
        S: % NO [OVERQUOTA] full
        C: % NOOP
        S: % OK done
    ";
    let (server, mut session) = offering("UIDPLUS", trace);
    let done = Folder::named("Done", false);
    assert_eq!(session.move_to(&uids(&[4]), 77, &done).expect("done"), Removal::Removed);
    let error = session.move_to(&uids(&[5]), 77, &done).expect_err("full");
    assert_eq!(error.kind(), FetchErrorKind::Refused);
    session.poll().expect("goes on, and nothing was marked");
    server.check();
}

#[test]
fn a_mail_is_brought_back_with_date_and_flags() {
    let trace = "
        C: % APPEND \"Restored\" (\\Seen $Wichtig) \" 1-Jan-1970 00:00:09 +0000\" {15}
        S: % NO [TRYCREATE] no such folder
        C: % CREATE \"Restored\"
        S: % OK made
        C: % APPEND \"Restored\" (\\Seen $Wichtig) \" 1-Jan-1970 00:00:09 +0000\" {15}
        S: + go on
        C: Subject: x
        C:
        C: a
        S: % OK [APPENDUID 5 9] done
        C: % APPEND \"INBOX\" {0}
        S: + go on
        C:
        S: % NO [OVERQUOTA] full
    ";
    let (server, mut session) = signed_in(trace);
    let flags = ["\\seen", "$Wichtig", "\\Recent", "no flag", "(", "\\Other"].map(str::to_owned);
    let folder = Folder::named("Restored", false);
    let date = Some(Timestamp::from_seconds(9));
    let done = session.append(&folder, &flags, date, b"Subject: x\r\n\r\na");
    assert_eq!(done.expect("done"), Some(Appended { uid_validity: 5, uid: 9 }));
    let error = session.append(&inbox(), &[], None, b"").expect_err("full");
    assert_eq!(error.kind(), FetchErrorKind::Refused);
    server.check();
}

#[test]
fn waiting_ends_with_news() {
    let trace = "
        C: % IDLE
        S: + idling
        S: * OK Still here
        S: * 2 FETCH (FLAGS (\\Seen))
        S: * 4 EXISTS
        C: DONE
        S: * 5 EXISTS
        S: % OK done
        C: % UID SEARCH *
        S: * ESEARCH (TAG \"x\") UID ALL 7
        S: % OK done
        C: % IDLE
        S: * 6 EXISTS
        S: + idling
        C: DONE
        S: % OK done
    ";
    let (server, mut session) = opened(trace);
    let later = Instant::now() + Duration::from_secs(3600);
    assert_eq!(session.idle(later).expect("news"), Idled::Changed);
    // Nobody looked yet.
    assert_eq!(session.idle(later).expect("news"), Idled::Changed);
    session.uids(1..=u32::MAX, None, None).expect("looked");
    assert_eq!(session.idle(later).expect("news"), Idled::Changed);
    server.check();
}

#[test]
fn a_mail_with_octets_of_zero_goes_as_binary_or_not_at_all() {
    let trace = "
        C: % NOOP
        S: * CAPABILITY IMAP4rev1 BINARY
        S: % OK done
        C: % APPEND \"INBOX\" ~{3}
        S: + go
        C: a*b
        S: % OK [APPENDUID 7 8] done
    ";
    let (server, mut session) = signed_in(trace);
    let mail = b"a\0b";
    let error = session.append(&inbox(), &[], None, mail).expect_err("it cannot be sent");
    assert!(error.leaves_session_usable() && error.to_string().contains("octets of zero"));
    session.poll().expect("goes on");
    let done = session.append(&inbox(), &[], None, mail).expect("taken");
    assert_eq!(done, Some(Appended { uid_validity: 7, uid: 8 }));
    server.check();
}

#[test]
fn waiting_ends_when_its_time_is_over() {
    let trace = "
        C: % IDLE
        S: + idling
        C: DONE
        S: % OK done
        C: % NOOP
        S: % OK done
    ";
    let (server, mut session) = opened(trace);
    assert_eq!(session.idle(Instant::now()).expect("quiet"), Idled::TimedOut);
    session.poll().expect("goes on");
    server.check();
}

#[test]
fn waiting_that_the_server_refuses_or_ends_is_told() {
    let later = Instant::now() + Duration::from_secs(3600);
    let (_server, mut session) = opened("C: % IDLE\nS: % NO [LIMIT] too many");
    assert_eq!(session.idle(later).expect_err("busy").kind(), FetchErrorKind::ServerBusy);
    let (_server, mut session) = opened("C: % IDLE\nS: + x\nS: * BYE bye\n! close");
    assert_eq!(session.idle(later).expect_err("gone").kind(), FetchErrorKind::NoConnection);
}

#[test]
fn conditional_store_is_asked_for_where_offered() {
    let trace = "
        C: % EXAMINE \"INBOX\" (CONDSTORE)
        S: * 1 EXISTS
        S: * OK [UIDVALIDITY 5] x
        S: * OK [HIGHESTMODSEQ 18446744073709551615] x
        S: % OK [READ-ONLY] done
    ";
    let server = LyingServer::start(&[&format!(
        "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready
         C: % AUTHENTICATE PLAIN *
         S: % OK [CAPABILITY IMAP4rev1 CONDSTORE] in
         {trace}"
    )]);
    let mut session = open_with(&server, &password(), &Patience::default()).expect("signed in");
    let state = session.examine(&inbox()).expect("open");
    assert_eq!(state.highest_modseq, Some(u64::MAX));
    server.check();
}

#[test]
fn a_session_ends_with_a_good_bye() {
    let (server, session) = signed_in("C: % LOGOUT\nS: * BYE bye\nS: % OK done\n! close");
    session.log_out();
    server.check();
    assert!(server.heard().iter().any(|line| line.ends_with(" LOGOUT")));
}
