use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use catalog::{
    FetchConfig, FetchSecrets, FetchSource, FetchState, MailKey, SecretBox, SourceKind, SourceRow,
    SourceState, Tenant,
};
use model::{Clock, HeaderRules, Source, SourceId, TenantId, Timestamp};
use spool::{Outcome, Spool, SpoolKey, SpoolLimits};
use zeroize::Zeroizing;

use crate::fetch::run::{
    Awaited, Became, Beside, Folder, Keys, Listed, Mailbox, MailboxKind, Measured, Opened, Opener,
    Outcomes, Parts, Secrets, Take, Tally, Target, read_mailbox,
};
use crate::fetch::{ConnectionFailure, FetchError};

pub const TENANT: TenantId = TenantId::from_bytes([0xa; 16]);
pub const SOURCE: SourceId = SourceId::from_bytes([7; 16]);
pub const NOON: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// One folder of the server.
#[derive(Clone, Debug, Default)]
pub struct Drawer {
    pub uid_validity: u32,
    pub next: u32,
    pub mails: BTreeMap<u32, Vec<u8>>,
}

/// What the server does beyond what it should.
#[derive(Clone, Debug, Default)]
pub struct Mood {
    /// The connection ends while this mail comes.
    pub breaks_at: HashSet<u32>,
    /// The server has not the octets of this mail.
    pub unreadable: HashSet<u32>,
    /// Removed by somebody else when it is asked for.
    pub vanishes: HashSet<u32>,
    /// `QUIT` is not answered, so often.
    pub quit_fails: u32,
    /// Sessions are refused.
    pub closed: bool,
    pub refuses_sign_in: bool,
    /// It cannot remove anything, so often.
    pub removal_fails: u32,
    /// POP3 refuses to remove these.
    pub stays: HashSet<u32>,
    /// What waiting for mail comes to, one after the other; then the server tells nothing.
    pub awaits: VecDeque<Awaited>,
}

#[derive(Default)]
pub struct Server {
    pub drawers: BTreeMap<String, Drawer>,
    pub mood: Mood,
    pub sessions: usize,
    pub sessions_now: usize,
    pub sessions_most: usize,
    pub fetched: Vec<MailKey>,
    /// What each wait was told to have been seen.
    pub waited: Vec<Option<u32>>,
}

pub struct FakeServer {
    pub kind: MailboxKind,
    pub state: Mutex<Server>,
    /// What the archive has, to be compared with what is removed.
    pub archived: Arc<Mutex<HashSet<Vec<u8>>>>,
    /// Removed without being archived: must stay empty.
    pub lost: Mutex<Vec<Vec<u8>>>,
}

impl FakeServer {
    pub fn locked(&self) -> MutexGuard<'_, Server> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn put(&self, folder: &str, octets: &[u8]) -> u32 {
        let mut state = self.locked();
        let drawer = state.drawers.entry(folder.to_owned()).or_insert_with(|| Drawer {
            uid_validity: 1,
            next: 1,
            mails: BTreeMap::new(),
        });
        let uid = drawer.next;
        drawer.next += 1;
        drawer.mails.insert(uid, octets.to_vec());
        uid
    }

    pub fn left(&self, folder: &str) -> Vec<u32> {
        let state = self.locked();
        state.drawers.get(folder).map_or_else(Vec::new, |it| it.mails.keys().copied().collect())
    }
}

struct Session {
    server: Arc<FakeServer>,
    folder: String,
    /// What goes with the end of a POP3 session.
    doomed: Vec<u32>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.server.locked().sessions_now -= 1;
    }
}

pub struct FakeOpener(pub Arc<FakeServer>);

impl Opener for FakeOpener {
    fn open(&self, target: &Target) -> Result<Box<dyn Mailbox>, FetchError> {
        target.go_on()?;
        let mut state = self.0.locked();
        if state.mood.closed {
            return Err(closed());
        }
        if state.mood.refuses_sign_in {
            let text = "no such user".to_owned();
            return Err(FetchError::SignInRefused { remedy: None, text });
        }
        state.sessions += 1;
        state.sessions_now += 1;
        state.sessions_most = state.sessions_most.max(state.sessions_now);
        drop(state);
        Ok(Box::new(Session {
            server: Arc::clone(&self.0),
            folder: String::new(),
            doomed: Vec::new(),
        }))
    }

