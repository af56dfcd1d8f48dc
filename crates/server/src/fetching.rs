//! Fetched mail in the running server: the desk behind API and commands, and who tells it what
//! became of a mail.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use api::dto;
use api::{DeskError, FetchStatus, TypedSecrets};
use catalog::{AuditEvent, FetchConfig, FetchSecrets, FetchSource, SecretBox};
use intake::fetch::oauth::{HttpTokenWeb, TokenClient};
use intake::fetch::run::{
    self, Became, FetchDesk, FetchFigures, Outcomes, Parts, Purpose, Running, Secrets, Servers,
};
use intake::fetch::{Probe, StepState};
use model::{Clock as _, Source, SourceId, TenantId};
use pipeline::{Settled, SettledAs, Watcher};
use tokio::runtime::Handle;
use zeroize::Zeroizing;

use crate::clock::{SystemClock, random};
use crate::house::House;
use crate::line::Line;

/// Tells sessions what became of the mails that they read.
pub struct FetchWatch(pub Arc<Outcomes>);

impl Watcher for FetchWatch {
    fn settled(&self, all: &[Settled]) {
        for settled in all {
            let Source::Fetched(fetched) = &settled.source else { continue };
            let became = match &settled.outcome {
                SettledAs::Known => Became::Known,
                SettledAs::Merged => Became::Merged,
                SettledAs::New => Became::Archived,
                SettledAs::NotSelected => Became::NotSelected,
                SettledAs::Quarantined(_) => Became::Quarantined,
            };
            self.0.settled(fetched, became);
        }
    }
}

/// What fetches, with the keys to its secrets.
pub struct ServerFetch {
    desk: FetchDesk,
    secrets: SecretBox,
    tokens: TokenClient,
}

impl ServerFetch {
    /// Begins to read sources.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn start(line: &Line, outcomes: &Arc<Outcomes>, runtime: &Handle) -> anyhow::Result<Self> {
        let house = House { folder: line.folder.clone(), catalog: Arc::clone(&line.parts.catalog) };
        let key = house.master_key()?;
        let secrets = || SecretBox::new(&key.settings_secret());
        let parts = Parts {
            spool: line.parts.spool.clone(),
            catalog: Arc::clone(&line.parts.catalog),
            clock: Arc::clone(&line.parts.clock),
            outcomes: Arc::clone(outcomes),
            opener: Arc::new(Servers::new(tokens(runtime))),
        };
        let desk = FetchDesk::start(parts, secrets()?)?;
        Ok(Self { desk, secrets: secrets()?, tokens: tokens(runtime) })
    }

    /// Ends all runs; what was read is archived, and progress is saved.
    pub fn stop(&self) {
        self.desk.stop();
    }

    pub fn figures(&self) -> &FetchFigures {
        self.desk.figures()
    }
}

/// Asks for tokens over the network; the runtime carries it.
pub fn tokens(runtime: &Handle) -> TokenClient {
    TokenClient::new(Arc::new(HttpTokenWeb::new(runtime.clone())), Arc::new(SystemClock))
}

/// Tries everything that a run needs.
pub fn test(config: &FetchConfig, secrets: &Secrets, tokens: &TokenClient) -> dto::FetchTest {
    let mailbox = match &config.mode {
        catalog::FetchMode::Mailboxes { mailboxes, .. } => {
            mailboxes.first().map_or("", |mailbox| mailbox.user.as_str())
        }
        _ => "",
    };
    shown(run::probe(config, mailbox, secrets, tokens))
}

fn shown(probe: Probe) -> dto::FetchTest {
    let ok = probe.succeeded();
    let steps = probe.steps.into_iter().map(|step| dto::FetchTestStep {
        step: step.name.to_owned(),
        ok: step.state != StepState::Failed,
        warning: step.state == StepState::Warning,
        kind: (!step.code.is_empty()).then(|| step.code.to_owned()),
        remedy: step.remedy.map(str::to_owned),
        detail: step.detail,
        millis: step.millis,
        certificate: step.certificate.map(|it| dto::FetchCertificate {
            subject: it.subject,
            issuer: it.issuer,
            names: it.names,
            valid_from: it.valid_from.map(|at| at.to_string()),
            valid_until: it.valid_until.map(|at| at.to_string()),
            self_signed: it.self_signed,
            sha256: it.sha256,
        }),
    });
    dto::FetchTest { ok, steps: steps.collect() }
}

