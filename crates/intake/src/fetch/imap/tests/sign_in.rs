use crate::fetch::imap::{Imap, Session};
use crate::fetch::net::{Dialect as _, Patience, Security, Server, Trust, open};
use crate::fetch::oauth::Remedy;
use crate::fetch::sasl::Credentials;
use crate::fetch::{FetchError, FetchErrorKind, Probe};
use testkit::lying::{LyingServer, Script};
use zeroize::Zeroizing;

use super::support::{inbox, open_with, password, server};

fn bearer() -> Credentials {
    Credentials::Bearer { user: "a@b".to_owned(), token: Zeroizing::new("geheim".to_owned()) }
}

fn odd_password(password: &str) -> Credentials {
    Credentials::Password {
        user: "o\"x".to_owned(),
        password: Zeroizing::new(password.to_owned()),
        act_as: None,
    }
}

fn sign_in(trace: &str, credentials: &Credentials) -> (LyingServer, Result<Session, FetchError>) {
    let server = LyingServer::start(&[trace]);
    let outcome = open_with(&server, credentials, &Patience::default());
    (server, outcome)
}

fn check(trace: &str, credentials: &Credentials) -> Session {
    let (server, outcome) = sign_in(trace, credentials);
    let session = outcome.expect("signed in");
    server.check();
    session
}

fn check_refused(trace: &str, credentials: &Credentials, kind: FetchErrorKind) -> FetchError {
    let (_server, outcome) = sign_in(trace, credentials);
    let error = outcome.err().expect("refused");
    assert_eq!(error.kind(), kind, "{error}");
    error
}

