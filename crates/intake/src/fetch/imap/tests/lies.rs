use crate::fetch::imap::fuzz::{Pieces, Taker};
use crate::fetch::imap::reader::{ReadError, Reader};
use crate::fetch::imap::response;
use crate::fetch::imap::{
    FACTS_OCTETS, FOLDER_MAILS, LINE_OCTETS, LIST_ITEMS, LITERAL_OCTETS, NESTING, RESPONSES,
    SKIPPED_OCTETS, UidSet,
};
use crate::fetch::{ConnectionFailure, FetchError, FetchErrorKind, Limit};

use super::support::{Basket, impatient, inbox, opened, signed_in};

fn check_limit(octets: &[u8], limit: Limit) {
    let mut source = Pieces { octets, piece: 4096, left: 0 };
    let outcome = response::read(&mut Reader::new(&mut source), &mut Taker::default());
    match outcome {
        Err(ReadError::Failed(FetchError::LimitExceeded(met))) => assert_eq!(met, limit),
        other => panic!("{other:?}"),
    }
    assert!(source.octets.len() + (1 << 20) > octets.len(), "it was read on");
}

fn check_error(error: &FetchError, kind: FetchErrorKind) {
    assert_eq!(error.kind(), kind, "{error}");
}

fn uids(uids: &[u32]) -> UidSet {
    uids.iter().copied().collect()
}

#[test]
fn what_is_kept_in_memory_has_limits() {
    let long = "x".repeat(1 << 20);
    check_limit(format!("* OK {long}").as_bytes(), LINE_OCTETS);
    check_limit(format!("* LIST () \"/\" \"{long}").as_bytes(), LINE_OCTETS);
    check_limit(format!("* 1 FETCH (X {long}").as_bytes(), LINE_OCTETS);
    check_limit(long.as_bytes(), LINE_OCTETS);
    check_limit(b"* LIST () \"/\" {70000}\r\n", LITERAL_OCTETS);
    check_limit(b"* LIST () \"/\" {4294967295}\r\n", LITERAL_OCTETS);
    check_limit(b"* 1 FETCH (X {999999999}\r\n", SKIPPED_OCTETS);
    check_limit(b"* 1 FETCH (BODY[HEADER.FIELDS (DATE)] {99999999}\r\n", SKIPPED_OCTETS);
    check_limit(format!("* 1 FETCH (X {}", "(".repeat(50)).as_bytes(), NESTING);
    check_limit(format!("* 1 FETCH (FLAGS ({}", "a ".repeat(5000)).as_bytes(), LIST_ITEMS);
    check_limit(format!("* 1 FETCH (X ({}", "() ".repeat(5000)).as_bytes(), LIST_ITEMS);
}

#[test]
fn an_endless_line_ends_the_session() {
    let (_server, mut session) = opened("C: % NOOP\nS@ forever xxxxxxxxxxxxxxxx");
    let error = session.poll().expect_err("endless");
    assert!(matches!(error, FetchError::LimitExceeded(limit) if limit == LINE_OCTETS));
    assert!(session.connection().received() < 1 << 20);
    check_error(&session.poll().expect_err("over"), FetchErrorKind::NoConnection);
}

#[test]
fn endless_responses_end_the_session() {
    let (_server, mut session) = opened("C: % NOOP\nS@ forever * 3 EXISTS\\r\\n");
    let error = session.poll().expect_err("endless");
    assert!(matches!(error, FetchError::LimitExceeded(limit) if limit == RESPONSES));
}

#[test]
fn an_endless_list_of_folders_takes_no_more_than_its_limit() {
    let (_server, mut session) = signed_in("C: % LIST *\nS@ forever * LIST () \"/\" same\\r\\n");
    check_error(&session.folders().expect_err("endless"), FetchErrorKind::LimitExceeded);
}

#[test]
fn an_endless_literal_that_nobody_asked_for_ends_the_session() {
    let (_server, mut session) =
        opened("C: % NOOP\nS+ * 1 FETCH (BODY[] {4294967296}\\r\\n\nS@ forever xxxxxxxxxxxxxxxx");
    let error = session.poll().expect_err("endless");
    assert!(matches!(error, FetchError::LimitExceeded(limit) if limit == SKIPPED_OCTETS));
}

