use std::io::Write;
use std::process::{Command, Stdio};

use intake::smtp::SmtpSettings;
use spool::SpoolLimits;

use crate::postfix::{POSTFIX, Postfix};
use crate::support::{Client, archive, has_tool};

const SWAKS: &str = "/usr/bin/swaks";

fn tls_only() -> SmtpSettings {
    SmtpSettings { require_tls: true, ..SmtpSettings::default() }
}

#[test]
fn swaks_delivers_over_starttls_with_pipelining() {
    if !has_tool(SWAKS, "swaks") {
        return;
    }
    let archive = archive(tls_only(), SpoolLimits::default());
    let mail = "Subject: from swaks\n\n.\n..\nlast line\n";
    let mut swaks = Command::new(SWAKS)
        .args(["--server", &archive.address.to_string(), "--tls", "--pipeline", "--suppress-data"])
        .args(["--from", "x@y.test", "--to", "a@archive.test,b@archive.test", "--data", "-"])
        .args(["--tls-verify", "--tls-ca-path"])
        .arg(&archive.cert)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    swaks.stdin.take().unwrap().write_all(mail.as_bytes()).unwrap();
    let output = swaks.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    for _ in 0..2 {
        let submission = archive.next();
        let received = String::from_utf8(submission.octets.to_vec()).unwrap();
        // Swaks ends the mail it was given with one more line end.
        assert_eq!(received.trim_end(), mail.replace('\n', "\r\n").trim_end(), "{said}");
        assert!(submission.envelope.unwrap().tls.unwrap().starts_with("TLSv1_"));
    }
}

#[test]
fn swaks_is_refused_in_clear_where_tls_is_required() {
    if !has_tool(SWAKS, "swaks") {
        return;
    }
    let archive = archive(tls_only(), SpoolLimits::default());
    let output = Command::new(SWAKS)
        .args([
            "--server",
            &archive.address.to_string(),
            "--from",
            "x@y.test",
            "--to",
            "a@archive.test",
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("530 5.7.0 Must issue a STARTTLS command first"), "{said}");
    assert_eq!(archive.spool.depth(), 0);
}

#[test]
fn postfix_delivers_plain_international_and_100_megabyte_mail_over_starttls() {
    if !has_tool(POSTFIX, "postfix") {
        return;
    }
    let archive = archive(tls_only(), SpoolLimits::default());
    let postfix = Postfix::start(archive.address);
    let mut client = Client::connect(postfix.address);
    client.expect(&[("EHLO me", "250")]);
    let long = "0123456789 abcdefghijklmnopqrstuvwxyz 0123456789 abcdefghijklmnopqrs\r\n";
    let mails = [
        ("<x@y.test>", "<a@archive.test>", "Subject: plain\r\n\r\n..stuffed\r\n".to_owned()),
        (
            "<jörg@münchen.test> SMTPUTF8 BODY=8BITMIME",
            "<a+jörg=münchen.test@archive.test>",
            "Subject: grüße\r\n\r\nÄÖÜ\r\n".to_owned(),
        ),
        (
            "<x@y.test>",
            "<a@archive.test>",
            format!("Subject: long\r\n\r\n{}", long.repeat(1_500_000)),
        ),
    ];
    for (sender, recipient, mail) in mails {
        client.expect(&[
            (&format!("MAIL FROM:{sender}"), "250"),
            (&format!("RCPT TO:{recipient}"), "250"),
            ("DATA", "354"),
        ]);
        client.send(mail.replace("\r\n.", "\r\n..").as_bytes());
        client.expect(&[(".", "250")]);
        let submission = archive.next();
        let received = submission.octets.as_slice();
        assert!(received.starts_with(b"Received:"), "{}", postfix.log());
        assert!(received.ends_with(mail.as_bytes()), "the mail changed on its way");
        let envelope = submission.envelope.unwrap();
        let path = recipient.trim_matches(['<', '>']);
        assert_eq!(envelope.forward_paths[0].as_str(), path);
        assert_eq!(envelope.tls.as_deref(), Some("TLSv1_3"));
    }
    client.expect(&[("QUIT", "221")]);
}
