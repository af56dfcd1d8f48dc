use crate::fetch::FetchErrorKind;
use crate::fetch::imap::{Fetched, UidSet};

use super::support::{Basket, opened};

fn uids(uids: &[u32]) -> UidSet {
    uids.iter().copied().collect()
}

#[test]
fn mails_are_handed_over_with_their_facts() {
    let trace = "
        C: % UID FETCH 4:5,9 (UID RFC822.SIZE INTERNALDATE FLAGS BODY.PEEK[])
        S+ * 1 FETCH (UID 4 RFC822.SIZE 3 INTERNALDATE \" 1-Jan-1970 00:00:07 +0000\" FLAGS (\\\\Seen) BODY[] {3}\\r\\na\\r\\n)\\r\\n
        S: * 4 EXISTS
        S+ * 2 FETCH (FLAGS () BODY[] {0}\\r\\n RFC822.SIZE 0 UID 5)\\r\\n
        S+ * 3 FETCH (BODY[] ~{4}\\r\\n\\x00\\xff\\r\\n RFC822.SIZE 4 UID 9)\\r\\n
        S: % OK done
    ";
    let (server, mut session) = opened(trace);
    let mut basket = Basket::default();
    let fetched = session.fetch(&uids(&[4, 5, 9]), &mut basket).expect("complete");
    assert_eq!(fetched, Fetched { delivered: 3, ..Fetched::default() });
    let mails: Vec<&[u8]> = basket.mails.iter().map(|(_, octets)| octets.as_slice()).collect();
    assert_eq!(mails, [&b"a\r\n"[..], b"", b"\0\xff\r\n"]);
    let facts = &basket.mails[0].0;
    assert_eq!(facts.internal_date.map(|it| it.as_seconds()), Some(7));
    assert_eq!((facts.size_bytes, facts.flags.as_slice()), (Some(3), &["\\Seen".to_owned()][..]));
    // Where the UID stands behind the body, it is known at the end only.
    assert_eq!(basket.begun, [(Some(4), 3), (None, 0), (None, 4)]);
    server.check();
}

#[test]
fn mails_that_are_gone_or_cannot_be_read_are_named() {
    let trace = "
        C: % UID FETCH 3:7 *
        S: * 1 FETCH (UID 3 RFC822.SIZE 7 BODY[] NIL)
        S: * 2 EXPUNGE
        S: * 2 FETCH (UID 5 RFC822.SIZE 7 BODY[] NIL)
        S: * 3 FETCH (UID 6 RFC822.SIZE 7 BODY[] \"\")
        S: * 4 FETCH (UID 7 RFC822.SIZE 1 BODY[] \"a\")
        S: % OK [EXPUNGEISSUED] done
        C: % NOOP
        S: * 1 EXPUNGE
        S: % OK done
        C: % UID FETCH 3:6 (UID)
        S: * 1 FETCH (UID 5)
        S: * 2 FETCH (UID 6)
        S: % OK done
    ";
    let (server, mut session) = opened(trace);
    let mut basket = Basket::default();
    let fetched = session.fetch(&UidSet::from(3..=7), &mut basket).expect("complete");
    let expected =
        Fetched { delivered: 1, absent: vec![3, 4], unreadable: vec![5, 6], refusal: None };
    assert_eq!(fetched, expected);
    assert_eq!(basket.texts(), [(7, "a".to_owned())]);
    server.check();
}

#[test]
fn a_mail_that_the_server_cannot_deliver_does_not_hold_up_the_others() {
    let trace = "
        C: % UID FETCH 4:6 *
        S: * 1 FETCH (UID 4 BODY[] \"a\")
        S: % NO [SERVERBUG] Internal error
        C: % UID FETCH 5 *
        S: % NO [SERVERBUG] Internal error
        C: % UID FETCH 6 *
        S: * 3 FETCH (UID 6 BODY[] \"c\")
        S: % OK done
    ";
    let (server, mut session) = opened(trace);
    let mut basket = Basket::default();
    let fetched = session.fetch(&uids(&[4, 5, 6]), &mut basket).expect("goes on");
    assert_eq!(fetched.absent, [5, 6]);
    assert_eq!(fetched.refusal.as_deref(), Some("Internal error"));
    let single = session.fetch(&uids(&[5]), &mut basket).expect("goes on");
    assert_eq!((single.absent, single.refusal.is_some()), (vec![5], true));
    let single = session.fetch(&uids(&[6]), &mut basket).expect("goes on");
    assert_eq!(single, Fetched { delivered: 1, ..Fetched::default() });
    assert_eq!(basket.texts(), [(4, "a".to_owned()), (6, "c".to_owned())]);
    server.check();
}

#[test]
fn after_a_refusal_the_rest_is_not_asked_for_but_named() {
    let all: UidSet = UidSet::from(1..=250);
    let (server, mut session) = opened("C: % UID FETCH 1:200 *\nS: % NO no\nC: % NOOP\nS: % OK x");
    let fetched = session.fetch(&all, &mut Basket::default()).expect("goes on");
    assert_eq!(fetched.absent, all.iter().collect::<Vec<_>>());
    session.poll().expect("goes on");
    server.check();
}

#[test]
fn a_throttled_fetch_says_when_to_come_back() {
    let trace = "
        C: % UID FETCH 4 *
        S: % BAD Request is throttled. Suggested Backoff Time: 89117 milliseconds
    ";
    let (_server, mut session) = opened(trace);
    let error = session.fetch(&uids(&[4]), &mut Basket::default()).expect_err("throttled");
    assert_eq!(error.kind(), FetchErrorKind::ServerBusy);
}

#[test]
fn what_was_not_asked_for_or_came_already_is_read_over() {
    let trace = "
        C: % UID FETCH 4 *
        S: * 9 FETCH (UID 99 BODY[] \"x\")
        S: * 1 FETCH (UID 4 BODY[] \"a\")
        S: * 1 FETCH (UID 4 BODY[] \"b\")
        S: * 9 FETCH (BODY[] \"x\" UID 99)
        S: * 9 FETCH (BODY[] \"x\")
        S: % OK done
    ";
    let (server, mut session) = opened(trace);
    let mut basket = Basket::default();
    let fetched = session.fetch(&uids(&[4]), &mut basket).expect("complete");
    assert_eq!(fetched, Fetched { delivered: 1, ..Fetched::default() });
    assert_eq!(basket.texts(), [(4, "a".to_owned())]);
    server.check();
}

#[test]
fn a_mail_that_is_not_wanted_is_read_over() {
    // Longer than what is read over of other responses.
    let trace = format!(
        "
        C: % UID FETCH 4:5 *
        S+ * 1 FETCH (UID 4 BODY[] {{33554432}}\\r\\n
        S@ 8192 {}
        S+ )\\r\\n
        S+ * 2 FETCH (UID 5 BODY[] {{2}}\\r\\nab)\\r\\n
        S: % OK done
        ",
        "x".repeat(4096)
    );
    let (server, mut session) = opened(&trace);
    let mut basket = Basket { octets_max: Some(4), ..Basket::default() };
    let fetched = session.fetch(&uids(&[4, 5]), &mut basket).expect("complete");
    assert_eq!(fetched, Fetched { delivered: 2, ..Fetched::default() });
    assert_eq!(basket.texts(), [(5, "ab".to_owned())]);
    server.check();
}

#[test]
fn a_mail_removed_while_others_are_fetched_does_not_shift_them() {
    let trace = "
        C: % UID FETCH 4:6 *
        S: * 1 FETCH (UID 4 BODY[] \"a\")
        S: * 2 EXPUNGE
        S: * 2 FETCH (UID 6 BODY[] \"c\")
        S: % OK done
        C: % NOOP
        S: % OK done
        C: % UID FETCH 5 (UID)
        S: % OK done
    ";
    let (server, mut session) = opened(trace);
    let mut basket = Basket::default();
    let fetched = session.fetch(&uids(&[4, 5, 6]), &mut basket).expect("complete");
    assert_eq!(fetched.absent, [5]);
    assert_eq!(basket.texts(), [(4, "a".to_owned()), (6, "c".to_owned())]);
    server.check();
}

#[test]
fn a_mail_whose_answer_breaks_the_grammar_is_there_all_the_same() {
    let trace = "
        C: % UID FETCH 4:5 *
        S: * 1 FETCH (UID 4 FLAGS (\"x\") BODY[] \"a\")
        S: * 2 FETCH (UID 5 BODY[] \"b\")
        S: % OK done
        C: % NOOP
        S: % OK done
        C: % UID FETCH 4 (UID)
        S: * 1 FETCH (UID 4)
        S: % OK done
    ";
    let (server, mut session) = opened(trace);
    let mut basket = Basket::default();
    let fetched = session.fetch(&uids(&[4, 5]), &mut basket).expect("complete");
    assert_eq!((fetched.absent, fetched.unreadable), (vec![], vec![4]));
    assert_eq!(basket.texts(), [(5, "b".to_owned())]);
    server.check();
}
