use std::time::Duration;

use testkit::lying::LyingServer;

use super::{bearer, inside, open, password};
use crate::fetch::FetchError;
use crate::fetch::pop3::Entry;
use crate::fetch::sasl::Credentials;

fn entry(number: u32, uid: Option<&str>, size: u64) -> Entry {
    Entry { number, uid: uid.map(Into::into), size }
}

#[test]
fn a_whole_session_reads_and_deletes() {
    let server = inside(
        "C: STAT
         S: +OK 2 320
         C: LIST
         S: +OK 2 messages
         S: 1 120
         S: 2 200
         S: .
         C: UIDL
         S: +OK
         S: 1 whqtswO00WBw418f9t5JxYwZ
         S: 2 QhdPYR:00WBw1Ph7x7
         S: .
         C: RETR 1
         S: +OK 120 octets
         S: Subject: one
         S:
         S: ..
         S: ...two dots
         S+ bare\\nline and \\r end\\r\\n
         S: .
         C: UIDL 2
         S: +OK 2 QhdPYR:00WBw1Ph7x7
         C: DELE 2
         S: +OK
         C: UIDL 1
         S: +OK 1 whqtswO00WBw418f9t5JxYwZ
         C: DELE 1
         S: +OK
         C: QUIT
         S: +OK bye",
    );
    let mut session = open(&server, &password()).expect("signed in");
    assert_eq!(session.count().expect("said"), (2, 320));
    let entries = session.list().expect("listed");
    let expected = [
        entry(1, Some("whqtswO00WBw418f9t5JxYwZ"), 120),
        entry(2, Some("QhdPYR:00WBw1Ph7x7"), 200),
    ];
    assert_eq!(entries, expected);
    let mut mail = Vec::new();
    let octets = session.retrieve(&entries[0], 1000, &mut mail).expect("there");
    let expected = b"Subject: one\r\n\r\n.\r\n..two dots\r\nbare\nline and \r end\r\n";
    assert_eq!(String::from_utf8_lossy(&mail), String::from_utf8_lossy(expected));
    assert_eq!(octets, expected.len() as u64);
    assert!(session.delete(&entries).expect("marked").is_empty());
    session.quit().expect("confirmed");
    server.check();
}