#[test]
fn a_folder_that_claims_more_mails_than_there_can_be_is_an_error() {
    let trace = "
        C: % UID SEARCH RETURN (ALL) UID 1:*
        S: * ESEARCH (TAG \"x\") UID ALL 1:4294967295
        S: % OK done
    ";
    let (_server, mut session) = opened(trace);
    let error = session.uids(1..=u32::MAX, None, None).expect_err("too many");
    assert!(matches!(error, FetchError::LimitExceeded(limit) if limit == FOLDER_MAILS));
}

#[test]
fn flags_without_end_take_no_more_than_their_limit() {
    // The same mail again and again, each time with other flags.
    let flags = "x".repeat(190) + " ";
    let trace = format!(
        "C: % UID FETCH 4 *\nS@ forever * 1 FETCH (UID 4 FLAGS ({}))\\r\\n",
        flags.repeat(300)
    );
    let (_server, mut session) = opened(&trace);
    let error = session.sizes(&uids(&[4])).expect_err("endless");
    assert!(matches!(error, FetchError::LimitExceeded(limit) if limit == FACTS_OCTETS));
}

#[test]
fn an_answer_to_another_command_ends_the_session() {
    for line in ["S: C999 OK done", "S: X OK done", "S: + more"] {
        let (_server, mut session) = opened(&format!("C: % NOOP\n{line}\nS: % OK done"));
        check_error(&session.poll().expect_err("foreign"), FetchErrorKind::Protocol);
        check_error(&session.poll().expect_err("over"), FetchErrorKind::NoConnection);
    }
}

#[test]
fn responses_for_other_commands_change_nothing() {
    let trace = "
        C: % UID FETCH 4 (UID RFC822.SIZE INTERNALDATE FLAGS)
        S: * SEARCH 1 2 3
        S: * LIST () \"/\" \"../../etc\"
        S: * 9 FETCH (UID 99 RFC822.SIZE 1)
        S: * 9 FETCH (FLAGS (\\Seen))
        S: * STATUS x (MESSAGES 1)
        S: * 2 FETCH (UID 4 RFC822.SIZE 5)
        S: * 2 FETCH (UID 4 FLAGS (\\Seen))
        S: % OK done
    ";
    let (server, mut session) = opened(trace);
    let found = session.sizes(&uids(&[4])).expect("complete");
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].uid, found[0].size_bytes), (4, Some(5)));
    assert_eq!(found[0].flags, ["\\Seen"]);
    server.check();
}

#[test]
fn a_mail_shorter_than_promised_is_none() {
    let trace = "
        C: % UID FETCH 4 *
        S: * 1 FETCH (UID 4 BODY[] {500}
        S: Subject: a
        S: )
        S: % OK done
        ! silence
    ";
    let (_server, mut session) = impatient(trace);
    let mut basket = Basket::default();
    let error = session.fetch(&uids(&[4]), &mut basket).expect_err("cut");
    let timeout = ConnectionFailure::Timeout;
    assert!(matches!(error, FetchError::NoConnection { reason, .. } if reason == timeout));
    assert!(basket.mails.is_empty(), "what came is no mail");
}

#[test]
fn a_mail_longer_than_promised_is_none_and_its_words_are_no_answers() {
    let trace = "
        C: % UID FETCH 4:5 *
        S: * 1 FETCH (UID 4 BODY[] {10}
        S+ Subject: a\\r\\n* 1 FETCH (UID 5 BODY[] {1}\\r\\nx)\\r\\nC5 OK done\\r\\n
        S: )
        S: % OK done
    ";
    let (_server, mut session) = opened(trace);
    let mut basket = Basket::default();
    let error = session.fetch(&uids(&[4, 5]), &mut basket).expect_err("out of step");
    check_error(&error, FetchErrorKind::Protocol);
    assert!(basket.mails.is_empty());
}

