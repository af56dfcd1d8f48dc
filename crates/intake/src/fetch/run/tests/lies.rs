//! Whole runs against a server that lies, by the real clients.

use std::sync::Arc;
use std::time::Duration;

use catalog::{
    AfterFetch, FetchConfig, FetchCounts, FetchMode, FetchProtocol, FetchSecurity, LeftReason,
    MailKey,
};
use model::{EmailAddress, Source};
use testkit::liar::{Liar, Lie};
use testkit::tls::Identity;

use super::world::World;
use crate::fetch::net::Patience;
use crate::fetch::oauth::{TokenAnswer, TokenClient, TokenRequest, TokenWeb};
use crate::fetch::run::reconcile::{Compared, reconcile_mailbox};
use crate::fetch::run::{MailboxKind, Opener, Servers, Tally};
use crate::fetch::{FetchError, FetchErrorKind};

const INBOX: &[u8] = b"INBOX";

/// What the clients may take of a server that never ends: far less than it would say.
const SAID_MAX: u64 = 300 << 20;

struct NoTokens;

impl TokenWeb for NoTokens {
    fn post(&self, _: &TokenRequest<'_>) -> Result<TokenAnswer, FetchError> {
        Err(FetchError::Config("nobody asks for tokens here".to_owned()))
    }
}

/// Real clients that wait `answer` for an answer.
fn world(kind: MailboxKind, answer: Duration) -> World {
    World::with(kind, |_| {
        let clock = Arc::new(super::world::HandClock(std::sync::Mutex::new(super::world::NOON)));
        let tokens = TokenClient::new(Arc::new(NoTokens), clock);
        let patience = Patience { answer, ..Patience::default() };
        Arc::new(Servers::new(tokens).patient(patience)) as Arc<dyn Opener>
    })
}

/// Nothing is waited for: longer than anything takes on a busy machine.
fn patient(kind: MailboxKind) -> World {
    world(kind, Duration::from_secs(120))
}

fn config(liar: &Liar, kind: MailboxKind) -> FetchConfig {
    FetchConfig {
        server: "127.0.0.1".to_owned(),
        port: Some(liar.port),
        protocol: match kind {
            MailboxKind::Imap => FetchProtocol::Imap,
            MailboxKind::Pop3 => FetchProtocol::Pop3,
        },
        security: FetchSecurity::None,
        user: "journal".to_owned(),
        ..FetchConfig::default()
    }
}

fn liar(kind: MailboxKind, identity: Option<&Identity>) -> Liar {
    match kind {
        MailboxKind::Imap => Liar::imap(identity),
        MailboxKind::Pop3 => Liar::pop3(identity),
    }
}

fn mail(number: usize) -> Vec<u8> {
    format!("Message-ID: <{number}@own.example>\r\nSubject: {number}\r\n\r\nmail {number}\r\n")
        .into_bytes()
}

/// Six mails, of which the fourth is told of with a lie.
fn six(liar: &Liar, lie: Lie) {
    for number in 1..=6 {
        liar.put(INBOX, &mail(number), (number == 4).then_some(lie));
    }
}

fn key(kind: MailboxKind, number: u32) -> MailKey {
    match kind {
        MailboxKind::Imap => MailKey::Uid(number),
        MailboxKind::Pop3 => MailKey::Uidl(format!("u{number}")),
    }
}

/// One mail cannot be had: it is named, tried again later, given up at last, and holds up no other.
fn check_one_bad(kind: MailboxKind, lie: Lie, world: &World, identity: Option<&Identity>) {
    let liar = liar(kind, identity);
    six(&liar, lie);
    let mut config = config(&liar, kind);
    if let Some(identity) = identity {
        config.security = FetchSecurity::Tls;
        config.ca_pem = Some(identity.authority.clone());
    }
    let (counts, done) = world.run(&config);
    done.unwrap_or_else(|error| panic!("{kind:?} {lie:?}: {error}"));
    assert_eq!((counts.archived, counts.failed, counts.left), (5, 1, 0), "{kind:?} {lie:?}");
    assert_eq!(liar.left(INBOX), [4], "{kind:?} {lie:?}");
    let left = world.left();
    assert_eq!(left.len(), 1);
    let one = &left[0];
    assert_eq!((one.folder.as_str(), &one.key), ("INBOX", &key(kind, 4)), "{kind:?} {lie:?}");
    assert_eq!((one.reason, one.tries), (LeftReason::Failed, 1));
    assert!(!one.detail.is_empty() && one.next_at.is_some());
    // Not before its time.
    let sessions = liar.sessions();
    let (counts, done) = world.run(&config);
    done.expect("nothing to do");
    assert_eq!(counts, FetchCounts::default());
    assert_eq!(liar.sessions(), sessions + 1);
    assert!(liar.octets_said() < SAID_MAX, "{kind:?} {lie:?}: {} octets", liar.octets_said());
}

