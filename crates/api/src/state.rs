use std::net::IpAddr;
use std::sync::Arc;

use catalog::{Catalog, JobRow};
use discovery::{Discovery, MatterDesk, Takeout};
use identity::Identity;
use identity::directory::DirectoryDesk;
use model::{Clock, JobId, QuarantineId, TenantId};

use crate::blocking::Blocking;
use crate::dto::{BulkAction, Failure, Status, StoredBytes};
use crate::fetching::FetchDesk;
use crate::http_figures::HttpFigures;
use crate::live_log::LiveLog;
use crate::operation::Operation;
use crate::trail::Trail;

/// What the routes work with.
#[derive(Clone)]
pub struct AppState {
    pub identity: Arc<Identity>,
    pub catalog: Arc<dyn Catalog>,
    pub directories: Arc<DirectoryDesk>,
    pub fetching: Arc<dyn FetchDesk>,
    pub discovery: Arc<Discovery>,
    pub matters: Arc<MatterDesk>,
    pub takeout: Arc<Takeout>,
    pub status: Arc<dyn StatusSource>,
    pub quarantine: Arc<dyn QuarantineDesk>,
    pub tenants: Arc<dyn TenantDesk>,
    pub clock: Arc<dyn Clock>,
    pub settings: Arc<Settings>,
    pub trail: Arc<Trail>,
    pub blocking: Blocking,
    pub operation: Arc<dyn Operation>,
    pub live_log: Arc<LiveLog>,
    pub http: Arc<HttpFigures>,
}

/// How the server is reached.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Served over TLS, directly or by a proxy in front: cookies are `Secure`, browsers are told
    /// to stay with HTTPS. `false` only for a listener on the loopback address.
    pub tls: bool,
    /// The names (with port, if it is not the scheme's own) under which browsers reach the server,
    /// besides that of `identity::Site`; requests for others are refused. With neither any name is
    /// accepted: then another name that resolves to this server (DNS rebinding) is answered as
    /// well, without a cookie.
    pub hosts: Vec<String>,
}

/// The address of who asks. The server puts it into the extensions of each request; behind a proxy
/// that it trusts, from the proxy's header.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// Figures of the running server.
pub trait StatusSource: Send + Sync {
    /// Blocks briefly. `tenant`: whose archive and index; `None`: of all tenants together.
    fn status(&self, tenant: Option<TenantId>) -> Result<Status, DeskError>;
}

/// Decisions about quarantined submissions. Blocking; durable on return.
pub trait QuarantineDesk: Send + Sync {
    /// Sends the submission through the pipeline again under the present rules.
    fn retry(&self, tenant: TenantId, id: QuarantineId, by: &str) -> Result<(), DeskError>;

    /// Lets the submission into the archive, whatever the rules say.
    fn release(
        &self,
        tenant: TenantId,
        id: QuarantineId,
        by: &str,
        reason: &str,
    ) -> Result<(), DeskError>;

    /// Decides that the submission does not belong into the archive, and erases its octets.
    fn discard(
        &self,
        tenant: TenantId,
        id: QuarantineId,
        by: &str,
        reason: &str,
    ) -> Result<(), DeskError>;
}

/// What only the running server does for tenants. Blocking.
pub trait TenantDesk: Send + Sync {
    /// The catalog says something new of the tenant: writes it into the vault, so that a rebuild
    /// knows it. Durable on return.
    fn changed(&self, tenant: TenantId) -> Result<(), DeskError>;

    /// Bytes on disk; the catalog's are not the tenant's own. At most a minute old.
    fn space(&self, tenant: TenantId) -> Result<StoredBytes, DeskError>;

    /// Begins to write everything of the tenant into the new folder of this name below the
    /// server's folder for exports.
    fn export(&self, tenant: TenantId, folder: &str, by: &str) -> Result<JobRow, DeskError>;

    /// Begins the removal of a suspended tenant; it cannot be cancelled.
    fn remove(&self, tenant: TenantId, by: &str, reason: &str) -> Result<JobRow, DeskError>;

    /// Begins to decide for all submissions that wait for `for_reason` (`None`: for any reason).
    fn bulk(
        &self,
        tenant: TenantId,
        action: BulkAction,
        for_reason: Option<&str>,
        by: &str,
        reason: &str,
    ) -> Result<JobRow, DeskError>;

    /// The job with its present progress.
    fn progress(&self, job: JobRow) -> JobRow;

    /// Asks a running job to end. `false`: it does not run or cannot be cancelled.
    fn cancel(&self, id: JobId) -> bool;

    /// What does not work: of a tenant, or everywhere.
    fn failures(&self, tenant: Option<TenantId>) -> Vec<Failure>;
}

/// Why a desk refused.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// Try again later: the spool is full.
    #[error("the server is busy; try again later")]
    Busy,
    #[error("the operation failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No such submission waits.
    #[error("no such submission waits for a decision")]
    NotFound,
    /// It cannot be done as it was asked for; the code is for programs, the text for people.
    #[error("{detail}")]
    Refused { code: &'static str, detail: String },
}
