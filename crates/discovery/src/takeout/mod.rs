//! Mail that leaves the archive: exports into files, and mail sent back. Both are asked for here
//! and carried out one after the other by the server, with the rights that who asked has then.

mod files;
mod mailbox_file;
mod proof;
mod zipped;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use catalog::{Catalog, MailJobKind, MailJobRow, MailJobState, SecretBox, StoredRecord};
use index::{Calendar, LIMIT_MAX, Sort};
use ledger::Ledger;
use model::{AccountId, JobId, MatterId, RecordId, SourceId, TenantId, Timestamp};
use policy::Scope;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::matters::Draw;
use crate::search::parse;
use crate::{Discovery, Error, Result};

pub use files::Exporter;
pub use proof::{MailEvidence, ProvenDelivery};
pub use zipped::zip_folder;

/// Mails of one export or restore; more is refused, a narrower search is needed.
pub const TAKEOUT_MAILS_MAX: usize = 1_000_000;

/// Mails that are named one by one.
pub const TAKEOUT_NAMED_MAX: usize = 1_000;

/// How long the files of an export are kept, in days.
pub const EXPORT_KEPT_DAYS: i64 = 7;

/// The context under which the password of a restore is sealed; the job's id follows.
const SECRET_PLACE: &str = "restore ";

/// Proofs are made within a request: what is older was cut off by a crash.
const PROOF_AGE_MAX: Duration = Duration::from_secs(3600);

/// Mails that are read from the catalog at once.
const PAGE: usize = 200;

/// Which mails are meant; always within the scope of who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Which {
    /// What the holds of a matter froze.
    Matter(MatterId),
    Query(String),
    Records(Vec<RecordId>),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ExportFormat {
    /// One file for each mail: its very octets.
    #[default]
    Eml,
    /// One file for all (mboxrd): for programs that read nothing else.
    Mbox,
}

/// An export as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportRequest {
    pub which: Which,
    /// With evidence records, for `chancery-verify`.
    pub evidence: bool,
    pub format: ExportFormat,
    /// One file to be downloaded; else a folder on the server.
    pub zip: bool,
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ImapSecurity {
    /// For a server on the same machine, and for tests.
    None,
    Starttls,
    Tls,
}

/// Where mail is sent back to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum RestoreTarget {
    /// To an address, through the smarthost.
    Address { address: String },
    /// Into a mailbox, by IMAP APPEND.
    #[serde(rename_all = "camelCase")]
    Imap {
        host: String,
        port: u16,
        security: ImapSecurity,
        user: String,
        /// `None`: where the mail lay when it was fetched, or INBOX.
        folder: Option<String>,
        /// SHA-256 of the certificate, in hexadecimal digits: this one and no other.
        pinned: Option<String>,
    },
    /// Into a mailbox that is fetched, by the server and the secrets of its source.
    Source {
        source: SourceId,
        /// One of its mailboxes, as its server names it; empty where it has one only.
        mailbox: String,
        /// As above.
        folder: Option<String>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoreRequest {
    pub which: Which,
    pub target: RestoreTarget,
    pub reason: String,
}

/// What an export wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TakenOut {
    pub mails: u64,
    /// Of all files, before they are packed.
    pub bytes: u64,
    /// Left out because evidence names all recipients, and who asked may not know them.
    pub withheld: u64,
    /// Left out because their ledger events are not sealed yet.
    pub not_sealed: u64,
    /// What could not be read whole; the rest is complete.
    pub damaged: Vec<DamagedMail>,
    /// SHA-256 of the list of checksums: stands for everything that was written.
    pub sums: Option<model::Digest>,
    #[serde(skip)]
    pub cancelled: bool,
}

/// A mail that is damaged in the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DamagedMail {
    pub record: RecordId,
    pub why: String,
}

/// Who asks for something.
#[derive(Clone, Debug)]
pub struct Asker<'a> {
    pub tenant: TenantId,
    /// `None`: on the command line.
    pub account: Option<AccountId>,
    pub by: &'a str,
    pub now: Timestamp,
}

/// Takes orders for exports and restores.
pub struct Takeout {
    pub catalog: Arc<dyn Catalog>,
    pub ledger: Arc<Ledger>,
    pub draw: Draw,
    pub secrets: Arc<SecretBox>,
    /// Below it exports lie: a folder or a zip file named by the job.
    pub folder: PathBuf,
}

