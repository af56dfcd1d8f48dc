//! Settings that can be changed while the server runs. What the configuration file says wins over
//! what is stored in the catalog, and that over the defaults.

mod patch;

#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use api::dto::{self, ServerSettings};
use api::{DeskError, SettingsChange, SettingsError};
use arc_swap::ArcSwap;
use catalog::{Catalog, SecretBox};
use intake::smtp::SmtpSettings;
use intake::tls::TlsFiles;
use ipnet::IpNet;
use model::Digest;
use serde_json::{Map, Value};

pub use patch::{merge, merge_keeping_null, paths};

use crate::config::Config;
use patch::{at, difference, drop_empty, note, said, secret};

/// The catalog's keys.
const STORED: &str = "server.settings";
const PASSWORD: &str = "server.smarthost.password";
const METRICS_TOKEN: &str = "server.metrics.token";

/// What a sealed password is bound to.
const PASSWORD_PLACE: &str = "smarthost password";

/// A shorter token for `/metrics` is refused, in characters.
const TOKEN_CHARS_MIN: usize = 16;

/// Paths that a running server cannot follow.
const AFTER_RESTART: [&str; 3] = ["smtp.listen", "http.listen", "http.tls"];

/// Needed before the catalog is open: only the configuration file sets them.
const FILE_ONLY: [&str; 2] = ["log.format", "log.folder"];

const MIB: u64 = 1 << 20;

type Follower = Box<dyn Fn(&ServerSettings) + Send + Sync>;

/// The settings of this server. All calls but [`SettingsDesk::current`] block.
pub struct SettingsDesk {
    catalog: Arc<dyn Catalog>,
    secrets: Option<Arc<SecretBox>>,
    /// What file and command line say, and nothing else.
    fixed: Value,
    /// What was in use when the server started; `None` for a command.
    started: Option<ServerSettings>,
    state: ArcSwap<State>,
    followers: Mutex<Vec<Follower>>,
    changing: Mutex<()>,
}

struct State {
    settings: ServerSettings,
    /// A merge patch on the defaults: what was changed here.
    stored: Value,
    /// As it stands in the catalog.
    text: String,
}

impl SettingsDesk {
    /// # Errors
    /// When the catalog cannot be read, or what is stored or fixed is not valid.
    pub fn open(
        config: &Config,
        catalog: Arc<dyn Catalog>,
        secrets: Option<Arc<SecretBox>>,
    ) -> anyhow::Result<Self> {
        let fixed = config.fixed();
        let text = catalog.setting(STORED)?.unwrap_or_default();
        let state = State::read(text, &fixed)?;
        Ok(Self {
            catalog,
            secrets,
            fixed,
            started: None,
            state: ArcSwap::from_pointee(state),
            followers: Mutex::default(),
            changing: Mutex::default(),
        })
    }

    /// From here on, changes that wait for a restart are named.
    pub fn started(mut self) -> Self {
        self.started = Some(self.current());
        self
    }

    /// The values in use. Does not block.
    pub fn current(&self) -> ServerSettings {
        self.state.load().settings.clone()
    }

    /// Calls `follower` now and after every change.
    pub fn follow(&self, follower: impl Fn(&ServerSettings) + Send + Sync + 'static) {
        follower(&self.current());
        let mut followers = self.followers.lock().unwrap_or_else(PoisonError::into_inner);
        followers.push(Box::new(follower));
    }

