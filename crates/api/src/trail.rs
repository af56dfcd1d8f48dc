use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use catalog::{AuditEvent, Catalog};
use model::AccountId;

/// Events that wait to be written; beyond that, who notes one waits for the disk.
const WAITING_MAX: usize = 1_000;

/// Events of one write.
const BATCH_MAX: usize = 200;

/// How long an event waits for company at most.
const GATHER: Duration = Duration::from_millis(200);

/// A query that stood for so long is settled; before, it may be the beginning of another.
pub(crate) const SETTLED_AFTER: Duration = Duration::from_secs(1);

/// People whose typing is followed at a time; the queries of more are written as they come.
const TYPING_MAX: usize = 1_000;

/// Writes audit events that need not be on disk before the answer: searches. Dropping it writes
/// what waits and ends its thread.
pub struct Trail {
    catalog: Arc<dyn Catalog>,
    sender: Option<SyncSender<Note>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

enum Note {
    Event(AuditEvent),
    Typed(Typed),
}

/// A query that somebody's page asked, perhaps while it is being typed.
pub(crate) struct Typed {
    pub(crate) account: AccountId,
    pub(crate) query: String,
    pub(crate) event: AuditEvent,
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
        self.send(Note::Event(event));
    }

    /// As [`Trail::note`] for a search, up to [`SETTLED_AFTER`] later: of queries that are typed
    /// on without a pause, each the beginning of the next, the last one alone is written. Its text
    /// holds all the others.
    pub fn note_search(&self, account: AccountId, query: String, event: AuditEvent) {
        self.send(Note::Typed(Typed { account, query, event }));
    }

    fn send(&self, note: Note) {
        let Some(sender) = &self.sender else { return };
        if let Err(TrySendError::Full(note) | TrySendError::Disconnected(note)) =
            sender.try_send(note)
        {
            match note {
                Note::Event(event) | Note::Typed(Typed { event, .. }) => {
                    write(&*self.catalog, &[event]);
                }
            }
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

/// The last query of everybody who types.
#[derive(Default)]
pub(crate) struct Typing(HashMap<AccountId, (Instant, Typed)>);

impl Typing {
    /// Takes a query; what is settled by it goes into `batch`.
    pub(crate) fn take(&mut self, typed: Typed, now: Instant, batch: &mut Vec<AuditEvent>) {
        if self.0.len() >= TYPING_MAX && !self.0.contains_key(&typed.account) {
            batch.push(typed.event);
            return;
        }
        let goes_on = |before: &Typed| typed.query.starts_with(&before.query);
        if let Some((at, before)) = self.0.remove(&typed.account)
            && (now >= at + SETTLED_AFTER || !goes_on(&before))
        {
            batch.push(before.event);
        }
        self.0.insert(typed.account, (now, typed));
    }

    /// What has stood long enough goes into `batch`.
    pub(crate) fn settle(&mut self, now: Instant, batch: &mut Vec<AuditEvent>) {
        let settled = self.0.extract_if(|_, (at, _)| now >= *at + SETTLED_AFTER);
        batch.extend(settled.map(|(_, (_, typed))| typed.event));
    }

    fn drain(&mut self, batch: &mut Vec<AuditEvent>) {
        batch.extend(self.0.drain().map(|(_, (_, typed))| typed.event));
    }
}

fn write_all(catalog: &dyn Catalog, receiver: &Receiver<Note>) {
    let mut typing = Typing::default();
    let mut batch = Vec::new();
    loop {
        let first = match typing.0.is_empty() {
            true => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
            false => receiver.recv_timeout(GATHER),
        };
        let until = Instant::now() + GATHER;
        let mut next = first;
        let ended = loop {
            match next {
                Ok(Note::Event(event)) => batch.push(event),
                Ok(Note::Typed(typed)) => typing.take(typed, Instant::now(), &mut batch),
                Err(ended) => break ended == RecvTimeoutError::Disconnected,
            }
            if batch.len() >= BATCH_MAX {
                break false;
            }
            next = receiver.recv_timeout(until.saturating_duration_since(Instant::now()));
        };
        match ended {
            true => typing.drain(&mut batch),
            false => typing.settle(Instant::now(), &mut batch),
        }
        if !batch.is_empty() {
            write(catalog, &batch);
            batch.clear();
        }
        if ended {
            return;
        }
    }
}

fn write(catalog: &dyn Catalog, events: &[AuditEvent]) {
    if let Err(error) = catalog.audit(events) {
        tracing::error!(%error, events = events.len(), "audit events could not be written");
    }
}
