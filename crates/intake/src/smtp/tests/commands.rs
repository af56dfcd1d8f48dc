use super::support::*;
use crate::smtp::SmtpSettings;
use crate::smtp::command::COMMAND_LINE_BYTES_MAX;

fn settings() -> SmtpSettings {
    SmtpSettings { errors_max: 1000, ..SmtpSettings::default() }
}

/// Each line in one session, with the reply that it must get.
fn check(dialogue: &[(&str, &str)]) -> Told {
    let said: String = dialogue.iter().map(|(line, _)| format!("{line}\r\n")).collect();
    let told = tell(settings(), said.as_bytes());
    for ((line, expected), reply) in dialogue.iter().zip(&told.replies[1..]) {
        let line = line.get(..60).unwrap_or(line);
        assert!(reply.replace('\n', " ").starts_with(expected), "{line}: {reply}");
    }
    assert_eq!(told.replies.len(), dialogue.len() + 1);
    told
}

#[test]
fn ehlo_offers_the_extensions() {
    let told = tell(settings(), b"EHLO me\r\n");
    let offered: Vec<_> = told.replies[1].lines().map(|line| &line[4..]).collect();
    assert_eq!(
        offered,
        [
            "localhost",
            "PIPELINING",
            "SIZE 268435456",
            "8BITMIME",
            "SMTPUTF8",
            "CHUNKING",
            "ENHANCEDSTATUSCODES",
            "DSN",
        ]
    );
}

#[test]
fn commands_in_the_wrong_order_are_refused_and_nothing_else() {
    check(&[
        ("MAIL FROM:<x@y.test>", "503 5.5.1"),
        ("RCPT TO:<a@archive.test>", "503 5.5.1"),
        ("DATA", "503 5.5.1"),
        ("HELO me", "250"),
        ("RCPT TO:<a@archive.test>", "503 5.5.1"),
        ("DATA", "503 5.5.1"),
        ("MAIL FROM:<x@y.test>", "250 2.1.0"),
        ("MAIL FROM:<x@y.test>", "503 5.5.1"),
        ("DATA", "503 5.5.1"),
        ("RCPT TO:<nobody@archive.test>", "550 5.1.1"),
        ("DATA", "554 5.5.1"),
        ("RCPT TO:<a@archive.test>", "250 2.1.5"),
        ("RSET", "250 2.0.0"),
        ("DATA", "503 5.5.1"),
        ("MAIL FROM:<x@y.test>", "250"),
        ("RCPT TO:<a@archive.test>", "250"),
        ("EHLO again", "250"),
        ("DATA", "503 5.5.1"),
        ("QUIT", "221 2.0.0"),
    ]);
}

#[test]
fn minor_commands_answer_as_the_rfc_says() {
    check(&[
        ("NOOP", "250"),
        ("noop with words", "250"),
        ("HELP", "214"),
        ("HELP MAIL", "214"),
        ("VRFY someone", "252"),
        ("VRFY", "501 5.5.4"),
        ("EXPN list", "502"),
        ("AUTH PLAIN abc", "502"),
        ("TURN", "500 5.5.2"),
        ("", "500 5.5.2"),
        (" EHLO x", "500 5.5.2"),
        ("EHLO", "501 5.5.4"),
        ("HELO", "501 5.5.4"),
        ("EHLO a b", "501 5.5.4"),
        ("RSET now", "501 5.5.4"),
        ("DATA now", "501 5.5.4"),
        ("QUIT now", "501 5.5.4"),
        ("STARTTLS now", "501 5.5.4"),
        ("STARTTLS", "454 4.7.0"),
        ("\u{1}NOOP", "500 5.5.2"),
        ("NOOP \0", "500 5.5.2"),
        ("NOOP \rRSET", "500 5.5.2"),
    ]);
}

#[test]
fn parameters_of_mail_are_checked() {
    for (parameters, expected) in [
        ("", "250"),
        (" SIZE=1000", "250"),
        (" SIZE=0 BODY=8BITMIME RET=HDRS ENVID=QQ314159+2B", "250"),
        (" body=7bit smtputf8 ret=full", "250"),
        (" SIZE=268435457", "552 5.3.4"),
        (" SIZE=99999999999999999999", "501 5.5.4"),
        (" SIZE=", "501 5.5.4"),
        (" SIZE", "501 5.5.4"),
        (" SIZE=-1", "501 5.5.4"),
        (" SIZE=1 SIZE=1", "501 5.5.4"),
        (" BODY=BINARYMIME", "555 5.5.4"),
        (" SMTPUTF8=yes", "501 5.5.4"),
        (" RET=SOME", "501 5.5.4"),
        (" ENVID=a+b", "501 5.5.4"),
        (" AUTH=<>", "555 5.5.4"),
        (" XOORG=example.org", "555 5.5.4"),
        (" =x", "501 5.5.4"),
        ("SIZE=1", "501 5.1.7"),
    ] {
        check(&[("EHLO me", "250"), (&format!("MAIL FROM:<x@y.test>{parameters}"), expected)]);
    }
}

