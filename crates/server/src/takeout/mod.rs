//! Exports and restores, one of each kind at a time: begun in the order in which they were asked
//! for, gone on with after a crash, ended when nobody may see the mail any more.

mod restore;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use catalog::{
    AuditEvent, AuditOutcome, Catalog, LedgerKind, MailJobKind, MailJobRow, MailJobState,
    NewLedgerEvent,
};
use discovery::{
    Discovery, EXPORT_KEPT_DAYS, ExportRequest, Exporter, TakenOut, Takeout, zip_folder,
};
use fail::fail_point;
use identity::Identity;
use intake::fetch::oauth::TokenClient;
use model::{AccountId, Clock, Timestamp};
use policy::{AccountRole, Actor, Permission, Scope, Span, authorize, authorize_read};
use serde_json::{Value, json};
use spool::Spool;
use tokio::sync::watch;

use crate::machine;
use crate::notify::Smarthost;

/// How soon a new order is begun.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Mails between two looks whether a job was cancelled, which also write down how far it is.
const NOTE_EVERY: u64 = 50;

/// How long an export with evidence waits for the next sealing, in seconds; then what is not
/// sealed is left out and counted.
const SEAL_SECONDS_MAX: i64 = 30 * 60;

/// Mails of an export that are written down at once.
const NOTED_AT_ONCE: usize = 5_000;

/// How often it is looked for files of mail that was disposed of, and of jobs that are gone.
const TIDY_EVERY: Duration = Duration::from_secs(300);

/// Expired exports that are removed at once.
const EXPIRED_MAX: u32 = 100;

/// What the exports say of who wrote them.
const PRODUCT: &str = concat!("Chancery ", env!("CARGO_PKG_VERSION"));

/// What the work needs.
#[derive(Clone)]
pub struct Workshop {
    pub catalog: Arc<dyn Catalog>,
    pub discovery: Arc<Discovery>,
    pub identity: Arc<Identity>,
    pub takeout: Arc<Takeout>,
    pub smarthost: Smarthost,
    pub clock: Arc<dyn Clock>,
    /// For mailboxes of sources that sign in by OAuth.
    pub tokens: Arc<TokenClient>,
    /// Knows how much of the disk stays free for mail that comes in.
    pub spool: Spool,
    /// When files were last looked through.
    pub tidied: Arc<Mutex<Option<Instant>>>,
    /// Set when the server stops.
    pub stop: Arc<AtomicBool>,
}

/// Works off one kind of orders until `shutdown`; what is in progress then goes on after the start.
pub async fn watch(shop: Workshop, kind: MailJobKind, mut shutdown: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = async { drop(shutdown.wait_for(|stop| *stop).await) } => return,
        }
        let worker = shop.clone();
        let mut round = tokio::task::spawn_blocking(move || worker.round(kind));
        let ended = tokio::select! {
            ended = &mut round => ended,
            () = async { drop(shutdown.wait_for(|stop| *stop).await) } => {
                shop.stop.store(true, Ordering::SeqCst);
                round.await
            }
        };
        // The runtime is shutting down.
        if ended.is_err() {
            return;
        }
    }
}

/// What whoever asked may see.
struct Rights {
    scope: Scope,
    /// Who read what.
    readings: bool,
}

/// How a job ended, or that it did not.
enum Ended {
    Done(Value),
    Failed(String),
    /// Somebody cancelled it, or the server stops.
    Stopped,
    /// For the sealing of this event.
    Waits(u64),
}

impl Workshop {
    fn round(&self, kind: MailJobKind) {
        let failed = |error: catalog::CatalogError| {
            let error = pipeline::Error::chain(&error);
            tracing::warn!(error, "exports and restores wait for the catalog");
        };
        if kind == MailJobKind::Export {
            self.sweep().unwrap_or_else(failed);
        }
        let jobs = self.catalog.open_mail_jobs(kind).map_err(failed).unwrap_or_default();
        for job in jobs {
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            self.work(job).unwrap_or_else(failed);
        }
    }

