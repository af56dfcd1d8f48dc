use std::net::IpAddr;
use std::sync::Arc;

use catalog::Catalog;
use discovery::Discovery;
use identity::Identity;
use model::{Clock, QuarantineId, TenantId};

use crate::blocking::Blocking;
use crate::dto::Status;
use crate::http_figures::HttpFigures;
use crate::live_log::LiveLog;
use crate::operation::Operation;
use crate::trail::Trail;

/// What the routes work with.
#[derive(Clone)]
pub struct AppState {
    pub identity: Arc<Identity>,
    pub catalog: Arc<dyn Catalog>,
    pub discovery: Arc<Discovery>,
    pub status: Arc<dyn StatusSource>,
    pub quarantine: Arc<dyn QuarantineDesk>,
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
    /// in lower case; requests for others are refused. Empty accepts any name: then another name
    /// that resolves to this server (DNS rebinding) is answered as well, without a cookie.
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
}
