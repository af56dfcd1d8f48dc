//! `chancery serve`: everything wired together, and taken apart in order.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use catalog::{Catalog, SourceKind, SourceRow, SourceState, Tenant, TenantState};
use discovery::{Discovery, VaultArchive};
use identity::{Identity, SystemRandom};
use index::SearchIndex;
use intake::smtp::{IntakeFigures, SmtpServer, SmtpSettings};
use intake::tls::{TlsFiles, TlsStore};
use model::{Clock, HeaderRules, SourceId, TenantId};
use pipeline::{IndexFigures, LineParts, LineSettings, Pipeline, QuarantineDesk};
use spool::{Spool, SpoolKey, SpoolLimits};
use store::Vault;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::clock::{SystemClock, random};
use crate::commands::{print, tenant};
use crate::config::Config;
use crate::control::{self, ImportDesk, ImportWatch};
use crate::house::House;
use crate::router::CatalogRouter;
use crate::status::{Desk, ServerStatus};
use crate::web;

/// The tenant of a server that is started without any.
const FIRST_TENANT: &str = "Archive";
const FIRST_ADMINISTRATOR: &str = "admin";

/// How often expired rows of the catalog are removed.
const SWEEP_EVERY: Duration = Duration::from_secs(3600);

#[derive(clap::Args)]
pub struct Arguments {
    /// Listen for mail here instead of what the configuration says; may be given several times
    #[arg(long = "smtp-listen", value_name = "ADDRESS:PORT")]
    smtp_listen: Vec<SocketAddr>,
    /// Serve the web pages here; may be given several times
    #[arg(long = "http-listen", value_name = "ADDRESS:PORT")]
    http_listen: Vec<SocketAddr>,
    /// Serve the web pages in clear text, only on loopback
    #[arg(long)]
    http_clear: bool,
}

/// The line from the spool to the index, running; the part of the server that an import needs.
pub struct Line {
    pub folder: std::path::PathBuf,
    pub parts: LineParts,
    pub index_figures: Arc<IndexFigures>,
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
        let limits = SpoolLimits {
            bytes_max: config.spool.bytes_max,
            reserve_free_bytes: config.spool.free_bytes_min,
            mail_bytes_max: mail_bytes_max.unwrap_or(config.smtp.message_size_bytes_max),
            ..SpoolLimits::default()
        };
        let spool = Spool::open(&folder.join("spool"), &SpoolKey::new(id, secret), limits)
            .context("cannot open the spool")?;
        let watch = Arc::new(ImportWatch::default());
        let parts = LineParts {
            spool,
            vault: house.vault(&key)?,
            catalog,
            index: house.index()?,
            clock: Arc::new(SystemClock),
            watcher: Arc::clone(&watch) as Arc<dyn pipeline::Watcher>,
        };
        for tenant in parts.catalog.tenants()? {
            pipeline::write_info(&parts.vault, &*parts.catalog, tenant.id)?;
        }
        QuarantineDesk::new(parts.clone()).resume()?;
        let settings = LineSettings {
            batch_mails_max: config.pipeline.batch_mails_max,
            batch_bytes_max: config.pipeline.batch_bytes_max,
        };
        let pipeline = Pipeline::start(parts.clone(), settings)?;
        Ok(Self { folder, index_figures: pipeline.index_figures(), parts, watch, pipeline })
    }

    pub fn import_desk(&self) -> ImportDesk {
        ImportDesk {
            spool: self.parts.spool.clone(),
            clock: Arc::clone(&self.parts.clock),
            watch: Arc::clone(&self.watch),
        }
    }

    /// Ends the threads; what was archived is indexed. What waits in the spool waits there.
    pub fn stop(self) {
        self.pipeline.stop();
        self.parts.spool.close();
        if let Err(error) = self.parts.index.close() {
            tracing::warn!(%error, "the index was not closed in order; it is completed at the next start");
        }
    }
}

