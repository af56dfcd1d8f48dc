use std::io::{BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use api::dto::BackupSummary;
use catalog::{AuditEvent, AuditOutcome, Catalog, Snapshot};
use model::Clock as _;
use spool::{Spool, SpoolKey, SpoolLimits};
use store::{Vault, VaultOptions};

use super::files_below;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::control::{self, Answer, Frame, ServerDesk};
use crate::house::House;
use crate::operation::LAST_BACKUP;

/// How long the server waits, without archiving, for the snapshot to be taken.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// How long a backup may take before the server erases settled segments again.
const HOLD_MAX: Duration = Duration::from_secs(48 * 3600);

/// The folders that are copied; `index/` is made anew from the others.
const FOLDERS: [&str; 3] = ["spool", "tls", "vault"];

/// A file of the data folder that is to be copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub path: String,
    /// So many octets, of a file that only grows; `None`: all of it.
    pub bytes: Option<u64>,
}

/// The data folder, held still as far as a copy needs it.
pub struct Held {
    pub files: Vec<Source>,
    pub snapshot: Option<Box<dyn Snapshot>>,
    by: By,
}

/// Who holds it.
enum By {
    /// The running server, until the connection ends.
    Server(UnixStream),
    /// This process, which has the locks: no server runs.
    Us { _vault: Vault, _spool: Spool },
}

impl Held {
    /// Asks the running server to keep still; without one, takes the locks.
    ///
    /// # Errors
    /// When neither can be done.
    pub fn take(config: &Config, house: &House) -> anyhow::Result<Self> {
        let catalog = &*house.catalog;
        match UnixStream::connect(house.control_socket()) {
            Ok(stream) => Self::ask(stream, catalog),
            Err(_) => Self::lock(config, house),
        }
    }

    fn ask(stream: UnixStream, catalog: &dyn Catalog) -> anyhow::Result<Self> {
        let mut output = stream.try_clone()?;
        control::write_frame(&mut output, &Frame::Backup)?;
        let mut input = BufReader::new(stream.try_clone()?);
        let mut files = Vec::new();
        loop {
            match control::read_answer(&mut input)?.context("the server went away")? {
                Answer::File { path, bytes } => files.push(Source { path, bytes }),
                Answer::Paused => break,
                Answer::Refused { reason } => anyhow::bail!("{reason}"),
                _ => anyhow::bail!("the server gave another answer"),
            }
        }
        let snapshot = Some(catalog.snapshot()?);
        control::write_frame(&mut output, &Frame::Resume)?;
        output.flush()?;
        Ok(Self { files, snapshot, by: By::Server(stream) })
    }

    fn lock(_: &Config, house: &House) -> anyhow::Result<Self> {
        let key = house.master_key()?;
        let vault = Vault::open(&house.folder.join("vault"), &key, VaultOptions::default())
            .context("cannot open the vault")?;
        let (id, secret) = key.spool_secret();
        let limits = SpoolLimits::default();
        let spool = Spool::open(&house.folder.join("spool"), &SpoolKey::new(id, secret), limits)
            .context("cannot open the spool")?;
        let files = list(&house.folder)?;
        let snapshot = Some(house.catalog.snapshot()?);
        Ok(Self { files, snapshot, by: By::Us { _vault: vault, _spool: spool } })
    }

    /// Lets go, and tells the server how it went.
    pub fn end(self, summary: &BackupSummary) -> anyhow::Result<()> {
        if let By::Server(stream) = self.by {
            let mut output = stream.try_clone()?;
            control::write_frame(&mut output, &Frame::BackupDone { summary: summary.clone() })?;
            output.flush()?;
            // The server answers when it has noted this.
            let _ = control::read_answer(&mut BufReader::new(stream));
        }
        Ok(())
    }

    /// Whether a server runs: it notes the outcome itself.
    pub fn by_server(&self) -> bool {
        matches!(self.by, By::Server(_))
    }
}

