//! The POP3 client against Dovecot and Cyrus, straight and through a proxy that breaks things.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use intake::fetch::net::{Patience, Secured, Security, Server, Trust};
use intake::fetch::pop3::{self, Session};
use intake::fetch::sasl::Credentials;
use intake::fetch::{ConnectionFailure, FetchError, FetchErrorKind, Probe};
use testkit::mail_server::{Cyrus, DOVECOT, Dovecot};
use testkit::ports::free_port;
use testkit::proxy::{Fault, Proxy};
use testkit::tls::Identity;

use crate::support::has_tool;

const LARGE: u64 = 1 << 30;

/// The end of tokens that are good.
const IN_2100: i64 = 4_102_444_800;

struct Counterpart {
    dovecot: Dovecot,
    _folder: tempfile::TempDir,
}

fn dovecot() -> Option<Counterpart> {
    if !has_tool(DOVECOT, "dovecot-pop3d") {
        return None;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let dovecot = Dovecot::start(folder.path(), "").expect("Dovecot starts");
    Some(Counterpart { dovecot, _folder: folder })
}

fn password(user: &str) -> Credentials {
    let password = Dovecot::PASSWORD.to_owned().into();
    Credentials::Password { user: user.to_owned(), password, act_as: None }
}

fn server(port: u16, security: Security, authority: &str) -> Server {
    Server {
        host: "127.0.0.1".to_owned(),
        port: Some(port),
        security,
        allow_clear: false,
        trust: Trust::Authorities(authority.to_owned()),
    }
}

fn open(server: &Server, credentials: &Credentials) -> Result<Session, FetchError> {
    let mut probe = Probe::default();
    Session::open(server, &Patience::default(), credentials, &mut probe)
}

/// Mails with all that a line protocol could stumble over.
fn mails() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = [
        "Subject: plain\r\n\r\nbody\r\n",
        "Subject: dots\r\n\r\n.\r\n..\r\n...\r\n.x\r\n\r\n.\r\n",
        "Subject: octets\r\n\r\n\u{fc}\r\n+OK\r\n-ERR\r\n",
        "Subject: empty\r\n\r\n",
    ]
    .iter()
    .map(|mail| mail.as_bytes().to_vec())
    .collect();
    let line = format!("{}\r\n", "x".repeat(76));
    all.push(format!("Subject: large\r\n\r\n{}", line.repeat(40_000)).into_bytes());
    all
}

fn read_all(session: &mut Session) -> Vec<Vec<u8>> {
    let entries = session.list().expect("listed");
    let read = entries.iter().map(|entry| {
        let mut mail = Vec::new();
        let octets = session.retrieve(entry, LARGE, &mut mail).expect("delivered");
        assert_eq!(octets, mail.len() as u64);
        mail
    });
    read.collect()
}

#[test]
fn dovecot_gives_mails_octet_by_octet_and_deletes_them_at_quit() {
    let Some(counterpart) = dovecot() else { return };
    let dovecot = &counterpart.dovecot;
    for mail in mails() {
        dovecot.deliver("anna", "", &mail).expect("delivered");
    }
    let server = server(dovecot.pop3s, Security::ImplicitTls, &dovecot.authority);
    let mut session = open(&server, &password("anna")).expect("signed in");
    assert_eq!(read_all(&mut session), mails());
    let entries = session.list().expect("listed");
    assert!(entries.iter().all(|entry| entry.uid.is_some()));
    session.delete(&entries[..2]).expect("marked");
    // Without QUIT nothing is deleted, and the unique-ids stay.
    drop(session);
    let mut session = open(&server, &password("anna")).expect("signed in");
    assert_eq!(session.list().expect("listed"), entries);
    session.delete(&entries[..2]).expect("marked");
    session.quit().expect("confirmed");
    let mut session = open(&server, &password("anna")).expect("signed in");
    let left = session.list().expect("listed");
    let uids = |list: &[pop3::Entry]| list.iter().map(|it| it.uid.clone()).collect::<Vec<_>>();
    assert_eq!(uids(&left), uids(&entries[2..]));
    assert_eq!(session.count().expect("said").0, 3);
}

#[test]
fn dovecot_is_found_by_every_way_of_securing() {
    let Some(counterpart) = dovecot() else { return };
    let dovecot = &counterpart.dovecot;
    for (port, security, expected) in [
        (dovecot.pop3s, Security::Automatic, Secured::ImplicitTls),
        (dovecot.pop3, Security::Automatic, Secured::StartTls),
        (dovecot.pop3, Security::StartTls, Secured::StartTls),
        (dovecot.pop3, Security::Clear, Secured::Clear),
    ] {
        let server = server(port, security, &dovecot.authority);
        let session = open(&server, &password("anna")).expect("signed in");
        assert_eq!(session.connection().secured(), expected);
        session.quit().expect("confirmed");
    }
    let server = server(dovecot.pop3s, Security::Automatic, &dovecot.authority);
    let probe = pop3::probe(&server, &Patience::default(), &password("anna"));
    assert!(probe.succeeded(), "{probe:?}");
    assert_eq!(probe.steps.last().expect("steps").detail, "0 mails, 0 octets");
    let system = Server { trust: Trust::System, ..server };
    let error = open(&system, &password("anna")).err().expect("unknown authority");
    assert_eq!(error.kind(), FetchErrorKind::TlsMismatch);
}

