use std::io::{self, Write};

use testkit::lying::LyingServer;

use super::{clear, impatient, inside, open, password};
use crate::fetch::pop3::{Entry, MAIL_OCTETS, Session};
use crate::fetch::{ConnectionFailure, FetchError, FetchErrorKind, Probe};

fn mail(number: u32) -> Entry {
    Entry { number, uid: Some(format!("u{number}").into()), size: 2 << 30 }
}

fn retrieved(rest: &str, octets_max: u64) -> (FetchError, Vec<u8>) {
    let server = inside(rest);
    let mut session = open(&server, &password()).expect("signed in");
    let mut sink = Vec::new();
    let error = session.retrieve(&mail(1), octets_max, &mut sink).expect_err("lied to");
    let again = session.retrieve(&mail(2), octets_max, &mut io::sink()).expect_err("over");
    assert_eq!(again.kind(), FetchErrorKind::NoConnection, "the session is over: {again}");
    (error, sink)
}

#[test]
fn a_server_that_renumbers_deletes_no_other_mail() {
    let server = inside(
        "C: UIDL 2
         S: +OK 2 u2
         C: DELE 2
         S: +OK
         C: UIDL 1
         S: +OK 1 u7
         C* QUIT",
    );
    let mut session = open(&server, &password()).expect("signed in");
    let error = session.delete(&[mail(1), mail(2)]).expect_err("another mail");
    assert!(matches!(error, FetchError::Protocol(_)), "{error}");
    // Without QUIT nothing is deleted; the session refuses to say it.
    assert!(session.quit().is_err());
    assert!(!server.heard().iter().any(|line| line == "QUIT" || line == "DELE 1"));
}

#[test]
fn after_a_deletion_a_mail_is_read_only_where_it_still_has_its_number() {
    let server = inside(
        "C: UIDL 1
         S: +OK 1 u1
         C: DELE 1
         S: +OK
         C: UIDL 2
         S: -ERR no such message",
    );
    let mut session = open(&server, &password()).expect("signed in");
    session.delete(&[mail(1)]).expect("marked");
    let error = session.retrieve(&mail(2), 100, &mut io::sink()).expect_err("gone");
    assert!(matches!(error, FetchError::CorruptMail(_)), "{error}");
}

#[test]
fn a_mail_that_breaks_off_is_no_mail() {
    let (error, sink) =
        retrieved("C: RETR 1\nS: +OK 2147483648 octets\nS: Subject: half\n! close", 1 << 40);
    let closed = ConnectionFailure::Closed;
    assert!(
        matches!(error, FetchError::NoConnection { reason, .. } if reason == closed),
        "{error}"
    );
    assert_eq!(sink, b"Subject: half\r\n");
    let (error, _) = retrieved("C: RETR 1\nS: +OK\nS: Subject: half\n! reset", 1 << 40);
    assert_eq!(error.kind(), FetchErrorKind::NoConnection);
}

#[test]
fn a_mail_without_an_end_stops_at_the_limit() {
    let (error, sink) =
        retrieved("C: RETR 1\nS: +OK 10 octets\nS@ forever xxxxxxxxxxxxxxxx\\r\\n", 5000);
    let FetchError::LimitExceeded(limit) = error else { panic!("{error}") };
    assert_eq!((limit.name, limit.max), (MAIL_OCTETS, 5000));
    assert!(sink.len() <= 5000);
}

#[test]
fn endless_lines_stop_at_the_limit() {
    for trace in [
        "S@ forever xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "S: +OK\nC: CAPA\nS@ forever xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "S: +OK\nC: CAPA\nS: +OK\nS@ forever X\\r\\n",
    ] {
        let server = LyingServer::start(&[trace]);
        let error = open(&server, &password()).err().expect("too much");
        assert!(matches!(error, FetchError::LimitExceeded(_)), "{trace}: {error}");
    }
}

#[test]
fn what_is_no_pop3_is_said_to_be_none() {
    for greeting in
        ["220 smtp.x.test ESMTP", "* OK IMAP4rev1", "HTTP/1.1 400 Bad Request", "+OKAY", ""]
    {
        let server = LyingServer::start(&[&format!("S: {greeting}\n! silence")]);
        let error = open(&server, &password()).err().expect("no POP3");
        assert!(matches!(error, FetchError::Protocol(_)), "{greeting}: {error}");
    }
    for rest in ["C: LIST\nS: +OK\nS: 1 x\n", "C: LIST\nS: +OK\nS: 0 1\n", "C: LIST\nS: 1 120\n"] {
        let server = inside(rest);
        let error = open(&server, &password()).and_then(|mut it| it.list()).expect_err("garbled");
        assert!(matches!(error, FetchError::Protocol(_)), "{rest}: {error}");
    }
}

#[test]
fn a_server_that_says_nothing_is_left() {
    for trace in ["! silence", "S+ +OK\n! silence", "S: +OK\nC: CAPA\nS: +OK\n! silence"] {
        let server = LyingServer::start(&[trace]);
        let mut probe = Probe::default();
        let outcome = Session::open(&clear(&server), &impatient(), &password(), &mut probe);
        let error = outcome.err().expect("nothing comes");
        let timeout = ConnectionFailure::Timeout;
        assert!(matches!(error, FetchError::NoConnection { reason, .. } if reason == timeout));
        assert!(!probe.succeeded());
    }
}

#[test]
fn a_full_disk_ends_the_session_and_is_no_fault_of_the_server() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let server = inside("C: RETR 1\nS: +OK\nS: a\nS: .\n! silence");
    let mut session = open(&server, &password()).expect("signed in");
    let error = session.retrieve(&mail(1), 100, &mut Full).expect_err("full");
    assert!(matches!(error, FetchError::Spool(_)));
    assert!(session.list().is_err());
}

#[test]
fn no_secret_stands_in_an_error() {
    for said in ["-ERR you said PASS geheim", "-ERR [IN-USE] geheim", "geheim?"] {
        let server = LyingServer::start(&[&format!(
            "S: +OK\nC: CAPA\nS: -ERR\nC: USER box\nS: +OK\nC: PASS geheim\nS: {said}"
        )]);
        let error = open(&server, &password()).err().expect("refused");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("geheim"), "{shown}");
    }
}

#[test]
fn a_password_cannot_bring_commands_with_it() {
    let evil = crate::fetch::sasl::Credentials::Password {
        user: "box".to_owned(),
        password: "x\r\nDELE 1".to_owned().into(),
        act_as: None,
    };
    let server = LyingServer::start(&["S: +OK\nC: CAPA\nS: -ERR\nC* DELE*"]);
    let error = open(&server, &evil).err().expect("refused");
    assert_eq!(error.kind(), FetchErrorKind::Config);
}
