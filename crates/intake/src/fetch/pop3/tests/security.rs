use testkit::lying::{LyingServer, Script};
use testkit::tls::Identity;

use super::{impatient, password};
use crate::fetch::net::{Patience, Secured, Security, Server, Trust, parse_fingerprint};
use crate::fetch::pop3::{Entry, Session};
use crate::fetch::{FetchError, FetchErrorKind, Probe, StepState};

const INSIDE: &str =
    "C: CAPA\nS: +OK\nS: USER\nS: .\nC: USER box\nS: +OK\nC: PASS geheim\nS: +OK\n";

fn identity() -> Identity {
    Identity::new(&["localhost", "127.0.0.1"])
}

fn server(traces: &[&str], identity: &Identity) -> LyingServer {
    let scripts = traces.iter().map(|trace| Script::parse(trace)).collect();
    LyingServer::start_with(scripts, Some(identity))
}

fn settings(server: &LyingServer, security: Security, identity: &Identity) -> Server {
    Server {
        host: "127.0.0.1".to_owned(),
        port: Some(server.port()),
        security,
        allow_clear: false,
        trust: Trust::Authorities(identity.authority.clone()),
    }
}

fn open(server: &Server) -> (Result<Session, FetchError>, Probe) {
    let mut probe = Probe::default();
    let outcome = Session::open(server, &Patience::default(), &password(), &mut probe);
    (outcome, probe)
}

fn steps(probe: &Probe) -> Vec<(&'static str, StepState)> {
    probe.steps.iter().map(|step| (step.name, step.state)).collect()
}

#[test]
fn implicit_tls_reports_the_certificate() {
    let identity = identity();
    let server = server(&[&format!("! tls\nS: +OK\n{INSIDE}")], &identity);
    let (session, probe) = open(&settings(&server, Security::ImplicitTls, &identity));
    let session = session.expect("signed in");
    assert_eq!(session.connection().secured(), Secured::ImplicitTls);
    let shown = session.connection().certificate().expect("shown");
    assert_eq!(shown.sha256, identity.fingerprint());
    assert_eq!(shown.names, ["localhost", "127.0.0.1"]);
    assert!(!shown.self_signed && shown.valid_from < shown.valid_until);
    let done = StepState::Done;
    let names = ["name", "tcp", "tls", "greeting", "sign-in"].map(|name| (name, done));
    assert_eq!(steps(&probe), names);
    assert_eq!(probe.steps[2].certificate.as_deref(), Some(shown));
}

#[test]
fn starttls_is_asked_for_before_the_password() {
    let identity = identity();
    let trace = format!("S: +OK\nC: CAPA\nS: +OK\nS: STLS\nS: .\nC: STLS\nS: +OK\n! tls\n{INSIDE}");
    let server = server(&[&trace], &identity);
    let (session, _) = open(&settings(&server, Security::StartTls, &identity));
    assert_eq!(session.expect("signed in").connection().secured(), Secured::StartTls);
    server.check();
}

#[test]
fn a_server_without_starttls_gets_no_password() {
    let identity = identity();
    for (trace, kind) in [
        ("S: +OK\nC: CAPA\nS: +OK\nS: USER\nS: .\nC* PASS*", FetchErrorKind::TlsMismatch),
        ("S: +OK\nC: CAPA\nS: -ERR\nC: STLS\nS: -ERR\nC* PASS*", FetchErrorKind::TlsMismatch),
        (
            "S: +OK\nC: CAPA\nS: +OK\nS: STLS\nS: .\nC: STLS\nS: -ERR\nC* PASS*",
            FetchErrorKind::Refused,
        ),
        // What stands behind the leave to begin would have come from somebody else.
        (
            "S: +OK\nC: CAPA\nS: +OK\nS: STLS\nS: .\nC: STLS\nS+ +OK\\r\\n+OK injected\\r\\n\n! tls",
            FetchErrorKind::Protocol,
        ),
    ] {
        let server = server(&[trace], &identity);
        let (session, _) = open(&settings(&server, Security::StartTls, &identity));
        assert_eq!(session.err().expect("refused").kind(), kind, "{trace}");
        assert!(!server.heard().iter().any(|line| line.contains("PASS")));
    }
}

#[test]
fn automatic_takes_implicit_tls_first() {
    let identity = identity();
    let server = server(&[&format!("! tls\nS: +OK\n{INSIDE}")], &identity);
    let (session, probe) = open(&settings(&server, Security::Automatic, &identity));
    assert_eq!(session.expect("signed in").connection().secured(), Secured::ImplicitTls);
    assert_eq!(server.connections(), 1);
    let found = probe.steps.iter().find(|step| step.name == "security").expect("told");
    assert_eq!(found.detail, format!("found: implicit TLS on port {}", server.port()));
}

#[test]
fn automatic_takes_starttls_where_tls_is_not_spoken() {
    let identity = identity();
    let plain = format!("S: +OK\nC: CAPA\nS: +OK\nS: STLS\nS: .\nC: STLS\nS: +OK\n! tls\n{INSIDE}");
    let server = server(&["S: +OK plain text here\n! silence", &plain], &identity);
    let (session, probe) = open(&settings(&server, Security::Automatic, &identity));
    assert_eq!(session.expect("signed in").connection().secured(), Secured::StartTls);
    assert!(probe.succeeded() && steps(&probe).contains(&("tls", StepState::Failed)));
}