#[test]
fn commands_go_in_one_piece_to_a_server_that_takes_them_so() {
    let server = LyingServer::start(&["S: +OK
         C: CAPA
         S: +OK
         S: USER
         S: PIPELINING
         S: .
         C: USER box
         S: +OK
         C: PASS geheim
         S: +OK
         C: UIDL 9
         C: UIDL 3
         S: +OK 9 i
         S: +OK 3 c
         C: DELE 9
         C: DELE 3
         S: +OK
         S: +OK
         C: QUIT
         S: +OK"]);
    let mut session = open(&server, &password()).expect("signed in");
    session.delete(&[entry(3, Some("c"), 1), entry(9, Some("i"), 1)]).expect("marked");
    session.quit().expect("confirmed");
    server.check();
}

#[test]
fn a_server_without_capa_and_uidl_is_read() {
    let server = LyingServer::start(&["S: +OK old
         C: CAPA
         S: -ERR what?
         C: USER box
         S: +OK
         C: PASS geheim
         S: +OK
         C: LIST
         S: +OK
         S: 2 5 more words
         S: 1 4
         S: .
         C: UIDL
         S: -ERR what?
         C: LIST 1
         S: +OK 1 4
         C: DELE 1
         S: +OK
         C: QUIT
         S: +OK"]);
    let mut session = open(&server, &password()).expect("signed in");
    let entries = session.list().expect("listed");
    assert_eq!(entries, [entry(1, None, 4), entry(2, None, 5)]);
    session.delete(&entries[..1]).expect("marked");
    session.quit().expect("confirmed");
    server.check();
}

#[test]
fn a_unique_id_that_two_mails_share_or_that_is_none_is_not_believed() {
    let long = "x".repeat(300);
    let server = inside(&format!(
        "C: LIST\nS: +OK\nS: 1 1\nS: 2 1\nS: 3 1\nS: 4 1\nS: 5 1\nS: .\nC: UIDL\nS: +OK\nS: 1 same\n\
         S: 2 other\nS: 3 same\nS: 4 {long}\nS: 5\nS: 77 ghost\nS: ."
    ));
    let entries = open(&server, &password()).and_then(|mut it| it.list()).expect("listed");
    let uids: Vec<_> = entries.iter().map(|entry| entry.uid.as_deref()).collect();
    assert_eq!(uids, [None, Some("other"), None, None, None]);
}

#[test]
fn tokens_go_on_a_line_of_their_own() {
    let server = LyingServer::start(&["S: +OK The Microsoft Exchange POP3 service is ready.
         C: CAPA
         S: +OK
         S: SASL PLAIN XOAUTH2
         S: USER
         S: .
         C: AUTH XOAUTH2
         S: +
         C: dXNlcj1ib3hAeC50ZXN0AWF1dGg9QmVhcmVyIGV5LkoBAQ==
         S: +OK User successfully authenticated.
         C: QUIT
         S: +OK"]);
    open(&server, &bearer()).expect("signed in").quit().expect("confirmed");
    server.check();
}

#[test]
fn a_refused_token_is_told_with_the_reason_of_the_server() {
    let both = [
        ("XOAUTH2", "C: dXNlcj1ib3hAeC50ZXN0AWF1dGg9QmVhcmVyIGV5LkoBAQ==", "C:"),
        ("OAUTHBEARER", "C: bixhPWJveEB4LnRlc3Qs*", "C: AQ=="),
    ];
    for (name, token, answer) in both {
        let server = LyingServer::start(&[&format!(
            "S: +OK\nC: CAPA\nS: +OK\nS: SASL {name}\nS: .\nC: AUTH {name}\nS: +\n{token}\n\
             S: + eyJzdGF0dXMiOiI0MDEifQ==\n{answer}\nS: -ERR [AUTH] Authentication failed."
        )]);
        let error = open(&server, &bearer()).err().expect("refused");
        let said = error.to_string();
        assert!(matches!(error, FetchError::SignInRefused { .. }), "{said}");
        assert!(said.contains("{\"status\":\"401\"}"), "{said}");
        server.check();
    }
}

#[test]
fn a_service_account_names_the_mailbox_by_sasl_plain() {
    let admin = Credentials::Password {
        user: "admin".to_owned(),
        password: "geheim".to_owned().into(),
        act_as: Some("box".to_owned()),
    };
    let server = LyingServer::start(&[
        "S: +OK\nC: CAPA\nS: +OK\nS: SASL PLAIN\nS: .\nC: AUTH PLAIN\nS: +\n\
         C: Ym94AGFkbWluAGdlaGVpbQ==\nS: +OK",
        "S: +OK\nC: CAPA\nS: +OK\nS: USER\nS: .",
    ]);
    open(&server, &admin).expect("signed in");
    let error = open(&server, &admin).err().expect("not possible");
    assert!(matches!(error, FetchError::Refused { .. }), "{error}");
    server.check();
}

fn refused(said: &str) -> FetchError {
    let server = LyingServer::start(&[&format!(
        "S: +OK\nC: CAPA\nS: +OK\nS: LOGIN-DELAY 900\nS: USER\nS: .\nC: USER box\nS: +OK\n\
         C: PASS geheim\nS: {said}"
    )]);
    open(&server, &password()).err().expect("refused")
}

#[test]
fn a_busy_maildrop_is_no_wrong_password() {
    for (said, seconds) in [
        ("-ERR [IN-USE] Do you have another POP session running?", None),
        ("-ERR [LOGIN-DELAY] minimum time between mail checks violation", Some(900)),
        ("-ERR [SYS/TEMP] storage is off; try again in 5 minutes", Some(300)),
        ("-ERR maildrop lock busy!  Is another session active?", None),
        ("-ERR Too many connections from your address", None),
    ] {
        let error = refused(said);
        let FetchError::ServerBusy { retry_after, .. } = error else { panic!("{said}: {error}") };
        assert_eq!(retry_after, seconds.map(Duration::from_secs), "{said}");
    }
    for said in
        ["-ERR [AUTH] no", "-ERR invalid password", "-ERR your account is locked, try later"]
    {
        let error = refused(said);
        assert!(matches!(error, FetchError::SignInRefused { .. }), "{said}: {error}");
    }
    let error = refused("-ERR [SYS/PERM] no such maildrop");
    assert!(matches!(error, FetchError::Refused { .. }), "{error}");
}

#[test]
fn a_server_that_refuses_at_the_door_is_told_apart() {
    for (greeting, busy) in [("-ERR [SYS/TEMP] full", true), ("-ERR go away", false)] {
        let server = LyingServer::start(&[&format!("S: {greeting}")]);
        let error = open(&server, &password()).err().expect("refused");
        match busy {
            true => assert!(matches!(error, FetchError::ServerBusy { .. }), "{error}"),
            false => assert!(matches!(error, FetchError::Refused { .. }), "{error}"),
        }
    }
}

#[test]
fn a_mail_that_cannot_be_deleted_does_not_keep_the_others() {
    let server = inside(
        "C: UIDL 3
         S: -ERR there is none any more
         C: UIDL 2
         S: +OK 2 b
         C: DELE 2
         S: -ERR it is locked
         C: UIDL 1
         S: +OK 1 a
         C: DELE 1
         S: +OK
         C: QUIT
         S: +OK",
    );
    let mut session = open(&server, &password()).expect("signed in");
    let all = [entry(1, Some("a"), 1), entry(2, Some("b"), 1), entry(3, Some("c"), 1)];
    let kept = session.delete(&all).expect("marked");
    let kept: Vec<_> = kept.iter().map(|(entry, text)| (entry.number, text.as_str())).collect();
    assert_eq!(kept, [(3, "there is none any more"), (2, "it is locked")]);
    session.quit().expect("confirmed");
    server.check();
}

#[test]
fn one_bad_mail_does_not_end_the_session() {
    let server = inside(
        "C: RETR 1
         S: -ERR [SYS/PERM] cannot read it
         C: RETR 2
         S: +OK
         S: fine
         S: .
         C: QUIT
         S: +OK",
    );
    let mut session = open(&server, &password()).expect("signed in");
    let mut sink = Vec::new();
    let error = session.retrieve(&entry(1, None, 1), 100, &mut sink).expect_err("refused");
    assert!(matches!(error, FetchError::CorruptMail(_)));
    assert_eq!(session.retrieve(&entry(2, None, 1), 100, &mut sink).expect("there"), 6);
    session.quit().expect("confirmed");
    server.check();
}
