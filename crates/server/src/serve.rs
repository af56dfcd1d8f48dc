//! `chancery serve`: everything wired together, and taken apart in order.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use api::LiveLog;
use api::dto::{self, ServerSettings};
use catalog::{Catalog, SecretBox};
use identity::directory::Schedule;
use identity::oidc::HttpWeb;
use identity::{DirectorySignIn, Identity, Site, SystemRandom};
use intake::smtp::{IntakeFigures, SmtpServer, SmtpSettings};
use intake::tls::{TlsFiles, TlsStore};
use model::Clock;
use pipeline::QuarantineDesk;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::census::Census;
use crate::clock::SystemClock;
use crate::commands::print;
use crate::config::Config;
use crate::connect::Connect;
use crate::control::{self};
use crate::fetching::ServerFetch;
use crate::house::House;
use crate::line::{Line, spool_limits};
use crate::logs::{Logging, Retention};
use crate::notify::Smarthost;
use crate::operation::ServerOperation;
use crate::router::CatalogRouter;
use crate::status::{Desk, ServerStatus};
use crate::{chores, settings, systemd, web};

/// The tenant of a server that is started without any.
const FIRST_TENANT: &str = "Archive";
const FIRST_ADMINISTRATOR: &str = "admin";

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

/// The command line fixes what it names, as the configuration file does.
fn fix(config: &mut Config, arguments: &Arguments) {
    let list = |all: &[SocketAddr]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    if !arguments.smtp_listen.is_empty() {
        config.fix("smtp", "listen", list(&arguments.smtp_listen));
    }
    if !arguments.http_listen.is_empty() {
        config.fix("http", "listen", list(&arguments.http_listen));
    }
    if arguments.http_clear {
        config.fix("http", "tls", false);
    }
}

