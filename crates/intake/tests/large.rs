//! Alone in its process, because it watches the memory of the whole of it.

#[path = "it/support.rs"]
#[allow(dead_code)]
mod support;

use intake::smtp::SmtpSettings;
use model::DigestWriter;
use spool::SpoolLimits;
use support::{Client, archive};

/// What the process may grow by while a mail streams through it, in KiB.
const GROWTH_KIB_MAX: u64 = 24 * 1024;

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

#[test]
fn a_mail_of_100_megabytes_streams_in_bounded_memory_and_arrives_whole() {
    let archive = archive(SmtpSettings::default(), SpoolLimits::default());
    let mut client = Client::connect(archive.address);
    let envelope = [
        ("EHLO me", "250"),
        ("MAIL FROM:<> SIZE=104857600", "250"),
        ("RCPT TO:<a@archive.test>", "250"),
    ];
    client.expect(&envelope);
    let before = peak_kib();

    let piece: Vec<u8> =
        (0..1_u32 << 20).map(|i| (i.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    let mut sent = DigestWriter::new();
    client.send(b"BDAT 104857600 LAST\r\n");
    for _ in 0..100 {
        client.send(&piece);
        sent.update(&piece);
    }
    assert!(client.reply().starts_with("250 2.0.0"));

    client.expect(&[("MAIL FROM:<>", "250"), ("RCPT TO:<a@archive.test>", "250"), ("DATA", "354")]);
    let line =
        b"01234567890123456789012345678901234567890123456789012345678901\r\n".repeat(1 << 14);
    let mut sent_by_data = DigestWriter::new();
    for _ in 0..100 {
        client.send(&line);
        sent_by_data.update(&line);
    }
    client.expect(&[(".", "250 2.0.0")]);
    let growth = peak_kib() - before;
    assert!(growth < GROWTH_KIB_MAX, "grew by {growth} KiB");

    for sent in [sent, sent_by_data] {
        let mut received = DigestWriter::new();
        received.update(&archive.next().octets);
        assert_eq!(received.finish(), sent.finish());
    }
}
