//! Certificates and TLS settings, shared by the SMTP listener and HTTPS: TLS 1.2 and 1.3 only,
//! certificate and key from PEM files, taken anew when they change, made at first start.

mod facts;
mod files;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
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
    files: TlsFiles,
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
            files,
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
        let stamp = shared.files.stamp();
        if stamp == *tried {
            return Ok(false);
        }
        *tried = stamp;
        let loaded = shared.files.load(&shared.provider)?;
        shared.current.store(Arc::new(loaded));
        Ok(true)
    }

    /// Looks at the files every [`RELOAD_SECONDS`] until `shutdown` turns true or its sender is
    /// gone. Logs what it does.
    pub async fn watch(self, mut shutdown: watch::Receiver<bool>) {
        let mut ticks = tokio::time::interval(Duration::from_secs(RELOAD_SECONDS));
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = shutdown.wait_for(|stop| *stop) => return,
            }
            let store = self.clone();
            let outcome = tokio::task::spawn_blocking(move || store.reload_if_changed()).await;
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
