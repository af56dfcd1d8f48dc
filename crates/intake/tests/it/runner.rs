//! Sources that are read by themselves: the desk with real clients, real servers and a real spool.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use catalog::{
    AfterFetch, FetchConfig, FetchOauth, FetchOutcome, FetchProtocol, FetchRun, FetchSecrets,
    FetchSecurity, FetchSignIn, FetchSource, FetchState, SecretBox, SourceKind, SourceRow,
    SourceState, Tenant,
};
use intake::fetch::oauth::{HttpTokenWeb, TokenClient};
use intake::fetch::run::{Became, FetchDesk, Outcomes, Parts, Purpose, Servers};
use model::{Clock, HeaderRules, Source, SourceId, TenantId, Timestamp};
use spool::{Outcome, Spool, SpoolKey, SpoolLimits};
use testkit::mail_server::{DOVECOT, Dovecot};
use testkit::tls::Identity;
use testkit::tokens::TokenEndpoint;

use crate::introspection::Introspection;
use crate::support::has_tool;

/// Longer than anything takes on a busy machine; only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(240);

const TENANT: TenantId = TenantId::from_bytes([0xa; 16]);
const SOURCE: SourceId = SourceId::from_bytes([7; 16]);

struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::SeqCst))
    }
}

/// A desk, and something that takes what it brings.
struct World {
    desk: Option<FetchDesk>,
    parts: Parts,
    clock: Arc<HandClock>,
    /// What came, in its order.
    came: Arc<Mutex<Vec<Vec<u8>>>>,
    stop: Arc<AtomicBool>,
    archiver: Option<JoinHandle<()>>,
    _runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

fn secret_box() -> SecretBox {
    SecretBox::new(&[3; 32]).expect("a key")
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("catalog.sqlite").display());
        let catalog = catalog::open(&url).expect("a catalog");
        let clock = Arc::new(HandClock(AtomicI64::new(1_800_000_000)));
        catalog.add_tenant(&Tenant::new(TENANT, "Anders", clock.now())).expect("a tenant");
        let key = SpoolKey::new([1; 8], [2; 32].into());
        let spool = Spool::open(&folder.path().join("spool"), &key, SpoolLimits::default());
        let spool = spool.expect("a spool");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let web = Arc::new(HttpTokenWeb::new(runtime.handle().clone()));
        let tokens = TokenClient::new(web, Arc::clone(&clock) as _);
        let parts = Parts {
            spool,
            catalog,
            clock: Arc::clone(&clock) as _,
            outcomes: Arc::new(Outcomes::default()),
            opener: Arc::new(Servers::new(tokens)),
        };
        let (stop, came) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::default()));
        let archiver = archiver(&parts, &stop, &came);
        Self {
            desk: None,
            parts,
            clock,
            came,
            stop,
            archiver: Some(archiver),
            _runtime: runtime,
            _folder: folder,
        }
    }

    /// Adds the source and begins.
    fn start(&mut self, config: FetchConfig, password: Option<&str>, secret: Option<&str>) {
        let seal = |which: &str, text: Option<&str>| {
            let place = FetchSource::secret_place(SOURCE, which);
            text.map(|text| secret_box().seal(&place, text.as_bytes()).expect("sealed"))
        };
        let source = FetchSource {
            source: SourceRow {
                id: SOURCE,
                tenant: TENANT,
                kind: SourceKind::Fetch,
                name: "A mailbox".to_owned(),
                address: None,
                rules: HeaderRules::default(),
                state: SourceState::Active,
                ends_at: None,
                successor: None,
                created_at: self.clock.now(),
            },
            config,
            secrets: FetchSecrets {
                password: seal("password", password),
                client_secret: seal("clientSecret", secret),
                client_key: None,
            },
            state: FetchState::default(),
        };
        self.parts.catalog.add_fetch_source(&source, &[]).expect("added");
        self.desk = Some(FetchDesk::start(self.parts.clone(), secret_box()).expect("starts"));
    }

    fn desk(&self) -> &FetchDesk {
        self.desk.as_ref().expect("begun")
    }

    fn came(&self) -> usize {
        self.came.lock().expect("sound").len()
    }

    /// Newest first.
    fn runs(&self) -> Vec<FetchRun> {
        self.parts.catalog.fetch_runs(SOURCE, None, 100).expect("read")
    }

    /// The run that is asked for now.
    fn run(&self) -> FetchRun {
        let before = self.runs().first().map_or(0, |run| run.row);
        assert!(self.desk().ask(SOURCE, Purpose::Poll));
        until("the run", || self.runs().first().is_some_and(|run| run.row > before));
        until("it is free", || self.is_free());
        self.runs().remove(0)
    }

    fn is_free(&self) -> bool {
        self.desk().status(SOURCE).is_some_and(|status| status.running.is_none())
    }

    fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(desk) = self.desk.take() {
            desk.stop();
        }
        self.stop.store(true, Ordering::SeqCst);
        if let Some(archiver) = self.archiver.take() {
            let _ = archiver.join();
        }
    }
}

