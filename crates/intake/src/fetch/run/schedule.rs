//! When which source is read, by how many threads.

mod ending;
mod state;
mod waiting;
mod worker;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use catalog::{
    AuditEvent, CatalogError, FetchSecrets, FetchSource, FetchState, RunTrigger, SecretBox,
    TenantState,
};
use model::{SourceId, TenantId, Timestamp};
use zeroize::Zeroizing;

use super::reconcile::Compared;
use super::targets::targets;
use super::{Live, Parts, Secrets, Tally, Target};
use state::{Run, Slot, State, Unit};

/// Mailboxes that are read at the same time, each by a thread of its own.
const WORKERS_MAX: usize = 16;

/// Of these, of one server.
const PER_SERVER_MAX: usize = 4;

/// The schedule looks at least so often, whatever the clock does.
const LOOK: Duration = Duration::from_secs(60);

/// What a run is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    Poll,
    /// Compare everything; who asked.
    Reconcile {
        by: String,
    },
}

/// A source as it is now.
#[derive(Clone, Debug)]
pub struct Status {
    pub state: FetchState,
    pub running: Option<Running>,
    /// When it was read last, also when nothing was there.
    pub polled_at: Option<Timestamp>,
    pub next_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub struct Running {
    pub purpose: Purpose,
    pub begun_at: Timestamp,
    pub live: Live,
}

/// Figures of all sources since the start.
#[derive(Debug, Default)]
pub struct FetchFigures {
    pub polls: AtomicUsize,
    pub failed_polls: AtomicUsize,
    pub mails: AtomicUsize,
    pub octets: AtomicUsize,
}

/// Reads sources when their time has come, and when somebody says so.
pub struct FetchDesk {
    shared: Arc<Shared>,
    schedule: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    parts: Parts,
    secrets: SecretBox,
    state: Mutex<State>,
    changed: Condvar,
    /// Held while a source's state is decided and written: the last word is the one that is kept.
    writing: Mutex<()>,
    figures: FetchFigures,
}

impl FetchDesk {
    /// Begins with all sources of the catalog, each within its interval.
    ///
    /// # Errors
    /// When the catalog cannot be read, or there is no thread.
    pub fn start(parts: Parts, secrets: SecretBox) -> Result<Self, CatalogError> {
        let now = parts.clock.now();
        let sources = parts.catalog.fetch_sources(None)?;
        let mut state = State::default();
        for source in sources {
            state.slots.insert(source.source.id, Slot::new(source, now));
        }
        let shared = Arc::new(Shared {
            parts,
            secrets,
            state: Mutex::new(state),
            changed: Condvar::new(),
            writing: Mutex::default(),
            figures: FetchFigures::default(),
        });
        let schedule = {
            let shared = Arc::clone(&shared);
            let work = move || shared.keep_time();
            std::thread::Builder::new().name("fetch".to_owned()).spawn(work)
        };
        let schedule = schedule.map_err(|_| CatalogError::Invalid("the number of threads"))?;
        Ok(Self { shared, schedule: Mutex::new(Some(schedule)) })
    }

    /// Ends all runs and waits for them: what was read is archived, and progress is saved.
    pub fn stop(&self) {
        let mut state = self.shared.locked();
        state.stopping = true;
        state.slots.values().for_each(Slot::stop);
        let queued: Vec<Unit> = state.queue.drain(..).collect();
        drop(state);
        self.shared.changed.notify_all();
        // Runs end without their mailboxes that were not begun.
        queued.iter().for_each(|unit| self.shared.unit_done(&unit.run));
        let mut state = self.shared.locked();
        while state.workers + state.waiters > 0 {
            state = self.shared.wait(state, LOOK);
        }
        drop(state);
        let schedule = self.schedule.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(schedule) = schedule {
            let _ = schedule.join();
        }
    }

    pub fn figures(&self) -> &FetchFigures {
        &self.shared.figures
    }

    pub fn status(&self, id: SourceId) -> Option<Status> {
        let state = self.shared.locked();
        let slot = state.slots.get(&id)?;
        Some(Status {
            state: slot.source.state.clone(),
            running: slot.run.as_ref().map(|run| Running {
                purpose: run.purpose.clone(),
                begun_at: run.begun_at,
                live: run.tally.live(),
            }),
            polled_at: slot.polled_at,
            next_at: slot.is_due_by_itself().then_some(slot.due_at),
        })
    }

    /// The catalog says something new of a source: a run under the old settings is stopped.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn changed(&self, tenant: TenantId, id: SourceId) -> Result<(), CatalogError> {
        let source = self.shared.parts.catalog.fetch_source(tenant, id)?;
        let now = self.shared.parts.clock.now();
        let mut state = self.shared.locked();
        match source {
            None => {
                if let Some(slot) = state.slots.remove(&id) {
                    slot.stop();
                }
            }
            Some(source) => {
                let slot = state.slots.entry(id).or_insert_with(|| Slot::new(source.clone(), now));
                slot.stop();
                slot.resting.clear();
                slot.silent = false;
                slot.due_at = now;
                slot.source = Arc::new(source);
            }
        }
        self.shared.changed.notify_all();
        Ok(())
    }

    /// Reads it now, or compares it; `false`: there is no such source. One that runs runs once
    /// more.
    pub fn ask(&self, id: SourceId, purpose: Purpose) -> bool {
        let mut state = self.shared.locked();
        let Some(slot) = state.slots.get_mut(&id) else { return false };
        slot.wanted = Some(purpose);
        self.shared.changed.notify_all();
        true
    }

