//! The IMAP client against Dovecot and Cyrus, straight and through a proxy that breaks things.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use intake::fetch::imap::{
    Choice, Folder, FolderPattern, Idled, MailFacts, Receiver, Removal, Session, SpecialUse,
    UidSet, choose,
};
use intake::fetch::net::{Patience, Secured, Security, Server, Trust};
use intake::fetch::sasl::Credentials;
use intake::fetch::{FetchError, FetchErrorKind, Probe};
use model::Timestamp;
use testkit::mail_server::{Cyrus, DOVECOT, Dovecot};
use testkit::proxy::{Fault, Proxy};

use crate::support::has_tool;

/// The end of tokens that are good.
const IN_2100: i64 = 4_102_444_800;
/// How long an event on a loaded machine may take.
const EVENT_TIME_MAX: Duration = Duration::from_secs(120);

const SPECIAL: &str = r"
namespace inbox {
 mailbox Trash {
  special_use = \Trash
  auto = create
 }
 mailbox Sent {
  special_use = \Sent
  auto = create
 }
}
";

struct Counterpart {
    dovecot: Dovecot,
    _folder: tempfile::TempDir,
}

impl Counterpart {
    fn server(&self) -> Server {
        server(self.dovecot.imaps, Security::ImplicitTls, &self.dovecot.authority)
    }

    fn open(&self, user: &str) -> Session {
        open(&self.server(), &password(user)).expect("signed in")
    }

    fn deliver(&self, user: &str, folder: &str, mails: &[Vec<u8>]) {
        for mail in mails {
            self.dovecot.deliver(user, folder, mail).expect("delivered");
        }
    }
}

fn dovecot() -> Option<Counterpart> {
    if !has_tool(DOVECOT, "dovecot-imapd") {
        return None;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let dovecot = Dovecot::start(folder.path(), SPECIAL).expect("Dovecot starts");
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
    Session::open(server, &Patience::default(), credentials, &mut Probe::default())
}

/// Mails with all that the grammar could stumble over.
fn mails() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = [
        "Message-ID: <1@a.test>\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\n\r\nplain\r\n",
        "Message-ID: <2@a.test>\r\n\r\n)\r\nC5 OK done\r\n* BYE {9}\r\n",
        "Subject: octets\r\n\r\n\u{fc}\r\n\"\\{3}\r\n",
        "Subject: empty\r\n\r\n",
    ]
    .iter()
    .map(|mail| mail.as_bytes().to_vec())
    .collect();
    let line = format!("{}\r\n", "x".repeat(76));
    all.push(format!("Subject: large\r\n\r\n{}", line.repeat(40_000)).into_bytes());
    all
}

/// Keeps whole mails.
#[derive(Default)]
struct Basket {
    mails: Vec<(MailFacts, Vec<u8>)>,
    held: Vec<u8>,
}

impl Basket {
    fn octets(&self) -> Vec<&[u8]> {
        self.mails.iter().map(|(_, octets)| octets.as_slice()).collect()
    }
}

impl Receiver for Basket {
    fn begin(&mut self, _uid: Option<u32>, _octets: u64) -> Result<bool, FetchError> {
        self.held.clear();
        Ok(true)
    }

    fn octets(&mut self, run: &[u8]) -> Result<(), FetchError> {
        self.held.extend_from_slice(run);
        Ok(())
    }

    fn end(&mut self, mail: MailFacts) -> Result<(), FetchError> {
        self.mails.push((mail, std::mem::take(&mut self.held)));
        Ok(())
    }
}

fn inbox() -> Folder {
    Folder::named("INBOX", false)
}

fn all(session: &mut Session) -> UidSet {
    session.uids(1..=u32::MAX, None, None).expect("found")
}

fn read_all(session: &mut Session) -> Vec<Vec<u8>> {
    let uids = all(session);
    let mut basket = Basket::default();
    let fetched = session.fetch(&uids, &mut basket).expect("fetched");
    assert_eq!((fetched.delivered, &fetched.refusal), (uids.len(), &None), "{fetched:?}");
    basket.mails.into_iter().map(|(_, octets)| octets).collect()
}

