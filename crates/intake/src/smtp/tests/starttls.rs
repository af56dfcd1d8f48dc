use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::Ordering;

use rustls::pki_types::ServerName;

use super::support::*;
use crate::smtp::SmtpSettings;
use crate::tls::{RENEW_DAYS, SELF_SIGNED_DAYS, TlsError, TlsFiles, TlsStore};

const MAIL: [(&str, &str); 3] =
    [("MAIL FROM:<x@y.test>", "250"), ("RCPT TO:<a@archive.test>", "250"), ("DATA", "354")];

#[tokio::test]
async fn a_mail_over_tls_names_the_version() {
    let listening = listen(SmtpSettings { require_tls: true, ..SmtpSettings::default() });
    let mut client = start_tls(&listening, listening.connect().await).await;
    client.expect(&[("EHLO me", "250")]).await;
    client.expect(&MAIL).await;
    client.expect(&[("hello\r\n.", "250 2.0.0"), ("QUIT", "221")]).await;
    assert_eq!(client.reply().await, "");
    let (mail, deliveries) = listening.room.mails().remove(0);
    assert_eq!(mail, b"hello\r\n");
    assert_eq!(deliveries[0].envelope.tls.as_deref(), Some("TLSv1_3"));
    assert_eq!(listening.figures.connections_tls.load(Ordering::SeqCst), 1);
    listening.stopped().await;
}

#[tokio::test]
async fn tls_1_2_is_spoken_with_those_who_know_no_better() {
    let listening = listen(SmtpSettings::default());
    let mut client = listening.connect().await;
    client.expect(&[("EHLO me", "250"), ("STARTTLS", "220")]).await;
    let name = ServerName::try_from("localhost").unwrap();
    let connector = listening.connector_for(&[&rustls::version::TLS12]);
    let stream = connector.connect(name, client.into_stream()).await.unwrap();
    let mut client = Client::new(stream);
    client.expect(&[("EHLO me", "250")]).await;
    client.expect(&MAIL).await;
    client.expect(&[(".", "250")]).await;
    let (_, deliveries) = listening.room.mails().remove(0);
    assert_eq!(deliveries[0].envelope.tls.as_deref(), Some("TLSv1_2"));
    listening.stopped().await;
}

#[tokio::test]
async fn what_was_said_in_clear_is_forgotten_after_the_handshake() {
    let listening = listen(SmtpSettings::default());
    let mut client = listening.connect().await;
    client.expect(&[("EHLO in.clear", "250")]).await;
    client.expect(&MAIL[..2]).await;
    let mut client = start_tls(&listening, client).await;
    client.expect(&[("DATA", "503"), ("MAIL FROM:<>", "503"), ("STARTTLS", "503")]).await;
    client.expect(&[("EHLO in.tls", "250"), ("DATA", "503")]).await;
    client.expect(&MAIL).await;
    client.expect(&[(".", "250")]).await;
    let (_, deliveries) = listening.room.mails().remove(0);
    assert_eq!(deliveries[0].envelope.helo, "in.tls");
    assert_eq!(deliveries[0].envelope.forward_paths.len(), 1);
    listening.stopped().await;
}

#[tokio::test]
async fn commands_sent_behind_starttls_end_the_connection() {
    let listening = listen(SmtpSettings::default());
    let mut client = listening.connect().await;
    client.expect(&[("EHLO me", "250")]).await;
    client.send(b"STARTTLS\r\nMAIL FROM:<evil@y.test>\r\n").await;
    assert!(client.reply().await.starts_with("554 5.5.1"));
    assert_eq!(client.reply().await, "");
    listening.stopped().await;
}

