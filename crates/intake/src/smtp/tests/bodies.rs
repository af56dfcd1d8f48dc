use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tokio::sync::Notify;

use super::support::*;
use crate::fuzz::MemoryRoom;
use crate::smtp::SmtpSettings;
use crate::smtp::room::{Delivery, Refusal, Room};

const ENVELOPE: &[u8] = b"EHLO me\r\nMAIL FROM:<x@y.test>\r\nRCPT TO:<a@archive.test>\r\n";

/// One DATA mail whose stuffed octets are `stuffed`, then QUIT.
fn data(stuffed: &[u8]) -> Told {
    tell_mail(&[b"DATA\r\n", stuffed, b"\r\n.\r\nQUIT\r\n"].concat())
}

#[test]
fn only_crlf_dot_crlf_ends_a_mail() {
    for end in [
        "\n.\n",
        "\r.\r",
        "\n.\r\n",
        "\r\n.\n",
        "\r\n.\r",
        "\r.\r\n",
        "\r\n.\r\r\n",
        "\n\n.\n\n",
        "\r\r.\r\r",
        "\r\n\0.\r\n",
        "\r\n.\0\r\n",
        "\r\n. \r\n",
        "\r\n.\t\r\n",
        "\r\n.\n\r\n",
        "\n\r.\r\n",
        "\r\n..\r\n",
        "\n.\r",
        "\r\n.x\r\n",
    ] {
        let smuggled = "MAIL FROM:<evil@y.test>\r\nRCPT TO:<b@archive.test>\r\nDATA\r\nevil";
        let told = data(format!("good{end}{smuggled}").as_bytes());
        assert_eq!(told.codes(), ["354", "250", "221"], "{end:?}");
        assert_eq!(told.mails.len(), 1, "{end:?}");
        let expected = format!("good{end}{smuggled}\r\n").replace("\r\n.", "\r\n");
        assert_eq!(told.mails[0], expected.as_bytes(), "{end:?}");
    }
}

#[test]
fn data_arrives_unstuffed_and_otherwise_as_it_is() {
    for (stuffed, mail) in [
        (&b"a"[..], &b"a\r\n"[..]),
        (b"..a\r\n..", b".a\r\n.\r\n"),
        (b"...", b"..\r\n"),
        (b"a\nb\rc\0d\xff", b"a\nb\rc\0d\xff\r\n"),
        (b"\n..\n", b"\n..\n\r\n"),
        (b".\ra", b"\ra\r\n"),
        (b".\r\r\n..x", b"\r\r\n.x\r\n"),
        (b"", b"\r\n"),
    ] {
        assert_eq!(data(stuffed).mails, [mail], "{stuffed:?}");
    }
    let told = tell_mail(b"DATA\r\n.\r\n");
    assert_eq!(told.mails, [b""]);
}

#[test]
fn the_envelope_is_the_dialogue() {
    let told =
        tell_mail(b"RCPT TO:<b@archive.test>\r\nRCPT TO:<a+x@archive.test>\r\nDATA\r\n.\r\n");
    let (_, deliveries) = told.room.mails().remove(0);
    let paths: Vec<Vec<_>> = deliveries
        .iter()
        .map(|d| d.envelope.forward_paths.iter().map(|path| path.as_str()).collect())
        .collect();
    assert_eq!(paths, [vec!["a@archive.test", "a+x@archive.test"], vec!["b@archive.test"]]);
    assert_ne!(deliveries[0].tenant, deliveries[1].tenant);
    let envelope = &deliveries[0].envelope;
    assert_eq!(envelope.reverse_path.as_ref().unwrap().as_str(), "x@y.test");
    assert_eq!((envelope.helo.as_str(), &envelope.tls), ("me", &None));
}

#[test]
fn chunks_arrive_exactly_wherever_they_are_cut() {
    let mail = b"Subject: x\n\r\n.\r\nbare\nlf \0 nul\r\n.\r\n..\r\nRSET\r\n\xff end";
    for cut in 0..=mail.len() {
        let (one, two) = mail.split_at(cut);
        let said = [
            format!("BDAT {}\r\n", one.len()).as_bytes(),
            one,
            format!("BDAT {} LAST\r\n", two.len()).as_bytes(),
            two,
            b"QUIT\r\n",
        ]
        .concat();
        let told = tell_mail(&said);
        assert_eq!(told.codes(), ["250", "250", "221"], "{cut}");
        assert_eq!(told.mails, [mail], "{cut}");
    }
    let every_octet: Vec<u8> =
        mail.iter().flat_map(|octet| [b"BDAT 1\r\n", &[*octet][..]].concat()).collect();
    let told = tell_mail(&[&every_octet, &b"BDAT 0 LAST\r\n"[..]].concat());
    assert_eq!(told.mails, [mail]);
}

