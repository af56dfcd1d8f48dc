use std::sync::atomic::Ordering;

use tokio::net::TcpStream;

use super::support::*;
use crate::smtp::{SmtpSettings, bind};

#[tokio::test]
async fn one_connection_too_many_is_turned_away_until_another_ends() {
    let listening = listen(SmtpSettings { connections_max: 1, ..SmtpSettings::default() });
    let mut first = listening.connect().await;
    let mut second = Client::new(TcpStream::connect(listening.address).await.unwrap());
    assert!(second.reply().await.starts_with("421 4.3.2"));
    assert_eq!(second.reply().await, "");
    first.expect(&[("QUIT", "221")]).await;
    assert_eq!(first.reply().await, "");
    // The place is free as soon as the session has ended; the client may be quicker.
    loop {
        let mut third = Client::new(TcpStream::connect(listening.address).await.unwrap());
        match &third.reply().await[..3] {
            "220" => break,
            code => assert_eq!(code, "421"),
        }
    }
    listening.stopped().await;
}

#[tokio::test]
async fn one_network_can_be_limited_by_itself() {
    let settings = SmtpSettings { connections_per_network_max: 1, ..SmtpSettings::default() };
    let listening = listen(settings);
    let _first = listening.connect().await;
    let mut second = Client::new(TcpStream::connect(listening.address).await.unwrap());
    assert!(second.reply().await.starts_with("421 4.3.2"));
    listening.stopped().await;
}

#[tokio::test]
async fn a_network_that_is_not_allowed_is_turned_away() {
    let allowed_networks = vec!["192.0.2.0/24".parse().unwrap()];
    let listening = listen(SmtpSettings { allowed_networks, ..SmtpSettings::default() });
    let mut client = Client::new(TcpStream::connect(listening.address).await.unwrap());
    assert!(client.reply().await.starts_with("554 5.7.1"));
    assert_eq!(client.reply().await, "");
    assert_eq!(listening.figures.connections_refused.load(Ordering::SeqCst), 1);
    listening.stopped().await;
}

#[test]
fn networks_match_in_both_families() {
    let settings = SmtpSettings {
        allowed_networks: vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
        ..SmtpSettings::default()
    };
    for (peer, allowed) in [
        ("10.1.2.3", true),
        ("::ffff:10.1.2.3", true),
        ("11.0.0.1", false),
        ("2001:db8::1", true),
        ("2001:db9::1", false),
    ] {
        assert_eq!(settings.allows(peer.parse().unwrap()), allowed, "{peer}");
    }
}

#[test]
fn recipients_above_the_limit_are_put_off_and_the_mail_goes_to_the_others() {
    let settings = SmtpSettings { recipients_max: 2, ..SmtpSettings::default() };
    let rcpt = b"RCPT TO:<a@archive.test>\r\n".repeat(3);
    let said = [&b"EHLO me\r\nMAIL FROM:<>\r\n"[..], &rcpt, b"DATA\r\n.\r\n"].concat();
    let told = tell(settings, &said);
    assert_eq!(told.codes(), ["250", "250", "250", "250", "452", "354", "250"]);
    assert_eq!(told.room.mails()[0].1[0].envelope.forward_paths.len(), 2);
}

#[test]
fn ten_thousand_recipients_are_taken_by_default() {
    let rcpt = b"RCPT TO:<a@archive.test>\r\n".repeat(10_000);
    let said = [&b"EHLO me\r\nMAIL FROM:<>\r\n"[..], &rcpt, b"BDAT 0 LAST\r\n"].concat();
    let told = tell(SmtpSettings::default(), &said);
    assert_eq!(told.room.mails()[0].1[0].envelope.forward_paths.len(), 10_000);
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_sent_away() {
    let mut client = duplex_session(SmtpSettings::default());
    assert!(client.reply().await.starts_with("220"));
    // The clock runs by itself while nobody does anything.
    assert!(client.reply().await.starts_with("421 4.4.2"));
    assert_eq!(client.reply().await, "");
}

#[tokio::test(start_paused = true)]
async fn a_mail_that_trickles_beyond_its_time_is_given_up() {
    let settings = SmtpSettings { data_seconds_max: 60, ..SmtpSettings::default() };
    let mut client = duplex_session(settings);
    assert!(client.reply().await.starts_with("220"));
    client.expect(&[("EHLO me", "250"), ("MAIL FROM:<>", "250")]).await;
    client.expect(&[("RCPT TO:<a@archive.test>", "250"), ("DATA", "354")]).await;
    for _ in 0..7 {
        tokio::time::sleep(std::time::Duration::from_secs(10)).await;
        client.try_send(b"x").await;
    }
    assert!(client.reply().await.starts_with("421 4.4.2"));
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_at_its_time_although_the_client_is_busy() {
    let settings = SmtpSettings { session_seconds_max: 60, ..SmtpSettings::default() };
    let mut client = duplex_session(settings);
    assert!(client.reply().await.starts_with("220"));
    let mut reply = String::new();
    for _ in 0..10 {
        tokio::time::sleep(std::time::Duration::from_secs(10)).await;
        client.try_send(b"NOOP\r\n").await;
        reply = client.reply().await;
        if reply.starts_with("421") {
            break;
        }
    }
    assert!(reply.starts_with("421 4.4.2"), "{reply}");
}

#[tokio::test]
async fn shutdown_lets_the_mail_in_progress_finish() {
    let listening = listen(SmtpSettings::default());
    let mut idle = listening.connect().await;
    let mut busy = listening.connect().await;
    busy.expect(&[("EHLO me", "250"), ("MAIL FROM:<>", "250")]).await;
    busy.expect(&[("RCPT TO:<a@archive.test>", "250"), ("DATA", "354")]).await;
    listening.begin_stop();
    assert!(idle.reply().await.starts_with("421 4.3.2"));
    busy.expect(&[("late\r\n.", "250 2.0.0")]).await;
    assert!(busy.reply().await.starts_with("421 4.3.2"));
    let room = listening.room.clone();
    listening.stopped().await;
    assert_eq!(room.mails().len(), 1);
}

#[tokio::test]
async fn both_families_listen_on_one_port() {
    let Ok(six) = bind(&["[::1]:0".parse().unwrap()]) else {
        eprintln!("left out: no IPv6 here");
        return;
    };
    drop(six);
    // Somebody else may listen at a port; at one of so many nobody does.
    let both = |port: u16| {
        let addresses = [format!("[::]:{port}"), format!("0.0.0.0:{port}")];
        bind(&addresses.map(|address| address.parse().unwrap()))
    };
    let bound = (21_000..21_200).find_map(|port| both(port).ok()).unwrap();
    assert_eq!(bound.len(), 2);
}

#[tokio::test]
async fn pipelined_commands_in_one_write_are_answered_in_order() {
    let listening = listen(SmtpSettings::default());
    let mut client = listening.connect().await;
    client
        .send(b"EHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<a@archive.test>\r\nRCPT TO:<z@x.test>\r\nDATA\r\n")
        .await;
    for code in ["250", "250", "250", "550", "354"] {
        assert_eq!(client.reply().await[..3], *code);
    }
    client
        .send(b"one\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<a@archive.test>\r\nBDAT 3 LAST\r\ntwoQUIT\r\n")
        .await;
    for code in ["250", "250", "250", "250", "221", ""] {
        assert!(client.reply().await.starts_with(code));
    }
    assert_eq!(listening.mails(), [&b"one\r\n"[..], b"two"]);
    listening.stopped().await;
}
