//! What systemd is told (sd_notify(3)); nothing happens under any other supervisor.

use std::time::Duration;

use pipeline::Heartbeat;
use sd_notify::NotifyState;
use tokio::sync::watch;

/// The line may be busy with one batch for so long before the server counts as hanging: a batch
/// is small, but a disk may be slow.
const STALL_MAX: Duration = Duration::from_secs(300);

/// Everything listens.
pub fn ready() {
    tell(&[NotifyState::Ready, NotifyState::Status("takes mail")]);
}

pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("finishes what is in progress")]);
}

/// Pings the watchdog for as long as the line makes progress, until `shutdown`. Returns at once
/// when there is no watchdog.
pub async fn watchdog(heartbeat: Heartbeat, mut shutdown: watch::Receiver<bool>) {
    let Some(patience) = sd_notify::watchdog_enabled() else { return };
    let mut ticks = tokio::time::interval(patience / 3);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = async { drop(shutdown.wait_for(|stop| *stop).await) } => return,
        }
        let stalled = heartbeat.stalled();
        if stalled < STALL_MAX {
            tell(&[NotifyState::Watchdog]);
        } else {
            tracing::error!(
                stalled_seconds = stalled.as_secs(),
                "the line makes no progress; the watchdog will end this process"
            );
        }
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "the supervisor cannot be told");
    }
}
