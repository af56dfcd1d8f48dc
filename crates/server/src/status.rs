//! What the API asks of the running server.

use std::sync::Arc;
use std::time::Instant;

use api::dto;
use api::{DeskError, StatusSource};
use intake::smtp::IntakeFigures;
use intake::tls::TlsStore;
use model::{QuarantineId, TenantId, Timestamp};
use pipeline::{IndexFigures, LineParts};

use crate::census::Census;

pub struct ServerStatus {
    pub begun: Instant,
    pub parts: LineParts,
    pub census: Arc<Census>,
    pub index_figures: Arc<IndexFigures>,
    pub intake: Arc<IntakeFigures>,
    pub tls: TlsStore,
}

impl StatusSource for ServerStatus {
    fn status(&self, tenant: Option<TenantId>) -> Result<dto::Status, DeskError> {
        self.figures(tenant).map_err(|error| DeskError::Failed(error.into()))
    }
}

impl ServerStatus {
    fn figures(&self, tenant: Option<TenantId>) -> anyhow::Result<dto::Status> {
        let now = self.parts.clock.now();
        let spool = self.parts.spool.state();
        let oldest = self.parts.spool.oldest();
        let (figures, space) = match tenant {
            Some(tenant) => (self.parts.catalog.figures(tenant)?, self.census.space(tenant)),
            None => (self.parts.catalog.totals()?.figures, self.census.sum()),
        };
        let catalog = self.parts.catalog.stored_bytes()?;
        let archive = dto::ArchiveStatus {
            records: figures.records,
            reports: figures.reports,
            merged: figures.merged,
            quarantined: figures.quarantined,
            stored_bytes: dto::StoredBytes { catalog, ..space },
            raw_bytes: figures.raw_bytes,
        };
        let lag = self.census.lag(tenant)?;
        let mut journal_addresses = Vec::new();
        if let Some(tenant) = tenant {
            let sources = self.parts.catalog.sources(tenant)?;
            journal_addresses
                .extend(sources.into_iter().filter_map(|it| it.address).map(|it| it.to_string()));
        }
        let certificate = self.tls.facts();
        Ok(dto::Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_seconds: self.begun.elapsed().as_secs(),
            intake: self.intake(now),
            spool: dto::SpoolStatus {
                depth: (spool.waiting + spool.claimed + spool.delayed) as u64,
                bytes: spool.bytes,
                oldest_seconds: oldest.map(|at| {
                    u64::try_from(now.as_seconds() - at.as_seconds()).unwrap_or_default()
                }),
                state: match spool.full {
                    Some(_) => dto::SpoolState::Full,
                    None => dto::SpoolState::Open,
                },
            },
            archive,
            index: dto::IndexStatus { lag, last_commit_at: self.index_figures.last_commit_at() },
            certificates: vec![dto::Certificate {
                subject: certificate.subject,
                not_after: certificate.not_after,
                self_signed: certificate.self_signed,
            }],
            journal_addresses,
        })
    }

    fn intake(&self, now: Timestamp) -> dto::IntakeStatus {
        let reading = self.intake.reading(now);
        let minute = now.as_seconds().div_euclid(60);
        let count = reading.minutes.len() as i64;
        let at = |place: usize| Timestamp::from_seconds((minute - count + 1 + place as i64) * 60);
        dto::IntakeStatus {
            accepted_total: reading.mails_accepted,
            per_minute: reading
                .minutes
                .iter()
                .enumerate()
                .map(|(place, rate)| dto::IntakeMinute {
                    at: at(place),
                    mails: rate.mails,
                    bytes: rate.octets,
                })
                .collect(),
            connections: reading.connections_open,
        }
    }
}

/// Quarantine decisions of the API, carried out by the pipeline.
pub struct Desk(pub pipeline::QuarantineDesk);

impl api::QuarantineDesk for Desk {
    fn retry(&self, tenant: TenantId, id: QuarantineId, by: &str) -> Result<(), DeskError> {
        answer(self.0.retry(tenant, id, by))
    }

    fn release(
        &self,
        tenant: TenantId,
        id: QuarantineId,
        by: &str,
        reason: &str,
    ) -> Result<(), DeskError> {
        answer(self.0.release(tenant, id, by, reason))
    }

    fn discard(
        &self,
        tenant: TenantId,
        id: QuarantineId,
        by: &str,
        reason: &str,
    ) -> Result<(), DeskError> {
        answer(self.0.discard(tenant, id, by, reason))
    }
}

fn answer(decided: pipeline::Result<bool>) -> Result<(), DeskError> {
    match decided {
        Ok(true) => Ok(()),
        Ok(false) => Err(DeskError::NotFound),
        Err(pipeline::Error::Spool(spool::SpoolError::Full(_))) => Err(DeskError::Busy),
        Err(error @ pipeline::Error::Held) => {
            Err(DeskError::Refused { code: "held", detail: error.to_string() })
        }
        Err(error) => Err(DeskError::Failed(Box::new(error))),
    }
}