#[test]
fn a_connection_that_ends_in_a_mail_keeps_the_mails_before_it() {
    let trace = "
        C: % UID FETCH 4:5 *
        S: * 1 FETCH (UID 4 BODY[] {3}
        S+ abc)\\r\\n* 2 FETCH (UID 5 BODY[] {3}\\r\\nab
        ! close
    ";
    let (_server, mut session) = opened(trace);
    let mut basket = Basket::default();
    let error = session.fetch(&uids(&[4, 5]), &mut basket).expect_err("cut");
    check_error(&error, FetchErrorKind::NoConnection);
    assert_eq!(basket.texts(), [(4, "abc".to_owned())]);
}

#[test]
fn wrong_sizes_are_told_and_the_octets_count() {
    let trace = "
        C: % UID FETCH 4 *
        S+ * 1 FETCH (UID 4 RFC822.SIZE 999999999 BODY[] {3}\\r\\nabc)\\r\\n
        S: % OK done
    ";
    let (_server, mut session) = opened(trace);
    let mut basket = Basket::default();
    session.fetch(&uids(&[4]), &mut basket).expect("complete");
    assert_eq!(basket.mails[0].0.size_bytes, Some(999_999_999));
    assert_eq!(basket.mails[0].1, b"abc");
}

#[test]
fn good_bye_in_the_middle_is_the_reason() {
    let trace = "
        C: % UID FETCH 4 *
        S: * BYE [UNAVAILABLE] Request is throttled. Suggested Backoff Time: 299961 milliseconds
        ! close
    ";
    let (_server, mut session) = opened(trace);
    let error = session.fetch(&uids(&[4]), &mut Basket::default()).expect_err("over");
    let FetchError::ServerBusy { retry_after, .. } = error else { panic!("{error}") };
    assert_eq!(retry_after.expect("a hint").as_millis(), 299_961);

    let (_server, mut session) = opened("C: % NOOP\nS: * BYE shutting down\n! close");
    let error = session.poll().expect_err("over");
    assert!(error.to_string().contains("shutting down"), "{error}");
    check_error(&error, FetchErrorKind::NoConnection);
}

#[test]
fn another_folder_under_the_same_name_ends_the_session() {
    let (_server, mut session) = opened("C: % NOOP\nS: * OK [UIDVALIDITY 78] new\nS: % OK done");
    check_error(&session.poll().expect_err("other UIDs"), FetchErrorKind::Protocol);
}

#[test]
fn octets_that_are_no_utf_8_are_shown_as_such() {
    let (_server, mut session) = opened("C: % NOOP\nS+ % NO \\xff\\xfe\\x1b[2J\\r\\n");
    let error = session.poll().expect_err("refused");
    assert!(error.to_string().contains("\u{fffd}\u{fffd} [2J"), "{error}");
    check_error(&error, FetchErrorKind::Refused);
}

#[test]
fn a_mail_of_gigabytes_passes_through_little_memory() {
    // 256 MiB stand for them; nothing depends on the length.
    const OCTETS: u64 = 256 * 1024 * 1024;
    let piece = "x".repeat(4096);
    let trace = format!(
        "C: % UID FETCH 4 *
         S+ * 1 FETCH (UID 4 BODY[] {{{OCTETS}}}\\r\\n
         S@ {} {piece}
         S+ )\\r\\n
         S: % OK done",
        OCTETS / 4096
    );
    let (_server, mut session) = opened(&trace);
    let mut basket = Basket { counts: true, ..Basket::default() };
    let fetched = session.fetch(&uids(&[4]), &mut basket).expect("complete");
    assert_eq!((fetched.delivered, basket.octets), (1, OCTETS));
    assert!(basket.longest_run <= 64 * 1024);
}

#[test]
fn a_silent_server_is_left() {
    let (_server, mut session) = impatient("C: % NOOP\n! silence");
    let error = session.poll().expect_err("silent");
    let timeout = ConnectionFailure::Timeout;
    assert!(matches!(error, FetchError::NoConnection { reason, .. } if reason == timeout));
}

#[test]
fn a_folder_without_lasting_numbers_is_refused_and_the_session_goes_on() {
    let trace = "
        C: % EXAMINE \"INBOX\"
        S: * 3 EXISTS
        S: % OK open
        C: % NOOP
        S: % OK done
    ";
    let (server, mut session) = signed_in(trace);
    let error = session.examine(&inbox()).expect_err("no UIDVALIDITY");
    check_error(&error, FetchErrorKind::Refused);
    session.poll().expect("goes on");
    server.check();
}
