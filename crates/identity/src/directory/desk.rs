//! What is done with directories: test, preview, run.

use std::cell::Cell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use catalog::{
    Catalog, CatalogError, Directory, DirectoryChanges, DirectoryConfig, DirectoryLookup,
    DirectoryRun, KnownDirectory, RunCounts, RunOutcome, RunTrigger, SecretBox, TenantState,
};
use model::{AccountId, Clock, Digest, DirectoryId, Timestamp};
use zeroize::Zeroizing;

use super::error::DirectoryError;
use super::plan::{Input, plan};
use super::portion::Portions;
use super::preview::{self, Preview};
use super::probe::{self, Step};
use super::run_event::audit;
use super::snapshot::{self, Snapshot};
use super::{plan_version, preset};
use crate::random::Random;

/// One sign-in may wait so long for the directory.
const SIGN_IN_SECONDS_MAX: u64 = 5;

/// Who started a run, for the audit log.
#[derive(Clone, Debug)]
pub struct By {
    pub account: Option<AccountId>,
    pub who: String,
    pub ip: Option<IpAddr>,
    pub trigger: RunTrigger,
    /// Compare everything; otherwise changed entries only, unless a complete run is due.
    pub full: bool,
}

impl By {
    pub fn schedule() -> Self {
        Self {
            account: None,
            who: "schedule".to_owned(),
            ip: None,
            trigger: RunTrigger::Schedule,
            full: false,
        }
    }
}

/// A run that somebody wants now.
#[derive(Clone, Debug)]
pub struct Request {
    pub directory: Directory,
    pub by: By,
    /// Also when many accounts vanish.
    pub confirmed: bool,
}

/// At most one request for each directory.
#[derive(Default)]
struct Waiting {
    requests: VecDeque<Request>,
    stopped: bool,
}

/// Reads directories and brings accounts to what they say. All calls block.
pub struct DirectoryDesk {
    pub(super) catalog: Arc<dyn Catalog>,
    secrets: Arc<SecretBox>,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    running: Mutex<HashSet<DirectoryId>>,
    waiting: Mutex<Waiting>,
    wake: Condvar,
    pub(super) down: Mutex<HashMap<DirectoryId, Instant>>,
    pub(super) stop: Arc<AtomicBool>,
    /// For one sign-in.
    pub(super) patience: Duration,
}

