use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::problem::Problem;

/// Reads and searches that run at a time.
pub const READS_MAX: usize = 32;

/// Password checks that run at a time; each takes 19 MiB and a core.
pub const PASSWORD_CHECKS_MAX: usize = 2;

/// Requests that wait for other machines at a time, such as tests of a directory.
pub const OUTSIDE_MAX: usize = 4;

/// Sign-ins that wait for an OpenID provider at a time.
pub const OUTWARD_MAX: usize = 16;

/// Requests wait so long for their turn before they are told to come back later.
pub const WAIT_SECONDS_MAX: u64 = 10;

/// Runs blocking work apart from the threads that serve connections, a bounded number at a time.
#[derive(Clone)]
pub struct Blocking {
    reads: Arc<Semaphore>,
    outside: Arc<Semaphore>,
    password_checks: Arc<Semaphore>,
    outward: Arc<Semaphore>,
}

impl Default for Blocking {
    fn default() -> Self {
        Self {
            reads: Arc::new(Semaphore::new(READS_MAX)),
            outside: Arc::new(Semaphore::new(OUTSIDE_MAX)),
            password_checks: Arc::new(Semaphore::new(PASSWORD_CHECKS_MAX)),
            outward: Arc::new(Semaphore::new(OUTWARD_MAX)),
        }
    }
}

impl Blocking {
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        run(&self.reads, work).await
    }

    /// For what waits for another machine, perhaps for a minute.
    pub async fn outside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        run(&self.outside, work).await
    }

    pub async fn check_password<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        run(&self.password_checks, work).await
    }

    /// For work that waits for others: it must not take the turns of reads.
    pub async fn ask_others<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        run(&self.outward, work).await
    }
}

async fn run<T: Send + 'static>(
    turns: &Arc<Semaphore>,
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let wait = Duration::from_secs(WAIT_SECONDS_MAX);
    let turn = tokio::time::timeout(wait, Arc::clone(turns).acquire_owned()).await;
    let Ok(Ok(turn)) = turn else { return Err(Problem::busy()) };
    // The turn ends with the work, also when the client has gone away.
    let done = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    done.await.map_err(|error| Problem::internal(&error))?
}