fn archiver(
    parts: &Parts,
    stop: &Arc<AtomicBool>,
    came: &Arc<Mutex<Vec<Vec<u8>>>>,
) -> JoinHandle<()> {
    let (spool, outcomes) = (parts.spool.clone(), Arc::clone(&parts.outcomes));
    let (stop, came) = (Arc::clone(stop), Arc::clone(came));
    std::thread::spawn(move || {
        while !stop.load(Ordering::SeqCst) {
            for one in spool.claim(100, 1 << 20, Duration::from_millis(50)) {
                let Source::Fetched(fetched) = one.submission.source.clone() else { continue };
                came.lock().expect("sound").push(one.submission.octets.to_vec());
                spool.settle(&[one.id], Outcome::Archived);
                outcomes.settled(&fetched, Became::Archived);
            }
        }
    })
}

/// Until the condition holds; the machine may be slow.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn config(dovecot: &Dovecot, user: &str) -> FetchConfig {
    FetchConfig {
        server: "127.0.0.1".to_owned(),
        port: Some(dovecot.imaps),
        protocol: FetchProtocol::Imap,
        security: FetchSecurity::Tls,
        ca_pem: Some(dovecot.authority.clone()),
        user: user.to_owned(),
        after: AfterFetch::Keep,
        // Nothing comes by the clock.
        every_minutes: 24 * 60,
        ..FetchConfig::default()
    }
}

fn mail(number: usize) -> Vec<u8> {
    format!("Message-ID: <{number}@own.example>\r\nSubject: {number}\r\n\r\n{number}\r\n")
        .into_bytes()
}

#[test]
fn new_mail_is_archived_without_waiting_for_the_next_poll() {
    if !has_tool(DOVECOT, "dovecot-imapd") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let dovecot = Dovecot::start(folder.path(), "").expect("Dovecot starts");
    dovecot.deliver("anna", "", &mail(0)).expect("delivered");
    let mut world = World::new();
    let idle = FetchConfig { idle: true, ..config(&dovecot, "anna") };
    world.start(idle, Some(Dovecot::PASSWORD), None);
    until("the first run", || world.came() == 1);
    // The clock stands still: it is the server that tells of each, also of what comes between a run
    // and the wait behind it.
    for number in 1..=3 {
        dovecot.deliver("anna", "", &mail(number)).expect("delivered");
        until("it is told", || world.came() == number + 1);
    }
    let came = world.came.lock().expect("sound").clone();
    assert_eq!(came, (0..=3).map(mail).collect::<Vec<_>>());
    until("the last run is written down", || {
        let runs = world.runs();
        runs.iter().map(|run| run.counts.archived).sum::<u64>() == 4
    });
    assert!(world.runs().iter().all(|run| run.outcome == FetchOutcome::Done));
    // What tells an unchanged folder is remembered: the next number, and of Dovecot, which offers
    // CONDSTORE, also the last change.
    until("the last run is over", || world.is_free());
    let folders = world.parts.catalog.fetch_folders(SOURCE, "").expect("read");
    assert_eq!((folders.len(), folders[0].uid_next), (1, Some(5)), "{folders:?}");
    assert!(folders[0].modseq.is_some(), "{folders:?}");
}

#[test]
fn a_token_of_the_endpoint_opens_the_mailbox_is_kept_and_is_replaced() {
    const USER: &str = "journal@x.test";
    if !has_tool(DOVECOT, "dovecot-imapd") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let introspection = Introspection::start();
    let dovecot = Dovecot::start_introspecting(folder.path(), &introspection.url);
    let dovecot = dovecot.expect("Dovecot starts");
    let identity = Identity::new(&["127.0.0.1"]);
    let endpoint = TokenEndpoint::start(&identity);
    introspection.accept("token-1", USER);
    dovecot.deliver(USER, "", &mail(1)).expect("delivered");
    let mut world = World::new();
    let oauth = FetchOauth {
        token_url: Some(endpoint.url.clone()),
        client_id: "chancery".to_owned(),
        scope: "mail.read".to_owned(),
        audience: Some("https://mail.test".to_owned()),
        ..FetchOauth::default()
    };
    let by_token = FetchConfig {
        ca_pem: Some(format!("{}{}", dovecot.authority, identity.authority)),
        sign_in: FetchSignIn::Oauth,
        oauth,
        ..config(&dovecot, USER)
    };
    world.start(by_token, None, Some(TokenEndpoint::SECRET));
    until("the first run", || world.runs().len() == 1);
    until("it is free", || world.is_free());
    assert_eq!((world.came(), endpoint.given()), (1, 1), "{:?}", world.runs());
    let form = endpoint.forms().remove(0);
    for part in ["grant_type=client_credentials", "client_id=chancery", "scope=mail.read"] {
        assert!(form.contains(part), "{form}");
    }
    // The token is kept.
    dovecot.deliver(USER, "", &mail(2)).expect("delivered");
    assert_eq!(world.run().counts.archived, 1);
    assert_eq!(endpoint.given(), 1);
    // The server takes it no more: what is granted now counts in a new one.
    introspection.revoke();
    introspection.accept("token-2", USER);
    world.pass(600);
    let refused = world.run();
    assert_eq!(refused.error.as_deref(), Some("sign-in-refused"), "{refused:?}");
    assert_eq!(world.run().outcome, FetchOutcome::Done);
    assert_eq!(endpoint.given(), 2);
    // Shortly before its end it is renewed.
    world.pass(TokenEndpoint::SECONDS - 200);
    introspection.accept("token-3", USER);
    dovecot.deliver(USER, "", &mail(3)).expect("delivered");
    assert_eq!(world.run().counts.archived, 1);
    assert_eq!((world.came(), endpoint.given()), (3, 3));
}
