//! What goes on beside the servers.

use std::sync::Arc;
use std::time::Duration;

use catalog::{Catalog, MailJobKind};
use intake::tls::TlsStore;
use model::Clock as _;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clock::SystemClock;
use crate::line::Line;
use crate::notify::{Memory, Smarthost, Watchman};
use crate::settings::SettingsDesk;
use crate::takeout::{self, Workshop};
use crate::{compacting, fetching, holds, retention, scrubbing, sealing, systemd};

/// How often expired rows of the catalog are removed.
const SWEEP_EVERY: Duration = Duration::from_secs(3600);

/// How soon a setting that a command changed is in use.
const REFRESH_EVERY: Duration = Duration::from_secs(2);

/// How often troubles are looked for and notifications are sent.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// What goes on beside the servers until `shutdown`.
pub fn start(line: &Line, tls: &TlsStore, shutdown: &watch::Receiver<bool>) -> JoinSet<()> {
    let mut chores = JoinSet::new();
    chores.spawn(tls.clone().watch(Arc::clone(&line.parts.clock), shutdown.clone()));
    chores.spawn(sweep(Arc::clone(&line.parts.catalog), shutdown.clone()));
    chores.spawn(refresh(Arc::clone(&line.settings), shutdown.clone()));
    chores.spawn(systemd::watchdog(line.heartbeat(), shutdown.clone()));
    let watchman = Watchman {
        folder: line.folder.clone(),
        parts: line.parts.clone(),
        census: Arc::clone(&line.census),
        index_figures: Arc::clone(&line.index_figures),
        tls: tls.clone(),
        settings: Arc::clone(&line.settings),
        sealing: Arc::clone(&line.sealing),
        memory: Memory::default(),
    };
    chores.spawn(watch_over(watchman, shutdown.clone()));
    let (discovery, catalog) = (Arc::clone(&line.discovery), Arc::clone(&line.parts.catalog));
    chores.spawn(holds::watch(discovery, catalog, shutdown.clone()));
    chores.spawn(retention::watch(retention::parts(line), shutdown.clone()));
    let shop = Workshop {
        catalog: Arc::clone(&line.parts.catalog),
        discovery: Arc::clone(&line.discovery),
        identity: Arc::clone(&line.identity),
        takeout: Arc::clone(&line.takeout),
        smarthost: Smarthost { settings: Arc::clone(&line.settings) },
        clock: Arc::clone(&line.parts.clock),
        tokens: Arc::new(fetching::tokens(&tokio::runtime::Handle::current())),
        spool: line.parts.spool.clone(),
        tidied: Arc::default(),
        stop: Arc::default(),
    };
    for kind in [MailJobKind::Export, MailJobKind::Restore] {
        chores.spawn(takeout::watch(shop.clone(), kind, shutdown.clone()));
    }
    if let Some(sealer) = line.take_sealer() {
        chores.spawn(sealing::watch(sealer, shutdown.clone()));
    }
    if let Some(scrubber) = line.take_scrubber() {
        chores.spawn(scrubbing::watch(scrubber, shutdown.clone()));
    }
    if let Some(compacting) = line.take_compacting() {
        chores.spawn(compacting::watch(compacting, shutdown.clone()));
    }
    chores
}

/// Looks for settings that a command changed.
async fn refresh(settings: Arc<SettingsDesk>, mut shutdown: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(REFRESH_EVERY);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = async { drop(shutdown.wait_for(|stop| *stop).await) } => return,
        }
        let settings = Arc::clone(&settings);
        match tokio::task::spawn_blocking(move || settings.refresh()).await {
            Ok(Ok(true)) => tracing::info!("changed settings are in use"),
            Ok(Ok(false)) => {}
            Ok(Err(error)) => tracing::warn!(error = format!("{error:#}"), "settings stay"),
            // The runtime is shutting down.
            Err(_) => return,
        }
    }
}

/// Tests look more often: `CHANCERY_LOOK_MILLIS`.
fn look_every() -> Duration {
    let wanted = cfg!(feature = "failpoints").then(|| std::env::var("CHANCERY_LOOK_MILLIS").ok());
    let millis = wanted.flatten().and_then(|text| text.parse().ok()).filter(|millis| *millis > 0);
    millis.map_or(LOOK_EVERY, Duration::from_millis)
}

/// Looks for trouble and tells people.
async fn watch_over(mut watchman: Watchman, mut shutdown: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(look_every());
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = async { drop(shutdown.wait_for(|stop| *stop).await) } => return,
        }
        let look = move || {
            if let Err(error) = watchman.look(SystemClock.now()) {
                tracing::warn!(error = format!("{error:#}"), "troubles are looked for again");
            }
            Smarthost { settings: Arc::clone(&watchman.settings) }
                .deliver(&*watchman.parts.catalog);
            watchman
        };
        match tokio::task::spawn_blocking(look).await {
            Ok(looked) => watchman = looked,
            // The runtime is shutting down.
            Err(_) => return,
        }
    }
}

/// Removes expired sessions and forgotten counters from the catalog.
async fn sweep(catalog: Arc<dyn Catalog>, mut shutdown: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = async { drop(shutdown.wait_for(|stop| *stop).await) } => return,
        }
        let catalog = Arc::clone(&catalog);
        let sweep = move || {
            let now = SystemClock.now();
            catalog.sweep(now).and_then(|_| catalog.prune_history(now))
        };
        let swept = tokio::task::spawn_blocking(sweep).await;
        if let Ok(Err(error)) = swept {
            tracing::warn!(%error, "expired sessions and old hours of the history are not removed");
        }
    }
}
