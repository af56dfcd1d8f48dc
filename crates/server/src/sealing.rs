//! Seals the tenants' ledgers while the server runs: by a time-stamp authority (RFC 3161 over HTTP),
//! or under the archive's own key.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use catalog::Catalog;
use evidence::{LocalKey, TrustAnchors};
use ledger::{Authority, How, Ledger, LedgerError};
use model::{Clock as _, TenantId};
use store::{MasterKey, Vault};
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::clock::SystemClock;
use crate::config::Evidence;

/// How long an authority may take to answer.
const ANSWER_SECONDS_MAX: u64 = 60;
/// The greatest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// Batches of one tenant that one round seals; the next round goes on.
const BATCHES_PER_ROUND: usize = 100;
/// How soon the vault has the notes of events that are not about mail.
const FLUSH_EVERY: Duration = Duration::from_secs(5);
/// Events of the audit log that are looked through at once.
const READINGS_PAGE: u32 = 10_000;
/// Batches that are looked through at once for local seals that wait for a stamp.
const PAGE: u32 = 1000;

const QUERY: &str = "application/timestamp-query";
const REPLY: &str = "application/timestamp-reply";

/// Seals everything that waits, every so often.
pub struct Sealer {
    every: Duration,
    ledger: Ledger,
    catalog: Arc<dyn Catalog>,
    authority: Option<HttpAuthority>,
    anchors: TrustAnchors,
    policy: Option<String>,
    local: Option<LocalKey>,
}

impl Sealer {
    /// Without an authority the archive's own key seals.
    ///
    /// # Errors
    /// When the anchors or the password cannot be read, or the address is none.
    pub fn of(
        settings: &Evidence,
        key: &MasterKey,
        vault: &Arc<Vault>,
        catalog: &Arc<dyn Catalog>,
    ) -> anyhow::Result<Self> {
        let authority = match settings.authority.is_empty() {
            true => None,
            false => Some(HttpAuthority::of(settings)?),
        };
        let anchors = match &settings.anchors {
            Some(path) => read_anchors(path)?,
            None => TrustAnchors::default(),
        };
        anyhow::ensure!(
            authority.is_none() || !anchors.is_empty(),
            "evidence.anchors must name the certificates (PEM) that evidence.authority is checked with"
        );
        let local = match settings.local_seals || authority.is_none() {
            true => Some(LocalKey::from_seed(&key.sealing_secret()[..])?),
            false => None,
        };
        Ok(Self {
            every: Duration::from_secs(settings.every_seconds.max(1)),
            ledger: Ledger::new(Arc::clone(vault), Arc::clone(catalog)),
            catalog: Arc::clone(catalog),
            authority,
            anchors,
            policy: Some(settings.policy.clone()).filter(|policy| !policy.is_empty()),
            local,
        })
    }

    /// One round over all tenants. What fails is logged and tried again in the next round: events
    /// wait, intake goes on.
    fn round(&self) {
        let tenants = match self.catalog.tenants() {
            Ok(tenants) => tenants,
            Err(error) => {
                tracing::warn!(error = pipeline::Error::chain(&error), "sealing waits");
                return;
            }
        };
        for tenant in tenants {
            if let Err(error) = self.tenant(tenant.id) {
                let error = pipeline::Error::chain(&error);
                tracing::warn!(tenant.id = %tenant.id, error, "the ledger is not sealed; it is tried again");
            }
        }
    }

    /// Brings events that are not about mail into the vault, so that a rebuild finds them.
    fn flush(&self) {
        let flushed = self.catalog.waiting_tenants().map_err(LedgerError::from).and_then(|all| {
            all.into_iter().try_for_each(|tenant| self.ledger.flush(tenant).map(drop))
        });
        if let Err(error) = flushed {
            let error = pipeline::Error::chain(&error);
            tracing::warn!(error, "events wait for the vault");
        }
    }

    fn tenant(&self, tenant: TenantId) -> Result<(), LedgerError> {
        while self.catalog.append_readings(tenant, READINGS_PAGE)? {}
        if self.authority.is_some() {
            self.stamp_local_seals(tenant)?;
        }
        for _ in 0..BATCHES_PER_ROUND {
            if !self.seal(tenant)? {
                return Ok(());
            }
        }
        Ok(())
    }

    fn seal(&self, tenant: TenantId) -> Result<bool, LedgerError> {
        let now = SystemClock.now();
        let by_authority = self.stamping().map(|how| self.ledger.seal(tenant, now, &how));
        let sealed = match (by_authority, &self.local) {
            (Some(Err(LedgerError::Authority(why))), Some(key)) => {
                tracing::warn!(tenant.id = %tenant, why, "sealed by the archive alone for now");
                self.ledger.seal(tenant, now, &How::Local(key))?
            }
            (Some(result), _) => result?,
            (None, Some(key)) => self.ledger.seal(tenant, now, &How::Local(key))?,
            (None, None) => None,
        };
        let Some(sealed) = sealed else { return Ok(false) };
        tracing::info!(
            tenant.id = %tenant,
            batch = sealed.number,
            events = sealed.last_seq - sealed.first_seq + 1,
            stamped = sealed.stamped_at.is_some(),
            "the ledger is sealed"
        );
        Ok(true)
    }