    fn wait_for_mail(
        &self,
        _: &Target,
        _: &str,
        seen: Option<u32>,
        _: Instant,
    ) -> Result<Awaited, FetchError> {
        let mut state = self.0.locked();
        state.waited.push(seen);
        Ok(state.mood.awaits.pop_front().unwrap_or(Awaited::NotOffered))
    }
}

fn closed() -> FetchError {
    let text = "the connection is gone".to_owned();
    FetchError::NoConnection { reason: ConnectionFailure::Closed, text }
}

impl Session {
    fn key(&self, uid: u32) -> MailKey {
        match self.server.kind {
            MailboxKind::Imap => MailKey::Uid(uid),
            MailboxKind::Pop3 => MailKey::Uidl(format!("u{uid}")),
        }
    }

    fn uid(key: &MailKey) -> u32 {
        match key {
            MailKey::Uid(uid) => *uid,
            MailKey::Uidl(uidl) => uidl[1..].parse().expect("a name of ours"),
        }
    }

    fn drawer(&self) -> Drawer {
        self.server.locked().drawers.get(&self.folder).cloned().unwrap_or_default()
    }

    fn take_away(&self, uids: &[u32]) {
        let archived = self.server.archived.lock().expect("not poisoned").clone();
        let mut state = self.server.locked();
        let Some(drawer) = state.drawers.get_mut(&self.folder) else { return };
        for uid in uids {
            if let Some(octets) = drawer.mails.remove(uid)
                && !archived.contains(&octets)
            {
                self.server.lost.lock().expect("not poisoned").push(octets);
            }
        }
    }
}

impl Mailbox for Session {
    fn kind(&self) -> MailboxKind {
        self.server.kind
    }

    fn folders(&mut self, _: &[String], _: &[String]) -> Result<Vec<Folder>, FetchError> {
        let state = self.server.locked();
        let folder = |name: &String| Folder { path: name.clone(), name: name.clone() };
        Ok(state.drawers.keys().map(folder).collect())
    }

    fn open(&mut self, folder: &Folder, _: bool) -> Result<Opened, FetchError> {
        self.folder.clone_from(&folder.name);
        let drawer = self.drawer();
        let imap = self.server.kind == MailboxKind::Imap;
        Ok(Opened {
            uid_validity: if imap { drawer.uid_validity } else { 0 },
            uid_next: imap.then_some(drawer.next),
            mails: drawer.mails.len() as u64,
            modseq: None,
        })
    }

    fn list(&mut self) -> Result<Keys, FetchError> {
        let drawer = self.drawer();
        let uids = drawer.mails.keys().copied();
        Ok(match self.server.kind {
            MailboxKind::Imap => Keys::Uids(uids.collect()),
            MailboxKind::Pop3 => Keys::Uidls(uids.map(|uid| format!("u{uid}")).collect()),
        })
    }

    fn within(
        &mut self,
        _: Option<Timestamp>,
        _: Option<Timestamp>,
    ) -> Result<Option<Keys>, FetchError> {
        Ok(None)
    }

    fn sizes(&mut self, keys: &[MailKey]) -> Result<HashMap<MailKey, Measured>, FetchError> {
        let drawer = self.drawer();
        let size = |key: &MailKey| {
            let bytes = drawer.mails.get(&Self::uid(key))?.len() as u64;
            Some((key.clone(), Measured { bytes, received_at: Some(NOON) }))
        };
        Ok(keys.iter().filter_map(size).collect())
    }

    fn fetch(&mut self, keys: &[MailKey], take: &mut dyn Take) -> Result<(), FetchError> {
        for key in keys {
            let uid = Self::uid(key);
            let mood = self.server.locked().mood.clone();
            if mood.vanishes.contains(&uid) {
                let mut state = self.server.locked();
                if let Some(drawer) = state.drawers.get_mut(&self.folder) {
                    drawer.mails.remove(&uid);
                }
            }
            let Some(octets) = self.drawer().mails.get(&uid).cloned() else { continue };
            if mood.unreadable.contains(&uid) {
                take.failed(key, "no octets")?;
                continue;
            }
            if !take.begin(Some(key), Some(octets.len() as u64))? {
                continue;
            }
            let (first, rest) = octets.split_at(octets.len() / 2);
            take.octets(first)?;
            if mood.breaks_at.contains(&uid) {
                return Err(closed());
            }
            take.octets(rest)?;
            self.server.locked().fetched.push(key.clone());
            take.end(key, Beside { received_at: Some(NOON), flags: vec!["\\Seen".to_owned()] })?;
        }
        Ok(())
    }

