use std::net::IpAddr;

use model::{TenantId, Timestamp};

use crate::dto;
use crate::state::DeskError;

/// What the running server knows of itself, and what can be changed while it runs. Blocking.
pub trait Operation: Send + Sync {
    /// Whether mail can be taken, archived and found; bounded time.
    fn readiness(&self) -> dto::Readiness;

    /// Whether who asks may read [`Operation::metrics`].
    fn may_read_metrics(&self, peer: Option<IpAddr>, token: Option<&str>) -> bool;

    /// All figures in the text format of Prometheus, version 0.0.4.
    fn metrics(&self) -> Result<String, DeskError>;

    fn system(&self) -> Result<dto::SystemStatus, DeskError>;

    fn settings(&self) -> Result<dto::SettingsAnswer, DeskError>;

    /// Checks and stores a change, and puts it to use. Durable on return; nothing is changed when
    /// it is refused.
    fn change_settings(&self, patch: serde_json::Value) -> Result<SettingsChange, SettingsError>;

    fn notifications(&self) -> Result<dto::NotificationsAnswer, DeskError>;

    /// Sends a mail through the smarthost and waits for its answer, at most half a minute.
    ///
    /// # Errors
    /// What the smarthost said, without secrets.
    fn send_test_mail(&self, to: &str, language: dto::NoticeLanguage) -> Result<(), String>;

    /// `None` when the tenant does not exist.
    fn connect_microsoft365(
        &self,
        tenant: TenantId,
    ) -> Result<Option<dto::ConnectMicrosoft365>, DeskError>;

    /// Runs the checks anew: connects to the own listener. Takes up to half a minute.
    fn check_microsoft365(
        &self,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<Option<dto::ConnectMicrosoft365>, DeskError>;
}

/// A change that took place.
#[derive(Debug)]
pub struct SettingsChange {
    pub answer: dto::SettingsAnswer,
    /// What differs, before and after; secrets are only said to be set.
    pub before: serde_json::Value,
    pub after: serde_json::Value,
}

/// Why settings were not changed.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// The configuration file fixes it.
    #[error("{path} is fixed by the configuration file; change it there")]
    Fixed { path: String },
    /// Names the setting and says what it should be.
    #[error("{path}: {reason}")]
    Invalid { path: String, reason: String },
}