/// After the tries of a week it is only listed, until somebody says so or it comes.
fn check_given_up(kind: MailboxKind, lie: Lie) {
    let world = patient(kind);
    check_one_bad(kind, lie, &world, None);
    let tries = world.left()[0].tries;
    let server = liar(kind, None);
    six(&server, lie);
    let config = config(&server, kind);
    for _ in 0..10 {
        world.clock.pass(2 * 86_400);
        let (counts, _) = world.run(&config);
        assert!(counts.adds_up());
    }
    let left = world.left();
    assert_eq!((left.len(), left[0].reason), (1, LeftReason::GivenUp));
    assert!(left[0].tries > tries && left[0].next_at.is_none());
    server.says(INBOX, 4, None);
    let (counts, _) = world.run(&config);
    assert_eq!(counts.archived, 0, "not by itself");
    world.parts.catalog.retry_left(super::world::SOURCE, &[]).expect("due");
    let (counts, done) = world.run(&config);
    done.expect("read");
    assert_eq!((counts.archived, world.archived()), (1, 6));
    assert!(world.left().is_empty() && server.left(INBOX).is_empty());
}

#[test]
fn imap_one_lie_never_stops_the_rest() {
    for lie in [Lie::CutShort, Lie::EndlessLine, Lie::ForeignAnswer, Lie::Garbage, Lie::NoOctets] {
        check_one_bad(MailboxKind::Imap, lie, &patient(MailboxKind::Imap), None);
    }
    check_one_bad(MailboxKind::Imap, Lie::PromisesLess, &patient(MailboxKind::Imap), None);
}

#[test]
fn pop3_one_lie_never_stops_the_rest() {
    use Lie::{CutShort, EndlessLine, EndlessMail, ForeignAnswer, Garbage, NoOctets};
    for lie in [CutShort, EndlessLine, EndlessMail, ForeignAnswer, Garbage, NoOctets] {
        let kind = MailboxKind::Pop3;
        let (world, server) = (patient(kind), liar(kind, None));
        six(&server, lie);
        let config = config(&server, kind);
        let (counts, done) = world.run(&config);
        done.unwrap_or_else(|error| panic!("{lie:?}: {error}"));
        // A maildrop that was not closed in order brings its first mails again.
        let again = if lie == NoOctets { 0 } else { 3 };
        let all = (counts.archived, counts.known, counts.failed);
        assert_eq!(all, (5, again, 1), "{lie:?}");
        assert_eq!(server.left(INBOX), [4], "{lie:?}");
        let left = world.left();
        assert_eq!((&left[0].key, left[0].reason), (&key(kind, 4), LeftReason::Failed), "{lie:?}");
        assert!(server.octets_said() < SAID_MAX, "{lie:?}: {}", server.octets_said());
    }
}

#[test]
fn a_mail_that_never_comes_whole_is_given_up_and_comes_when_somebody_says_so() {
    check_given_up(MailboxKind::Imap, Lie::CutShort);
    check_given_up(MailboxKind::Pop3, Lie::NoOctets);
}

#[test]
fn tls_that_ends_in_the_middle_of_a_mail_brings_no_half_mail() {
    let identity = Identity::new(&["127.0.0.1"]);
    let kind = MailboxKind::Imap;
    check_one_bad(kind, Lie::CutShort, &patient(kind), Some(&identity));
}

#[test]
fn a_server_that_falls_silent_in_the_middle_of_a_mail_is_left() {
    let kind = MailboxKind::Imap;
    check_one_bad(kind, Lie::Silence, &world(kind, Duration::from_secs(15)), None);
}

#[test]
fn a_mail_of_more_octets_than_there_can_be_is_left_and_the_others_come() {
    let kind = MailboxKind::Imap;
    let (world, server) = (patient(kind), liar(kind, None));
    six(&server, Lie::EndlessMail);
    let (counts, done) = world.run(&config(&server, kind));
    done.expect("the others are read");
    assert_eq!((counts.archived, counts.left, counts.failed), (5, 1, 0));
    assert_eq!(world.left()[0].reason, LeftReason::TooLarge);
    assert_eq!((&world.left()[0].key, server.left(INBOX)), (&key(kind, 4), vec![4]));
    assert!(server.octets_said() < SAID_MAX, "{}", server.octets_said());
}

#[test]
fn a_wrong_size_costs_no_mail() {
    for kind in [MailboxKind::Imap, MailboxKind::Pop3] {
        for said in [0, 1, 100_000] {
            let (world, server) = (patient(kind), liar(kind, None));
            six(&server, Lie::SaysSize(said));
            let (counts, done) = world.run(&config(&server, kind));
            done.expect("read");
            assert_eq!((counts.archived, counts.seen), (6, 6), "{kind:?} {said}");
            assert!(server.left(INBOX).is_empty(), "{kind:?} {said}");
        }
        // What is said to be too large is left, and nothing of it is asked for.
        let (world, server) = (patient(kind), liar(kind, None));
        six(&server, Lie::SaysSize(2 << 30));
        let (counts, done) = world.run(&config(&server, kind));
        done.expect("read");
        assert_eq!((counts.archived, counts.left), (5, 1), "{kind:?}");
        let left = world.left();
        assert_eq!((left[0].reason, left[0].size_bytes), (LeftReason::TooLarge, 2 << 30));
    }
}