impl Takeout {
    /// # Errors
    /// [`Error::Query`] when the query is not understood; too many orders that wait.
    pub fn ask_export(&self, asker: &Asker<'_>, request: &ExportRequest) -> Result<MailJobRow> {
        check(&request.which)?;
        let row = self.row(asker, MailJobKind::Export, json!(request))?;
        self.catalog.add_mail_job(&row)?;
        Ok(row)
    }

    /// The password is kept sealed until the job has ended.
    ///
    /// # Errors
    /// As [`Takeout::ask_export`].
    pub fn ask_restore(
        &self,
        asker: &Asker<'_>,
        request: &RestoreRequest,
        password: Option<&str>,
    ) -> Result<MailJobRow> {
        check(&request.which)?;
        let mut row = self.row(asker, MailJobKind::Restore, json!(request))?;
        if let Some(password) = password {
            let sealed = self.secrets.seal(&place(row.id), password.as_bytes());
            row.secret = Some(sealed.map_err(|_| Error::NoRandomness)?);
        }
        self.catalog.add_mail_job(&row)?;
        Ok(row)
    }

    /// The password of a restore.
    pub fn password(&self, job: &MailJobRow) -> Option<String> {
        let opened = self.secrets.open(&place(job.id), job.secret.as_deref()?).ok()?;
        String::from_utf8(opened.to_vec()).ok()
    }

    fn row(
        &self,
        asker: &Asker<'_>,
        kind: MailJobKind,
        request: serde_json::Value,
    ) -> Result<MailJobRow> {
        Ok(MailJobRow {
            id: JobId::from_bytes((self.draw)().ok_or(Error::NoRandomness)?),
            tenant: asker.tenant,
            kind,
            account: asker.account,
            by: asker.by.to_owned(),
            state: MailJobState::Waiting,
            created_at: asker.now,
            ended_at: None,
            expires_at: None,
            done: 0,
            total: 0,
            request,
            result: json!({}),
            secret: None,
        })
    }

    /// Ends a job that waits or runs; a running one stops soon. `false`: it has ended.
    pub fn cancel(&self, id: JobId, now: Timestamp) -> Result<bool> {
        let open = [MailJobState::Running, MailJobState::Waiting];
        Ok(self.catalog.end_mail_job(id, &open, MailJobState::Cancelled, now)?)
    }

    /// Removes the files of a done export. `false`: there are none.
    ///
    /// # Errors
    /// When the files cannot be removed: they are named removed and tried again at the next sweep.
    pub fn remove(&self, id: JobId, now: Timestamp) -> Result<bool> {
        let done = [MailJobState::Done];
        if !self.catalog.end_mail_job(id, &done, MailJobState::Removed, now)? {
            return Ok(false);
        }
        self.remove_files(id).map_err(Error::Files)?;
        Ok(true)
    }

    /// Removes whatever lies there of the job.
    pub fn remove_files(&self, id: JobId) -> std::io::Result<()> {
        let gone = |result: std::io::Result<()>| match result {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            result => result,
        };
        gone(std::fs::remove_file(self.zip(id)))?;
        gone(std::fs::remove_file(self.part(id).with_extension("zip-part")))?;
        gone(std::fs::remove_dir_all(self.part(id)))?;
        gone(std::fs::remove_dir_all(self.done(id)))
    }

    /// Removes files of jobs that do not exist (their tenant was removed) or have none any more, and
    /// what a crash left of proofs.
    ///
    /// # Errors
    /// Of the catalog, or when the folder cannot be read.
    pub fn remove_strangers(&self) -> Result<()> {
        let entries = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(Error::Files)?,
        };
        for entry in entries {
            let entry = entry.map_err(Error::Files)?;
            let name = entry.file_name();
            if name.to_str().is_some_and(|name| name.starts_with("proof-")) {
                let made = entry.metadata().and_then(|it| it.modified()).map_err(Error::Files)?;
                if made.elapsed().is_ok_and(|age| age > PROOF_AGE_MAX) {
                    std::fs::remove_dir_all(entry.path()).map_err(Error::Files)?;
                }
                continue;
            }
            let Some(id) = name.to_str().and_then(|name| name.strip_prefix("mail-")) else {
                continue;
            };
            let id = id.split('.').next().unwrap_or_default().parse::<JobId>();
            let Ok(id) = id else { continue };
            let has_files =
                |job: MailJobRow| job.state.is_open() || job.state == MailJobState::Done;
            if !self.catalog.mail_job(id)?.is_some_and(has_files) {
                self.remove_files(id).map_err(Error::Files)?;
            }
        }
        Ok(())
    }

    /// The folder of a done export.
    pub fn done(&self, id: JobId) -> PathBuf {
        self.folder.join(format!("mail-{id}"))
    }

    /// The folder of one in progress.
    pub fn part(&self, id: JobId) -> PathBuf {
        self.folder.join(format!("mail-{id}.part"))
    }

    /// The zip file of a done export.
    pub fn zip(&self, id: JobId) -> PathBuf {
        self.folder.join(format!("mail-{id}.zip"))
    }
}

