//! The control socket: how a command on this machine hands mail to the running server.
//!
//! A connection is one import, or one backup (`backup::hold`). The client sends frames: four octets of length (big-endian), a
//! JSON header, and for a mail its octets. The server answers with JSON lines, one for each mail,
//! when it is archived. Only the server's own user can connect: the socket has mode 0600.

mod imports;

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::Context as _;
use api::TenantDesk as _;
use api::dto::{BackupSummary, Severity};
use catalog::{Catalog, QuarantineFilter};
use discovery::{Asker, ExportRequest, MatterDesk, MatterDraft, RestoreRequest, Takeout};
use model::{Clock, EmailAddress, HoldId, JobId, MatterId, QuarantineId, SourceId, TenantId};
use pipeline::{Bulk, BulkDone, Pause, QuarantineDesk};
use serde::{Deserialize, Serialize};
use serde_json::json;
use spool::Spool;
use store::Vault;

use crate::fetching::ServerFetch;
use crate::operation::ServerOperation;
use crate::tenancy::TenantDesk;
use crate::{backup, questions};

/// Frame headers are small; a longer one is no frame.
const HEADER_BYTES_MAX: u32 = 64 * 1024;

pub use imports::ImportWatch;

/// What the client sends.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "frame", rename_all = "snake_case")]
pub enum Frame {
    /// First and only: something is to be told.
    Ask { question: Question },
    /// First: a backup is to be made; the server keeps still and names its files.
    Backup,
    /// The backup is complete.
    BackupDone { summary: BackupSummary },
    /// First: for whom.
    Begin { tenant: TenantId, mailbox: Option<EmailAddress> },
    /// Alone: the catalog says something new of the tenant.
    Changed { tenant: TenantId },
    /// Alone: decisions about what waits in quarantine.
    Decide(Decide),
    /// Alone: what an officer decides about matters and holds.
    Matter { tenant: TenantId, by: String, order: MatterOrder },
    /// Alone: mail is to leave the archive.
    Takeout { tenant: TenantId, by: String, order: Box<TakeoutOrder> },
    /// A mail; its octets follow.
    Mail { name: String, bytes: u64 },
    /// Last: nothing more comes.
    End,
    /// Alone: something about a source that is fetched.
    Fetch { tenant: TenantId, source: SourceId, order: FetchOrder },
    /// The catalog's snapshot is taken: archiving goes on.
    Resume,
    /// Alone: the tenant's removal was begun and is to be completed.
    Remove { tenant: TenantId, by: String },
}

/// What is to be done with a source that is fetched.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FetchOrder {
    /// The catalog says something new of it.
    Changed,
    Pause,
    Poll,
    Reconcile {
        by: String,
    },
    Reset,
    Resume,
}

/// Which submissions, and what becomes of them.
#[derive(Debug, Serialize, Deserialize)]
pub struct Decide {
    pub tenant: TenantId,
    pub bulk: Bulk,
    /// One of them, or all that wait for `for_reason`.
    pub id: Option<QuarantineId>,
    pub for_reason: Option<String>,
    pub by: String,
    pub reason: String,
}

/// What becomes of a matter, or of a hold.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum MatterOrder {
    Close { matter: MatterId, reason: String },
    Open { draft: MatterDraft },
    Place { matter: MatterId, reason: String },
    Release { hold: HoldId, reason: String },
}

/// What leaves the archive, and how.
#[derive(Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum TakeoutOrder {
    Export(ExportRequest),
    Remove { job: JobId },
    Restore { request: RestoreRequest, password: Option<String> },
}

impl std::fmt::Debug for TakeoutOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TakeoutOrder")
    }
}

/// What a command may ask the running server.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Question {
    Connect { tenant: TenantId, check: bool },
    Log { tenant: Option<String>, severity: Severity, follow: bool },
    Notifications,
    Readiness,
    System,
}

/// What the server answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    Archived {
        name: String,
        bytes: u64,
    },
    Decided(BulkDone),
    Done,
    /// A file that belongs into the backup, so many octets of it.
    File {
        path: String,
        bytes: Option<u64>,
    },
    /// The mail was not taken; it can be imported again.
    Failed {
        name: String,
        bytes: u64,
        reason: String,
    },
    Known {
        name: String,
        bytes: u64,
    },
    Merged {
        name: String,
        bytes: u64,
    },
    /// All files are named, and nothing is archived until [`Frame::Resume`].
    Paused,
    Quarantined {
        name: String,
        bytes: u64,
        reason: String,
    },
    /// Nothing was begun.
    Refused {
        reason: String,
    },
    Told {
        value: serde_json::Value,
    },
}

