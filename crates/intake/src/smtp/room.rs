//! The waiting room behind the listener, as far as a session sees it.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use model::{EmailAddress, Envelope, Source, SourceId, TenantId, Timestamp};
use spool::{Draft, Spool, SpoolError};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;

/// Where received octets go. The spool is one; tests and fuzzing keep them in memory.
pub(crate) trait Room: Send + Sync + 'static {
    type Draft: Send;

    /// Whether a mail of `size_bytes` would be taken now; asked at `MAIL`.
    fn has_room(&self, size_bytes: u64) -> Result<(), Refusal>;

    fn begin(&self, deliveries: Vec<Delivery>) -> Result<Self::Draft, Refusal>;

    /// Adds octets to the draft, at most one read buffer at a time.
    fn write(&self, draft: &mut Self::Draft, octets: &[u8]) -> Result<(), Refusal>;

    /// Resolves to `Ok` once a power cut cannot lose the mail for any of the deliveries.
    fn accept(&self, draft: Self::Draft) -> impl Future<Output = Result<(), Refusal>> + Send;
}

/// One mail for one source of one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub tenant: TenantId,
    pub source: SourceId,
    /// Names only this delivery's own recipients: tenants learn nothing of each other.
    pub envelope: Envelope,
    /// When its octets began to arrive.
    pub received_at: Timestamp,
}

/// What a session groups its recipients by.
pub(crate) type Recipients = BTreeMap<(TenantId, SourceId), Vec<EmailAddress>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The waiting room failed; `451 4.3.0`.
    Failed,
    /// Full, or low on disk; `452 4.3.1`.
    Full,
    /// More than it takes of one mail; `552 5.3.4`.
    TooLarge,
}

/// The spool as a waiting room: one draft for each delivery, all filled at once, so that each
/// tenant's copy lives and dies by itself.
#[derive(Debug)]
pub(crate) struct SpoolRoom(pub Arc<Spool>);

impl Room for SpoolRoom {
    type Draft = Vec<Draft>;

    fn has_room(&self, size_bytes: u64) -> Result<(), Refusal> {
        self.0.admit(size_bytes).map_err(|error| refusal(&error))
    }

    fn begin(&self, deliveries: Vec<Delivery>) -> Result<Vec<Draft>, Refusal> {
        let begin = |delivery: Delivery| {
            let source = Source::Smtp { id: delivery.source };
            self.0.draft(delivery.tenant, source, Some(delivery.envelope), delivery.received_at)
        };
        Ok(deliveries.into_iter().map(begin).collect())
    }

    fn write(&self, drafts: &mut Vec<Draft>, octets: &[u8]) -> Result<(), Refusal> {
        let blocking = drafts.iter().any(|draft| draft.will_block(octets.len()));
        let mut write = || drafts.iter_mut().try_for_each(|draft| draft.write(octets));
        let written = if blocking { off_the_executor(write) } else { write() };
        written.map_err(|error| refusal(&error))
    }

    async fn accept(&self, drafts: Vec<Draft>) -> Result<(), Refusal> {
        // A large draft writes its last piece here.
        let blocking = drafts.iter().any(|draft| draft.will_block(0));
        let accept = || drafts.into_iter().map(|draft| self.durable(draft)).collect::<Vec<_>>();
        let waiting = if blocking { off_the_executor(accept) } else { accept() };
        let mut outcome = Ok(());
        for durable in waiting {
            // A callback that was dropped was never called: nothing is known to be durable.
            let durable = durable.await.unwrap_or(Err(SpoolError::Closed));
            outcome = outcome.and(durable.map_err(|error| refusal(&error)));
        }
        outcome
    }
}

impl SpoolRoom {
    fn durable(&self, draft: Draft) -> oneshot::Receiver<Result<(), SpoolError>> {
        let (sender, receiver) = oneshot::channel();
        self.0.accept(draft, move |result| {
            // Nobody listens when the client is gone; the mail is kept all the same.
            let _ = sender.send(result.map(|_| ()));
        });
        receiver
    }
}

/// Blocks without holding up the other sessions of this thread, where the runtime can.
fn off_the_executor<T>(work: impl FnOnce() -> T) -> T {
    let can = Handle::try_current()
        .is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread);
    if can { tokio::task::block_in_place(work) } else { work() }
}

fn refusal(error: &SpoolError) -> Refusal {
    match error {
        SpoolError::Full(_) => {
            tracing::warn!(%error, "mail put off");
            Refusal::Full
        }
        SpoolError::TooLarge { .. } => Refusal::TooLarge,
        _ => {
            tracing::error!(error = error as &dyn std::error::Error, "mail put off");
            Refusal::Failed
        }
    }
}
