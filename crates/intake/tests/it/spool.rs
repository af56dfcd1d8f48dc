use intake::smtp::SmtpSettings;
use spool::SpoolLimits;

use crate::support::{Client, archive};

#[test]
fn a_mail_for_two_tenants_is_two_submissions_when_it_is_accepted() {
    let archive = archive(SmtpSettings::default(), SpoolLimits::default());
    let mut client = Client::connect(archive.address);
    client.expect(&[
        ("EHLO me", "250"),
        ("MAIL FROM:<x@y.test>", "250"),
        ("RCPT TO:<b@archive.test>", "250"),
        ("RCPT TO:<a@archive.test>", "250"),
        ("RCPT TO:<a+anna=example.org@archive.test>", "250"),
        ("DATA", "354"),
        ("Subject: x\r\n\r\n..\r\n.", "250 2.0.0"),
    ]);
    assert_eq!(archive.spool.depth(), 2);
    for (tenant, recipients) in [
        (b'a', vec!["a@archive.test", "a+anna=example.org@archive.test"]),
        (b'b', vec!["b@archive.test"]),
    ] {
        let submission = archive.next();
        assert_eq!(submission.tenant.as_bytes(), &[tenant; 16]);
        assert_eq!(submission.octets.as_slice(), b"Subject: x\r\n\r\n.\r\n");
        let envelope = submission.envelope.unwrap();
        let paths: Vec<_> = envelope.forward_paths.iter().map(|path| path.as_str()).collect();
        assert_eq!(paths, recipients);
    }
}

#[test]
fn octets_arrive_as_they_were_sent_in_memory_and_in_a_file() {
    let archive = archive(SmtpSettings::default(), SpoolLimits::default());
    let mut client = Client::connect(archive.address);
    client.expect(&[("EHLO me", "250")]);
    for size in [0, 1, 65_535, 65_536, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5_000_000] {
        let mail: Vec<u8> =
            (0..size).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let (one, two) = mail.split_at(mail.len() / 3);
        client.expect(&[("MAIL FROM:<>", "250"), ("RCPT TO:<a@archive.test>", "250")]);
        client.send(&[format!("BDAT {}\r\n", one.len()).as_bytes(), one].concat());
        client.send(&[format!("BDAT {} LAST\r\n", two.len()).as_bytes(), two].concat());
        assert!(client.reply().starts_with("250") && client.reply().starts_with("250"));
        assert!(*archive.next().octets == mail, "{size}");
    }
}

#[test]
fn a_full_spool_puts_off_at_mail_and_at_the_end_and_keeps_nothing() {
    let limits = SpoolLimits { bytes_max: 3 << 20, ..SpoolLimits::default() };
    let archive = archive(SmtpSettings::default(), limits);
    let mut client = Client::connect(archive.address);
    client.expect(&[("EHLO me", "250"), ("MAIL FROM:<> SIZE=4000000", "452 4.3.1")]);
    let line = b"0123456789012345678901234567890123456789012345678901234567890\r\n";
    let mut accepted = 0;
    let refusal = loop {
        client.expect(&[
            ("MAIL FROM:<>", "250"),
            ("RCPT TO:<a@archive.test>", "250"),
            ("DATA", "354"),
        ]);
        client.send(&line.repeat(14_000));
        client.send(b".\r\n");
        let reply = client.reply();
        if !reply.starts_with("250") {
            break reply;
        }
        accepted += 1;
        assert!(accepted < 10, "the spool is never full");
    };
    assert!(refusal.starts_with("452 4.3.1"), "{refusal}");
    assert_eq!(archive.spool.depth(), accepted);
    // A small one still fits.
    client.expect(&[
        ("MAIL FROM:<>", "250"),
        ("RCPT TO:<a@archive.test>", "250"),
        ("DATA", "354"),
        (".", "250"),
    ]);
    assert_eq!(archive.spool.depth(), accepted + 1);
}

#[test]
fn a_mail_that_is_cut_off_leaves_nothing_in_the_spool() {
    let archive = archive(SmtpSettings::default(), SpoolLimits::default());
    let spool = archive.spool.clone();
    let mut client = Client::connect(archive.address);
    client.expect(&[
        ("EHLO me", "250"),
        ("MAIL FROM:<>", "250"),
        ("RCPT TO:<a@archive.test>", "250"),
    ]);
    client.send(b"BDAT 3000000 LAST\r\n");
    client.send(&vec![b'x'; 2_000_000]);
    drop(client);
    // Waits for its sessions.
    drop(archive);
    assert_eq!((spool.depth(), spool.bytes()), (0, spool.state().bytes));
}
