//! The settings of the server. What the configuration file says wins; the rest can be changed
//! while the server runs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// All settings with their effective values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerSettings {
    pub smtp: SmtpSettings,
    pub http: HttpSettings,
    pub tls: TlsSettings,
    pub spool: SpoolSettings,
    pub notifications: NotificationSettings,
    pub log: LogSettings,
    pub metrics: MetricsSettings,
}

/// The SMTP listener. New connections follow a change at once, open ones keep what they began with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SmtpSettings {
    /// Addresses with ports; a change needs a restart.
    pub listen: Vec<String>,
    pub host_name: String,
    pub require_tls: bool,
    /// CIDR; empty: everyone.
    pub allowed_networks: Vec<String>,
    pub message_size_bytes_max: u64,
    pub recipients_max: u64,
    pub connections_max: u64,
    /// 0: no limit.
    pub connections_per_network_max: u64,
    pub idle_seconds_max: u64,
    pub data_seconds_max: u64,
    pub session_seconds_max: u64,
    pub errors_max: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpSettings {
    /// Addresses with ports; a change needs a restart.
    pub listen: Vec<String>,
    /// HTTPS; a change needs a restart.
    pub tls: bool,
    /// How browsers reach the server, such as `https://archive.example`; a change needs a restart.
    pub public_url: String,
}

/// PEM files, taken anew when they change. Both empty: a self-signed pair, renewed by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TlsSettings {
    pub certificate: String,
    pub key: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SpoolSettings {
    /// Above this many bytes of waiting mail the listener answers `452`.
    pub bytes_max: u64,
    /// Below this much free space on the disk the listener answers `452`.
    pub free_bytes_min: u64,
}

/// Who is told by mail that something is wrong, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NotificationSettings {
    pub smarthost: SmarthostSettings,
    /// The sender's address.
    pub from: String,
    /// Addresses that hear of everything that concerns the server.
    pub to: Vec<String>,
    /// The language of those.
    pub language: NoticeLanguage,
    /// Told below this much free space.
    pub disk_free_bytes_min: u64,
    /// Told above this many waiting mails.
    pub queue_mails_max: u64,
    /// Told when the oldest waiting mail is older.
    pub queue_seconds_max: u64,
    /// Told when so many submissions came into a tenant's quarantine within an hour.
    pub quarantine_per_hour_max: u64,
    /// Told when so many archived mails are not searchable for longer than a few minutes.
    pub index_lag_max: u64,
    /// Told when an active source that had mail before is silent for so many hours; 0: never.
    pub source_silent_hours_max: u64,
}

/// The mail server that takes notifications; an empty host sends none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SmarthostSettings {
    pub host: String,
    pub port: u16,
    pub security: SmarthostSecurity,
    /// Empty: no sign-in. The password is set by `password` in a change and never shown.
    pub user: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SmarthostSecurity {
    /// For a mail server on the same machine.
    None,
    /// STARTTLS, required.
    #[default]
    Starttls,
    /// TLS from the first octet.
    Tls,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum NoticeLanguage {
    De,
    #[default]
    En,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogSettings {
    /// A change needs a restart.
    pub format: LogFormat,
    /// The folder of daily log files; empty: standard error only. A change needs a restart.
    pub folder: String,
    /// Daily files that are kept.
    pub retention_days: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Json,
    #[default]
    Text,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricsSettings {
    /// Networks (CIDR) that may read `/metrics` without a token.
    pub allowed_networks: Vec<String>,
}

/// The settings, and where they come from.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SettingsAnswer {
    pub settings: ServerSettings,
    /// Paths such as `smtp.hostName` that the configuration file or the command line fixes: they
    /// are changed there.
    pub fixed: Vec<String>,
    /// Paths that were changed here and differ from the default.
    pub changed: Vec<String>,
    /// Paths whose new value is in use after a restart.
    pub restart_needed: Vec<String>,
    /// A password for the smarthost is stored.
    pub has_password: bool,
    /// A token for `/metrics` is stored.
    pub has_metrics_token: bool,
}

/// What to change, as a JSON merge patch (RFC 7396) of [`ServerSettings`]: only the keys that
/// change; `null` goes back to the default. Further keys: `notifications.smarthost.password` and
/// `metrics.token`, which are stored and never shown.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(value_type = Object)]
pub struct SettingsPatch(pub serde_json::Value);

/// Where to send a mail that tries out the smarthost.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TestMail {
    pub to: String,
    /// `en` when absent.
    pub language: Option<NoticeLanguage>,
}
