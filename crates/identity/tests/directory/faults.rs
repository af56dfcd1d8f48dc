use catalog::{DirectoryConfig, DirectorySecurity, RunOutcome};
use testkit::directory::Slapd;

use crate::proxy::{self, Fault};
use crate::world::{World, config, slapd};

/// Without TLS, through a port.
fn through(port: u16, config: &DirectoryConfig) -> DirectoryConfig {
    DirectoryConfig {
        hosts: vec![format!("127.0.0.1:{port}")],
        security: DirectorySecurity::Clear,
        ..config.clone()
    }
}

#[test]
fn a_connection_lost_midway_leaves_the_last_good_state() {
    let world = World::new();
    let Some(slapd) = slapd(world.folder.path(), 2_000) else { return };
    let directory = world.connect(config(&slapd), Slapd::PASSWORD);
    world.applied(&directory);
    let before = world.picture();
    for octets in [0, 10, 5_000, 200_000, 500_000] {
        let port = proxy::start(slapd.port, Fault::CutAfter(octets));
        let directory = world.reconfigure(&directory, |it| *it = through(port, it));
        let run = world.sync(&directory, true);
        assert_eq!(run.outcome, RunOutcome::Failed, "{octets}: {run:?}");
        assert_eq!(world.picture(), before);
    }
    let runs = world.catalog.directory_runs(directory.id, None, 10).expect("read");
    assert_eq!(runs.len(), 6);
    assert!(runs[0].detail.contains("closed the connection"), "{}", runs[0].detail);
}

#[test]
fn a_host_that_breaks_off_in_the_middle_is_left_for_the_next_one() {
    let world = World::new();
    let Some(slapd) = slapd(world.folder.path(), 2_000) else { return };
    let directory = world.connect(config(&slapd), Slapd::PASSWORD);
    let there = format!("127.0.0.1:{}", slapd.port);
    // At the bind, in the first page, in a later one; then nobody is left.
    for octets in [0, 10, 5_000, 200_000] {
        let port = proxy::start(slapd.port, Fault::CutAfter(octets));
        let directory = world.reconfigure(&directory, |it| {
            *it = through(port, it);
            it.hosts.push(there.clone());
        });
        let run = world.applied(&directory);
        assert_eq!(run.counts.entries, 2_000, "{octets}");
    }
    let signs_in = |password: &str| world.desk.verify(&world.account("u00001"), password);
    assert_eq!(signs_in("secret").expect("asked"), Some(true));
    let cut = || format!("127.0.0.1:{}", proxy::start(slapd.port, Fault::CutAfter(10)));
    world.reconfigure(&directory, |it| it.hosts = vec![cut(), "127.0.0.1:1".into(), there.clone()]);
    assert_eq!(signs_in("secret").expect("asked"), Some(true));
    assert_eq!(signs_in("wrong").expect("asked"), Some(false));
    let directory = world.reconfigure(&directory, |it| it.hosts = vec![cut(), cut()]);
    assert_eq!(world.sync(&directory, true).outcome, RunOutcome::Failed);
}

#[test]
fn a_directory_that_does_not_answer_is_given_up() {
    let world = World::new();
    let Some(slapd) = slapd(world.folder.path(), 10) else { return };
    let directory = world.connect(config(&slapd), Slapd::PASSWORD);
    world.applied(&directory);
    let before = world.picture();
    let port = proxy::start(slapd.port, Fault::Silence);
    for security in
        [DirectorySecurity::Clear, DirectorySecurity::Ldaps, DirectorySecurity::StartTls]
    {
        let directory = world.reconfigure(&directory, |it| {
            *it = DirectoryConfig { security, timeout_seconds: 1, ..through(port, it) };
        });
        let run = world.sync(&directory, true);
        assert_eq!(run.outcome, RunOutcome::Failed);
        assert!(run.detail.contains("did not answer in time (1 s)"), "{}", run.detail);
        assert_eq!(world.picture(), before);
    }
    // The next host does.
    let directory = world.reconfigure(&directory, |it| {
        it.security = DirectorySecurity::Clear;
        it.timeout_seconds = 240;
        it.hosts.push(format!("127.0.0.1:{}", slapd.port));
        it.hosts[0] = "127.0.0.1:1".into();
    });
    world.applied(&directory);
}

#[test]
fn more_entries_than_the_limit_are_refused_by_name() {
    let world = World::new();
    let Some(slapd) = slapd(world.folder.path(), 1_500) else { return };
    let mut config = config(&slapd);
    config.entries_max = 1_499;
    let directory = world.connect(config, Slapd::PASSWORD);
    let run = world.sync(&directory, true);
    assert_eq!(run.outcome, RunOutcome::Failed);
    assert!(run.detail.contains("more than 1499 entries"), "{}", run.detail);
    assert!(world.catalog.accounts(Some(crate::world::TENANT)).expect("read").is_empty());
}