#[test]
fn an_empty_last_chunk_alone_is_an_empty_mail() {
    let told = tell_mail(b"BDAT 0 LAST\r\n");
    assert_eq!(told.mails, [b""]);
}

#[test]
fn data_and_rcpt_after_a_chunk_are_refused_and_the_mail_goes_on() {
    let told = tell_mail(
        b"BDAT 1\r\naDATA\r\nRCPT TO:<b@archive.test>\r\nMAIL FROM:<>\r\nNOOP\r\nBDAT 1 LAST\r\nb",
    );
    assert_eq!(told.codes(), ["250", "503", "503", "503", "250", "250"]);
    assert_eq!(told.mails, [b"ab"]);
}

#[test]
fn reset_between_chunks_forgets_them() {
    let told = tell_mail(
        b"BDAT 3\r\nabcRSET\r\nBDAT 1 LAST\r\nxMAIL FROM:<>\r\nRCPT TO:<b@archive.test>\r\nBDAT 1 LAST\r\ny",
    );
    assert_eq!(told.codes(), ["250", "250", "503", "250", "250", "250"]);
    assert_eq!(told.mails, [b"y"]);
}

#[test]
fn chunks_without_a_transaction_are_read_and_thrown_away() {
    let told = tell(SmtpSettings::default(), b"BDAT 6\r\nQUIT\r\nEHLO me\r\nBDAT 6 LAST\r\nQUIT\r\nMAIL FROM:<>\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n");
    assert_eq!(told.codes(), ["503", "250", "503", "250", "503", "250"]);
    assert!(told.mails.is_empty());
}

#[test]
fn a_chunk_of_unreadable_size_ends_the_connection() {
    for line in [
        "BDAT",
        "BDAT x",
        "BDAT -1",
        "BDAT 1 FIRST",
        "BDAT 1 LAST x",
        "BDAT 1\rx",
        "BDAT 99999999999999999999",
    ] {
        let told = tell_mail(format!("{line}\r\nRSET\r\n").as_bytes());
        assert_eq!(told.codes(), ["501"], "{line}");
    }
    let told = tell_mail(b"BDAT 6\nRSET\r\n");
    assert_eq!(told.codes(), ["501"]);
}

#[test]
fn pipelined_chunks_behind_a_refused_one_are_thrown_away() {
    let settings = SmtpSettings { message_size_bytes_max: 10, ..SmtpSettings::default() };
    let said = [
        ENVELOPE,
        b"BDAT 8\r\nabcdefghBDAT 8\r\nQUIT\r\n\r\nBDAT 6 LAST\r\nQUIT\r\n",
        b"MAIL FROM:<>\r\nRCPT TO:<a@archive.test>\r\nBDAT 10 LAST\r\n0123456789QUIT\r\n",
    ]
    .concat();
    let told = tell(settings, &said);
    assert_eq!(
        told.codes(),
        ["250", "250", "250", "250", "552", "503", "250", "250", "250", "221"]
    );
    assert_eq!(told.mails, [b"0123456789"]);
}

#[test]
fn data_above_the_limit_is_read_to_its_end_and_refused() {
    let settings = SmtpSettings { message_size_bytes_max: 5, ..SmtpSettings::default() };
    let said = [
        ENVELOPE,
        b"DATA\r\n1234\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<a@archive.test>\r\nDATA\r\n..23\r\n.\r\n",
    ]
    .concat();
    let told = tell(settings, &said);
    assert_eq!(told.codes(), ["250", "250", "250", "354", "552", "250", "250", "354", "250"]);
    assert_eq!(told.mails, [b".23\r\n"]);
}

#[test]
fn a_chunk_far_beyond_the_limit_ends_the_connection() {
    let told = tell_mail(b"BDAT 9999999999999\r\nabc");
    assert_eq!(told.codes(), ["552"]);
}