    /// Removes the files of exports whose time is over.
    fn sweep(&self) -> Result<(), catalog::CatalogError> {
        let now = self.clock.now();
        for job in self.catalog.expired_mail_jobs(now, EXPIRED_MAX)? {
            // First the files: what is named removed is gone.
            if let Err(error) = self.takeout.remove_files(job.id) {
                tracing::warn!(%error, "files of an expired export stay for now");
                continue;
            }
            let done = [MailJobState::Done];
            self.catalog.end_mail_job(job.id, &done, MailJobState::Removed, now)?;
        }
        let mut tidied = self.tidied.lock().unwrap_or_else(PoisonError::into_inner);
        if tidied.is_some_and(|at| at.elapsed() < TIDY_EVERY) {
            return Ok(());
        }
        *tidied = Some(Instant::now());
        for id in self.catalog.outdated_mail_jobs(EXPIRED_MAX)? {
            match self.takeout.remove(id, now) {
                Ok(_) => tracing::info!(job.id = %id, "an export went with a mail of it"),
                Err(error) => tracing::warn!(%error, "files of an outdated export stay for now"),
            }
        }
        self.takeout.remove_strangers().unwrap_or_else(|error| {
            tracing::warn!(error = pipeline::Error::chain(&error), "old files of exports stay");
        });
        Ok(())
    }

    fn work(&self, mut job: MailJobRow) -> Result<(), catalog::CatalogError> {
        job.state = MailJobState::Running;
        let ended = match self.rights(&job) {
            Ok(rights) => {
                let progress = Progress { shop: self, job: &job, total: AtomicU64::new(0) };
                match job.kind {
                    MailJobKind::Export => self.export(&job, &rights, &progress),
                    MailJobKind::Restore => self.restore(&job, &rights.scope, &progress),
                }
            }
            Err(why) => Ended::Failed(why),
        };
        let now = self.clock.now();
        let (done, total) = self.progress_of(&job)?;
        (job.done, job.total) = (done, total);
        match ended {
            Ended::Stopped => {
                let cancelled = self.catalog.mail_job(job.id)?;
                if cancelled.is_none_or(|it| it.state == MailJobState::Cancelled) {
                    let _ = self.takeout.remove_files(job.id);
                }
                return Ok(());
            }
            Ended::Waits(seq) => {
                let result = json!({ "waitsFor": "seal", "seq": seq });
                if job.result != result {
                    job.state = MailJobState::Waiting;
                    job.result = result;
                    self.catalog.save_mail_job(&job)?;
                }
                return Ok(());
            }
            Ended::Failed(error) => {
                let _ = self.takeout.remove_files(job.id);
                tracing::warn!(job.id = %job.id, error, "mail did not leave the archive");
                job.state = MailJobState::Failed;
                job.result = json!({ "error": error });
            }
            Ended::Done(result) => {
                if job.kind == MailJobKind::Export {
                    let kept = EXPORT_KEPT_DAYS * 24 * 3600;
                    job.expires_at = Some(now.saturating_add_seconds(kept));
                }
                job.done = job.total;
                job.state = MailJobState::Done;
                job.result = result;
            }
        }
        job.ended_at = Some(now);
        let event = (job.state == MailJobState::Done).then(|| ledger_event(&job, now));
        // A crash before this begins the job anew, without a trace of this time; after it, it is done.
        if !self.catalog.finish_mail_job(&job, event.as_ref(), &audit_event(&job, now))? {
            let _ = self.takeout.remove_files(job.id);
        }
        Ok(())
    }

    fn progress_of(&self, job: &MailJobRow) -> Result<(u64, u64), catalog::CatalogError> {
        let saved = self.catalog.mail_job(job.id)?;
        Ok(saved.map_or((job.done, job.total), |it| (it.done, it.total)))
    }

