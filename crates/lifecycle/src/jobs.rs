//! Long work in the background: begun, watched, ended.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use catalog::{Catalog, JobRow, JobState};
use model::{Clock, JobId, TenantId};
use pipeline::Progress;
use serde_json::Value;

use crate::{Error, Result};

/// Jobs that run at the same time; one more is refused.
pub const RUNNING_MAX: usize = 4;

/// What is to be done, and for whom.
pub struct NewJob<'a> {
    /// Drawn by the caller; unguessable.
    pub id: JobId,
    /// `None`: of the whole server.
    pub tenant: Option<TenantId>,
    /// Such as `tenant.export`.
    pub kind: &'static str,
    /// The user name of who begins it.
    pub by: &'a str,
    pub detail: Value,
    /// Whether [`JobDesk::cancel`] may end it.
    pub cancellable: bool,
}

/// Runs jobs on threads of their own and keeps them in the catalog.
pub struct JobDesk {
    catalog: Arc<dyn Catalog>,
    clock: Arc<dyn Clock>,
    running: Mutex<HashMap<JobId, Running>>,
    stopping: AtomicBool,
}

struct Running {
    kind: &'static str,
    tenant: Option<TenantId>,
    meter: Arc<Meter>,
    thread: Option<JoinHandle<()>>,
}

/// How far a job is.
struct Meter {
    done: AtomicU64,
    total: AtomicU64,
    cancelled: AtomicBool,
    cancellable: bool,
}

impl Progress for Meter {
    fn total(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    fn done(&self, done: u64) {
        self.done.store(done, Ordering::Relaxed);
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

impl JobDesk {
    /// Jobs that ran when the last process ended are marked as interrupted.
    ///
    /// # Errors
    /// Of the catalog.
    pub fn open(catalog: Arc<dyn Catalog>, clock: Arc<dyn Clock>) -> Result<Arc<Self>> {
        catalog.interrupt_jobs(clock.now())?;
        let (running, stopping) = (Mutex::default(), AtomicBool::new(false));
        Ok(Arc::new(Self { catalog, clock, running, stopping }))
    }

    /// Begins `work` on a thread and returns at once. What it returns becomes part of the job's
    /// detail (`result`), its error the job's `error`.
    ///
    /// # Errors
    /// [`Error::Busy`] when as many jobs run as may, or one of the same kind for the same tenant;
    /// of the catalog.
    pub fn begin(
        self: &Arc<Self>,
        new: NewJob<'_>,
        work: impl FnOnce(&dyn Progress) -> std::result::Result<Value, String> + Send + 'static,
    ) -> Result<JobRow> {
        let row = JobRow {
            id: new.id,
            tenant: new.tenant,
            kind: new.kind.to_owned(),
            by: new.by.to_owned(),
            begun_at: self.clock.now(),
            ended_at: None,
            state: JobState::Running,
            done: 0,
            total: 0,
            detail: new.detail,
        };
        let meter = Arc::new(Meter {
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            cancelled: AtomicBool::new(false),
            cancellable: new.cancellable,
        });
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |job: &Running| job.kind == new.kind && job.tenant == new.tenant;
        let stopping = self.stopping.load(Ordering::SeqCst);
        if stopping || running.len() >= RUNNING_MAX || running.values().any(same) {
            return Err(Error::Busy);
        }
        self.catalog.save_job(&row)?;
        let (desk, mine, began) = (Arc::clone(self), Arc::clone(&meter), row.clone());
        // The thread waits for the lock before it takes itself off the list.
        let thread = std::thread::Builder::new().name("job".to_owned()).spawn(move || {
            let ended = work(&*mine);
            desk.end(began, &mine, ended);
        });
        let thread = thread.map_err(Error::Thread)?;
        let (kind, tenant) = (new.kind, new.tenant);
        running.insert(new.id, Running { kind, tenant, meter, thread: Some(thread) });
        Ok(row)
    }

    fn end(&self, mut row: JobRow, meter: &Meter, ended: std::result::Result<Value, String>) {
        row.ended_at = Some(self.clock.now());
        (row.done, row.total) =
            (meter.done.load(Ordering::Relaxed), meter.total.load(Ordering::Relaxed));
        let (state, key, value) = match ended {
            Ok(result) if meter.is_cancelled() => (JobState::Cancelled, "result", result),
            Ok(result) => (JobState::Done, "result", result),
            Err(error) => {
                tracing::error!(job.id = %row.id, kind = row.kind, error, "a job failed");
                (JobState::Failed, "error", Value::String(error))
            }
        };
        row.state = state;
        if let Value::Object(detail) = &mut row.detail {
            detail.insert(key.to_owned(), value);
        }
        if let Err(error) = self.catalog.save_job(&row) {
            tracing::error!(job.id = %row.id, %error, "the end of a job is not written down");
        }
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&row.id);
    }

    /// The job with its present progress.
    pub fn progress(&self, mut row: JobRow) -> JobRow {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(job) = running.get(&row.id).filter(|_| row.state == JobState::Running) {
            row.done = job.meter.done.load(Ordering::Relaxed);
            row.total = job.meter.total.load(Ordering::Relaxed);
        }
        row
    }

    /// Asks a job to end. `false`: it does not run, or cannot be cancelled.
    pub fn cancel(&self, id: JobId) -> bool {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let job = running.get(&id).filter(|job| job.meter.cancellable);
        job.inspect(|job| job.meter.cancelled.store(true, Ordering::Relaxed)).is_some()
    }

    /// Asks all jobs to end, waits for them, and takes no more.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        let threads: Vec<JoinHandle<()>> = {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            running
                .values_mut()
                .filter_map(|job| {
                    job.meter.cancelled.store(true, Ordering::Relaxed);
                    job.thread.take()
                })
                .collect()
        };
        for thread in threads {
            let _ = thread.join();
        }
    }
}