#[test]
fn a_mail_cut_off_is_no_mail() {
    assert!(tell_mail(b"DATA\r\nabc\r\n").mails.is_empty());
    assert!(tell_mail(b"BDAT 5 LAST\r\nabc").mails.is_empty());
    assert!(tell_mail(b"BDAT 3\r\nabc").mails.is_empty());
}

#[tokio::test]
async fn a_full_spool_puts_the_sender_off_at_mail_and_at_the_end() {
    use std::sync::atomic::Ordering;
    let listening = listen(SmtpSettings::default());
    let room: MemoryRoom = listening.room.clone();
    let mut client = listening.connect().await;
    client.expect(&[("EHLO me", "250"), ("MAIL FROM:<>", "250")]).await;
    client.expect(&[("RCPT TO:<a@archive.test>", "250"), ("DATA", "354")]).await;
    room.full.store(true, Ordering::SeqCst);
    client.expect(&[("x\r\n.", "452 4.3.1"), ("MAIL FROM:<> SIZE=3", "452 4.3.1")]).await;
    room.full.store(false, Ordering::SeqCst);
    client.expect(&[("MAIL FROM:<> SIZE=3", "250")]).await;
    assert!(listening.mails().is_empty());
    listening.stopped().await;
}

/// Takes mail when the test says so.
struct SlowRoom(Arc<Notify>);

impl Room for SlowRoom {
    type Draft = ();

    fn has_room(&self, _size_bytes: u64) -> Result<(), Refusal> {
        Ok(())
    }

    fn begin(&self, _deliveries: Vec<Delivery>) -> Result<(), Refusal> {
        Ok(())
    }

    fn write(&self, _draft: &mut (), _octets: &[u8]) -> Result<(), Refusal> {
        Ok(())
    }

    async fn accept(&self, _draft: ()) -> Result<(), Refusal> {
        self.0.notified().await;
        Err(Refusal::Failed)
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_said_at_the_end_of_a_mail_before_the_spool_has_answered() {
    let answer = Arc::new(Notify::new());
    let mut client = duplex_session_into(SlowRoom(answer.clone()), SmtpSettings::default());
    assert!(client.reply().await.starts_with("220"));
    client.expect(&[("EHLO me", "250"), ("MAIL FROM:<>", "250")]).await;
    client.expect(&[("RCPT TO:<a@archive.test>", "250"), ("DATA", "354")]).await;
    client.try_send(b"x\r\n.\r\nNOOP\r\n").await;
    // Paused time runs on only when nobody has anything to do.
    let silence = tokio::time::timeout(Duration::from_secs(3600), client.reply()).await;
    assert!(silence.is_err(), "{silence:?}");
    answer.notify_one();
    assert!(client.reply().await.starts_with("451 4.3.0"));
    assert!(client.reply().await.starts_with("250"));
}

proptest! {
    #[test]
    fn chunks_cut_anywhere_and_read_anyhow_are_the_mail(
        chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 1..20),
        piece in 1usize..80,
    ) {
        let mut said = ENVELOPE.to_vec();
        for (i, chunk) in chunks.iter().enumerate() {
            let last = if i + 1 == chunks.len() { " LAST" } else { "" };
            said.extend_from_slice(format!("BDAT {}{last}\r\n", chunk.len()).as_bytes());
            said.extend_from_slice(chunk);
        }
        let told = tell_in_pieces(SmtpSettings::default(), &said, piece);
        prop_assert_eq!(told.mails, [chunks.concat()]);
    }

    #[test]
    fn stuffed_and_unstuffed_is_the_mail(
        parts in proptest::collection::vec(
            proptest::sample::select(vec![&b"\r\n"[..], b".", b"\r", b"\n", b"x", b"\0", b"\r\n."]),
            0..60,
        ),
        piece in 1usize..20,
    ) {
        let mut mail = parts.concat();
        mail.extend_from_slice(b"\r\n");
        let mut stuffed = if mail.starts_with(b".") { b".".to_vec() } else { Vec::new() };
        for (i, octet) in mail.iter().enumerate() {
            stuffed.push(*octet);
            if mail[..=i].ends_with(b"\r\n") && mail.get(i + 1) == Some(&b'.') {
                stuffed.push(b'.');
            }
        }
        let said = [ENVELOPE, b"DATA\r\n", &stuffed, b".\r\n"].concat();
        let told = tell_in_pieces(SmtpSettings::default(), &said, piece);
        prop_assert_eq!(told.mails, [mail]);
    }
}