    /// Takes over what a command stored meanwhile; `true` when something changed.
    ///
    /// # Errors
    /// When the catalog cannot be read or what is stored is not valid: the old values stay in use.
    pub fn refresh(&self) -> anyhow::Result<bool> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let text = self.catalog.setting(STORED)?.unwrap_or_default();
        if text == self.state.load().text {
            return Ok(false);
        }
        self.put_to_use(State::read(text, &self.fixed)?);
        Ok(true)
    }

    pub fn answer(&self) -> Result<dto::SettingsAnswer, DeskError> {
        let state = self.state.load();
        let mut fixed = paths(&self.fixed);
        fixed.extend(FILE_ONLY.map(str::to_owned));
        Ok(dto::SettingsAnswer {
            settings: state.settings.clone(),
            fixed: fixed.into_iter().collect(),
            changed: paths(&state.stored).into_iter().collect(),
            restart_needed: self.restart_needed(),
            has_password: self.has(PASSWORD)?,
            has_metrics_token: self.has(METRICS_TOKEN)?,
        })
    }

    pub fn restart_needed(&self) -> Vec<String> {
        let Some(started) = &self.started else { return Vec::new() };
        let (then, now) = (json(started), json(&self.current()));
        let differs = |path: &&str| at(&then, path) != at(&now, path);
        AFTER_RESTART.into_iter().filter(differs).map(str::to_owned).collect()
    }

    /// Checks a merge patch, stores it and puts it to use.
    pub fn change(&self, mut patch: Value) -> Result<SettingsChange, SettingsError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if !patch.is_object() {
            return Err(invalid("", "a change is an object with the keys that change"));
        }
        let password = secret(&mut patch, &["notifications", "smarthost"], "password")?;
        let token = secret(&mut patch, &["metrics"], "token")?;
        for path in paths(&patch) {
            if at(&self.fixed, &path).is_some() || FILE_ONLY.contains(&path.as_str()) {
                return Err(SettingsError::Fixed { path });
            }
        }
        if let Some(Some(token)) = &token
            && token.chars().count() < TOKEN_CHARS_MIN
        {
            return Err(invalid("metrics.token", "at least 16 characters"));
        }
        let old = self.state.load_full();
        let mut stored = old.stored.clone();
        merge(&mut stored, &patch);
        drop_empty(&mut stored);
        let state = State::of(stored, &self.fixed)?;
        let mut before = difference(&json(&old.settings), &json(&state.settings));
        let mut after = difference(&json(&state.settings), &json(&old.settings));
        self.store(STORED, Some(&state.text))?;
        if let Some(password) = password {
            let sealed = password.as_deref().map(|text| self.seal(text)).transpose()?;
            self.store(PASSWORD, sealed.as_deref())?;
            note(&mut before, "notifications.smarthost.password", "(hidden)");
            note(&mut after, "notifications.smarthost.password", said(&password));
        }
        if let Some(token) = token {
            let digest = token.as_deref().map(|text| Digest::of(text.as_bytes()).to_hex());
            self.store(METRICS_TOKEN, digest.as_deref())?;
            note(&mut before, "metrics.token", "(hidden)");
            note(&mut after, "metrics.token", said(&token));
        }
        self.put_to_use(state);
        Ok(SettingsChange { answer: self.answer()?, before, after })
    }

    /// The password for the smarthost.
    ///
    /// # Errors
    /// When the catalog cannot be read or the password was sealed under another master key.
    pub fn password(&self) -> anyhow::Result<Option<String>> {
        let Some(sealed) = self.catalog.setting(PASSWORD)?.filter(|it| !it.is_empty()) else {
            return Ok(None);
        };
        let Some(secrets) = &self.secrets else { return Ok(None) };
        let octets = secrets.open(PASSWORD_PLACE, &sealed)?;
        Ok(Some(String::from_utf8_lossy(&octets).into_owned()))
    }

    pub fn may_read_metrics(&self, peer: Option<IpAddr>, token: Option<&str>) -> bool {
        let state = self.state.load();
        let networks = state.settings.metrics.allowed_networks.iter();
        let near = peer.is_some_and(|peer| {
            let peer = peer.to_canonical();
            networks.filter_map(|it| it.parse::<IpNet>().ok()).any(|net| net.contains(&peer))
        });
        // Digests are compared, so the time it takes tells nothing of the token.
        near || token.is_some_and(|token| {
            let digest = Digest::of(token.as_bytes()).to_hex();
            let wanted = self.catalog.setting(METRICS_TOKEN).ok().flatten();
            wanted.is_some_and(|wanted| wanted == digest)
        })
    }

    fn put_to_use(&self, state: State) {
        let settings = state.settings.clone();
        self.state.store(Arc::new(state));
        for follower in &*self.followers.lock().unwrap_or_else(PoisonError::into_inner) {
            follower(&settings);
        }
    }

    fn seal(&self, text: &str) -> Result<String, SettingsError> {
        let secrets = self.secrets.as_ref().ok_or_else(|| {
            invalid("notifications.smarthost.password", "there is no master key to seal it with")
        })?;
        secrets.seal(PASSWORD_PLACE, text.as_bytes()).map_err(|error| failed(error).into())
    }

    fn has(&self, key: &str) -> Result<bool, DeskError> {
        let value = self.catalog.setting(key).map_err(failed)?;
        Ok(value.is_some_and(|value| !value.is_empty()))
    }

    /// An empty value stands for none.
    fn store(&self, key: &str, value: Option<&str>) -> Result<(), SettingsError> {
        Ok(self.catalog.set_setting(key, value.unwrap_or_default()).map_err(failed)?)
    }
}

