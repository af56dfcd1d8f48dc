//! Seals the tenants' ledgers while the server runs: by a time-stamp authority (RFC 3161 over HTTP),
//! or under the archive's own key.

mod authority;
mod renewals;
mod state;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use catalog::{Catalog, Tenant};
use evidence::{HashAlgorithm, LocalKey};
use ledger::{How, Ledger, LedgerError};
use model::{Clock as _, TenantId, Timestamp};
use store::{MasterKey, Vault};
use tokio::sync::watch;

use crate::clock::SystemClock;
use crate::config::{Evidence, RevocationPolicy};
use authority::Authorities;
pub use renewals::Schedule;
pub use state::SealingState;

/// Batches of one tenant that one round seals; the next round goes on.
const BATCHES_PER_ROUND: usize = 100;
/// How soon the vault has the notes of events that are not about mail.
const FLUSH_EVERY: Duration = Duration::from_secs(5);
/// Events of the audit log that are looked through at once.
const READINGS_PAGE: u32 = 10_000;
/// Batches that are looked through at once for local seals that wait for a stamp.
const PAGE: u32 = 1000;

/// Seals everything that waits, every so often.
pub struct Sealer {
    every: Duration,
    ledger: Ledger,
    catalog: Arc<dyn Catalog>,
    authorities: Authorities,
    require_revocation: bool,
    double: bool,
    schedule: Schedule,
    key: LocalKey,
    /// Whether the archive's own key seals where no authority does.
    local: bool,
    state: Arc<SealingState>,
}

impl Schedule {
    /// # Errors
    /// Names the setting that is no hash algorithm or no time.
    pub fn of(settings: &Evidence) -> anyhow::Result<Self> {
        let digest = |name: &str| {
            HashAlgorithm::from_name(name)
                .with_context(|| format!("evidence names {name:?}: sha256, sha384 or sha512"))
        };
        let mut ends = Vec::new();
        for (name, at) in &settings.ends {
            let at = format!("{at}T00:00:00Z");
            let at: Timestamp = at.parse().ok().with_context(|| {
                format!("evidence.ends.{name} is no day such as \"2035-12-31\"")
            })?;
            ends.push((digest(name)?, at));
        }
        let before_days = settings.renew_before_days;
        Ok(Self { before_days, ends, digest: digest(&settings.digest)? })
    }
}

impl Sealer {
    /// Without an authority the archive's own key seals.
    ///
    /// # Errors
    /// When the anchors or a password cannot be read, or an address is none.
    pub fn of(
        settings: &Evidence,
        key: &MasterKey,
        vault: &Arc<Vault>,
        catalog: &Arc<dyn Catalog>,
        state: &Arc<SealingState>,
    ) -> anyhow::Result<Self> {
        let authorities = Authorities::of(settings)?;
        let local = settings.local_seals || authorities.is_empty();
        let key = LocalKey::from_seed(&key.sealing_secret()[..])?;
        let schedule = Schedule::of(settings)?;
        let ledger = Ledger::new(Arc::clone(vault), Arc::clone(catalog)).under(schedule.digest);
        Ok(Self {
            every: Duration::from_secs(settings.every_seconds.max(1)),
            ledger,
            catalog: Arc::clone(catalog),
            authorities,
            require_revocation: settings.revocation == RevocationPolicy::Require,
            double: settings.double,
            schedule,
            key,
            local,
            state: Arc::clone(state),
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
            let now = SystemClock.now();
            let went = self.tenant(tenant.id);
            if let Err(error) = &went {
                tracing::warn!(tenant.id = %tenant.id, error, "the ledger is not sealed; it is tried again");
            }
            self.state.sealed(tenant.id, went, now);
            self.report(&tenant, now);
            if self.authorities.is_empty() {
                continue;
            }
            let went = self.renew(tenant.id, SystemClock.now());
            let went = went.map_err(|error| pipeline::Error::chain(&error));
            if let Err(error) = &went {
                tracing::warn!(tenant.id = %tenant.id, error, "evidence is not renewed; it is tried again");
            }
            self.state.renewed(tenant.id, went, SystemClock.now());
        }
    }

    /// Last month's completeness report, signed with the archive's key.
    fn report(&self, tenant: &Tenant, now: Timestamp) {
        let Some(month) = lifecycle::month_before(now) else { return };
        let sign = |octets: &[u8], at: Timestamp| {
            self.key.seal(HashAlgorithm::Sha256, octets, at).to_der()
        };
        match lifecycle::make_report(&*self.catalog, tenant, &month, now, &sign) {
            Ok(true) => tracing::info!(tenant.id = %tenant.id, month, "the month's report is made"),
            Ok(false) => {}
            Err(error) => {
                let error = pipeline::Error::chain(&error);
                tracing::warn!(tenant.id = %tenant.id, error, "the month's report waits");
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

    /// An error is text. With local seals an authority that fails is an error, too, but nothing waits.
    fn tenant(&self, tenant: TenantId) -> Result<(), String> {
        let text = |error: LedgerError| pipeline::Error::chain(&error);
        while self.catalog.append_readings(tenant, READINGS_PAGE).map_err(|it| text(it.into()))? {}
        let mut trouble = None;
        if !self.authorities.is_empty() {
            trouble = self.stamp_local_seals(tenant).err().map(text);
        }
        for _ in 0..BATCHES_PER_ROUND {
            match self.seal(tenant, &mut trouble).map_err(text)? {
                true => {}
                false => break,
            }
        }
        trouble.map_or(Ok(()), Err)
    }

    /// Returns whether something was sealed.
    fn seal(&self, tenant: TenantId, trouble: &mut Option<String>) -> Result<bool, LedgerError> {
        let now = SystemClock.now();
        let by_authority = match self.authorities.is_empty() {
            true => None,
            false => Some(self.stamped(|how| self.ledger.seal(tenant, now, how))),
        };
        let sealed = match (by_authority, self.local.then_some(&self.key)) {
            (
                Some(Err(error @ (LedgerError::Authority(_) | LedgerError::Evidence(_)))),
                Some(key),
            ) => {
                let why = pipeline::Error::chain(&error);
                tracing::warn!(tenant.id = %tenant, why, "sealed by the archive alone for now");
                *trouble = Some(why);
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
                let now = SystemClock.now();
                self.stamped(|how| self.ledger.stamp_later(tenant, batch.number, now, how))?;
                tracing::info!(tenant.id = %tenant, batch = batch.number, "a local seal is stamped");
            }
            after = last;
        }
    }

    fn stamped<T>(&self, work: impl FnOnce(&How<'_>) -> T) -> T {
        let authorities = self.authorities.asked();
        let require_revocation = self.require_revocation;
        let double = self.double;
        work(&How::Stamp { authorities: &authorities, nonce: &nonce, require_revocation, double })
    }
}

/// A random number that is used once.
fn nonce() -> u64 {
    let mut octets = [0; 8];
    match SystemRandom::new().fill(&mut octets) {
        Ok(()) => u64::from_be_bytes(octets),
        // Still another one each time; an answer is checked in all other ways.
        Err(_) => SystemClock.now().as_micros().unsigned_abs(),
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