/// What imports and backups need of the server.
#[derive(Clone)]
pub struct ServerDesk {
    pub spool: Spool,
    pub vault: Arc<Vault>,
    pub clock: Arc<dyn Clock>,
    pub watch: Arc<ImportWatch>,
    pub folder: PathBuf,
    pub catalog: Arc<dyn Catalog>,
    pub pause: Pause,
    pub quarantine: QuarantineDesk,
    pub tenants: Arc<TenantDesk>,
    /// There once sources are read.
    pub fetch: Arc<OnceLock<Arc<ServerFetch>>>,
    pub matters: Arc<MatterDesk>,
    pub takeout: Arc<Takeout>,
    /// There once the listeners are.
    pub operation: Arc<OnceLock<Arc<ServerOperation>>>,
}

/// Listens at `path` until `stop`; each connection gets a thread.
///
/// # Errors
/// When the socket cannot be made.
pub fn listen(path: &Path, desk: ServerDesk, stop: Arc<AtomicBool>) -> anyhow::Result<()> {
    // A socket that a killed server left behind; the data folder's lock says that none runs.
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path)
        .with_context(|| format!("cannot make the control socket {}", path.display()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    std::thread::Builder::new().name("control".to_owned()).spawn(move || {
        for stream in listener.incoming() {
            if stop.load(Ordering::SeqCst) {
                return;
            }
            let Ok(stream) = stream else { continue };
            let desk = desk.clone();
            let import = move || {
                if let Err(error) = serve(&stream, &desk) {
                    tracing::warn!(error = format!("{error:#}"), "a command ended early");
                }
            };
            if std::thread::Builder::new().name("import".to_owned()).spawn(import).is_err() {
                tracing::warn!("no thread for an import");
            }
        }
    })?;
    Ok(())
}

/// Ends [`listen`]: wakes it by a connection after `stop` was set.
pub fn wake(path: &Path) {
    let _ = UnixStream::connect(path);
}

/// Serves one import to its end.
///
/// # Errors
/// When the client goes away or sends no frames; what it sent before is archived all the same.
pub fn serve(stream: &UnixStream, desk: &ServerDesk) -> anyhow::Result<()> {
    let mut input = BufReader::with_capacity(1 << 18, stream);
    if input.fill_buf()?.is_empty() {
        // Somebody looked whether a server is there.
        return Ok(());
    }
    let (tenant, mailbox) = match read_frame(&mut input)? {
        Frame::Ask { question } => {
            return questions::tell(stream, desk.operation.get(), question);
        }
        Frame::Backup => return backup::keep_still(stream, &mut input, desk),
        Frame::Begin { tenant, mailbox } => (tenant, mailbox),
        order @ (Frame::Changed { .. }
        | Frame::Decide(_)
        | Frame::Fetch { .. }
        | Frame::Matter { .. }
        | Frame::Remove { .. }
        | Frame::Takeout { .. }) => {
            return answer(stream, &carry_out(desk, order));
        }
        _ => anyhow::bail!("an import begins with a tenant"),
    };
    imports::take(stream, &mut input, desk, (tenant, mailbox))
}

/// Orders that are no imports.
fn carry_out(desk: &ServerDesk, order: Frame) -> Answer {
    let done = |result: Result<(), api::DeskError>| match result {
        Ok(()) => Answer::Done,
        Err(error) => Answer::Refused { reason: pipeline::Error::chain(&error) },
    };
    match order {
        Frame::Changed { tenant } => done(desk.tenants.changed(tenant)),
        Frame::Fetch { tenant, source, order } => match desk.fetch.get() {
            Some(fetch) => done(fetch_order(fetch, tenant, source, order)),
            None => Answer::Refused { reason: "no server runs on this data folder".to_owned() },
        },
        Frame::Remove { tenant, by } => {
            done(desk.tenants.complete_removal(tenant, &by).map(|_| ()))
        }
        Frame::Matter { tenant, by, order } => told(matter(desk, tenant, &by, order)),
        Frame::Takeout { tenant, by, order } => told(takeout(desk, tenant, &by, *order)),
        Frame::Decide(decide) => match decide_now(&desk.quarantine, &decide) {
            Ok(decided) => Answer::Decided(decided),
            Err(error) => Answer::Refused { reason: pipeline::Error::chain(&error) },
        },
        _ => Answer::Done,
    }
}

fn fetch_order(
    fetch: &ServerFetch,
    tenant: TenantId,
    source: SourceId,
    order: FetchOrder,
) -> Result<(), api::DeskError> {
    use api::FetchDesk as _;
    match order {
        FetchOrder::Changed => fetch.changed(tenant, source),
        FetchOrder::Pause => fetch.pause(source, true),
        FetchOrder::Poll => fetch.poll(source),
        FetchOrder::Reconcile { by } => fetch.reconcile(source, &by),
        FetchOrder::Reset => fetch.reset(source, &[]),
        FetchOrder::Resume => fetch.pause(source, false),
    }
}

fn told(result: discovery::Result<serde_json::Value>) -> Answer {
    match result {
        Ok(value) => Answer::Told { value },
        Err(error) => Answer::Refused { reason: pipeline::Error::chain(&error) },
    }
}

fn matter(
    desk: &ServerDesk,
    tenant: TenantId,
    by: &str,
    order: MatterOrder,
) -> discovery::Result<serde_json::Value> {
    let (desk, now) = (&desk.matters, desk.clock.now());
    Ok(match order {
        MatterOrder::Close { matter, reason } => {
            json!({ "matter": desk.close(tenant, matter, by, &reason, now)?.id })
        }
        MatterOrder::Open { draft } => json!({ "matter": desk.open(tenant, draft, by, now)?.id }),
        MatterOrder::Place { matter, reason } => {
            json!({ "hold": desk.place(tenant, matter, by, &reason, now)?.facts.id })
        }
        MatterOrder::Release { hold, reason } => {
            json!({ "hold": desk.release(tenant, hold, by, &reason, now)?.facts.id })
        }
    })
}

fn takeout(
    desk: &ServerDesk,
    tenant: TenantId,
    by: &str,
    order: TakeoutOrder,
) -> discovery::Result<serde_json::Value> {
    let now = desk.clock.now();
    let asker = Asker { tenant, account: None, by, now };
    Ok(match order {
        TakeoutOrder::Export(request) => {
            json!({ "job": desk.takeout.ask_export(&asker, &request)?.id })
        }
        TakeoutOrder::Remove { job } => json!({ "removed": desk.takeout.remove(job, now)? }),
        TakeoutOrder::Restore { request, password } => {
            let row = desk.takeout.ask_restore(&asker, &request, password.as_deref())?;
            json!({ "job": row.id })
        }
    })
}

fn decide_now(desk: &QuarantineDesk, decide: &Decide) -> pipeline::Result<BulkDone> {
    let Decide { tenant, bulk, id, for_reason, by, reason } = decide;
    let Some(id) = id else {
        let filter = QuarantineFilter { reason: for_reason.clone(), state: None };
        return desk.bulk(*tenant, &filter, *bulk, (by, reason), &());
    };
    let decided = match bulk {
        Bulk::Discard => desk.discard(*tenant, *id, by, reason)?,
        Bulk::Release => desk.release(*tenant, *id, by, reason)?,
        Bulk::Retry => desk.retry(*tenant, *id, by)?,
    };
    Ok(BulkDone { seen: u64::from(decided), decided: u64::from(decided), failed: 0 })
}

fn answer(mut stream: &UnixStream, answer: &Answer) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    stream.write_all(&line).context("the client went away")
}

pub fn read_frame(input: &mut impl Read) -> anyhow::Result<Frame> {
    let mut length = [0; 4];
    input.read_exact(&mut length).context("the client went away")?;
    let length = u32::from_be_bytes(length);
    anyhow::ensure!(length <= HEADER_BYTES_MAX, "a frame header of {length} bytes");
    let mut header = vec![0; length as usize];
    input.read_exact(&mut header).context("the client went away")?;
    serde_json::from_slice(&header).context("a frame that is not known")
}

/// The client's side: writes a frame header; a mail's octets follow by [`std::io::Write`].
pub fn write_frame(output: &mut impl std::io::Write, frame: &Frame) -> anyhow::Result<()> {
    let header = serde_json::to_vec(frame)?;
    output.write_all(&u32::try_from(header.len())?.to_be_bytes())?;
    output.write_all(&header)?;
    Ok(())
}

/// The client's side: the next answer; `None` when the server went away.
pub fn read_answer(input: &mut impl std::io::BufRead) -> anyhow::Result<Option<Answer>> {
    let mut line = String::new();
    if input.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(serde_json::from_str(&line)?))
}