impl State {
    fn read(text: String, fixed: &Value) -> anyhow::Result<Self> {
        let stored = match text.as_str() {
            "" => Value::Object(Map::new()),
            text => serde_json::from_str(text)?,
        };
        let state = Self::of(stored, fixed).map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(Self { text, ..state })
    }

    fn of(stored: Value, fixed: &Value) -> Result<Self, SettingsError> {
        let mut all = json(&defaults());
        merge(&mut all, &stored);
        merge(&mut all, fixed);
        let settings: ServerSettings =
            serde_json::from_value(all).map_err(|error| invalid("settings", error.to_string()))?;
        check(&settings)?;
        let text = stored.to_string();
        Ok(Self { settings, stored, text })
    }
}

/// What is in use when nobody says anything.
pub fn defaults() -> ServerSettings {
    let (smtp, config) = (SmtpSettings::default(), Config::default());
    ServerSettings {
        smtp: smtp_shown(&smtp),
        http: dto::HttpSettings {
            listen: config.http.listen.iter().map(ToString::to_string).collect(),
            tls: config.http.tls,
            public_url: String::new(),
        },
        tls: dto::TlsSettings::default(),
        spool: dto::SpoolSettings {
            bytes_max: config.spool.bytes_max,
            free_bytes_min: config.spool.free_bytes_min,
        },
        notifications: dto::NotificationSettings {
            smarthost: dto::SmarthostSettings { port: 587, ..dto::SmarthostSettings::default() },
            disk_free_bytes_min: 5 << 30,
            queue_mails_max: 10_000,
            queue_seconds_max: 900,
            quarantine_per_hour_max: 100,
            index_lag_max: 10_000,
            source_silent_hours_max: 96,
            ..dto::NotificationSettings::default()
        },
        log: dto::LogSettings { retention_days: 14, ..dto::LogSettings::default() },
        metrics: dto::MetricsSettings {
            allowed_networks: vec!["127.0.0.0/8".to_owned(), "::1/128".to_owned()],
        },
    }
}

fn smtp_shown(smtp: &SmtpSettings) -> dto::SmtpSettings {
    dto::SmtpSettings {
        listen: smtp.listen.iter().map(ToString::to_string).collect(),
        host_name: smtp.host_name.clone(),
        require_tls: smtp.require_tls,
        allowed_networks: smtp.allowed_networks.iter().map(ToString::to_string).collect(),
        message_size_bytes_max: smtp.message_size_bytes_max,
        recipients_max: smtp.recipients_max as u64,
        connections_max: smtp.connections_max as u64,
        connections_per_network_max: smtp.connections_per_network_max as u64,
        idle_seconds_max: smtp.idle_seconds_max,
        data_seconds_max: smtp.data_seconds_max,
        session_seconds_max: smtp.session_seconds_max,
        errors_max: smtp.errors_max,
    }
}

/// What the listener works with; of settings that were checked.
pub fn smtp(settings: &ServerSettings) -> SmtpSettings {
    let smtp = &settings.smtp;
    let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    SmtpSettings {
        listen: smtp.listen.iter().filter_map(|it| it.parse().ok()).collect(),
        host_name: crate::serve::host_name(&smtp.host_name),
        require_tls: smtp.require_tls,
        allowed_networks: smtp.allowed_networks.iter().filter_map(|it| it.parse().ok()).collect(),
        message_size_bytes_max: smtp.message_size_bytes_max,
        recipients_max: count(smtp.recipients_max),
        connections_max: count(smtp.connections_max),
        connections_per_network_max: count(smtp.connections_per_network_max),
        idle_seconds_max: smtp.idle_seconds_max,
        data_seconds_max: smtp.data_seconds_max,
        session_seconds_max: smtp.session_seconds_max,
        errors_max: smtp.errors_max,
    }
}

/// The pair that the settings name; `None`: the self-signed one of the data folder.
pub fn tls_files(settings: &ServerSettings) -> Option<TlsFiles> {
    let dto::TlsSettings { certificate, key } = &settings.tls;
    (!certificate.is_empty())
        .then(|| TlsFiles { cert: PathBuf::from(certificate), key: PathBuf::from(key) })
}