/// Another client of the same mailbox, which does what ours never would.
struct Other(BufReader<TcpStream>);

impl Other {
    fn sign_in(port: u16, user: &str) -> Self {
        let socket = TcpStream::connect(("127.0.0.1", port)).expect("listens");
        socket.set_read_timeout(Some(EVENT_TIME_MAX)).expect("a socket");
        let mut other = Self(BufReader::new(socket));
        other.does(&format!("LOGIN {user} secret"));
        other
    }

    fn does(&mut self, command: &str) -> String {
        write!(self.0.get_mut(), "x {command}\r\n").expect("taken");
        let mut said = String::new();
        while !said.lines().last().is_some_and(|line| line.starts_with("x ")) {
            assert!(self.0.read_line(&mut said).expect("answers") > 0, "{said}");
        }
        assert!(said.contains("x OK"), "{command}: {said}");
        said
    }
}

#[test]
fn dovecot_gives_mails_octet_by_octet_with_their_facts_and_unread() {
    let Some(counterpart) = dovecot() else { return };
    counterpart.deliver("anna", "", &mails());
    let mut session = counterpart.open("anna");
    let state = session.examine(&inbox()).expect("open");
    assert_eq!((state.exists, state.read_only), (5, true));
    assert!(state.highest_modseq.is_some());
    assert_eq!(read_all(&mut session), mails());
    let uids = all(&mut session);
    assert_eq!(state.uid_next, uids.last().map(|uid| uid + 1));
    let sizes = session.sizes(&uids).expect("told");
    let expected: Vec<u64> = mails().iter().map(|mail| mail.len() as u64).collect();
    let told: Vec<u64> = sizes.iter().filter_map(|facts| facts.size_bytes).collect();
    assert_eq!(told, expected);
    assert!(sizes.iter().all(|facts| facts.internal_date.is_some()));
    assert!(sizes.iter().all(|facts| !facts.flags.iter().any(|flag| flag == "\\Seen")));
    let heads = session.headers(&uids).expect("told");
    let header = String::from_utf8_lossy(&heads[0].header).into_owned();
    assert!(header.contains("<1@a.test>") && header.contains("2024"), "{header}");
    assert_eq!(heads[3].header, b"\r\n");
    session.log_out();
}

#[test]
fn dovecot_is_found_by_every_way_of_securing() {
    let Some(Counterpart { dovecot, .. }) = &dovecot() else { return };
    for (port, security, expected) in [
        (dovecot.imaps, Security::Automatic, Secured::ImplicitTls),
        (dovecot.imap, Security::Automatic, Secured::StartTls),
        (dovecot.imap, Security::StartTls, Secured::StartTls),
        (dovecot.imap, Security::Clear, Secured::Clear),
    ] {
        let server = server(port, security, &dovecot.authority);
        let session = open(&server, &password("anna")).expect("signed in");
        assert_eq!(session.connection().secured(), expected);
        session.log_out();
    }
    let system = Server {
        trust: Trust::System,
        ..server(dovecot.imaps, Security::Automatic, &dovecot.authority)
    };
    let error = open(&system, &password("anna")).err().expect("unknown authority");
    assert_eq!(error.kind(), FetchErrorKind::TlsMismatch);
}

#[test]
fn dovecot_takes_passwords_and_tokens_and_refuses_wrong_ones() {
    let Some(counterpart) = dovecot() else { return };
    let server = counterpart.server();
    let dovecot = &counterpart.dovecot;
    let bearer =
        |token: String| Credentials::Bearer { user: "anna".to_owned(), token: token.into() };
    open(&server, &bearer(dovecot.token("anna", IN_2100))).expect("signed in").log_out();
    for bad in [dovecot.token("anna", 1_000), dovecot.token("bert", IN_2100), "xyz".to_owned()] {
        let error = open(&server, &bearer(bad.clone())).err().expect("refused");
        assert_eq!(error.kind(), FetchErrorKind::SignInRefused, "{error}");
        assert!(!error.to_string().contains(&bad));
    }
    let wrong = Credentials::Password {
        user: "anna".to_owned(),
        password: "wr\"öng\r\n".to_owned().into(),
        act_as: None,
    };
    let error = open(&server, &wrong).err().expect("refused");
    assert_eq!(error.kind(), FetchErrorKind::SignInRefused, "{error}");
}