    fn stamp_local_seals(&self, tenant: TenantId) -> Result<(), LedgerError> {
        let mut after = 0;
        loop {
            let batches = self.catalog.sealed_batches(tenant, after, PAGE)?;
            let Some(last) = batches.last().map(|batch| batch.number) else { return Ok(()) };
            for batch in batches.iter().filter(|batch| batch.stamped_at.is_none()) {
                let Some(how) = self.stamping() else { return Ok(()) };
                self.ledger.stamp_later(tenant, batch.number, SystemClock.now(), &how)?;
                tracing::info!(tenant.id = %tenant, batch = batch.number, "a local seal is stamped");
            }
            after = last;
        }
    }

    /// `None` without an authority, or without a random number.
    fn stamping(&self) -> Option<How<'_>> {
        let authority = self.authority.as_ref()?;
        let mut nonce = [0; 8];
        SystemRandom::new().fill(&mut nonce).ok()?;
        Some(How::Stamp {
            authority,
            anchors: &self.anchors,
            policy: self.policy.clone(),
            nonce: u64::from_be_bytes(nonce),
        })
    }
}

/// Seals until `shutdown`; the round in progress ends first.
pub async fn watch(sealer: Sealer, mut shutdown: watch::Receiver<bool>) {
    let ticks = |every| {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        ticks
    };
    let (mut rounds, mut flushes) = (ticks(sealer.every), ticks(FLUSH_EVERY));
    let sealer = Arc::new(sealer);
    loop {
        let work: fn(&Sealer) = tokio::select! {
            _ = rounds.tick() => Sealer::round,
            _ = flushes.tick() => Sealer::flush,
            () = async { drop(shutdown.wait_for(|stop| *stop).await) } => return,
        };
        let sealer = Arc::clone(&sealer);
        if tokio::task::spawn_blocking(move || work(&sealer)).await.is_err() {
            return;
        }
    }
}

fn read_anchors(path: &Path) -> anyhow::Result<TrustAnchors> {
    let shown = path.display();
    let pem =
        std::fs::read(path).with_context(|| format!("cannot read evidence.anchors {shown}"))?;
    TrustAnchors::from_pem(&pem).with_context(|| format!("evidence.anchors {shown} is not usable"))
}

/// An authority behind an address, with Basic authentication if it asks for it (RFC 3161 §3.4).
struct HttpAuthority {
    client: reqwest::Client,
    address: reqwest::Url,
    login: Option<(String, String)>,
}

impl HttpAuthority {
    fn of(settings: &Evidence) -> anyhow::Result<Self> {
        let address = &settings.authority;
        let address: reqwest::Url = address
            .parse()
            .with_context(|| format!("evidence.authority {address:?} is no address"))?;
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(ANSWER_SECONDS_MAX))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("cannot prepare requests to the time-stamp authority")?;
        let login = match &settings.password_file {
            Some(path) => {
                let password = std::fs::read_to_string(path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                Some((settings.user.clone(), password.trim_end().to_owned()))
            }
            None => None,
        };
        Ok(Self { client, address, login })
    }

    async fn post(&self, request: &[u8]) -> Result<Vec<u8>, String> {
        let mut post = self
            .client
            .post(self.address.clone())
            .header("Content-Type", QUERY)
            .header("Accept", REPLY)
            .body(request.to_vec());
        if let Some((user, password)) = &self.login {
            post = post.basic_auth(user, Some(password));
        }
        let failed = |error: reqwest::Error| pipeline::Error::chain(&error.without_url());
        let mut answer = post.send().await.map_err(failed)?;
        if !answer.status().is_success() {
            return Err(format!("it answers with status {}", answer.status().as_u16()));
        }
        let kind = answer.headers().get("Content-Type").and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case(REPLY) {
            return Err("it answers with something other than a time stamp".into());
        }
        let mut octets = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            octets.extend_from_slice(&chunk);
            if octets.len() > ANSWER_BYTES_MAX {
                return Err("its answer is too long".into());
            }
        }
        Ok(octets)
    }
}

impl Authority for HttpAuthority {
    /// Blocks: called from the pool of blocking threads.
    fn ask(&self, request: &[u8]) -> Result<Vec<u8>, String> {
        let handle = Handle::try_current().map_err(|_| "the server is stopping".to_owned())?;
        handle.block_on(self.post(request))
    }
}
