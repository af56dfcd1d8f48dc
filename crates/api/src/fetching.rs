use catalog::{AuditEvent, FetchConfig, FetchSecrets};
use model::{SourceId, TenantId};

use crate::dto;
use crate::state::DeskError;

/// Secrets as they were typed; what is absent is taken from `saved`.
pub struct TypedSecrets<'a> {
    pub password: Option<&'a str>,
    pub client_secret: Option<&'a str>,
    pub client_key: Option<&'a str>,
    pub saved: Option<(SourceId, &'a FetchSecrets)>,
}

/// How a source is doing now.
#[derive(Default)]
pub struct FetchStatus {
    pub state: catalog::FetchState,
    pub live: Option<dto::FetchLive>,
    pub polled_at: Option<model::Timestamp>,
    pub next_at: Option<model::Timestamp>,
}

/// What only the running server does for sources that are fetched. Blocking.
pub trait FetchDesk: Send + Sync {
    /// An id that nobody has.
    fn new_id(&self) -> Result<SourceId, DeskError>;

    /// Seals `which` (a name in [`FetchSecrets`]) of a source.
    fn seal(&self, id: SourceId, which: &str, secret: &str) -> Result<String, DeskError>;

    /// The catalog says something new of the source, or has it no more.
    fn changed(&self, tenant: TenantId, id: SourceId) -> Result<(), DeskError>;

    /// Reads it now.
    fn poll(&self, id: SourceId) -> Result<(), DeskError>;

    /// Compares it with the archive now.
    fn reconcile(&self, id: SourceId, by: &str) -> Result<(), DeskError>;

    /// Leaves it alone, or no longer. Durable on return.
    fn pause(&self, id: SourceId, paused: bool) -> Result<(), DeskError>;

    /// Forgets how far it is read; waits for the end of a run. Durable on return.
    fn reset(&self, id: SourceId, audit: &[AuditEvent]) -> Result<(), DeskError>;

    /// `None`: the desk does not know it.
    fn status(&self, id: SourceId) -> Option<FetchStatus>;

    /// Tries everything that a run needs and changes nothing; takes up to minutes.
    fn test(&self, config: &FetchConfig, secrets: &TypedSecrets<'_>) -> dto::FetchTest;
}
