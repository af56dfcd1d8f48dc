//! The threads of the line: one archives batches, one keeps the index complete.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use spool::{Claimed, Outcome};

use crate::archive::Archiver;
use crate::error::Error;
use crate::heartbeat::{Heartbeat, Pause, Thread};
use crate::indexing::{IndexFigures, Indexer, channel};
use crate::reload::Reload;
use crate::{LineParts, LineSettings};

/// How long one claim waits for mail; the pause after which a stop is noticed.
const CLAIM_WAIT: Duration = Duration::from_millis(250);

/// How long mail waits after a failure that may pass, such as a full disk.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// How long one mail waits that could not be archived by itself: nothing is lost, it stays in
/// the spool, and the log names it.
const RETRY_ONE_AFTER: Duration = Duration::from_secs(300);

/// The running line from the spool to the index.
pub struct Pipeline {
    stop: Arc<AtomicBool>,
    archiver: JoinHandle<()>,
    indexer: JoinHandle<()>,
    figures: Arc<IndexFigures>,
    heartbeat: Heartbeat,
    pause: Pause,
}

impl Pipeline {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn start(parts: LineParts, settings: LineSettings) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let figures = Arc::new(IndexFigures::default());
        let (to_index, fresh) = channel();
        let (heartbeat, pause) = (Heartbeat::default(), Pause::default());
        let indexer = Indexer {
            catalog: Arc::clone(&parts.catalog),
            index: Arc::clone(&parts.index),
            reload: Reload::new(Arc::clone(&parts.vault), Arc::clone(&parts.catalog)),
            clock: Arc::clone(&parts.clock),
            figures: Arc::clone(&figures),
            heartbeat: heartbeat.clone(),
        };
        let indexer = std::thread::Builder::new()
            .name("index".to_owned())
            .spawn(move || indexer.run(&fresh))?;
        let archiver = {
            let stop = Arc::clone(&stop);
            let spool = parts.spool.clone();
            let (heartbeat, pause) = (heartbeat.clone(), pause.clone());
            let archiver = Archiver::new(parts, to_index);
            std::thread::Builder::new().name("archive".to_owned()).spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    heartbeat.beat(Thread::Archive);
                    let (count, bytes) = (settings.batch_mails_max, settings.batch_bytes_max);
                    let claimed = spool.claim(count, bytes, CLAIM_WAIT);
                    if !claimed.is_empty() {
                        pause.work(|| archive(&archiver, claimed, &stop));
                    }
                }
            })?
        };
        Ok(Self { stop, archiver, indexer, figures, heartbeat, pause })
    }

    pub fn index_figures(&self) -> Arc<IndexFigures> {
        Arc::clone(&self.figures)
    }

    /// Whether the threads make progress.
    pub fn heartbeat(&self) -> Heartbeat {
        self.heartbeat.clone()
    }

    /// For who must see vault and catalog as they belong together.
    pub fn pause(&self) -> Pause {
        self.pause.clone()
    }

    /// Ends the threads after the batch in progress; what was archived is indexed and committed.
    /// What waits in the spool stays there.
    pub fn stop(self) {
        self.stop.store(true, Ordering::SeqCst);
        // The archiver holds the index thread's channel, so it ends first.
        let _ = self.archiver.join();
        let _ = self.indexer.join();
    }
}

/// Archives a batch; when that fails for a reason of one mail, each mail by itself.
fn archive(archiver: &Archiver, claimed: Vec<Claimed>, stop: &AtomicBool) {
    let Err(failure) = attempt(archiver, &claimed) else { return };
    if failure.passes || claimed.len() == 1 {
        give_back(archiver, &claimed, &failure);
        return;
    }
    for one in claimed {
        let one = [one];
        if stop.load(Ordering::SeqCst) {
            archiver.settle(&one, Outcome::RetryAfter(Duration::ZERO));
        } else if let Err(failure) = attempt(archiver, &one) {
            give_back(archiver, &one, &failure);
        }
    }
}

fn give_back(archiver: &Archiver, claimed: &[Claimed], failure: &Failure) {
    let wait = if failure.passes { RETRY_AFTER } else { RETRY_ONE_AFTER };
    // Named only when all of them are of one tenant.
    let tenant = claimed.first().map(|it| it.submission.tenant);
    let tenant = tenant.filter(|tenant| claimed.iter().all(|it| it.submission.tenant == *tenant));
    tracing::error!(
        tenant.id = tenant.map(|tenant| tenant.to_string()).unwrap_or_default(),
        mails = claimed.len(),
        first = %claimed.first().map(|it| it.id.to_string()).unwrap_or_default(),
        retry_seconds = wait.as_secs(),
        error = failure.text,
        "mail stays in the spool"
    );
    archiver.settle(claimed, Outcome::RetryAfter(wait));
}

struct Failure {
    text: String,
    /// Trying the same batch again later may help.
    passes: bool,
}

fn attempt(archiver: &Archiver, claimed: &[Claimed]) -> Result<(), Failure> {
    match catch_unwind(AssertUnwindSafe(|| archiver.archive(claimed))) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Failure { text: Error::chain(&error), passes: error.passes() }),
        Err(_) => Err(Failure { text: "a worker panicked".to_owned(), passes: false }),
    }
}