pub fn run(mut config: Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if !arguments.smtp_listen.is_empty() {
        config.smtp.listen.clone_from(&arguments.smtp_listen);
    }
    if !arguments.http_listen.is_empty() {
        config.http.listen.clone_from(&arguments.http_listen);
    }
    config.http.tls &= !arguments.http_clear;
    config.check()?;
    let house = House::open(&config)?;
    first_start(&*house.catalog, Arc::clone(&house.catalog), &host_name(&config.smtp))?;
    let socket = house.control_socket();
    let line = Line::start(&config, house, None)?;
    let stop_control = Arc::new(AtomicBool::new(false));
    control::listen(&socket, line.import_desk(), Arc::clone(&stop_control))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(serve(&config, &line));
    runtime.shutdown_timeout(Duration::from_secs(5));
    stop_control.store(true, Ordering::SeqCst);
    control::wake(&socket);
    let _ = std::fs::remove_file(&socket);
    line.stop();
    served?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

async fn serve(config: &Config, line: &Line) -> anyhow::Result<()> {
    let (stop, shutdown) = watch::channel(false);
    let tls = tls(config, line)?;
    let watching = tokio::spawn(tls.clone().watch(shutdown.clone()));
    let sweeping = tokio::spawn(sweep(Arc::clone(&line.parts.catalog), shutdown.clone()));
    let settings = SmtpSettings { host_name: host_name(&config.smtp), ..config.smtp.clone() };
    let smtp_listeners = intake::smtp::bind(&settings.listen)
        .with_context(|| format!("cannot listen for mail on {:?}", settings.listen))?;
    let smtp_addresses: Vec<_> =
        smtp_listeners.iter().filter_map(|it| it.local_addr().ok()).collect();
    let router = Arc::new(CatalogRouter::new(Arc::clone(&line.parts.catalog)));
    let clock = Arc::clone(&line.parts.clock);
    let smtp = SmtpServer::new(settings, router, Arc::new(line.parts.spool.clone()), clock, &tls)?;
    let routes = api::router(state(config, line, smtp.figures(), tls.clone())?);
    let acceptor = match config.http.tls {
        true => Some(TlsAcceptor::from(tls.server_config(&[b"h2", b"http/1.1"])?)),
        false => None,
    };
    let mut web_servers = Vec::new();
    let mut http_addresses = Vec::new();
    for address in &config.http.listen {
        let listener = tokio::net::TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot serve the web pages on {address}"))?;
        http_addresses.push(listener.local_addr()?);
        web_servers.push(tokio::spawn(web::serve(
            listener,
            acceptor.clone(),
            routes.clone(),
            shutdown.clone(),
        )));
    }
    let smtp = tokio::spawn(async move { smtp.run(smtp_listeners, shutdown).await });
    let scheme = if config.http.tls { "https" } else { "http" };
    for address in smtp_addresses {
        print(&format!("smtp {address}"));
    }
    for address in http_addresses {
        print(&format!("web {scheme}://{address}"));
    }
    print("ready");
    stopped().await?;
    tracing::info!("stopping");
    // Whoever listens sees this; the servers finish what is in progress.
    let _ = stop.send(true);
    let _ = smtp.await;
    for server in web_servers {
        let _ = server.await;
    }
    let _ = watching.await;
    let _ = sweeping.await;
    Ok(())
}

/// Removes expired sessions and forgotten counters from the catalog.
async fn sweep(catalog: Arc<dyn Catalog>, mut shutdown: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = async { drop(shutdown.wait_for(|stop| *stop).await) } => return,
        }
        let catalog = Arc::clone(&catalog);
        let swept = tokio::task::spawn_blocking(move || catalog.sweep(SystemClock.now())).await;
        if let Ok(Err(error)) = swept {
            tracing::warn!(%error, "expired sessions are not removed");
        }
    }
}

/// Until the process is asked to end.
async fn stopped() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

