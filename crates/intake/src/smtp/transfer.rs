//! The octets of a mail: `DATA` (RFC 5321 §4.1.1.4) and `BDAT` (RFC 3030).

use model::{Envelope, SourceId, TenantId};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::dots::DotDecoder;
use super::figures::count;
use super::reply;
use super::room::{Delivery, Refusal, Room};
use super::session::{Flow, Session, Transaction};
use super::wire::End;

/// Octets of a refused mail that are read and thrown away to stay in step with the client, in
/// bytes; beyond that the connection is closed.
pub const DRAIN_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// A mail on its way into the waiting room.
pub(super) struct Incoming<D> {
    /// `None` once refused: what follows is thrown away.
    draft: Result<D, Broken>,
    size_bytes: u64,
    deadline: Instant,
    /// For the log.
    places: Vec<(TenantId, SourceId)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Broken {
    /// There was never a mail: the octets are read to stay in step.
    Unasked,
    Refused(Refusal),
}

impl<D> Incoming<D> {
    fn begin<R: Room<Draft = D>>(room: &R, deliveries: Vec<Delivery>, deadline: Instant) -> Self {
        let places = deliveries.iter().map(|it| (it.tenant, it.source)).collect();
        let draft = room.begin(deliveries).map_err(Broken::Refused);
        Self { draft, size_bytes: 0, deadline, places }
    }

    /// Keeps the octets, or only counts them when the mail is already refused.
    fn write<R: Room<Draft = D>>(&mut self, room: &R, octets: &[u8], size_bytes_max: u64) {
        self.size_bytes = self.size_bytes.saturating_add(octets.len() as u64);
        let Ok(draft) = &mut self.draft else { return };
        if self.size_bytes > size_bytes_max {
            self.draft = Err(Broken::Refused(Refusal::TooLarge));
        } else if let Err(refusal) = room.write(draft, octets) {
            self.draft = Err(Broken::Refused(refusal));
        }
    }