#[test]
fn the_first_word_goes_with_the_command_where_the_server_takes_it() {
    check(
        "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi
         C: % AUTHENTICATE PLAIN AGFubmEAc2VjcmV0
         S: % OK [CAPABILITY IMAP4rev1] in",
        &password(),
    );
    check(
        "S: * OK hi
         C: % CAPABILITY
         S: * CAPABILITY IMAP4rev1 AUTH=PLAIN
         S: % OK done
         C: % AUTHENTICATE PLAIN
         S: +
         C: AGFubmEAc2VjcmV0
         S: % OK in
         C: % CAPABILITY
         S: * CAPABILITY IMAP4rev1 ID
         S: % OK done
         C: % ID (\"name\" \"Chancery\" \"version\" *)
         S: * ID NIL
         S: % BAD what",
        &password(),
    );
}

#[test]
fn a_service_account_names_the_mailbox() {
    let credentials = Credentials::Password {
        user: "admin".to_owned(),
        password: Zeroizing::new("pw".to_owned()),
        act_as: Some("anna".to_owned()),
    };
    check(
        "S: * OK [CAPABILITY IMAP4rev2 AUTH=PLAIN] hi
         C: % AUTHENTICATE PLAIN YW5uYQBhZG1pbgBwdw==
         S: % OK [CAPABILITY IMAP4rev2] in",
        &credentials,
    );
    check_refused(
        "S: * OK [CAPABILITY IMAP4rev1 AUTH=LOGIN] hi",
        &credentials,
        FetchErrorKind::SignInRefused,
    );
}

#[test]
fn odd_passwords_go_as_literals() {
    check(
        "S: * OK [CAPABILITY IMAP4rev1] hi
         C: % LOGIN \"o\\\"x\" {8}
         S: + go on
         C: pässwd
         C: *
         S: % OK [CAPABILITY IMAP4rev1] in",
        &odd_password("pässwd\n"),
    );
    check(
        "S: * OK [CAPABILITY IMAP4rev1 LITERAL-] hi
         C: % LOGIN \"o\\\"x\" {3+}
         C: ü\r*
         S: % OK [CAPABILITY IMAP4rev1] in",
        &odd_password("ü\r"),
    );
    let error = check_refused(
        "S: * OK [CAPABILITY IMAP4rev1] hi",
        &odd_password("a\0b"),
        FetchErrorKind::Config,
    );
    assert!(!error.to_string().contains("a\0b"));
}

#[test]
fn login_is_not_tried_where_it_is_disabled() {
    let error = check_refused(
        "S: * OK [CAPABILITY IMAP4rev1 LOGINDISABLED STARTTLS] hi",
        &password(),
        FetchErrorKind::SignInRefused,
    );
    assert!(error.to_string().contains("encrypted"), "{error}");
}

#[test]
fn login_as_a_mechanism_is_the_last_way() {
    check(
        "S: * OK [CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=LOGIN] hi
         C: % AUTHENTICATE LOGIN
         S: + VXNlcm5hbWU6
         C: YW5uYQ==
         S: + UGFzc3dvcmQ6
         C: c2VjcmV0
         S: % OK [CAPABILITY IMAP4rev1] in",
        &password(),
    );
}

#[test]
fn a_token_is_refused_at_once_or_after_a_reason() {
    let token = "dXNlcj1hQGIBYXV0aD1CZWFyZXIgZ2VoZWltAQE=";
    // Microsoft.
    check_refused(
        &format!(
            "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] hi
             C: % AUTHENTICATE XOAUTH2 {token}
             S: % NO AUTHENTICATE failed."
        ),
        &bearer(),
        FetchErrorKind::SignInRefused,
    );
    // Google and Dovecot: {"status":"401"}.
    let error = check_refused(
        &format!(
            "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] hi
             C: % AUTHENTICATE XOAUTH2 {token}
             S: + eyJzdGF0dXMiOiI0MDEifQ==
             C:
             S: % NO [AUTHENTICATIONFAILED] token geheim is wrong"
        ),
        &bearer(),
        FetchErrorKind::SignInRefused,
    );
    let text = error.to_string();
    assert!(text.contains("401") && !text.contains("geheim"), "{text}");
    // RFC 7628.
    check_refused(
        "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=OAUTHBEARER] hi
         C: % AUTHENTICATE OAUTHBEARER *
         S: + eyJzdGF0dXMiOiI0MDEifQ==
         C: AQ==
         S: % NO failed",
        &bearer(),
        FetchErrorKind::SignInRefused,
    );
}

#[test]
fn a_token_too_long_for_a_line_waits_for_its_turn() {
    let credentials =
        Credentials::Bearer { user: "a".to_owned(), token: Zeroizing::new("x".repeat(9000)) };
    check(
        "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] hi
         C: % AUTHENTICATE XOAUTH2
         S: +
         C: dXNlc*
         S: % OK [CAPABILITY IMAP4rev1] in",
        &credentials,
    );
}

#[test]
fn a_sign_in_without_end_is_left() {
    let trace = format!(
        "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] hi\nC: % AUTHENTICATE *\n{}",
        "S: + eA==\nC:\n".repeat(20)
    );
    check_refused(&trace, &bearer(), FetchErrorKind::LimitExceeded);
}

#[test]
fn a_server_that_is_busy_is_not_one_that_refuses() {
    for line in [
        "NO [UNAVAILABLE] Temporary authentication failure.",
        "NO [LIMIT] Too many sessions",
        "NO [INUSE] locked",
        "NO Server Unavailable. 15",
        "BAD Request is throttled. Suggested Backoff Time: 1000 milliseconds",
    ] {
        let trace = format!("S: * OK [CAPABILITY IMAP4rev1] hi\nC: % LOGIN *\nS: % {line}");
        check_refused(&trace, &password(), FetchErrorKind::ServerBusy);
    }
    for line in ["NO [AUTHENTICATIONFAILED] Temporarily locked", "NO wrong", "BAD wrong"] {
        let trace = format!("S: * OK [CAPABILITY IMAP4rev1] hi\nC: % LOGIN *\nS: % {line}");
        check_refused(&trace, &password(), FetchErrorKind::SignInRefused);
    }
}

#[test]
fn a_mailbox_out_of_reach_of_the_token_is_told_with_its_remedy() {
    let mut session = check(
        "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] hi
         C: % AUTHENTICATE XOAUTH2 *
         S: % OK [CAPABILITY IMAP4rev1] in
         C: % EXAMINE \"INBOX\"
         S: % BAD User is authenticated but not connected.",
        &bearer(),
    );
    let error = session.examine(&inbox()).expect_err("refused");
    let remedy = Some(Remedy::ProtocolDisabled);
    assert!(matches!(error, FetchError::SignInRefused { remedy: it, .. } if it == remedy));
}

#[test]
fn greetings_that_are_none_are_told() {
    for (greeting, kind) in [
        ("S: +OK POP3 ready", FetchErrorKind::Protocol),
        ("S: 220 smtp.example ESMTP", FetchErrorKind::Protocol),
        ("S: C1 OK hi", FetchErrorKind::Protocol),
        ("S: * 3 EXISTS", FetchErrorKind::Protocol),
        ("S: * BYE [UNAVAILABLE] maintenance", FetchErrorKind::ServerBusy),
        ("S: * BYE Too many connections from your IP", FetchErrorKind::ServerBusy),
        ("S: * BYE go away", FetchErrorKind::NoConnection),
        ("! close", FetchErrorKind::NoConnection),
        ("S: * OK [CAPABILITY IMAP2] old", FetchErrorKind::Protocol),
        ("S: * PREAUTH [CAPABILITY IMAP4rev1] hi", FetchErrorKind::SignInRefused),
    ] {
        check_refused(&format!("{greeting}\n! silence"), &password(), kind);
    }
}

#[test]
fn nothing_from_before_tls_survives() {
    let identity = testkit::tls::Identity::new(&["127.0.0.1"]);
    let script = Script::parse(
        "S: * OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=LOGIN X-CLEAR] hi
         C: % STARTTLS
         S: % OK begin
         ! tls
         C: % CAPABILITY
         S: * CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR
         S: % OK done
         C: % AUTHENTICATE PLAIN AGFubmEAc2VjcmV0
         S: % OK [CAPABILITY IMAP4rev1 X-TLS] in",
    );
    let lying = LyingServer::start_with(vec![script], Some(&identity));
    let server = Server {
        security: Security::StartTls,
        trust: Trust::Authorities(identity.authority.clone()),
        ..server(lying.port())
    };
    let mut probe = Probe::default();
    let session = Session::open(&server, &Patience::default(), &password(), &mut probe);
    let session = session.expect("signed in");
    assert_eq!(session.capabilities(), ["IMAP4REV1", "X-TLS"]);
    lying.check();
}

fn start_tls(trace: &str) -> FetchError {
    let lying = LyingServer::start(&[trace]);
    let server = Server { security: Security::StartTls, ..server(lying.port()) };
    let outcome = open(&server, &Patience::default(), &mut Imap::default(), &mut Probe::default());
    outcome.err().expect("no TLS")
}

#[test]
fn words_slipped_in_before_tls_end_the_session() {
    let error = start_tls(
        "S: * OK [CAPABILITY IMAP4rev1 STARTTLS] hi
         C: % STARTTLS
         S+ % OK begin\\r\\n* CAPABILITY IMAP4rev1 AUTH=LOGIN\\r\\n
         ! silence",
    );
    assert_eq!(error.kind(), FetchErrorKind::Protocol, "{error}");
}

#[test]
fn a_mailbox_that_opens_before_tls_is_not_entered() {
    let error = start_tls("S: * PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] hi\n! silence");
    assert_eq!(error.kind(), FetchErrorKind::Protocol, "{error}");
}

#[test]
fn a_server_without_tls_or_unwilling_is_told() {
    let error = start_tls("S: * OK [CAPABILITY IMAP4rev1] hi\n! silence");
    assert_eq!(error.kind(), FetchErrorKind::TlsMismatch, "{error}");
    let error = start_tls(
        "S: * OK [CAPABILITY IMAP4rev1 STARTTLS] hi\nC: % STARTTLS\nS: % NO not now\n! silence",
    );
    assert_eq!(error.kind(), FetchErrorKind::Refused, "{error}");
}

#[test]
fn the_usual_ports_are_those_of_imap() {
    let ports = Imap::default().ports();
    assert_eq!((ports.implicit_tls, ports.plain), (993, 143));
}