/// The server's side of a backup: keeps still, names the files, goes on, and keeps settled
/// segments, and packs as they are, until the client is done.
///
/// # Errors
/// When the client goes away before it is done; that is noted as a failed backup.
pub fn keep_still(
    stream: &UnixStream,
    input: &mut impl std::io::Read,
    desk: &ServerDesk,
) -> anyhow::Result<()> {
    let begun = SystemClock.now();
    let served = serve(stream, input, desk);
    let summary = match &served {
        Ok(summary) => summary.clone(),
        Err(_) => failed(begun),
    };
    note(&*desk.catalog, &summary)?;
    if served.is_ok() {
        write(stream, &Answer::Done)?;
        tracing::info!(files = summary.files, bytes = summary.bytes, "backup done");
    } else {
        tracing::error!("a backup did not come to its end");
    }
    served.map(|_| ())
}

fn serve(
    stream: &UnixStream,
    input: &mut impl std::io::Read,
    desk: &ServerDesk,
) -> anyhow::Result<BackupSummary> {
    let _hold = (desk.spool.hold(), desk.vault.hold());
    let paused = desk.pause.pause();
    stream.set_read_timeout(Some(PAUSE_MAX))?;
    let mut output = std::io::BufWriter::new(stream);
    for file in list(&desk.folder)? {
        write(&mut output, &Answer::File { path: file.path, bytes: file.bytes })?;
    }
    write(&mut output, &Answer::Paused)?;
    output.flush()?;
    let Frame::Resume = control::read_frame(input)? else {
        anyhow::bail!("the backup was given up");
    };
    drop(paused);
    stream.set_read_timeout(Some(HOLD_MAX))?;
    match control::read_frame(input)? {
        Frame::BackupDone { summary } => Ok(summary),
        _ => anyhow::bail!("the backup was given up"),
    }
}

fn write(mut output: impl std::io::Write, answer: &Answer) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    Ok(output.write_all(&line)?)
}

/// Remembers how the last backup went.
///
/// # Errors
/// When the catalog cannot be written.
pub fn note(catalog: &dyn Catalog, summary: &BackupSummary) -> anyhow::Result<()> {
    catalog.set_setting(LAST_BACKUP, &serde_json::to_string(summary)?)?;
    let done = summary.outcome == "done";
    catalog.audit(&[AuditEvent {
        at: SystemClock.now(),
        tenant: None,
        account: None,
        who: "command line".to_owned(),
        action: "backup".to_owned(),
        object: String::new(),
        detail: serde_json::to_value(summary)?,
        reason: None,
        outcome: if done { AuditOutcome::Done } else { AuditOutcome::Failed },
        ip: None,
    }])?;
    Ok(())
}

pub fn failed(at: model::Timestamp) -> BackupSummary {
    BackupSummary {
        at,
        outcome: "failed".to_owned(),
        files: 0,
        bytes: 0,
        bytes_copied: 0,
        seconds: 0,
    }
}

/// What of the data folder is copied beside the catalog.
///
/// # Errors
/// When a folder cannot be listed.
pub fn list(folder: &Path) -> anyhow::Result<Vec<Source>> {
    let mut all = Vec::new();
    for name in FOLDERS {
        let below = folder.join(name);
        if !below.is_dir() {
            continue;
        }
        for file in
            files_below(&below).with_context(|| format!("cannot list {}", below.display()))?
        {
            let path = PathBuf::from(name).join(&file);
            let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
            if matches!(extension, "lock" | "new") {
                continue;
            }
            let grows = matches!(extension, "done" | "keys" | "mail" | "pack" | "seg");
            let bytes = match std::fs::metadata(folder.join(&path)) {
                Ok(metadata) => grows.then_some(metadata.len()),
                // Settled and erased between the two looks.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error).context("cannot look at a file"),
            };
            let text = path.to_str().context("a file with an odd name")?.to_owned();
            all.push(Source { path: text, bytes });
        }
    }
    Ok(all)
}