    /// What whoever asked may see now.
    fn rights(&self, job: &MailJobRow) -> Result<Rights, String> {
        let now = self.clock.now();
        let gone = || "the account may not do this any more".to_owned();
        let actor = match job.account {
            Some(account) => {
                let account = self.catalog.account(account).map_err(|error| error.to_string())?;
                let account = account.filter(|it| !it.disabled && it.tenant == Some(job.tenant));
                let account = account.ok_or_else(gone)?;
                self.identity.actor_of(&account, now).map_err(|error| error.to_string())?
            }
            // Who may run commands on this machine may read its keys.
            None => Actor {
                account: AccountId::from_bytes([0; 16]),
                tenant: Some(job.tenant),
                role: AccountRole::Officer,
                addresses: Vec::new(),
                everything: vec![Span::ALWAYS],
                limited_to: None,
            },
        };
        let permission = match job.kind {
            MailJobKind::Export => Permission::ExportMail,
            MailJobKind::Restore => Permission::RestoreMail,
        };
        authorize(&actor, permission).map_err(|_| gone())?;
        let readings = authorize(&actor, Permission::ReadAuditLog).is_ok();
        let scope = authorize_read(&actor).map_err(|_| gone())?;
        Ok(Rights { scope, readings })
    }

    fn export(&self, job: &MailJobRow, rights: &Rights, progress: &Progress<'_>) -> Ended {
        match self.write_export(job, rights, progress) {
            Ok(ended) => ended,
            Err(error) => Ended::Failed(pipeline::Error::chain(&error)),
        }
    }

    fn write_export(
        &self,
        job: &MailJobRow,
        rights: &Rights,
        progress: &Progress<'_>,
    ) -> discovery::Result<Ended> {
        let scope = &rights.scope;
        let Ok(request) = serde_json::from_value::<ExportRequest>(job.request.clone()) else {
            return Ok(Ended::Failed("the order is not readable".to_owned()));
        };
        let waited = self.clock.now().as_micros() - job.created_at.as_micros();
        let patient = request.evidence && waited < SEAL_SECONDS_MAX * 1_000_000;
        let unsealed = |seq: u64| -> discovery::Result<bool> {
            let last = self.catalog.sealed_batch_of(job.tenant, u64::MAX)?;
            Ok(patient && last.is_none_or(|last| last.last_seq < seq))
        };
        if let Some(seq) = job.result["seq"].as_u64()
            && unsealed(seq)?
        {
            return Ok(Ended::Waits(seq));
        }
        let records = self.discovery.select(scope, &request.which, job.created_at)?;
        let exporter = Exporter {
            discovery: &self.discovery,
            ledger: &self.takeout.ledger,
            scope,
            now: self.clock.now(),
            product: PRODUCT,
            readings: rights.readings,
            go_on: &|done| progress.go_on(done),
        };
        if patient {
            let seq = exporter.last_event(&records)?;
            if unsealed(seq)? {
                return Ok(Ended::Waits(seq));
            }
        }
        progress.total(records.len() as u64);
        if let Some(why) = self.no_room(scope, &records, request.zip)? {
            return Ok(Ended::Failed(why));
        }
        self.takeout.remove_files(job.id).map_err(discovery::Error::Files)?;
        let part = self.takeout.part(job.id);
        // Before there is a file: what is disposed of later takes it along.
        for page in records.chunks(NOTED_AT_ONCE) {
            self.catalog.mails_done(job.id, page)?;
        }
        let out = match request.evidence {
            true => exporter.proven(&records, &part)?,
            false => exporter.plain(&records, request.format, &part)?,
        };
        fail_point!("takeout.write.after");
        if out.cancelled || !self.finish(job, request.zip, progress)? {
            return Ok(Ended::Stopped);
        }
        fail_point!("takeout.name.after");
        Ok(Ended::Done(result(&out)))
    }