impl DirectoryDesk {
    pub fn new(
        catalog: Arc<dyn Catalog>,
        secrets: Arc<SecretBox>,
        random: Arc<dyn Random>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            catalog,
            secrets,
            random,
            clock,
            running: Mutex::default(),
            waiting: Mutex::default(),
            wake: Condvar::new(),
            down: Mutex::default(),
            stop: Arc::default(),
            patience: Duration::from_secs(SIGN_IN_SECONDS_MAX),
        }
    }

    /// One sign-in may wait so long for the directory instead of five seconds.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Runs in progress give up before their next step; nothing of them is applied.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        lock(&self.waiting).stopped = true;
        self.wake.notify_all();
    }

    /// Asks for a run; [`Schedule`](super::Schedule) does it at once, or after those before it.
    ///
    /// # Errors
    /// When one is in progress or waits already.
    pub fn request(&self, request: Request) -> Result<(), DirectoryError> {
        let id = request.directory.id;
        let mut waiting = lock(&self.waiting);
        let asked = waiting.requests.iter().any(|other| other.directory.id == id);
        if asked || lock(&self.running).contains(&id) {
            return Err(DirectoryError::Running);
        }
        waiting.requests.push_back(request);
        self.wake.notify_one();
        Ok(())
    }

    /// Whether a run is in progress or waits.
    pub fn is_running(&self, id: DirectoryId) -> bool {
        lock(&self.waiting).requests.iter().any(|request| request.directory.id == id)
            || lock(&self.running).contains(&id)
    }

    pub(super) fn next_request(&self) -> Option<Request> {
        lock(&self.waiting).requests.pop_front()
    }

    /// Until somebody asks for a run or `most` is over. Whether it goes on.
    pub(super) fn wait(&self, most: Duration) -> bool {
        let idle = |waiting: &mut Waiting| !waiting.stopped && waiting.requests.is_empty();
        let waited = self.wake.wait_timeout_while(lock(&self.waiting), most, idle);
        !waited.unwrap_or_else(PoisonError::into_inner).0.stopped
    }

    pub fn new_id(&self) -> DirectoryId {
        DirectoryId::from_bytes(self.draw())
    }

    /// The bind password as it is kept.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn seal(&self, id: DirectoryId, password: &str) -> Result<String, DirectoryError> {
        Ok(self.secrets.seal(&Directory::password_place(id), password.as_bytes())?)
    }

    fn password(&self, directory: &Directory) -> Result<Zeroizing<Vec<u8>>, DirectoryError> {
        match &directory.password {
            Some(sealed) => {
                Ok(self.secrets.open(&Directory::password_place(directory.id), sealed)?)
            }
            None => Ok(Zeroizing::default()),
        }
    }

    /// Tries a configuration, saved or not. Blocks for a minute at most.
    pub fn test(&self, config: &DirectoryConfig, password: &str) -> Vec<Step> {
        probe::test(config, password.as_bytes(), &self.stop)
    }

    /// Tries a saved directory with its password.
    ///
    /// # Errors
    /// When the password cannot be opened.
    pub fn test_saved(&self, directory: &Directory) -> Result<Vec<Step>, DirectoryError> {
        let password = self.password(directory)?;
        Ok(probe::test(&directory.config, &password, &self.stop))
    }

    /// What a complete run would do now. Blocks while the directory is read.
    ///
    /// # Errors
    /// What keeps the directory from being read.
    pub fn preview(&self, directory: &Directory) -> Result<Preview, DirectoryError> {
        let begun_at = self.clock.now();
        let reading = self.read(directory, true)?;
        let mut shown = None;
        let mut planner = |known: &KnownDirectory, lookup: &dyn DirectoryLookup| {
            let input = self.input(directory, &reading, begun_at, RunTrigger::Person, false);
            let (changes, run) = plan(&input, known, lookup)?;
            shown = Some(preview::list(&changes, known));
            Ok((changes, run))
        };
        let (_, run) = self.catalog.plan_directory(directory.id, &mut planner)?;
        let (planned, planned_total) = shown.unwrap_or_default();
        Ok(Preview { run, planned, planned_total })
    }

    /// Reads the directory and applies what it says. A run that fails is kept in the list and
    /// changes nothing; one that would disable too many waits for `confirmed`.
    ///
    /// # Errors
    /// When another run of the directory is in progress, or the catalog fails.
    pub fn sync(
        &self,
        directory: &Directory,
        by: &By,
        confirmed: bool,
    ) -> Result<DirectoryRun, DirectoryError> {
        let _turn = self.turn(directory.id)?;
        let begun_at = self.clock.now();
        let full = by.full || self.full_is_due(directory, begun_at);
        let reading = match self.read(directory, full) {
            Ok(reading) => reading,
            Err(error) => {
                tracing::warn!(directory.id = %directory.id, code = error.code(), "directory not read");
                return self.failed(directory, by, begun_at, full, &error);
            }
        };
        let (mut portions, more) = (Portions::default(), Cell::new(false));
        let mut planner = |known: &KnownDirectory, lookup: &dyn DirectoryLookup| {
            let input = self.input(directory, &reading, begun_at, by.trigger, confirmed);
            let (mut changes, mut run) = plan(&input, known, lookup)?;
            more.set(portions.cut(&mut changes, &run));
            if !more.get() {
                portions.count_in(&mut run);
                changes.audit = vec![audit(directory, by, &run, &changes, portions.ids())];
            }
            Ok((changes, run))
        };
        // Ends: there are no more portions than `Portions` cuts.
        let synced = loop {
            let synced = self.catalog.sync_directory(directory.id, &mut planner);
            if synced.is_err() || !more.get() {
                break synced;
            }
        };
        match synced {
            Ok(run) => {
                tracing::info!(
                    directory.id = %directory.id,
                    outcome = ?run.outcome,
                    entries = run.counts.entries,
                    created = run.counts.created,
                    disabled = run.counts.disabled,
                    "directory compared"
                );
                Ok(run)
            }
            Err(error) => {
                let error = DirectoryError::Catalog(error);
                self.failed(directory, by, begun_at, full, &error)
            }
        }
    }

    fn failed(
        &self,
        directory: &Directory,
        by: &By,
        begun_at: Timestamp,
        full: bool,
        error: &DirectoryError,
    ) -> Result<DirectoryRun, DirectoryError> {
        let run = DirectoryRun {
            row: 0,
            directory: directory.id,
            begun_at,
            ended_at: self.clock.now(),
            trigger: by.trigger,
            full,
            outcome: RunOutcome::Failed,
            counts: RunCounts::default(),
            problems: Vec::new(),
            problems_total: 0,
            detail: error.to_string(),
        };
        let event = audit(directory, by, &run, &DirectoryChanges::default(), &[]);
        Ok(self.catalog.add_directory_run(run, &[event])?)
    }

    /// The directories whose time has come: enabled, of active tenants, not running.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn due(&self) -> Result<Vec<Directory>, CatalogError> {
        let now = self.clock.now();
        let mut due = Vec::new();
        for directory in self.catalog.directories(None)? {
            let Some(minutes) = directory.config.every_minutes else { continue };
            if !directory.config.enabled || lock(&self.running).contains(&directory.id) {
                continue;
            }
            let tenant = self.catalog.tenant(directory.tenant)?;
            if tenant.is_none_or(|tenant| tenant.state != TenantState::Active) {
                continue;
            }
            let last = self.catalog.directory_runs(directory.id, None, 1)?;
            let next = last
                .first()
                .map(|run| run.begun_at.saturating_add_seconds(i64::from(minutes) * 60));
            if next.is_none_or(|next| next <= now) {
                due.push(directory);
            }
        }
        Ok(due)
    }

    fn full_is_due(&self, directory: &Directory, now: Timestamp) -> bool {
        let state = &directory.state;
        let hours = i64::from(directory.config.full_every_hours);
        let next = state.full_at.map(|at| at.saturating_add_seconds(hours * 3600));
        state.full_needed
            || state.config_digest != digest(&directory.config)
            || next.is_none_or(|next| next <= now)
    }

    fn read(&self, directory: &Directory, full: bool) -> Result<Reading, DirectoryError> {
        preset::check(&directory.config)?;
        let config = preset::completed(&directory.config);
        let password = self.password(directory)?;
        let stamps = match full {
            true => None,
            false => Some(
                self.catalog
                    .directory_entries(directory.id)?
                    .into_iter()
                    .map(|entry| (entry.key, entry.stamp))
                    .collect(),
            ),
        };
        let snapshot =
            snapshot::take(&config, &password, stamps.as_ref(), self.clock.now(), &self.stop)?;
        let digest = digest(&directory.config);
        Ok(Reading { config, digest, snapshot })
    }

    fn input<'a>(
        &'a self,
        directory: &'a Directory,
        reading: &'a Reading,
        begun_at: Timestamp,
        trigger: RunTrigger,
        confirmed: bool,
    ) -> Input<'a> {
        Input {
            directory,
            config: &reading.config,
            config_digest: &reading.digest,
            snapshot: &reading.snapshot,
            begun_at,
            now: self.clock.now(),
            trigger,
            confirmed,
            random: &*self.random,
        }
    }

    fn turn(&self, id: DirectoryId) -> Result<Turn<'_>, DirectoryError> {
        match lock(&self.running).insert(id) {
            true => Ok(Turn { desk: self, id }),
            false => Err(DirectoryError::Running),
        }
    }

    fn draw(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes);
        bytes
    }
}

/// A directory, read.
struct Reading {
    config: DirectoryConfig,
    digest: String,
    snapshot: Snapshot,
}

/// One run of a directory at a time.
struct Turn<'a> {
    desk: &'a DirectoryDesk,
    id: DirectoryId,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        lock(&self.desk.running).remove(&self.id);
    }
}

// Sets and maps are whole between any two calls, so a panic elsewhere does not spoil them.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the meaning of a snapshot depends on besides the directory: its configuration.
fn digest(config: &DirectoryConfig) -> String {
    let json = serde_json::to_string(config).unwrap_or_default();
    Digest::of(format!("{} {json}", plan_version::PLAN).as_bytes()).to_hex()
}
