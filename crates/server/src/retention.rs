//! Disposal runs, proposals and surveys go on while the server runs.

use std::sync::Arc;
use std::time::Duration;

use lifecycle::retain::{self, RetentionParts};
use pipeline::Progress;
use tokio::sync::watch;

use crate::line::Line;

/// How soon something that waits in the catalog is taken up.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long a disposal waits for the spool; a sync is in the way at most.
const SPOOL_WAIT: Duration = Duration::from_secs(30);

/// Says to long work that the server stops.
struct Stop(watch::Receiver<bool>);

impl Progress for Stop {
    fn total(&self, _: u64) {}

    fn done(&self, _: u64) {}

    fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }
}

/// What retention works with in this server.
pub fn parts(line: &Line) -> RetentionParts {
    let discovery = Arc::clone(&line.discovery);
    let (vault, catalog) = (Arc::clone(&line.parts.vault), Arc::clone(&line.parts.catalog));
    let spool = line.parts.spool.clone();
    RetentionParts {
        ledger: Arc::new(ledger::Ledger::new(Arc::clone(&vault), Arc::clone(&catalog))),
        vault,
        catalog,
        index: Arc::clone(&line.parts.index),
        clock: Arc::clone(&line.parts.clock),
        forget: Arc::new(move |tenant, records| {
            discovery.forget(tenant, records);
            // What came in not long ago may still stand in the spool.
            if !spool.rotate(SPOOL_WAIT) {
                tracing::warn!("the spool does not answer; it lets go of its segment later");
            }
        }),
    }
}

/// Until `shutdown`: does whatever waits. What was in progress goes on at the next start.
pub async fn watch(parts: RetentionParts, mut shutdown: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = async { drop(shutdown.wait_for(|stop| *stop).await) } => return,
        }
        let (parts, stop) = (parts.clone(), Stop(shutdown.clone()));
        let worked = tokio::task::spawn_blocking(move || retain::work(&parts, &stop));
        match worked.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                let error = pipeline::Error::chain(&error);
                tracing::warn!(error, "retention waits");
            }
            // The runtime is shutting down.
            Err(_) => return,
        }
    }
}