    /// Makes what was written what is asked for; a crash before leaves a part that is begun anew.
    fn finish(
        &self,
        job: &MailJobRow,
        zip: bool,
        progress: &Progress<'_>,
    ) -> discovery::Result<bool> {
        let part = self.takeout.part(job.id);
        let finish = || {
            if !zip {
                return std::fs::rename(&part, self.takeout.done(job.id)).map(|()| true);
            }
            let unfinished = part.with_extension("zip-part");
            if !zip_folder(&part, &unfinished, &|| !progress.is_stopped())? {
                return Ok(false);
            }
            std::fs::rename(&unfinished, self.takeout.zip(job.id))?;
            std::fs::remove_dir_all(&part).map(|()| true)
        };
        finish().map_err(discovery::Error::Files)
    }

    fn no_room(
        &self,
        scope: &Scope,
        records: &[model::RecordId],
        zip: bool,
    ) -> discovery::Result<Option<String>> {
        let mut bytes = 0_u64;
        for page in records.chunks(1_000) {
            let rows = self.catalog.rows(scope, page)?;
            bytes += rows.iter().map(|row| row.size_bytes).sum::<u64>();
        }
        let needed = if zip { bytes.saturating_mul(2) } else { bytes };
        let parent = self.takeout.folder.parent().unwrap_or(&self.takeout.folder);
        let reserve = self.spool.limits().reserve_free_bytes;
        let free = machine::disk(parent, reserve).free_bytes;
        let fits = free >= needed.saturating_add(reserve);
        Ok((!fits).then(|| {
            format!("{needed} bytes are needed and {free} are free; narrow the search or make room")
        }))
    }
}

fn ledger_event(job: &MailJobRow, now: Timestamp) -> NewLedgerEvent {
    let facts = json!({
        "job": job.id,
        "by": job.by,
        "kind": match job.kind {
            MailJobKind::Export => "export",
            MailJobKind::Restore => "restore",
        },
        "mails": job.result["mails"],
        "evidence": job.request["evidence"],
        "sums": job.result["sums"],
        "reason": job.request["reason"],
    });
    NewLedgerEvent::new(LedgerKind::Export, now, facts)
}

fn audit_event(job: &MailJobRow, now: Timestamp) -> AuditEvent {
    let failed = job.state == MailJobState::Failed;
    let reason = job.request["reason"].as_str().filter(|reason| !reason.is_empty());
    AuditEvent {
        at: now,
        tenant: Some(job.tenant),
        account: job.account,
        who: job.by.clone(),
        action: match job.kind {
            MailJobKind::Export => "export.end".to_owned(),
            MailJobKind::Restore => "restore.end".to_owned(),
        },
        object: job.id.to_string(),
        detail: json!({ "request": job.request, "result": job.result }),
        reason: reason.map(str::to_owned),
        outcome: if failed { AuditOutcome::Failed } else { AuditOutcome::Done },
        ip: None,
    }
}

fn result(out: &TakenOut) -> Value {
    serde_json::to_value(out).unwrap_or_default()
}

/// Where a job is, and whether it goes on.
struct Progress<'a> {
    shop: &'a Workshop,
    job: &'a MailJobRow,
    total: AtomicU64,
}

impl Progress<'_> {
    fn total(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
        self.save(0);
    }

    /// `false`: somebody cancelled it, or the server stops.
    fn go_on(&self, done: u64) -> bool {
        if self.shop.stop.load(Ordering::SeqCst) {
            return false;
        }
        !done.is_multiple_of(NOTE_EVERY) || self.save(done)
    }

    fn is_stopped(&self) -> bool {
        self.shop.stop.load(Ordering::SeqCst)
    }

    fn save(&self, done: u64) -> bool {
        let total = self.total.load(Ordering::Relaxed);
        let row = MailJobRow { done: done.min(total), total, ..self.job.clone() };
        // A catalog that does not answer is no reason to end the work.
        self.shop.catalog.save_mail_job(&row).unwrap_or(true)
    }
}
