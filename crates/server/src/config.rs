//! The configuration file: only what must be known before the catalog is open.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use api::dto::LogSettings;
use evidence::trusted_list::TrustedList;
use intake::smtp::SmtpSettings;
use model::Digest;
use serde::Deserialize;
use serde_json::Value;

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
    pub evidence: Evidence,
    pub storage: Storage,
    /// These three are read as [`api::dto::ServerSettings`].
    pub notifications: toml::Table,
    pub log: toml::Table,
    pub metrics: toml::Table,
    /// What the file and the command line say, as it was written.
    #[serde(skip)]
    said: toml::Table,
}

/// Sections whose values are fixed when the file names them; the others are for the file alone.
const SETTINGS: [&str; 7] = ["smtp", "http", "tls", "spool", "notifications", "log", "metrics"];

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    pub listen: Vec<SocketAddr>,
    /// HTTPS; `false` is for a reverse proxy on the same machine and only allowed on loopback.
    pub tls: bool,
    /// How browsers reach the server, such as `https://archive.example`.
    pub public_url: String,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([0, 0, 0, 0], 8443))],
            tls: true,
            public_url: String::new(),
        }
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

/// How the tenants' ledgers are sealed (`docs/evidence.md`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Evidence {
    /// The address of a time-stamp authority (RFC 3161); empty: none.
    pub authority: String,
    /// PEM file with the certificates that its stamps are checked with.
    pub anchors: Option<PathBuf>,
    /// A policy to ask for, in dotted decimal notation; empty leaves it to the authority.
    pub policy: String,
    /// For authorities that ask who it is.
    pub user: String,
    /// A file that holds nothing but the password.
    pub password_file: Option<PathBuf>,
    /// A PEM file with a certificate and its key, for authorities that ask for it (TLS).
    pub client_certificate: Option<PathBuf>,
    /// A PEM file with certificates that its TLS is checked with beside the system's.
    pub tls_ca: Option<PathBuf>,
    /// Further authorities, asked in this order when those before do not answer.
    pub further: Vec<AuthoritySettings>,
    /// Two authorities stamp each batch; while only one answers, events wait.
    pub double: bool,
    /// Lists (ETSI TS 119 612) that say which authorities are qualified.
    pub trusted_lists: Vec<TrustedListSettings>,
    /// Whether revocation data of the authorities' certificates is fetched and kept in the tokens.
    pub revocation: RevocationPolicy,
    /// The hash algorithm of new batches and of renewed hash trees: sha256, sha384 or sha512.
    pub digest: String,
    /// Days (`2035-12-31`) by which hash algorithms must have been replaced by `digest`.
    pub ends: BTreeMap<String, String>,
    /// So long before a certificate or a hash algorithm ends evidence is renewed.
    pub renew_before_days: u32,
    /// All octets are read again within so many days; 0: only when a person asks for it.
    pub scrub_days: u32,
    /// Octets that this reads per second at most; 0: no limit.
    pub scrub_bytes_per_second_max: u64,
    /// A backup folder that damage is repaired from.
    pub repair_from: Option<PathBuf>,
    /// How often batches are sealed.
    pub every_seconds: u64,
    /// Whether the archive's own key seals while no authority answers.
    pub local_seals: bool,
}

impl Default for Evidence {
    fn default() -> Self {
        Self {
            authority: String::new(),
            anchors: None,
            policy: String::new(),
            user: String::new(),
            password_file: None,
            client_certificate: None,
            tls_ca: None,
            further: Vec::new(),
            double: false,
            trusted_lists: Vec::new(),
            revocation: RevocationPolicy::Fetch,
            digest: "sha256".to_owned(),
            ends: BTreeMap::new(),
            renew_before_days: 90,
            scrub_days: 30,
            scrub_bytes_per_second_max: 64 << 20,
            repair_from: None,
            every_seconds: 600,
            local_seals: false,
        }
    }
}

/// How packs give back the space of what was erased (`docs/format.md`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Storage {
    /// A pack is written anew when less than this share of its octets is live.
    pub compact_live_share: f64,
    /// And when it holds anything erased and was not written for so many days; 0: never for that.
    pub compact_days: u32,
    /// Octets that this writes per second at most; 0: no limit.
    pub compact_bytes_per_second_max: u64,
    /// Octets of packs that one run takes on at most.
    pub compact_bytes_per_run_max: u64,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            compact_live_share: 0.7,
            compact_days: 30,
            compact_bytes_per_second_max: 64 << 20,
            compact_bytes_per_run_max: 16 << 30,
        }
    }
}

/// One time-stamp authority (RFC 3161).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthoritySettings {
    pub authority: String,
    pub policy: String,
    pub user: String,
    pub password_file: Option<PathBuf>,
    pub client_certificate: Option<PathBuf>,
    pub tls_ca: Option<PathBuf>,
}

/// A trusted list that was checked elsewhere.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedListSettings {
    pub file: PathBuf,
    /// Of the file, in hexadecimal digits: another one is refused.
    pub sha256: String,
}

/// What is done about revocation data that a token lacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevocationPolicy {
    /// Fetched where the certificates say where; a stamp without it is kept all the same.
    #[default]
    Fetch,
    Off,
    /// A stamp without it is refused.
    Require,
}