    fn drained_enough(&self, size_bytes_max: u64) -> bool {
        self.draft.is_err() && self.size_bytes > size_bytes_max.saturating_add(DRAIN_BYTES_MAX)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send, R: Room> Session<S, R> {
    pub(super) async fn data(&mut self) -> Result<Flow, End> {
        if let Some(refusal) = self.not_ready() {
            return Ok(self.refuse(refusal));
        }
        let Some(mut transaction) = self.transaction.take_if(|t| t.incoming.is_none()) else {
            return Ok(self.refuse(reply::NO_CHUNK_AND_DATA));
        };
        self.wire.reply(reply::DATA_GO);
        // The reply is due now, also when octets already wait behind the command.
        self.wire.flush().await?;
        let size_bytes_max = self.settings.message_size_bytes_max;
        let deadline = Instant::now() + self.settings.data();
        let deliveries = self.deliveries(&mut transaction);
        let mut incoming = Incoming::begin(&self.shared.room, deliveries, deadline);
        let mut decoder = DotDecoder::default();
        loop {
            let octets = self.wire.octets(deadline).await?;
            let room = &self.shared.room;
            let progress = decoder.decode(octets, |run| incoming.write(room, run, size_bytes_max));
            self.wire.consume(progress.consumed);
            if progress.ended {
                return Ok(self.finish(incoming).await);
            }
            if incoming.drained_enough(size_bytes_max) {
                return Ok(self.close_with(reply::TOO_LARGE_CLOSING));
            }
            if Instant::now() >= deadline {
                return Err(End::TimedOut);
            }
        }
    }

    /// RFC 3030 §2: the octets of a refused chunk are read all the same, also those of chunks
    /// that were pipelined behind it.
    pub(super) async fn bdat(&mut self, size_bytes: u64, last: bool) -> Result<Flow, End> {
        let size_bytes_max = self.settings.message_size_bytes_max;
        let refusal = self.not_ready();
        let mut transaction = match refusal {
            None => self.transaction.take(),
            Some(_) => None,
        };
        let deadline = Instant::now() + self.settings.data();
        let mut incoming = match &mut transaction {
            None => Incoming {
                draft: Err(Broken::Unasked),
                size_bytes: 0,
                deadline,
                places: Vec::new(),
            },
            Some(transaction) => match transaction.incoming.take() {
                Some(incoming) => incoming,
                None => {
                    let deliveries = self.deliveries(transaction);
                    Incoming::begin(&self.shared.room, deliveries, deadline)
                }
            },
        };
        if incoming.size_bytes.saturating_add(size_bytes) > size_bytes_max {
            incoming.draft = incoming.draft.and(Err(Broken::Refused(Refusal::TooLarge)));
        }
        if incoming.draft.is_err() && size_bytes > size_bytes_max.saturating_add(DRAIN_BYTES_MAX) {
            return Ok(self.close_with(refusal.unwrap_or(reply::TOO_LARGE_CLOSING)));
        }
        self.chunk(&mut incoming, size_bytes).await?;
        match (refusal, transaction) {
            (None, Some(_)) if last => Ok(self.finish(incoming).await),
            (None, Some(mut transaction)) if incoming.draft.is_ok() => {
                transaction.incoming = Some(incoming);
                self.transaction = Some(transaction);
                Ok(self.agree(reply::CHUNK_TAKEN))
            }
            (None, Some(_)) => Ok(self.broken(incoming.draft.err(), &incoming.places)),
            (refusal, _) => {
                self.transaction = None;
                Ok(self.refuse(refusal.unwrap_or(reply::NO_MAIL)))
            }
        }
    }

    async fn chunk(&mut self, incoming: &mut Incoming<R::Draft>, size: u64) -> Result<(), End> {
        let size_bytes_max = self.settings.message_size_bytes_max;
        let mut missing = size;
        while missing > 0 {
            if Instant::now() >= incoming.deadline {
                return Err(End::TimedOut);
            }
            let octets = self.wire.octets(incoming.deadline).await?;
            let count = usize::try_from(missing).map_or(octets.len(), |m| m.min(octets.len()));
            incoming.write(&self.shared.room, &octets[..count], size_bytes_max);
            self.wire.consume(count);
            missing -= count as u64;
        }
        Ok(())
    }

    fn deliveries(&self, transaction: &mut Transaction<R::Draft>) -> Vec<Delivery> {
        let received_at = self.shared.clock.now();
        let recipients = std::mem::take(&mut transaction.recipients);
        let delivery = |((tenant, source), forward_paths)| Delivery {
            tenant,
            source,
            envelope: Envelope {
                reverse_path: transaction.reverse_path.clone(),
                forward_paths,
                peer: Some(self.peer),
                helo: self.helo.clone().unwrap_or_default(),
                tls: self.tls.clone(),
            },
            received_at,
        };
        recipients.into_iter().map(delivery).collect()
    }

    /// The end of a mail: `250` only when every tenant's copy is durable. When one is not, the
    /// sender repeats the mail for all of them; a copy that is already archived is known then.
    async fn finish(&mut self, incoming: Incoming<R::Draft>) -> Flow {
        let draft = match incoming.draft {
            Ok(draft) => draft,
            Err(broken) => return self.broken(Some(broken), &incoming.places),
        };
        let complete = Instant::now();
        match self.shared.room.accept(draft).await {
            Ok(()) => {
                self.shared.figures.acknowledged(complete.elapsed());
                self.shared.figures.accepted(self.shared.clock.now(), incoming.size_bytes);
                for (tenant, source) in &incoming.places {
                    tracing::info!(
                        target: "mail",
                        {
                            tenant.id = %tenant,
                            source.id = %source,
                            size_bytes = incoming.size_bytes,
                            tls = self.tls.as_deref().unwrap_or("none"),
                        },
                        "mail accepted"
                    );
                }
                self.mails += 1;
                self.agree(reply::ACCEPTED)
            }
            Err(refusal) => self.broken(Some(Broken::Refused(refusal)), &incoming.places),
        }
    }

    fn broken(&mut self, broken: Option<Broken>, places: &[(TenantId, SourceId)]) -> Flow {
        for (tenant, source) in places {
            let reason = match broken {
                Some(Broken::Refused(Refusal::Failed)) => "not stored",
                Some(Broken::Refused(Refusal::Full)) => "no room",
                Some(Broken::Refused(Refusal::TooLarge) | Broken::Unasked) | None => "too large",
            };
            tracing::warn!(
                target: "mail",
                { tenant.id = %tenant, source.id = %source, reason },
                "mail refused"
            );
        }
        match broken {
            Some(Broken::Refused(refusal @ (Refusal::Failed | Refusal::Full))) => {
                // Not the client's error: it may try as often as it likes.
                count(&self.shared.figures.mails_put_off);
                self.agree(reply::of_refusal(refusal))
            }
            Some(Broken::Refused(Refusal::TooLarge) | Broken::Unasked) | None => {
                count(&self.shared.figures.mails_too_large);
                self.refuse(reply::TOO_LARGE)
            }
        }
    }
}
