//! The line from the spool to the index, opened from a data folder and kept running.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use api::dto::ServerSettings;
use catalog::SecretBox;
use discovery::{Discovery, MatterDesk, Takeout, VaultArchive};
use identity::directory::DirectoryDesk;
use identity::{Identity, SystemRandom};
use intake::fetch::run::Outcomes;
use ledger::Ledger;
use lifecycle::JobDesk;
use pipeline::{IndexFigures, LineParts, LineSettings, Pipeline, QuarantineDesk, Settled, Watcher};
use spool::{Spool, SpoolKey, SpoolLimits};

use crate::census::Census;
use crate::clock::{SystemClock, random};
use crate::commands::directory;
use crate::compacting::Compacting;
use crate::config::Config;
use crate::connect::Sightings;
use crate::control::{ImportWatch, ServerDesk};
use crate::fetching::{FetchWatch, ServerFetch};
use crate::house::House;
use crate::metrics::LineFigures;
use crate::operation::ServerOperation;
use crate::scrubbing::Scrubber;
use crate::sealing::{Sealer, SealingState};
use crate::settings::SettingsDesk;
use crate::tenancy::{self, TenantDesk};

/// The line from the spool to the index, running; the part of the server that an import needs.
pub struct Line {
    pub folder: std::path::PathBuf,
    pub parts: LineParts,
    pub index_figures: Arc<IndexFigures>,
    pub figures: Arc<LineFigures>,
    pub settings: Arc<SettingsDesk>,
    /// Set once everything listens.
    pub operation: Arc<OnceLock<Arc<ServerOperation>>>,
    pub jobs: Arc<JobDesk>,
    pub census: Arc<Census>,
    pub directories: Arc<DirectoryDesk>,
    pub discovery: Arc<Discovery>,
    /// Where fetched mail is told what became of it.
    pub outcomes: Arc<Outcomes>,
    /// Set once sources are read.
    pub fetch: Arc<OnceLock<Arc<ServerFetch>>>,
    pub takeout: Arc<Takeout>,
    /// Knows who may see what.
    pub identity: Arc<Identity>,
    /// Until it is started with the servers.
    sealer: Mutex<Option<Sealer>>,
    scrubber: Mutex<Option<Scrubber>>,
    compacting: Mutex<Option<Compacting>>,
    /// How the sealing goes.
    pub sealing: Arc<SealingState>,
    watch: Arc<ImportWatch>,
    pipeline: Pipeline,
}

impl Line {
    /// Opens spool, vault and index and starts the line.
    ///
    /// # Errors
    /// When another server runs on this folder, a key or a file is not what it should be.
    pub fn start(
        config: &Config,
        house: House,
        mail_bytes_max: Option<u64>,
    ) -> anyhow::Result<Self> {
        let House { folder, catalog } = house;
        let house = House { folder: folder.clone(), catalog: Arc::clone(&catalog) };
        let key = house.master_key()?;
        let (id, secret) = key.spool_secret();
        let secrets = Arc::new(SecretBox::new(&key.settings_secret())?);
        let settings = SettingsDesk::open(config, Arc::clone(&catalog), Some(secrets))?.started();
        let settings = Arc::new(settings);
        let limits = spool_limits(&settings.current(), mail_bytes_max);
        let spool = Spool::open(&folder.join("spool"), &SpoolKey::new(id, secret), limits)
            .context("cannot open the spool")?;
        let (watch, figures) = (Arc::new(ImportWatch::default()), Arc::default());
        let outcomes = Arc::new(Outcomes::default());
        let watchers = Watchers(vec![
            Arc::clone(&watch) as Arc<dyn Watcher>,
            Arc::clone(&figures) as Arc<dyn Watcher>,
            Arc::new(Sightings::new(Arc::clone(&catalog))),
            Arc::new(FetchWatch(Arc::clone(&outcomes))),
        ]);
        let parts = LineParts {
            spool,
            vault: house.vault(&key)?,
            catalog,
            index: house.index()?,
            clock: Arc::new(SystemClock),
            watcher: Arc::new(watchers),
        };
        if let Err(error) = lifecycle::resume_removals(&tenancy::removal_parts(&parts)) {
            let error = pipeline::Error::chain(&error);
            tracing::error!(
                error,
                "a removal is not complete; it is tried again at the next start"
            );
        }
        for tenant in parts.catalog.tenants()? {
            // A tenant that is out of service does not keep the others from it.
            if let Err(error) = pipeline::write_info(&parts.vault, &*parts.catalog, tenant.id) {
                let error = pipeline::Error::chain(&error);
                tracing::error!(tenant.id = %tenant.id, error, "the vault does not know the tenant's settings");
            }
        }
        QuarantineDesk::new(parts.clone()).resume()?;
        let batches = LineSettings {
            batch_mails_max: config.pipeline.batch_mails_max,
            batch_bytes_max: config.pipeline.batch_bytes_max,
        };
        let sealing = Arc::default();
        let sealer = Sealer::of(&config.evidence, &key, &parts.vault, &parts.catalog, &sealing)?;
        let scrubber = Scrubber::of(&config.evidence, &key, &parts);
        let compacting = Compacting::of(&config.storage, &parts);
        let jobs = JobDesk::open(Arc::clone(&parts.catalog), Arc::clone(&parts.clock))?;
        let directories = Arc::new(directory::desk(&parts.catalog, &key)?);
        let discovery = {
            let (vault, catalog) = (Arc::clone(&parts.vault), Arc::clone(&parts.catalog));
            let archive = Arc::new(VaultArchive { vault, catalog: Arc::clone(&catalog) });
            Arc::new(Discovery::new(catalog, Arc::clone(&parts.index), archive))
        };
        let identity = Identity::new(Arc::clone(&parts.catalog), Arc::new(SystemRandom))?;
        let identity = Arc::new(identity);
        let ledger = Ledger::new(Arc::clone(&parts.vault), Arc::clone(&parts.catalog))
            .trusting(config.evidence.read_trusted_lists()?);
        let takeout = Arc::new(Takeout {
            catalog: Arc::clone(&parts.catalog),
            ledger: Arc::new(ledger),
            draw: Arc::new(|| random().ok()),
            secrets: Arc::new(SecretBox::new(&key.settings_secret())?),
            folder: folder.join("exports"),
        });
        let pipeline = Pipeline::start(parts.clone(), batches)?;
        Ok(Self {
            folder,
            census: Census::new(parts.clone(), pipeline.index_figures()),
            index_figures: pipeline.index_figures(),
            parts,
            figures,
            settings,
            operation: Arc::default(),
            jobs,
            directories,
            discovery,
            outcomes,
            fetch: Arc::default(),
            takeout,
            identity,
            sealer: Mutex::new(Some(sealer)),
            scrubber: Mutex::new(Some(scrubber)),
            compacting: Mutex::new(Some(compacting)),
            sealing,
            watch,
            pipeline,
        })
    }