fn place(id: JobId) -> String {
    format!("{SECRET_PLACE}{id}")
}

fn check(which: &Which) -> Result<()> {
    match which {
        Which::Query(text) => parse(text).map(|_| ()),
        Which::Records(ids) if ids.len() > TAKEOUT_NAMED_MAX || ids.is_empty() => {
            Err(Error::TooMany(TAKEOUT_NAMED_MAX))
        }
        Which::Matter(_) | Which::Records(_) => Ok(()),
    }
}

impl Discovery {
    /// The mails that are meant and that the scope shows, each once. A query is answered as of
    /// `now`, in UTC.
    ///
    /// # Errors
    /// [`Error::TooMany`] beyond [`TAKEOUT_MAILS_MAX`].
    pub fn select(&self, scope: &Scope, which: &Which, now: Timestamp) -> Result<Vec<RecordId>> {
        let mut found = match which {
            Which::Matter(matter) => self.select_held(scope, *matter)?,
            Which::Query(query) => self.select_found(scope, query, now)?,
            Which::Records(ids) => ids.clone(),
        };
        found.sort_unstable();
        found.dedup();
        // The index may show what was opened for others meanwhile; the catalog decides.
        let mut visible = Vec::with_capacity(found.len());
        for page in found.chunks(PAGE) {
            visible.extend(self.catalog.rows(scope, page)?.into_iter().map(|row| row.record));
        }
        Ok(visible)
    }

    fn select_held(&self, scope: &Scope, matter: MatterId) -> Result<Vec<RecordId>> {
        let tenant = scope.tenant();
        let count = self.catalog.held_count(tenant, matter)?;
        too_many(usize::try_from(count).unwrap_or(usize::MAX))?;
        let mut all: Vec<RecordId> = Vec::new();
        loop {
            let page = self.catalog.held_records(tenant, matter, all.last().copied(), 10_000)?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    fn select_found(&self, scope: &Scope, query: &str, now: Timestamp) -> Result<Vec<RecordId>> {
        let (query, calendar) = (parse(query)?, Calendar::utc(now));
        let (mut all, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let request = index::SearchRequest {
                query: &query,
                calendar: &calendar,
                sort: Sort::DateAscending,
                cursor: cursor.as_deref(),
                limit: LIMIT_MAX,
                facets: false,
            };
            let hits = self.index.search(scope, &request)?;
            too_many(usize::try_from(hits.total).unwrap_or(usize::MAX))?;
            all.extend(hits.rows.iter().map(|hit| hit.record));
            too_many(all.len())?;
            match hits.next {
                Some(next) => cursor = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// A record with its mail, byte for byte, for somebody with the right to see it; `None`: it
    /// does not exist for the scope.
    ///
    /// # Errors
    /// [`Error::Archive`] when it cannot be read.
    pub fn take(&self, scope: &Scope, id: RecordId) -> Result<Option<(StoredRecord, Vec<u8>)>> {
        let Some(detail) = self.catalog.record(scope, id)? else { return Ok(None) };
        let octets = self.archive.mail(scope.tenant(), &detail.stored)?;
        Ok(Some((detail.stored, octets)))
    }
}

fn too_many(count: usize) -> Result<()> {
    match count > TAKEOUT_MAILS_MAX {
        true => Err(Error::TooMany(TAKEOUT_MAILS_MAX)),
        false => Ok(()),
    }
}

/// A folder for its owner alone, and the folders above it.
pub(crate) fn private_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;

    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}