#[tokio::test]
async fn octets_injected_after_the_reply_to_starttls_break_the_handshake() {
    let listening = listen(SmtpSettings::default());
    let mut client = listening.connect().await;
    client.expect(&[("EHLO me", "250"), ("STARTTLS", "220")]).await;
    client.send(b"MAIL FROM:<evil@y.test>\r\nRCPT TO:<a@archive.test>\r\n").await;
    let name = ServerName::try_from("localhost").unwrap();
    assert!(listening.connector().connect(name, client.into_stream()).await.is_err());
    let figures = listening.figures.clone();
    listening.stopped().await;
    assert_eq!(figures.handshakes_failed.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_changed_certificate_serves_the_next_handshake_and_a_broken_one_does_not() {
    let listening = listen(SmtpSettings::default());
    let folder = tempfile::tempdir().unwrap();
    let other = TlsFiles { cert: folder.path().join("c"), key: folder.path().join("k") };
    TlsStore::open(other.clone(), &["localhost".to_owned()]).unwrap();
    let key = listening.cert.with_file_name("key.pem");
    let before = listening.tls.facts();
    assert!(!listening.tls.reload_if_changed().unwrap());

    // The certificate is there, its key not yet.
    fs::copy(&other.cert, &listening.cert).unwrap();
    assert!(matches!(listening.tls.reload_if_changed(), Err(TlsError::Mismatch { .. })));
    assert!(!listening.tls.reload_if_changed().unwrap());
    assert_eq!(listening.tls.facts(), before);

    fs::copy(&other.key, &key).unwrap();
    assert!(listening.tls.reload_if_changed().unwrap());
    // The client trusts the new one only.
    let mut client = start_tls(&listening, listening.connect().await).await;
    client.expect(&[("EHLO me", "250")]).await;

    fs::write(&listening.cert, "nonsense").unwrap();
    assert!(matches!(listening.tls.reload_if_changed(), Err(TlsError::NoCertificate { .. })));
    listening.stopped().await;
}

#[test]
fn a_first_start_makes_a_pair_with_a_private_key_and_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let files = TlsFiles {
        cert: folder.path().join("tls/cert.pem"),
        key: folder.path().join("tls/key.pem"),
    };
    let names = ["archive.example".to_owned(), "192.0.2.1".to_owned()];
    let facts = TlsStore::open(files.clone(), &names).unwrap().facts();
    assert_eq!((facts.subject.as_str(), facts.self_signed), ("archive.example", true));
    assert!(facts.not_after > facts.not_before);
    assert_eq!(fs::metadata(&files.key).unwrap().permissions().mode() & 0o777, 0o600);
    let cert = fs::read(&files.cert).unwrap();
    assert_eq!(TlsStore::open(files.clone(), &names).unwrap().facts(), facts);
    assert_eq!(fs::read(&files.cert).unwrap(), cert);
    fs::remove_file(&files.key).unwrap();
    assert!(matches!(TlsStore::open(files, &names), Err(TlsError::HalfPair { .. })));
}

#[test]
fn a_self_signed_pair_is_renewed_before_its_end_and_a_foreign_one_never() {
    let folder = tempfile::tempdir().unwrap();
    let files = |name: &str| TlsFiles {
        cert: folder.path().join(name).join("certificate.pem"),
        key: folder.path().join(name).join("key.pem"),
    };
    let names = ["archive.example".to_owned()];
    let store = TlsStore::open(files("own"), &names).unwrap();
    let facts = store.facts();
    let days = (facts.not_after.as_seconds() - facts.not_before.as_seconds()) / 86_400;
    assert_eq!(days, SELF_SIGNED_DAYS);
    let soon = facts.not_after.saturating_add_seconds(-RENEW_DAYS * 86_400 + 60);
    assert!(!store.renew_if_due(facts.not_before).unwrap());
    let before = fs::read(&files("own").cert).unwrap();
    assert!(store.renew_if_due(soon).unwrap());
    assert!(store.reload_if_changed().unwrap());
    assert_ne!(fs::read(&files("own").cert).unwrap(), before);

    // Somebody else's, although it is self-signed as well.
    fs::create_dir(folder.path().join("theirs")).unwrap();
    fs::copy(files("own").cert, files("theirs").cert).unwrap();
    fs::copy(files("own").key, files("theirs").key).unwrap();
    store.change_files(files("theirs")).unwrap();
    assert!(!store.renew_if_due(soon).unwrap());

    // A renewal that was interrupted is begun anew.
    fs::remove_file(files("own").cert).unwrap();
    assert!(TlsStore::open(files("own"), &names).is_ok());
}