    /// What seals the ledgers, once.
    pub fn take_sealer(&self) -> Option<Sealer> {
        self.sealer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What reads all octets again, once.
    pub fn take_scrubber(&self) -> Option<Scrubber> {
        self.scrubber.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What writes packs anew, once.
    pub fn take_compacting(&self) -> Option<Compacting> {
        self.compacting.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub fn server_desk(&self) -> ServerDesk {
        ServerDesk {
            spool: self.parts.spool.clone(),
            vault: Arc::clone(&self.parts.vault),
            clock: Arc::clone(&self.parts.clock),
            watch: Arc::clone(&self.watch),
            folder: self.folder.clone(),
            catalog: Arc::clone(&self.parts.catalog),
            pause: self.pipeline.pause(),
            operation: Arc::clone(&self.operation),
            fetch: Arc::clone(&self.fetch),
            quarantine: QuarantineDesk::new(self.parts.clone()),
            tenants: Arc::new(self.tenant_desk()),
            matters: Arc::new(self.matter_desk()),
            takeout: Arc::clone(&self.takeout),
        }
    }

    pub fn matter_desk(&self) -> MatterDesk {
        MatterDesk {
            catalog: Arc::clone(&self.parts.catalog),
            vault: Arc::clone(&self.parts.vault),
            draw: Arc::new(|| random().ok()),
        }
    }

    pub fn tenant_desk(&self) -> TenantDesk {
        TenantDesk {
            parts: self.parts.clone(),
            jobs: Arc::clone(&self.jobs),
            census: Arc::clone(&self.census),
            index_figures: Arc::clone(&self.index_figures),
            exports: self.folder.join("exports"),
        }
    }

    /// Waits until nothing is on its way into the archive; gives up after `tries_max` looks.
    pub fn wait_until_settled(&self, tries_max: u32, pause: Duration) {
        for _ in 0..tries_max {
            let spool = self.parts.spool.state();
            if spool.waiting + spool.claimed + spool.delayed == 0 {
                return;
            }
            std::thread::sleep(pause);
        }
    }

    /// Whether the threads make progress.
    pub fn heartbeat(&self) -> pipeline::Heartbeat {
        self.pipeline.heartbeat()
    }

    /// Ends the threads; what was archived is indexed. What waits in the spool waits there.
    pub fn stop(self) {
        self.jobs.stop();
        self.pipeline.stop();
        self.parts.spool.close();
        if let Err(error) = self.parts.index.close() {
            tracing::warn!(%error, "the index was not closed in order; it is completed at the next start");
        }
    }
}

/// Passes what happened on to all.
struct Watchers(Vec<Arc<dyn Watcher>>);

impl Watcher for Watchers {
    fn settled(&self, all: &[Settled]) {
        self.0.iter().for_each(|watcher| watcher.settled(all));
    }
}

/// `mail_bytes_max` stands in for the setting: imports take larger mails.
pub fn spool_limits(settings: &ServerSettings, mail_bytes_max: Option<u64>) -> SpoolLimits {
    SpoolLimits {
        bytes_max: settings.spool.bytes_max,
        reserve_free_bytes: settings.spool.free_bytes_min,
        mail_bytes_max: mail_bytes_max.unwrap_or(settings.smtp.message_size_bytes_max),
        ..SpoolLimits::default()
    }
}