    fn remove(&mut self, keys: &[MailKey]) -> Result<(), FetchError> {
        {
            let mut state = self.server.locked();
            if state.mood.removal_fails > 0 {
                state.mood.removal_fails -= 1;
                return Err(closed());
            }
        }
        let uids: Vec<u32> = keys.iter().map(Self::uid).collect();
        match self.server.kind {
            MailboxKind::Imap => self.take_away(&uids),
            MailboxKind::Pop3 => self.doomed.extend(uids),
        }
        Ok(())
    }

    fn move_to(&mut self, keys: &[MailKey], folder: &str) -> Result<(), FetchError> {
        for key in keys {
            let octets = self.drawer().mails.get(&Self::uid(key)).cloned();
            if let Some(octets) = octets {
                self.server.put(folder, &octets);
                self.take_away(&[Self::uid(key)]);
            }
        }
        Ok(())
    }

    fn describe(&mut self, keys: &[MailKey]) -> Result<Vec<Listed>, FetchError> {
        let drawer = self.drawer();
        let listed = keys.iter().filter_map(|key| {
            let octets = drawer.mails.get(&Self::uid(key))?;
            Some(Listed {
                key: key.clone(),
                message_id: None,
                size_bytes: octets.len() as u64,
                received_at: Some(NOON),
            })
        });
        Ok(listed.collect())
    }

    fn quit(self: Box<Self>) -> Result<Vec<(MailKey, String)>, FetchError> {
        let stays = {
            let mut state = self.server.locked();
            if state.mood.quit_fails > 0 {
                state.mood.quit_fails -= 1;
                return Err(closed());
            }
            state.mood.stays.clone()
        };
        let (kept, gone): (Vec<u32>, Vec<u32>) =
            self.doomed.iter().partition(|uid| stays.contains(*uid));
        self.take_away(&gone);
        Ok(kept.into_iter().map(|uid| (self.key(uid), "it is held".to_owned())).collect())
    }
}

/// A clock that is set by hand.
pub struct HandClock(pub Mutex<Timestamp>);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("not poisoned")
    }
}

impl HandClock {
    pub fn pass(&self, seconds: i64) {
        let mut now = self.0.lock().expect("not poisoned");
        *now = now.saturating_add_seconds(seconds);
    }
}