#[test]
fn sender_paths_are_taken_as_the_grammar_allows() {
    for (path, expected) in [
        ("<>", "250"),
        ("<x@y.test>", "250"),
        (" <x@y.test>", "250"),
        ("<\"x > y\"@z.test>", "250"),
        ("<\"x\\\"y\"@z.test>", "250"),
        ("<@one.test,@two.test:x@y.test>", "250"),
        ("<x@[192.0.2.1]>", "250"),
        ("<x@[IPv6:2001:db8::1]>", "250"),
        ("x@y.test", "501 5.1.7"),
        ("<x@y.test", "501 5.1.7"),
        ("<x@>", "501 5.1.7"),
        ("<@y.test>", "501 5.1.7"),
        ("<x y@z.test>", "501 5.1.7"),
        ("<x@y@z.test>", "501 5.1.7"),
        ("<\"x@y.test>", "501 5.1.7"),
        ("<ä@y.test>", "553 5.6.7"),
        ("<ä@ü.test> SMTPUTF8", "250"),
    ] {
        check(&[("EHLO me", "250"), (&format!("MAIL FROM:{path}"), expected)]);
    }
}

#[test]
fn recipients_are_routed_and_their_parameters_checked() {
    check(&[
        ("EHLO me", "250"),
        ("MAIL FROM:<x@y.test>", "250"),
        ("RCPT TO:<a@archive.test>", "250 2.1.5"),
        ("RCPT TO:<A+anna=example.org@Archive.Test>", "250 2.1.5"),
        ("RCPT TO:<a@archive.test> NOTIFY=NEVER", "250"),
        ("RCPT TO:<a@archive.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+40b", "250"),
        ("RCPT TO:<a@archive.test> NOTIFY=NEVER,DELAY", "501 5.5.4"),
        ("RCPT TO:<a@archive.test> ORCPT=nonsense", "501 5.5.4"),
        ("RCPT TO:<a@archive.test> SIZE=3", "555 5.5.4"),
        ("RCPT TO:<a@archive.test> X", "555 5.5.4"),
        ("RCPT TO:<>", "501 5.1.3"),
        ("RCPT TO:a@archive.test", "501 5.1.3"),
        ("RCPT FROM:<a@archive.test>", "501 5.5.4"),
        ("RCPT TO:<postmaster>", "550 5.1.1"),
        ("RCPT TO:<x@elsewhere.test>", "550 5.1.1"),
        ("RCPT TO:<x%elsewhere.test@archive.test>", "550 5.1.1"),
        ("RCPT TO:<s@archive.test>", "451 4.3.0"),
        ("RCPT TO:<aä@archive.test>", "553 5.6.7"),
    ]);
    check(&[
        ("EHLO me", "250"),
        ("MAIL FROM:<> SMTPUTF8", "250"),
        ("RCPT TO:<aä@archive.test>", "250"),
    ]);
}

#[test]
fn a_line_at_the_limit_is_read_and_one_above_is_not() {
    for (length, code) in [(COMMAND_LINE_BYTES_MAX, "250"), (COMMAND_LINE_BYTES_MAX + 1, "500")] {
        let noop = format!("NOOP {}", "x".repeat(length - 7));
        check(&[(&noop, code), ("RSET", "250")]);
    }
    let huge = "x".repeat(1_000_000);
    check(&[(&huge, "500 5.5.2"), ("RSET", "250")]);
}

#[test]
fn a_line_that_ends_with_a_bare_lf_is_refused_and_does_nothing() {
    let told = tell(settings(), b"EHLO me\nMAIL FROM:<>\r\n");
    assert_eq!(told.codes(), ["500", "503"]);
    let told = tell(settings(), b"EHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<a@archive.test>\r\nDATA\n");
    assert_eq!(told.codes(), ["250", "250", "250", "500"]);
}

#[test]
fn too_many_errors_end_the_session() {
    let settings = SmtpSettings { errors_max: 3, ..SmtpSettings::default() };
    let told = tell(settings, b"A\r\nB\r\nC\r\nNOOP\r\n");
    assert_eq!(told.codes(), ["500", "500", "500", "421"]);
}

#[test]
fn nothing_but_hello_and_starttls_goes_without_a_required_tls() {
    let settings = SmtpSettings { require_tls: true, errors_max: 1000, ..Default::default() };
    let said = b"EHLO me\r\nNOOP\r\nMAIL FROM:<>\r\nRCPT TO:<a@archive.test>\r\nDATA\r\n\
        NONSENSE\r\nRSET\r\nVRFY x\r\nBDAT 4 LAST\r\nRSETQUIT\r\n";
    let told = tell(settings, said);
    assert_eq!(
        told.codes(),
        ["250", "250", "530", "530", "530", "530", "530", "530", "530", "221"]
    );
    assert!(told.mails.is_empty());
}