#[test]
fn a_service_account_opens_the_mailboxes_of_others() {
    let Some(counterpart) = dovecot() else { return };
    counterpart.deliver("anna", "", &mails()[..1]);
    let master = |user: &str, act_as: Option<&str>, password: &str| Credentials::Password {
        user: user.to_owned(),
        password: password.to_owned().into(),
        act_as: act_as.map(str::to_owned),
    };
    for credentials in [
        master(Dovecot::MASTER, Some("anna"), Dovecot::MASTER_PASSWORD),
        master(&format!("anna*{}", Dovecot::MASTER), None, Dovecot::MASTER_PASSWORD),
    ] {
        let mut session = open(&counterpart.server(), &credentials).expect("signed in");
        session.examine(&inbox()).expect("open");
        assert_eq!(read_all(&mut session), mails()[..1]);
    }
    let wrong = master(Dovecot::MASTER, Some("anna"), "wrong");
    let error = open(&counterpart.server(), &wrong).err().expect("refused");
    assert_eq!(error.kind(), FetchErrorKind::SignInRefused, "{error}");
}

#[test]
fn folders_are_found_by_name_and_use_and_read() {
    let Some(counterpart) = dovecot() else { return };
    counterpart.deliver("anna", "", &[]);
    counterpart.deliver("anna", "Projekte.Gr&APYA3w-e &- mehr", &mails()[..2]);
    counterpart.deliver("anna", "Trash.alt", &mails()[..1]);
    let mut session = counterpart.open("anna");
    let folders = session.folders().expect("listed");
    let find = |name: &str| {
        folders
            .iter()
            .position(|it| it.name == name)
            .unwrap_or_else(|| panic!("{name} in {folders:?}"))
    };
    let umlauts = find("Projekte.Größe & mehr");
    assert_eq!(folders[umlauts].path(), ["Projekte", "Größe & mehr"]);
    assert_eq!(folders[find("Trash")].special_use, Some(SpecialUse::Trash));
    assert_eq!(folders[find("Sent")].special_use, Some(SpecialUse::Sent));
    let trash = FolderPattern::parse("\\Trash").expect("a pattern");
    let choices = choose(&folders, &[], &[trash]);
    assert_eq!(choices[find("INBOX")], Choice::Fetched);
    assert_eq!(choices[find("Trash.alt")], Choice::Excluded);
    assert_eq!(session.examine(&folders[umlauts]).expect("open").exists, 2);
    assert_eq!(read_all(&mut session), mails()[..2]);
    let named = session.folder("Projekte.Größe & mehr");
    assert_eq!(named.raw, folders[umlauts].raw);
    let missing = session.folder("../../etc");
    let error = session.examine(&missing).expect_err("no such folder");
    assert_eq!(error.kind(), FetchErrorKind::Refused, "{error}");
    session.examine(&inbox()).expect("goes on");
}

#[test]
fn only_what_is_named_is_removed_also_when_others_marked_more() {
    let Some(counterpart) = dovecot() else { return };
    counterpart.deliver("anna", "", &mails()[..4]);
    let mut session = counterpart.open("anna");
    let state = session.select(&inbox()).expect("open");
    let uids: Vec<u32> = all(&mut session).iter().collect();
    let mut other = Other::sign_in(counterpart.dovecot.imap, "anna");
    other.does("SELECT INBOX");
    other.does(&format!("UID STORE {} +FLAGS (\\Deleted)", uids[3]));
    let ours: UidSet = uids[..2].iter().copied().collect();
    assert_eq!(session.remove(&ours, state.uid_validity).expect("removed"), Removal::Removed);
    assert_eq!(all(&mut session), uids[2..].iter().copied().collect());
    // Again, when they are gone already.
    assert_eq!(session.remove(&ours, state.uid_validity).expect("removed"), Removal::Removed);
    let done = session.folder("Erledigt");
    let third: UidSet = [uids[2]].into_iter().collect();
    let moved = session.move_to(&third, state.uid_validity, &done).expect("moved");
    assert_eq!(moved, Removal::Removed);
    assert_eq!(all(&mut session), uids[3..].iter().copied().collect());
    session.examine(&done).expect("made");
    assert_eq!(read_all(&mut session), mails()[2..3]);
}