    /// Leaves a source alone until it is resumed, also over a restart; a run ends soon.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub fn pause(&self, id: SourceId, paused: bool) -> Result<bool, CatalogError> {
        let _writing = self.shared.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut locked = self.shared.locked();
        let Some(slot) = locked.slots.get_mut(&id) else { return Ok(false) };
        let mut source = FetchSource::clone(&slot.source);
        source.state.paused = paused;
        source.state.next_at = None;
        let state = source.state.clone();
        slot.source = Arc::new(source);
        if paused {
            slot.stop();
            slot.wanted = None;
        } else {
            slot.due_at = self.shared.parts.clock.now();
        }
        drop(locked);
        self.shared.changed.notify_all();
        self.shared.parts.catalog.put_fetch_state(id, &state)?;
        Ok(true)
    }

    /// Forgets how far everything is read: it is read again and known by content. Waits for the end
    /// of a run.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub fn reset(&self, id: SourceId, audit: &[AuditEvent]) -> Result<bool, CatalogError> {
        let mut state = self.shared.locked();
        loop {
            let Some(slot) = state.slots.get_mut(&id) else { return Ok(false) };
            // Nothing begins before it is forgotten.
            slot.held = true;
            if slot.run.is_none() {
                break;
            }
            slot.stop();
            state = self.shared.wait(state, LOOK);
        }
        drop(state);
        let done = self.shared.parts.catalog.reset_fetch(id, audit);
        let mut state = self.shared.locked();
        if let Some(slot) = state.slots.get_mut(&id) {
            slot.held = false;
            slot.due_at = self.shared.parts.clock.now();
            slot.resting.clear();
        }
        drop(state);
        self.shared.changed.notify_all();
        done.map(|()| true)
    }
}

impl Shared {
    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, at_most: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, at_most).unwrap_or_else(PoisonError::into_inner).0
    }

    /// The thread of the schedule.
    fn keep_time(self: Arc<Self>) {
        let mut state = self.locked();
        while !state.stopping {
            let now = self.parts.clock.now();
            let begun = state.begin_due(now);
            if begun.is_empty() {
                let until = state.next_due().map_or(LOOK, |at| until(now, at)).min(LOOK);
                state = self.wait(state, until.max(Duration::from_millis(1)));
                continue;
            }
            drop(state);
            for run in begun {
                self.begin(&run);
            }
            state = self.locked();
        }
    }

    /// Puts the mailboxes of a run into the queue.
    fn begin(self: &Arc<Self>, run: &Arc<Run>) {
        let units = self.units(run).unwrap_or_else(|error| {
            tracing::warn!(source.id = %run.source.source.id, %error, "a source is not read");
            run.trouble("", &super::reading::broken(error));
            Vec::new()
        });
        let count = u32::try_from(units.len()).unwrap_or(u32::MAX);
        run.tally.change(|live| live.mailboxes = count);
        // One more, so that the run is not over before all stand in the queue.
        run.open.store(units.len() + 1, Ordering::SeqCst);
        let mut state = self.locked();
        if !state.stopping {
            state.queue.extend(units);
        } else {
            run.open.store(1, Ordering::SeqCst);
        }
        worker::enough(self, &mut state);
        drop(state);
        self.changed.notify_all();
        self.unit_done(run);
    }

    fn units(&self, run: &Arc<Run>) -> Result<Vec<Unit>, CatalogError> {
        let source = &run.source;
        let catalog = &*self.parts.catalog;
        let tenant = catalog.tenant(source.source.tenant)?;
        if tenant.is_none_or(|tenant| tenant.state != TenantState::Active) {
            run.skip.store(true, Ordering::SeqCst);
            return Ok(Vec::new());
        }
        let secrets = match open(&self.secrets, source.source.id, &source.secrets) {
            Ok(secrets) => Arc::new(secrets),
            Err(error) => {
                run.trouble("", &error);
                return Ok(Vec::new());
            }
        };
        let all = targets(catalog, source, &secrets, &run.stop)?;
        let now = self.parts.clock.now();
        let state = self.locked();
        let resting = state.slots.get(&source.source.id).map(|slot| &slot.resting);
        let rests = |target: &Target| {
            resting.and_then(|all| all.get(&target.mailbox)).is_some_and(|(_, at)| *at > now)
        };
        let by_schedule = run.trigger == RunTrigger::Schedule;
        let (resting, due): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|target| by_schedule && rests(target));
        run.tally.change(|live| {
            live.mailboxes_failed = u32::try_from(resting.len()).unwrap_or(u32::MAX);
        });
        let server = source.config.server.to_lowercase();
        let unit = |target| Unit { run: Arc::clone(run), target, server: server.clone() };
        Ok(due.into_iter().map(unit).collect())
    }
}

fn until(now: Timestamp, at: Timestamp) -> Duration {
    Duration::from_micros(u64::try_from(at.as_micros() - now.as_micros()).unwrap_or(0))
}

/// What is secret, opened.
///
/// # Errors
/// When it was sealed under another master key.
pub fn open(
    secrets: &SecretBox,
    id: SourceId,
    sealed: &FetchSecrets,
) -> Result<Secrets, crate::fetch::FetchError> {
    let one = |which: &str, sealed: &Option<String>| {
        let Some(sealed) = sealed else { return Ok::<_, crate::fetch::FetchError>(None) };
        let lost = || {
            let text = format!("a secret ({which}) cannot be decrypted: enter it again");
            crate::fetch::FetchError::Config(text)
        };
        let octets =
            secrets.open(&FetchSource::secret_place(id, which), sealed).map_err(|_| lost())?;
        let text = String::from_utf8(octets.to_vec()).map_err(|_| lost())?;
        Ok(Some(Zeroizing::new(text)))
    };
    Ok(Secrets {
        password: one("password", &sealed.password)?,
        client_secret: one("clientSecret", &sealed.client_secret)?,
        client_key: one("clientKey", &sealed.client_key)?,
    })
}