fn tls(config: &Config, line: &Line) -> anyhow::Result<TlsStore> {
    let files = match (&config.tls.certificate, &config.tls.key) {
        (Some(cert), Some(key)) => TlsFiles { cert: cert.clone(), key: key.clone() },
        _ => {
            let folder = line.folder.join("tls");
            std::fs::create_dir_all(&folder)?;
            TlsFiles { cert: folder.join("certificate.pem"), key: folder.join("key.pem") }
        }
    };
    let mut names = vec![host_name(&config.smtp), "localhost".to_owned(), "127.0.0.1".to_owned()];
    names.dedup();
    TlsStore::open(files, &names).context("cannot set up TLS")
}

fn state(
    config: &Config,
    line: &Line,
    intake: Arc<IntakeFigures>,
    tls: TlsStore,
) -> anyhow::Result<api::AppState> {
    let catalog: Arc<dyn Catalog> = Arc::clone(&line.parts.catalog);
    let index: Arc<dyn SearchIndex> = Arc::clone(&line.parts.index);
    let vault: Arc<Vault> = Arc::clone(&line.parts.vault);
    let archive = VaultArchive { vault, catalog: Arc::clone(&catalog) };
    let status = ServerStatus {
        begun: std::time::Instant::now(),
        parts: line.parts.clone(),
        index_figures: Arc::clone(&line.index_figures),
        intake,
        tls,
    };
    Ok(api::AppState {
        identity: Arc::new(Identity::new(Arc::clone(&catalog), Arc::new(SystemRandom))?),
        discovery: Arc::new(Discovery::new(Arc::clone(&catalog), index, Arc::new(archive))),
        trail: api::Trail::start(Arc::clone(&catalog))?,
        catalog,
        status: Arc::new(status),
        quarantine: Arc::new(Desk(QuarantineDesk::new(line.parts.clone()))),
        clock: Arc::clone(&line.parts.clock),
        settings: Arc::new(api::Settings { tls: config.http.tls, ..api::Settings::default() }),
        blocking: api::Blocking::default(),
    })
}

/// The configured name, else the machine's.
fn host_name(smtp: &SmtpSettings) -> String {
    if smtp.host_name != SmtpSettings::default().host_name {
        return smtp.host_name.clone();
    }
    let name = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { smtp.host_name.clone() } else { name.to_owned() }
}

/// A server without tenants and accounts gets one of each, and says so once.
fn first_start(catalog: &dyn Catalog, shared: Arc<dyn Catalog>, host: &str) -> anyhow::Result<()> {
    if !catalog.tenants()?.is_empty() {
        return Ok(());
    }
    let now = SystemClock.now();
    let domain =
        if host.contains('.') { host.to_lowercase() } else { "archive.invalid".to_owned() };
    let row = Tenant {
        id: TenantId::from_bytes(random()?),
        name: FIRST_TENANT.to_owned(),
        state: TenantState::Active,
        organisations: Vec::new(),
        archive_domains: vec![domain],
        created_at: now,
    };
    catalog.add_tenant(&row)?;
    let address = tenant::journal_address(&row)?;
    catalog.add_source(&SourceRow {
        id: SourceId::from_bytes(random()?),
        tenant: row.id,
        kind: SourceKind::Smtp,
        name: "Journal".to_owned(),
        address: Some(address.clone()),
        rules: HeaderRules::default(),
        state: SourceState::Active,
        created_at: now,
    })?;
    let identity = Identity::new(shared, Arc::new(SystemRandom))?;
    if let Some(one_time) = identity.ensure_first_administrator(row.id, FIRST_ADMINISTRATOR, now)? {
        // To standard output only, never into a log.
        print(&format!("journal address   {address}"));
        print(&format!("administrator     {FIRST_ADMINISTRATOR}"));
        print(&format!("one-time password {}", one_time.reveal()));
    }
    Ok(())
}