#[test]
fn a_user_who_removes_mails_meanwhile_does_not_disturb() {
    let Some(counterpart) = dovecot() else { return };
    counterpart.deliver("anna", "", &mails()[..4]);
    let mut session = counterpart.open("anna");
    session.examine(&inbox()).expect("open");
    let uids = all(&mut session);
    let second = uids.iter().nth(1).expect("four");
    let mut other = Other::sign_in(counterpart.dovecot.imap, "anna");
    other.does("SELECT INBOX");
    other.does("CREATE Elsewhere");
    other.does(&format!("UID MOVE {second} Elsewhere"));
    let mut basket = Basket::default();
    let fetched = session.fetch(&uids, &mut basket).expect("fetched");
    assert_eq!(fetched.absent, [second], "{fetched:?}");
    let sent = mails();
    assert_eq!(basket.octets(), [&sent[0][..], &sent[2], &sent[3]]);
}

#[test]
fn a_mail_comes_back_with_date_and_flags() {
    let Some(counterpart) = dovecot() else { return };
    let mut session = counterpart.open("anna");
    let restored = session.folder("Zurück");
    let flags = ["\\Seen".to_owned(), "$Wichtig".to_owned()];
    let date = Timestamp::from_seconds(1_000_000_000);
    for mail in &mails() {
        let done = session.append(&restored, &flags, Some(date), mail).expect("appended");
        assert!(done.is_some());
    }
    session.examine(&restored).expect("made");
    assert_eq!(read_all(&mut session), mails());
    let uids = all(&mut session);
    for facts in session.sizes(&uids).expect("told") {
        assert_eq!(facts.internal_date, Some(date));
        assert!(flags.iter().all(|flag| facts.flags.contains(flag)), "{facts:?}");
    }
    let day = 86_400;
    let after = session.uids(1..=u32::MAX, Some(date.saturating_add_seconds(5 * day)), None);
    assert!(after.expect("found").is_empty());
    let around = session.uids(1..=u32::MAX, Some(date), Some(date.saturating_add_seconds(1)));
    assert_eq!(around.expect("found"), uids);
}

#[test]
fn news_end_waiting() {
    let Some(counterpart) = dovecot() else { return };
    counterpart.deliver("anna", "", &mails()[..1]);
    let mut session = counterpart.open("anna");
    assert!(session.offers_idle());
    session.examine(&inbox()).expect("open");
    all(&mut session);
    assert_eq!(session.idle(Instant::now()).expect("quiet"), Idled::TimedOut);
    let mut writer = counterpart.open("anna");
    writer.append(&inbox(), &[], None, &mails()[1]).expect("appended");
    let news = session.idle(Instant::now() + EVENT_TIME_MAX).expect("news");
    assert_eq!(news, Idled::Changed);
    assert_eq!(all(&mut session).len(), 2);
}

#[test]
fn hundreds_of_mails_come_in_order() {
    let Some(counterpart) = dovecot() else { return };
    let sent: Vec<Vec<u8>> =
        (0..450).map(|n| format!("Subject: {n}\r\n\r\n{n}\r\n").into_bytes()).collect();
    counterpart.deliver("anna", "", &sent);
    let mut session = counterpart.open("anna");
    session.examine(&inbox()).expect("open");
    assert_eq!(read_all(&mut session), sent);
}

