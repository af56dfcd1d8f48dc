//! Certificates and TLS settings, shared by the SMTP listener and HTTPS: TLS 1.2 and 1.3 only,
//! certificate and key from PEM files, taken anew when they change, made at first start.

mod facts;
mod files;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use model::{Clock, Timestamp};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::watch;

pub use facts::CertificateFacts;

/// How often the files are looked at, in seconds.
pub const RELOAD_SECONDS: u64 = 5;

/// The largest certificate or key file that is read, in bytes.
pub const PEM_BYTES_MAX: u64 = 1024 * 1024;

/// A self-signed certificate is valid for so many days (the most that clients accept of others).
pub const SELF_SIGNED_DAYS: i64 = 397;

/// It is replaced so many days before its end.
pub const RENEW_DAYS: i64 = 30;

/// Certificates that end later than this were made without an end: the year 4000.
const ENDLESS: Timestamp = Timestamp::from_seconds(64_060_588_800);

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot make the certificate {path}")]
    Create { path: PathBuf, source: rcgen::Error },
    #[error(
        "only one of {cert} and {key} exists: put both there, or remove both to get a self-signed pair"
    )]
    HalfPair { cert: PathBuf, key: PathBuf },
    #[error("certificate {cert} and key {key} do not work together: {reason}")]
    Mismatch { cert: PathBuf, key: PathBuf, reason: String },
    #[error("no certificate in {path}: it must hold PEM blocks, the server's own first")]
    NoCertificate { path: PathBuf },
    #[error("no private key in {path}: it must hold one PEM block, not encrypted")]
    NoKey { path: PathBuf },
    #[error("cannot read {path}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot set up TLS")]
    Setup(#[source] rustls::Error),
    #[error("cannot write {path}")]
    Write { path: PathBuf, source: std::io::Error },
}

/// Where certificate and key stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain in PEM, the server's own certificate first.
    pub cert: PathBuf,
    /// Its private key in PEM (PKCS#8, PKCS#1 or SEC1), not encrypted.
    pub key: PathBuf,
}

/// The pair in use. Clones share it: a reload is seen by every listener at its next handshake.
#[derive(Clone, Debug)]
pub struct TlsStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    files: ArcSwap<TlsFiles>,
    /// For the self-signed pair.
    names: Vec<String>,
    provider: Arc<CryptoProvider>,
    current: ArcSwap<Loaded>,
    /// What the files looked like when they were last tried, good or bad.
    tried: Mutex<files::Stamp>,
}

#[derive(Debug)]
pub(crate) struct Loaded {
    key: Arc<CertifiedKey>,
    facts: CertificateFacts,
}

impl TlsStore {
    /// Loads the pair. When neither file exists, a self-signed pair for `names` (host names or
    /// IP addresses) is written first, the key readable by its owner only. `names` must hold
    /// one name or more.
    ///
    /// Reads and writes files: not for the async executor.
    pub fn open(files: TlsFiles, names: &[String]) -> Result<Self, TlsError> {
        if files.missing()? {
            files.create_self_signed(names)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let stamp = files.stamp();
        let loaded = files.load(&provider)?;
        let shared = Shared {
            files: ArcSwap::from_pointee(files),
            names: names.to_vec(),
            provider,
            current: ArcSwap::from_pointee(loaded),
            tried: Mutex::new(stamp),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Settings for one listener: TLS 1.2 and 1.3, no client certificate asked for, `alpn` as
    /// given (`h2`, `http/1.1` for HTTPS, none for SMTP). Follows reloads by itself.
    pub fn server_config(&self, alpn: &[&[u8]]) -> Result<Arc<ServerConfig>, TlsError> {
        let mut config = ServerConfig::builder_with_provider(self.shared.provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(TlsError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(self.shared.clone());
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().map_err(TlsError::Setup)?;
        Ok(Arc::new(config))
    }

    /// What the status page shows of the certificate in use.
    pub fn facts(&self) -> CertificateFacts {
        self.shared.current.load().facts.clone()
    }

    /// Takes the files anew when they changed since they were last tried; `true` when a new pair
    /// is in use. A broken pair is an error once and the old pair stays in use; the files are
    /// tried again when they change again.
    pub fn reload_if_changed(&self) -> Result<bool, TlsError> {
        let shared = &self.shared;
        let mut tried = shared.tried.lock().unwrap_or_else(PoisonError::into_inner);
        let files = shared.files.load_full();
        let stamp = files.stamp();
        if stamp == *tried {
            return Ok(false);
        }
        *tried = stamp;
        let loaded = files.load(&shared.provider)?;
        shared.current.store(Arc::new(loaded));
        Ok(true)
    }

    /// Uses another pair from now on; a self-signed one is made when neither file exists. The old
    /// pair stays in use when the new one is broken.
    ///
    /// Reads and writes files: not for the async executor.
    pub fn change_files(&self, files: TlsFiles) -> Result<(), TlsError> {
        let shared = &self.shared;
        let mut tried = shared.tried.lock().unwrap_or_else(PoisonError::into_inner);
        if **shared.files.load() == files {
            return Ok(());
        }
        if files.missing()? {
            files.create_self_signed(&shared.names)?;
        }
        let stamp = files.stamp();
        let loaded = files.load(&shared.provider)?;
        *tried = stamp;
        shared.files.store(Arc::new(files));
        shared.current.store(Arc::new(loaded));
        Ok(())
    }

    /// Replaces a self-signed pair that was made here and is about to end; `true` when it was.
    /// The next [`TlsStore::reload_if_changed`] puts it to use. Certificates of others are never
    /// touched.
    pub fn renew_if_due(&self, now: Timestamp) -> Result<bool, TlsError> {
        let files = self.shared.files.load_full();
        let ends = self.facts().not_after;
        let due = now.saturating_add_seconds(RENEW_DAYS * 86_400) >= ends || ends >= ENDLESS;
        if !due || !files.is_made_here()? {
            return Ok(false);
        }
        files.replace_self_signed(&self.shared.names)?;
        Ok(true)
    }

    /// Looks at the files every [`RELOAD_SECONDS`] until `shutdown` turns true or its sender is
    /// gone. Logs what it does.
    pub async fn watch(self, clock: Arc<dyn Clock>, mut shutdown: watch::Receiver<bool>) {
        let mut ticks = tokio::time::interval(Duration::from_secs(RELOAD_SECONDS));
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = shutdown.wait_for(|stop| *stop) => return,
            }
            let (store, now) = (self.clone(), clock.now());
            let look = move || {
                store.renew_if_due(now)?;
                store.reload_if_changed()
            };
            let outcome = tokio::task::spawn_blocking(look).await;
            match outcome {
                Ok(Ok(true)) => {
                    let facts = self.facts();
                    tracing::info!(not_after = %facts.not_after, "certificate reloaded");
                }
                Ok(Ok(false)) => {}
                Ok(Err(error)) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "new certificate not usable, the old one stays in use"
                ),
                // The runtime is shutting down.
                Err(_) => return,
            }
        }
    }
}

impl ResolvesServerCert for Shared {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load().key.clone())
    }
}
