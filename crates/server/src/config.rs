//! The configuration file: only what must be known before the catalog is open.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use intake::smtp::SmtpSettings;
use serde::Deserialize;

/// `chancery.toml`. Every key has a default; a key that is not known is an error.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The folder that holds everything; `./chancery-data` when absent.
    pub data: Option<PathBuf>,
    pub smtp: SmtpSettings,
    pub http: Http,
    pub tls: Tls,
    pub spool: Spool,
    pub pipeline: Pipeline,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    pub listen: Vec<SocketAddr>,
    /// HTTPS; `false` is for a reverse proxy on the same machine and only allowed on loopback.
    pub tls: bool,
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: vec![SocketAddr::from(([0, 0, 0, 0], 8443))], tls: true }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// PEM file with the certificate and its chain; made self-signed at first start when absent.
    pub certificate: Option<PathBuf>,
    /// PEM file with the private key.
    pub key: Option<PathBuf>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spool {
    /// Above this many bytes of waiting mail the listener answers `452`.
    pub bytes_max: u64,
    /// Below this much free space on the disk the listener answers `452`.
    pub free_bytes_min: u64,
}

impl Default for Spool {
    fn default() -> Self {
        Self { bytes_max: 20 * 1024 * 1024 * 1024, free_bytes_min: 1024 * 1024 * 1024 }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pipeline {
    /// Mails in one batch at most.
    pub batch_mails_max: usize,
    /// Octets of mail in one batch at most; one larger mail makes a batch of its own.
    pub batch_bytes_max: u64,
}

impl Default for Pipeline {
    fn default() -> Self {
        Self { batch_mails_max: 512, batch_bytes_max: 32 * 1024 * 1024 }
    }
}

impl Config {
    /// Reads `path`; without one, `chancery.toml` in the working folder if it is there.
    ///
    /// # Errors
    /// When the file cannot be read, is no TOML, or holds an unknown key.
    pub fn read(path: Option<&Path>) -> anyhow::Result<Self> {
        let default = Path::new("chancery.toml");
        let Some(path) = path.or_else(|| default.exists().then_some(default)) else {
            return Ok(Self::default());
        };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration {}", path.display()))?;
        let config: Self = toml::from_str(&text)
            .with_context(|| format!("the configuration {} is not valid", path.display()))?;
        config.check()?;
        Ok(config)
    }

    /// Refuses what would be unsafe or cannot work.
    ///
    /// # Errors
    /// Names the setting and what to do.
    pub fn check(&self) -> anyhow::Result<()> {
        if !self.http.tls
            && let Some(address) = self.http.listen.iter().find(|it| !it.ip().is_loopback())
        {
            anyhow::bail!(
                "http.tls = false is only allowed on loopback, but http.listen has {address}: \
                 listen on 127.0.0.1 behind a proxy, or switch TLS on"
            );
        }
        if self.tls.certificate.is_some() != self.tls.key.is_some() {
            anyhow::bail!("tls.certificate and tls.key must be given together");
        }
        Ok(())
    }

    pub fn data_folder(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| PathBuf::from("chancery-data"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(toml::from_str::<Config>("[smtp]\nlisten_on = []").is_err());
    }

    #[test]
    fn clear_text_http_is_for_loopback_only() {
        let open: Config = toml::from_str("[http]\ntls = false\nlisten = ['0.0.0.0:80']").unwrap();
        assert!(open.check().is_err());
        let own: Config = toml::from_str("[http]\ntls = false\nlisten = ['127.0.0.1:80']").unwrap();
        assert!(own.check().is_ok());
    }
}