#[test]
fn automatic_goes_without_tls_only_where_that_is_allowed() {
    let identity = identity();
    let plain = format!("S: +OK\nC: CAPA\nS: +OK\nS: USER\nS: .\n{INSIDE}");
    for allowed in [false, true] {
        let server = server(&["S: +OK plain\n! silence", &plain], &identity);
        let settings =
            Server { allow_clear: allowed, ..settings(&server, Security::Automatic, &identity) };
        let (session, probe) = open(&settings);
        match session {
            Ok(session) => {
                assert!(allowed);
                assert_eq!(session.connection().secured(), Secured::Clear);
                assert!(steps(&probe).contains(&("security", StepState::Warning)));
            }
            Err(error) => {
                assert!(!allowed && error.kind() == FetchErrorKind::TlsMismatch, "{error}");
                assert!(!server.heard().iter().any(|line| line.contains("PASS")));
            }
        }
    }
}

#[test]
fn a_certificate_that_is_not_believed_is_the_end() {
    let right = identity();
    let pin = |it: &Identity| Trust::Pinned(parse_fingerprint(&it.fingerprint()).expect("digits"));
    let wrong_name = Identity::new(&["other.test"]);
    let expired = Identity::expired(&["127.0.0.1"]);
    for (shown, trust, expected) in [
        (&wrong_name, Trust::Authorities(wrong_name.authority.clone()), "not for the name"),
        (&expired, Trust::Authorities(expired.authority.clone()), "expired"),
        (&right, Trust::Authorities(wrong_name.authority.clone()), "unknown authority"),
        (&right, Trust::System, "unknown authority"),
        (&right, pin(&wrong_name), "not the pinned one"),
    ] {
        let server = server(&["! tls\nS: +OK\nC* PASS*"], shown);
        let settings =
            Server { trust, allow_clear: true, ..settings(&server, Security::Automatic, shown) };
        let (session, probe) = open(&settings);
        let error = session.err().expect("not believed");
        let FetchError::TlsMismatch { text, certificate } = &error else { panic!("{error}") };
        assert!(text.contains(expected), "{text}");
        assert_eq!(certificate.as_ref().expect("shown").sha256, shown.fingerprint());
        let last = probe.steps.last().expect("steps");
        assert_eq!((last.name, last.state), ("tls", StepState::Failed));
        assert!(last.certificate.is_some());
        assert_eq!(server.connections(), 1, "nothing else was tried");
    }
}

#[test]
fn a_pinned_certificate_is_believed_whatever_it_says() {
    for shown in [Identity::new(&["other.test"]), Identity::expired(&["127.0.0.1"])] {
        let server = server(&[&format!("! tls\nS: +OK\n{INSIDE}")], &shown);
        let pin = parse_fingerprint(&shown.fingerprint()).expect("digits");
        let settings = Server {
            trust: Trust::Pinned(pin),
            ..settings(&server, Security::ImplicitTls, &shown)
        };
        open(&settings).0.expect("pinned");
    }
}

#[test]
fn tls_that_ends_in_the_middle_of_a_mail_gives_no_mail() {
    let identity = identity();
    let trace = format!("! tls\nS: +OK\n{INSIDE}C: RETR 1\nS: +OK\nS: Subject: half\n! close");
    let server = server(&[&trace], &identity);
    let (session, _) = open(&settings(&server, Security::ImplicitTls, &identity));
    let entry = Entry { number: 1, uid: None, size: 100 };
    let mut sink = Vec::new();
    let error = session.expect("signed in").retrieve(&entry, 1000, &mut sink).expect_err("cut");
    assert_eq!(error.kind(), FetchErrorKind::NoConnection, "{error}");
    assert_eq!(sink, b"Subject: half\r\n");
}

#[test]
fn a_handshake_that_never_ends_is_left() {
    let identity = identity();
    let server = server(&["! silence"], &identity);
    let settings = settings(&server, Security::ImplicitTls, &identity);
    let mut probe = Probe::default();
    let error = Session::open(&settings, &impatient(), &password(), &mut probe).err();
    assert_eq!(error.expect("left").kind(), FetchErrorKind::NoConnection);
}

#[test]
fn where_nothing_listens_both_ways_are_named() {
    // Bound, so that nobody else gets it, but not listening.
    let held = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
    let held = held.expect("a socket");
    held.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a port");
    let port = held.local_addr().ok().and_then(|it| it.as_socket()).expect("bound").port();
    let server = Server { host: "127.0.0.1".to_owned(), port: Some(port), ..Server::default() };
    let (session, probe) = open(&server);
    assert_eq!(session.err().expect("nobody").kind(), FetchErrorKind::NoConnection);
    assert!(!probe.succeeded());
    let (session, probe) = open(&Server { host: "no.such.host.invalid".to_owned(), ..server });
    assert_eq!(session.err().expect("no name").kind(), FetchErrorKind::NoConnection);
    assert_eq!(steps(&probe), [("name", StepState::Failed)]);
}

#[test]
fn fingerprints_are_read_as_people_copy_them() {
    let digits = "ab".repeat(32);
    let colons = ["AB"; 32].join(":");
    assert_eq!(parse_fingerprint(&digits), Some([0xab; 32]));
    assert_eq!(parse_fingerprint(&colons), Some([0xab; 32]));
    assert_eq!(parse_fingerprint(&format!(" {digits}\n")), Some([0xab; 32]));
    for wrong in ["", "ab", &"zz".repeat(32), &"ab".repeat(33), &"+a".repeat(32)] {
        assert_eq!(parse_fingerprint(wrong), None, "{wrong}");
    }
}