/// Refuses what would be unsafe or cannot work.
fn check(settings: &ServerSettings) -> Result<(), SettingsError> {
    let ServerSettings { smtp, http, tls, spool, notifications, log, metrics } = settings;
    let within = |path: &str, value: u64, least: u64, most: u64| {
        if (least..=most).contains(&value) {
            return Ok(());
        }
        Err(invalid(path, format!("{value} is not between {least} and {most}")))
    };
    within("smtp.messageSizeBytesMax", smtp.message_size_bytes_max, MIB, 4096 * MIB)?;
    within("smtp.recipientsMax", smtp.recipients_max, 1, 1_000_000)?;
    within("smtp.connectionsMax", smtp.connections_max, 1, 100_000)?;
    within("smtp.connectionsPerNetworkMax", smtp.connections_per_network_max, 0, 100_000)?;
    within("smtp.idleSecondsMax", smtp.idle_seconds_max, 1, 86_400)?;
    within("smtp.dataSecondsMax", smtp.data_seconds_max, 1, 86_400)?;
    within("smtp.sessionSecondsMax", smtp.session_seconds_max, 1, 604_800)?;
    within("smtp.errorsMax", smtp.errors_max.into(), 1, 10_000)?;
    within("spool.bytesMax", spool.bytes_max, MIB, u64::MAX / 2)?;
    within("log.retentionDays", log.retention_days.into(), 1, 3_650)?;
    within("notifications.smarthost.port", notifications.smarthost.port.into(), 1, 65_535)?;
    if smtp.host_name.is_empty() || !smtp.host_name.chars().all(is_host_char) {
        return Err(invalid("smtp.hostName", "a host name such as archive.example"));
    }
    addresses("smtp.listen", &smtp.listen)?;
    for address in addresses("http.listen", &http.listen)? {
        if !http.tls && !address.ip().is_loopback() {
            return Err(invalid(
                "http.tls",
                format!("false is only allowed on loopback, but http.listen has {address}"),
            ));
        }
    }
    for (path, list) in [
        ("smtp.allowedNetworks", &smtp.allowed_networks),
        ("metrics.allowedNetworks", &metrics.allowed_networks),
    ] {
        if let Some(bad) = list.iter().find(|it| it.parse::<IpNet>().is_err()) {
            return Err(invalid(path, format!("{bad:?} is no network such as 192.0.2.0/24")));
        }
    }
    if !http.public_url.is_empty()
        && let Err(error) = identity::Site::parse(&http.public_url)
    {
        return Err(invalid("http.publicUrl", error.to_string()));
    }
    check_notifications(notifications)?;
    if tls.certificate.is_empty() != tls.key.is_empty() {
        return Err(invalid("tls", "certificate and key are given together"));
    }
    match tls_files(settings).map(|files| files.check()) {
        Some(Err(error)) => Err(invalid("tls", pipeline::Error::chain(&error))),
        _ => Ok(()),
    }
}

fn check_notifications(settings: &dto::NotificationSettings) -> Result<(), SettingsError> {
    let address = |path: &str, text: &str| match text.parse::<lettre::Address>() {
        Ok(_) => Ok(()),
        Err(_) => Err(invalid(path, format!("{text:?} is no address"))),
    };
    for to in &settings.to {
        address("notifications.to", to)?;
    }
    if !settings.from.is_empty() {
        address("notifications.from", &settings.from)?;
    }
    let host = &settings.smarthost.host;
    if !host.chars().all(is_host_char) {
        return Err(invalid("notifications.smarthost.host", "a host name or an IP address"));
    }
    if !host.is_empty() && settings.from.is_empty() {
        return Err(invalid("notifications.from", "mails need a sender"));
    }
    Ok(())
}

fn addresses(path: &str, list: &[String]) -> Result<Vec<SocketAddr>, SettingsError> {
    if list.is_empty() {
        return Err(invalid(path, "at least one address with its port"));
    }
    let parse = |text: &String| {
        let wrong = || invalid(path, format!("{text:?} is no address such as 0.0.0.0:25"));
        text.parse().map_err(|_| wrong())
    };
    list.iter().map(parse).collect()
}

fn is_host_char(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '-' | '.' | ':' | '[' | ']')
}

fn invalid(path: &str, reason: impl Into<String>) -> SettingsError {
    SettingsError::Invalid { path: path.to_owned(), reason: reason.into() }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> DeskError {
    DeskError::Failed(Box::new(error))
}

fn json(settings: &ServerSettings) -> Value {
    // Made of strings, numbers and lists: it always has a JSON form.
    serde_json::to_value(settings).unwrap_or_default()
}
