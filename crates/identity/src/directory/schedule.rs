//! Runs directories when their time has come.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::desk::{By, DirectoryDesk, Request};
use super::error::DirectoryError;

/// Runs at a time; a directory that does not answer holds up one of them.
pub const RUNS_MAX: usize = 3;

/// How often it is looked whose time has come.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// Threads that wait for directories. Dropping it ends them; runs in progress give up, and nothing
/// of them is applied.
pub struct Schedule {
    desk: Arc<DirectoryDesk>,
    threads: Vec<JoinHandle<()>>,
}

impl Schedule {
    /// # Errors
    /// When the system gives no thread.
    pub fn start(desk: Arc<DirectoryDesk>) -> std::io::Result<Self> {
        let mut schedule = Self { desk, threads: Vec::new() };
        for _ in 0..RUNS_MAX {
            let desk = Arc::clone(&schedule.desk);
            let thread = std::thread::Builder::new().name("directories".to_owned());
            schedule.threads.push(thread.spawn(move || look(&desk))?);
        }
        Ok(schedule)
    }
}

impl Drop for Schedule {
    fn drop(&mut self) {
        self.desk.stop();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread for directories panicked");
            }
        }
    }
}

fn look(desk: &DirectoryDesk) {
    loop {
        while let Some(request) = desk.next_request() {
            run(desk, &request);
        }
        match desk.due() {
            Ok(due) => due.into_iter().for_each(|directory| {
                run(desk, &Request { directory, by: By::schedule(), confirmed: false });
            }),
            Err(error) => tracing::warn!(%error, "due directories are not known"),
        }
        if !desk.wait(LOOK_EVERY) {
            return;
        }
    }
}

fn run(desk: &DirectoryDesk, request: &Request) {
    match desk.sync(&request.directory, &request.by, request.confirmed) {
        // Another thread was faster.
        Ok(_) | Err(DirectoryError::Running) => {}
        Err(error) => {
            let id = request.directory.id;
            tracing::warn!(directory.id = %id, code = error.code(), "directory run not kept");
        }
    }
}
