use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use catalog::{AuditEvent, Catalog};

/// Events that wait to be written; beyond that, who notes one waits for the disk.
const WAITING_MAX: usize = 1_000;

/// Events of one write.
const BATCH_MAX: usize = 200;

/// How long an event waits for company at most.
const GATHER: Duration = Duration::from_millis(200);

/// Writes audit events that need not be on disk before the answer: searches. Dropping it writes
/// what waits and ends its thread.
pub struct Trail {
    catalog: Arc<dyn Catalog>,
    sender: Option<SyncSender<AuditEvent>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Trail {
    pub fn start(catalog: Arc<dyn Catalog>) -> std::io::Result<Arc<Self>> {
        let (sender, receiver) = sync_channel(WAITING_MAX);
        let target = catalog.clone();
        let writer = std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || write_all(&*target, &receiver))?;
        Ok(Arc::new(Self { catalog, sender: Some(sender), writer: Mutex::new(Some(writer)) }))
    }

    /// Takes the event; on disk within [`GATHER`] and one write, or on return when many wait.
    pub fn note(&self, event: AuditEvent) {
        let Some(sender) = &self.sender else { return };
        if let Err(TrySendError::Full(event) | TrySendError::Disconnected(event)) =
            sender.try_send(event)
        {
            write(&*self.catalog, &[event]);
        }
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        self.sender = None;
        let writer = self.writer.get_mut().map(Option::take).unwrap_or_default();
        if writer.is_some_and(|writer| writer.join().is_err()) {
            tracing::error!("the audit writer panicked");
        }
    }
}

fn write_all(catalog: &dyn Catalog, receiver: &Receiver<AuditEvent>) {
    while let Ok(first) = receiver.recv() {
        let mut batch = vec![first];
        let until = Instant::now() + GATHER;
        while batch.len() < BATCH_MAX {
            match receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(event) => batch.push(event),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        write(catalog, &batch);
    }
}

fn write(catalog: &dyn Catalog, events: &[AuditEvent]) {
    if let Err(error) = catalog.audit(events) {
        tracing::error!(%error, events = events.len(), "audit events could not be written");
    }
}