#[test]
fn an_answer_that_the_server_cut_short_is_none() {
    let world = World::new();
    let Some(slapd) = slapd(world.folder.path(), 1_500) else { return };
    let mut config = config(&slapd);
    // Nobody is shown 1,000 entries at most, in whatever pages.
    config.bind_dn.clear();
    let directory = world.connect(config, Slapd::PASSWORD);
    let nobody = catalog::Directory { password: None, ..world.reread(&directory) };
    world.catalog.update_directory(&nobody).expect("changed");
    let run = world.sync(&directory, true);
    assert_eq!(run.outcome, RunOutcome::Failed, "{run:?}");
    assert!(run.detail.contains("size limit exceeded"), "{}", run.detail);
    assert!(world.catalog.accounts(Some(crate::world::TENANT)).expect("read").is_empty());
}

fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut octets = vec![tag, 0x84];
    octets.extend((contents.len() as u32).to_be_bytes());
    octets.extend(contents);
    octets
}

fn message(id: u8, operation: Vec<u8>) -> Vec<u8> {
    tlv(0x30, &[vec![2, 1, id], operation].concat())
}

fn bound() -> Vec<u8> {
    message(1, tlv(0x61, &[10, 1, 0, 4, 0, 4, 0]))
}

#[test]
fn a_server_that_never_ends_or_talks_nonsense_cannot_hurt() {
    let world = World::new();
    let entry = |number: u32| {
        let dn = format!("uid={number},dc=x");
        let name = tlv(4, dn.as_bytes());
        let attribute = |name: &str, value: &[u8]| {
            tlv(0x30, &[tlv(4, name.as_bytes()), tlv(0x31, &tlv(4, value))].concat())
        };
        let list = [
            attribute("entryUUID", format!("{number}").as_bytes()),
            attribute("uid", format!("u{number}").as_bytes()),
            attribute("mail", format!("u{number}@x.test").as_bytes()),
        ];
        message(2, tlv(0x64, &[name, tlv(0x30, &list.concat())].concat()))
    };
    let deep = message(2, [0x30, 0x84, 0, 0, 0, 0].repeat(20_000));
    let nested = move |_: u32| deep.clone();
    let huge = |_: u32| vec![0x30, 0x84, 0x7f, 0xff, 0xff, 0xff];
    let pages = |_: u32| {
        // An empty page with a cookie, for ever; only the first has the right id.
        let value = tlv(0x30, &[vec![2, 1, 0], tlv(4, b"more")].concat());
        let control = tlv(0x30, &[tlv(4, b"1.2.840.113556.1.4.319"), tlv(4, &value)].concat());
        let done = tlv(0x65, &[10, 1, 0, 4, 0, 4, 0]);
        tlv(0x30, &[vec![2, 1, 2], done, tlv(0xa0, &control)].concat())
    };
    let noise = |number: u32| number.wrapping_mul(2_654_435_761).to_be_bytes().to_vec();
    let ports = [
        (proxy::rogue(bound(), entry), "more than 1000 entries"),
        (proxy::rogue(bound(), nested), "not LDAP"),
        (proxy::rogue(bound(), huge), "octets in one message"),
        (proxy::rogue(bound(), pages), "not LDAP"),
        (proxy::rogue(bound(), noise), "not LDAP"),
        (proxy::rogue(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), noise), "not LDAP"),
    ];
    for (port, why) in ports {
        let config = DirectoryConfig {
            hosts: vec![format!("127.0.0.1:{port}")],
            security: DirectorySecurity::Clear,
            bind_dn: "cn=reader".into(),
            people_bases: vec!["dc=x".into()],
            entries_max: 1_000,
            ..identity::directory::preset(catalog::DirectoryKind::OpenLdap)
        };
        let directory = world.connect(config, "x");
        let run = world.sync(&directory, true);
        assert_eq!(run.outcome, RunOutcome::Failed, "{why}");
        assert!(run.detail.contains(why), "{why}: {}", run.detail);
    }
    assert!(world.catalog.accounts(Some(crate::world::TENANT)).expect("read").is_empty());
}

#[test]
fn a_refused_start_tls_ends_before_a_password_is_sent() {
    let world = World::new();
    // The answer to the first message refuses; whatever came after it would be the password.
    let refused = message(1, tlv(0x78, &[10, 1, 2, 4, 0, 4, 0]));
    let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let note = std::sync::Arc::clone(&heard);
    let server = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut client, _) = listener.accept().expect("a client");
        let mut octets = [0; 4096];
        let read = client.read(&mut octets).expect("asked");
        client.write_all(&refused).expect("answered");
        let mut rest = octets[..read].to_vec();
        let _ = client.read_to_end(&mut rest);
        *note.lock().expect("not poisoned") = rest;
    });
    let config = DirectoryConfig {
        hosts: vec![format!("127.0.0.1:{port}")],
        security: DirectorySecurity::StartTls,
        bind_dn: "cn=reader".into(),
        people_bases: vec!["dc=x".into()],
        ..identity::directory::preset(catalog::DirectoryKind::OpenLdap)
    };
    let steps = world.desk.test(&config, "geheim");
    server.join().expect("ends");
    assert_eq!(steps.last().map(|step| step.code), Some("start-tls"));
    let heard = heard.lock().expect("not poisoned");
    let text = String::from_utf8_lossy(&heard);
    assert!(text.contains("1.3.6.1.4.1.1466.20037") && !text.contains("geheim"), "{text}");
}