#[test]
fn wherever_the_connection_breaks_no_half_mail_is_believed() {
    let Some(counterpart) = dovecot() else { return };
    counterpart.deliver("anna", "", &mails()[..4]);
    let dovecot = &counterpart.dovecot;
    let proxy = Proxy::start(SocketAddr::from(([127, 0, 0, 1], dovecot.imap))).expect("a port");
    let server = server(proxy.port(), Security::Clear, &dovecot.authority);
    // A prime step breaks at each kind of place: within lines, between them, within mails.
    for octets in (0..4_000).step_by(83) {
        proxy.set(Fault::CutAfter(octets));
        let Ok(mut session) = open(&server, &password("anna")) else { continue };
        if session.examine(&inbox()).is_err() {
            continue;
        }
        let Ok(uids) = session.uids(1..=u32::MAX, None, None) else { continue };
        assert_eq!(uids.len(), 4);
        let mut basket = Basket::default();
        if let Err(error) = session.fetch(&uids, &mut basket) {
            assert_eq!(error.kind(), FetchErrorKind::NoConnection, "{error}");
        }
        for (got, expected) in basket.octets().iter().zip(mails()) {
            assert_eq!(*got, expected);
        }
    }
    proxy.set(Fault::None);
    let mut session = open(&server, &password("anna")).expect("signed in");
    session.examine(&inbox()).expect("open");
    assert_eq!(read_all(&mut session), mails()[..4]);
}

#[test]
fn a_slow_server_is_waited_for_and_a_dead_one_left() {
    let Some(counterpart) = dovecot() else { return };
    counterpart.deliver("anna", "", &mails()[4..]);
    let dovecot = &counterpart.dovecot;
    let proxy = Proxy::start(SocketAddr::from(([127, 0, 0, 1], dovecot.imaps))).expect("a port");
    let server = server(proxy.port(), Security::ImplicitTls, &dovecot.authority);
    proxy.set(Fault::Delay(Duration::from_millis(2)));
    let mut session = open(&server, &password("anna")).expect("signed in");
    session.examine(&inbox()).expect("open");
    assert_eq!(read_all(&mut session), mails()[4..]);
    drop(session);
    proxy.set(Fault::SilenceAfter(100_000));
    let patience = Patience { answer: Duration::from_secs(1), ..Patience::default() };
    // Where it falls silent depends on the lengths of its TLS records; that it is left does not.
    let attempt = || {
        let mut probe = Probe::default();
        let mut session = Session::open(&server, &patience, &password("anna"), &mut probe)?;
        session.examine(&inbox())?;
        let uids = session.uids(1..=u32::MAX, None, None)?;
        session.fetch(&uids, &mut Basket::default())
    };
    let error = attempt().expect_err("nothing comes");
    assert_eq!(error.kind(), FetchErrorKind::NoConnection, "{error}");
}

#[test]
fn cyrus_agrees() {
    if !Cyrus::is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let cyrus = Cyrus::start(folder.path(), &["journal"]).expect("Cyrus starts");
    let server = server(cyrus.imap, Security::Automatic, &cyrus.authority);
    let mut session = open(&server, &password("journal")).expect("signed in");
    assert_eq!(session.connection().secured(), Secured::StartTls);
    let flags = ["\\Flagged".to_owned()];
    let date = Timestamp::from_seconds(1_000_000_000);
    for mail in &mails() {
        session.append(&inbox(), &flags, Some(date), mail).expect("appended");
    }
    let state = session.select(&inbox()).expect("open");
    assert_eq!(state.exists, 5);
    assert_eq!(read_all(&mut session), mails());
    let uids = all(&mut session);
    for facts in session.sizes(&uids).expect("told") {
        assert_eq!((facts.internal_date, facts.flags.contains(&flags[0])), (Some(date), true));
    }
    let heads = session.headers(&uids).expect("told");
    assert!(heads[1].header.starts_with(b"Message-ID: <2@a.test>"));
    let done = session.folder("Größe & mehr");
    let first: UidSet = uids.iter().take(1).collect();
    let moved = session.move_to(&first, state.uid_validity, &done).expect("moved");
    assert_eq!(moved, Removal::Removed);
    let second: UidSet = uids.iter().skip(1).take(1).collect();
    let removed = session.remove(&second, state.uid_validity).expect("removed");
    assert_eq!(removed, Removal::Removed);
    assert_eq!(all(&mut session), uids.iter().skip(2).collect());
    assert_eq!(session.idle(Instant::now()).map(|_| ()).ok(), Some(()));
    let folders = session.folders().expect("listed");
    let listed = folders.iter().find(|it| it.name == "Größe & mehr").expect("listed");
    session.examine(listed).expect("open");
    assert_eq!(read_all(&mut session), mails()[..1]);
    session.log_out();
}