#[test]
fn dovecot_takes_tokens_and_refuses_ended_ones() {
    let Some(counterpart) = dovecot() else { return };
    let dovecot = &counterpart.dovecot;
    let server = server(dovecot.pop3s, Security::ImplicitTls, &dovecot.authority);
    let bearer =
        |token: String| Credentials::Bearer { user: "anna".to_owned(), token: token.into() };
    let good = bearer(dovecot.token("anna", IN_2100));
    open(&server, &good).expect("signed in").quit().expect("confirmed");
    for bad in [dovecot.token("anna", 1_000), dovecot.token("bert", IN_2100), "x".to_owned()] {
        let error = open(&server, &bearer(bad.clone())).err().expect("refused");
        assert_eq!(error.kind(), FetchErrorKind::SignInRefused, "{error}");
        assert!(!error.to_string().contains(&bad) || bad == "x");
    }
}

#[test]
fn a_service_account_opens_the_mailboxes_of_others() {
    let Some(counterpart) = dovecot() else { return };
    let dovecot = &counterpart.dovecot;
    dovecot.deliver("anna", "", &mails()[0]).expect("delivered");
    let server = server(dovecot.pop3s, Security::ImplicitTls, &dovecot.authority);
    let master = |password: &str| Credentials::Password {
        user: Dovecot::MASTER.to_owned(),
        password: password.to_owned().into(),
        act_as: Some("anna".to_owned()),
    };
    let mut session = open(&server, &master(Dovecot::MASTER_PASSWORD)).expect("signed in");
    assert_eq!(read_all(&mut session).len(), 1);
    let error = open(&server, &master("wrong")).err().expect("refused");
    assert_eq!(error.kind(), FetchErrorKind::SignInRefused, "{error}");
}

#[test]
fn wherever_the_connection_breaks_no_mail_is_lost_or_half_a_mail_believed() {
    let Some(counterpart) = dovecot() else { return };
    let dovecot = &counterpart.dovecot;
    let small = &mails()[..4];
    for mail in small {
        dovecot.deliver("anna", "", mail).expect("delivered");
    }
    let proxy = Proxy::start(SocketAddr::from(([127, 0, 0, 1], dovecot.pop3))).expect("a port");
    let server = server(proxy.port(), Security::Clear, &dovecot.authority);
    // A prime step breaks at each kind of place: within lines, between them, within mails.
    for octets in (0..1_200).step_by(41) {
        proxy.set(Fault::CutAfter(octets));
        let Ok(mut session) = open(&server, &password("anna")) else { continue };
        let Ok(entries) = session.list() else { continue };
        assert_eq!(entries.len(), small.len());
        for (entry, expected) in entries.iter().zip(small) {
            let mut mail = Vec::new();
            match session.retrieve(entry, LARGE, &mut mail) {
                Ok(_) => assert_eq!(&mail, expected),
                Err(error) => assert_eq!(error.kind(), FetchErrorKind::NoConnection, "{error}"),
            }
        }
    }
    proxy.set(Fault::None);
    let mut session = open(&server, &password("anna")).expect("signed in");
    assert_eq!(read_all(&mut session), small);
}

#[test]
fn a_lost_quit_leaves_every_mail() {
    let Some(counterpart) = dovecot() else { return };
    let dovecot = &counterpart.dovecot;
    dovecot.deliver("anna", "", &mails()[0]).expect("delivered");
    let proxy = Proxy::start(SocketAddr::from(([127, 0, 0, 1], dovecot.pop3))).expect("a port");
    let server = server(proxy.port(), Security::Clear, &dovecot.authority);
    // So much the client says up to its DELE, by a session that ends well.
    let said = "CAPA\r\nAUTH PLAIN\r\nAGFubmEAc2VjcmV0\r\nLIST\r\nUIDL\r\nUIDL 1\r\nDELE 1\r\n";
    proxy.set(Fault::CutAfterSent(said.len() as u64));
    let mut session = open(&server, &password("anna")).expect("signed in");
    let entries = session.list().expect("listed");
    // Whether its reply still came does not matter: QUIT never arrives.
    let _ = session.delete(&entries);
    assert!(session.quit().is_err());
    proxy.set(Fault::None);
    let mut session = open(&server, &password("anna")).expect("signed in");
    assert_eq!(session.list().expect("listed"), entries);
}

