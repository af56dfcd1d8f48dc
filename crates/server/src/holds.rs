//! Legal holds look at what is there and at what arrives, while the server runs.

use std::sync::Arc;
use std::time::Duration;

use catalog::Catalog;
use discovery::Discovery;
use tokio::sync::watch;

/// How soon a hold looks at mail that became searchable.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Steps of one round over all holds; then it is looked whether the server stops.
const STEPS_MAX: usize = 20;

/// Until `shutdown`: lets all holds look at what they have not looked at. What they have not looked
/// at counts as held, so nothing hurries.
pub async fn watch(
    discovery: Arc<Discovery>,
    catalog: Arc<dyn Catalog>,
    mut shutdown: watch::Receiver<bool>,
) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = async { drop(shutdown.wait_for(|stop| *stop).await) } => return,
        }
        loop {
            let (discovery, catalog) = (Arc::clone(&discovery), Arc::clone(&catalog));
            let round = tokio::task::spawn_blocking(move || round(&discovery, &*catalog));
            match round.await {
                Ok(true) if !*shutdown.borrow() => {}
                Ok(_) => break,
                // The runtime is shutting down.
                Err(_) => return,
            }
        }
    }
}

/// `true`: there is more to look at.
fn round(discovery: &Discovery, catalog: &dyn Catalog) -> bool {
    let holds = match catalog.active_holds() {
        Ok(holds) => holds,
        Err(error) => {
            let error = pipeline::Error::chain(&error);
            tracing::warn!(error, "legal holds wait; everything counts as held");
            return false;
        }
    };
    let mut more = false;
    for (tenant, mut hold) in holds {
        for step in 0..STEPS_MAX {
            match discovery.examine(tenant, &hold) {
                Ok(Some(examined)) => {
                    hold.through_seq = examined.through_seq;
                    more |= step + 1 == STEPS_MAX;
                }
                Ok(None) => break,
                Err(error) => {
                    let error = pipeline::Error::chain(&error);
                    tracing::error!(tenant.id = %tenant, hold.id = %hold.facts.id, error, "a legal hold cannot look at mail; what it has not looked at counts as held");
                    break;
                }
            }
        }
    }
    more
}