pub fn run(
    mut config: Config,
    arguments: &Arguments,
    logging: Logging,
) -> anyhow::Result<ExitCode> {
    fix(&mut config, arguments);
    let house = House::open(&config)?;
    first_start(&*house.catalog, Arc::clone(&house.catalog), &host_name(&config.smtp.host_name))?;
    let socket = house.control_socket();
    let line = Line::start(&config, house, None)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let fetch = Arc::new(ServerFetch::start(&line, &line.outcomes, runtime.handle())?);
    let _ = line.fetch.set(Arc::clone(&fetch));
    let stop_control = Arc::new(AtomicBool::new(false));
    control::listen(&socket, line.server_desk(), Arc::clone(&stop_control))?;
    let schedule = Schedule::start(Arc::clone(&line.directories))?;
    let served = runtime.block_on(serve(&line, logging));
    // What was read is archived while the line still runs.
    fetch.stop();
    runtime.shutdown_timeout(Duration::from_secs(5));
    stop_control.store(true, Ordering::SeqCst);
    control::wake(&socket);
    let _ = std::fs::remove_file(&socket);
    drop(schedule);
    line.stop();
    served?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

async fn serve(line: &Line, logging: Logging) -> anyhow::Result<()> {
    let (stop, shutdown) = watch::channel(false);
    let settings = line.settings.current();
    let tls = tls(&settings, line)?;
    let mut chores = chores::start(line, &tls, &shutdown);
    let smtp_settings = settings::smtp(&settings);
    let smtp_listeners = intake::smtp::bind(&smtp_settings.listen)
        .with_context(|| format!("cannot listen for mail on {:?}", smtp_settings.listen))?;
    let smtp_addresses: Vec<_> =
        smtp_listeners.iter().filter_map(|it| it.local_addr().ok()).collect();
    let clock = Arc::clone(&line.parts.clock);
    let spool = Arc::new(line.parts.spool.clone());
    let catalog = Arc::clone(&line.parts.catalog);
    let router = CatalogRouter::new(catalog, Arc::clone(&clock), used(&line.census));
    let smtp = SmtpServer::new(smtp_settings, Arc::new(router), spool, clock, &tls)?;
    follow_settings(line, &smtp, &tls, logging.retention);
    let operation = Arc::new(operation(line, smtp.figures(), &tls, Arc::clone(&logging.live)));
    let routes = api::router(state(line, smtp.figures(), &tls, &operation)?);
    let acceptor = match settings.http.tls {
        true => Some(TlsAcceptor::from(tls.server_config(&[b"h2", b"http/1.1"])?)),
        false => None,
    };
    let mut web_servers = Vec::new();
    let mut http_addresses = Vec::new();
    for address in &settings.http.listen {
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
    let scheme = if settings.http.tls { "https" } else { "http" };
    let _ = line.operation.set(Arc::clone(&operation));
    announce(&operation, scheme, &smtp_addresses, &http_addresses);
    // Whoever reads that the server is ready may end it at once.
    let signals = Signals::new()?;
    print("ready");
    systemd::ready();
    signals.wait().await;
    tracing::info!("stopping");
    systemd::stopping();
    // Whoever listens sees this; the servers finish what is in progress.
    let _ = stop.send(true);
    logging.live.close();
    let _ = smtp.await;
    for server in web_servers {
        let _ = server.await;
    }
    while chores.join_next().await.is_some() {}
    Ok(())
}

/// Says on standard output where the server listens; programs that start it read this.
fn announce(operation: &ServerOperation, scheme: &str, smtp: &[SocketAddr], http: &[SocketAddr]) {
    let mut listeners = Vec::new();
    let mut note = |protocol: &str, address: &SocketAddr| {
        let (protocol, address) = (protocol.to_owned(), address.to_string());
        listeners.push(dto::Listener { protocol, address });
    };
    for address in smtp {
        print(&format!("smtp {address}"));
        note("smtp", address);
    }
    for address in http {
        print(&format!("web {scheme}://{address}"));
        note(scheme, address);
    }
    if let Ok(mut known) = operation.listeners.lock() {
        *known = listeners;
    }
}

/// Puts changed settings to use.
fn follow_settings(line: &Line, smtp: &SmtpServer, tls: &TlsStore, retention: Arc<Retention>) {
    let (smtp, spool, tls) = (smtp.clone(), line.parts.spool.clone(), tls.clone());
    let own = own_files(&line.folder);
    line.settings.follow(move |settings| {
        smtp.change_settings(settings::smtp(settings));
        spool.set_limits(spool_limits(settings, None));
        retention.change(settings.log.retention_days);
        let files = settings::tls_files(settings).unwrap_or_else(|| own.clone());
        if let Err(error) = tls.change_files(files) {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the certificate of the settings is not usable, the old one stays in use"
            );
        }
    });
}

/// What a hard quota is compared with.
fn used(census: &Arc<Census>) -> crate::router::Used {
    let census = Arc::clone(census);
    Box::new(move |tenant| {
        let space = census.space(tenant);
        space.packs + space.keys
    })
}

/// What asks the process to end; from the moment that it is made.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn wait(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

pub fn own_files(folder: &Path) -> TlsFiles {
    let folder = folder.join("tls");
    TlsFiles { cert: folder.join("certificate.pem"), key: folder.join("key.pem") }
}

fn tls(settings: &ServerSettings, line: &Line) -> anyhow::Result<TlsStore> {
    let files = settings::tls_files(settings).unwrap_or_else(|| own_files(&line.folder));
    let host = settings::smtp(settings).host_name;
    let mut names = vec![host, "localhost".to_owned(), "127.0.0.1".to_owned()];
    names.dedup();
    TlsStore::open(files, &names).context("cannot set up TLS")
}

fn operation(
    line: &Line,
    intake: Arc<IntakeFigures>,
    tls: &TlsStore,
    live_log: Arc<LiveLog>,
) -> ServerOperation {
    ServerOperation {
        sealing: Arc::clone(&line.sealing),
        folder: line.folder.clone(),
        begun: std::time::Instant::now(),
        started_at: line.parts.clock.now(),
        census: Arc::clone(&line.census),
        parts: line.parts.clone(),
        index_figures: Arc::clone(&line.index_figures),
        intake,
        line: Arc::clone(&line.figures),
        http: Arc::default(),
        live_log,
        tls: tls.clone(),
        settings: Arc::clone(&line.settings),
        connect: Connect {
            catalog: Arc::clone(&line.parts.catalog),
            tls: tls.clone(),
            last: Mutex::default(),
        },
        smarthost: Smarthost { settings: Arc::clone(&line.settings) },
        listeners: Mutex::default(),
        fetch: Arc::clone(&line.fetch),
    }
}

/// How browsers reach the server, if that was said.
fn site(public_url: &str) -> Option<Site> {
    if public_url.is_empty() {
        return None;
    }
    let site = Site::parse(public_url);
    site.inspect_err(|error| tracing::warn!(%error, "http.publicUrl is not used")).ok()
}

fn state(
    line: &Line,
    intake: Arc<IntakeFigures>,
    tls: &TlsStore,
    operation: &Arc<ServerOperation>,
) -> anyhow::Result<api::AppState> {
    let catalog: Arc<dyn Catalog> = Arc::clone(&line.parts.catalog);
    let status = ServerStatus {
        begun: operation.begun,
        census: Arc::clone(&line.census),
        parts: line.parts.clone(),
        index_figures: Arc::clone(&line.index_figures),
        intake,
        tls: tls.clone(),
    };
    let tls = line.settings.current().http.tls;
    let house = House { folder: line.folder.clone(), catalog: Arc::clone(&catalog) };
    let identity = Identity::new(Arc::clone(&catalog), Arc::new(SystemRandom))?
        .with_secrets(SecretBox::new(&house.master_key()?.settings_secret())?)
        .with_directory(Arc::clone(&line.directories) as Arc<dyn DirectorySignIn>)
        .with_web(Arc::new(HttpWeb::new(tokio::runtime::Handle::current())));
    let identity = Arc::new(identity);
    let sited = Arc::clone(&identity);
    line.settings.follow(move |settings| sited.set_site(site(&settings.http.public_url)));
    let takeout = Arc::clone(&line.takeout);
    Ok(api::AppState {
        identity,
        takeout,
        directories: Arc::clone(&line.directories),
        discovery: Arc::clone(&line.discovery),
        fetching: Arc::clone(line.fetch.get().context("sources are not read")?) as _,
        matters: Arc::new(line.matter_desk()),
        trail: api::Trail::start(Arc::clone(&catalog))?,
        catalog,
        status: Arc::new(status),
        quarantine: Arc::new(Desk(QuarantineDesk::new(line.parts.clone()))),
        tenants: Arc::new(line.tenant_desk()),
        clock: Arc::clone(&line.parts.clock),
        settings: Arc::new(api::Settings { tls, ..api::Settings::default() }),
        blocking: api::Blocking::default(),
        live_log: Arc::clone(&operation.live_log),
        http: Arc::clone(&operation.http),
        operation: Arc::clone(operation) as Arc<dyn api::Operation>,
    })
}

/// The configured name, else the machine's.
pub fn host_name(configured: &str) -> String {
    if configured != SmtpSettings::default().host_name {
        return configured.to_owned();
    }
    let name = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { configured.to_owned() } else { name.to_owned() }
}

/// A server without tenants and accounts gets one of each, and says so once.
fn first_start(catalog: &dyn Catalog, shared: Arc<dyn Catalog>, host: &str) -> anyhow::Result<()> {
    // Where there is an operator, or was a tenant, somebody decides about tenants.
    let begun = !catalog.tenants()?.is_empty()
        || !catalog.removals()?.is_empty()
        || !catalog.accounts(None)?.is_empty();
    if begun {
        return Ok(());
    }
    let now = SystemClock.now();
    let domain =
        if host.contains('.') { host.to_lowercase() } else { "archive.invalid".to_owned() };
    let identity = Identity::new(shared, Arc::new(SystemRandom))?;
    let tenant = identity.draw_tenant(FIRST_TENANT, &domain, now);
    let first = identity.add_tenant(tenant, FIRST_ADMINISTRATOR, now)?;
    let address = first.source.address.map_or_else(String::new, |it| it.to_string());
    // To standard output only, never into a log.
    print(&format!("journal address   {address}"));
    print(&format!("administrator     {FIRST_ADMINISTRATOR}"));
    print(&format!("one-time password {}", first.one_time.reveal()));
    Ok(())
}