impl Evidence {
    /// All authorities in their order.
    pub fn authorities(&self) -> Vec<AuthoritySettings> {
        let first = AuthoritySettings {
            authority: self.authority.clone(),
            policy: self.policy.clone(),
            user: self.user.clone(),
            password_file: self.password_file.clone(),
            client_certificate: self.client_certificate.clone(),
            tls_ca: self.tls_ca.clone(),
        };
        let all = std::iter::once(first).chain(self.further.iter().cloned());
        all.filter(|one| !one.authority.is_empty()).collect()
    }

    /// # Errors
    /// When a list cannot be read, is none, or is another file than the one that was pinned.
    pub fn read_trusted_lists(&self) -> anyhow::Result<Vec<TrustedList>> {
        let read = |one: &TrustedListSettings| {
            let shown = one.file.display();
            let pinned: Digest = one
                .sha256
                .parse()
                .with_context(|| format!("sha256 of {shown} is not 64 hexadecimal digits"))?;
            let octets =
                std::fs::read(&one.file).with_context(|| format!("cannot read {shown}"))?;
            TrustedList::parse(&octets, pinned).with_context(|| format!("{shown}"))
        };
        self.trusted_lists.iter().map(read).collect()
    }
}

impl Config {
    /// The file that is read: `path`, else the one in the working folder if it is there.
    pub fn file(path: Option<&Path>) -> Option<PathBuf> {
        let default = Path::new("chancery.toml");
        path.or_else(|| default.exists().then_some(default)).map(Path::to_owned)
    }

    /// Reads `path`; without one, `chancery.toml` in the working folder if it is there.
    ///
    /// # Errors
    /// When the file cannot be read, is no TOML, or holds an unknown key.
    pub fn read(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = Self::file(path) else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read the configuration {}", path.display()))?;
        Self::parse(&text)
            .with_context(|| format!("the configuration {} is not valid", path.display()))
    }

    /// # Errors
    /// When the text is no TOML, holds an unknown key, or says what cannot work.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let mut config: Self = toml::from_str(text)?;
        config.said = toml::from_str(text)?;
        config.check()?;
        Ok(config)
    }

    /// What the file and the command line fix, named as the API names it: the tree of
    /// [`api::dto::ServerSettings`] with nothing but these values.
    pub fn fixed(&self) -> Value {
        let sections = self.said.iter().filter(|(name, _)| SETTINGS.contains(&name.as_str()));
        let fixed = sections.map(|(name, value)| (camel_case(name), as_json(value)));
        Value::Object(fixed.collect())
    }

    /// How the log is written: needed before the catalog is open, so only the file says it.
    ///
    /// # Errors
    /// Names a value that is not valid.
    pub fn log(&self) -> anyhow::Result<LogSettings> {
        let mut log = serde_json::to_value(crate::settings::defaults().log)?;
        crate::settings::merge(&mut log, &as_json(&toml::Value::Table(self.log.clone())));
        Ok(serde_json::from_value(log)?)
    }

    /// Fixes a value as if the file named it: for the command line.
    pub fn fix(&mut self, section: &str, key: &str, value: impl Into<toml::Value>) {
        let empty = || toml::Value::Table(toml::Table::new());
        let section = self.said.entry(section.to_owned()).or_insert_with(empty);
        if let toml::Value::Table(section) = section {
            section.insert(key.to_owned(), value.into());
        }
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
        if !(0.0..=1.0).contains(&self.storage.compact_live_share) {
            anyhow::bail!("storage.compact_live_share is a share between 0 and 1");
        }
        Ok(())
    }

    pub fn data_folder(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| PathBuf::from("chancery-data"))
    }
}

fn as_json(value: &toml::Value) -> Value {
    match value {
        toml::Value::Table(table) => {
            let entries = table.iter().map(|(key, value)| (camel_case(key), as_json(value)));
            Value::Object(entries.collect())
        }
        toml::Value::Array(list) => Value::Array(list.iter().map(as_json).collect()),
        toml::Value::String(text) => text.clone().into(),
        toml::Value::Integer(number) => (*number).into(),
        toml::Value::Float(number) => (*number).into(),
        toml::Value::Boolean(yes) => (*yes).into(),
        toml::Value::Datetime(moment) => moment.to_string().into(),
    }
}

/// `host_name` becomes `hostName`.
fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut all, word| {
        let mut letters = word.chars();
        all.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        all.push_str(letters.as_str());
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(toml::from_str::<Config>("[smtp]\nlisten_on = []").is_err());
    }

    #[test]
    fn what_the_file_says_is_fixed_under_the_names_of_the_api() {
        let config =
            Config::parse("[smtp]\nhost_name = 'a.example'\n[pipeline]\nbatch_mails_max = 9")
                .unwrap();
        assert_eq!(config.fixed(), serde_json::json!({ "smtp": { "hostName": "a.example" } }));
    }

    #[test]
    fn clear_text_http_is_for_loopback_only() {
        let open: Config = toml::from_str("[http]\ntls = false\nlisten = ['0.0.0.0:80']").unwrap();
        assert!(open.check().is_err());
        let own: Config = toml::from_str("[http]\ntls = false\nlisten = ['127.0.0.1:80']").unwrap();
        assert!(own.check().is_ok());
    }
}