#[test]
fn a_maildrop_that_others_hold_is_busy() {
    if !has_tool(DOVECOT, "dovecot-pop3d") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let dovecot = Dovecot::start(folder.path(), "mail_max_userip_connections = 1\n");
    let dovecot = dovecot.expect("Dovecot starts");
    let server = server(dovecot.pop3s, Security::ImplicitTls, &dovecot.authority);
    let first = open(&server, &password("anna")).expect("signed in");
    // Dovecot counts a session a moment after it answered its sign-in: until then another gets in.
    let begun = Instant::now();
    let error = loop {
        match open(&server, &password("anna")) {
            Err(error) => break error,
            Ok(second) => second.quit().expect("confirmed"),
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "two sessions have the maildrop");
    };
    assert_eq!(error.kind(), FetchErrorKind::ServerBusy, "{error}");
    first.quit().expect("confirmed");
}

#[test]
fn a_slow_server_is_waited_for_and_a_dead_one_left() {
    let Some(counterpart) = dovecot() else { return };
    let dovecot = &counterpart.dovecot;
    dovecot.deliver("anna", "", &mails()[4]).expect("delivered");
    let proxy = Proxy::start(SocketAddr::from(([127, 0, 0, 1], dovecot.pop3s))).expect("a port");
    let server = server(proxy.port(), Security::ImplicitTls, &dovecot.authority);
    proxy.set(Fault::Delay(Duration::from_millis(2)));
    let mut session = open(&server, &password("anna")).expect("signed in");
    assert_eq!(read_all(&mut session), &mails()[4..]);
    drop(session);
    proxy.set(Fault::SilenceAfter(100_000));
    let patience = Patience { answer: Duration::from_secs(1), ..Patience::default() };
    let outcome = Session::open(&server, &patience, &password("anna"), &mut Probe::default());
    // Where it falls silent depends on the lengths of its TLS records; that it is left does not.
    let error = match outcome {
        Err(error) => error,
        Ok(mut session) => session
            .list()
            .and_then(|entries| session.retrieve(&entries[0], LARGE, &mut std::io::sink()))
            .expect_err("nothing comes"),
    };
    assert_eq!(error.kind(), FetchErrorKind::NoConnection, "{error}");
}

#[test]
fn cyrus_gives_the_same_mails_and_deletes_them_at_quit() {
    if !Cyrus::is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let cyrus = Cyrus::start(folder.path(), &["journal"]).expect("Cyrus starts");
    let sent = &mails()[..3];
    append(cyrus.imap, sent);
    let server = server(cyrus.pop3, Security::Automatic, &cyrus.authority);
    let credentials = password("journal");
    let mut session = open(&server, &credentials).expect("signed in");
    assert_eq!(session.connection().secured(), Secured::StartTls);
    assert_eq!(read_all(&mut session), sent);
    let entries = session.list().expect("listed");
    session.delete(&entries).expect("marked");
    session.quit().expect("confirmed");
    let mut session = open(&server, &credentials).expect("signed in");
    assert_eq!(session.list().expect("listed"), []);
}

#[test]
fn a_server_with_old_tls_only_is_told_apart() {
    if !has_tool("/usr/bin/openssl", "openssl") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let identity = Identity::new(&["127.0.0.1"]);
    let paths = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    std::fs::write(&paths[0], &identity.certificate).expect("written");
    std::fs::write(&paths[1], &identity.key).expect("written");
    let port = free_port().expect("a port");
    let mut old = Command::new("/usr/bin/openssl")
        .args(["s_server", "-quiet", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", "-accept"])
        .arg(format!("127.0.0.1:{port}"))
        .arg("-cert")
        .arg(&paths[0])
        .arg("-key")
        .arg(&paths[1])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl starts");
    let server = server(port, Security::ImplicitTls, &identity.authority);
    let begun = Instant::now();
    let error = loop {
        match open(&server, &password("anna")).err().expect("not safe") {
            FetchError::NoConnection { reason: ConnectionFailure::Refused, .. }
                if begun.elapsed() < Duration::from_secs(120) =>
            {
                std::thread::yield_now();
            }
            error => break error,
        }
    };
    let _ = old.kill();
    let _ = old.wait();
    assert_eq!(error.kind(), FetchErrorKind::TlsMismatch, "{error}");
    assert!(error.to_string().contains("TLS 1.2"), "{error}");
}

/// Puts mails into the INBOX by IMAP.
fn append(port: u16, mails: &[Vec<u8>]) {
    let mut client = TcpStream::connect(("127.0.0.1", port)).expect("listens");
    client.set_read_timeout(Some(Duration::from_secs(120))).expect("a socket");
    let until = |client: &mut TcpStream, word: &str| {
        let mut said = Vec::new();
        let mut octet = [0];
        while !String::from_utf8_lossy(&said).contains(word) {
            assert_eq!(client.read(&mut octet).expect("answers"), 1, "{said:?}");
            said.push(octet[0]);
        }
    };
    client.write_all(b"a LOGIN journal secret\r\n").expect("taken");
    until(&mut client, "a OK");
    for mail in mails {
        write!(client, "b APPEND INBOX {{{}+}}\r\n", mail.len()).expect("taken");
        client.write_all(mail).expect("taken");
        client.write_all(b"\r\n").expect("taken");
        until(&mut client, "b OK");
    }
}