#[test]
fn a_maildrop_that_does_not_let_go_of_a_mail_says_which() {
    let kind = MailboxKind::Pop3;
    let (world, server) = (patient(kind), liar(kind, None));
    six(&server, Lie::Stays);
    let (counts, done) = world.run(&config(&server, kind));
    done.expect("read");
    assert_eq!((counts.archived, counts.seen), (6, 6));
    assert_eq!(server.left(INBOX), [4]);
    let left = world.left();
    assert_eq!((&left[0].key, left[0].reason), (&key(kind, 4), LeftReason::NotRemoved));
    assert!(left[0].detail.contains("under a hold"), "{}", left[0].detail);
}

#[test]
fn folders_with_names_that_lead_elsewhere_are_folders_and_each_is_read() {
    let kind = MailboxKind::Imap;
    let (world, server) = (patient(kind), liar(kind, None));
    // A path, octets that are no text, and two names that look alike: `a/b` and `b` below `a`.
    let names: [&[u8]; 6] = [INBOX, b"../../etc", b"a/b", b"a.b", b"\xff\xfe", b"\xff\xfd"];
    for (number, name) in names.iter().enumerate() {
        server.put(name, &mail(number), None);
    }
    let config = FetchConfig {
        mode: FetchMode::Mailbox { address: EmailAddress::new("anna@own.example") },
        after: AfterFetch::Keep,
        ..config(&server, kind)
    };
    let (counts, done) = world.run(&config);
    done.expect("read");
    assert_eq!((counts.archived, counts.seen), (6, 6));
    let folder = |source: &Source| match source {
        Source::Fetched(fetched) => fetched.folder.clone(),
        other => panic!("{other:?}"),
    };
    let mut folders: Vec<String> =
        world.sources.lock().expect("not poisoned").iter().map(folder).collect();
    folders.sort();
    folders.dedup();
    assert_eq!(folders.len(), 6, "{folders:?}");
    // The dots of the server divide levels; nothing of it is a path of ours.
    assert!(folders.iter().any(|it| it.contains("etc")), "{folders:?}");
    let (counts, done) = world.run(&config);
    done.expect("read");
    assert_eq!(counts, FetchCounts::default(), "each folder is remembered by itself");
}

#[test]
fn a_greeting_that_never_comes_ends_the_run() {
    for kind in [MailboxKind::Imap, MailboxKind::Pop3] {
        let (world, server) = (world(kind, Duration::from_secs(2)), liar(kind, None));
        server.falls_silent();
        let (counts, done) = world.run(&config(&server, kind));
        assert_eq!(done.expect_err("silent").kind(), FetchErrorKind::NoConnection);
        assert_eq!(counts, FetchCounts::default());
    }
}

#[test]
fn mails_that_are_not_there_cost_questions_and_no_room() {
    let kind = MailboxKind::Imap;
    let (world, server) = (patient(kind), liar(kind, None));
    six(&server, Lie::SaysSize(1));
    server.lists("1:6,1000:60000");
    let config = FetchConfig { after: AfterFetch::Keep, ..config(&server, kind) };
    let (tally, target) = (Tally::default(), world.target(config));
    // Comparing asks for all of them, in pieces.
    reconcile_mailbox(&world.parts, &target, &tally, &Compared::default()).expect("compares");
    assert_eq!(tally.live().counts.archived, 6);
    server.lists("1:4294967295");
    let (_, done) = world.run(&target.source.config);
    assert_eq!(done.expect_err("too many").kind(), FetchErrorKind::LimitExceeded);
}

#[test]
fn a_folder_in_which_nothing_changed_is_not_listed_again() {
    let kind = MailboxKind::Imap;
    for offers in ["UIDPLUS ESEARCH CONDSTORE", "UIDPLUS ESEARCH CONDSTORE X-NO-UIDNEXT"] {
        let (world, server) = (patient(kind), liar(kind, None));
        server.offers(offers);
        six(&server, Lie::SaysSize(1));
        let config = FetchConfig { after: AfterFetch::Keep, ..config(&server, kind) };
        let searches = || server.heard().iter().filter(|it| it.contains("SEARCH")).count();
        for expected in [6, 0, 0] {
            let (counts, done) = world.run(&config);
            done.expect("read");
            assert_eq!(counts.seen, expected, "{offers}");
        }
        assert_eq!(searches(), 1, "{offers}");
        server.put(INBOX, &mail(7), None);
        let (counts, done) = world.run(&config);
        done.expect("read");
        assert_eq!((counts.archived, searches()), (1, 2), "{offers}");
    }
}
