use std::collections::BTreeMap;

use model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Whether the server can do its work, part by part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Readiness {
    pub ready: bool,
    pub parts: Vec<PartReadiness>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartReadiness {
    /// `catalog`, `disk`, `index`, `spool` or `vault`.
    pub part: String,
    pub ready: bool,
    /// Why not; empty when ready. Without names of tenants.
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Debug,
    Info,
    Warn,
    Error,
}

/// One line of the log: no addresses, no content of mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogEntry {
    /// Grows by one; begins anew with the server.
    pub id: u64,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub severity: Severity,
    /// The part of the program, such as `pipeline::archive`.
    pub area: String,
    pub message: String,
    #[schema(required)]
    pub tenant: Option<String>,
    #[schema(required)]
    pub source: Option<String>,
    pub fields: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogAnswer {
    /// Oldest first.
    pub entries: Vec<LogEntry>,
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogParams {
    /// Operators: only entries of this tenant. Administrators see their own in any case.
    pub tenant: Option<String>,
    /// Only entries of this source.
    pub source: Option<String>,
    /// This severity and worse; `info` when absent.
    pub severity: Option<Severity>,
    /// Only entries after this id, if they are still there.
    pub after: Option<u64>,
}

/// The running server and its machine.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SystemStatus {
    pub version: String,
    pub catalog_schema: u32,
    pub operating_system: String,
    pub host_name: String,
    pub process_id: u32,
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    pub uptime_seconds: u64,
    pub listeners: Vec<Listener>,
    pub data_folder: String,
    pub disk: Disk,
    pub open_files: u64,
    pub open_files_max: u64,
    pub memory_bytes: u64,
    pub threads: u64,
    pub processors: u32,
    pub readiness: Readiness,
    #[schema(required)]
    pub last_backup: Option<BackupSummary>,
    pub certificates: Vec<super::Certificate>,
    /// Waits for a restart: settings whose new value is not in use yet.
    pub restart_needed: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Listener {
    /// `smtp`, `http` or `https`.
    pub protocol: String,
    pub address: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Disk {
    pub total_bytes: u64,
    pub free_bytes: u64,
    /// Below this much free space no mail is taken.
    pub reserve_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupSummary {
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// `done` or `failed`.
    pub outcome: String,
    pub files: u64,
    pub bytes: u64,
    /// Of these, copied in this run; the others were there.
    pub bytes_copied: u64,
    pub seconds: u64,
}

/// What is wrong now, and how its mails fare.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationsAnswer {
    pub conditions: Vec<Condition>,
    /// Notifications that wait for the smarthost.
    pub waiting: u64,
    /// What the smarthost last answered, if the oldest of these was tried already.
    #[schema(required)]
    pub last_error: Option<String>,
}

/// Something that is wrong until it is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Such as `disk-low`; the user interface has a text for each.
    pub code: String,
    /// The tenant it is about; null: the whole server.
    #[schema(required)]
    pub tenant: Option<String>,
    /// What exactly, such as a source's id or a certificate's name.
    pub object: String,
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Figures for the text.
    pub facts: BTreeMap<String, String>,
}

/// Everything that "Connect Microsoft 365" shows for one tenant.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectMicrosoft365 {
    /// The name under which Exchange Online reaches the listener.
    pub host_name: String,
    pub port: u16,
    pub archive_domains: Vec<String>,
    pub organisations: Vec<String>,
    pub journal_addresses: Vec<JournalAddressRow>,
    pub certificate: CertificateFacts,
    pub message_size_bytes_max: u64,
    /// In the order in which they are done.
    pub steps: Vec<ConnectStep>,
    /// As they were last run; `pending` when never.
    pub checks: Vec<ConnectCheck>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JournalAddressRow {
    pub source: String,
    pub name: String,
    pub address: String,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub last_report_at: Option<Timestamp>,
    /// When Exchange's connector validation last sent a mail here.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub last_validation_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CertificateFacts {
    pub subject: String,
    pub issuer: String,
    #[schema(value_type = String, format = DateTime)]
    pub not_after: Timestamp,
    pub self_signed: bool,
}

/// A step in Exchange's administration. The user interface has the words; here are the values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectStep {
    /// `connector`, `validate`, `undeliverable` or `journal-rule`.
    pub code: String,
    /// Values to type in, by name, in order.
    pub values: Vec<ConnectValue>,
    /// The same as a line for Exchange Online PowerShell.
    pub powershell: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectValue {
    pub name: String,
    pub value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CheckState {
    Fail,
    Ok,
    Pending,
    Warn,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectCheck {
    /// `name-resolves`, `listener-reachable`, `starttls`, `certificate`, `validation-mail` or
    /// `first-report`.
    pub code: String,
    pub state: CheckState,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub at: Option<Timestamp>,
    /// What exactly was seen, such as `self-signed`; a stable code, empty when all is well.
    pub reason: String,
    /// For people who want the details; English.
    pub detail: String,
}