/// Server, spool, catalog and something that archives.
pub struct World {
    pub server: Arc<FakeServer>,
    pub parts: Parts,
    pub clock: Arc<HandClock>,
    pub sources: Arc<Mutex<Vec<Source>>>,
    /// What becomes of the next mails instead of being archived.
    pub becomes: Arc<Mutex<VecDeque<Became>>>,
    stop: Arc<AtomicBool>,
    archiver: Option<JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl World {
    pub fn new(kind: MailboxKind) -> Self {
        Self::with(kind, |server| Arc::new(FakeOpener(server)))
    }

    /// With other servers than the one of maps.
    pub fn with(
        kind: MailboxKind,
        opener: impl FnOnce(Arc<FakeServer>) -> Arc<dyn Opener>,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("catalog.sqlite").display());
        let catalog = catalog::open(&url).expect("a catalog");
        catalog.add_tenant(&Tenant::new(TENANT, "Anders", NOON)).expect("a tenant");
        let key = SpoolKey::new([1; 8], Zeroizing::new([2; 32]));
        let spool = Spool::open(&folder.path().join("spool"), &key, SpoolLimits::default());
        let spool = spool.expect("a spool");
        let archived = Arc::new(Mutex::new(HashSet::new()));
        let server = Arc::new(FakeServer {
            kind,
            state: Mutex::default(),
            archived: Arc::clone(&archived),
            lost: Mutex::default(),
        });
        let clock = Arc::new(HandClock(Mutex::new(NOON)));
        let parts = Parts {
            spool: spool.clone(),
            catalog,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            outcomes: Arc::new(Outcomes::default()),
            opener: opener(Arc::clone(&server)),
        };
        let stop = Arc::new(AtomicBool::new(false));
        let sources = Arc::new(Mutex::new(Vec::new()));
        let becomes = Arc::new(Mutex::new(VecDeque::new()));
        let archiver = {
            let (outcomes, stop) = (Arc::clone(&parts.outcomes), Arc::clone(&stop));
            let (sources, becomes) = (Arc::clone(&sources), Arc::clone(&becomes));
            std::thread::spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    for one in spool.claim(100, 1 << 20, Duration::from_millis(50)) {
                        let Source::Fetched(fetched) = one.submission.source.clone() else {
                            continue;
                        };
                        let other = becomes.lock().expect("not poisoned").pop_front();
                        let became = other.unwrap_or_else(|| {
                            let octets = one.submission.octets.to_vec();
                            let mut archived = archived.lock().expect("not poisoned");
                            if archived.insert(octets) { Became::Archived } else { Became::Known }
                        });
                        sources.lock().expect("not poisoned").push(one.submission.source.clone());
                        spool.settle(&[one.id], Outcome::Archived);
                        outcomes.settled(&fetched, became);
                    }
                }
            })
        };
        Self {
            server,
            parts,
            clock,
            sources,
            becomes,
            stop,
            archiver: Some(archiver),
            _folder: folder,
        }
    }

    pub fn source(&self, id: SourceId, config: FetchConfig) -> FetchSource {
        let server = Some(config.server.clone()).filter(|it| !it.is_empty());
        let server = server.unwrap_or_else(|| "mail.example".to_owned());
        let source = FetchSource {
            source: SourceRow {
                id,
                tenant: TENANT,
                kind: SourceKind::Fetch,
                name: "A mailbox".to_owned(),
                address: None,
                rules: HeaderRules::default(),
                state: SourceState::Active,
                ends_at: None,
                successor: None,
                created_at: NOON,
            },
            config: FetchConfig { server, ..config },
            secrets: FetchSecrets::default(),
            state: FetchState::default(),
        };
        self.parts.catalog.add_fetch_source(&source, &[]).expect("added");
        source
    }

    pub fn target(&self, config: FetchConfig) -> Target {
        let there = self.parts.catalog.fetch_source(TENANT, SOURCE).expect("reads");
        let source = match there {
            None => self.source(SOURCE, config),
            Some(source) => {
                let server = source.config.server.clone();
                let source = FetchSource { config: FetchConfig { server, ..config }, ..source };
                // A change makes every folder be looked at once more.
                if self.parts.catalog.fetch_source(TENANT, SOURCE).expect("reads").as_ref()
                    != Some(&source)
                {
                    self.parts.catalog.update_fetch_source(&source, &[]).expect("changed");
                }
                source
            }
        };
        let owner = match &source.config.mode {
            catalog::FetchMode::Mailbox { address } => Some(address.clone()),
            _ => None,
        };
        Target {
            source: Arc::new(source),
            mailbox: String::new(),
            owner,
            secrets: Arc::new(Secrets {
                password: Some(Zeroizing::new("secret".to_owned())),
                ..Secrets::default()
            }),
            stop: Arc::default(),
        }
    }

    /// One run; nothing that was removed may be missing in the archive.
    pub fn run(&self, config: &FetchConfig) -> (catalog::FetchCounts, Result<(), FetchError>) {
        let (target, tally) = (self.target(config.clone()), Tally::default());
        let done = read_mailbox(&self.parts, &target, &tally);
        let counts = tally.live().counts;
        assert!(counts.adds_up(), "{counts:?}");
        assert!(self.server.lost.lock().expect("not poisoned").is_empty(), "removed unarchived");
        (counts, done)
    }

    pub fn archived(&self) -> usize {
        self.server.archived.lock().expect("not poisoned").len()
    }

    pub fn left(&self) -> Vec<catalog::LeftMail> {
        self.parts.catalog.left_mails(SOURCE, None, 0, 100).expect("reads")
    }
}

pub fn secrets() -> SecretBox {
    SecretBox::new(&[3; 32]).expect("a key")
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(archiver) = self.archiver.take() {
            let _ = archiver.join();
        }
    }
}
