use model::{AccountId, JobId, RecordId, TenantId, Timestamp};

use crate::{AuditEvent, CatalogError, NewLedgerEvent};

/// Exports and restores of one tenant that wait or run; one more is refused.
pub const OPEN_MAIL_JOBS_MAX: u32 = 100;

/// Ended ones that are kept; older ones stand in the audit log only.
pub const MAIL_JOBS_KEPT: u32 = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MailJobKind {
    /// Out of the archive, into files.
    Export,
    /// Back to people.
    Restore,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MailJobState {
    Cancelled,
    Done,
    Failed,
    /// Its files are gone: removed, or expired.
    Removed,
    Running,
    Waiting,
}

impl MailJobState {
    /// Whether it waits or runs.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Running | Self::Waiting)
    }
}

/// Mail that goes out of the archive: what was asked for, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailJobRow {
    pub id: JobId,
    pub tenant: TenantId,
    pub kind: MailJobKind,
    /// With whose rights; `None`: on the command line.
    pub account: Option<AccountId>,
    /// The user name of who asked.
    pub by: String,
    pub state: MailJobState,
    pub created_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// When its files go.
    pub expires_at: Option<Timestamp>,
    pub done: u64,
    /// 0 while it is not known.
    pub total: u64,
    /// No secrets.
    pub request: serde_json::Value,
    pub result: serde_json::Value,
    /// Sealed; only until the job has ended.
    pub secret: Option<String>,
}

/// Exports and restores: they wait their turn, and go on after a crash. Durable on return.
pub trait MailJobs: Send + Sync {
    /// # Errors
    /// When [`OPEN_MAIL_JOBS_MAX`] wait or run.
    fn add_mail_job(&self, job: &MailJobRow) -> Result<(), CatalogError>;

    /// Writes down how far it is: everything but what was asked for. A job that was cancelled or
    /// removed meanwhile stays so: then `false`. The secret goes when the job is not open any more.
    fn save_mail_job(&self, job: &MailJobRow) -> Result<bool, CatalogError>;

    /// Ends a job that is open, with its event of the ledger and that of the audit log: all or nothing,
    /// so that a crash cannot write them twice. `false`: it was cancelled meanwhile, or has ended, and
    /// nothing is written.
    fn finish_mail_job(
        &self,
        job: &MailJobRow,
        event: Option<&NewLedgerEvent>,
        audit: &AuditEvent,
    ) -> Result<bool, CatalogError>;

    /// Ends a job that is in one of the states `from`. `false`: it is in none of them.
    fn end_mail_job(
        &self,
        id: JobId,
        from: &[MailJobState],
        to: MailJobState,
        at: Timestamp,
    ) -> Result<bool, CatalogError>;

    fn mail_job(&self, id: JobId) -> Result<Option<MailJobRow>, CatalogError>;

    /// Newest first: of one account, or of the whole tenant for `None`.
    fn mail_jobs(
        &self,
        tenant: TenantId,
        kind: MailJobKind,
        account: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<MailJobRow>, CatalogError>;

    /// All that wait or run, in the order in which they were asked for.
    fn open_mail_jobs(&self, kind: MailJobKind) -> Result<Vec<MailJobRow>, CatalogError>;

    /// Done exports whose time is over, at most `limit`.
    fn expired_mail_jobs(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<MailJobRow>, CatalogError>;

    /// Done exports with a mail that the archive does not have any more, at most `limit`: what was
    /// disposed of must not be read in their files. Looks at every mail of every done export.
    fn outdated_mail_jobs(&self, limit: u32) -> Result<Vec<JobId>, CatalogError>;

    /// Mails of the job are through: sent, or written into its files.
    fn mails_done(&self, job: JobId, records: &[RecordId]) -> Result<(), CatalogError>;

    fn is_mail_done(&self, job: JobId, record: RecordId) -> Result<bool, CatalogError>;
}