fn live(running: &Running) -> dto::FetchLive {
    let live = &running.live;
    let elapsed = SystemClock.now().as_seconds() - running.begun_at.as_seconds();
    let done = live.counts.seen;
    let rest = live.to_read.saturating_sub(done);
    let pace = u64::try_from(elapsed.max(0)).unwrap_or(0);
    dto::FetchLive {
        purpose: match running.purpose {
            Purpose::Poll => "poll",
            Purpose::Reconcile { .. } => "reconcile",
        }
        .to_owned(),
        begun_at: running.begun_at.to_string(),
        counts: live.counts.into(),
        bytes: live.bytes,
        to_read: live.to_read,
        mailboxes: live.mailboxes,
        mailboxes_done: live.mailboxes_done,
        folder: live.folder.clone(),
        seconds_left: (done > 0).then(|| pace.saturating_mul(rest) / done),
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> DeskError {
    DeskError::Failed(Box::new(error))
}

fn known(there: bool) -> Result<(), DeskError> {
    if there { Ok(()) } else { Err(DeskError::NotFound) }
}

impl api::FetchDesk for ServerFetch {
    fn new_id(&self) -> Result<SourceId, DeskError> {
        new_id()
    }

    fn seal(&self, id: SourceId, which: &str, secret: &str) -> Result<String, DeskError> {
        let place = FetchSource::secret_place(id, which);
        self.secrets.seal(&place, secret.as_bytes()).map_err(failed)
    }

    fn changed(&self, tenant: TenantId, id: SourceId) -> Result<(), DeskError> {
        self.desk.changed(tenant, id).map_err(failed)
    }

    fn poll(&self, id: SourceId) -> Result<(), DeskError> {
        known(self.desk.ask(id, Purpose::Poll))
    }

    fn reconcile(&self, id: SourceId, by: &str) -> Result<(), DeskError> {
        known(self.desk.ask(id, Purpose::Reconcile { by: by.to_owned() }))
    }

    fn pause(&self, id: SourceId, paused: bool) -> Result<(), DeskError> {
        known(self.desk.pause(id, paused).map_err(failed)?)
    }

    fn reset(&self, id: SourceId, audit: &[AuditEvent]) -> Result<(), DeskError> {
        known(self.desk.reset(id, audit).map_err(failed)?)
    }

    fn status(&self, id: SourceId) -> Option<FetchStatus> {
        let status = self.desk.status(id)?;
        Some(FetchStatus {
            state: status.state,
            live: status.running.as_ref().map(live),
            polled_at: status.polled_at,
            next_at: status.next_at,
        })
    }

    fn test(&self, config: &FetchConfig, typed: &TypedSecrets<'_>) -> dto::FetchTest {
        let saved = typed.saved.map(|(id, sealed)| run::open(&self.secrets, id, sealed));
        let saved = match saved.transpose() {
            Ok(saved) => saved.unwrap_or_default(),
            Err(error) => return refused(&error),
        };
        let one = |typed: Option<&str>, saved: Option<Zeroizing<String>>| {
            typed.map(|typed| Zeroizing::new(typed.to_owned())).or(saved)
        };
        let secrets = Secrets {
            password: one(typed.password, saved.password),
            client_secret: one(typed.client_secret, saved.client_secret),
            client_key: one(typed.client_key, saved.client_key),
        };
        test(config, &secrets, &self.tokens)
    }
}

fn refused(error: &intake::fetch::FetchError) -> dto::FetchTest {
    let step = dto::FetchTestStep {
        step: "settings".to_owned(),
        ok: false,
        warning: false,
        kind: Some(error.kind().code().to_owned()),
        remedy: None,
        detail: error.to_string(),
        millis: 0,
        certificate: None,
    };
    dto::FetchTest { ok: false, steps: vec![step] }
}

/// An id that nobody has.
///
/// # Errors
/// When the system gives no random bytes.
pub fn new_id() -> Result<SourceId, DeskError> {
    match random() {
        Ok(bytes) => Ok(SourceId::from_bytes(bytes)),
        Err(error) => Err(DeskError::Failed(error.into())),
    }
}

/// Seals what the command line was given.
///
/// # Errors
/// When the system gives no random bytes.
pub fn seal(
    secrets: &SecretBox,
    id: SourceId,
    before: &FetchSecrets,
    typed: [Option<&str>; 3],
) -> anyhow::Result<FetchSecrets> {
    let one = |which: &str, before: &Option<String>, typed: Option<&str>| match typed {
        None => Ok(before.clone()),
        Some(typed) => {
            secrets.seal(&FetchSource::secret_place(id, which), typed.as_bytes()).map(Some)
        }
    };
    let [password, client_secret, client_key] = typed;
    Ok(FetchSecrets {
        password: one("password", &before.password, password)?,
        client_secret: one("clientSecret", &before.client_secret, client_secret)?,
        client_key: one("clientKey", &before.client_key, client_key)?,
    })
}

/// Counts of polls since the start, for `/metrics`.
pub fn counts(figures: &FetchFigures) -> [u64; 4] {
    let read = |count: &std::sync::atomic::AtomicUsize| count.load(Ordering::Relaxed) as u64;
    [read(&figures.polls), read(&figures.failed_polls), read(&figures.mails), read(&figures.octets)]
}
